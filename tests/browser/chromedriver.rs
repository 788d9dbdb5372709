//! A chromedriver process of the test's own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) struct Chromedriver {
    child: Child,
    pub(crate) port: u16,
}

impl Chromedriver {
    /// Starts one on a free port, in our process group: an interrupted run ends it too. What it and
    /// its browser write lies in `home`.
    pub(crate) fn start(home: &Path) -> Self {
        // It takes one port for two families of addresses, of which another may have the second.
        let mut tries = std::iter::repeat_with(|| Self::once(home)).take(5);
        tries.find_map(|started| started).expect("chromedriver says its port")
    }

    fn once(home: &Path) -> Option<Self> {
        let mut child = Command::new("chromedriver")
            .args(["--port=0", "--log-level=WARNING"])
            .env("HOME", home)
            .env("TMPDIR", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts (Debian: apt-get install chromium chromium-driver)");
        let said = child.stdout.take();
        let mut driver = Self { child, port: 0 };
        let mut lines = BufReader::new(said?).lines();
        driver.port = lines.by_ref().map_while(Result::ok).find_map(|line| port_in(&line))?;
        // What it says later must find a reader, or it would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Some(driver)
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `ChromeDriver was started successfully on port 33061.`
fn port_in(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}
