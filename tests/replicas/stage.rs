//! One to three gateways behind an nginx that asks them in turn.

use std::time::Duration;

use url::Url;

use crate::harness::{
    Answer, App, Ask, Gate, GateBuilder, Line, Port, Provider, Redis, Visitor, gateway, random_key,
};
use crate::nginx::Nginx;

/// How many gateways there are, and what they share beside their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Configuration {
    /// One process, cookies.
    One,
    /// Three, cookies and nothing else.
    Alone,
    /// Three, cookies, and a store that keeps them from getting in each other's way.
    Coordinated,
    /// Three, sessions in the store.
    Stored,
}

pub(crate) use Configuration::{Alone, Coordinated, One, Stored};

impl Configuration {
    pub(crate) const ALL: [Self; 4] = [One, Alone, Coordinated, Stored];

    pub(crate) fn replicas(self) -> usize {
        if self == One { 1 } else { 3 }
    }

    pub(crate) fn has_store(self) -> bool {
        matches!(self, Coordinated | Stored)
    }
}

/// What a stage is to be like.
#[derive(Clone)]
pub(crate) struct Plan {
    configuration: Configuration,
    /// For each gateway its ring.
    keys: Vec<Vec<String>>,
    retries: bool,
    session: Vec<String>,
    limits: Vec<String>,
    store_limit: Option<&'static str>,
    waits_for_redis: bool,
    workers: usize,
}

impl Plan {
    pub(crate) fn of(configuration: Configuration) -> Self {
        Self {
            configuration,
            keys: vec![vec![random_key()]; configuration.replicas()],
            retries: false,
            session: Vec::new(),
            limits: Vec::new(),
            store_limit: Some(PATIENT),
            waits_for_redis: true,
            workers: 2,
        }
    }

    /// A line of `[session]`.
    pub(crate) fn session(mut self, line: &str) -> Self {
        self.session.push(line.to_owned());
        self
    }

    /// A line of `[limits]`.
    pub(crate) fn limit(mut self, line: &str) -> Self {
        self.limits.push(line.to_owned());
        self
    }

    /// The store may take no longer than it may by default: what is about that.
    pub(crate) fn usual_store_limit(mut self) -> Self {
        self.store_limit = None;
        self
    }

    /// nginx asks another gateway when one is gone. Off unless a test takes gateways away: it
    /// would as well hide an answer that a gateway should have given and did not.
    pub(crate) fn retrying(mut self) -> Self {
        self.retries = true;
        self
    }

    /// The ring of one gateway.
    pub(crate) fn keys_of(mut self, number: usize, keys: &[&str]) -> Self {
        self.keys[number] = keys.iter().map(|&key| key.to_owned()).collect();
        self
    }

    /// Threads of each gateway.
    pub(crate) fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Redis is there only once it is told to come up.
    pub(crate) fn before_redis(mut self) -> Self {
        self.waits_for_redis = false;
        self
    }

    pub(crate) async fn start(self, provider: Provider) -> Stage {
        let app = App::start().await;
        let redis = self.configuration.has_store().then(|| match self.waits_for_redis {
            true => Redis::start(),
            false => Redis::absent(),
        });
        let ports: Vec<_> = self.keys.iter().map(|_| Port::reserve()).collect();
        let numbers: Vec<u16> = ports.iter().map(|port| port.number).collect();
        let nginx = Nginx::with_http(&upstream(&numbers), "", &self.server(), |_| {});
        let origin: Url = nginx.url().parse().unwrap();
        let mut stage =
            Stage { plan: self, gates: Vec::new(), provider, app, redis, origin, _nginx: nginx };
        for (number, port) in ports.into_iter().enumerate() {
            let gate = stage.builder(number).on(port).start().await;
            stage.gates.push(Some(gate));
        }
        stage
    }

    fn server(&self) -> String {
        let retry = if self.retries { "error timeout" } else { "off" };
        format!(
            "
        access_log off;
        large_client_header_buffers 4 16k;
        location / {{
            proxy_pass http://gates;
            proxy_http_version 1.1;
            proxy_next_upstream {retry};
            proxy_buffer_size 16k;
            proxy_buffers 8 16k;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_header;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}"
        )
    }
}

/// Longer than any call to the store takes on a busy machine.
const PATIENT: &str = "store_limit = \"5s\"";

/// A gateway that fails stays in turn: the tests ask what becomes of every request.
fn upstream(ports: &[u16]) -> String {
    let server = |port: &u16| format!("        server 127.0.0.1:{port} max_fails=0;\n");
    let servers: String = ports.iter().map(server).collect();
    format!("    upstream gates {{\n{servers}        keepalive 64;\n    }}")
}

pub(crate) struct Stage {
    plan: Plan,
    // Declared before what it talks to, and so ended before it.
    gates: Vec<Option<Gate>>,
    pub(crate) provider: Provider,
    pub(crate) app: App,
    redis: Option<Redis>,
    /// nginx's.
    origin: Url,
    _nginx: Nginx,
}

impl Stage {
    fn builder(&self, number: usize) -> GateBuilder {
        let keys: Vec<&str> = self.plan.keys[number].iter().map(String::as_str).collect();
        let place = match self.plan.configuration {
            One | Alone => None,
            Coordinated => self.redis.as_ref().map(Redis::coordination),
            Stored => self.redis.as_ref().map(Redis::store),
        };
        let limit = place.iter().zip(self.plan.store_limit).map(|(_, limit)| limit.to_owned());
        let lines = place.iter().cloned().chain(limit).chain(self.plan.session.iter().cloned());
        let builder = gateway()
            .with_provider(&self.provider)
            .with_upstream(&self.app)
            .with_keys(&keys)
            .with_admin()
            .behind(&self.origin.origin().ascii_serialization())
            .with_top("trusted_proxies = [\"127.0.0.1\"]")
            .with_top(&format!("workers = {}", self.plan.workers))
            .with_table(&format!("[limits]\n{}", self.plan.limits.join("\n")))
            // Hundreds of sessions at TRACE would be all that the machine is busy with.
            .with_table("[log]\nlevel = \"info\"");
        lines.fold(builder, |builder, line| builder.with_session(&line))
    }

    pub(crate) fn gate(&self, number: usize) -> &Gate {
        self.gates[number].as_ref().expect("it runs")
    }

    /// Where browsers go: nginx.
    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    /// Those that run.
    pub(crate) fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().flatten()
    }

    pub(crate) fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("a configuration with a store")
    }

    /// A browser that has never been here.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(self.origin.clone(), None)
    }

    /// People who have just signed in, one after another.
    pub(crate) async fn signed_in(&self, people: usize) -> Vec<Visitor> {
        let mut visitors = Vec::new();
        for _ in 0..people {
            let visitor = self.visitor();
            visitor.login().await;
            visitors.push(visitor);
        }
        visitors
    }

    /// Asks one gateway past nginx, as nginx would.
    pub(crate) async fn ask(&self, number: usize, ask: Ask) -> Answer {
        let what = format!("{} {} at gateway {number}", ask.method, ask.target);
        let answer = Self::try_ask(self.gate(number).origin().clone(), &self.origin, ask).await;
        answer.unwrap_or_else(|| panic!("no answer to {what}"))
    }

    /// The same for one that may be killed meanwhile; nothing is what comes then.
    pub(crate) fn ask_the_doomed(
        &self,
        number: usize,
        ask: Ask,
    ) -> impl Future<Output = Option<Answer>> + use<> {
        let (gate, public) = (self.gate(number).origin().clone(), self.origin.clone());
        async move { Self::try_ask(gate, &public, ask).await }
    }

    async fn try_ask(gate: Url, public: &Url, ask: Ask) -> Option<Answer> {
        let mut line = Line::open(&gate, None).await.ok()?;
        let ask = ask.header("host", public.authority()).header("x-forwarded-for", "127.0.0.1");
        let response = line.begin(ask).await.ok()?;
        Some(Answer::read(response).await)
    }

    /// Ends a gateway as a power cut would.
    pub(crate) fn kill(&mut self, number: usize) -> Port {
        self.gates[number].take().expect("it runs").stop()
    }

    /// Starts a gateway where one was.
    pub(crate) async fn start(&mut self, number: usize, port: Port) {
        let gate = self.builder(number).on(port).start().await;
        self.gates[number] = Some(gate);
    }

    /// Ends a gateway as a deployment does, and starts it again.
    pub(crate) async fn restart(&mut self, number: usize) {
        let mut gate = self.gates[number].take().expect("it runs");
        gate.signal("TERM");
        let code = gate.exit_code(Duration::from_secs(40)).await;
        assert_eq!(code, Some(0), "a clean drain:\n{}", gate.output());
        let port = gate.stop();
        self.start(number, port).await;
    }

    /// Gives a gateway another ring, from its next start on.
    pub(crate) fn takes_keys(&mut self, number: usize, keys: &[&str]) {
        self.plan = self.plan.clone().keys_of(number, keys);
    }

    /// A counter of one gateway, by its name with labels.
    pub(crate) async fn counted(&self, number: usize, name: &str) -> u64 {
        let text = self.gate(number).admin("/metrics").await.unwrap().text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// A counter, added up over the gateways that run.
    pub(crate) async fn counted_by_all(&self, name: &str) -> u64 {
        let mut sum = 0;
        for number in 0..self.gates.len() {
            if self.gates[number].is_some() {
                sum += self.counted(number, name).await;
            }
        }
        sum
    }
    /// No request for somebody's page reached the app with another's identity. What the app was
    /// asked is forgotten. Needs a provider that tells logins apart.
    pub(crate) fn assert_own_identity(&self) {
        for seen in self.app.requests() {
            if seen.target != "/" {
                let user = seen.header("x-forwarded-user").unwrap();
                assert_eq!(user, seen.target.replace('/', "visitor-"));
            }
        }
        self.app.forgets();
    }
}
