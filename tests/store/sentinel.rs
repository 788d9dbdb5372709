//! Servers behind Sentinels.

use askara_gate::secret::Secret;
use askara_gate::store::redis::{Address, Login, Options, Servers};
use redis::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::server::{Server, options, say};
use super::*;

fn local(port: u16) -> Address {
    Address { host: String::from("127.0.0.1"), port }
}

fn behind(sentinels: &[u16]) -> Options {
    let sentinels = sentinels.iter().copied().map(local).collect();
    options(Servers::Sentinels { sentinels, master: String::from("mymaster") })
}

fn replica_of(master: &Server, settings: &[&str]) -> Server {
    let port = master.port.to_string();
    Server::with(
        &[&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"], settings]
            .concat(),
    )
}

/// What a server says about itself.
fn info(port: u16, section: &str) -> String {
    match say(port, &["INFO", section]) {
        Ok(Value::BulkString(info)) => String::from_utf8(info).unwrap(),
        other => format!("{other:?}"),
    }
}

/// Waits until a server says `word` about itself.
async fn until_it_says(port: u16, section: &str, word: &str) {
    until(async || {
        let info = info(port, section);
        info.contains(word).then_some(()).ok_or(info)
    })
    .await;
}

#[tokio::test]
async fn a_failover_is_followed() {
    let mut master = Server::start();
    let replica = replica_of(&master, &[]);
    let sentinel = Server::sentinel(&format!(
        "sentinel monitor mymaster 127.0.0.1 {} 1
sentinel down-after-milliseconds mymaster 500
sentinel failover-timeout mymaster 5000
",
        master.port
    ));
    until_it_says(replica.port, "replication", "master_link_status:up").await;
    until_it_says(sentinel.port, "sentinel", "status=ok").await;
    until_it_says(sentinel.port, "sentinel", "slaves=1").await;

    // One Sentinel of the two is never there.
    let gone = Server::start().port;
    let store = Redis::new(behind(&[gone, sentinel.port]));
    store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
    store.announce(b"before", LIFE).await.unwrap();
    let heard = store.listen(&Cursor::default(), Duration::from_secs(1)).await.unwrap();
    assert_eq!(heard.notices, [b"before".to_vec()]);
    // It has to be on the replica before the master may go.
    until(async || {
        let keys = say(replica.port, &["DBSIZE"]);
        (keys == Ok(Value::Int(2))).then_some(()).ok_or(format!("{keys:?}"))
    })
    .await;

    master.stop();
    store.read(slot(1)).await.unwrap_err();
    let read = until(async || store.read(slot(1)).await.map_err(|fault| fault.to_string())).await;
    assert_eq!(read, Held::Record(record(b"one")));
    let kept = until(async || {
        let newer = Record { written: Written { generation: 2, at: 1 }, ..record(b"two") };
        store.keep(slot(1), &newer, true, LIFE).await.map_err(|fault| fault.to_string())
    });
    assert_eq!(kept.await, Kept::Yes);
    store.announce(b"after", LIFE).await.unwrap();
    let heard = store.listen(&heard.cursor, Duration::from_secs(1)).await.unwrap();
    assert_eq!(heard.notices, [b"after".to_vec()]);
    until_it_says(replica.port, "replication", "role:master").await;
}

/// Answers everything as a Sentinel that says that the master is at `port`.
async fn sentinel_that_says(port: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let port = port.to_string();
            let answer = format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len());
            let mut question = [0; 1024];
            while socket.read(&mut question).await.is_ok_and(|length| length > 0) {
                if socket.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    own
}

#[tokio::test]
async fn a_sentinel_that_is_behind_is_not_believed() {
    let master = Server::start();
    let replica = replica_of(&master, &[]);
    let stale = sentinel_that_says(replica.port).await;
    let sound = sentinel_that_says(master.port).await;
    let fault = Redis::new(behind(&[stale])).ping().await.unwrap_err();
    assert!(fault.to_string().contains("is no master"), "{fault}");
    for _ in 0..5 {
        let store = Redis::new(behind(&[stale, sound]));
        store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
    }
}

#[tokio::test]
async fn a_name_that_the_sentinels_do_not_know_is_told() {
    let sentinel = Server::sentinel("");
    let fault = Redis::new(behind(&[sentinel.port])).ping().await.unwrap_err();
    assert!(fault.to_string().contains("knows no master of the name \"mymaster\""), "{fault}");
}

#[tokio::test]
async fn a_password_is_for_the_servers_and_for_sentinels_that_ask_for_it() {
    let master = Server::with(&["--requirepass", "canary"]);
    let login = || Some(Login { user: None, password: Secret::new(String::from("canary")) });
    for protection in ["", "requirepass canary\n"] {
        let sentinel = Server::sentinel(&format!(
            "{protection}sentinel monitor mymaster 127.0.0.1 {} 1
sentinel auth-pass mymaster canary
",
            master.port
        ));
        let store = Redis::new(Options { login: login(), ..behind(&[sentinel.port]) });
        store.create(slot(1), &record(b"one"), &[], LIFE).await.unwrap();
        let fault = Redis::new(behind(&[sentinel.port])).ping().await.unwrap_err();
        assert!(fault.to_string().contains("asks for a password"), "{fault}");
    }
}

#[tokio::test]
async fn c114_sentinels_that_stop_answering_cost_no_more_than_the_limit() {
    let sentinel = Server::sentinel("");
    sentinel.freeze();
    let store = Redis::new(Options { limit: SHORT_LIMIT, ..behind(&[sentinel.port]) });
    let begun = Instant::now();
    store.ping().await.unwrap_err();
    assert!(begun.elapsed() < SHORT_LIMIT + ROOM);
    sentinel.thaw();
}
