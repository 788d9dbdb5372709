//! Whom to ask: the one server, or the node of a Cluster that has the key.

use std::sync::Arc;

use redis::{RedisResult, Value, cmd};
use tokio::time::{Instant, timeout_at};

use super::cluster::Cluster;
use super::dial::{Ask, Dialer, Line, What};
use super::peer::{Peer, Whom};
use super::{Address, Options, Servers, fault};
use crate::store::Fault;

pub(super) enum Nodes {
    One(Peer),
    Cluster(Cluster),
}

impl Nodes {
    pub(super) fn new(options: Options) -> Self {
        let dialer = Arc::new(Dialer::new(&options));
        let peer = |whom| Peer::new(Arc::clone(&dialer), whom, options.limit);
        match options.servers {
            Servers::One(address) => Self::One(peer(Whom::Server(address))),
            Servers::Sentinels { sentinels, master } => {
                Self::One(peer(Whom::Master { sentinels, name: master }))
            }
            Servers::Cluster(seeds) => Self::Cluster(Cluster::new(dialer, seeds, options.limit)),
        }
    }

    pub(super) async fn ask(&self, ask: &Ask, deadline: Instant) -> Result<Value, Fault> {
        match self {
            Self::One(peer) => answer_of(peer.put(&ask.what, deadline).await?),
            Self::Cluster(cluster) => cluster.ask(ask, deadline).await,
        }
    }

    /// The servers that have keys; in a Cluster, they are several.
    pub(super) async fn masters(&self, deadline: Instant) -> Result<Vec<Place>, Fault> {
        match self {
            Self::One(_) => Ok(vec![Place(None)]),
            Self::Cluster(cluster) => {
                let masters = cluster.masters(deadline).await?;
                Ok(masters.into_iter().map(|address| Place(Some(address))).collect())
            }
        }
    }

    /// Asks one of [`Self::masters`], whatever keys it has.
    pub(super) async fn ask_at(
        &self,
        place: &Place,
        what: &What,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        match (self, &place.0) {
            (Self::Cluster(cluster), Some(address)) => {
                answer_of(cluster.peer(address).put(what, deadline).await?)
            }
            (Self::One(peer), _) => answer_of(peer.put(what, deadline).await?),
            (Self::Cluster(_), None) => Err(fault::strange()),
        }
    }

    pub(super) async fn ping(&self, deadline: Instant) -> Result<(), Fault> {
        let ping = What::One(cmd("PING"));
        for place in self.masters(deadline).await? {
            self.ask_at(&place, &ping, deadline).await?;
        }
        Ok(())
    }

    /// A connection of one's own to whoever has `key`.
    pub(super) async fn own_line(&self, key: &str, deadline: Instant) -> Result<Line, Fault> {
        let line = async {
            match self {
                Self::One(peer) => peer.own_line().await,
                Self::Cluster(cluster) => cluster.owner(key, deadline).await?.own_line().await,
            }
        };
        let line = timeout_at(deadline, line).await.unwrap_or_else(|_| Err(fault::late()));
        line.inspect_err(|_| self.forget())
    }

    /// What was known of a Cluster may be wrong.
    pub(super) fn forget(&self) {
        if let Self::Cluster(cluster) = self {
            cluster.forget();
        }
    }
}

/// One server among those that have keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) Option<Address>);

pub(super) fn answer_of((line, answer): (Arc<Line>, RedisResult<Value>)) -> Result<Value, Fault> {
    answer.map_err(|error| fault::told(&line.at, &error))
}
