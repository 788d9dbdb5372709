//! An app's verifier in another language, as a child process: `provider/verify.mjs`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::openid_provider::tool;

pub(crate) struct Verifier {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    issuer: String,
}

impl Verifier {
    /// One that fetches the keys at `gate` when it is first asked, and never again.
    pub(crate) fn start(gate: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc/provider/verify.mjs");
        let mut child = Command::new(tool("bin/node"))
            .arg(script)
            .arg(tool("oidc-provider"))
            .arg(format!("{gate}/oauth2/jwks"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node starts");
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout, issuer: gate.to_owned() }
    }

    /// What it says of a token; it waits, so the gateway must be another process.
    pub(crate) fn verify(&mut self, token: &str, audience: &str) -> Value {
        let asked = json!({ "token": token, "issuer": self.issuer, "audience": audience });
        writeln!(self.stdin, "{asked}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("a line of JSON")
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
