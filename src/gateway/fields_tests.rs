use std::sync::Arc;

use super::*;
use crate::auth::facts::KnownPerson;
use crate::auth::headers::Statement;
use crate::auth::host::Host;
use crate::auth::identity::Identity;
use crate::config::{Config, Environment, Sources};
use crate::gateway::bearer::ApiClient;
use crate::secret::Secret;

/// A gateway with a route for each of `fields`, under `/0`, `/1` and so on.
fn gateway(fields: &[&str]) -> Gateway {
    let routes = fields.iter().enumerate().map(|(at, fields)| {
        format!("{{ path = \"/{at}\", upstream = \"http://127.0.0.1:1\", {fields} }}")
    });
    let set = [
        String::from("public_url=https://app.example.com"),
        format!("route=[{}]", routes.collect::<Vec<_>>().join(", ")),
    ];
    let sources = Sources { file: None, upstream: None, set: set.to_vec() };
    let secrets = [("ASKARA_CLIENT_ID", "id"), ("ASKARA_CLIENT_SECRET", "secret")];
    let config = Config::load(&sources, &Environment::of(&secrets)).unwrap();
    Gateway::new(config, &[Secret::new([1; 32])]).unwrap()
}

fn ada() -> Who {
    in_groups(Vec::new())
}

fn in_groups(groups: Vec<String>) -> Who {
    let identity = Identity { groups, ..Identity::for_test("ada") };
    let token = Secret::new(String::from("token"));
    let statement = Statement::new(&identity, &token).unwrap();
    let prepared = Prepared::default();
    let known = KnownPerson {
        identity,
        scopes: Vec::new(),
        authenticated: None,
        acr: None,
        provider: None,
    };
    Who::Client(Arc::new(ApiClient { provider: 0, known, statement, prepared }))
}

/// What the app at `/{at}` is told.
fn told(gateway: &Gateway, at: usize, who: &Who, seconds: u64) -> HeaderMap {
    let path = format!("/{at}/x");
    let path = RequestPath::parse(&path).unwrap();
    let host = Host::parse("app.example.com").unwrap();
    let found = gateway.routes.find(&host, &path, &http::Method::GET).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-user", HeaderValue::from_static("canary"));
    let now = Timestamp::from_unix(1_000_000 + seconds);
    gateway.state_fields(&mut headers, found.route, &path, who, || now);
    headers
}

#[test]
fn an_assertion_is_sent_until_half_of_its_life_is_over_and_not_by_a_clock_that_jumped_back() {
    let gateway = gateway(&["assertion = true"]);
    let who = ada();
    let at = |seconds: u64| told(&gateway, 0, &who, seconds)[&ASKARA_ASSERTION].clone();
    let first = at(100);
    assert!(first.is_sensitive());
    for seconds in [100, 101, 129] {
        assert_eq!(at(seconds), first, "{seconds}");
    }
    let second = at(130);
    assert_ne!(second, first);
    assert_eq!(at(159), second);
    assert_ne!(at(99), second, "C-103");
}

#[test]
fn an_assertion_that_no_app_would_take_is_left_out_and_never_cut() {
    let gateway = gateway(&["assertion = { claims = { groups = \"groups\" } }"]);
    for (count, fits) in [(10, true), (64, false)] {
        let who = in_groups(vec!["g".repeat(200); count]);
        for _ in 0..2 {
            assert_eq!(told(&gateway, 0, &who, 0).contains_key(&ASKARA_ASSERTION), fits, "{count}");
        }
    }
    assert_eq!(gateway.left_out.0.lock().unwrap().len(), 1, "it is said once");
}

#[test]
fn what_is_told_of_a_person_is_written_once_for_each_route() {
    let gateway = gateway(&[
        "request_headers = { X-User = \"{user}\" }",
        "request_headers = { X-User = { claim = \"user\", format = \"base64\" } }",
        "request_headers = {}",
    ]);
    let who = ada();
    let user = |at: usize| told(&gateway, at, &who, 0)["x-user"].clone();
    for _ in 0..2 {
        assert_eq!(
            (user(0), user(1), user(2)),
            (
                HeaderValue::from_static("ada"),
                HeaderValue::from_static("YWRh"),
                HeaderValue::from_static("canary"),
            )
        );
    }
    // The same bytes, not only equal ones.
    assert_eq!(user(0).as_bytes().as_ptr(), user(0).as_bytes().as_ptr());
    assert_eq!(told(&gateway, 0, &Who::Nobody { clear: false }, 0).len(), 0, "C-35");
}

#[test]
fn a_person_who_visits_every_route_is_told_of_on_each_and_fills_no_memory() {
    let rules: Vec<String> = (0..KEPT + 5)
        .map(|at| format!("request_headers = {{ X-User = \"{{user}} {at}\" }}"))
        .collect();
    let gateway = gateway(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    let who = ada();
    for _ in 0..2 {
        for at in 0..rules.len() {
            let value = told(&gateway, at, &who, 0)["x-user"].clone();
            assert_eq!(value, format!("ada {at}"));
        }
    }
    assert_eq!(who.prepared().unwrap().0.lock().unwrap().len(), KEPT);
}

#[test]
fn nobody_waits_for_another_worker() {
    let gateway = gateway(&["request_headers = { X-User = \"{user}\" }"]);
    let who = ada();
    let held = who.prepared().unwrap().0.lock().unwrap();
    assert_eq!(told(&gateway, 0, &who, 0)["x-user"], "ada");
    drop(held);
}
