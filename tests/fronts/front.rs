//! What a front is: a program, the recipes that it runs on, and how it differs from the others.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::certificate::NAME;
use crate::harness::Port;

pub(crate) struct Front {
    /// The gateway's configuration, below `deploy/`.
    pub(crate) gate: &'static str,
    /// Writes the recipes with the addresses of the place, and says what to run: one process, in
    /// the foreground, that ends when it is killed.
    pub(crate) command: fn(&mut Place) -> Command,
    pub(crate) manners: Manners,
}

/// In what fronts differ, all of it told in their recipes.
pub(crate) struct Manners {
    /// Whether a program without a session gets the gateway's own 401, with the login address; a
    /// bare one otherwise.
    pub(crate) explains_401: bool,
    /// Whether a person who may not gets the gateway's page; a bare 403 otherwise.
    pub(crate) explains_403: bool,
    /// Whether the app is spared the gateway's cookies.
    pub(crate) hides_cookies: bool,
    /// Whether a program without a session is redirected as everybody is, and gets its 401 at the
    /// address where a login begins.
    pub(crate) redirects_programs: bool,
    /// How the names begin under which the app is told who it is.
    pub(crate) identity: &'static str,
    /// What everybody gets while the gateway is dead or silent.
    pub(crate) closed: &'static [u16],
    /// The largest body, in bytes, whose sender surely sees that it is refused; the connection of a
    /// larger one may be cut.
    pub(crate) refused_body: usize,
    /// How long a silent gateway may keep a request, with some room for a busy machine.
    pub(crate) patience: Duration,
    /// Addresses in the gateway's configuration that are not those of one machine, and which of
    /// them each stands for: `127.0.0.1`, with port 4180 or 3000.
    pub(crate) addresses: &'static [(&'static str, &'static str)],
}

impl Manners {
    /// As good as it gets.
    pub(crate) const BEST: Self = Self {
        explains_401: true,
        explains_403: true,
        hides_cookies: true,
        redirects_programs: false,
        identity: "x-forwarded-",
        closed: &[503],
        refused_body: 300_000,
        patience: Duration::from_secs(12),
        addresses: &[],
    };

    /// Whether that is what a program without a session is told at first.
    pub(crate) fn turns_away(&self, status: u16) -> bool {
        status == if self.redirects_programs { 302 } else { 401 }
    }
}

/// Where everything is on this machine in this test.
pub(crate) struct Place {
    /// A folder of the front's own. It holds `tls.crt`, `tls.key`, and both in `tls.pem`.
    pub(crate) home: PathBuf,
    /// Where the front listens, with TLS.
    pub(crate) port: u16,
    /// Where the gateway listens.
    pub(crate) gate: u16,
    /// Where the app listens.
    pub(crate) app: u16,
    others: Vec<Port>,
}

impl Place {
    pub(crate) fn new(home: &Path, port: u16, gate: u16, app: u16) -> Self {
        Self { home: home.to_owned(), port, gate, app, others: Vec::new() }
    }

    /// `127.0.0.1:PORT` of the gateway.
    pub(crate) fn gate(&self) -> String {
        format!("127.0.0.1:{}", self.gate)
    }

    /// `127.0.0.1:PORT` of the app.
    pub(crate) fn app(&self) -> String {
        format!("127.0.0.1:{}", self.app)
    }

    /// `app.example.com:PORT`, as browsers call the front.
    pub(crate) fn host(&self) -> String {
        format!("{NAME}:{}", self.port)
    }

    /// The path of a file in its folder.
    pub(crate) fn file(&self, name: &str) -> String {
        self.home.join(name).to_str().unwrap().to_owned()
    }

    /// One more free port, held for this front.
    #[allow(dead_code, reason = "not every front needs one")]
    pub(crate) fn another_port(&mut self) -> u16 {
        let port = Port::reserve();
        let number = port.number;
        self.others.push(port);
        number
    }
}
