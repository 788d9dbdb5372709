//! The servers of an app, as all workers share them: where they are, and what is known of them.
//!
//! What one worker finds out holds for all. A request reads one number for each server, which
//! nobody writes as long as all is well; no lock is shared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use http::HeaderValue;
use tokio::time::Instant;

use super::Failure;
use super::balance::Standing;
use super::connect::Target;
use super::limit::Limit;
use super::probe::Checks;
use super::record::Record;
use crate::telemetry::{Metrics, UpstreamFault};

/// An app, by its servers.
pub struct App {
    pub(super) servers: Vec<Server>,
    pub(super) checks: Option<Checks>,
    /// What the times of the records count from.
    begun: Instant,
    /// Where the next worker begins its rounds.
    starts: AtomicUsize,
}

/// Where one server is, and what it is called.
pub struct Address {
    /// In the log and the metrics.
    pub name: String,
    /// What a health check says in `Host`.
    pub host: HeaderValue,
    pub target: Target,
}

/// A server and what is known of it.
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) limit: Option<Arc<Limit>>,
    /// A [`Record`].
    record: AtomicU64,
    /// Whether its health checks fail.
    down: AtomicBool,
}

impl App {
    /// An app on these servers, at least one. Of each, this many `connections` may be in use at
    /// once, over all workers; none: any number.
    pub fn new(
        addresses: Vec<Address>,
        checks: Option<Checks>,
        connections: Option<usize>,
    ) -> Self {
        let server = |address| Server {
            address,
            limit: connections.map(Limit::new),
            record: AtomicU64::new(0),
            down: AtomicBool::new(false),
        };
        Self {
            servers: addresses.into_iter().map(server).collect(),
            checks,
            begun: Instant::now(),
            starts: AtomicUsize::new(0),
        }
    }

    /// Whether HTTP/2 may be spoken to one of its servers.
    pub(super) fn may_speak_http2(&self) -> bool {
        self.servers.iter().any(|server| server.address.target.may_be_http2())
    }

    /// Whether one of its servers speaks nothing else, and so takes no upgrade of HTTP/1.1.
    pub(super) fn speaks_http2_alone(&self) -> bool {
        self.servers.iter().any(|server| matches!(server.address.target, Target::H2c(_)))
    }

    pub(super) fn is_alone(&self) -> bool {
        self.servers.len() == 1
    }

    /// Where a worker begins its rounds: each elsewhere, or the first server would get the first
    /// request of all of them.
    pub(super) fn start(&self) -> usize {
        self.starts.fetch_add(1, Ordering::Relaxed)
    }

    /// Milliseconds, as the records count.
    pub(super) fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Server {
    pub(super) fn record(&self) -> Record {
        Record::of_bits(self.record.load(Ordering::Relaxed))
    }

    pub(super) fn standing(&self, now: impl FnOnce() -> u64) -> Standing {
        let record = self.record();
        match record.is_out() {
            _ if self.down.load(Ordering::Relaxed) => Standing::Down,
            false => Standing::Up,
            true if record.is_due(now()) => Standing::Due,
            true => Standing::Out,
        }
    }

    /// Has a request go there. Returns what speaks against the server, for when it answers; none
    /// where it was the time of a trial, and somebody else is trying it already.
    pub(super) fn begin(&self, now: impl FnOnce() -> u64) -> Option<Record> {
        let record = self.record();
        if !record.is_out() {
            return Some(record);
        }
        match record.on_trial(now()) {
            Some(trial) => self.change(record, trial).then_some(trial),
            None => Some(record),
        }
    }

    /// It answered a request that began when `seen` spoke against it. What came to that since is
    /// not refuted: the answer of a request from before says nothing of a server that died.
    pub(super) fn answered(&self, seen: Record, metrics: &Metrics) {
        if seen.is_clean() || !self.change(seen, Record::default()) || !seen.is_out() {
            return;
        }
        tracing::info!(server = self.address.name, "a server of an app answers again");
        self.tell(metrics);
    }

    /// It gave no answer. Slowness does not count: what is slow is mostly the request, and who
    /// is slow at all gets fewer of them by being so.
    pub(super) fn failed(&self, failure: &Failure, now: u64, metrics: &Metrics) {
        let fault = match failure {
            Failure::Connect(_) => UpstreamFault::connect,
            Failure::Broken(_) | Failure::Nonsense(_) => UpstreamFault::answer,
            Failure::Slow
            | Failure::Busy
            | Failure::Reset(_)
            | Failure::SessionEnded
            | Failure::TooLarge
            | Failure::Visitor => return,
        };
        metrics.upstream_failed(&self.address.name, fault);
        let mut record = self.record();
        while !self.change(record, record.failed(now)) {
            record = self.record();
        }
        if !record.is_out() && record.failed(now).is_out() {
            let (server, why) = (&self.address.name, failure);
            tracing::warn!(server, ?why, "a server of an app fails again and again");
            self.tell(metrics);
        }
    }

    /// Its health checks found it well, or not, after they had found the opposite.
    pub(super) fn found(&self, well: bool, why: &str, metrics: &Metrics) {
        let server = &self.address.name;
        if well {
            // Whatever spoke against it is over.
            self.record.store(0, Ordering::Relaxed);
            tracing::info!(server, "a server of an app passes its health checks again");
        } else {
            tracing::warn!(server, why, "a server of an app fails its health checks");
        }
        self.down.store(!well, Ordering::Relaxed);
        self.tell(metrics);
    }

    /// Tells whether it gets requests.
    pub(super) fn tell(&self, metrics: &Metrics) {
        let up = !self.down.load(Ordering::Relaxed) && !self.record().is_out();
        metrics.upstream_is_up(&self.address.name, up);
    }

    fn change(&self, from: Record, to: Record) -> bool {
        let (from, to) = (from.bits(), to.bits());
        self.record.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: &str = "askara_gate_upstream_up{server=\"a\"} ";

    struct Scene {
        app: App,
        metrics: Metrics,
    }

    impl Scene {
        fn new() -> Self {
            let address = Address {
                name: String::from("a"),
                host: HeaderValue::from_static("a"),
                target: Target::Unix("/nowhere".into()),
            };
            Self { app: App::new(vec![address], None, None), metrics: Metrics::new() }
        }

        fn server(&self) -> &Server {
            &self.app.servers[0]
        }

        fn fails(&self, times: usize) {
            for _ in 0..times {
                let failure = Failure::Connect(String::from("refused"));
                self.server().failed(&failure, 0, &self.metrics);
            }
        }

        /// A request that is answered, from its beginning on.
        fn answers(&self, now: u64) {
            let seen = self.server().begin(|| now).unwrap();
            self.server().answered(seen, &self.metrics);
        }

        fn told(&self) -> Option<String> {
            let text = self.metrics.text();
            text.lines().find_map(|line| Some(line.strip_prefix(UP)?.to_owned()))
        }
    }

    #[test]
    fn failures_count_only_in_a_row() {
        let scene = Scene::new();
        for _ in 0..3 {
            scene.fails(2);
            scene.answers(0);
        }
        assert_eq!(scene.server().standing(|| 0), Standing::Up);
        scene.fails(3);
        assert_eq!(scene.server().standing(|| 0), Standing::Out);
        assert_eq!(scene.told().as_deref(), Some("0"));
    }

    #[test]
    fn an_answer_to_a_request_from_before_brings_no_server_back_and_that_of_a_trial_does() {
        let scene = Scene::new();
        let early = scene.server().begin(|| 0).unwrap();
        scene.fails(1);
        let between = scene.server().begin(|| 0).unwrap();
        scene.fails(2);
        for seen in [early, between] {
            scene.server().answered(seen, &scene.metrics);
            assert_eq!(scene.server().standing(|| 0), Standing::Out);
        }
        assert_eq!(scene.server().standing(|| 1000), Standing::Due);
        let trial = scene.server().begin(|| 1000).unwrap();
        assert_eq!(scene.server().standing(|| 1000), Standing::Out, "one trial at a time");
        scene.server().answered(trial, &scene.metrics);
        assert_eq!(scene.server().standing(|| 1000), Standing::Up);
        assert_eq!(scene.told().as_deref(), Some("1"));
    }

    #[test]
    fn who_has_no_choice_goes_to_a_server_that_is_out_and_brings_it_back_by_an_answer() {
        let scene = Scene::new();
        scene.fails(9);
        scene.answers(0);
        assert_eq!(scene.server().standing(|| 0), Standing::Up);
    }

    #[test]
    fn slowness_a_limit_and_a_visitor_who_goes_speak_against_nobody() {
        let scene = Scene::new();
        for failure in [Failure::Slow, Failure::Busy, Failure::Visitor] {
            (0..9).for_each(|_| scene.server().failed(&failure, 0, &scene.metrics));
        }
        assert!(scene.server().record().is_clean());
    }

    #[test]
    fn health_checks_have_the_last_word() {
        let scene = Scene::new();
        scene.server().found(false, "status 500", &scene.metrics);
        scene.answers(0);
        assert_eq!(scene.server().standing(|| 0), Standing::Down);
        assert_eq!(scene.told().as_deref(), Some("0"));
        scene.fails(3);
        scene.server().found(true, "", &scene.metrics);
        assert_eq!(scene.server().standing(|| 0), Standing::Up, "what was before is over");
        assert_eq!(scene.told().as_deref(), Some("1"));
    }
}
