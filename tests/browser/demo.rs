//! `askara-gate demo` as a process, and the way of a person through its sign-in.

use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::browser::Browser;
use crate::harness::Process;
use crate::wire::Wire;

pub(crate) const EMAIL: &str = "demo@example.com";
pub(crate) const PASSWORD: &str = "demo";

/// How long the demo may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Demo {
    pub(crate) address: String,
    // Dropped in this order: the process ends before its files go.
    _process: Process,
    _home: TempDir,
}

impl Demo {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A demo whose access tokens live this long, such as `4s`.
    pub(crate) fn with_token_life(life: &str) -> Self {
        Self::with(&["--token-life", life])
    }

    /// A demo whose stand-in plays another kind of provider.
    pub(crate) fn of_kind(kind: &str) -> Self {
        Self::with(&["--provider", kind])
    }

    /// A demo whose sessions end with their access token, which nothing renews.
    pub(crate) fn with_session_life(life: &str) -> Self {
        Self::with(&["--provider", "api-v1", "--token-life", life])
    }

    fn with(more: &[&str]) -> Self {
        let home = TempDir::new().unwrap();
        let arguments: Vec<&str> = ["demo", "--port", "0"].iter().chain(more).copied().collect();
        let (address, process) = started(Process::start(home.path(), &arguments));
        Self { address, _process: process, _home: home }
    }

    /// The address of a path of the app.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Opens a path and signs in on the way.
    pub(crate) fn sign_in(&self, browser: &Browser, path: &str) {
        browser.go(&self.at(path));
        give_password(browser);
        browser.click("#allow");
        browser.wait_for("#who");
    }
}

/// Waits until a gateway answers at the first address that it prints.
pub(crate) fn started(mut process: Process) -> (String, Process) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let output = process.output();
        if let Some((address, port)) = first_address(&output)
            && Wire::to(port).status("/ping").is_some_and(|status| status == 200)
        {
            return (address, process);
        }
        assert!(process.ended().is_none(), "the gateway ended: {output}");
        assert!(Instant::now() < deadline, "the gateway does not answer: {output}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Fills in the provider's sign-in page, which the browser shows or is about to.
pub(crate) fn give_password(browser: &Browser) {
    browser.fill("#email", EMAIL);
    browser.fill("#password", PASSWORD);
    browser.click("#sign-in");
    browser.wait_for("#allow");
}

/// The gateway's address stands first in what the demo prints.
fn first_address(output: &str) -> Option<(String, u16)> {
    let (_, rest) = output.split_once("http://127.0.0.1:")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    // The line has come whole, or the number may go on.
    rest.contains('\n').then_some(())?;
    Some((format!("http://127.0.0.1:{digits}"), digits.parse().ok()?))
}
