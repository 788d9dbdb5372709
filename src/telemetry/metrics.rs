//! Metrics in the OpenMetrics text format, for `/metrics` of the admin listener.

use std::fmt::Write as _;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Everything that is counted. Handles of what a request touches are kept, so that counting is
/// one atomic addition.
pub struct Metrics {
    registry: Registry,
    answers: [Counter; 5],
    pub connections: Gauge,
    pub streams: Gauge,
    refreshes: Family<RefreshLabels, Counter>,
    logins: Family<LoginLabels, Counter>,
    rejects: Family<RejectLabels, Counter>,
    /// By [`BearerOutcome`].
    bearers: [Counter; 3],
    store_faults: Counter,
    store_up: Gauge,
    upstream_faults: Family<UpstreamFaultLabels, Counter>,
    upstream_up: Family<UpstreamLabels, Gauge>,
}

/// How a refresh went (sessions.md, Proof).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names of the label's values")]
pub enum RefreshOutcome {
    refreshed,
    shared,
    replayed,
    provider_error,
    ended,
    /// Another replica spent the refresh token first, and there was no store to prevent it.
    lost_race,
}

/// How a login went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names of the label's values")]
pub enum LoginOutcome {
    started,
    completed,
    denied,
    refused,
    provider_error,
}

/// Why a session cookie was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names of the label's values")]
pub enum RejectReason {
    broken,
    unknown_key,
    ended,
    /// The store that would know is away.
    unavailable,
}

/// What became of a request of an API client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names of the label's values")]
pub enum BearerOutcome {
    accepted,
    refused,
    unavailable,
}

/// How a server of an app failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names of the label's values")]
pub enum UpstreamFault {
    /// No connection could be had.
    connect,
    /// It broke off, or spoke no HTTP; an answer of whatever status is none of these.
    answer,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    outcome: RefreshOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoginLabels {
    outcome: LoginOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectLabels {
    reason: RejectReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BearerLabels {
    outcome: BearerOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamFaultLabels {
    server: String,
    fault: UpstreamFault,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    server: String,
}

impl Metrics {
    /// All at zero.
    #[expect(clippy::new_without_default, reason = "making a registry is no default value")]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("askara_gate");
        let answers = Family::<AnswerLabels, Counter>::default();
        let connections = Gauge::default();
        let streams = Gauge::default();
        let refreshes = Family::default();
        let logins = Family::default();
        let rejects = Family::default();
        let bearers = Family::<BearerLabels, Counter>::default();
        registry.register("requests", "Requests answered, by class of status", answers.clone());
        registry.register("connections", "Open connections", connections.clone());
        let help = "Open WebSockets and event streams of sessions";
        registry.register("streams", help, streams.clone());
        registry.register("refresh", "Refreshes of access tokens, by outcome", refreshes.clone());
        registry.register("login", "Logins, by outcome", logins.clone());
        registry.register("cookie_reject", "Session cookies not taken, by reason", rejects.clone());
        registry.register("bearer", "Requests of API clients, by outcome", bearers.clone());
        let (store_faults, store_up) = (Counter::default(), Gauge::default());
        registry.register(
            "store_faults",
            "Calls that the store did not answer",
            store_faults.clone(),
        );
        registry.register("store_up", "Whether the store answers", store_up.clone());
        let (upstream_faults, upstream_up) = register_upstreams(&mut registry);
        let handle = |class| answers.get_or_create(&AnswerLabels { class }).clone();
        let answers = ["1xx", "2xx", "3xx", "4xx", "5xx"].map(handle);
        let handle = |outcome| bearers.get_or_create(&BearerLabels { outcome }).clone();
        let bearers = [BearerOutcome::accepted, BearerOutcome::refused, BearerOutcome::unavailable]
            .map(handle);
        Self {
            registry,
            answers,
            connections,
            streams,
            refreshes,
            logins,
            rejects,
            bearers,
            store_faults,
            store_up,
            upstream_faults,
            upstream_up,
        }
    }

    /// Counts an answer.
    pub fn answered(&self, status: http::StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.answers[class].inc();
    }

    /// Counts the outcome of a refresh.
    pub fn refresh(&self, outcome: RefreshOutcome) {
        self.refreshes.get_or_create(&RefreshLabels { outcome }).inc();
    }

    /// Counts a step of a login.
    pub fn login(&self, outcome: LoginOutcome) {
        self.logins.get_or_create(&LoginLabels { outcome }).inc();
    }

    /// Counts a cookie that was not taken.
    pub fn rejected(&self, reason: RejectReason) {
        self.rejects.get_or_create(&RejectLabels { reason }).inc();
    }

    /// Counts a request that brought a token of its own.
    pub fn bearer(&self, outcome: BearerOutcome) {
        self.bearers[outcome as usize].inc();
    }

    /// Counts a call that the store did not answer.
    pub fn store_fault(&self) {
        self.store_faults.inc();
    }

    /// Says whether the store answers.
    pub fn store_is_there(&self, there: bool) {
        self.store_up.set(i64::from(there));
    }

    /// Counts a request that a server of an app did not answer.
    pub fn upstream_failed(&self, server: &str, fault: UpstreamFault) {
        let labels = UpstreamFaultLabels { server: server.to_owned(), fault };
        self.upstream_faults.get_or_create(&labels).inc();
    }

    /// Says whether a server of an app gets requests.
    pub fn upstream_is_up(&self, server: &str, up: bool) {
        let labels = UpstreamLabels { server: server.to_owned() };
        self.upstream_up.get_or_create(&labels).set(i64::from(up));
    }

    /// All of it, as text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if text::encode(&mut out, &self.registry).is_err() {
            // Writing to a String does not fail.
            let _ = write!(out, "# EOF");
        }
        out
    }
}

type UpstreamFamilies = (Family<UpstreamFaultLabels, Counter>, Family<UpstreamLabels, Gauge>);

fn register_upstreams(registry: &mut Registry) -> UpstreamFamilies {
    let (faults, up) = UpstreamFamilies::default();
    let help = "Requests that a server of an app did not answer, by what went wrong";
    registry.register("upstream_faults", help, faults.clone());
    registry.register("upstream_up", "Whether a server of an app gets requests", up.clone());
    (faults, up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_under_their_names() {
        let metrics = Metrics::new();
        metrics.answered(http::StatusCode::OK);
        metrics.refresh(RefreshOutcome::refreshed);
        metrics.refresh(RefreshOutcome::provider_error);
        metrics.bearer(BearerOutcome::refused);
        metrics.streams.set(2);
        metrics.upstream_failed("http://a:1", UpstreamFault::connect);
        metrics.upstream_is_up("http://a:1", false);
        let text = metrics.text();
        for line in [
            r#"askara_gate_requests_total{class="2xx"} 1"#,
            r#"askara_gate_requests_total{class="5xx"} 0"#,
            r#"askara_gate_refresh_total{outcome="provider_error"} 1"#,
            r#"askara_gate_bearer_total{outcome="refused"} 1"#,
            "askara_gate_streams 2",
            r#"askara_gate_upstream_faults_total{server="http://a:1",fault="connect"} 1"#,
            r#"askara_gate_upstream_up{server="http://a:1"} 0"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
