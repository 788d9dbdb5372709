//! Connections to the provider: direct, or through the proxy that `HTTPS_PROXY` and `NO_PROXY`
//! name.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::Options;
use crate::tls::{self, BadCertificate, ClientCertificate, Roots};

/// TLS over a way out.
#[derive(Clone)]
pub(super) struct Connector(HttpsConnector<WayOut>);

/// TCP to the provider itself, or a tunnel through a proxy.
#[derive(Clone)]
struct WayOut {
    direct: HttpConnector,
    proxies: Arc<Matcher>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

impl Connector {
    pub(super) fn new(options: &Options) -> Result<Self, BadCertificate> {
        let roots = options.ca_file.as_deref().map_or(Roots::System, Roots::File);
        let config = match &options.certificate {
            Some(files) => {
                let shown = ClientCertificate::read(files.clone())?;
                tls::client_config_showing(&roots, Arc::new(shown))?
            }
            None => tls::client_config(&roots)?,
        };
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_nodelay(true);
        let way_out = WayOut { direct, proxies: Arc::new(Matcher::from_env()) };
        let https = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        Ok(Self(https.enable_http1().wrap_connector(way_out)))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        Box::pin(self.0.call(to))
    }
}

impl Service<Uri> for WayOut {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.direct.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        // Plain HTTP goes only to loopback, which no proxy reaches.
        let proxy = match to.scheme_str() {
            Some("https") => self.proxies.intercept(&to),
            _ => None,
        };
        let mut direct = self.direct.clone();
        Box::pin(async move {
            match proxy {
                Some(proxy) => {
                    let mut tunnel = Tunnel::new(proxy.uri().clone(), direct);
                    if let Some(authorization) = proxy.basic_auth() {
                        tunnel = tunnel.with_auth(authorization.clone());
                    }
                    tunnel.call(to).await.map_err(Into::into)
                }
                None => direct.call(to).await.map_err(Into::into),
            }
        })
    }
}
