//! What the stand-in provider saw, and what of it nobody else may see.

use super::Provider;
use super::gate_builder::CLIENT_ID;
use super::provider_desk::TokenRequest;

impl Provider {
    /// The lines of the gateway's configuration for this provider.
    pub(super) fn settings(&self) -> Vec<String> {
        let desk = self.desk();
        desk.play.settings(&desk.url, CLIENT_ID)
    }

    pub(crate) fn token_calls(&self) -> usize {
        let desk = self.desk();
        desk.calls.exchanges + desk.calls.refreshes
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.desk().calls.exchanges
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.desk().calls.refreshes
    }

    /// Token calls that were neither answered nor given up.
    #[allow(dead_code, reason = "only tests/peer needs it")]
    pub(crate) fn token_calls_underway(&self) -> usize {
        self.desk().calls.underway
    }

    pub(crate) fn me_calls(&self) -> usize {
        self.desk().calls.me
    }

    pub(crate) fn authorizations(&self) -> usize {
        self.desk().calls.authorize
    }

    /// How often this path was asked for.
    pub(crate) fn calls(&self, path: &str) -> usize {
        self.desk().paths.iter().filter(|asked| *asked == path).count()
    }

    /// What the browser carried to the last authorization, in order.
    pub(crate) fn last_authorization(&self) -> Vec<(String, String)> {
        self.desk().authorizations.last().expect("one").clone()
    }

    pub(crate) fn last_token_request(&self) -> TokenRequest {
        self.desk().requests.last().expect("one").clone()
    }

    /// What was posted to a path beside the token endpoint's, in order.
    pub(crate) fn posted(&self, path: &str) -> Vec<TokenRequest> {
        let desk = self.desk();
        let there = desk.others.iter().filter(|(asked, _)| asked == path);
        there.map(|(_, request)| request.clone()).collect()
    }

    /// The newest access token that was given out.
    pub(crate) fn newest_token(&self) -> String {
        self.desk().issued.last().expect("one").clone()
    }

    /// Every secret that it gave or was told.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.desk().secrets.iter().cloned().collect()
    }
}
