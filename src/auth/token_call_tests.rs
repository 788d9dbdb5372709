use super::*;
use crate::auth::provider::testing::provider;

fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap()
}

fn read(status: u16, body: &str) -> Result<Tokens, TokenFailure> {
    read_tokens(&answer(status, body), Timestamp::from_unix(1000))
}

#[test]
fn an_answer_is_read_whole_or_refused() {
    use TokenFailure::{Refused, Status, Unreadable};
    let refused = |error, status| Refused { error: ErrorCode::parse(error), status };
    for (status, body, failure) in [
        (400, r#"{"error":"invalid_grant"}"#, refused("invalid_grant", 400)),
        (401, r#"{"error":"invalid_client"}"#, refused("invalid_client", 401)),
        (200, r#"{"error":"invalid_grant"}"#, refused("invalid_grant", 200)),
        (400, r#"{"error":"<script>"}"#, refused("unknown_error", 400)),
        (400, r#"{"error":7}"#, refused("unknown_error", 400)),
        (503, r#"{"error":"invalid_grant"}"#, Status(503)),
        (429, "{}", Status(429)),
        (500, "<html>", Status(500)),
        (400, "<html>", Status(400)),
        (302, "", Status(302)),
        (404, "{}", Status(404)),
        (200, "<html>", Unreadable("the answer is no JSON")),
        (200, r#"{"access_token":"a""#, Unreadable("the answer is no JSON")),
        (200, "\u{feff}{}", Unreadable("the answer is no JSON")),
        (200, "[]", Unreadable("the answer is no JSON object")),
        (200, "{}", Unreadable("no access_token")),
        (200, r#"{"access_token":"","token_type":"Bearer"}"#, Unreadable("no access_token")),
        (200, r#"{"access_token":7,"token_type":"Bearer"}"#, Unreadable("no access_token")),
        (200, r#"{"access_token":"a"}"#, Unreadable("the token_type is not Bearer")),
        (
            200,
            r#"{"access_token":"a","token_type":"DPoP"}"#,
            Unreadable("the token_type is not Bearer"),
        ),
        (
            200,
            r#"{"access_token":"a\nb","token_type":"Bearer"}"#,
            Unreadable("the access_token can't stand in a header"),
        ),
    ] {
        assert_eq!(read(status, body).unwrap_err(), failure, "{status} {body}");
    }
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(read(200, &deep).is_err());
}

#[test]
fn c95_a_life_is_read_from_every_shape() {
    let payload = |exp: &str| {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        format!("e30.{}.AA", URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#)))
    };
    for (access, expires_in, life) in [
        ("a", "3600", 3600),
        ("a", r#""3600""#, 3600),
        ("a", "3600.0", 3600),
        ("a", "0", 5),
        ("a", "-1", 5),
        ("a", "1e12", 365 * 24 * 3600),
        ("a", "null", 300),
        ("a", r#""soon""#, 300),
        (&payload("1600.25"), "null", 600),
        (&payload("10"), "null", 5),
        (&payload(r#""never""#), "null", 300),
        (&payload("1600"), "60", 60),
    ] {
        let body = format!(
            r#"{{"access_token":"{access}","token_type":"bearer","expires_in":{expires_in}}}"#
        );
        let tokens = read(200, &body).unwrap();
        assert_eq!(tokens.expires.since(tokens.issued).as_secs(), life, "{access} {expires_in}");
    }
}

#[test]
fn the_call_is_written_as_the_provider_wants_it() {
    let mut provider = provider();
    let body = |provider: &Provider| {
        let request = refresh_request(provider, &Secret::new(String::from("r&t")));
        let kind = request.headers()["content-type"].to_str().unwrap().to_owned();
        let basic = request.headers().get("authorization").map(|v| v.to_str().unwrap().to_owned());
        (kind, basic, String::from_utf8(request.body().to_vec()).unwrap())
    };
    let (kind, basic, json) = body(&provider);
    assert_eq!((kind.as_str(), basic), ("application/json", None));
    let json: Value = serde_json::from_str(&json).unwrap();
    let object = serde_json::json!({
        "grant_type": "refresh_token", "refresh_token": "r&t",
        "client_id": "client", "client_secret": "se:cret"
    });
    assert_eq!(json, object);

    provider.token_body = TokenBody::Form;
    provider.client_auth = ClientAuth::Basic;
    let (kind, basic, form) = body(&provider);
    assert_eq!(kind, "application/x-www-form-urlencoded");
    assert_eq!(form, "grant_type=refresh_token&refresh_token=r%26t");
    assert_eq!(basic.unwrap(), format!("Basic {}", STANDARD.encode("client:se%3Acret")));
}

#[test]
fn userinfo_is_an_object_or_nothing() {
    assert_eq!(read_userinfo(&answer(200, r#"{"id":1}"#)).unwrap()["id"], 1);
    for (status, body, failure) in [
        (200, "[]", UserinfoFailure::NotAnObject),
        (200, r#""text""#, UserinfoFailure::NotAnObject),
        (200, "", UserinfoFailure::NotAnObject),
        (401, "{}", UserinfoFailure::Status(401)),
        (503, "", UserinfoFailure::Status(503)),
    ] {
        assert_eq!(read_userinfo(&answer(status, body)), Err(failure));
    }
}
