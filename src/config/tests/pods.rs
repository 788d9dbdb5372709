//! What is another in a pod: the end takes longer, and secrets are files that change.

use std::path::PathBuf;
use std::time::Duration;

use super::*;

#[test]
fn kubernetes_is_given_time_to_hear_of_the_end_unless_the_configuration_says_how_much() {
    let pod = [("KUBERNETES_SERVICE_HOST", "10.96.0.1")];
    for (variables, set, delay) in [
        (&[][..], &[][..], 0),
        (&pod, &[], 5),
        (&pod, &["limits.drain_delay=0s"], 0),
        (&pod, &["limits.drain_delay=20s"], 20),
        (&[], &["limits.drain_delay=20s"], 20),
    ] {
        let config = load(SMALL, variables, set).unwrap();
        assert_eq!(config.limits.drain_delay, Duration::from_secs(delay), "{set:?}");
    }
    assert!(load(SMALL, &[], &["limits.drain_delay=soon"]).is_err());
}

#[test]
fn every_file_that_holds_a_secret_is_known_wherever_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = |byte: &str| file(byte, &byte.repeat(32));
    let (secret, first, second) = (file("secret", "canary-client"), key("01"), key("02"));
    let lines = format!("client_secret = {{ file = {secret:?} }}\nca_file = \"ca.pem\"");
    let text = super::file(&lines);
    let keys = format!("session.keys=[{{ file = {first:?} }}, {{ file = {second:?} }}]");
    let config = load(&text, &[], &[&keys]).unwrap();
    let mut wanted = [&first, &second, &secret].map(PathBuf::from);
    wanted.sort();
    assert_eq!(config.secret_files, wanted);
    assert_eq!(load(SMALL, &[], &[]).unwrap().secret_files, Vec::<PathBuf>::new());
}
