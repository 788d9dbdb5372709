//! What becomes of a rule's answer, for every spelling of a path.

use std::time::Duration;

use super::*;
use crate::auth::Timestamp;
use crate::auth::access::{ClaimPlace, ClaimRule, Kind, Network, Rule, Text};
use crate::auth::claim_source::{ClaimSource, Word};
use crate::auth::facts::Person;
use crate::auth::host::Host;
use crate::auth::identity::Identity;
use crate::auth::route::{PathPattern, RouteTable};

fn rule(kind: Kind) -> Access {
    Access::Rule(Box::new(Rule::new(kind)))
}

fn network(text: &str) -> Rule {
    Rule::new(Kind::Network(vec![Network::parse(text).unwrap()]))
}

/// Of these groups, perhaps with the template's variable in their names.
fn group(text: &str) -> Rule {
    Rule {
        message: Some(format!("not in {text}")),
        kind: Kind::Claim(ClaimRule {
            place: ClaimPlace::Fixed(ClaimSource::Word(Word::Groups)),
            any: vec![Text::parse(text, &["team"]).unwrap()],
            all: Vec::new(),
            none: Vec::new(),
        }),
    }
}

/// What is decided for a visitor from 10.0.0.1, in words.
fn decide(table: &RouteTable, path: &str, groups: Option<&[&str]>) -> String {
    let identity = groups.map(|groups| Identity {
        groups: groups.iter().map(ToString::to_string).collect(),
        ..Identity::for_test("42")
    });
    let person = identity.as_ref().map(|identity| Person {
        identity,
        scopes: &[],
        authenticated: None,
        acr: None,
        provider: None,
    });
    let host = Host::parse("app.example.com").unwrap();
    let parsed = RequestPath::parse(path).unwrap();
    let facts = Facts {
        method: &http::Method::GET,
        host: &host,
        client: Some([10, 0, 0, 1].into()),
        now: Timestamp::from_unix(0),
        person,
    };
    let found = table.find(&host, &parsed, &http::Method::GET).unwrap();
    match judge(found, &parsed, &facts) {
        Ok(permit) => {
            permit.spend();
            String::from("passes")
        }
        Err(Denied::NoSession) => String::from("signs in"),
        Err(Denied::NotAllowed { message }) => message.unwrap_or("may not").to_owned(),
        Err(Denied::StepUp(wanted)) => format!("steps up {:?} {:?}", wanted.acr, wanted.max_age),
    }
}

#[test]
fn a_request_passes_by_rule_session_and_spelling() {
    let route = |path: &str, access| Route::for_test(PathPattern::prefix(path), access);
    let all = |rules: Vec<Rule>| rule(Kind::All(rules));
    let table = RouteTable::new(vec![
        route("/", Access::SignedIn),
        route("/public", Access::Public),
        route("/inside", rule(network("10.0.0.0/8").kind)),
        route("/outside", rule(network("192.0.2.0/24").kind)),
        route("/read", rule(Kind::Method(vec![http::Method::GET]))),
        route("/not", rule(Kind::Not(Box::new(network("192.0.2.0/24"))))),
        route("/any", rule(Kind::Any(vec![network("10.0.0.0/8"), Rule::new(Kind::SignedIn)]))),
        route("/both", all(vec![group("staff"), network("192.0.2.0/24")])),
        route("/staff", rule(group("staff").kind)),
    ]);
    for (path, anonymous, signed_in) in [
        ("/", "signs in", "passes"),
        ("/public", "passes", "passes"),
        ("/public/x", "passes", "passes"),
        ("/%70ublic", "passes", "passes"),
        ("//public", "signs in", "passes"),
        ("/public/a%2fb", "signs in", "passes"),
        ("/public/%23", "signs in", "passes"),
        ("/public;x", "signs in", "passes"),
        ("/publicity", "signs in", "passes"),
        ("/inside", "passes", "passes"),
        ("//inside", "signs in", "passes"),
        ("/inside/a%2fb", "signs in", "passes"),
        ("/inside;x", "signs in", "passes"),
        ("/read", "passes", "passes"),
        ("/read//x", "signs in", "passes"),
        ("/not", "passes", "passes"),
        ("/not/%25", "signs in", "passes"),
        ("/any", "passes", "passes"),
        ("//any", "signs in", "passes"),
        ("/outside", "may not", "may not"),
        ("//outside", "may not", "may not"),
        ("/both", "may not", "may not"),
        ("/staff", "signs in", "passes"),
    ] {
        assert_eq!(decide(&table, path, None), anonymous, "C-43: {path}");
        assert_eq!(decide(&table, path, Some(&["staff"])), signed_in, "{path}");
    }
    assert_eq!(decide(&table, "/staff", Some(&["guests"])), "may not");
}

#[test]
fn c42_both_rules_of_a_path_with_parameters_count_each_with_its_own_template() {
    let template = |text| PathPattern::template(text).unwrap();
    let table = RouteTable::new(vec![
        Route::for_test(template("/teams/{team}/*"), Access::Rule(Box::new(group("{team}")))),
        Route::for_test(PathPattern::Exact("/teams/red;x/odd".into()), Access::Public),
        Route::for_test(
            PathPattern::Exact("/teams/red;y/odd".into()),
            rule(network("192.0.2.0/24").kind),
        ),
    ]);
    for (path, groups, decided) in [
        ("/teams/red/x", &["red"][..], "passes"),
        ("/teams/red/x", &["blue"], "not in {team}"),
        ("/teams/red/x;p", &["red"], "passes"),
        // Without its parameters the team is red, with them it is another.
        ("/teams/red;v/x", &["red"], "not in {team}"),
        ("/teams/red;v/x", &["red;v"], "not in {team}"),
        ("/teams/red;v/x", &["red", "red;v"], "passes"),
        ("/teams/red;x/odd", &["blue"], "not in {team}"),
        ("/teams/red;x/odd", &["red"], "passes"),
        ("/teams/red;y/odd", &["red"], "may not"),
        ("/teams/a%2Fb/x", &["a/b", "a%2Fb"], "not in {team}"),
    ] {
        assert_eq!(decide(&table, path, Some(groups)), decided, "{path} {groups:?}");
    }
    assert_eq!(decide(&table, "/teams/red;x/odd", None), "signs in");
    assert_eq!(decide(&table, "/teams/red;y/odd", None), "may not", "no login could help");
}

#[test]
fn a_step_up_is_offered_only_where_it_could_help() {
    let acr = || Rule::new(Kind::Acr(vec![String::from("mfa")]));
    let age = |seconds| Rule::new(Kind::MaxAge(Duration::from_secs(seconds)));
    let all = |rules| rule(Kind::All(rules));
    let any = |rules| rule(Kind::Any(rules));
    for (access, decided) in [
        (all(vec![acr(), age(60), age(30)]), "steps up [\"mfa\"] Some(30s)"),
        (all(vec![acr(), group("staff")]), "steps up [\"mfa\"] None"),
        (all(vec![acr(), group("admin")]), "not in admin"),
        (any(vec![acr(), group("admin")]), "steps up [\"mfa\"] None"),
        (any(vec![acr(), group("staff")]), "passes"),
        (any(vec![age(60), acr()]), "steps up [] Some(60s)"),
    ] {
        let table = RouteTable::new(vec![Route::for_test(PathPattern::prefix("/"), access)]);
        assert_eq!(decide(&table, "/", Some(&["staff"])), decided);
        assert_eq!(decide(&table, "/", None), "signs in");
    }
}

#[test]
fn where_nobody_tells_the_path_every_route_must_let_it_pass() {
    let route = |access: Access| Route {
        rests_on_method: access.reads_method(),
        ..Route::for_test(PathPattern::Prefix(String::new()), access)
    };
    let admins = || rule(group("admin").kind);
    let reads = || rule(Kind::Method(vec![http::Method::GET]));
    for (routes, groups, decided) in [
        (vec![], Some(&[][..]), "denied"),
        (vec![Access::Public], None, "session"),
        (vec![Access::Public], Some(&[]), "permit"),
        (vec![Access::Public, Access::SignedIn], Some(&[]), "permit"),
        (vec![Access::Public, admins()], Some(&[]), "denied"),
        (vec![Access::Public, admins()], Some(&["admin"]), "permit"),
        (vec![Access::SignedIn, reads()], Some(&["admin"]), "denied"),
    ] {
        let routes: Vec<Route> = routes.into_iter().map(route).collect();
        let identity = groups.map(|groups: &[&str]| Identity {
            groups: groups.iter().map(ToString::to_string).collect(),
            ..Identity::for_test("42")
        });
        let person = identity.as_ref().map(|identity| Person {
            identity,
            scopes: &[],
            authenticated: None,
            acr: None,
            provider: None,
        });
        let facts = Facts {
            method: &http::Method::GET,
            host: &Host::parse("app.example.com").unwrap(),
            client: None,
            now: Timestamp::from_unix(0),
            person,
        };
        let judged = judge_anywhere(&routes.iter().collect::<Vec<_>>(), &facts).map(Permit::spend);
        let said = match judged {
            Ok(()) => "permit",
            Err(Denied::NoSession) => "session",
            Err(_) => "denied",
        };
        assert_eq!(said, decided, "{routes:?} {groups:?}");
    }
}
