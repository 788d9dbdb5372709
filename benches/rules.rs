//! Prints what access rules cost: a thousand expressions to load, and rules to judge.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use askara_gate::auth::Timestamp;
use askara_gate::auth::access::{Access, ClaimPlace, ClaimRule, Kind, Rule, Text, Variables};
use askara_gate::auth::expression::Expression;
use askara_gate::auth::facts::{Facts, Person};
use askara_gate::auth::host::Host;
use askara_gate::auth::identity::{Documents, Identity, IdentitySources};
use askara_gate::auth::route::PathPattern;
use serde_json::json;

const EXPRESSIONS: usize = 1000;
const BATCHES: usize = 200;
const ROUNDS: u32 = 1000;

fn main() {
    let (before, begun) = (resident(), Instant::now());
    let expressions: Vec<Expression> = (0..EXPRESSIONS).map(expression).collect();
    let took = begun.elapsed();
    let each = (resident() - before) / EXPRESSIONS;
    println!("load {EXPRESSIONS} expressions: {took:.1?}, {each} bytes each");

    let claims = Access::Rule(Box::new(Rule::new(Kind::All(vec![
        claim("me:/organization/id", &["7", "8"], &[]),
        claim("me:/groups", &["team-{team}"], &["suspended"]),
        claim("email", &["ada@example.com"], &[]),
    ]))));
    let sources =
        claims.sources().into_iter().chain(expressions.iter().flat_map(Expression::sources));
    let me = json!({
        "id": "42", "email": "ada@example.com", "organization": { "id": 7 }, "roles": roles(20),
        "groups": ["staff", "team-red", "team-blue"],
    });
    let settings = IdentitySources {
        user: askara_gate::auth::identity::Source::parse("me:/id").into_iter().collect(),
        email: askara_gate::auth::identity::Source::parse("me:/email").into_iter().collect(),
        kept: sources.collect(),
        ..IdentitySources::default()
    };
    let identity = settings.read(&Documents { me: Some(me), ..Documents::default() }).unwrap();
    judge(&claims, &expressions, &identity);
}

fn judge(claims: &Access, expressions: &[Expression], identity: &Identity) {
    let (host, method) = (Host::parse("app.example.com").unwrap(), http::Method::GET);
    let pattern = PathPattern::template("/teams/{team}/*").unwrap();
    let variables = Variables { pattern: &pattern, path: "/teams/red/pages/1" };
    let person =
        Person { identity, scopes: &[], authenticated: None, acr: None, provider: Some("askara") };
    let nobody = Facts {
        method: &method,
        host: &host,
        client: Some([192, 0, 2, 1].into()),
        now: Timestamp::from_unix(1_800_000_000),
        person: None,
    };
    let facts = nobody.of(Some(person));
    each("three claim rules, nobody there", || {
        black_box(claims.judge(black_box(&nobody), &variables));
    });
    each("three claim rules, somebody", || {
        assert_eq!(
            claims.judge(black_box(&facts), &variables),
            askara_gate::auth::access::Outcome::True
        );
    });
    let mut turn = expressions.iter().cycle();
    each("one expression of a thousand, by turns", || {
        let expression = turn.next().unwrap();
        assert_eq!(expression.holds(black_box(&facts), &variables), Some(true));
    });
}

/// The quickest of many batches, so that what else runs on the machine doesn't count.
fn each(what: &str, mut call: impl FnMut()) {
    let batch = |_| {
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            call();
        }
        begun.elapsed() / ROUNDS
    };
    let quickest = (0..BATCHES).map(batch).min().unwrap_or_default();
    println!("judge {what}: {quickest:.0?}");
}

fn expression(number: usize) -> Expression {
    let source = match number % 4 {
        0 => format!("'role-7' in me.roles || 'role-{number}' in me.roles"),
        1 => format!("me.roles.exists(r, r == 'role-9' || r == 'x{number}')"),
        2 => format!(
            "me.organization.id == 7 && email.endsWith('@example.com') && user != 'x{number}'"
        ),
        _ => format!("request.variables.team == 'red' && request.path != '/{number}'"),
    };
    Expression::compile(&source, &["team"]).unwrap()
}

fn roles(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("role-{number}")).collect()
}

fn claim(source: &str, any: &[&str], none: &[&str]) -> Rule {
    let texts = |texts: &[&str]| {
        texts.iter().map(|text| Text::parse(text, &["team"]).unwrap()).collect::<Vec<_>>()
    };
    Rule::new(Kind::Claim(ClaimRule {
        place: ClaimPlace::parse(source, &["team"]).unwrap(),
        any: texts(any),
        all: Vec::new(),
        none: texts(none),
    }))
}

/// Bytes of memory in use, as the system counts them.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
