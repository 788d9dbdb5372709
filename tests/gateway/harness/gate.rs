//! A gateway that runs: where it listens, who may visit, how it ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use socket2::Socket;
use tempfile::TempDir;
use tokio::net::TcpStream;
use url::Url;

use super::{Answer, Ask, Line, Process, RawAnswer, Visitor, ask, wait};

pub(crate) struct Port {
    pub(crate) number: u16,
    pub(super) held: Socket,
}

pub(crate) struct Gate {
    // Declared first, dropped first: the process ends before its files and its port go.
    process: Process,
    admin: Option<Port>,
    home: TempDir,
    origin: Url,
    port: Port,
    tls: Option<Arc<ClientConfig>>,
}

impl Gate {
    pub(super) async fn waited_for(
        home: TempDir,
        process: Process,
        port: Port,
        admin: Option<Port>,
        certificate: Option<CertificateDer<'static>>,
    ) -> Self {
        let scheme = certificate.as_ref().map_or("http", |_| "https");
        let origin = format!("{scheme}://127.0.0.1:{}", port.number);
        let mut gate = Self {
            process,
            admin,
            home,
            origin: origin.parse().unwrap(),
            port,
            tls: certificate.map(|certificate| trusting(certificate, &[b"http/1.1"])),
        };
        gate.wait_for_ping().await;
        gate
    }

    async fn wait_for_ping(&mut self) {
        for _ in 0..1000 {
            if let Some(code) = self.process.ended() {
                panic!("the gateway ended with {code:?}:\n{}", self.output());
            }
            if let Ok(mut line) = Line::open(&self.origin, self.tls.as_ref()).await
                && let Ok(pong) = line.begin(ask("GET", "/ping")).await
                && pong.status() == 200
            {
                return;
            }
            wait(20).await;
        }
        panic!("no answer from /ping");
    }

    /// Waits until it says that it is ready: with a store, once that was read.
    pub(crate) async fn ready(&self) {
        for _ in 0..250 {
            if self.send(ask("GET", "/ready")).await.status == 200 {
                return;
            }
            wait(20).await;
        }
        panic!("not ready within five seconds");
    }

    /// A browser that has never been here.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(self.origin.clone(), self.tls.clone())
    }

    /// A connection of its own, for requests one after another.
    pub(crate) async fn line(&self) -> Line {
        Line::open(&self.origin, self.tls.as_ref()).await.unwrap()
    }

    /// Sends exactly these bytes and returns all that comes back.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> RawAnswer {
        super::raw::exchange(self.port.number, bytes.as_ref()).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        let address = ("127.0.0.1", self.port.number);
        TcpStream::connect(address).await.unwrap()
    }

    /// Whether a new connection is accepted at all.
    pub(crate) async fn accepts(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port.number)).await.is_ok()
    }

    pub(crate) async fn admin(&self, target: &str) -> Result<Answer, Box<dyn std::error::Error>> {
        let port = self.admin.as_ref().expect("started with_admin").number;
        let origin = format!("http://127.0.0.1:{port}").parse()?;
        let mut line = Line::open(&origin, None).await?;
        Ok(Answer::read(line.begin(ask("GET", target)).await?).await)
    }

    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        self.line().await.send(ask).await
    }

    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    /// `http://127.0.0.1:PORT`, without a slash behind it.
    pub(crate) fn base(&self) -> String {
        self.origin.origin().ascii_serialization()
    }

    pub(crate) fn authority(&self) -> String {
        self.origin.authority().to_owned()
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn output(&self) -> String {
        self.process.output()
    }

    /// What the gateway holds in memory, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        self.process.memory("VmRSS")
    }

    /// The most that it ever held.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.process.memory("VmHWM")
    }

    /// How many files and sockets it has open.
    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(crate) fn descriptors(&self) -> usize {
        self.process.descriptors()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    pub(crate) async fn exit_code(&mut self, within: Duration) -> Option<i32> {
        self.process.exit_code(within).await
    }

    /// The port, for a second gateway beside this one.
    pub(crate) fn port(&self) -> Port {
        self.port.twin()
    }

    /// Ends the gateway and hands its port to the next.
    pub(crate) fn stop(self) -> Port {
        drop(self.process);
        self.port
    }

    /// A client's TLS settings that trust this gateway and offer these protocols.
    pub(crate) fn tls_offering(&self, protocols: &[&[u8]]) -> Arc<ClientConfig> {
        let mut config = self.tls.as_deref().expect("started over_tls").clone();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }
}

/// A client's TLS settings that trust this certificate and offer these protocols.
pub(crate) fn trusting(
    certificate: CertificateDer<'static>,
    protocols: &[&[u8]],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}
