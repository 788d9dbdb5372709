//! The way of a request, from its head to the app and back: joins the pure core to the edges.

mod backchannel;
mod bearer;
mod body;
pub mod clock;
mod login;
mod own;
mod pages;
mod providers;
mod renewal;
mod respond;
mod sealer;
pub mod sessions;
mod setup;
mod sign_out;
mod start;
mod state_to_app;
mod stores;
mod visit;
mod who;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use tokio_util::task::TaskTracker;

pub use body::Body;
use body::is_event_stream;
pub use respond::Failure;
pub use sessions::ledger;
pub use setup::Setup;

use crate::auth::cookie::CookieStyle;
use crate::auth::ending::Whom;
use crate::auth::headers;
use crate::auth::host::Origin;
use crate::auth::path::RequestPath;
use crate::auth::policy;
use crate::auth::request::{self, Intent, intent};
use crate::auth::return_to::ReturnRules;
use crate::auth::route::{Route, RouteTable};
use crate::auth::same_site;
use crate::auth::seal::{BadRing, KeyRing};
use crate::auth::trust::{Peer, TrustedProxies};
use crate::config::{Config, Keeping};
use crate::provider::Client;
use crate::secret::SealKey;
use crate::store::{Fault, Store};
use crate::telemetry::Metrics;
use crate::upstream::{AnswerBody, Until, Upstream};
use bearer::Verdicts;
use login::SpentAttempts;
use own::OwnPath;
use pages::Pages;
use providers::Party;
use respond::Asker;
use sealer::{Sealer, reference};
use sessions::{Ledger, OpenedCache, Place, RequestTraits, Sessions, end_all, refresh_cookie};
use state_to_app::Stated;
use visit::{Arrival, Visit};
use who::Who;

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
    spent: SpentAttempts,
    pages: Pages,
    /// Our own name in `Via`, by which a request that comes back is known.
    via: String,
    stated: Stated,
    access_log: bool,
    pub metrics: Arc<Metrics>,
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
        let domain = config.session.cookie_domain.as_deref();
        let scope = domain.unwrap_or_else(|| config.public.host.as_str());
        let ring = Arc::new(KeyRing::new(keys, scope)?);
        let cookies = CookieStyle::new(config.public.https, domain);
        let via = format!("askara-gate-{}", reference());
        let metrics = Arc::new(Metrics::new());
        let names = config.providers.iter().map(|provider| provider.settings.name.clone());
        let sessions = Sessions::new(
            match &config.session.keeping {
                Keeping::Cookie => Place::Cookie,
                Keeping::Coordinated(_) => Place::Coordinated,
                Keeping::Stored(_) => Place::Stored,
            },
            Sealer::new(ring, cookies),
            config.session.lifetimes,
            config.session.refresh,
            config.session.store_grace,
            config.limits.provider * 2 + Duration::from_secs(5),
            names.collect(),
            Arc::clone(&metrics),
        );
        let settings = || config.providers.iter().map(|provider| &provider.settings);
        Ok(Self {
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
            spent: SpentAttempts::default(),
            pages: Pages::new(),
            access_log: config.log.access,
            metrics,
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
        let (parts, body) = request.into_parts();
        let line =
            self.gateway.access_log.then(|| (parts.method.clone(), parts.uri.path().to_owned()));
        let answer = match self.arrive(&parts, peer) {
            Ok(arrival) => self.answer(parts, body, arrival).await,
            Err(failure) => {
                self.gateway.respond(&failure, &Asker::of(&parts.method, &parts.headers))
            }
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
        let told_host = forwarded.host.take();
        Ok(Arrival {
            peer,
            told_host: told_host.is_some(),
            host: told_host.unwrap_or(host),
            forwarded,
        })
    }

    async fn answer(
        self: &Arc<Self>,
        parts: Parts,
        body: Incoming,
        arrival: Arrival,
    ) -> Response<Body> {
        // The head is read by some and changed for the app: what is read is a cheap copy.
        let seen = parts.headers.clone();
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let lines = seen.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let visit = Visit {
            method: &method,
            headers: &seen,
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            host: &arrival.host,
            own: self.gateway.sessions.sealer.cookies.sort(lines),
        };
        match self.decide(&visit, parts, body, &arrival).await {
            Ok(answer) => answer,
            Err(failure) => self.gateway.respond(&failure, &visit.asker()),
        }
    }

    /// The whole way on one screen.
    async fn decide(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        mut parts: Parts,
        body: Incoming,
        arrival: &Arrival,
    ) -> Result<Response<Body>, Failure> {
        let path = RequestPath::parse(visit.path).map_err(Failure::Path)?;
        if let Some(own) = OwnPath::of(&path, visit, &self.gateway) {
            let form = read_form(&parts, body).await;
            return self.own_answer(own, visit, &form).await;
        }
        headers::strip_nominated(&mut parts.headers);
        headers::strip_claims(&mut parts.headers);
        let found =
            self.gateway.routes.find(visit.host, &path, visit.method).map_err(Failure::Route)?;
        let public = policy::judge(found, &path, None).is_ok();
        let who = self.who(visit, found, public).await?;
        let mut answer = match policy::judge(found, &path, who.identity()) {
            Ok(permit) => {
                self.same_origin_socket(visit, &who)?;
                self.gateway.state_to_app(&mut parts, found.route, &who, arrival, visit);
                let app = &self.upstreams[found.route.upstream];
                let request = Request::from_parts(parts, body);
                let until = || {
                    who.leash(&self.gateway.sessions).map(|leash| Box::pin(leash.over()) as Until)
                };
                let answer = app.forward(request, permit, until).await;
                self.for_visitor(answer.map_err(Failure::Upstream)?, found.route, &who)
            }
            Err(policy::Denied::NoSession) => self.without_session(visit).await,
        };
        match &who {
            Who::Somebody(current) | Who::Stranger(current) => {
                let traits = RequestTraits::of(visit.headers);
                refresh_cookie(self, current, &visit.own, &traits, answer.headers_mut());
            }
            Who::Nobody { clear: true } => self.clear_cookies(visit, &mut answer),
            Who::Nobody { clear: false } | Who::Client(_) => {}
        }
        Ok(answer)
    }

    /// Sends a navigation to the provider; tells everything else where to sign in.
    async fn without_session(self: &Arc<Self>, visit: &Visit<'_>) -> Response<Body> {
        let gateway = &self.gateway;
        let respond = |failure: Failure| gateway.respond(&failure, &visit.asker());
        if !gateway.knows(visit.host) {
            return gateway.elsewhere(visit, None).unwrap_or_else(respond);
        }
        if gateway.sessions.keeps_nothing() {
            // A login could not be kept: nobody is sent on one (C-114).
            return respond(Failure::StoreUnavailable);
        }
        let origin = visit.origin(gateway);
        if intent(visit.method, visit.headers) == Intent::Navigation {
            let target = if visit.query.is_empty() {
                visit.path.to_owned()
            } else {
                format!("{}?{}", visit.path, visit.query)
            };
            let return_to = gateway.judged(Some(&target), &origin);
            let begun = self.sign_in_navigation(visit, &return_to).await;
            return begun.unwrap_or_else(|failure| {
                if matches!(failure, Failure::Route(_)) {
                    return respond(failure);
                }
                gateway.respond_again(
                    &failure,
                    &visit.asker(),
                    Some(gateway.start_path(&return_to)),
                )
            });
        }
        // Where a script's request failed, the page around it is what a person wants back.
        let referer = visit.headers.get(header::REFERER).and_then(|value| value.to_str().ok());
        respond(gateway.sign_in(visit, &gateway.judged(referer, &origin)))
    }

    fn clear_cookies(&self, visit: &Visit<'_>, answer: &mut Response<Body>) {
        let lines = self.gateway.sessions.sealer.cookies.clear_session(&visit.own);
        sealer::add_cookies(answer.headers_mut(), lines);
    }

    /// A browser lets any page open a WebSocket with our cookies: only our own pages may (C-67).
    fn same_origin_socket(&self, visit: &Visit<'_>, who: &Who) -> Result<(), Failure> {
        if !who.by_cookie() || !visit.headers.contains_key(header::UPGRADE) {
            return Ok(());
        }
        let origin = visit.origin(&self.gateway);
        match same_site::has_foreign_origin(visit.headers, &origin) {
            true => Err(Failure::ForeignOrigin),
            false => Ok(()),
        }
    }

    /// What of an app's answer does not concern the visitor goes; what is one person's is marked.
    fn for_visitor(
        &self,
        answer: Response<AnswerBody>,
        route: &Route,
        who: &Who,
    ) -> Response<Body> {
        let streams = is_event_stream(answer.headers()) && !answer.body().is_end_stream();
        let mut answer = match streams.then(|| who.leash(&self.gateway.sessions)).flatten() {
            Some(leash) => answer.map(|body| Body::events(body, leash)),
            None => answer.map(Body::App),
        };
        let headers = answer.headers_mut();
        if headers::strip_foreign_set_cookies(headers) {
            tracing::warn!(upstream = route.upstream, "an app tried to set a cookie of ours");
        }
        if who.identity().is_some() && !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        answer
    }

    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The form that was posted to one of our own paths; whatever is none counts as empty.
async fn read_form(parts: &Parts, body: Incoming) -> String {
    let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded")) {
        return String::new();
    }
    let read = tokio::time::timeout(FORM_TIME, Limited::new(body, FORM_BYTES).collect()).await;
    let bytes = read.ok().and_then(Result::ok).map(|read| read.to_bytes()).unwrap_or_default();
    String::from_utf8(bytes.to_vec()).unwrap_or_default()
}

const FORM_BYTES: usize = 8 * 1024;
const FORM_TIME: Duration = Duration::from_secs(10);
