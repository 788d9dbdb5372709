//! Every kind of rule, judged for nobody and for people.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::*;
use crate::auth::Timestamp;
use crate::auth::facts::{Facts, Person};
use crate::auth::host::Host;
use crate::auth::identity::Identity;
use crate::auth::kept::Claims;
use crate::auth::route::PathPattern;
use crate::auth::step_up::Wanted;

/// Somebody of whom the provider told this, kept with a session.
fn identity(me: &Value) -> Identity {
    Identity {
        email: Some(String::from("a@Example.com")),
        groups: vec![String::from("staff"), String::from("ops")],
        claims: Claims::for_test(Value::Null, me.clone()),
        ..Identity::for_test("42")
    }
}

struct Scene {
    identity: Option<Identity>,
    client: Option<IpAddr>,
    path: &'static str,
}

impl Scene {
    fn nobody() -> Self {
        Self { identity: None, client: Some([10, 1, 2, 3].into()), path: "/teams/red/x" }
    }

    fn somebody(me: &Value) -> Self {
        Self { identity: Some(identity(me)), ..Self::nobody() }
    }

    /// The answer, without what it asks for or says.
    fn judge(&self, rule: &Rule) -> &'static str {
        let pattern = PathPattern::template("/teams/{team}/*").unwrap();
        let host = Host::parse("app.example.com").unwrap();
        let scopes = [String::from("read"), String::from("write")];
        let person = self.identity.as_ref().map(|identity| Person {
            identity,
            scopes: &scopes,
            authenticated: Some(Timestamp::from_unix(1000)),
            acr: Some("pwd"),
            provider: Some("staff"),
        });
        let method = Method::GET;
        let facts = Facts {
            method: &method,
            host: &host,
            client: self.client,
            now: Timestamp::from_unix(1600),
            person,
        };
        match rule.judge(&facts, &Variables { pattern: &pattern, path: self.path }) {
            Outcome::False { .. } => "no",
            Outcome::NeedsSession => "session",
            Outcome::StepUp(_) => "step up",
            Outcome::True => "yes",
            Outcome::Unclear { .. } => "unclear",
        }
    }
}

fn rule(kind: Kind) -> Rule {
    Rule::new(kind)
}

fn claim(source: &str, any: &[&str], all: &[&str], none: &[&str]) -> Rule {
    let list = |texts: &[&str]| {
        texts.iter().map(|text| Text::parse(text, &["team"]).unwrap()).collect::<Vec<_>>()
    };
    rule(Kind::Claim(ClaimRule {
        place: ClaimPlace::parse(source, &["team"]).unwrap(),
        any: list(any),
        all: list(all),
        none: list(none),
    }))
}

fn not(inner: Rule) -> Rule {
    rule(Kind::Not(Box::new(inner)))
}

fn network(text: &str) -> Rule {
    rule(Kind::Network(vec![Network::parse(text).unwrap()]))
}

#[test]
fn claims_are_compared_as_text_member_by_member() {
    let me = json!({
        "text": "a", "number": 42, "float": 1.5, "large": u64::MAX, "truth": true, "null": null,
        "list": ["a", 7, false], "mixed": ["a", {"b": 1}], "empty": [], "object": {"a": "a"},
    });
    let person = Scene::somebody(&me);
    for (source, any, all, none, answer) in [
        ("me:/text", &["b", "a"][..], &[][..], &[][..], "yes"),
        ("me:/text", &["A"], &[], &[], "no"),
        ("me:/text", &["a "], &[], &[], "no"),
        ("me:/number", &["42"], &[], &[], "yes"),
        ("me:/number", &["42.0", "042"], &[], &[], "no"),
        ("me:/float", &["1.5"], &[], &[], "yes"),
        ("me:/large", &["18446744073709551615"], &[], &[], "yes"),
        ("me:/truth", &["true"], &[], &[], "yes"),
        ("me:/truth", &["1"], &[], &[], "no"),
        ("me:/list", &["7"], &[], &[], "yes"),
        ("me:/list", &[], &["a", "false"], &[], "yes"),
        ("me:/list", &[], &["a", "b"], &[], "no"),
        ("me:/list", &["a"], &["7"], &["b"], "yes"),
        ("me:/list", &["a"], &["7"], &["false"], "no"),
        ("me:/list/0", &["a"], &[], &[], "yes"),
        ("me:/list", &[], &[], &["x"], "yes"),
        ("me:/list", &[], &[], &["x", "a"], "no"),
        ("me:/mixed", &["a"], &[], &[], "yes"),
        ("me:/mixed", &[], &[], &["x"], "no"),
        ("me:/empty", &["a"], &[], &[], "no"),
        ("me:/empty", &[], &[], &["a"], "yes"),
        ("me:/object", &["a"], &[], &[], "no"),
        ("me:/object", &[], &[], &["x"], "no"),
        ("me:/object/a", &["a"], &[], &[], "yes"),
        ("me:/null", &[], &[], &["x"], "no"),
        ("me:/missing", &["a"], &[], &[], "no"),
        ("me:/missing", &[], &["a"], &[], "no"),
        ("me:/missing", &[], &[], &["a"], "no"),
        ("token:/text", &["a"], &[], &[], "no"),
        ("user", &["42"], &[], &[], "yes"),
        ("provider", &["staff"], &[], &[], "yes"),
        ("groups", &["ops"], &[], &[], "yes"),
        ("groups", &[], &["ops", "other"], &[], "no"),
        ("organization", &[], &[], &["x"], "no"),
        ("email", &["a@Example.com"], &[], &[], "yes"),
        ("email", &["a@example.com"], &[], &[], "no"),
    ] {
        let rule = claim(source, any, all, none);
        assert_eq!(person.judge(&rule), answer, "{source} {any:?} {all:?} {none:?}");
        assert_eq!(Scene::nobody().judge(&rule), "session", "{source}");
        assert_eq!(Scene::nobody().judge(&not(rule)), "session", "not {source}");
    }
}

#[test]
fn what_is_not_known_of_a_claim_denies_whichever_way_it_is_asked() {
    // A session of before the rule, or a claim that was too large to be kept.
    let identity = Identity { claims: Claims::default(), ..identity(&json!({})) };
    let scene = Scene { identity: Some(identity), ..Scene::nobody() };
    for source in ["me:/blocked", "me:/in/{team}"] {
        let rule = claim(source, &["yes"], &[], &[]);
        assert_eq!(scene.judge(&rule), "unclear", "{source}");
        assert_eq!(scene.judge(&not(rule)), "unclear", "{source}");
        let known = Scene::somebody(&json!({}));
        assert_eq!(known.judge(&not(claim(source, &["yes"], &[], &[]))), "yes", "{source}");
    }
}

#[test]
fn a_template_variable_stands_in_the_pointer_and_in_the_values() {
    let me = json!({
        "teams": {"red": {"role": "lead"}, "a/b": {"role": "lead"}},
        "in": ["team-red"],
    });
    for (path, source, any, answer) in [
        ("/teams/red/x", "me:/teams/{team}/role", "lead", "yes"),
        ("/teams/blue/x", "me:/teams/{team}/role", "lead", "no"),
        ("/teams/a~1b/x", "me:/teams/{team}/role", "lead", "no"),
        ("/teams/a%2Fb/x", "me:/teams/{team}/role", "lead", "unclear"),
        ("/teams/red/x", "me:/in", "team-{team}", "yes"),
        ("/teams/blue/x", "me:/in", "team-{team}", "no"),
        ("/teams/re%64/x", "me:/in", "team-{team}", "unclear"),
    ] {
        let scene = Scene { path, ..Scene::somebody(&me) };
        let rule = claim(source, &[any], &[], &[]);
        assert_eq!(scene.judge(&rule), answer, "{path} {source}");
        // What can't be told is denied under `not` as well.
        let turned = if answer == "no" {
            "yes"
        } else if answer == "yes" {
            "no"
        } else {
            answer
        };
        assert_eq!(scene.judge(&not(rule)), turned, "{path} not {source}");
    }
}

#[test]
fn each_other_kind_asks_its_one_thing() {
    let scopes = |list: &[&str]| rule(Kind::Scope(list.iter().map(ToString::to_string).collect()));
    let acr = |class: &str| rule(Kind::Acr(vec![class.to_owned()]));
    let age = |seconds| rule(Kind::MaxAge(Duration::from_secs(seconds)));
    let domain = |text| rule(Kind::EmailDomain(vec![EmailDomain::parse(text).unwrap()]));
    let method = |method| rule(Kind::Method(vec![method]));
    let hours = |from, to| rule(Kind::Time(Hours::ALWAYS.between(from, to).unwrap()));
    for (rule, somebody, nobody) in [
        (scopes(&["read"]), "yes", "session"),
        (scopes(&["read", "write"]), "yes", "session"),
        (scopes(&["read", "admin"]), "no", "session"),
        (acr("pwd"), "yes", "session"),
        (acr("mfa"), "step up", "session"),
        (age(600), "yes", "session"),
        (age(599), "step up", "session"),
        (domain("example.com"), "yes", "session"),
        (domain("example.org"), "no", "session"),
        (method(Method::GET), "yes", "yes"),
        (method(Method::HEAD), "no", "no"),
        (network("10.0.0.0/8"), "yes", "yes"),
        (network("192.0.2.0/24"), "no", "no"),
        (hours("00:00", "01:00"), "yes", "yes"),
        (hours("01:00", "24:00"), "no", "no"),
        (rule(Kind::Public), "yes", "yes"),
        (rule(Kind::SignedIn), "yes", "session"),
        (not(rule(Kind::SignedIn)), "no", "session"),
        (not(acr("mfa")), "step up", "session"),
    ] {
        assert_eq!(Scene::somebody(&json!({})).judge(&rule), somebody, "{rule:?}");
        assert_eq!(Scene::nobody().judge(&rule), nobody, "{rule:?}");
    }
}

#[test]
fn a_visitor_without_an_address_is_in_no_network_and_outside_of_none() {
    let scene = Scene { client: None, ..Scene::nobody() };
    assert_eq!(scene.judge(&network("10.0.0.0/8")), "unclear");
    assert_eq!(scene.judge(&not(network("10.0.0.0/8"))), "unclear");
}

#[test]
fn a_not_over_anything_about_a_person_lets_nobody_through() {
    let elsewhere = || network("192.0.2.0/24");
    let blocked = || claim("me:/blocked", &["true"], &[], &[]);
    let both = rule(Kind::All(vec![blocked(), elsewhere()]));
    assert_eq!(Scene::nobody().judge(&both), "no", "no login could help");
    assert_eq!(Scene::nobody().judge(&not(both.clone())), "session");
    assert_eq!(Scene::somebody(&json!({})).judge(&not(both)), "yes");
    assert_eq!(Scene::nobody().judge(&not(elsewhere())), "yes", "it is about the request alone");
    assert_eq!(Scene::nobody().judge(&not(not(elsewhere()))), "no");
}

#[test]
fn a_recent_login_from_the_future_is_none() {
    let host = Host::parse("a").unwrap();
    let identity = Identity::for_test("1");
    let pattern = PathPattern::prefix("/");
    for (at, holds) in [(1000, true), (1060, true), (1061, false), (699, false), (700, true)] {
        let person = Person {
            identity: &identity,
            scopes: &[],
            authenticated: Some(Timestamp::from_unix(at)),
            acr: None,
            provider: None,
        };
        let method = Method::GET;
        let facts = Facts {
            method: &method,
            host: &host,
            client: None,
            now: Timestamp::from_unix(1000),
            person: Some(person),
        };
        let age = Duration::from_secs(300);
        let rule = rule(Kind::MaxAge(age));
        let outcome = rule.judge(&facts, &Variables { pattern: &pattern, path: "/" });
        let wanted = Outcome::StepUp(Wanted { acr: &[], max_age: Some(age) });
        assert_eq!(outcome, if holds { Outcome::True } else { wanted }, "C-103: {at}");
    }
}

#[test]
fn the_words_are_those_of_the_rule_that_denies() {
    let says = |words: &str, kind| Rule { message: Some(words.to_owned()), kind };
    let rules = says(
        "outer",
        Kind::All(vec![
            rule(Kind::Public),
            says("inner", Kind::Any(vec![network("192.0.2.0/24"), network("192.0.2.1")])),
            says("never asked", Kind::Method(vec![Method::PUT])),
        ]),
    );
    let (host, pattern, method) =
        (Host::parse("a").unwrap(), PathPattern::prefix("/"), Method::GET);
    let facts = Facts {
        method: &method,
        host: &host,
        client: Some([10, 0, 0, 1].into()),
        now: Timestamp::from_unix(0),
        person: None,
    };
    let outcome = rules.judge(&facts, &Variables { pattern: &pattern, path: "/" });
    assert_eq!(outcome, Outcome::False { message: Some("inner") });
}

#[test]
fn what_is_kept_is_what_the_rules_read() {
    let expression =
        Expression::compile("me.a.b == 1 && has(token.`c/d`) && user != 'x'", &[]).unwrap();
    let access = Access::Rule(Box::new(rule(Kind::Any(vec![
        claim("id:/groups", &["a"], &[], &[]),
        not(claim("me:/teams/{team}", &["a"], &[], &[])),
        claim("groups", &["a"], &[], &[]),
        rule(Kind::Expression(Box::new(expression))),
    ]))));
    let sources = access.sources();
    let texts: Vec<_> =
        sources.iter().map(|source| (source.document(), source.pointer())).collect();
    use crate::auth::identity::Document::{IdToken, Me, Token};
    assert_eq!(texts, [(IdToken, "/groups"), (Me, "/teams"), (Me, "/a/b"), (Token, "/c~1d")]);
    assert!(Access::Public.sources().is_empty());
}

/// Any rule over people and requests, without `not` over a step-up (the configuration has none).
fn any_rule() -> impl proptest::strategy::Strategy<Value = Rule> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(rule(Kind::Public)),
        Just(rule(Kind::SignedIn)),
        Just(rule(Kind::Method(vec![Method::GET]))),
        Just(rule(Kind::Method(vec![Method::PUT]))),
        Just(network("192.0.2.0/24")),
        Just(claim("user", &["42"], &[], &[])),
        Just(claim("user", &[], &[], &["42"])),
        Just(rule(Kind::Acr(vec![String::from("mfa")]))),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|rules| rule(Kind::All(rules))),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|rules| rule(Kind::Any(rules))),
            inner.prop_map(not),
        ]
    })
}

proptest::proptest! {
    #[test]
    fn whoever_needs_a_session_or_a_step_up_is_somebody_or_nobody(rule in any_rule()) {
        let (nobody, somebody) = (Scene::nobody(), Scene::somebody(&json!({})));
        proptest::prop_assert_ne!(nobody.judge(&rule), "step up");
        proptest::prop_assert_ne!(somebody.judge(&rule), "session");
        if nobody.judge(&rule) == "no" {
            // Whom no login could help, no login does help.
            proptest::prop_assert_ne!(somebody.judge(&rule), "yes", "{:?}", rule);
        }
    }
}
