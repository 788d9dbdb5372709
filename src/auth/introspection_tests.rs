use super::*;
use crate::auth::bearer::Issuer;
use serde_json::json;
use std::time::Duration;

const NOW: u64 = 1_000_000;

fn rules() -> BearerRules {
    BearerRules {
        issuer: Issuer::Is(String::from("https://id.example")),
        user: Vec::new(),
        only_at_jwt: false,
        audience: Vec::new(),
        algorithms: Vec::new(),
        scopes: Vec::new(),
        clients: Vec::new(),
        introspection: true,
        cache: Duration::from_secs(60),
    }
}

fn read(status: u16, body: &str, rules: &BearerRules) -> Result<Accepted, BadBearer> {
    let answer = Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
    read_introspection(&answer, rules, Timestamp::from_unix(NOW))
}

fn ends(body: &Value, rules: &BearerRules) -> Result<u64, BadBearer> {
    read(200, &body.to_string(), rules).map(|accepted| accepted.expires.as_unix())
}

fn unfit(name: &'static str) -> Result<u64, BadBearer> {
    Err(BadBearer::from(BadClaim::Unfit(name)))
}

fn mistyped(name: &'static str) -> Result<u64, BadBearer> {
    Err(BadBearer::from(BadClaim::Type(name)))
}

#[test]
fn c92_what_is_no_answer_says_nothing_of_the_token() {
    let status = BadBearer::Unavailable("the status of the answer is not 200");
    let no_json = BadBearer::Unavailable("the answer is no JSON");
    for (code, body, wrong) in [
        (500, r#"{"active":true}"#, &status),
        (401, r#"{"active":true}"#, &status),
        (302, r#"{"active":true}"#, &status),
        (201, r#"{"active":true}"#, &status),
        (204, "", &status),
        (200, "", &no_json),
        (200, "<html>", &no_json),
        (200, r#"{"active":true"#, &no_json),
        (200, "\u{feff}{\"active\":true}", &no_json),
        (200, r#"[{"active":true}]"#, &BadBearer::Unavailable("the answer is no JSON object")),
        (200, "true", &BadBearer::Unavailable("the answer is no JSON object")),
        (
            200,
            r#"{"active":false,"active":true}"#,
            &BadBearer::Unavailable("the answer says a member twice"),
        ),
    ] {
        assert_eq!(read(code, body, &rules()).as_ref(), Err(wrong), "{code} {body}");
    }
}

#[test]
fn s11_only_the_boolean_true_is_active() {
    for body in [
        json!({"active": false}),
        json!({"active": "true"}),
        json!({"active": 1}),
        json!({"active": [true]}),
        json!({"active": null}),
        json!({"Active": true}),
        json!({"sub": "42", "exp": NOW + 300}),
        json!({}),
    ] {
        assert_eq!(ends(&body, &rules()), Err(BadBearer::from(Refusal::Inactive)), "{body}");
    }
    let told = json!({"active": true, "token_type": "Bearer", "sub": "42", "scope": "a b"});
    let accepted = read(200, &told.to_string(), &rules()).unwrap();
    assert_eq!(accepted, Accepted { claims: told, expires: Timestamp::from_unix(NOW + 60) });
}

#[test]
fn c85_what_the_answer_says_must_fit() {
    let list = |item: &str| vec![item.to_owned()];
    let any_issuer = BearerRules { issuer: Issuer::Any, ..rules() };
    let unnamed = BearerRules { issuer: Issuer::Unnamed, ..rules() };
    let audience = BearerRules { audience: list("api"), ..rules() };
    let clients = BearerRules { clients: list("a"), ..rules() };
    let kind = || Err(BadBearer::from(Refusal::Kind));
    for (told, rules, judged) in [
        (json!({"exp": NOW + 10}), &rules(), Ok(NOW + 10)),
        (json!({"exp": 1_000_300.5}), &rules(), Ok(NOW + 300)),
        (json!({"exp": NOW - 60}), &rules(), Err(BadBearer::from(BadClaim::Expired))),
        (json!({"exp": "never"}), &rules(), mistyped("exp")),
        (json!({"exp": null}), &rules(), mistyped("exp")),
        (json!({"nbf": NOW + 61}), &rules(), Err(BadBearer::from(BadClaim::Ahead("nbf")))),
        (json!({"iss": "https://id.example"}), &rules(), Ok(NOW + 60)),
        (json!({"iss": "https://other.example"}), &rules(), unfit("iss")),
        (json!({"iss": "https://other.example"}), &any_issuer, Ok(NOW + 60)),
        (json!({"iss": "https://other.example"}), &unnamed, unfit("iss")),
        (json!({}), &unnamed, Ok(NOW + 60)),
        (json!({"iss": 7}), &any_issuer, mistyped("iss")),
        (json!({"aud": 7}), &rules(), mistyped("aud")),
        (json!({"aud": "other"}), &rules(), Ok(NOW + 60)),
        (json!({"aud": ["other", "api"]}), &audience, Ok(NOW + 60)),
        (json!({"aud": "other"}), &audience, unfit("aud")),
        (json!({}), &audience, unfit("aud")),
        (json!({"client_id": "a"}), &clients, Ok(NOW + 60)),
        (json!({"client_id": "b"}), &clients, unfit("azp")),
        (json!({}), &clients, Err(BadBearer::from(BadClaim::Missing("azp")))),
        (json!({"token_type": "bearer"}), &rules(), Ok(NOW + 60)),
        (json!({"token_type": "DPoP"}), &rules(), kind()),
        (json!({"token_type": "refresh_token"}), &rules(), kind()),
        (json!({"token_type": null}), &rules(), mistyped("token_type")),
        (json!({"token_use": "refresh_token"}), &rules(), kind()),
        (json!({"typ": "Refresh"}), &rules(), kind()),
        (json!({"typ": "Bearer"}), &rules(), Ok(NOW + 60)),
        (json!({"cnf": {"jkt": "x"}}), &rules(), Err(BadBearer::from(Refusal::Bound))),
    ] {
        let mut body = json!({"active": true, "token_type": "Bearer"});
        body.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        assert_eq!(ends(&body, rules), judged, "{told}");
    }
}

#[test]
fn c88_what_names_neither_its_kind_nor_whom_it_is_for_may_be_a_refresh_token() {
    let audience = BearerRules { audience: vec![String::from("api")], ..rules() };
    for (told, rules, holds) in [
        (json!({"active": true}), &rules(), false),
        (json!({"active": true, "token_type": "Bearer"}), &rules(), true),
        (json!({"active": true, "token_use": "access_token"}), &rules(), true),
        (json!({"active": true, "token_use": "refresh_token"}), &rules(), false),
        (json!({"active": true, "aud": "api"}), &audience, true),
    ] {
        assert_eq!(ends(&told, rules).is_ok(), holds, "{told}");
    }
}

#[test]
fn a_lack_of_scope_is_told_apart() {
    let rules = BearerRules { scopes: vec![String::from("a"), String::from("b")], ..rules() };
    let lacking = Err(BadBearer::InsufficientScope { needed: String::from("a b") });
    for (scope, judged) in [
        (json!("b a"), Ok(NOW + 60)),
        (json!("a"), lacking.clone()),
        (json!(""), lacking),
        (json!(7), mistyped("scope")),
    ] {
        assert_eq!(
            ends(&json!({"active": true, "token_type": "Bearer", "scope": scope}), &rules),
            judged,
            "{scope}"
        );
    }
}
