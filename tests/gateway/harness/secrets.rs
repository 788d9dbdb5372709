//! Every secret that a test has seen, and the search for it in what gateways write (C-105): the
//! whole suite runs at TRACE, and each gateway's output is read when it ends.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Secrets of one provider, which join those of the whole suite.
#[derive(Default)]
pub(super) struct Secrets(BTreeSet<String>);

impl Secrets {
    pub(super) fn insert(&mut self, secret: String) {
        note(&secret);
        self.0.insert(secret);
    }

    pub(super) fn extend(&mut self, secrets: impl IntoIterator<Item = String>) {
        secrets.into_iter().for_each(|secret| self.insert(secret));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
}

/// Keeps a secret in mind; what is too short to be one is left out.
pub(super) fn note(secret: &str) {
    if secret.len() >= SHORTEST {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.to_owned());
    }
}

/// The first line in which a secret stands, as it is or as a part of an address or a form.
pub(super) fn first_line_with_one(output: &str) -> Option<&str> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let seen: HashSet<&str> = seen.iter().map(String::as_str).collect();
    output.lines().find(|line| words(line).any(|word| seen.contains(word)))
}

/// What may be a secret: the longest runs of the characters that tokens, codes, cookies and
/// assertions are made of, and the parts of those that have dots.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let of_a_token = |c: char| c.is_ascii_alphanumeric() || "-_.~+/".contains(c);
    let runs = line.split(move |c| !of_a_token(c));
    runs.flat_map(|run| [run].into_iter().chain(run.split(['.', '/'])))
        .filter(|word| word.len() >= SHORTEST)
}

const SHORTEST: usize = 16;

#[test]
fn a_secret_is_found_wherever_it_stands() {
    let secret = "found-wherever-it-stands.in-two-parts";
    note(secret);
    for line in [
        secret,
        "Cookie: a=found-wherever-it-stands.in-two-parts; b",
        "?code=found-wherever-it-stands.in-two-parts&x",
    ] {
        assert_eq!(first_line_with_one(&format!("first\n{line}\nlast")), Some(line));
    }
    assert_eq!(first_line_with_one("found-wherever-it-stands.in-three-parts"), None);
}
