//! One server.

use std::time::{Duration, Instant};

use askara_gate::auth::tokens::to_hex;
use askara_gate::store::redis::{Options, Redis, Servers};
use redis::Value;

use super::cable::Cable;
use super::server::Server;
use super::*;

held_to_the_contract!(Server::start(), tokio::test);

fn impatient(server: &Server) -> Redis {
    Redis::new(Options { limit: SHORT_LIMIT, ..server.options() })
}

#[tokio::test]
async fn c114_a_server_that_stops_answering_costs_no_more_than_the_limit() {
    let server = Server::start();
    let store = impatient(&server);
    store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
    let heard = store.listen(&Cursor::default(), Duration::ZERO).await.unwrap();

    server.freeze();
    for _ in 0..3 {
        let begun = Instant::now();
        let (read, listen) = tokio::join!(
            store.read(slot(1)),
            store.listen(&heard.cursor, Duration::from_millis(100))
        );
        read.unwrap_err();
        listen.unwrap_err();
        assert!(begun.elapsed() < SHORT_LIMIT + ROOM);
    }

    server.thaw();
    until_it_works(&store).await;
    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Record(record(b"one")));
    store.announce(b"notice", LIFE).await.unwrap();
    let heard = store.listen(&heard.cursor, Duration::from_secs(1)).await.unwrap();
    assert_eq!(heard.notices, [b"notice".to_vec()]);
}

#[tokio::test]
async fn c114_a_server_that_never_answered_costs_no_more_than_the_limit() {
    let server = Server::start();
    server.freeze();
    let store = impatient(&server);
    let begun = Instant::now();
    let (one, other) = tokio::join!(store.ping(), store.read(slot(1)));
    one.unwrap_err();
    other.unwrap_err();
    assert!(begun.elapsed() < SHORT_LIMIT + ROOM);
    server.thaw();
    until_it_works(&store).await;
}

/// A cable that is cut tells neither end; a firewall may forget one connection and let others be.
#[tokio::test]
async fn c114_a_connection_that_brought_no_answer_is_not_used_again() {
    let server = Server::start();
    let cable = Cable::to(server.port).await;
    let servers = Servers::One(cable.address());
    let store = Redis::new(Options { servers, limit: SHORT_LIMIT, ..server.options() });
    store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
    let heard = store.listen(&Cursor::default(), Duration::ZERO).await.unwrap();
    for _ in 0..2 {
        cable.cut();
        store.read(slot(1)).await.unwrap_err();
        assert_eq!(store.read(slot(1)).await.unwrap(), Held::Record(record(b"one")));
        store.listen(&heard.cursor, Duration::ZERO).await.unwrap_err();
        store.listen(&heard.cursor, Duration::ZERO).await.unwrap();
    }
}

#[tokio::test]
async fn c114_a_connection_that_was_closed_meanwhile_costs_nothing() {
    let mut server = Server::start();
    let store = Redis::new(server.options());
    store.ping().await.unwrap();
    store.listen(&Cursor::default(), Duration::ZERO).await.unwrap();
    server.stop();
    server.start_again();
    // Whoever else has something to do.
    tokio::time::sleep(Duration::from_millis(100)).await;
    store.ping().await.unwrap();
    store.listen(&Cursor::default(), Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn c113_a_server_that_comes_later_is_found() {
    let mut server = Server::start();
    server.stop();
    let store = Redis::new(server.options());
    let fault = store.ping().await.unwrap_err();
    assert!(fault.to_string().contains(&format!("127.0.0.1:{}", server.port)), "{fault}");
    server.start_again();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn c115_a_server_that_was_started_again_is_used_again_and_knows_nothing() {
    let mut server = Server::start();
    let store = Redis::new(server.options());
    store.create(slot(1), &record(b"one"), &[Handle([1; 32])], LIFE).await.unwrap();
    store.announce(b"before", LIFE).await.unwrap();
    let heard = store.listen(&Cursor::default(), Duration::ZERO).await.unwrap();
    assert_eq!(heard.notices, [b"before".to_vec()]);

    server.stop();
    store.read(slot(1)).await.unwrap_err();
    store.listen(&heard.cursor, Duration::ZERO).await.unwrap_err();
    server.start_again();

    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Nothing);
    assert_eq!(store.keep(slot(1), &record(b"one"), true, LIFE).await.unwrap(), Kept::Ended);
    store.announce(b"after", LIFE).await.unwrap();
    let heard = store.listen(&heard.cursor, Duration::from_secs(1)).await.unwrap();
    assert_eq!(heard.notices, [b"after".to_vec()]);
}

/// A failover may lead to a server that lost the newest entries, or whose clock is behind.
#[tokio::test]
async fn c115_a_place_that_the_server_knows_nothing_of_is_given_up() {
    let server = Server::start();
    let store = Redis::new(server.options());
    store.announce(b"one", LIFE).await.unwrap();
    let ahead = Cursor(String::from("99999999999999-0"));
    let heard = store.listen(&ahead, Duration::from_millis(50)).await.unwrap();
    assert_eq!(heard.notices, [b"one".to_vec()]);
    let heard = store.listen(&heard.cursor, Duration::from_millis(50)).await.unwrap();
    assert_eq!(heard.notices, Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn calls_at_once_share_one_connection() {
    let server = Server::start();
    let store = Arc::new(Redis::new(server.options()));
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..50 {
        let store = Arc::clone(&store);
        calls.spawn(async move { store.read(slot(number)).await.unwrap() });
    }
    calls.join_all().await;
    let clients = format!("{:?}", server.say(&["CLIENT", "LIST"]));
    // The other is the one that asks.
    assert_eq!(clients.matches("id=").count(), 2, "{clients}");
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_connected_to_anew() {
    let server = Server::start();
    let store = Redis::new(server.options());
    store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
    let connected = || {
        let Value::BulkString(info) = server.say(&["INFO", "stats"]) else {
            panic!("no text");
        };
        let info = String::from_utf8(info).unwrap();
        let line = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().trim().parse::<u32>().unwrap()
    };
    let before = connected();
    server.say(&["REPLICAOF", "127.0.0.1", "1"]);
    server.say(&["CONFIG", "SET", "replica-serve-stale-data", "yes"]);
    let fault = store.create(slot(2), &record(b"two"), &[], LIFE).await.unwrap_err();
    assert!(fault.to_string().contains("READONLY"), "{fault}");
    server.say(&["REPLICAOF", "NO", "ONE"]);
    store.create(slot(2), &record(b"two"), &[], LIFE).await.unwrap();
    // One of ours, and one for each that was said.
    assert_eq!(connected() - before, 1 + 4);
}

#[tokio::test]
async fn c116_what_is_no_record_of_ours_is_nothing_or_a_fault_and_never_one() {
    let server = Server::start();
    let store = Redis::new(server.options());
    let hex = "01".repeat(32);
    let key = format!("askara-gate:app.example.com:s:{{{hex}}}");
    let large = "x".repeat(65_537);

    server.say(&["HSET", &key, "w", "short", "r", "sealed", "i", ""]);
    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Nothing);
    assert_eq!(store.keep(slot(1), &record(b"one"), false, LIFE).await.unwrap(), Kept::Yes);
    for field in ["w", "r", "i"] {
        store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
        server.say(&["HSET", &key, field, &large]);
        store.read(slot(1)).await.unwrap_err();
        store.keep(slot(1), &record(b"one"), true, LIFE).await.unwrap_err();
        store.take(slot(1), Owner([1; 16]), LIFE).await.unwrap_err();
    }
    server.say(&["DEL", &key]);
    server.say(&["SET", &key, "a text"]);
    store.read(slot(1)).await.unwrap_err();
    // It spoils no list, and what is no name of ours is not in it.
    server.say(&["HSET", &key.replace("01}", "zz}"), "i", "summary"]);
    store.create(slot(2), &record(b"two"), &[], LIFE).await.unwrap();
    assert_eq!(store.list(None).await.unwrap().summaries, [(slot(2), Vec::new())]);
    // Whatever it is, it can be replaced and ended.
    assert_eq!(store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap(), Kept::Yes);
    server.say(&["HSET", &key, "r", &large]);
    assert_eq!(store.end(slot(1), LIFE).await.unwrap(), None);
    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Ended);
}

#[tokio::test]
async fn c116_prefixes_and_databases_share_nothing() {
    let server = Server::start();
    let one = Redis::new(server.options());
    let other = Redis::new(Options { prefix: String::from("askara-gate:app"), ..server.options() });
    let third = Redis::new(Options { database: 3, ..server.options() });
    one.create(slot(1), &record(b"one"), &[Handle([1; 32])], LIFE).await.unwrap();
    one.announce(b"one", LIFE).await.unwrap();
    for store in [other, third] {
        assert_eq!(store.read(slot(1)).await.unwrap(), Held::Nothing);
        assert_eq!(store.filed(Handle([1; 32])).await.unwrap(), []);
        assert_eq!(store.list(None).await.unwrap().summaries, []);
        let heard = store.listen(&Cursor::default(), Duration::ZERO).await.unwrap();
        assert_eq!(heard.notices, Vec::<Vec<u8>>::new());
    }
}

#[tokio::test]
async fn what_is_larger_than_would_come_back_does_not_go_in() {
    let server = Server::start();
    let store = Redis::new(server.options());
    let largest = record(&[7; 65_536]);
    store.create(slot(1), &largest, &[], LIFE).await.unwrap();
    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Record(largest));
    let larger = record(&[7; 65_537]);
    store.create(slot(1), &larger, &[], LIFE).await.unwrap_err();
    store.keep(slot(1), &larger, false, LIFE).await.unwrap_err();
    store.announce(&larger.sealed, LIFE).await.unwrap_err();
}

#[tokio::test]
async fn dead_sessions_do_not_stay_under_a_handle() {
    let server = Server::start();
    let store = Redis::new(server.options());
    let handle = Handle([1; 32]);
    store.create(slot(1), &record(b"one"), &[handle], Duration::from_millis(1)).await.unwrap();
    until(async || {
        store.create(slot(2), &record(b"two"), &[handle], LIFE).await.unwrap();
        let key = format!("askara-gate:app.example.com:x:{}", to_hex(&handle.0));
        let filed = server.say(&["ZCARD", &key]);
        (filed == Value::Int(1)).then_some(()).ok_or(format!("{filed:?}"))
    })
    .await;
}

#[tokio::test]
async fn everything_in_the_store_has_an_end() {
    let server = Server::start();
    let store = Redis::new(server.options());
    store.create(slot(1), &record(b"one"), &[Handle([1; 32])], LIFE).await.unwrap();
    store.keep(slot(2), &record(b"two"), false, LIFE).await.unwrap();
    store.take(slot(2), Owner([1; 16]), LIFE).await.unwrap();
    store.end(slot(3), LIFE).await.unwrap();
    store.announce(b"notice", LIFE).await.unwrap();
    store.first_time([1; 32], LIFE).await.unwrap();
    let Value::Array(keys) = server.say(&["KEYS", "*"]) else {
        panic!("no list");
    };
    assert_eq!(keys.len(), 7);
    for key in keys {
        let Value::BulkString(key) = key else {
            panic!("no text");
        };
        let key = String::from_utf8(key).unwrap();
        let left = server.say(&["TTL", &key]);
        assert!(matches!(left, Value::Int(500..=600)), "{key}: {left:?}");
    }
}
