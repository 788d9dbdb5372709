//! Who a request is from: somebody with a session, an API client with a token, or nobody.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use super::bearer::ApiClient;
use super::clock::now;
use super::fields::Prepared;
use super::respond::{Asker, Failure};
use super::sessions::{Current, Leash, Recalled, Sessions, Unavailable, recall};
use super::visit::Visit;
use crate::auth::facts::Person;
use crate::auth::headers::Statement;
use crate::auth::identity::{Identity, Source};
use crate::auth::provider::ProviderIndex;
use crate::auth::route::Found;
use crate::auth::session::SessionId;

/// Who a request is from.
pub(super) enum Who {
    Client(Arc<ApiClient>),
    /// `clear` when cookies of ours are there that are no good.
    Nobody {
        clear: bool,
    },
    Somebody(Current),
    /// Somebody elsewhere, and nobody on this route, which takes another provider's people. The
    /// session goes on all the same, and its cookie with it.
    Stranger(Current),
}

/// Whose requests count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    /// The API client of this person, at this provider; by a hash, which takes less room.
    Client(ProviderIndex, u64),
    Session(SessionId),
}

impl Worker {
    /// Finds out who a request is from. A token that it brings says more than a cookie that came
    /// along: when it is no good, the cookie does not stand in for it.
    pub(super) async fn who(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        found: Found<'_>,
        public: bool,
    ) -> Result<Who, Failure> {
        // What is open to everyone tells who somebody is, but does not wait long for that.
        let patience = if public { PUBLIC_PATIENCE } else { self.gateway.patience() };
        match self.api_client(found, visit.headers, patience).await {
            Some(Ok(client)) => return Ok(Who::Client(client)),
            Some(Err(bad)) if !public => return Err(Failure::Bearer(bad)),
            // It is open to those with a bad token too, as nobody.
            Some(Err(_)) => return Ok(Who::Nobody { clear: false }),
            None => {}
        }
        match recall(self, &visit.own, patience).await {
            Ok(Recalled::Somebody(current)) if found.takes(current.newest.provider) => {
                Ok(Who::Somebody(current))
            }
            Ok(Recalled::Somebody(current)) => Ok(Who::Stranger(current)),
            Ok(Recalled::Nobody { clear }) => Ok(Who::Nobody { clear }),
            // A provider that is away keeps nobody from another one's sign-in.
            Err(Unavailable::Token { provider, .. }) if public || !found.takes(provider) => {
                Ok(Who::Nobody { clear: false })
            }
            Err(Unavailable::Store) if public => Ok(Who::Nobody { clear: false }),
            Err(unavailable) => Err(unavailable.into()),
        }
    }
}

impl Who {
    /// Holds a stream that is about to be opened; none where no session is what opens it.
    pub(super) fn leash(&self, sessions: &Sessions) -> Option<Leash> {
        let Self::Somebody(current) = self else { return None };
        Some(sessions.leash(&current.newest, now()))
    }

    pub(super) fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Client(client) => Some(&client.known.identity),
            Self::Nobody { .. } | Self::Stranger(_) => None,
            Self::Somebody(current) => Some(&current.newest.session.identity),
        }
    }

    /// What rules may know of it.
    pub(super) fn person(&self) -> Option<Person<'_>> {
        match self {
            Self::Client(client) => Some(client.known.person()),
            Self::Nobody { .. } | Self::Stranger(_) => None,
            Self::Somebody(current) => Some(current.newest.session.person()),
        }
    }

    pub(super) fn statement(&self) -> Option<&Statement> {
        match self {
            Self::Client(client) => Some(&client.statement),
            Self::Nobody { .. } | Self::Stranger(_) => None,
            Self::Somebody(current) => Some(&current.newest.statement),
        }
    }

    /// Where what routes say of it on top is kept.
    pub(super) fn prepared(&self) -> Option<&Prepared> {
        match self {
            Self::Client(client) => Some(&client.prepared),
            Self::Nobody { .. } | Self::Stranger(_) => None,
            Self::Somebody(current) => Some(&current.newest.prepared),
        }
    }

    /// The session that says who it is.
    pub(super) fn session(&self) -> Option<SessionId> {
        let Self::Somebody(current) = self else { return None };
        Some(current.newest.session.id)
    }

    /// What its requests count by: a session, or whom an API client speaks for.
    pub(super) fn counted(&self) -> Option<Counted> {
        match self {
            Self::Client(client) => {
                let mut hasher = DefaultHasher::new();
                client.known.identity.user.hash(&mut hasher);
                Some(Counted::Client(client.provider, hasher.finish()))
            }
            Self::Nobody { .. } | Self::Stranger(_) => None,
            Self::Somebody(current) => Some(Counted::Session(current.newest.session.id)),
        }
    }

    /// Who vouched.
    pub(super) fn provider(&self) -> Option<ProviderIndex> {
        match self {
            Self::Client(client) => Some(client.provider),
            Self::Nobody { .. } | Self::Stranger(_) => None,
            Self::Somebody(current) => Some(current.newest.provider),
        }
    }

    /// Whom an answer is written for: a program that brings a token reads no page.
    pub(super) fn asker(&self, visit: &Visit<'_>) -> Asker {
        let asker = visit.asker();
        if matches!(self, Self::Client(_)) { asker.for_program() } else { asker }
    }

    /// Whether a browser's cookie says who it is: any page can make a browser send that.
    pub(super) const fn by_cookie(&self) -> bool {
        matches!(self, Self::Somebody(_))
    }
}

/// Tells the operator of claims that are asked for and too large to be kept: rules that read them
/// let nobody pass by them.
pub(super) fn warn_of_dropped(provider: &str, identity: &Identity) {
    let dropped: Vec<String> = identity.claims.dropped().iter().map(Source::to_string).collect();
    if !dropped.is_empty() {
        tracing::warn!(
            provider,
            user = identity.user,
            claims = dropped.join(", "),
            "claims that are asked for are too large to be kept, and count as not there"
        );
    }
}

/// How long a request that needs nobody waits to learn who it is from.
const PUBLIC_PATIENCE: Duration = Duration::from_secs(1);
