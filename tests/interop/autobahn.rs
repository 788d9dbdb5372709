//! Autobahn's WebSocket cases, as `kosoku` drives them: what is echoed through the gateway must
//! be what the app echoes by itself.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::*;
use crate::program;

/// How each case ended, and how its connection was closed.
type Results = BTreeMap<String, (String, String)>;

/// Runs all of them against the server at `address`.
async fn results(address: &str) -> Results {
    let home = TempDir::new().unwrap();
    let to = home.path().to_str().unwrap();
    let arguments = ["-p", "8", "-o", to, address];
    let output = program::run("kosoku", &arguments, Duration::from_secs(200)).await;
    let index = fs::read_to_string(home.path().join("index.json"));
    let index = index.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let index: Value = serde_json::from_str(&index).unwrap();
    let agents = index.as_object().unwrap();
    assert_eq!(agents.len(), 1, "one server was asked");
    let cases = agents.values().next().unwrap().as_object().unwrap();
    let word = |case: &Value, name: &str| case[name].as_str().unwrap().to_owned();
    let ended = |case: &Value| (word(case, "behavior"), word(case, "behaviorClose"));
    cases.iter().map(|(name, case)| (name.clone(), ended(case))).collect()
}

#[tokio::test]
async fn autobahns_cases_end_through_the_gateway_as_they_do_without_it() {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    let authority = app.url().replace("http://", "");
    let direct = results(&format!("ws://{authority}/ws")).await;
    let through = results(&format!("ws://{}/ws", gate.authority())).await;
    assert!(direct.len() > 500, "{} cases", direct.len());
    assert_eq!(direct.keys().collect::<Vec<_>>(), through.keys().collect::<Vec<_>>());
    let differing: Vec<_> =
        direct.iter().filter(|(name, ended)| through[*name] != **ended).collect();
    assert!(differing.is_empty(), "{differing:?}");
    let failed: Vec<_> = through.iter().filter(|(_, ended)| ended.0 == "FAILED").collect();
    assert!(failed.is_empty(), "{failed:?}");
}
