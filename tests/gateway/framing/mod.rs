//! Request smuggling (C-52 to C-61): the app sees exactly the requests that the gateway saw.

mod lengths;
mod lines;

use crate::harness::*;

/// A second request that no first one may hide.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x.example\r\n\r\n";

struct Scene {
    app: App,
    gate: Gate,
}

async fn scene() -> Scene {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    Scene { app, gate }
}

impl Scene {
    /// Sends `POST /first` with these header lines and this body, then the smuggled request.
    async fn post(&self, headers: &str, body: &str) -> RawAnswer {
        self.app.forgets();
        let host = self.gate.authority();
        let request =
            format!("POST /first HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{body}{SMUGGLED}");
        self.gate.raw(request).await
    }

    async fn get(&self, headers: &[u8]) -> RawAnswer {
        self.app.forgets();
        let mut request =
            format!("GET /first HTTP/1.1\r\nHost: {}\r\n", self.gate.authority()).into_bytes();
        request.extend_from_slice(headers);
        request.extend_from_slice(b"\r\n");
        self.gate.raw(request).await
    }

    /// Refused and closed; the app saw nothing.
    fn assert_refused(&self, answer: &RawAnswer, what: &str) {
        let status = answer.status();
        assert!(matches!(status, Some(400 | 431 | 501) | None), "{what}: {status:?}");
        assert!(answer.closed, "{what}: the connection cannot be trusted any more");
        assert!(self.app.requests().is_empty(), "{what}: {:?}", self.app.targets());
    }

    /// Refused, or passed once and cleanly with the connection closed behind it.
    fn assert_harmless(&self, answer: &RawAnswer, what: &str) {
        let targets = self.app.targets();
        assert!(targets.len() <= 1, "{what}: {targets:?}");
        assert!(!targets.contains(&"/smuggled".to_owned()), "{what}");
        assert!(answer.closed, "{what}");
        assert!(answer.statuses().len() <= 1, "{what}: {:?}", answer.statuses());
    }
}
