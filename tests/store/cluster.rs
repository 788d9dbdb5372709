//! A Cluster of three masters.

use askara_gate::auth::tokens::to_hex;
use askara_gate::store::redis::{Options, Servers};
use redis::Value;

use super::contract::Stand;
use super::server::{Server, free_port, options, say};
use super::*;

const SLOTS: u16 = 16384;

struct Cluster {
    nodes: Vec<Server>,
    /// What they call themselves.
    ids: Vec<String>,
}

impl Cluster {
    fn start() -> Self {
        let mut buses = Vec::new();
        let nodes: Vec<Server> = (0..3)
            .map(|_| {
                let bus = free_port().to_string();
                let node = Server::with(&[
                    "--cluster-enabled",
                    "yes",
                    "--cluster-port",
                    &bus,
                    "--cluster-node-timeout",
                    "1000",
                ]);
                buses.push(bus);
                node
            })
            .collect();
        for (index, node) in nodes.iter().enumerate() {
            let (first, last) = Self::part(index);
            node.say(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            node.say(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
            let port = nodes[0].port.to_string();
            node.say(&["CLUSTER", "MEET", "127.0.0.1", &port, &buses[0]]);
        }
        let ids = nodes.iter().map(|node| text(node.say(&["CLUSTER", "MYID"]))).collect();
        let cluster = Self { nodes, ids };
        let latest = Instant::now() + PATIENCE;
        while !cluster.is_sound() {
            assert!(Instant::now() < latest, "the nodes never met");
            std::thread::sleep(Duration::from_millis(20));
        }
        cluster
    }

    /// The slots that a node begins with.
    fn part(index: usize) -> (u16, u16) {
        let index = index as u16;
        (SLOTS / 3 * index, if index == 2 { SLOTS - 1 } else { SLOTS / 3 * (index + 1) - 1 })
    }

    /// Whether every node knows who has what.
    fn is_sound(&self) -> bool {
        self.nodes.iter().all(|node| {
            let info = text(node.say(&["CLUSTER", "INFO"]));
            info.contains("cluster_state:ok") && info.contains("cluster_size:3")
        })
    }

    fn options(&self) -> Options {
        // The others are found through it.
        options(Servers::Cluster(vec![self.nodes[1].address()]))
    }

    /// The hash slot of a key, and which node has it at the beginning.
    fn home_of(&self, key: &str) -> (u16, usize) {
        let Value::Int(number) = self.nodes[0].say(&["CLUSTER", "KEYSLOT", key]) else {
            panic!("no number");
        };
        let number = number as u16;
        let home =
            (0..3).find(|index| (Self::part(*index).0..=Self::part(*index).1).contains(&number));
        (number, home.unwrap())
    }
}

impl Stand for Cluster {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(Redis::new(self.options()))
    }
}

held_to_the_contract!(Cluster::start(), tokio::test);

#[tokio::test]
async fn sessions_lie_on_all_nodes_and_are_found_wherever_they_are() {
    let cluster = Cluster::start();
    let store = Redis::new(cluster.options());
    for number in 0..60 {
        let handles = [Handle([number; 32])];
        store.create(slot(number), &record(&[number]), &handles, LIFE).await.unwrap();
        assert!(store.take(slot(number), Owner([1; 16]), LIFE).await.unwrap().ours);
    }
    for node in &cluster.nodes {
        assert!(matches!(node.say(&["DBSIZE"]), Value::Int(10..)));
    }
    for number in 0..60 {
        assert_eq!(store.read(slot(number)).await.unwrap(), Held::Record(record(&[number])));
        assert_eq!(store.filed(Handle([number; 32])).await.unwrap(), [slot(number)]);
    }
}

#[tokio::test]
async fn what_moves_is_followed() {
    let cluster = Cluster::start();
    let store = Redis::new(cluster.options());
    let names = [1, 2, 3].map(|number| [number; 32]);
    let key = format!("askara-gate:app.example.com:once:{}", to_hex(&names[0]));
    let moving = Moving::begin(&cluster, &key);
    // What is not at the old place is asked for at the new one.
    assert!(store.first_time(names[0], LIFE).await.unwrap());
    let refused = say(cluster.nodes[moving.to].port, &["GET", &key]).unwrap_err();
    assert_eq!(refused.code(), Some("MOVED"));
    assert_eq!(cluster.nodes[moving.to].say(&["DBSIZE"]), Value::Int(1));
    for name in &names[1..] {
        assert!(store.first_time(*name, LIFE).await.unwrap());
    }
    moving.end();
    for node in &cluster.nodes {
        node.say(&["CONFIG", "RESETSTAT"]);
    }
    for store in [store, Redis::new(cluster.options())] {
        for _ in 0..5 {
            assert!(!store.first_time(names[0], LIFE).await.unwrap());
        }
    }
    // Who was sent on once knows it from then on.
    let sent_on = |node: &Server| {
        let stats = text(node.say(&["INFO", "errorstats"]));
        let count = stats.split("errorstat_MOVED:count=").nth(1);
        count.map_or(0, |count| count.split_whitespace().next().unwrap().parse::<u32>().unwrap())
    };
    assert_eq!(cluster.nodes.iter().map(sent_on).sum::<u32>(), 1);
}

#[tokio::test]
async fn a_session_that_moves_is_waited_for() {
    let cluster = Cluster::start();
    let store = Redis::new(cluster.options());
    let key = format!("askara-gate:app.example.com:s:{{{}}}", to_hex(&[1; 32]));
    store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
    let moving = Moving::begin(&cluster, &key);
    // Of its three keys, one is here: neither node can say how it stands.
    let impatient = Redis::new(Options { limit: SHORT_LIMIT, ..cluster.options() });
    let fault = impatient.read(slot(1)).await.unwrap_err();
    assert!(!fault.to_string().is_empty());
    let (read, ()) = tokio::join!(store.read(slot(1)), async {
        moving.carry(&key);
        moving.end();
    });
    assert_eq!(read.unwrap(), Held::Record(record(b"one")));
    assert_eq!(cluster.nodes[moving.to].say(&["EXISTS", &key]), Value::Int(1));
    store.end(slot(1), LIFE).await.unwrap();
    assert_eq!(Redis::new(cluster.options()).read(slot(1)).await.unwrap(), Held::Ended);
}

/// The slot of a key on its way to the next node.
struct Moving<'a> {
    cluster: &'a Cluster,
    slot: String,
    from: usize,
    to: usize,
}

impl<'a> Moving<'a> {
    fn begin(cluster: &'a Cluster, key: &str) -> Self {
        let (slot, from) = cluster.home_of(key);
        let moving = Self { cluster, slot: slot.to_string(), from, to: (from + 1) % 3 };
        moving.set(moving.to, "IMPORTING", from);
        moving.set(from, "MIGRATING", moving.to);
        moving
    }

    fn carry(&self, key: &str) {
        let port = self.cluster.nodes[self.to].port.to_string();
        let words = ["MIGRATE", "127.0.0.1", &port, key, "0", "5000"];
        assert_eq!(self.cluster.nodes[self.from].say(&words), Value::Okay);
    }

    fn end(&self) {
        for index in [self.to, self.from, 3 - self.to - self.from] {
            self.set(index, "NODE", self.to);
        }
    }

    fn set(&self, index: usize, how: &str, whose: usize) {
        let words = ["CLUSTER", "SETSLOT", &self.slot, how, &self.cluster.ids[whose]];
        assert_eq!(self.cluster.nodes[index].say(&words), Value::Okay);
    }
}

#[tokio::test]
async fn c114_a_node_that_goes_away_costs_no_more_than_the_limit_and_is_used_again() {
    let mut cluster = Cluster::start();
    let store = Redis::new(Options { limit: SHORT_LIMIT, ..cluster.options() });
    let (_, home) = cluster.home_of(&to_hex(&slot(1).0));
    store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
    cluster.nodes[home].freeze();
    let begun = Instant::now();
    store.read(slot(1)).await.unwrap_err();
    store.read(slot(1)).await.unwrap_err();
    assert!(begun.elapsed() < 2 * SHORT_LIMIT + ROOM);
    cluster.nodes[home].thaw();
    let read = until(async || store.read(slot(1)).await.map_err(|fault| fault.to_string())).await;
    assert_eq!(read, Held::Record(record(b"one")));

    cluster.nodes[home].stop();
    store.read(slot(1)).await.unwrap_err();
    cluster.nodes[home].start_again();
    let read = until(async || store.read(slot(1)).await.map_err(|fault| fault.to_string())).await;
    assert_eq!(read, Held::Nothing);
}

#[tokio::test]
async fn a_cluster_that_is_taken_for_a_single_server_is_told() {
    let cluster = Cluster::start();
    let (_, home) = cluster.home_of(&to_hex(&slot(1).0));
    let other = &cluster.nodes[(home + 1) % 3];
    let fault = Redis::new(other.options()).read(slot(1)).await.unwrap_err();
    assert!(fault.to_string().contains("must begin with redis+cluster://"), "{fault}");
    let single = Server::start();
    let options = options(Servers::Cluster(vec![single.address()]));
    Redis::new(options).read(slot(1)).await.unwrap_err();
}

fn text(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).unwrap(),
        Value::VerbatimString { text, .. } => text,
        other => panic!("{other:?}"),
    }
}
