//! Connections: TCP or TLS, and signing in.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, RedisError, RedisResult,
    ServerErrorKind, Value, cmd,
};
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::script::Script;
use super::{Address, Login, Options, Tls, fault};
use crate::store::Fault;

/// What it takes to connect.
pub(super) struct Dialer {
    login: Option<Login>,
    database: u32,
    tls: Option<Tls>,
}

/// A connection; many calls may be under way on it, and it closes with the last who has it.
pub(super) struct Line {
    pub(super) at: Address,
    sender: MultiplexedConnection,
    driver: JoinHandle<()>,
}

/// Something to ask of whoever has `key`.
pub(super) struct Ask {
    pub(super) key: String,
    pub(super) what: What,
}

/// What is asked.
pub(super) enum What {
    One(Cmd),
    /// A call of a script that the server may not know yet.
    Script(&'static Script, Cmd),
    /// Several at once; each has its own answer, which may be an error.
    Many(Pipeline),
}

impl Dialer {
    pub(super) fn new(options: &Options) -> Self {
        let Options { login, database, tls, .. } = options;
        Self { login: login.clone(), database: *database, tls: tls.clone() }
    }

    /// Connects to a server with what we need there: our user, our database.
    pub(super) async fn dial(&self, at: &Address) -> Result<Line, Fault> {
        let line = self.connect(at).await?;
        if self.login.is_some() {
            self.sign_in(&line).await?;
        }
        if self.database != 0 {
            let mut select = cmd("SELECT");
            select.arg(self.database);
            line.send(&select).await.map_err(|error| fault::told(at, &error))?;
        }
        Ok(line)
    }

    /// Connects and says nothing yet.
    pub(super) async fn connect(&self, at: &Address) -> Result<Line, Fault> {
        let unreached = |error: io::Error| fault::unreached(at, &error);
        let stream = tcp(at).await.map_err(unreached)?;
        let Some(tls) = &self.tls else {
            return Line::over(stream, at).await;
        };
        let name = match &tls.name {
            Some(name) => name.clone(),
            None => ServerName::try_from(at.host.clone())
                .map_err(|error| fault::unreached(at, &error))?,
        };
        let connector = TlsConnector::from(Arc::clone(&tls.config));
        let stream = connector.connect(name, stream).await.map_err(unreached)?;
        Line::over(stream, at).await
    }

    pub(super) async fn sign_in(&self, line: &Line) -> Result<(), Fault> {
        let Some(Login { user, password }) = &self.login else {
            return Ok(());
        };
        let mut auth = cmd("AUTH");
        if let Some(user) = user {
            auth.arg(user);
        }
        // It leaves for the server that it belongs to, under TLS where that was asked for.
        auth.arg(password.expose());
        line.send(&auth).await.map(drop).map_err(|error| fault::not_signed_in(&line.at, &error))
    }
}

impl Line {
    async fn over<S>(stream: S, at: &Address) -> Result<Self, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Whoever asks has a limit; how we call ourselves would need a right more.
        let silent = RedisConnectionInfo::default().set_skip_set_lib_name();
        let unlimited = AsyncConnectionConfig::new().set_response_timeout(None);
        let (sender, driver) = MultiplexedConnection::new_with_config(&silent, stream, unlimited)
            .await
            .map_err(|error| fault::told(at, &error))?;
        Ok(Self { at: at.clone(), sender, driver: tokio::spawn(driver) })
    }

    /// Whether the server has not closed it yet.
    pub(super) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }

    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        command.query_async(&mut self.sender.clone()).await
    }

    /// Asks once; a script that was not known did nothing, so it is taught and called again.
    pub(super) async fn put(&self, what: &What) -> RedisResult<Value> {
        match what {
            What::One(command) => self.send(command).await,
            What::Many(commands) => commands.query_async(&mut self.sender.clone()).await,
            What::Script(script, call) => match self.send(call).await {
                Err(error) if is_unknown_script(&error) => {
                    self.send(&script.load()).await?;
                    self.send(call).await
                }
                answer => answer,
            },
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Ask {
    pub(super) fn of(key: String, command: Cmd) -> Self {
        Self { key, what: What::One(command) }
    }
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ServerErrorKind::NoScript.into()
}

async fn tcp(at: &Address) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((at.host.as_str(), at.port)).await?;
    stream.set_nodelay(true)?;
    // A connection that something on the way forgot is noticed before it is needed.
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

const KEEPALIVE: Duration = Duration::from_secs(15);
