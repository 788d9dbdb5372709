//! Where sessions are kept.

use std::time::Duration;

use super::*;

/// A file with these lines in its `[session]`, and with keys.
fn session(lines: &str) -> String {
    format!("{SMALL}[session]\nkeys = [{{ env = \"KEY\" }}]\n{lines}\n")
}

const KEY: (&str, &str) = ("KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");

fn stored(lines: &str) -> (StoreConfig, Vec<String>) {
    let config = load(&session(lines), &[KEY], &[]).unwrap();
    match config.session.keeping {
        Keeping::Stored(store) => (store, config.warnings),
        other => panic!("{other:?}"),
    }
}

fn address(host: &str, port: u16) -> StoreAddress {
    StoreAddress { host: host.to_owned(), port }
}

#[test]
fn sessions_are_in_cookies_unless_something_else_is_said() {
    for lines in ["", "store = \"cookie\"", "store = { env = \"WORD\" }"] {
        let config = load(&session(lines), &[KEY, ("WORD", "cookie")], &[]).unwrap();
        assert!(matches!(config.session.keeping, Keeping::Cookie), "{lines}");
        assert_eq!(config.session.store_grace, Duration::from_secs(300));
        assert_eq!(config.warnings, Vec::<String>::new());
    }
}

#[test]
fn an_address_says_whom_to_connect_to() {
    let one = |host, port| StoreServers::One(address(host, port));
    let sentinels = |sentinels: &[StoreAddress], master: &str| StoreServers::Sentinels {
        sentinels: sentinels.to_vec(),
        master: master.to_owned(),
    };
    let (h1, h2) = (address("h1", 26379), address("h2", 7));
    for (url, servers, database, is_encrypted) in [
        ("redis://host", one("host", 6379), 0, false),
        ("redis://host:7/", one("host", 7), 0, false),
        ("rediss://10.0.0.1:7/3", one("10.0.0.1", 7), 3, true),
        ("redis://[::1]:7/0", one("::1", 7), 0, false),
        ("redis+sentinel://h1,h2:7/my", sentinels(&[h1.clone(), h2.clone()], "my"), 0, false),
        ("rediss+sentinel://h1,h2:7/m%20y/4/", sentinels(&[h1, h2], "m y"), 4, true),
        (
            "redis+cluster://h1,[::1]:7",
            StoreServers::Cluster(vec![address("h1", 6379), address("::1", 7)]),
            0,
            false,
        ),
        ("rediss+cluster://h1:8/0", StoreServers::Cluster(vec![address("h1", 8)]), 0, true),
    ] {
        let (store, warnings) = stored(&format!("store = {url:?}"));
        assert_eq!(store.servers, servers, "{url}");
        assert_eq!(store.database, database, "{url}");
        assert_eq!(store.tls.is_some(), is_encrypted, "{url}");
        assert!(store.login.is_none() && warnings.is_empty(), "{url}");
    }
}

#[test]
fn a_password_in_an_address_is_a_secret() {
    for (url, user, password) in [
        ("redis://:canary@host", None, "canary"),
        ("redis+cluster://gate:canary@h1,h2", Some("gate"), "canary"),
        ("redis://g%40te:canary%3a%2F%40%C3%A9@host", Some("g@te"), "canary:/@é"),
        ("redis://gate:canary:x@host", Some("gate"), "canary:x"),
    ] {
        let (store, warnings) = stored(&format!("store = {url:?}"));
        let login = store.login.unwrap();
        assert_eq!(login.user.as_deref(), user);
        assert!(login.password.ct_eq(password.as_bytes()), "{url}");
        assert_eq!(warnings.len(), 1, "{url}");
        assert!(warnings[0].starts_with("session.store: a secret stands in"), "{warnings:?}");

        let text = session("store = { env = \"URL\" }");
        let config = load(&text, &[KEY, ("URL", url)], &[]).unwrap();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        assert!(matches!(config.session.keeping, Keeping::Stored(_)));
    }
}

#[test]
fn an_address_may_come_from_a_file_or_a_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "redis://:canary@host\n").unwrap();
    let text = session(&format!("store = {{ file = {file:?} }}"));
    let config = load(&text, &[KEY], &[]).unwrap();
    assert!(matches!(config.session.keeping, Keeping::Stored(StoreConfig { login: Some(_), .. })));
    let config = load(&session(""), &[KEY], &["session.coordination=redis://host"]).unwrap();
    assert!(matches!(config.session.keeping, Keeping::Coordinated(_)));
    let variable = ("ASKARA_GATE_SESSION__STORE", "redis+cluster://a,b");
    let config = load(&session(""), &[KEY, variable], &[]).unwrap();
    assert!(matches!(config.session.keeping, Keeping::Stored(_)));
}

#[test]
fn c109_a_wrong_address_is_told_without_its_password() {
    for (url, wanted) in [
        ("host:6379", "must be the address of a store, such as \"redis://host:6379\""),
        ("http://:canary@host", "must be the address of a store, such as \"redis://host:6379\""),
        ("redis://", "has a host that is none"),
        ("redis://:canary@", "has a host that is none"),
        ("redis://:can/ary@host", "has a host that is none"),
        ("redis://:canary?@host", "must have no \"?\""),
        ("redis://host#canary", "must have no \"?\""),
        ("redis://canary@host", "must say \"user:password@\" or \":password@\""),
        ("redis://gate:@host", "has an empty password"),
        ("redis://gate:canary%2@host", "has a \"%\" that no two hexadecimal digits follow"),
        ("redis://gate:canary%+1@host", "has a \"%\" that no two hexadecimal digits follow"),
        ("redis://gate:canary%é@host", "has a \"%\" that no two hexadecimal digits follow"),
        ("redis://host/canary", "must end with the number of a database"),
        ("redis://host/-1", "must end with the number of a database"),
        ("redis://a,b", "has several hosts; they need \"redis+sentinel://\""),
        ("redis+sentinel://a,b", "needs the master's name, as in"),
        ("redis+sentinel://a,b/", "needs the master's name, as in"),
        ("redis+sentinel://a,b/my/x", "must end with the number of a database"),
        ("redis+cluster://a,b/1", "must have no number behind it"),
        ("redis+cluster://a,,b", "has a host that is none"),
    ] {
        for key in ["store", "coordination"] {
            let text = session(&format!("{key} = {{ env = \"URL\" }}"));
            let problems = load(&text, &[KEY, ("URL", url)], &[]).unwrap_err();
            let (_, told) = problems.split_once(": ").unwrap();
            assert!(told.starts_with(&format!("session.{key}: {wanted}")), "{url}\n{problems}");
            assert_eq!(problems.lines().count(), 1, "{url}\n{problems}");
        }
    }
}

#[test]
fn keys_about_a_store_need_one() {
    for line in [
        "store_grace = \"1m\"",
        "store_limit = \"1s\"",
        "store_prefix = \"gate\"",
        "store_tls = { insecure = true }",
    ] {
        let (key, _) = line.split_once(' ').unwrap();
        for store in ["", "store = \"cookie\"\n"] {
            let problems = load(&session(&format!("{store}{line}")), &[KEY], &[]).unwrap_err();
            assert!(
                problems.contains(&format!(": session.{key}: is about a store;")),
                "{problems}"
            );
            assert_eq!(problems.lines().count(), 1, "{problems}");
        }
        // Where the address is what is wrong, that alone is told.
        let problems = load(&session(&format!("store = \"x\"\n{line}")), &[KEY], &[]).unwrap_err();
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
}

#[test]
fn what_can_not_be_meant_is_refused() {
    for (lines, wanted) in [
        (
            "store = \"redis://a\"\ncoordination = \"redis://a\"",
            "coordination: goes with store = \"cookie\"",
        ),
        ("coordination = \"cookie\"", "coordination: must be the address of a store"),
        ("store = \"redis://a\"\nstore_limit = \"9ms\"", "store_limit: must be between 10ms and"),
        ("store = \"redis://a\"\nstore_limit = \"11s\"", "store_limit: must be between 10ms and"),
        ("store = \"redis://a\"\nstore_prefix = \"a b\"", "store_prefix: must be up to 100"),
        ("store = \"redis://a\"\nstore_prefix = \"a{b}\"", "store_prefix: must be up to 100"),
        ("store = \"redis://a\"\nstore_prefix = \"\"", "store_prefix: must be up to 100"),
        (
            "store = \"redis://a\"\nstore_tls = { ca_file = \"a\" }",
            "store_tls: needs an address with TLS, such as \"rediss://",
        ),
        (
            "store = \"rediss://a\"\nstore_tls = { certificate = \"a\" }",
            "store_tls.key: is missing; certificate needs it",
        ),
        (
            "store = \"rediss://a\"\nstore_tls = { key = \"a\" }",
            "store_tls.certificate: is missing; key needs it",
        ),
        ("store = \"rediss://a\"\nstore_tls = { ca = \"a\" }", "store_tls.ca: unknown key"),
    ] {
        let problems = load(&session(lines), &[KEY], &[]).expect_err(lines);
        assert!(problems.contains(&format!(": session.{wanted}")), "{lines}\n{problems}");
        assert_eq!(problems.lines().count(), 1, "{lines}\n{problems}");
    }
}

#[test]
fn the_rest_has_defaults_and_can_be_said() {
    let (store, _) = stored("store = \"rediss://a\"");
    assert_eq!(store.prefix, "askara-gate:app.example.com");
    assert_eq!(store.limit, Duration::from_millis(250));
    assert_eq!(store.tls, Some(StoreTls::default()));
    let (store, _) = stored("store = \"redis://a\"\ncookie_domain = \"example.com\"");
    assert_eq!(store.prefix, "askara-gate:example.com");
    let lines = "store = \"rediss://a\"\nstore_prefix = \"gate\"\nstore_limit = \"1s\"\nstore_grace = \"0s\"\nstore_tls = { ca_file = \"ca\", certificate = \"c\", key = \"k\", server_name = \"s\" }";
    let config = load(&session(lines), &[KEY], &[]).unwrap();
    assert_eq!(config.session.store_grace, Duration::ZERO);
    let (store, warnings) = stored(lines);
    assert_eq!((store.prefix.as_str(), store.limit), ("gate", Duration::from_secs(1)));
    let tls = store.tls.unwrap();
    let files = TlsFiles { certificate: "c".into(), key: "k".into() };
    assert_eq!((tls.ca_file, tls.certificate), (Some("ca".into()), Some(files)));
    assert_eq!((tls.server_name.as_deref(), tls.insecure), (Some("s"), false));
    assert!(warnings.is_empty());
}

#[test]
fn what_is_dangerous_with_a_store_is_a_warning() {
    let (_, warnings) = stored("store = \"rediss://a\"\nstore_tls = { insecure = true }");
    assert!(warnings[0].starts_with("session.store_tls: any certificate is taken"), "{warnings:?}");
    for set in ["session.store=redis://a", "session.coordination=redis://a"] {
        let config = load(SMALL, &[], &[set]).unwrap();
        assert_eq!(config.warnings.len(), 1);
        assert!(config.warnings[0].starts_with("session.keys is left out"), "{set}");
    }
}
