//! A front, the gateway that it asks, the app behind it, and who visits.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::certificate::{self, NAME};
use crate::front::{Front, Place};
use crate::harness::{
    Answer, App, CLIENT_ID, CLIENT_SECRET, Line, Port, Process, Provider, Visitor, ask, random_key,
    wait,
};
use crate::program::Program;
use crate::recipe::Recipe;

/// Nothing that a front says takes longer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

pub(crate) struct Stage {
    // Declared before what it talks to, and so ended before it.
    _front: Program,
    gate: Option<Process>,
    silence: Option<JoinHandle<()>>,
    pub(crate) app: App,
    pub(crate) provider: Provider,
    /// Of the front, as browsers know it.
    pub(crate) origin: Url,
    tls: Arc<ClientConfig>,
    gate_port: Port,
    _place: Place,
    _port: Port,
    _home: TempDir,
}

impl Stage {
    pub(crate) async fn of(front: &Front) -> Self {
        Self::with(front, Provider::start().await).await
    }

    pub(crate) async fn with(front: &Front, provider: Provider) -> Self {
        let table = provider_of(&provider);
        Self::with_table(front, provider, &table, |recipe| recipe).await
    }

    /// The gateway's `[provider]` starts with these lines instead of its `kind`, and its recipe is
    /// changed further.
    pub(crate) async fn with_table(
        front: &Front,
        provider: Provider,
        table: &str,
        change: impl FnOnce(Recipe) -> Recipe,
    ) -> Self {
        Self::on(Port::reserve(), front, provider, table, change).await
    }

    /// With two providers to choose from, `one` and `other`: the stage's own is `one`.
    pub(crate) async fn with_choice(front: &Front) -> (Self, Provider) {
        let (one, other) = (Provider::start().await, Provider::start().await);
        let second = format!(
            "[providers.other]\n{}\nclient_id = {CLIENT_ID:?}\nclient_secret = {{ file = \
             \"client.secret\" }}\n\n[session]",
            provider_of(&other)
        );
        let table = provider_of(&one);
        let stage = Self::with_table(front, one, &table, |recipe| {
            recipe.with("[provider]", "[providers.one]").with("[session]", &second)
        });
        (stage.await, other)
    }

    /// As `with_table`, with the front's port.
    pub(crate) async fn on(
        port: Port,
        front: &Front,
        provider: Provider,
        table: &str,
        change: impl FnOnce(Recipe) -> Recipe,
    ) -> Self {
        let app = App::start().await;
        let gate_port = Port::reserve();
        let origin: Url = format!("https://{NAME}:{}", port.number).parse().unwrap();
        let home = TempDir::new().unwrap();
        let (for_gate, for_front) = (home.path().join("gate"), home.path().join("front"));
        fs::create_dir(&for_gate).unwrap();
        fs::create_dir(&for_front).unwrap();
        let tls = certificate::write_to(&for_front);

        let app_port: Url = app.url().parse().unwrap();
        let mut place =
            Place::new(&for_front, port.number, gate_port.number, app_port.port().unwrap());
        let recipe = change(gate_recipe(front, &place, &for_gate).with("kind = \"askara\"", table));
        recipe.write(for_gate.join("gate.toml"));
        let gate = Process::start(&for_gate, &["run", "--config", "gate.toml"]);
        wait_for_ping(gate_port.number, &gate).await;

        let command = (front.command)(&mut place);
        let mut program = Program::start(command, &for_front);
        program.listens_at(port.number).await;
        wait_for_front(&origin, &tls).await;
        Self {
            _front: program,
            gate: Some(gate),
            silence: None,
            app,
            provider,
            origin,
            tls,
            gate_port,
            _place: place,
            _port: port,
            _home: home,
        }
    }

    /// A browser that has never been here.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(self.origin.clone(), Some(Arc::clone(&self.tls)))
    }

    /// Somebody who has just signed in; what the app was asked for that is forgotten.
    pub(crate) async fn signed_in(&self) -> Visitor {
        let visitor = self.visitor();
        visitor.login().await;
        self.app.forgets();
        visitor
    }

    /// `https://app.example.com:PORT`, without a slash behind it.
    pub(crate) fn base(&self) -> String {
        self.origin.origin().ascii_serialization()
    }

    pub(crate) fn authority(&self) -> String {
        self.origin.authority().to_owned()
    }

    /// A connection to the front, with TLS.
    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let socket = TcpStream::connect(("127.0.0.1", self.origin.port().unwrap())).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, socket).await.unwrap()
    }

    /// Sends a request whose target is exactly this, with further lines, on a connection of its
    /// own, and returns the status; `None` where the front hangs up instead.
    pub(crate) async fn raw(&self, target: &str, lines: &str) -> Option<u16> {
        let answer = self.exchange(target, lines).await;
        answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
    }

    /// The same, and returns all that comes back.
    pub(crate) async fn exchange(&self, target: &str, lines: &str) -> String {
        let mut socket = self.connect().await;
        let host = self.authority();
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: */*\r\n{lines}\r\n"
        );
        let _ = socket.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        // An error is an end too: some close without TLS's farewell.
        let read = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "no end of the answer to {target}");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// What the gateway wrote so far.
    pub(crate) fn said(&self) -> String {
        self.gate.as_ref().map(Process::output).unwrap_or_default()
    }

    /// Ends the gateway as a power cut would.
    pub(crate) fn stop_gate(&mut self) {
        self.gate = None;
    }

    /// From now on the gateway accepts connections, reads, and says nothing.
    pub(crate) async fn silence_gate(&mut self) {
        self.stop_gate();
        let listener = self.gate_port.listen();
        self.silence = Some(tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                held.push(socket);
            }
        }));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.silence.iter().for_each(JoinHandle::abort);
    }
}

/// The lines of `[provider]` that are the askara preset's, at the stand-in's address.
fn provider_of(provider: &Provider) -> String {
    let url = provider.url();
    format!(
        "kind = \"askara\"\nauthorize_url = \"{url}/authorize\"\ntoken_url = \
         \"{url}/oauth2/token\"\nuserinfo_url = \"{url}/me\""
    )
}

fn gate_recipe(front: &Front, place: &Place, home: &Path) -> Recipe {
    let written = |name: &str, content: &str| {
        let path = home.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let secret = format!("{{ file = {:?} }}", written("client.secret", CLIENT_SECRET));
    let recipe = Recipe::of(front.gate);
    let addresses = front.manners.addresses.iter();
    addresses
        .fold(recipe, |recipe, (theirs, ours)| recipe.with(theirs, ours))
        .with("\"https://app.example.com\"", &format!("\"https://{}\"", place.host()))
        .with("127.0.0.1:4180", &place.gate())
        .with("{ env = \"ASKARA_CLIENT_ID\" }", &format!("{CLIENT_ID:?}"))
        .with("{ env = \"ASKARA_CLIENT_SECRET\" }", &secret)
        .with("/run/secrets/session.key", &written("session.key", &random_key()))
}

async fn wait_for_ping(port: u16, gate: &Process) {
    let origin = format!("http://127.0.0.1:{port}").parse().unwrap();
    let ping = async {
        loop {
            if let Ok(mut line) = Line::open(&origin, None).await
                && let Ok(pong) = line.begin(ask("GET", "/ping")).await
                && Answer::read(pong).await.status == 200
            {
                return;
            }
            wait(20).await;
        }
    };
    let answered = timeout(PATIENCE, ping).await;
    assert!(answered.is_ok(), "no answer from /ping:\n{}", gate.output());
}

/// Some listen before they have read what to do: Traefik says 404 until then, and 500 or 502 where it
/// can't ask yet.
async fn wait_for_front(origin: &Url, tls: &Arc<ClientConfig>) {
    let knows = async {
        loop {
            if let Ok(mut line) = Line::open(origin, Some(tls)).await
                && let Ok(answer) = line.begin(ask("GET", "/").fetching()).await
                && !matches!(answer.status().as_u16(), 404 | 500 | 502)
            {
                return;
            }
            wait(20).await;
        }
    };
    assert!(timeout(PATIENCE, knows).await.is_ok(), "the front serves nothing");
}
