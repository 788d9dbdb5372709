//! Users of the store: passwords and rights.

use askara_gate::secret::Secret;
use askara_gate::store::Fault;
use askara_gate::store::redis::{Login, Options};

use super::server::Server;
use super::*;

/// The example says which rights suffice.
const EXAMPLE: &str = include_str!("../../config/redis.toml");

/// What is only asked of Sentinels' servers and of a Cluster's nodes.
const ELSEWHERE: &[&str] = &["+role", "+cluster|slots", "+asking"];

/// The rule of the example: the user's name, and what makes it.
fn rule() -> Vec<String> {
    let comments = EXAMPLE.lines().map(|line| line.trim_start_matches(['#', ' ']));
    let rule: Vec<&str> = comments
        .skip_while(|line| !line.starts_with("askara-gate on "))
        .take_while(|line| !line.is_empty())
        .flat_map(str::split_whitespace)
        .collect();
    assert!(rule.len() > 20, "{rule:?}");
    rule.into_iter().map(|word| word.replace("PASSWORD", "canary-password")).collect()
}

fn set_user(server: &Server, rule: &[String]) {
    let words: Vec<&str> =
        ["ACL", "SETUSER"].into_iter().chain(rule.iter().map(String::as_str)).collect();
    server.say(&["ACL", "DELUSER", &rule[0]]);
    server.say(&words);
}

fn signed_in(server: &Server, user: Option<&str>, password: &str) -> Redis {
    let login = Login { user: user.map(String::from), password: Secret::new(password.to_owned()) };
    // Not the first database, so that choosing one is tested as well.
    Redis::new(Options { login: Some(login), database: 1, ..server.options() })
}

/// Every call that there is; returns what went wrong.
async fn everything(store: &Redis) -> Result<(), Fault> {
    let (handle, owner) = (Handle([1; 32]), Owner([1; 16]));
    store.ping().await?;
    store.create(slot(1), &record(b"one"), &[handle], LIFE).await?;
    store.take(slot(1), owner, LIFE).await?;
    store.extend(slot(1), owner, LIFE).await?;
    store.keep(slot(1), &record(b"two"), true, LIFE).await?;
    store.release(slot(1), owner).await?;
    store.read(slot(1)).await?;
    store.filed(handle).await?;
    let listed = store.list(None).await?;
    if listed.summaries.is_empty() {
        return Err(Fault::Away(String::from("a summary is not shown")));
    }
    store.end(slot(1), LIFE).await?;
    store.announce(b"notice", LIFE).await?;
    store.announce(b"notice", LIFE).await?;
    // A second time from a place in between, and on a new connection: that one is looked up.
    let heard = store.listen(&Cursor::default(), Duration::ZERO).await?;
    let again = Cursor(heard.cursor.0.replace("-0", "-1"));
    let both = tokio::join!(
        store.listen(&again, Duration::from_millis(1)),
        store.listen(&again, Duration::from_millis(1))
    );
    both.0?;
    both.1?;
    store.first_time([2; 32], LIFE).await?;
    Ok(())
}

#[tokio::test]
async fn the_rule_of_the_example_suffices_and_has_nothing_to_spare() {
    let server = Server::start();
    let rule = rule();
    set_user(&server, &rule);
    everything(&signed_in(&server, Some(&rule[0]), "canary-password")).await.unwrap();
    let rights = rule.iter().filter(|word| word.starts_with('+'));
    for right in rights.filter(|right| !ELSEWHERE.contains(&right.as_str())) {
        // Without what was there, so that no script is known and nothing is old.
        server.say(&["FLUSHALL"]);
        server.say(&["SCRIPT", "FLUSH"]);
        let less: Vec<String> = rule.iter().filter(|word| *word != right).cloned().collect();
        set_user(&server, &less);
        let store = signed_in(&server, Some(&rule[0]), "canary-password");
        let fault = everything(&store).await.expect_err(right);
        let is_told = fault.to_string().contains("denies its user a right") || right == "+hget";
        assert!(is_told && !fault.to_string().contains("canary"), "{right}: {fault}");
    }
}

#[tokio::test]
async fn other_prefixes_are_out_of_its_reach() {
    let server = Server::start();
    let rule = rule();
    set_user(&server, &rule);
    let login = Login { user: Some(rule[0].clone()), password: password("canary-password") };
    let prefix = String::from("askara-gate:other.example.com");
    let store = Redis::new(Options { login: Some(login), prefix, ..server.options() });
    let fault = store.read(slot(1)).await.unwrap_err();
    assert!(fault.to_string().contains("denies its user a right"), "{fault}");
}

#[tokio::test]
async fn c109_a_refused_password_is_told_and_never_shown() {
    let server = Server::start();
    set_user(&server, &rule());
    let open = Redis::new(server.options());
    open.ping().await.unwrap();
    // The default user has no password yet.
    let fault = signed_in(&server, None, "canary").ping().await.unwrap_err();
    assert!(fault.to_string().contains("does not take a password as it is set up"), "{fault}");
    assert!(!fault.to_string().contains("canary"), "{fault}");

    for (user, password) in [(Some("askara-gate"), "canary"), (Some("nobody"), "canary")] {
        let fault = signed_in(&server, user, password).ping().await.unwrap_err();
        assert!(fault.to_string().contains("refuses this user or password"), "{fault}");
        assert!(!fault.to_string().contains("canary"), "{fault}");
    }

    let closed = Server::with(&["--requirepass", "canary-password"]);
    let fault = Redis::new(closed.options()).ping().await.unwrap_err();
    assert!(fault.to_string().contains("asks for a password"), "{fault}");
    let fault = signed_in(&closed, None, "canary").ping().await.unwrap_err();
    assert!(fault.to_string().contains("refuses this user or password"), "{fault}");
    everything(&signed_in(&closed, None, "canary-password")).await.unwrap();
}

#[tokio::test]
async fn a_user_that_is_given_its_rights_late_is_not_locked_out() {
    let server = Server::start();
    let rule = rule();
    let store = signed_in(&server, Some(&rule[0]), "canary-password");
    store.ping().await.unwrap_err();
    set_user(&server, &rule);
    store.ping().await.unwrap();
    // Taking a user away closes its connections.
    server.say(&["ACL", "DELUSER", &rule[0]]);
    store.ping().await.unwrap_err();
    set_user(&server, &rule);
    until_it_works(&store).await;
}

fn password(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}
