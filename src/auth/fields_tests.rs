use serde_json::json;

use super::*;
use crate::auth::identity::{Documents, IdentitySources};

fn identity() -> Identity {
    let sources = IdentitySources {
        user: vec![Source::parse("me:/id").unwrap()],
        kept: vec![Source::parse("token:/roles").unwrap(), Source::parse("me:/long").unwrap()],
        ..IdentitySources::default()
    };
    let me = json!({ "id": 42, "long": "x".repeat(4000) });
    let token = json!({ "roles": ["a", "b"] });
    sources.read(&Documents { token: Some(token), me: Some(me), id: None }).unwrap()
}

fn claim(text: &str, max_bytes: usize) -> Content {
    let source = ClaimSource::parse(text).unwrap();
    Content::Claim { source, format: Format::Plain, separator: Separator::default(), max_bytes }
}

fn rules(request: Vec<(&'static str, Content)>) -> FieldRules {
    let (mut rules, mut managed) = (FieldRules::default(), Managed::default());
    for (name, content) in request {
        let name = HeaderName::from_static(name);
        assert!(managed.add(&name));
        rules.request.push(RequestField { name, content });
    }
    FieldRules { managed: Arc::new(managed), ..rules }
}

fn text(text: &str) -> Content {
    Content::Text(Template::parse(text).unwrap())
}

fn shown(written: &Written) -> Vec<(&str, &str)> {
    written.fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect()
}

#[test]
fn each_field_is_said_at_its_time_and_only_then() {
    let rules = rules(vec![
        ("x-fixed", Content::Fixed(HeaderValue::from_static("f"))),
        ("x-roles", claim("token:/roles", 100)),
        ("x-none", claim("token:/none", 100)),
        ("x-user", text("u:{user}")),
        ("x-team", text("{path.team} {user}")),
        ("x-open", text("{path.team}")),
    ]);
    let (identity, token) = (identity(), HeaderValue::from_static("t"));
    let subject = Subject { identity: &identity, provider: "askara", access_token: &token };
    assert!(!rules.is_silent() && rules.tells_of_persons() && rules.tells_of_paths());
    assert_eq!(
        rules.fixed().collect::<Vec<_>>(),
        [(&HeaderName::from_static("x-fixed"), &HeaderValue::from_static("f"))]
    );
    assert_eq!(shown(&rules.of_person(subject)), [("x-roles", "a,b"), ("x-user", "u:42")]);
    let team = |name: &str| (name == "team").then_some("red");
    assert_eq!(
        shown(&rules.of_path(Some(subject), team)),
        [("x-team", "red 42"), ("x-open", "red")]
    );
    assert_eq!(shown(&rules.of_path(None, team)), [("x-open", "red")], "C-35");
    assert_eq!(rules.sources().len(), 2);
}

#[test]
fn what_is_too_long_is_left_out_and_never_cut() {
    let rules = rules(vec![
        ("x-exact", claim("me:/long", 4000)),
        ("x-over", claim("me:/long", 3999)),
        ("x-text", text("{me:/long}{me:/long}")),
        ("x-path", text("{path.a}{me:/long}{me:/long}")),
    ]);
    let (identity, token) = (identity(), HeaderValue::from_static("t"));
    let subject = Subject { identity: &identity, provider: "askara", access_token: &token };
    let written = rules.of_person(subject);
    assert_eq!(written.fields.len(), 1);
    assert_eq!(written.fields[0].1.len(), 4000);
    assert_eq!(written.too_long, ["x-over", "x-text"]);
    assert_eq!(rules.of_path(Some(subject), |_| Some("a")).too_long, ["x-path"]);
}

#[test]
fn an_answer_is_adjusted_and_nothing_else_of_it() {
    let mut rules = FieldRules::default();
    for (name, value) in [("server", None), ("x-frame-options", Some("DENY"))] {
        let name = HeaderName::from_static(name);
        rules.answer.push(AnswerField { name, value: value.map(HeaderValue::from_static) });
    }
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("server", "a"), ("server", "b"), ("x-frame-options", "SAMEORIGIN"), ("etag", "e")]
    {
        headers.append(name, HeaderValue::from_static(value));
    }
    rules.adjust_answer(&mut headers);
    assert_eq!(headers.len(), 2);
    assert_eq!(
        (&headers["x-frame-options"], &headers["etag"]),
        (&HeaderValue::from_static("DENY"), &HeaderValue::from_static("e"))
    );
    assert!(rules.is_silent());
}
