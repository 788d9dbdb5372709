//! A request as the tests write it, the answer as they read it, and the HTTP/1.1 connection between.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::jar::SetCookie;
use super::{Body, empty, full};

/// No single answer may take longer: a hang is a failed test, not a stuck one.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    body: Body,
}

pub(crate) fn ask(method: &str, target: &str) -> Ask {
    Ask { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: empty() }
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = full(bytes);
        self
    }

    pub(crate) fn stream(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn cookie(self, pair: &str) -> Self {
        self.header("cookie", pair)
    }

    /// What a browser says about a page that the person goes to.
    pub(crate) fn navigating(self) -> Self {
        self.header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
    }

    /// What a browser says about a script's own request.
    pub(crate) fn fetching(self) -> Self {
        self.header("sec-fetch-mode", "cors")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-dest", "empty")
            .header("accept", "*/*")
    }

    pub(crate) fn same_origin(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }

    fn names(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header))
    }

    pub(crate) fn has_cookie(&self) -> bool {
        self.names("cookie")
    }

    fn into_request(self, authority: &str) -> Request<Body> {
        let named_host = self.names("host");
        let mut request = Request::builder().method(self.method.as_str()).uri(self.target.as_str());
        if !named_host {
            request = request.header("host", authority);
        }
        for (name, value) in &self.headers {
            request = request.header(name.as_str(), value.as_str());
        }
        request.body(self.body).unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await;
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.expect("the body ends").expect("the body is whole").to_bytes(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
            .unwrap_or_else(|| panic!("{} has no Location: {}", self.status, self.text()))
    }

    pub(crate) fn redirects(&self) -> bool {
        matches!(self.status, 302 | 303)
    }

    pub(crate) fn set_cookies(&self) -> Vec<SetCookie> {
        self.headers
            .get_all("set-cookie")
            .iter()
            .map(|line| SetCookie::parse(line.to_str().unwrap()))
            .collect()
    }

    /// The line that sets or deletes the cookie of this name; two of one name are a mistake (S44).
    pub(crate) fn sets(&self, name: &str) -> Option<SetCookie> {
        let mut lines: Vec<_> = self.set_cookies();
        lines.retain(|cookie| cookie.name == name);
        assert!(lines.len() < 2, "two Set-Cookie lines for {name}");
        lines.pop()
    }

    pub(crate) fn clears(&self, name: &str) -> bool {
        self.sets(name).is_some_and(|cookie| cookie.deletes())
    }
}

/// Names below example.com are of this machine here, as a proxy's recipe has them.
fn address_of(origin: &Url) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    match (origin.host_str(), origin.port_or_known_default()) {
        (Some(host), Some(port)) if host.ends_with(".example.com") => {
            Ok((Ipv4Addr::LOCALHOST, port).into())
        }
        _ => Ok(origin.socket_addrs(|| None)?[0]),
    }
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// One HTTP/1.1 connection.
pub(crate) struct Line {
    authority: String,
    sender: SendRequest<Body>,
}

impl Line {
    pub(crate) async fn open(
        origin: &Url,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let address = address_of(origin)?;
        let tcp = TcpStream::connect(address).await?;
        let socket: Box<dyn Socket> = match tls.filter(|_| origin.scheme() == "https") {
            None => Box::new(tcp),
            Some(config) => {
                let name = ServerName::try_from(origin.host_str().unwrap().to_owned())?;
                Box::new(TlsConnector::from(config.clone()).connect(name, tcp).await?)
            }
        };
        let (sender, connection) = handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(Self { authority: origin.authority().to_owned(), sender })
    }

    pub(crate) async fn begin(
        &mut self,
        ask: Ask,
    ) -> Result<Response<Incoming>, Box<dyn std::error::Error>> {
        self.sender.ready().await?;
        let request = ask.into_request(&self.authority);
        Ok(timeout(PATIENCE, self.sender.send_request(request)).await??)
    }

    pub(crate) async fn send(&mut self, ask: Ask) -> Answer {
        let what = format!("{} {}", ask.method, ask.target);
        let response =
            self.begin(ask).await.unwrap_or_else(|error| panic!("{what} got no answer: {error}"));
        Answer::read(response).await
    }
}
