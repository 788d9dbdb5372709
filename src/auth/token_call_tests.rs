use super::*;
use crate::auth::provider::testing::provider;

fn answer(status: u16, body: &str) -> Response<Bytes> {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(Bytes::from(body.to_owned())).unwrap()
}

fn read(status: u16, body: &str) -> Result<Tokens, TokenFailure> {
    let manner = provider().settings.token;
    let granted = read_tokens(&answer(status, body), &manner, Timestamp::from_unix(1000));
    granted.map(|granted| granted.tokens)
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
        (
            200,
            r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#,
            Unreadable("the answer says a member twice"),
        ),
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
        use base64::Engine as _;
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
        ("a", "3600.5", 300),
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
fn c96_and_c92_what_is_missing_or_mislabelled_counts_only_where_that_is_said() {
    let strict = provider().settings.token;
    let lenient = TokenManner { type_optional: true, any_content_type: true, ..strict };
    let read = |manner: &TokenManner, kind: &str, body: &str| {
        let mut answer = answer(200, body);
        answer.headers_mut().insert("content-type", kind.parse().unwrap());
        read_tokens(&answer, manner, Timestamp::from_unix(1000)).is_ok()
    };
    let (typed, bare, dpop) = (
        r#"{"access_token":"a","token_type":"bEARER"}"#,
        r#"{"access_token":"a"}"#,
        r#"{"access_token":"a","token_type":"DPoP"}"#,
    );
    for (kind, body, strictly, leniently) in [
        ("application/json", typed, true, true),
        ("application/json; charset=utf-8", typed, true, true),
        ("Application/JSON", typed, true, true),
        ("application/x+json", typed, true, true),
        ("text/html", typed, false, true),
        ("application/jsonp", typed, false, true),
        ("application/json", bare, false, true),
        ("application/json", dpop, false, false),
        ("application/json", r#"{"access_token":"a","token_type":null}"#, false, false),
    ] {
        assert_eq!(read(&strict, kind, body), strictly, "{kind} {body}");
        assert_eq!(read(&lenient, kind, body), leniently, "{kind} {body}");
    }
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
