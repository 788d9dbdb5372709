//! What an answer tells the browser of its session: a newer cookie, or that it was seen.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use super::records::{keep_record, record_of};
use super::registry::Newer;
use super::{Current, Place, World, candidates};
use crate::auth::cookie::{OwnCookies, set_cookie_name};
use crate::auth::refresh::Standing;
use crate::gateway::sealer::cookie_field;
use crate::telemetry::RefreshOutcome;

/// What of a request decides whether its answer may carry a touched cookie.
pub(in crate::gateway) struct RequestTraits {
    may_touch: bool,
}

impl RequestTraits {
    /// Answers to images, scripts and the like set no cookie: they come in crowds, and caches
    /// like to keep them.
    pub(in crate::gateway) fn of(headers: &HeaderMap) -> Self {
        let destination = headers.get("sec-fetch-dest").map(HeaderValue::as_bytes);
        let crowd = [&b"image"[..], b"script", b"style", b"font", b"audio", b"video", b"track"];
        let may_touch = destination.is_none_or(|destination| !crowd.contains(&destination))
            && !headers.contains_key(header::UPGRADE);
        Self { may_touch }
    }
}

/// Brings the browser's cookie up to date, on the way of an answer.
pub(in crate::gateway) fn refresh_cookie<W: World>(
    world: &Arc<W>,
    current: &Current,
    own: &OwnCookies<'_>,
    request: &RequestTraits,
    answer: &mut HeaderMap,
) {
    let sessions = world.sessions();
    let presented = &current.presented.session;
    let newer = if current.epoch == sessions.registry.epoch()
        && current.newest.session.generation == presented.generation
    {
        Newer::Nothing
    } else {
        sessions.registry.newer(presented)
    };
    let lines = match newer {
        // A ticket stays the same, and a renewed session was written down.
        Newer::Lines(_) if sessions.place == Place::Stored => Vec::new(),
        Newer::Nothing if sessions.place == Place::Stored => {
            touch_record(world, current, request, answer)
        }
        Newer::Lines(lines) => {
            sessions.metrics.refresh(RefreshOutcome::replayed);
            lines
        }
        Newer::Nothing => touch_cookie(world.as_ref(), current, request, answer),
        // A cookie set now would come after the sign-out, or before the one that is on its way.
        Newer::Flying | Newer::Revoked => Vec::new(),
    };
    if !lines.is_empty() {
        set_cookies(&lines, own, answer);
    }
}

/// Sets the cookies of a session, and clears parts that the new form does not use any more.
pub(in crate::gateway) fn set_cookies(
    lines: &[HeaderValue],
    own: &OwnCookies<'_>,
    answer: &mut HeaderMap,
) {
    for line in own.realm.cookies.clear_parts(own) {
        let name = set_cookie_name(line.as_bytes());
        let set_again = lines.iter().any(|new| set_cookie_name(new.as_bytes()) == name);
        if !set_again {
            answer.extend(cookie_field(&line).map(|line| (header::SET_COOKIE, line)));
        }
    }
    for line in lines {
        answer.append(header::SET_COOKIE, line.clone());
    }
    // No cache between here and the browser may keep this answer (C-107).
    let kept = answer.get(header::CACHE_CONTROL).map(HeaderValue::as_bytes);
    if kept.is_none_or(|kept| memchr::memmem::find(kept, b"no-store").is_none()) {
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
}

/// The lines that write down that the session was seen, where that is worth a cookie.
fn touch_cookie<W: World>(
    world: &W,
    current: &Current,
    request: &RequestTraits,
    answer: &HeaderMap,
) -> Vec<HeaderValue> {
    if !wants_touch(world, current, request) || is_public(answer) || is_due_soon(world, current) {
        return Vec::new();
    }
    let sealer = &world.sessions().sealer;
    let touched = current.newest.session.touched(world.now());
    let realm = world.sessions().realm_of(&current.newest);
    sealer.lines(realm, &sealer.seal_session(realm, &touched), &touched).unwrap_or_default()
}

/// Writes into the store that the session was seen, beside the answer. The browser's ticket is
/// sealed anew when that is still under an old key.
fn touch_record<W: World>(
    world: &Arc<W>,
    current: &Current,
    request: &RequestTraits,
    answer: &HeaderMap,
) -> Vec<HeaderValue> {
    if !wants_touch(world.as_ref(), current, request) {
        return Vec::new();
    }
    let sessions = world.sessions();
    let Some(touched) = current.newest.touched(world.now()).map(Arc::new) else {
        return Vec::new();
    };
    candidates::keep(world.as_ref(), &touched);
    let record = record_of(sessions, &touched);
    let (later, open) = (Arc::clone(world), Arc::clone(&touched));
    world.run(async move {
        // What fails is written with the next touch.
        let _ = keep_record(later.as_ref(), &open, &record).await;
    });
    match &touched.stored {
        Some(stored) if stored.cookie.by_old_key && !is_public(answer) => {
            let realm = sessions.realm_of(&touched);
            let value = sessions.sealer.seal_ticket(realm, &stored.cookie.ticket);
            sessions.sealer.ticket_lines(realm, &value, &touched.session)
        }
        _ => Vec::new(),
    }
}

fn wants_touch<W: World>(world: &W, current: &Current, request: &RequestTraits) -> bool {
    let lifetimes = world.sessions().lifetimes;
    request.may_touch && current.newest.session.wants_touch(lifetimes, world.now())
}

/// Whether another answer may soon bring the next generation, from this replica or from one that
/// this one knows nothing of: a touched cookie of this generation, coming after it, would move the
/// browser backwards (rule 4). The next generation is a touch, too; but where the provider is away
/// for long, whoever is active must not become idle for want of one.
fn is_due_soon<W: World>(world: &W, current: &Current) -> bool {
    let (sessions, session, now) = (world.sessions(), &current.newest.session, world.now());
    let soon = sessions.refresh.standing(&session.tokens, now.plus(OVERTAKEN)) != Standing::Fresh;
    let alone =
        session.needs_touch(sessions.lifetimes, now) && sessions.registry.is_held_up(session.id);
    session.tokens.refresh.is_some() && soon && !alone
}

fn is_public(answer: &HeaderMap) -> bool {
    let kept = answer.get(header::CACHE_CONTROL);
    kept.is_some_and(|kept| memchr::memmem::find(kept.as_bytes(), b"public").is_some())
}

/// How long an answer may be on its way while later ones arrive.
const OVERTAKEN: Duration = Duration::from_secs(10);
