//! API clients that come with an access token of their own (RFC 6750). A token counts for what
//! was verified of it, never for being there (C-89).

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderMap;

use super::Worker;
use super::clock::{SystemEntropy, moment, now};
use super::providers::ProviderIndex;
use super::respond::Failure;
use crate::auth::Timestamp;
use crate::auth::bearer::{
    Accepted, BadBearer, BearerRules, Presented, Refusal, believe_until, cache_key, judge_jwt,
    presented, refuse_until, taken_apart,
};
use crate::auth::client_call::introspection_request;
use crate::auth::headers::Statement;
use crate::auth::identity::Identity;
use crate::auth::introspection::read_introspection;
use crate::auth::route::{Authorization, Found};
use crate::auth::tokens::unverified_claims;
use crate::provider::Lane;
use crate::provider::directory::Want;
use crate::secret::AccessToken;

/// An API client whose token was believed, with what the app is told of it.
pub(super) struct ApiClient {
    pub(super) identity: Identity,
    pub(super) statement: Statement,
}

/// What was found out of a token.
type Verdict = Result<Arc<ApiClient>, BadBearer>;

impl Worker {
    /// The API client of a request, where the route takes such and the request brings a token.
    pub(super) async fn api_client(
        self: &Arc<Self>,
        found: Found<'_>,
        headers: &HeaderMap,
    ) -> Option<Verdict> {
        // Where the visitor's own Authorization is the app's business, it is not ours.
        if !self.gateway.takes_bearers || found.route.authorization == Authorization::Pass {
            return None;
        }
        let token = match presented(headers) {
            Presented::None | Presented::Other => return None,
            Presented::Malformed => return Some(Err(BadBearer::Malformed)),
            Presented::Token(token) => token,
        };
        let Some(index) = self.gateway.judge_of(found, &token)? else {
            return Some(Err(BadBearer::Invalid(Refusal::Issuer)));
        };
        Some(self.known_or_judged(index, token).await)
    }

    async fn known_or_judged(
        self: &Arc<Self>,
        index: ProviderIndex,
        token: AccessToken,
    ) -> Verdict {
        let settings = self.gateway.parties[index].settings();
        let Some(rules) = &settings.bearer else {
            return Err(BadBearer::Invalid(Refusal::Issuer));
        };
        let key = cache_key(&token, &settings.name, rules);
        if let Some(known) = self.verdicts().find(&key, now()) {
            return known;
        }
        let judged = match rules.introspection {
            true => self.asked_about(index, rules, &token).await,
            false => self.verified(index, rules, &token).await,
        };
        let (verdict, until) = match judged {
            Ok(accepted) => {
                let until = believe_until(&accepted, rules, now());
                (self.client_of(index, accepted, &token), until)
            }
            // What could not be found out may be known in a moment.
            Err(unknown @ BadBearer::Unavailable(_)) => return Err(unknown),
            Err(refused) => (Err(refused), refuse_until(now())),
        };
        self.verdicts().keep(key, verdict.clone(), until);
        verdict
    }

    /// Has the provider's keys judge the token, newer ones where it names one that is not known;
    /// random names bring no more than one question in half a minute (C-87).
    async fn verified(
        self: &Arc<Self>,
        index: ProviderIndex,
        rules: &BearerRules,
        token: &AccessToken,
    ) -> Result<Accepted, BadBearer> {
        let jwt = taken_apart(token)?;
        let unavailable = |_| BadBearer::Unavailable("the provider's keys are not known");
        let keys = self.keys(index, Lane::Api, Want::Any).await.map_err(unavailable)?;
        match judge_jwt(&jwt, &keys, rules, now()) {
            Err(bad) if bad.wants_newer_keys() => {
                let keys = self.keys(index, Lane::Api, Want::Unknown).await.map_err(unavailable)?;
                judge_jwt(&jwt, &keys, rules, now())
            }
            judged => judged,
        }
    }

    /// Asks the provider about the token.
    async fn asked_about(
        self: &Arc<Self>,
        index: ProviderIndex,
        rules: &BearerRules,
        token: &AccessToken,
    ) -> Result<Accepted, BadBearer> {
        let unavailable = BadBearer::Unavailable;
        let provider = self.provider(index, Lane::Api).await;
        let provider =
            provider.map_err(|_| unavailable("the provider's addresses are not known"))?;
        let request = introspection_request(&provider, token, moment(&mut SystemEntropy))
            .ok_or(unavailable("the provider has no introspection address"))?;
        let answer = self.clients[index].send(request, Lane::Api).await;
        let answer = answer.map_err(|_| unavailable("the provider did not answer"))?;
        read_introspection(&answer, rules, now())
    }

    /// What the app is told of a client.
    fn client_of(&self, index: ProviderIndex, accepted: Accepted, token: &AccessToken) -> Verdict {
        let sources = &self.gateway.parties[index].settings().identity;
        let nobody = BadBearer::Invalid(Refusal::Nobody);
        let identity = sources.read_client(accepted.claims).map_err(|_| nobody.clone())?;
        let statement = Statement::new(&identity, token).map_err(|_| nobody)?;
        Ok(Arc::new(ApiClient { identity, statement }))
    }
}

impl super::Gateway {
    /// The provider that judges a token on this route: whose issuer it names, else the one that
    /// can be asked. None: no provider here takes tokens at all.
    fn judge_of(&self, found: Found<'_>, token: &AccessToken) -> Option<Option<ProviderIndex>> {
        let here: Vec<(ProviderIndex, &BearerRules)> = self
            .parties
            .iter()
            .enumerate()
            .filter(|(index, _)| found.takes(*index))
            .filter_map(|(index, party)| Some((index, party.settings().bearer.as_ref()?)))
            .collect();
        if here.is_empty() {
            return None;
        }
        let claims = unverified_claims(token);
        // Unverified: it only chooses by whose keys the token is judged.
        let issuer = claims.as_ref().and_then(|claims| claims.get("iss")?.as_str());
        let by_issuer = here.iter().find(|(_, rules)| {
            claims.is_some() && !rules.introspection && rules.issuer.as_deref() == issuer
        });
        let by_asking = here.iter().find(|(_, rules)| {
            rules.introspection && (issuer.is_none() || rules.issuer.as_deref() == issuer)
        });
        Some(by_issuer.or(by_asking).map(|(index, _)| *index))
    }
}

impl From<BadBearer> for Failure {
    fn from(bad: BadBearer) -> Self {
        Self::Bearer(bad)
    }
}

/// What one worker found out of tokens lately. Two generations, as of opened sessions: what is
/// not asked for while [`KEPT`] others come is forgotten.
#[derive(Default)]
pub(super) struct Verdicts {
    young: HashMap<[u8; 32], Kept>,
    old: HashMap<[u8; 32], Kept>,
}

#[derive(Clone)]
struct Kept {
    verdict: Verdict,
    until: Timestamp,
}

impl Verdicts {
    fn find(&self, key: &[u8; 32], now: Timestamp) -> Option<Verdict> {
        let kept = self.young.get(key).or_else(|| self.old.get(key))?;
        (now < kept.until).then(|| kept.verdict.clone())
    }

    fn keep(&mut self, key: [u8; 32], verdict: Verdict, until: Timestamp) {
        if self.young.len() >= KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, Kept { verdict, until });
    }
}

/// Tokens of one generation; at some 3 KiB each when believed.
const KEPT: usize = 1024;
