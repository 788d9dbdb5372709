//! The house rules that a compiler doesn't know: who may name whom, the purity of `src/auth`, the
//! size of files, where secrets are read. `breaches` judges one file; every rule is shown to bite.

#![allow(clippy::unwrap_used)]

#[path = "layering/examples.rs"]
mod examples;
#[path = "layering/reading.rs"]
mod reading;

use std::fs;
use std::path::Path;

use examples::{BAD, GOOD};
use reading::{is_test_file, named_from, rust_files, to_root, without_tests_and_comments};

/// A room and the rooms that it may name beside itself. A file of `src` that no row covers is a
/// breach: a new room declares its place here first.
const DIRECTION: &[(&str, &[&str])] = &[
    ("auth", &["secret"]),
    ("command", ALL),
    ("config", &["auth", "secret"]),
    ("demo", &[]),
    ("gateway", &["auth", "config", "provider", "secret", "store", "telemetry", "tls", "upstream"]),
    ("lib", ALL),
    ("main", ALL),
    ("provider", EDGE),
    ("secret", &[]),
    ("server", &["auth", "config", "gateway", "secret", "store", "telemetry", "tls"]),
    ("store", EDGE),
    ("telemetry", &["auth", "config"]),
    ("tls", &[]),
    ("upstream", EDGE),
];

/// The edges send and keep what the core built; they never name each other.
const EDGE: &[&str] = &["auth", "secret", "telemetry", "tls"];

/// The top of the house names whom it likes.
const ALL: &[&str] = &["*"];

/// What would make `src/auth` depend on the world: I/O, a clock, a random source, waiting.
const IMPURE: &[&str] = &[
    ".await",
    "Instant::now",
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "async fn",
    "async move",
    "getrandom::",
    "hyper::",
    "hyper_util",
    "tokio",
];

/// The parts of `std` that do the same.
const IMPURE_STD: &[&str] = &["env", "fs", "process", "thread"];

/// The files that read a secret; whoever joins them says why in the review.
const READS_SECRETS: &[&str] = &[
    "auth/authorization.rs",
    "auth/bearer.rs",
    "auth/client_call.rs",
    "auth/headers.rs",
    "auth/id_token.rs",
    "auth/login.rs",
    "auth/logout.rs",
    "auth/parked.rs",
    "auth/proof.rs",
    "auth/seal.rs",
    "auth/ticket.rs",
    "auth/token_call.rs",
    "auth/tokens.rs",
    "config/keys.rs",
    "config/provider/client.rs",
    "config/provider/client_key.rs",
    "config/route/fields.rs",
    "config/session.rs",
    "config/store/address.rs",
    "gateway/assertion.rs",
    "secret.rs",
    "store/redis/dial.rs",
];

const MOST_LINES: usize = 400;

#[test]
fn the_house_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&root);
    assert!(files.len() > 1, "no house to judge in {}", root.display());
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            breaches(file.strip_prefix(&root).unwrap().to_str().unwrap(), &text)
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_file_that_may_read_secrets_is_there_and_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for name in READS_SECRETS {
        let text = fs::read_to_string(root.join(name)).unwrap_or_default();
        assert!(text.contains("expose"), "{name} reads no secret: take it off the list");
    }
}

#[test]
fn every_rule_bites() {
    for (path, text) in BAD {
        assert_eq!(breaches(path, text).len(), 1, "{path}: {text}: {:?}", breaches(path, text));
    }
    let long = "x();\n".repeat(MOST_LINES + 1);
    assert_eq!(breaches("auth/a.rs", &long).len(), 1);
}

#[test]
fn what_is_allowed_passes() {
    for (path, text) in GOOD {
        assert_eq!(breaches(path, text), Vec::<String>::new(), "{path}: {text}");
    }
    let tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}", "    x();\n".repeat(500));
    assert_eq!(breaches("auth/a.rs", &tests), Vec::<String>::new());
}

/// Judges one file by its path in `src` and its text.
fn breaches(path: &str, text: &str) -> Vec<String> {
    if is_test_file(path) {
        return Vec::new();
    }
    let room = path.split('/').next().unwrap().trim_end_matches(".rs");
    let Some((_, may_name)) = DIRECTION.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{path}: the room `{room}` has no row in DIRECTION")];
    };
    let code = without_tests_and_comments(text);
    let tight: String = code.split_whitespace().collect();

    let mut found = Vec::new();
    if room == "auth" {
        let words = IMPURE.iter().filter(|word| code.contains(**word));
        let parts = named_from("std::", &tight).into_iter();
        let impure = words
            .map(|word| (*word).to_owned())
            .chain(parts.filter(|part| IMPURE_STD.contains(&part.as_str())));
        found.extend(impure.take(1).map(|word| format!("auth names `{word}`")));
    }
    for named in rooms_named(path, &tight) {
        if named != room && *may_name != ALL && !may_name.contains(&named.as_str()) {
            found.push(format!("`{room}` may not name `{named}`"));
        }
    }
    if tight.contains(".expose()") && !READS_SECRETS.contains(&path) {
        found.push("reads a secret and is not on the list of those who may".to_owned());
    }
    if tight.contains(".unwrap()") {
        found.push("unwrap() outside tests".to_owned());
    }
    let lines = code.lines().count();
    if lines > MOST_LINES {
        found.push(format!("{lines} lines before its tests, {MOST_LINES} are the most"));
    }
    found.into_iter().map(|breach| format!("{path}: {breach}")).collect()
}

/// Returns every room that the text names from the crate's root; `*` stands for a glob.
fn rooms_named(path: &str, tight: &str) -> Vec<String> {
    let mut named = named_from("crate::", tight);
    named.extend(named_from(&to_root(path), tight));
    named.retain(|name| name == "*" || DIRECTION.iter().any(|(room, _)| room == name));
    named
}
