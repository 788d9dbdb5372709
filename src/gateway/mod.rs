//! The way of a request, from its head to the app and back: joins the pure core to the edges.

mod assertion;
mod backchannel;
mod bearer;
mod body;
pub mod clock;
mod cors;
mod denied;
mod denied_page;
mod extended_connect;
mod fields;
mod foreign_page;
mod limits;
mod login;
mod own;
mod pages;
mod parked;
mod passage;
mod providers;
mod renewal;
mod replaced;
mod respond;
mod rewrite;
mod sealer;
mod session_script;
pub mod sessions;
mod setup;
mod sign_out;
mod start;
mod state_to_app;
mod stores;
mod subrequest;
mod visit;
mod who;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;

pub use crate::upstream::Company;
pub use body::Body;
pub use respond::Failure;
pub use sessions::ledger;
pub use setup::Setup;

use crate::auth::ending::Whom;
use crate::auth::host::Origin;
use crate::auth::request;
use crate::auth::return_to::ReturnRules;
use crate::auth::route::RouteTable;
use crate::auth::seal::{BadRing, KeyRing};
use crate::auth::trust::{Peer, TrustedProxies};
use crate::config::{Config, Keeping};
use crate::provider::Client;
use crate::secret::SealKey;
use crate::store::{Fault, Store};
use crate::telemetry::Metrics;
use crate::upstream::Upstream;
use assertion::Assertions;
use bearer::Verdicts;
use fields::LeftOut;
use login::{Alarms, SpentAttempts};
use pages::Pages;
use parked::Parking;
use providers::Party;
use respond::Asker;
use sealer::{Sealer, reference};
use sessions::{Ledger, OpenedCache, Place, Sessions, end_all};
use state_to_app::Stated;
use visit::Arrival;

/// What all workers share.
pub struct Gateway {
    public: Origin,
    prefix: String,
    routes: RouteTable,
    returns: ReturnRules,
    trusted: TrustedProxies,
    parties: Vec<Party>,
    /// Whether any provider lets API clients come with tokens of their own.
    takes_bearers: bool,
    provider_limit: Duration,
    sessions: Sessions,
    limits: limits::Limits,
    spent: SpentAttempts,
    alarms: Alarms,
    parking: Parking,
    pages: Pages,
    /// Our own name in `Via`, by which a request that comes back is known.
    via: String,
    stated: Stated,
    /// Where a route has the gateway vouch for people.
    assertions: Option<Assertions>,
    left_out: LeftOut,
    hints: subrequest::Hints,
    carries: subrequest::CarriesTraffic,
    access_log: bool,
    pub metrics: Arc<Metrics>,
    /// Whether the process will end soon, and is ready for nothing more.
    pub leaving: AtomicBool,
    /// Whether it takes nothing new.
    pub draining: AtomicBool,
}

/// What one thread has of its own.
pub struct Worker {
    gateway: Arc<Gateway>,
    upstreams: Vec<Upstream>,
    /// For each provider its own.
    clients: Vec<Client>,
    /// Its way to the store, where there is one.
    ledger: Option<Ledger>,
    // Only this worker's thread takes these locks, so it never waits.
    opened: Mutex<OpenedCache>,
    verdicts: Mutex<Verdicts>,
    tasks: TaskTracker,
}

impl Gateway {
    /// Puts the shared part together.
    pub fn new(config: Config, keys: &[SealKey]) -> Result<Self, BadRing> {
        let realms = config.realms;
        let ring = Arc::new(KeyRing::new(keys, realms.home().scope())?);
        let via = format!("askara-gate-{}", reference());
        let metrics = Arc::new(Metrics::new());
        let names = config.providers.iter().map(|provider| provider.settings.name.clone());
        let sessions = Sessions::new(
            match &config.session.keeping {
                Keeping::Cookie => Place::Cookie,
                Keeping::Coordinated(_) => Place::Coordinated,
                Keeping::Stored(_) => Place::Stored,
            },
            Sealer::new(Arc::clone(&ring), realms),
            config.session.lifetimes,
            config.session.refresh,
            config.session.store_grace,
            config.session.stream_grace,
            config.limits.provider * 2 + Duration::from_secs(5),
            names.collect(),
            Arc::clone(&metrics),
        );
        let settings = || config.providers.iter().map(|provider| &provider.settings);
        Ok(Self {
            assertions: config
                .assertion
                .map(|settings| Assertions::new(settings, ring, clock::now())),
            left_out: LeftOut::default(),
            hints: subrequest::Hints::default(),
            carries: subrequest::CarriesTraffic::default(),
            stated: Stated::new(&config.public, &via),
            via,
            public: config.public,
            prefix: config.prefix,
            routes: config.routes,
            returns: config.returns,
            trusted: config.trusted_proxies,
            takes_bearers: settings().any(|settings| settings.bearer.is_some()),
            parties: settings().map(|settings| Party::new(Arc::clone(settings))).collect(),
            provider_limit: config.limits.provider,
            sessions,
            limits: limits::Limits::new(&config.limits.routes),
            spent: SpentAttempts::default(),
            alarms: Alarms::default(),
            parking: Parking::new(config.limits.body_idle),
            pages: Pages::new(),
            access_log: config.log.access,
            metrics,
            leaving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
        })
    }

    /// All that is counted, as `/metrics` tells it.
    pub fn told_metrics(&self) -> String {
        self.metrics.streams.set(i64::try_from(self.sessions.streams.count()).unwrap_or(i64::MAX));
        self.metrics.text()
    }

    /// Forgets what is over; called now and then.
    pub fn sweep(&self) {
        self.spent.sweep(clock::now());
        self.parking.sweep(clock::now());
        self.sessions.registry.sweep(clock::now());
    }

    /// What `store` holds, as this gateway reads it.
    pub fn ledger(&self, store: Arc<dyn Store>) -> Ledger {
        Ledger::new(store, Arc::clone(&self.sessions.sealer.ring))
    }

    /// Hears through `store` which sessions end on other replicas, for as long as it is run.
    pub async fn hear(&self, store: Arc<dyn Store>) {
        sessions::hear(&self.sessions, &self.ledger(store)).await;
    }

    /// How long a request waits for a token: longer than a renewal takes at most, which may have
    /// to discover the provider first, and to wait for its turn each time.
    fn patience(&self) -> Duration {
        self.provider_limit * 4 + Duration::from_secs(5)
    }
}

impl Worker {
    /// A worker; `tasks` are waited for when the server drains.
    pub fn new(
        gateway: Arc<Gateway>,
        upstreams: Vec<Upstream>,
        clients: Vec<Client>,
        store: Option<Arc<dyn Store>>,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let ledger = store.map(|store| gateway.ledger(store));
        let opened = Mutex::new(OpenedCache::default());
        let verdicts = Mutex::new(Verdicts::default());
        Arc::new(Self { gateway, upstreams, clients, ledger, opened, verdicts, tasks })
    }

    /// Answers a request that came from `peer`.
    pub async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let over_http2 = extended_connect::translate(&mut parts);
        let asker = over_http2.then(|| Asker::of(&parts.method, &parts.headers));
        let line =
            self.gateway.access_log.then(|| (parts.method.clone(), parts.uri.path().to_owned()));
        let answer = match self.arrive(&parts, peer) {
            Ok(arrival) => self.answer(parts, body, arrival).await,
            Err(failure) => {
                let asker = Asker::of(&parts.method, &parts.headers);
                let by_status = self.gateway.is_asked_at(parts.uri.path());
                self.gateway.respond(&failure, &if by_status { asker.by_status() } else { asker })
            }
        };
        let answer = match asker {
            None => answer,
            Some(asker) => extended_connect::answer(answer)
                .unwrap_or_else(|failure| self.gateway.respond(&failure, &asker)),
        };
        self.gateway.metrics.answered(answer.status());
        if let Some((method, path)) = line {
            tracing::info!(%method, path, status = answer.status().as_u16(), "request");
        }
        answer
    }

    /// Whether the process takes nothing new.
    pub fn is_draining(&self) -> bool {
        self.gateway.draining.load(Ordering::Relaxed)
    }

    /// Ends all sessions of `whom`, on every replica. Returns how many the store knew of.
    async fn end_sessions(self: Arc<Self>, whom: Whom) -> Result<usize, Fault> {
        end_all(&self, whom).await
    }

    fn arrive(&self, parts: &Parts, peer: Peer) -> Result<Arrival, Failure> {
        let gateway = &self.gateway;
        let host = request::admit(parts, &gateway.via).map_err(Failure::Request)?;
        let mut forwarded = gateway.trusted.read(peer, &parts.headers);
        let (host, came_to) = match forwarded.host.take() {
            Some(told) => (told, Some(host)),
            None => (host, None),
        };
        Ok(Arrival { peer, host, came_to, forwarded })
    }

    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
