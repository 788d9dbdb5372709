//! One server, and the connection to it that all calls share.

use std::sync::Arc;
use std::time::Duration;

use redis::{RedisResult, Value};
use tokio::time::{Instant, timeout, timeout_at};

use super::dial::{Dialer, Line, What};
use super::shared::Shared;
use super::{Address, fault, sentinel};
use crate::store::Fault;

pub(super) struct Peer {
    reach: Arc<Reach>,
    line: Shared<Arc<Line>>,
}

/// How to get a connection.
struct Reach {
    dialer: Arc<Dialer>,
    whom: Whom,
    limit: Duration,
}

pub(super) enum Whom {
    Server(Address),
    /// Whoever is the master of this name.
    Master {
        sentinels: Vec<Address>,
        name: String,
    },
}

impl Peer {
    pub(super) fn new(dialer: Arc<Dialer>, whom: Whom, limit: Duration) -> Self {
        Self { reach: Arc::new(Reach { dialer, whom, limit }), line: Shared::new() }
    }

    /// Asks on the shared connection. The outer error: nothing was heard from the server. The
    /// inner one is its answer.
    ///
    /// A connection on which an answer did not come in time may never bring one (C-114), so it is
    /// not used again, and neither is a broken one; the next call connects anew.
    pub(super) async fn put(
        &self,
        what: &What,
        deadline: Instant,
    ) -> Result<(Arc<Line>, RedisResult<Value>), Fault> {
        let connect = || {
            let reach = Arc::clone(&self.reach);
            async move { reach.line().await.map(Arc::new) }
        };
        let line = self.line.get(deadline, |line| line.is_open(), connect).await?;
        let answer = timeout_at(deadline, line.put(what)).await;
        let is_over = match &answer {
            Ok(Ok(_)) => false,
            Ok(Err(error)) => fault::ends_connection(error),
            Err(_) => true,
        };
        if is_over {
            self.line.discard(|there| Arc::ptr_eq(there, &line));
        }
        let answer = answer.map_err(|_| fault::late())?;
        Ok((line, answer))
    }

    /// A connection of one's own.
    pub(super) async fn own_line(&self) -> Result<Line, Fault> {
        self.reach.line().await
    }
}

impl Reach {
    async fn line(&self) -> Result<Line, Fault> {
        let dialled = async {
            match &self.whom {
                Whom::Server(address) => self.dialer.dial(address).await,
                Whom::Master { sentinels, name } => {
                    sentinel::dial_master(&self.dialer, sentinels, name).await
                }
            }
        };
        timeout(self.limit, dialled).await.unwrap_or_else(|_| Err(fault::late()))
    }
}
