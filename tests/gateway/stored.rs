//! Sessions in a store (sessions.md, Store; C-113 to C-116): the cookie is a ticket, the store sees
//! nothing that it could use, and whatever becomes of it, nobody is taken for somebody.

use redis::Commands as _;

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    redis: Redis,
}

async fn scene() -> Scene {
    scene_with(&[]).await
}

async fn scene_with(lines: &[&str]) -> Scene {
    let (provider, app, redis) = (Provider::start().await, App::start().await, Redis::start());
    let mut gate = gateway().with_provider(&provider).with_upstream(&app).with_admin();
    gate = gate.with_session(&redis.store());
    for line in lines {
        gate = gate.with_session(line);
    }
    Scene { provider, app, gate: gate.start().await, redis }
}

impl Scene {
    async fn signed_in(&self) -> Visitor {
        let visitor = self.gate.visitor();
        visitor.login().await;
        visitor
    }

    /// The names of the records.
    fn records(&self) -> Vec<String> {
        self.entries().into_iter().filter(|name| name.contains(":s:")).collect()
    }

    fn entries(&self) -> Vec<String> {
        self.redis.connect().keys("*").unwrap()
    }

    /// Waits until what is in memory is not taken on trust any more.
    async fn forgotten(&self) {
        wait(5100).await;
    }
}

#[tokio::test]
async fn the_cookie_is_a_short_ticket_that_stays_the_same_through_all_refreshes() {
    let scene = scene().await;
    scene.provider.token_life(2);
    let visitor = scene.signed_in().await;
    let ticket = visitor.session().unwrap();
    assert!(ticket.len() < 200, "{} bytes", ticket.len());
    for round in 1..=3 {
        wait(2100).await;
        assert_eq!(visitor.fetch("/").await.status, 200);
        assert_eq!(scene.provider.refreshes(), round);
    }
    assert_eq!(visitor.session().unwrap(), ticket);
    let token = format!("Bearer {}", scene.provider.newest_token());
    assert_eq!(scene.app.last().header("authorization"), Some(token.as_str()));
}

#[tokio::test]
async fn c116_the_store_holds_nothing_that_it_could_use() {
    let scene = scene().await;
    let visitor = scene.signed_in().await;
    let mut known = scene.provider.secrets();
    known.extend([visitor.session().unwrap(), String::from("user@example.com")]);
    let mut connection = scene.redis.connect();
    let mut all = Vec::new();
    for name in scene.entries() {
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&name).query(&mut connection).unwrap();
        all.extend_from_slice(name.as_bytes());
        all.extend(dump);
    }
    assert!(all.len() > 500, "a record is there");
    for secret in known {
        let found = all.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "in the clear: {secret}");
    }
}

#[tokio::test]
async fn every_entry_goes_by_itself() {
    let scene = scene_with(&["max_age = \"1h\""]).await;
    let visitor = scene.signed_in().await;
    scene.signed_in().await;
    visitor.navigate("/oauth2/sign_out").await;
    let mut connection = scene.redis.connect();
    for name in scene.entries() {
        let life: i64 = connection.ttl(&name).unwrap();
        let is_stream = name.ends_with(":ends");
        assert!((1..=3600).contains(&life) || is_stream, "{name} lives {life} s");
    }
}

#[tokio::test]
async fn c116_a_record_that_was_altered_or_swapped_is_nobody() {
    let scene = scene().await;
    let (ada, eve) = (scene.signed_in().await, scene.signed_in().await);
    let names = scene.records();
    assert_eq!(names.len(), 2);
    let mut connection = scene.redis.connect();
    let sealed = |connection: &mut redis::Connection, name: &str| -> Vec<u8> {
        connection.hget(name, "r").unwrap()
    };
    let (first, second) = (sealed(&mut connection, &names[0]), sealed(&mut connection, &names[1]));
    let _: () = connection.hset(&names[0], "r", &second).unwrap();
    let _: () = connection.hset(&names[1], "r", &first).unwrap();
    scene.forgotten().await;
    for visitor in [&ada, &eve] {
        assert_eq!(visitor.fetch("/").await.status, 401, "C-116: swapped");
    }
    let visitor = scene.signed_in().await;
    let name = scene.records().into_iter().find(|name| !names.contains(name)).unwrap();
    let mut record = sealed(&mut connection, &name);
    let middle = record.len() / 2;
    record[middle] ^= 1;
    let _: () = connection.hset(&name, "r", &record).unwrap();
    scene.forgotten().await;
    assert_eq!(visitor.fetch("/").await.status, 401, "C-116: altered");
}

#[tokio::test]
async fn c115_an_evicted_session_is_anonymous_once_and_signs_in_again() {
    let scene = scene().await;
    let visitor = scene.signed_in().await;
    let _: () = redis::cmd("FLUSHALL").query(&mut scene.redis.connect()).unwrap();
    scene.forgotten().await;
    let answer = visitor.open("/page").await;
    assert_eq!(answer.status, 302, "C-115");
    assert!(answer.clears("askara"));
    assert_eq!(visitor.follow(answer).await.status, 200, "no loop");
    assert_eq!(visitor.fetch("/").await.status, 200);
}

#[tokio::test]
async fn c114_live_sessions_go_on_while_the_store_is_away_and_nobody_else_gets_in() {
    let mut scene = scene().await;
    let visitor = scene.signed_in().await;
    assert_eq!(visitor.fetch("/").await.status, 200);
    scene.redis.stop();
    scene.forgotten().await;
    for _ in 0..5 {
        assert_eq!(visitor.fetch("/").await.status, 200, "C-114: from memory");
    }
    let stranger = scene.gate.visitor();
    let answer = stranger.open("/").await;
    assert_eq!(answer.status, 503, "C-114: a login could not be kept");
    assert!(answer.header("retry-after").is_some());
    assert!(answer.set_cookies().is_empty() && scene.provider.authorizations() == 1);
    // A ticket that is good, and that this process never saw.
    stranger.put_cookie(&visitor.session_line());
    assert_eq!(scene.gate.admin("/readyz").await.unwrap().status, 200, "C-113: a loss is no end");
    scene.redis.start_again();
    eventually_open(&scene, "it is back by itself").await;
}

async fn eventually_open(scene: &Scene, what: &str) {
    for _ in 0..100 {
        if scene.gate.visitor().open("/").await.status == 302 {
            return;
        }
        wait(50).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn c114_after_the_time_of_grace_nobody_is_served_on_trust() {
    let mut scene = scene_with(&["store_grace = \"1s\""]).await;
    let visitor = scene.signed_in().await;
    let cookie = visitor.session();
    scene.redis.stop();
    scene.forgotten().await;
    for _ in 0..3 {
        let answer = visitor.fetch("/").await;
        assert_eq!(answer.status, 503, "C-114");
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(visitor.open("/").await.status, 503, "C-114: never a login storm");
    assert_eq!(visitor.session(), cookie);
}

#[tokio::test]
async fn c113_a_gateway_starts_without_its_store_and_says_that_it_is_not_ready() {
    let mut redis = Redis::start();
    redis.stop();
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).with_admin();
    let gate = gate.with_session(&redis.store()).start().await;
    assert_eq!(gate.admin("/readyz").await.unwrap().status, 503, "C-113");
    assert_eq!(gate.visitor().open("/").await.status, 503);
    redis.start_again();
    for _ in 0..100 {
        if gate.admin("/readyz").await.unwrap().status == 200 {
            gate.visitor().login().await;
            return;
        }
        wait(50).await;
    }
    panic!("C-113: it never became ready");
}

#[tokio::test]
async fn c32_a_copy_of_a_ticket_dies_with_the_sign_out() {
    let scene = scene().await;
    let visitor = scene.signed_in().await;
    let copy = visitor.session_line();
    assert_eq!(visitor.navigate("/oauth2/sign_out").await.status, 200);
    let answer = scene.gate.send(ask("GET", "/").fetching().cookie(&copy)).await;
    assert_eq!(answer.status, 401, "C-32");
    assert!(scene.records().is_empty(), "its record is gone");
}

#[tokio::test]
async fn c26_a_cookie_session_is_no_ticket_and_is_left_to_who_knows_it() {
    let (provider, app, redis) = (Provider::start().await, App::start().await, Redis::start());
    let key = random_key();
    let built = || gateway().with_provider(&provider).with_upstream(&app).with_keys(&[&key]);
    let keeping = |store: &Option<String>| match store {
        Some(store) => built().with_session(store),
        None => built(),
    };
    for [from, to] in [[None, Some(redis.store())], [Some(redis.store()), None]] {
        let gate = keeping(&from).start().await;
        let visitor = gate.visitor();
        visitor.login().await;
        let gate = keeping(&to).on(gate.stop()).start().await;
        let answer = visitor.fetch("/").await;
        assert_eq!(answer.status, 401, "C-26");
        assert!(answer.set_cookies().is_empty(), "rule 8: another replica knows it");
        let _gate = keeping(&from).on(gate.stop()).start().await;
        assert_eq!(visitor.fetch("/").await.status, 200);
    }
}
