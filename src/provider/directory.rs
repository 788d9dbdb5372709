//! What is learnt from one provider, for all workers: its addresses and its keys.
//!
//! Each worker brings its own [`Client`], and the moment. What is known is given at once; what has
//! to be fetched is fetched by one caller, and the others wait for that call (see `shared`). What
//! is old stays in use: a caller that finds it so may let [`Directory::refresh`] run beside.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};

use super::shared::{Memory, Outcome, Shared};
use super::{CallFailure, Client, Lane};
use crate::auth::discovery::{self, BadMetadata};
use crate::auth::freshness::{Freshness, Why};
use crate::auth::jwks::{BadKeySet, KeySet, MAX_KEY_SET};
use crate::auth::provider::{Provider, Settings};
use crate::auth::{CLOCK_SKEW, Timestamp};

/// What is known of one provider.
#[derive(Debug)]
pub struct Directory {
    settings: Arc<Settings>,
    provider: Shared<Provider>,
    keys: Shared<KeySet>,
}

/// Which keys a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Those that are there.
    Any,
    /// Newer ones, for a token of a visitor's whose key was not among them (C-86).
    Unknown,
    /// The same for a token that the provider gave us.
    UnknownOwn,
}

/// Why something could not be learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotLearnt {
    Call(CallFailure),
    /// An address is missing that neither the settings nor discovery give.
    Incomplete,
    Keys(BadKeySet),
    /// The keys' address answered with another status than 200.
    KeysStatus(u16),
    Metadata(BadMetadata),
    /// The provider has no address for keys.
    NoKeys,
}

impl Directory {
    /// A directory that is complete at once where nothing has to be discovered.
    pub fn new(settings: Arc<Settings>) -> Self {
        let known = (!settings.discovers()).then(|| settings.complete(None)).flatten();
        Self { settings, provider: Shared::new(known.map(Arc::new)), keys: Shared::new(None) }
    }

    /// What the configuration says of the provider.
    pub const fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The provider, as far as it is known without asking.
    pub fn known(&self) -> Option<Arc<Provider>> {
        self.provider.memory().value.clone()
    }

    /// The provider, discovered if need be. A failure is given to everybody for two seconds
    /// before the provider is asked again.
    pub async fn provider(
        &self,
        client: &Client,
        lane: Lane,
        now: Timestamp,
    ) -> Result<Arc<Provider>, NotLearnt> {
        let settled = |memory: &Memory<Provider>| match (&memory.value, &memory.failed) {
            (Some(provider), _) => Some(Ok(Arc::clone(provider))),
            (None, Some(failed)) if !memory.is_fetching() && !is_past(memory.tried, RETRY, now) => {
                Some(Err(failed.clone()))
            }
            _ => None,
        };
        self.provider.get(now, settled, self.discover(client, lane)).await
    }

    /// The provider's keys, which count for a day after they came: a provider that is down locks
    /// nobody out (C-86). Tokens with invented keys cost one call in half a minute, whatever
    /// comes of it; while it runs they wait for it, and afterwards for nothing (C-87).
    pub async fn keys(
        &self,
        client: &Client,
        lane: Lane,
        now: Timestamp,
        want: Want,
    ) -> Result<Arc<KeySet>, NotLearnt> {
        let provider = self.provider(client, lane, now).await?;
        let request = discovery::keys_request(&provider.endpoints).ok_or(NotLearnt::NoKeys)?;
        let settled = |memory: &Memory<KeySet>| keys_settled(memory, now, want);
        let outcome = self.keys.get(now, settled, self.fetch_keys(client, lane, request)).await;
        outcome.or_else(|failure| usable(&self.keys.memory(), now).ok_or(failure))
    }

    /// Whether something known is old enough to be asked for again, and nobody is asking.
    pub fn is_old(&self, now: Timestamp) -> bool {
        self.provider_is_old(&self.provider.memory(), now) || keys_are_old(&self.keys.memory(), now)
    }

    /// Asks again for what is old, and keeps it where that fails. For a task of its own, beside
    /// the request that found it old.
    pub async fn refresh(&self, client: &Client, lane: Lane, now: Timestamp) {
        let settled = |memory: &Memory<Provider>| {
            let stays = memory.value.as_ref().filter(|_| !self.provider_is_old(memory, now));
            stays.map(|provider| Ok(Arc::clone(provider)))
        };
        // Where nothing is known yet, the next login asks.
        let Some(mut provider) = self.known() else { return };
        if let Ok(newer) = self.provider.get(now, settled, self.discover(client, lane)).await {
            provider = newer;
        }
        let Some(request) = discovery::keys_request(&provider.endpoints) else { return };
        if keys_are_old(&self.keys.memory(), now) {
            let settled = |memory: &Memory<KeySet>| {
                let stays = memory.value.as_ref().filter(|_| !keys_are_old(memory, now));
                stays.map(|keys| Ok(Arc::clone(keys)))
            };
            // A failure is in the log; the keys at hand go on.
            let _ = self.keys.get(now, settled, self.fetch_keys(client, lane, request)).await;
        }
    }

    fn provider_is_old(&self, memory: &Memory<Provider>, now: Timestamp) -> bool {
        self.settings.discovers()
            && memory.value.is_some()
            && !memory.is_fetching()
            && is_past(memory.fetched, METADATA_AGE, now)
            && is_past(memory.tried, REFRESH_PAUSE, now)
    }

    async fn discover(&self, client: &Client, lane: Lane) -> Result<Provider, NotLearnt> {
        let learnt = self.ask_metadata(client, lane).await;
        let name = &self.settings.name;
        match &learnt {
            Ok(_) => tracing::debug!(provider = name, "the provider's metadata was read"),
            Err(why) => {
                tracing::warn!(provider = name, %why, "the provider's metadata can't be read");
            }
        }
        learnt
    }

    async fn ask_metadata(&self, client: &Client, lane: Lane) -> Result<Provider, NotLearnt> {
        let request = discovery::request(&self.settings).ok_or(NotLearnt::Incomplete)?;
        let answer = client.send(request, lane).await.map_err(NotLearnt::Call)?;
        let endpoints = discovery::read(&answer, &self.settings).map_err(NotLearnt::Metadata)?;
        for warning in discovery::warnings(&answer, &self.settings) {
            tracing::warn!(provider = self.settings.name, "{warning}");
        }
        self.settings.complete(Some(&endpoints)).ok_or(NotLearnt::Incomplete)
    }

    async fn fetch_keys(
        &self,
        client: &Client,
        lane: Lane,
        request: Request<Bytes>,
    ) -> Result<KeySet, NotLearnt> {
        let learnt = ask_keys(client, lane, request).await;
        let name = &self.settings.name;
        match &learnt {
            Ok(keys) => {
                tracing::debug!(
                    provider = name,
                    keys = keys.len(),
                    "the provider's keys were read"
                );
            }
            Err(why) => tracing::warn!(provider = name, %why, "the provider's keys can't be read"),
        }
        learnt
    }
}

impl fmt::Display for NotLearnt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(why) => why.fmt(f),
            Self::Incomplete => f.write_str("an address of the provider is missing"),
            Self::Keys(why) => why.fmt(f),
            Self::KeysStatus(status) => {
                write!(f, "the keys' address answered with status {status}")
            }
            Self::Metadata(why) => why.fmt(f),
            Self::NoKeys => f.write_str("the provider has no address for keys"),
        }
    }
}

impl std::error::Error for NotLearnt {}

async fn ask_keys(
    client: &Client,
    lane: Lane,
    request: Request<Bytes>,
) -> Result<KeySet, NotLearnt> {
    let answer = client.send_for(request, lane, MAX_KEY_SET).await.map_err(NotLearnt::Call)?;
    if answer.status() != StatusCode::OK {
        return Err(NotLearnt::KeysStatus(answer.status().as_u16()));
    }
    KeySet::read(answer.body()).map_err(NotLearnt::Keys)
}

fn keys_settled(memory: &Memory<KeySet>, now: Timestamp, want: Want) -> Option<Outcome<KeySet>> {
    match (usable(memory, now), want) {
        (Some(keys), Want::Any) => Some(Ok(keys)),
        _ if memory.is_fetching() => None,
        (Some(keys), Want::Unknown) => {
            (!freshness(memory).wants_refresh(now, Why::UnknownKey)).then_some(Ok(keys))
        }
        (Some(keys), Want::UnknownOwn) => {
            (!freshness(memory).wants_refresh(now, Why::OwnToken)).then_some(Ok(keys))
        }
        (None, _) => {
            let failed = memory.failed.clone()?;
            (!freshness(memory).wants_refresh(now, Why::Missing)).then_some(Err(failed))
        }
    }
}

fn keys_are_old(memory: &Memory<KeySet>, now: Timestamp) -> bool {
    memory.value.is_some()
        && !memory.is_fetching()
        && freshness(memory).wants_refresh(now, Why::Age)
}

fn usable(memory: &Memory<KeySet>, now: Timestamp) -> Option<Arc<KeySet>> {
    memory.value.clone().filter(|_| freshness(memory).usable(now))
}

fn freshness(memory: &Memory<KeySet>) -> Freshness {
    let mut freshness = Freshness::default();
    if let Some(tried) = memory.tried {
        freshness.tried(tried);
    }
    if let Some(fetched) = memory.fetched {
        freshness.succeeded(fetched);
    }
    freshness
}

/// Whether a moment is `pause` ago, or unknown. One that lies far ahead is from before the clock
/// was set back, and keeps nothing waiting (C-103).
fn is_past(moment: Option<Timestamp>, pause: Duration, now: Timestamp) -> bool {
    moment.is_none_or(|moment| moment > now.plus(CLOCK_SKEW) || now.since(moment) >= pause)
}

/// Between two attempts while nothing is known: many visitors are one call.
const RETRY: Duration = Duration::from_secs(2);
/// Providers change their addresses seldom.
const METADATA_AGE: Duration = Duration::from_secs(60 * 60);
/// Between two attempts to renew what is known.
const REFRESH_PAUSE: Duration = Duration::from_secs(60);
