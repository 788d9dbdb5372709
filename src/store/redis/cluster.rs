//! A Cluster: which node has a key, learnt from the nodes and learnt anew when it was wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{FromRedisValue as _, Pipeline, RedisError, ServerErrorKind, Value, cmd};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::dial::{Ask, Dialer, What};
use super::nodes::answer_of;
use super::peer::{Peer, Whom};
use super::shared::Shared;
use super::{Address, fault};
use crate::store::Fault;

pub(super) struct Cluster {
    crowd: Arc<Crowd>,
    map: Shared<Arc<Map>>,
}

/// The nodes that were ever heard of, with their connections.
struct Crowd {
    dialer: Arc<Dialer>,
    seeds: Vec<Address>,
    limit: Duration,
    peers: Mutex<BTreeMap<Address, Arc<Peer>>>,
}

/// Who has which keys, as one node saw it.
#[derive(Debug, PartialEq, Eq)]
struct Map(Vec<Range>);

/// The masters of hash slots, from the first to the last.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    master: Address,
}

/// Where a node sent us.
struct Sent {
    address: Address,
    /// For this once: the keys are on the move.
    asking: bool,
}

impl Cluster {
    pub(super) fn new(dialer: Arc<Dialer>, seeds: Vec<Address>, limit: Duration) -> Self {
        let crowd = Crowd { dialer, seeds, limit, peers: Mutex::default() };
        Self { crowd: Arc::new(crowd), map: Shared::new() }
    }

    /// Asks the node that has the key, and goes where it sends us: what was sent on was not done.
    pub(super) async fn ask(&self, ask: &Ask, deadline: Instant) -> Result<Value, Fault> {
        let mut peer = self.owner(&ask.key, deadline).await?;
        let mut asking = false;
        let mut sent_on_for = SENT_ON_AT_MOST;
        while sent_on_for > 0 {
            let put = match asking {
                true => put_asking(&peer, &ask.what, deadline).await,
                false => peer.put(&ask.what, deadline).await,
            };
            let (line, answer) = put.inspect_err(|_| self.forget())?;
            let Err(error) = &answer else {
                return answer_of((line, answer));
            };
            if fault::ends_connection(error) {
                self.forget();
            }
            if error.kind() == ServerErrorKind::TryAgain.into() {
                // The keys of a session are on the move, and no node has all. Nothing was done.
                sleep(MOMENT).await;
                (peer, asking) = (self.owner(&ask.key, deadline).await?, false);
                continue;
            }
            let Some(sent) = sent_on(error, &line.at) else {
                return answer_of((line, answer));
            };
            if !sent.asking {
                self.forget();
                sent_on_for -= 1;
            }
            asking = sent.asking;
            peer = self.peer(&sent.address);
        }
        Err(Fault::Away(String::from("the nodes of the store send us from one to the other")))
    }

    /// The node that has `key`.
    pub(super) async fn owner(&self, key: &str, deadline: Instant) -> Result<Arc<Peer>, Fault> {
        let map = self.map(deadline).await?;
        match map.owner(hash_slot(key)) {
            Some(address) => Ok(self.peer(address)),
            None => {
                self.forget();
                Err(Fault::Away(String::from("no node of the store has keys of this kind now")))
            }
        }
    }

    pub(super) async fn masters(&self, deadline: Instant) -> Result<BTreeSet<Address>, Fault> {
        let map = self.map(deadline).await?;
        Ok(map.0.iter().map(|range| range.master.clone()).collect())
    }

    pub(super) fn peer(&self, address: &Address) -> Arc<Peer> {
        self.crowd.peer(address)
    }

    async fn map(&self, deadline: Instant) -> Result<Arc<Map>, Fault> {
        let learn = || {
            let crowd = Arc::clone(&self.crowd);
            async move {
                let learnt = timeout(crowd.limit, crowd.learn()).await;
                learnt.unwrap_or_else(|_| Err(fault::late())).map(Arc::new)
            }
        };
        self.map.get(deadline, |_| true, learn).await
    }

    /// Learns the map anew at the next call.
    pub(super) fn forget(&self) {
        self.map.discard(|_| true);
    }
}

impl Crowd {
    fn peer(&self, address: &Address) -> Arc<Peer> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let whom = Whom::Server(address.clone());
            Arc::new(Peer::new(Arc::clone(&self.dialer), whom, self.limit))
        };
        Arc::clone(peers.entry(address.clone()).or_insert_with(new))
    }

    /// Asks all nodes at once and takes the first map that has something on it.
    async fn learn(&self) -> Result<Map, Fault> {
        let mut known: BTreeSet<Address> = self.seeds.iter().cloned().collect();
        known.extend(self.peers.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned());
        let mut asked = JoinSet::new();
        for address in known {
            let (peer, limit) = (self.peer(&address), self.limit);
            asked.spawn(async move {
                let mut question = cmd("CLUSTER");
                question.arg("SLOTS");
                let put = peer.put(&What::One(question), Instant::now() + limit).await?;
                Map::read(answer_of(put)?, &address).ok_or_else(fault::strange)
            });
        }
        let mut last = Fault::Away(String::from("no node of the store is configured"));
        while let Some(answer) = asked.join_next().await {
            match answer.unwrap_or_else(|_| Err(fault::late())) {
                Ok(map) if !map.0.is_empty() => {
                    self.keep_to(&map);
                    return Ok(map);
                }
                Ok(_) => {
                    last = Fault::Away(String::from("a node of the store is in no Cluster yet"))
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// Closes the connections to nodes that are gone.
    fn keep_to(&self, map: &Map) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.retain(|address, _| map.0.iter().any(|range| range.master == *address));
    }
}

impl Map {
    /// Reads what `CLUSTER SLOTS` says. A node that has no address for itself is the one that
    /// was asked.
    fn read(answer: Value, asked: &Address) -> Option<Self> {
        let mut ranges = Vec::new();
        for range in Vec::<Vec<Value>>::from_redis_value(answer).ok()? {
            let mut parts = range.into_iter();
            let mut number = || u16::from_redis_value(parts.next()?).ok();
            let (first, last) = (number()?, number()?);
            let mut master = Vec::<Value>::from_redis_value(parts.next()?).ok()?.into_iter();
            let host = Option::<String>::from_redis_value(master.next()?).ok()?;
            let host = host.filter(|host| !host.is_empty() && host != "?");
            let port = u16::from_redis_value(master.next()?).ok()?;
            let host = host.unwrap_or_else(|| asked.host.clone());
            ranges.push(Range { first, last, master: Address { host, port } });
        }
        Some(Self(ranges))
    }

    fn owner(&self, slot: u16) -> Option<&Address> {
        let range = self.0.iter().find(|range| (range.first..=range.last).contains(&slot));
        range.map(|range| &range.master)
    }
}

async fn put_asking(
    peer: &Peer,
    what: &What,
    deadline: Instant,
) -> Result<(Arc<super::dial::Line>, redis::RedisResult<Value>), Fault> {
    let command = match what {
        What::One(command) => command,
        What::Script(script, call) => {
            // Taught first: the permission holds for one command only.
            let (line, taught) = peer.put(&What::One(script.load()), deadline).await?;
            if taught.is_err() {
                return Ok((line, taught));
            }
            call
        }
        What::Many(_) => return peer.put(what, deadline).await,
    };
    let mut both = Pipeline::new();
    both.cmd("ASKING").ignore().add_command(command.clone());
    let (line, answer) = peer.put(&What::Many(both), deadline).await?;
    let answer = answer.and_then(|answers| {
        let answers = Vec::<Value>::from_redis_value(answers)?;
        Ok(answers.into_iter().next().unwrap_or_default())
    });
    Ok((line, answer))
}

/// Where `error`, which came from the node at `from`, sends us.
fn sent_on(error: &RedisError, from: &Address) -> Option<Sent> {
    let asking = error.kind() == ServerErrorKind::Ask.into();
    let (to, _) = error.redirect_node()?;
    let (host, port) = to.rsplit_once(':')?;
    // A node that does not know how others reach it means: where you are already.
    let host = if host.is_empty() { &from.host } else { host };
    let address = Address { host: host.to_owned(), port: port.parse().ok()? };
    Some(Sent { address, asking })
}

/// Which of the 16384 parts of a Cluster a key is in: the CRC-16 (XMODEM) of it, or of what its
/// first braces hold.
fn hash_slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let hashed = tag.map(|(tag, _)| tag).filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = hashed.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    });
    crc % 16384
}

const SENT_ON_AT_MOST: usize = 5;
const MOMENT: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn address(host: &str, port: u16) -> Address {
        Address { host: host.to_owned(), port }
    }

    /// The check value of CRC-16/XMODEM is 0x31c3; the others are what servers say to
    /// `CLUSTER KEYSLOT`.
    #[test]
    fn a_key_is_where_the_servers_look_for_it() {
        for (key, slot) in [
            ("123456789", 0x31c3),
            ("foo", 12182),
            ("bar", 5061),
            ("gate:s:{foo}", 12182),
            ("{foo}{bar}", 12182),
            ("a{}b{foo}", hash_slot("a{}b{foo}")),
        ] {
            assert_eq!(hash_slot(key), slot, "{key}");
        }
        assert_ne!(hash_slot("a{}b{foo}"), hash_slot("foo"));
    }

    #[test]
    fn a_map_says_who_has_a_slot() {
        let range = |first, last, host: Value, port| {
            let master = Value::Array(vec![host, Value::Int(port), bulk("id")]);
            Value::Array(vec![Value::Int(first), Value::Int(last), master])
        };
        let answer = Value::Array(vec![
            range(0, 99, bulk("10.0.0.1"), 7000),
            range(100, 199, Value::Nil, 7001),
            range(200, 299, bulk(""), 7002),
            range(300, 399, bulk("?"), 7003),
        ]);
        let map = Map::read(answer, &address("seed", 1)).unwrap();
        assert_eq!(map.owner(0), Some(&address("10.0.0.1", 7000)));
        assert_eq!(map.owner(99), Some(&address("10.0.0.1", 7000)));
        assert_eq!(map.owner(100), Some(&address("seed", 7001)));
        assert_eq!(map.owner(299), Some(&address("seed", 7002)));
        assert_eq!(map.owner(300), Some(&address("seed", 7003)));
        assert_eq!(map.owner(400), None);
        for nonsense in [Value::Int(1), Value::Array(vec![Value::Array(vec![Value::Int(1)])])] {
            assert_eq!(Map::read(nonsense, &address("seed", 1)), None);
        }
    }

    #[test]
    fn a_node_sends_us_on() {
        let from = address("10.0.0.1", 7000);
        let sent = |said: &str| {
            let error = redis::parse_redis_value(said.as_bytes()).unwrap().extract_error();
            sent_on(&error.unwrap_err(), &from).map(|sent| (sent.address, sent.asking))
        };
        assert_eq!(sent("-MOVED 1 h:7001\r\n"), Some((address("h", 7001), false)));
        assert_eq!(sent("-ASK 1 ::1:7001\r\n"), Some((address("::1", 7001), true)));
        assert_eq!(sent("-MOVED 1 :7001\r\n"), Some((address("10.0.0.1", 7001), false)));
        for nowhere in ["-MOVED 1 h\r\n", "-MOVED 1\r\n", "-ERR 1 h:7001\r\n"] {
            assert_eq!(sent(nowhere), None, "{nowhere}");
        }
    }
}
