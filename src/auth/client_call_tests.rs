use super::*;
use crate::auth::provider::Settings;
use crate::auth::provider::testing::{of, settings};
use crate::auth::testing::Counting;

fn secret() -> Secret<String> {
    Secret::new(String::from("se:cr%t"))
}

fn with(auth: ClientAuth, body: TokenBody) -> Provider {
    let mut settings = settings();
    settings.client_id = String::from("cli ent");
    settings.client_auth = auth.into();
    settings.token.body = body;
    of(settings)
}

/// The content type, the Authorization field and the members of a call's body.
fn told(request: &Request<Bytes>) -> (String, Option<String>, Vec<(String, String)>) {
    let field = |name: &str| request.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
    let kind = field("content-type").unwrap();
    let members = match kind.as_str() {
        "application/json" => {
            let object: serde_json::Map<String, Value> =
                serde_json::from_slice(request.body()).unwrap();
            object
                .into_iter()
                .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
                .collect()
        }
        _ => form_urlencoded::parse(request.body()).into_owned().collect(),
    };
    (kind, field("authorization"), members)
}

fn refresh(provider: &Provider) -> Request<Bytes> {
    let moment = Moment { now: Timestamp::from_unix(1000), entropy: &mut Counting(1) };
    refresh_request(provider, &Secret::new(String::from("r&t")), moment)
}

#[test]
fn s3_the_client_proves_itself_in_exactly_one_way() {
    let grant = [("grant_type", "refresh_token"), ("refresh_token", "r&t")];
    let basic = format!("Basic {}", STANDARD.encode("cli+ent:se%3Acr%25t"));
    for (auth, field, more) in [
        (ClientAuth::Basic(secret()), Some(basic), vec![]),
        (
            ClientAuth::Body(secret()),
            None,
            vec![("client_id", "cli ent"), ("client_secret", "se:cr%t")],
        ),
        (ClientAuth::None, None, vec![("client_id", "cli ent")]),
        (ClientAuth::Mtls, None, vec![("client_id", "cli ent")]),
    ] {
        for (body, kind) in [
            (TokenBody::Form, "application/x-www-form-urlencoded"),
            (TokenBody::Json, "application/json"),
        ] {
            let auth = match &auth {
                ClientAuth::Basic(_) => ClientAuth::Basic(secret()),
                ClientAuth::Body(_) => ClientAuth::Body(secret()),
                ClientAuth::Mtls => ClientAuth::Mtls,
                _ => ClientAuth::None,
            };
            let (told_kind, told_field, mut members) = told(&refresh(&with(auth, body)));
            assert_eq!((told_kind.as_str(), &told_field), (kind, &field));
            let mut all: Vec<_> = grant.iter().chain(&more).copied().collect();
            all.sort_unstable();
            members.sort_unstable();
            let members: Vec<_> = members.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            assert_eq!(members, all);
        }
    }
}

#[test]
fn s16_a_pushed_request_says_everything_once_and_is_read_whole() {
    let pushing = |settings: &mut Settings| {
        settings.said.pushed_authorization = Some(String::from("http://127.0.0.1:1/par"));
        settings.authorization.pushed = crate::auth::provider::Pushed::Always;
    };
    let mut parameters = Parameters::default();
    parameters.set("client_id", "client");
    parameters.set("state", "s");
    for auth in [ClientAuth::Basic(secret()), ClientAuth::Body(secret()), ClientAuth::None] {
        let mut settings = settings();
        settings.client_auth = auth.into();
        pushing(&mut settings);
        let moment = Moment { now: Timestamp::from_unix(1000), entropy: &mut Counting(1) };
        let request = push_request(&of(settings), &parameters, moment).unwrap();
        assert_eq!(request.uri(), "http://127.0.0.1:1/par");
        let (kind, _, members) = told(&request);
        assert_eq!(kind, "application/x-www-form-urlencoded");
        assert_eq!(members.iter().filter(|(name, _)| name == "client_id").count(), 1);
    }
    let moment = Moment { now: Timestamp::from_unix(1000), entropy: &mut Counting(1) };
    assert!(push_request(&of(settings()), &parameters, moment).is_none());

    let manner = settings().token;
    let read = |status: u16, body: &'static str| {
        let answer = Response::builder().status(status).header("content-type", "application/json");
        let answer = answer.body(Bytes::from_static(body.as_bytes())).unwrap();
        read_pushed(&answer, &manner).map(|name| name.expose().clone())
    };
    assert_eq!(read(201, r#"{"request_uri":"urn:x","expires_in":60}"#).unwrap(), "urn:x");
    for (status, body) in [
        (400, r#"{"error":"invalid_request"}"#),
        (201, "{}"),
        (201, r#"{"request_uri":""}"#),
        (201, r#"{"request_uri":"a b"}"#),
        (302, ""),
        (503, r#"{"request_uri":"urn:x"}"#),
    ] {
        assert!(read(status, body).is_err(), "{status} {body}");
    }
}
