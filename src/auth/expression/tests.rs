//! What expressions may say, what they cost, and that nothing that goes wrong in one permits.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value as Json, json};

use super::*;
use crate::auth::Timestamp;
use crate::auth::facts::Person;
use crate::auth::host::Host;
use crate::auth::identity::{Document, Identity};
use crate::auth::kept::Claims;
use crate::auth::route::PathPattern;

const VARIABLES: &[&str] = &["team"];

fn compile(source: &str) -> Expression {
    Expression::compile(source, VARIABLES).unwrap_or_else(|faults| panic!("{source}: {faults:?}"))
}

fn told(source: &str) -> String {
    let faults = Expression::compile(source, VARIABLES).expect_err(source);
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Claims as a session keeps them.
fn claims(token: &Json, me: &Json) -> Claims {
    Claims::for_test(token.clone(), me.clone())
}

fn identity(token: &Json, me: &Json) -> Identity {
    Identity {
        email: Some(String::from("a@example.com")),
        groups: vec![String::from("staff"), String::from("ops")],
        claims: claims(token, me),
        ..Identity::for_test("42")
    }
}

fn holds(expression: &Expression, identity: Option<&Identity>) -> Option<bool> {
    let (host, method) = (Host::parse("app.example.com").unwrap(), Method::GET);
    let pattern = PathPattern::template("/teams/{team}/*").unwrap();
    let scopes = [String::from("read")];
    let person = identity.map(|identity| Person {
        identity,
        scopes: &scopes,
        authenticated: None,
        acr: None,
        provider: Some("staff"),
    });
    let facts = Facts {
        method: &method,
        host: &host,
        client: Some("::ffff:10.1.2.3".parse().unwrap()),
        now: Timestamp::from_unix(0),
        person,
    };
    expression.holds(&facts, &Variables { pattern: &pattern, path: "/teams/red/x" })
}

#[test]
fn an_expression_looks_at_the_person_and_the_request() {
    let token = json!({"roles": ["admin", "dev"], "n": 7, "big": u64::MAX, "f": 1.5});
    let me = json!({
        "organization": {"id": 42, "name": "x", "null": null},
        "teams": [{"name": "red", "role": "lead"}, {"name": "blue", "role": "guest"}],
        "a/b": "odd",
    });
    let identity = identity(&token, &me);
    for (source, answer) in [
        ("'admin' in token.roles", Some(true)),
        ("token['roles'][1] == 'dev'", Some(true)),
        ("token.roles[2] == 'dev'", None),
        ("size(token.roles) == 2 && token.n > 6 && token.f < 2.0", Some(true)),
        ("token.big > 1", Some(true)),
        ("me.organization.id == 42", Some(true)),
        ("me.organization.id == '42'", Some(false)),
        ("string(me.organization.id) == '42'", Some(true)),
        ("me.organization['null'] == null", Some(true)),
        ("me['a/b'] == 'odd' && has(me.`a/b`) && me.`a/b` == 'odd'", Some(true)),
        ("has(me.organization.id) && !has(me.organization.none)", Some(true)),
        ("has(me.none)", Some(false)),
        ("has(me.none.deeper)", None),
        ("me.teams.exists(t, t.name == request.variables.team && t.role == 'lead')", Some(true)),
        ("me.teams.all(t, t.role == 'lead')", Some(false)),
        ("me.teams.exists_one(t, t.role == 'lead')", Some(true)),
        ("size(me.teams.filter(t, t.role == 'lead').map(t, t.name)) == 1", Some(true)),
        ("me.teams.map(t, t.role == 'lead', t.name) == ['red']", Some(true)),
        ("user == '42' && provider == 'staff' && 'ops' in groups", Some(true)),
        ("email.endsWith('@example.com')", Some(true)),
        ("email.matches('^[a-z]+@example[.]com$')", Some(true)),
        ("matches(email, '^b')", Some(false)),
        ("['a', 'b'].exists(x, x.matches('^a$')) && !'c'.matches('^a$')", Some(true)),
        ("organization == 'x'", None),
        ("!(organization == 'x')", None),
        ("organization == 'x' || user == '42'", Some(true)),
        ("'read' in scopes", Some(true)),
        ("request.method == 'GET' && request.host == 'app.example.com'", Some(true)),
        ("request.path.startsWith('/teams/') && request.ip == '10.1.2.3'", Some(true)),
        ("user == '42' ? token.n == 7 : false", Some(true)),
        ("{'red': 1}[request.variables.team] == 1", Some(true)),
        ("token.n / 0 == 1", None),
        ("9223372036854775807 + token.n > 0", None),
        ("token.n", None),
        ("token.n ? true : false", None),
        ("id.none == 1", None),
        ("token.roles.n == 1", None),
        ("string(token.roles) == ''", None),
    ] {
        assert_eq!(holds(&compile(source), Some(&identity)), answer, "{source}");
    }
}

#[test]
fn whether_a_person_is_needed_is_read_from_the_expression() {
    for (source, needed) in [
        ("request.method == 'GET'", false),
        ("request.variables.team == 'red' && ['a'].exists(x, x == 'a')", false),
        ("user == 'a'", true),
        ("request.method == 'GET' || has(token.a)", true),
        ("scopes == []", true),
    ] {
        let expression = compile(source);
        assert_eq!(expression.is_about_person(), needed, "{source}");
        if !needed {
            assert!(holds(&expression, None).is_some(), "{source}");
        }
    }
}

#[test]
fn only_the_members_that_are_named_are_kept() {
    let kept = |source: &str| {
        let text = |source: Source| {
            let document = match source.document() {
                Document::IdToken => "id",
                Document::Me => "me",
                Document::Token => "token",
            };
            format!("{document}:{}", source.pointer())
        };
        compile(source).sources().into_iter().map(text).collect::<Vec<_>>().join(" ")
    };
    for (source, sources) in [
        ("me.organization.id == 1", "me:/organization/id"),
        ("token['a/b']['c~d'] == 1", "token:/a~1b/c~0d"),
        ("token.roles[0].name == 'x'", "token:/roles"),
        ("me.a[user] == 'x'", "me:/a"),
        ("has(me.a.b) && id.c.size() == 0", "id:/c me:/a/b"),
        ("me.a.b == 1 && me.a == 2", "me:/a"),
        ("['x'].exists(x, x == me.y) && me.l.exists(e, e.z == 1)", "me:/l me:/y"),
        ("user == 'x' && request.path == '/'", ""),
    ] {
        assert_eq!(kept(source), sources, "{source}");
    }
}

#[test]
fn what_is_wrong_is_told_with_line_and_column() {
    for (source, wanted) in [
        ("me == 1", "line 1, column 1: name the member, such as me.organization.id"),
        ("me.a == 1 &&\n  size(me) > 0", "line 2, column 8: name the member"),
        ("'é' == user && token[user] == 1", "line 1, column 21: name the member"),
        ("request == 1", "line 1, column 1: name a member of it"),
        ("request.body == ''", "request has no \"body\""),
        ("request.variables == 1", "name the variable"),
        ("request.variables.other == ''", "no variable \"other\""),
        ("usr == 'x'", "line 1, column 1: there is no \"usr\"; there are token"),
        ("user == 'x' && foo(user)", "there is no function \"foo\""),
        ("user.foo()", "there is no function \"foo\""),
        ("optional.of(user)", "there is no"),
        ("user.matches(email)", "write the regular expression of matches out"),
        ("user.matches('(')", "unclosed group"),
        ("user.matches('(a{1000}){1000}')", "too large"),
        ("user ==", "line 1, column 8: "),
        ("user == 'x", "line 1, column 9: unterminated string literal"),
        ("user == 'x' user", "line 1, column 13: "),
        ("", "line 1, column 1: "),
        ("'a' + 'b'", "gives neither true nor false"),
        ("groups.map(g, g)", "gives neither true nor false"),
        ("'text'", "gives neither true nor false"),
        ("groups.exists(user, user == 'x')", "\"user\" is the name of something else"),
        ("groups.x == 1", "has no members"),
        ("Message{a: 1} == 1", "is not supported"),
        (".me.a == 1", "there is no \".me\""),
        ("\u{e9} == 1", "unexpected character"),
    ] {
        let told = told(source);
        assert!(told.contains(wanted), "{source}: {told}");
    }
    let two = told("usr == 'x' &&\n grups == 'y'");
    assert_eq!(two.lines().count(), 2, "{two}");
    assert!(two.contains("line 2, column 2: there is no \"grups\""), "{two}");
}

#[test]
fn what_would_cost_too_much_is_refused() {
    let long = "a".repeat(3000);
    let doubling = ".map(x, x + x)".repeat(25);
    let wide = format!("user in [{}]", vec!["1"; 257].join(","));
    let deep = format!("{}user == 'x'{}", "!(".repeat(40), ")".repeat(40));
    let sum = format!("{} == 1", vec!["1"; 50].join(" + "));
    let chain = format!("me{} == 1", ".a".repeat(40));
    for (source, wanted) in [
        (format!("user == '{long}'"), "longer than 2048 bytes"),
        (format!("size(['aaaaaaaa']{doubling}) > 0"), "costs too much"),
        ("me.a.exists(x, me.b.exists(y, me.c.exists(z, x == z)))".into(), "within lists within"),
        ("size(me.a.map(x, me.a.map(y, me.a))) > size(me.a.map(x, me.a.map(y, me.a + me.a + me.a + me.a + me.a + me.a + me.a)))".into(), "costs too much"),
        (wide, "more than 256 members"),
        (deep, "recursion limit"),
        (sum, "deep"),
        (chain, "deep"),
    ] {
        let told = told(&source);
        assert!(told.contains(wanted), "{source}: {told}");
    }
}

#[test]
fn c81_nothing_that_an_operator_writes_breaks_the_process() {
    let many = |text: &str| text.repeat(2048 / text.len());
    for unit in [
        "(",
        "[",
        "{",
        "!",
        "-",
        "a.",
        "a[",
        "a(",
        "a?",
        "a:",
        "a?b:",
        "a&&",
        "a+",
        "'",
        "`",
        "\"\"\"",
        "r'",
        "\\",
        "//",
        "é",
        "{a:",
        "A{",
        "has(",
        "[].all(a,",
        "0x",
        "1e",
        "\u{0}",
    ] {
        let _ = Expression::compile(&many(unit), VARIABLES);
        let _ = Expression::compile(&format!("{}user", many(unit)[..1024].trim_end()), VARIABLES);
    }
}

#[test]
fn an_expression_is_judged_in_bounded_time_whatever_the_claims() {
    let texts = |count: usize, length: usize| -> Vec<String> {
        (0..count).map(|number| format!("{number:0length$}")).collect()
    };
    let nested: Vec<_> = (0..1000).map(|_| texts(8, 1)).collect();
    let worst = [
        json!({"a": texts(1000, 8), "b": texts(1000, 8)}),
        json!({"a": texts(1000, 60_000)[..20], "b": texts(1000, 8)}),
        json!({"a": nested, "b": nested}),
        json!({"a": texts(1001, 8), "b": texts(5, 8)}),
        json!({"a": {"a": texts(1000, 8), "b": texts(1000, 8)}, "b": texts(1000, 8)}),
        json!({"a": texts(200, 8), "b": texts(200, 8)}),
    ];
    let expressions: Vec<_> = [
        "me.a.exists(x, me.b.exists(y, x == y + 'z'))",
        "me.a.all(x, me.b.all(y, x != y + 'z'))",
        "size(me.a.map(x, me.b)) == 0",
        "size(me.a.map(x, me.b.map(y, x))) == 0",
        "size(me.a + me.a + me.a + me.a + me.a + me.b) == 0",
        "me.a.exists(x, string(x).matches('^(a|b|c)*(.*)*$x'))",
        "me.a == me.b",
        "me.a.exists(x, x in me.b)",
        "me.a.filter(x, x != 'a').filter(x, x != 'b').filter(x, x != 'c') == me.a",
    ]
    .into_iter()
    .map(compile)
    .collect();
    let mut judged = 0;
    for me in &worst {
        let identity = identity(&Json::Null, me);
        for expression in &expressions {
            let begun = Instant::now();
            let answer = holds(expression, Some(&identity));
            let took = begun.elapsed();
            judged += usize::from(answer.is_some());
            assert!(took < Duration::from_secs(2), "{took:?} {expression:?}");
        }
    }
    assert!(judged > 7, "some of them are within the budget: {judged}");
}

#[test]
fn what_is_within_the_budget_is_judged() {
    let list: Vec<_> = (0..1000).map(|number| format!("group-{number}")).collect();
    let token = json!({"roles": list, "some": list[500..], "few": list[900..980]});
    let identity = identity(&token, &Json::Null);
    for source in [
        "'group-999' in token.roles",
        "token.roles.exists(r, r == 'group-999')",
        "token.roles.exists(r, r.startsWith('group-') && r.endsWith('-999'))",
        "size(token.roles.filter(r, r.matches('^group-99[0-9]$'))) == 10",
        "token.some.all(x, x in token.some)",
        "token.few.exists(x, token.few.exists(y, x + y == 'group-979group-978'))",
    ] {
        assert_eq!(holds(&compile(source), Some(&identity)), Some(true), "{source}");
    }
}

#[test]
fn the_cost_of_a_list_that_is_too_long_denies() {
    let list = vec!["x"; 1001];
    let identity = identity(&json!({"roles": list}), &Json::Null);
    assert_eq!(holds(&compile("'x' in token.roles"), Some(&identity)), None);
    assert_eq!(holds(&compile("!('y' in token.roles)"), Some(&identity)), None);
}

#[test]
fn what_is_odd_is_warned_of() {
    for (source, warnings) in [
        ("user.matches('^a$')", 0),
        ("user.matches('a')", 1),
        ("1 == 1", 1),
        ("request.path == '/x'", 0),
    ] {
        assert_eq!(compile(source).warnings().len(), warnings, "{source}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(source in "[a-z0-9 .()\\[\\]{}!&|?:'\"<>=+*/%,-]{0,60}") {
        let _ = Expression::compile(&source, VARIABLES);
    }

    #[test]
    fn no_expression_panics_on_any_claim(
        pieces in proptest::collection::vec(0..PIECES.len(), 1..8),
        operators in proptest::collection::vec(0..OPERATORS.len(), 8),
        claim in 0..6_usize,
    ) {
        let mut source = String::new();
        for (at, piece) in pieces.iter().enumerate() {
            if at > 0 {
                source.push_str(OPERATORS[operators[at]]);
            }
            source.push_str(PIECES[*piece]);
        }
        if let Ok(expression) = Expression::compile(&source, VARIABLES) {
            let claim = [json!(1), json!("é"), json!([1, "a", null]), json!({"b": -1.5}), json!(i64::MIN), json!(null)][claim].clone();
            let identity = identity(&json!({"a": &claim}), &json!({"a": {"b": claim}}));
            let _ = holds(&expression, Some(&identity));
        }
    }
}

const PIECES: &[&str] = &[
    "token.a",
    "me.a.b",
    "user",
    "groups",
    "1",
    "-1",
    "0",
    "9223372036854775807",
    "1.5",
    "2u",
    "'a'",
    "null",
    "true",
    "[1, 'a']",
    "{'a': 1}",
    "size(token.a)",
    "string(me.a.b)",
    "int(token.a)",
    "uint(token.a)",
    "double(me.a.b)",
    "token.a[0]",
    "me.a.b['b']",
    "groups.map(g, g + 'x')",
    "has(me.a.b)",
    "groups.exists(g, g == token.a)",
    "-token.a",
    "!token.a",
    "user.contains('4')",
    "bool(token.a)",
    "(user == 'x' ? token.a : me.a.b)",
];
const OPERATORS: &[&str] =
    &[" == ", " != ", " + ", " - ", " * ", " / ", " % ", " < ", " >= ", " && ", " || ", " in "];
