//! Writes a config file for the providers at hand, starts the gateway with it, waits until it answers.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::play::ASKARA;
use super::route::Listens;
use super::signer::Signer;
use super::{App, Gate, Port, Process, Provider, Route, route, secrets};

pub(crate) const CLIENT_ID: &str = "gate-under-test";
pub(crate) const CLIENT_SECRET: &str = "canary-client-secret-8d1f";

/// The variable with that line.
const KEPT: &str = "GATE_TESTS_SESSION";

/// A port that nobody listens on.
const NOWHERE: &str = "http://127.0.0.1:1";

pub(crate) struct GateBuilder {
    admin: bool,
    keys: Vec<String>,
    port: Option<Port>,
    /// The lines of `[provider]`, or of `[providers.NAME]`.
    providers: Vec<(Option<String>, Vec<String>)>,
    provider_lines: Vec<String>,
    /// Tables in the place of all of them.
    provider_table: Option<String>,
    /// Where browsers reach it, if that is not where it listens.
    public: Option<String>,
    routes: Vec<Route>,
    session_lines: Vec<String>,
    tables: Vec<String>,
    tls: bool,
    top_lines: Vec<String>,
}

pub(crate) fn gateway() -> GateBuilder {
    GateBuilder {
        admin: false,
        keys: vec![random_key()],
        port: None,
        providers: Vec::new(),
        provider_lines: Vec::new(),
        provider_table: None,
        public: None,
        routes: Vec::new(),
        session_lines: Vec::new(),
        tables: Vec::new(),
        tls: false,
        top_lines: Vec::new(),
    }
}

/// 32 random bytes in base64, as `keygen` prints them.
pub(crate) fn random_key() -> String {
    let mut key = [0; 32];
    getrandom::fill(&mut key).unwrap();
    STANDARD.encode(key)
}

impl GateBuilder {
    pub(crate) fn with_provider(mut self, provider: &Provider) -> Self {
        self.providers = vec![(None, provider.settings())];
        self
    }

    /// One of several, with further lines of its table.
    pub(crate) fn with_named(mut self, name: &str, provider: &Provider, lines: &[&str]) -> Self {
        let mut settings = provider.settings();
        lines.iter().for_each(|line| say(&mut settings, line));
        self.providers.push((Some(name.to_owned()), settings));
        self
    }

    /// A line of the `[provider]` table; it replaces one of the same key.
    pub(crate) fn with_provider_line(mut self, line: &str) -> Self {
        self.provider_lines.push(line.to_owned());
        self
    }

    /// Whole tables of a provider (or of several), in the place of the askara preset's; a file
    /// `client.secret` lies beside the configuration.
    pub(crate) fn with_provider_table(mut self, table: &str) -> Self {
        self.provider_table = Some(table.to_owned());
        self
    }

    /// The app, for people who are signed in, under every path.
    pub(crate) fn with_upstream(self, app: &App) -> Self {
        self.with_route(route("/", app))
    }

    pub(crate) fn with_route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// A line of the `[session]` table.
    pub(crate) fn with_session(mut self, line: &str) -> Self {
        self.session_lines.push(line.to_owned());
        self
    }

    /// A line at the top of the file.
    pub(crate) fn with_top(mut self, line: &str) -> Self {
        self.top_lines.push(line.to_owned());
        self
    }

    /// A whole table, such as `[limits]`.
    pub(crate) fn with_table(mut self, table: &str) -> Self {
        self.tables.push(table.to_owned());
        self
    }

    pub(crate) fn with_keys(mut self, keys: &[&str]) -> Self {
        self.keys = keys.iter().map(|&key| key.to_owned()).collect();
        self
    }

    pub(crate) fn with_admin(mut self) -> Self {
        self.admin = true;
        self
    }

    /// Behind a proxy that browsers know by this origin.
    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(crate) fn behind(mut self, origin: &str) -> Self {
        self.public = Some(origin.to_owned());
        self
    }

    pub(crate) fn over_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Listens where another gateway did (or does).
    pub(crate) fn on(mut self, port: Port) -> Self {
        self.port = Some(port);
        self
    }

    pub(crate) async fn start(mut self) -> Gate {
        let home = TempDir::new().unwrap();
        let port = self.port.take().unwrap_or_else(Port::reserve);
        let admin = self.admin.then(Port::reserve);
        let tls = self.tls.then(|| self_signed(home.path()));
        let text = self.write(home.path(), &port, admin.as_ref());
        let config = home.path().join("gate.toml");
        fs::write(&config, text).unwrap();
        let process = Process::start(home.path(), &["run", "--config", config.to_str().unwrap()]);
        Gate::waited_for(home, process, port, admin, tls).await
    }

    /// A line of `[session]` for all gateways of this run whose test says nothing of a store: the
    /// same tests hold wherever sessions are kept.
    fn kept_elsewhere(&self) -> Option<String> {
        let says = |line: &String| line.starts_with("store") || line.starts_with("coordination");
        let line = std::env::var(KEPT).ok().filter(|line| !line.is_empty());
        line.filter(|_| !self.session_lines.iter().any(says))
    }

    fn write(&self, home: &Path, port: &Port, admin: Option<&Port>) -> String {
        let keys: Vec<_> = self
            .keys
            .iter()
            .enumerate()
            .map(|(n, key)| format!("{{ file = {:?} }}", written(home, &format!("{n}.key"), key)))
            .collect();
        self.write_proof(home);
        let scheme = self.scheme();
        let own = format!("{scheme}://127.0.0.1:{}", port.number);
        let mut lines = vec![
            format!("public_url = {:?}", self.public.as_ref().unwrap_or(&own)),
            format!("listen = [\"{scheme}://127.0.0.1:{}\"]", port.number),
        ];
        lines.extend(admin.map(|port| format!("admin_listen = \"127.0.0.1:{}\"", port.number)));
        lines.extend(self.top_lines.iter().cloned());
        if self.tls {
            lines.push("[[tls]]\ncertificate = \"tls.crt\"\nkey = \"tls.key\"".to_owned());
        }
        lines.extend(self.provider_tables());
        lines.push("[session]".to_owned());
        if !keys.is_empty() {
            lines.push(format!("keys = [{}]", keys.join(", ")));
        }
        lines.extend(self.session_lines.iter().cloned());
        lines.extend(self.kept_elsewhere());
        lines.extend(self.routes.iter().map(Route::to_toml));
        lines.extend(self.tables.iter().cloned());
        if !self.tables.iter().any(|table| table.contains("[log]")) {
            lines.push("[log]\nlevel = \"trace\"".to_owned());
        }
        lines.join("\n")
    }

    /// What the client proves itself with, the key only where it is named.
    fn write_proof(&self, home: &Path) {
        secrets::note(CLIENT_SECRET);
        self.keys.iter().for_each(|key| secrets::note(key));
        written(home, "client.secret", CLIENT_SECRET);
        let mut lines = self.providers.iter().flat_map(|(_, lines)| lines);
        if lines.any(|line| line.contains("client.pem")) {
            written(home, "client.pem", &Signer::client().private_pem());
        }
    }

    fn provider_tables(&self) -> Vec<String> {
        if let Some(table) = &self.provider_table {
            return [table].into_iter().chain(&self.provider_lines).cloned().collect();
        }
        let nowhere = || vec![(None, ASKARA.settings(NOWHERE, CLIENT_ID))];
        let mut tables = if self.providers.is_empty() { nowhere() } else { self.providers.clone() };
        if let [(None, settings)] = &mut tables[..] {
            self.provider_lines.iter().for_each(|line| say(settings, line));
        }
        let table = |(name, lines): (Option<String>, Vec<String>)| {
            let title = name.map_or("[provider]".to_owned(), |name| format!("[providers.{name}]"));
            format!("{title}\n{}", lines.join("\n"))
        };
        tables.into_iter().map(table).collect()
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

/// Adds a line, in place of one of the same key.
fn say(lines: &mut Vec<String>, line: &str) {
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    lines.retain(|known| key(known) != key(line));
    lines.push(line.to_owned());
}

fn written(home: &Path, name: &str, content: &str) -> String {
    let path = home.join(name);
    fs::write(&path, format!("{content}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn self_signed(home: &Path) -> rustls::pki_types::CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(home.join("tls.crt"), made.cert.pem()).unwrap();
    fs::write(home.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

impl Port {
    /// The same port for a second gateway beside the first.
    pub(crate) fn twin(&self) -> Self {
        Self { number: self.number, held: self.held.try_clone().unwrap() }
    }

    /// Holds a port with a socket that never listens: the gateway's own, by SO_REUSEPORT, may; and
    /// who sets only SO_REUSEADDR (Node) may too, as long as nobody listens.
    pub(crate) fn reserve() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.set_reuse_address(true).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).unwrap();
        let number = socket.local_addr().unwrap().as_socket().unwrap().port();
        Self { number, held: socket }
    }

    /// Listens at the port that is held.
    pub(crate) fn listen(&self) -> TcpListener {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, self.number)).into()).unwrap();
        socket.listen(1024).unwrap();
        TcpListener::from_std(socket.into()).unwrap()
    }
}

impl Listens for App {
    fn url(&self) -> String {
        Self::url(self)
    }
}
