//! API clients that come with an access token of their own (RFC 6750). A token counts for what
//! was verified of it, never for being there (C-89).

mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::Worker;
use super::clock::{SystemEntropy, moment, now};
use super::fields::Prepared;
use super::respond::Failure;
use super::who::warn_of_dropped;
use crate::auth::Timestamp;
use crate::auth::bearer::{
    Accepted, BadBearer, BearerRules, Issuer, Presented, Refusal, believe_until, cache_key,
    judge_jwt, presented, refuse_until, taken_apart,
};
use crate::auth::client_call::introspection_request;
use crate::auth::facts::KnownPerson;
use crate::auth::headers::Statement;
use crate::auth::introspection::read_introspection;
use crate::auth::jwks::KeySet;
use crate::auth::provider::ProviderIndex;
use crate::auth::route::{Authorization, Found};
use crate::auth::tokens::unverified_claims;
use crate::provider::Lane;
use crate::provider::directory::Want;
use crate::secret::AccessToken;
use crate::telemetry::BearerOutcome;
pub(super) use verdicts::Verdicts;
use verdicts::{Verdict, Way};

/// An API client whose token was believed, with what the app is told of it.
pub(super) struct ApiClient {
    /// Whose token it is.
    pub(super) provider: ProviderIndex,
    pub(super) known: KnownPerson,
    pub(super) statement: Statement,
    /// What routes say of it on top.
    pub(super) prepared: Prepared,
}

impl Worker {
    /// The API client of a request, where the route takes such and the request brings a token. A
    /// verdict that takes longer than `patience` is none.
    pub(super) async fn api_client(
        self: &Arc<Self>,
        found: Found<'_>,
        headers: &HeaderMap,
        patience: Duration,
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
        let verdict = match self.gateway.judge_of(found, &token)? {
            Some(index) => self.known_or_judged(index, token, patience).await,
            None => Err(BadBearer::Invalid(Refusal::Issuer)),
        };
        self.gateway.metrics.bearer(match &verdict {
            Ok(_) => BearerOutcome::accepted,
            Err(BadBearer::Unavailable(_)) => BearerOutcome::unavailable,
            Err(_) => BearerOutcome::refused,
        });
        Some(verdict)
    }

    /// What is known of a token, or found out now: once for all who bring it at once, in a task
    /// of its own, so that nobody who goes away takes the answer from the others.
    async fn known_or_judged(
        self: &Arc<Self>,
        index: ProviderIndex,
        token: AccessToken,
        patience: Duration,
    ) -> Verdict {
        let settings = self.gateway.parties[index].settings();
        let Some(rules) = &settings.bearer else {
            return Err(BadBearer::Invalid(Refusal::Issuer));
        };
        let key = cache_key(&token, &settings.name, rules);
        let way = self.verdicts().way(key, now());
        let mut flight = match way {
            Way::Known(verdict) => return verdict,
            Way::Wait(flight) => flight,
            Way::FindOut(sender, flight) => {
                let worker = Arc::clone(self);
                self.tasks.spawn(async move {
                    let (verdict, until) = worker.judged(index, &token).await;
                    worker.verdicts().keep(key, verdict.clone(), now(), until);
                    sender.send_replace(Some(verdict));
                });
                flight
            }
        };
        let landed = tokio::time::timeout(patience, flight.wait_for(Option::is_some)).await;
        let verdict = landed.ok().and_then(Result::ok).and_then(|verdict| verdict.clone());
        verdict.unwrap_or_else(|| {
            tracing::warn!(
                provider = settings.name,
                "an API client's token was not judged in time"
            );
            Err(BadBearer::Unavailable("it could not be found out in time"))
        })
    }

    /// A verdict on a token, and until when it is kept.
    async fn judged(
        self: &Arc<Self>,
        index: ProviderIndex,
        token: &AccessToken,
    ) -> (Verdict, Timestamp) {
        let settings = self.gateway.parties[index].settings();
        let Some(rules) = &settings.bearer else {
            return (Err(BadBearer::Invalid(Refusal::Issuer)), now());
        };
        // Another provider's token is worth no question to this one, and none of its business.
        let claims = unverified_claims(token);
        let told = claims.as_ref().and_then(|claims| claims.get("iss")?.as_str());
        if told.is_some() && !rules.issuer.fits(told) {
            let refused = BadBearer::Invalid(Refusal::Issuer);
            let until = refuse_until(&refused, now());
            return (Err(refused), until);
        }
        let accepted = match rules.introspection {
            true => self.asked_about(index, rules, token).await,
            false => self.verified(index, rules, token).await,
        };
        match accepted {
            Ok(accepted) => {
                let until = believe_until(&accepted, rules, now());
                (self.client_of(index, rules, accepted, token), until)
            }
            Err(bad) => {
                if let BadBearer::Unavailable(why) = &bad {
                    tracing::warn!(
                        provider = settings.name,
                        why,
                        "an API client's token can't be judged"
                    );
                }
                let until = refuse_until(&bad, now());
                (Err(bad), until)
            }
        }
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
        let judge = |keys: &KeySet| judge_jwt(&jwt, keys, rules, now());
        let newer = BadBearer::wants_newer_keys;
        self.judged_by_keys(index, Lane::Api, Want::Unknown, judge, newer)
            .await
            .map_err(unavailable)?
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
    fn client_of(
        &self,
        index: ProviderIndex,
        rules: &BearerRules,
        accepted: Accepted,
        token: &AccessToken,
    ) -> Verdict {
        let settings = self.gateway.parties[index].settings();
        let sources = &settings.identity;
        let nobody = BadBearer::Invalid(Refusal::Nobody);
        let identity = sources.read_client(&rules.user, accepted.claims.clone());
        let identity = identity.map_err(|_| nobody.clone())?;
        warn_of_dropped(&settings.name, &identity);
        let statement = Statement::new(&identity, token).map_err(|_| nobody)?;
        let known = accepted.known(identity, &settings.name, now());
        let prepared = Prepared::default();
        Ok(Arc::new(ApiClient { provider: index, known, statement, prepared }))
    }
}

impl super::Gateway {
    /// The provider that judges a token on this route: the only one that takes tokens, else one
    /// whose issuer it names, else the first that can be asked. None: no provider here takes
    /// tokens at all.
    fn judge_of(&self, found: Found<'_>, token: &AccessToken) -> Option<Option<ProviderIndex>> {
        let here: Vec<(ProviderIndex, &BearerRules)> = self
            .parties
            .iter()
            .enumerate()
            .filter(|(index, _)| found.takes(*index))
            .filter_map(|(index, party)| Some((index, party.settings().bearer.as_ref()?)))
            .collect();
        match here.as_slice() {
            [] => return None,
            // Whether it is this one's token is found out with all the rest.
            [(one, _)] => return Some(Some(*one)),
            _ => {}
        }
        let claims = unverified_claims(token);
        // Unverified: it only chooses by whose keys the token is judged.
        let claim = |name: &str| claims.as_ref().and_then(|claims| claims.get(name));
        let issuer = claim("iss").and_then(serde_json::Value::as_str);
        let of_issuer = |rules: &BearerRules| rules.issuer.fits(issuer);
        let of_audience = |rules: &BearerRules| {
            let named = |audience: &String| match claim("aud") {
                Some(serde_json::Value::Array(all)) => all.iter().any(|one| one == audience),
                one => one.is_some_and(|one| one == audience),
            };
            rules.audience.iter().any(named)
        };
        let mut by_keys = here
            .iter()
            .filter(|(_, rules)| claims.is_some() && !rules.introspection && of_issuer(rules));
        let fitting = by_keys.clone().find(|(_, rules)| of_audience(rules));
        // A token that names nobody may be anybody's who can be asked; one that names somebody is
        // asked about there, and only then where everybody's tokens count.
        let asked = |wanted: &dyn Fn(&Issuer) -> bool| {
            here.iter().find(|(_, rules)| rules.introspection && wanted(&rules.issuer))
        };
        let by_asking = || match issuer {
            None => asked(&|_| true),
            Some(told) => asked(&|rule| *rule == Issuer::Is(told.to_owned()))
                .or_else(|| asked(&|rule| *rule == Issuer::Any)),
        };
        Some(fitting.or_else(|| by_keys.next()).or_else(by_asking).map(|(index, _)| *index))
    }
}

impl From<BadBearer> for Failure {
    fn from(bad: BadBearer) -> Self {
        Self::Bearer(bad)
    }
}
