//! Whose session it was that holds no more: its cookie still says so.

use std::sync::Arc;

use super::ledger::slot_of;
use super::records::read_record;
use super::{Place, World};
use crate::auth::cookie::OwnCookies;
use crate::auth::realm::Realm;
use crate::store::Held;

/// The provider and the user of the session whose cookie came along, whether or not it holds
/// still; none where that can't be known, or is not one person's.
pub(in crate::gateway) async fn former<W: World>(
    world: &Arc<W>,
    own: &OwnCookies<'_>,
) -> Option<(String, String)> {
    let mut former = None;
    for value in own.candidates() {
        let found = match world.sessions().place {
            Place::Stored => from_store(world, own.realm, &value).await,
            Place::Cookie | Place::Coordinated => {
                let session = world.sessions().sealer.open_session(own.realm, &value).ok();
                session.map(|session| (session.provider, session.identity.user))
            }
        };
        match (&former, found) {
            (Some(former), Some(found)) if *former != found => return None,
            (_, Some(found)) => former = Some(found),
            (_, None) => {}
        }
    }
    former
}

async fn from_store<W: World>(
    world: &Arc<W>,
    realm: Realm<'_>,
    value: &str,
) -> Option<(String, String)> {
    let sessions = world.sessions();
    let cookie = Arc::new(sessions.sealer.open_ticket(realm, value).ok()?);
    let read = world.ledger()?.store().read(slot_of(cookie.ticket.id)).await;
    let Ok(Held::Record(record)) = read else { return None };
    let session = read_record(sessions, realm, Some(&cookie), &record).ok()?.session;
    Some((session.provider, session.identity.user))
}
