//! The signed assertion: what it says, who can verify it, and how its keys are shared and rotated.

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{DecodingKey, Validation, decode_header};
use serde_json::{Value, json};

use crate::harness::*;

const JWKS: &str = "/oauth2/jwks";

async fn key_set(gate: &Gate) -> Value {
    let answer = gate.send(ask("GET", JWKS)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The claims of an assertion, if one of the keys has signed it.
fn verified(keys: &Value, token: &str) -> Option<Value> {
    let header = decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("askara-assertion+jwt"));
    let set: JwkSet = serde_json::from_value(keys.clone()).unwrap();
    let jwk: &Jwk = set.find(header.kid.as_ref().unwrap())?;
    let mut rules = Validation::new(header.alg);
    rules.validate_aud = false;
    let key = DecodingKey::from_jwk(jwk).unwrap();
    let told = jsonwebtoken::decode::<Value>(token, &key, &rules);
    told.ok().map(|told| told.claims)
}

fn assertion(app: &App) -> String {
    app.last().header("x-askara-assertion").expect("an assertion").to_owned()
}

#[tokio::test]
async fn the_app_can_verify_who_it_is_told_of() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let claims = r#"{ mail = "email", roles = "token:/scopes", org = "me:/organization/id" }"#;
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/wiki", &app).with("name = \"the wiki\"").with("assertion = true"))
        .with_route(
            route("/api", &app)
                .with(&format!("assertion = {{ audience = \"api\", claims = {claims} }}")),
        )
        .with_route(route("/off", &app).with("assertion = false"))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let keys = key_set(&gate).await;

    visitor.fetch("/wiki/x").await;
    let first = assertion(&app);
    let told = verified(&keys, &first).expect("a good signature");
    let (iat, exp) = (told["iat"].as_u64().unwrap(), told["exp"].as_u64().unwrap());
    assert_eq!(exp - iat, 60);
    assert!(unix_now().abs_diff(iat) <= 5);
    assert!(told["jti"].as_str().unwrap().len() >= 32 && told["sid"].is_string());
    let dull = merged(told.clone(), &json!({ "iat": null, "exp": null, "jti": null, "sid": null }));
    let wanted = json!({ "iss": gate.base(), "aud": "the wiki", "sub": "42", "organization": "7" });
    assert_eq!(dull, wanted);

    visitor.fetch("/api").await;
    let other = verified(&keys, &assertion(&app)).unwrap();
    let of_api = merged(
        merged(wanted, &json!({ "aud": "api", "mail": "ada@example.com" })),
        &json!({ "roles": ["profile", "organization"], "org": 7 }),
    );
    let dull =
        merged(other.clone(), &json!({ "iat": null, "exp": null, "jti": null, "sid": null }));
    assert_eq!(dull, of_api);
    assert_eq!(other["sid"], told["sid"], "one session");
    assert_ne!(other["jti"], told["jti"]);

    for target in ["/off", "/"] {
        visitor.fetch(target).await;
        assert_eq!(app.last().header("x-askara-assertion"), None, "{target}");
    }
}

#[tokio::test]
async fn an_assertion_is_signed_once_and_sent_again() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        // What is kept with a session, each worker keeps for itself.
        .with_top("workers = 1")
        .with_route(route("/", &app).with("assertion = true"))
        .start()
        .await;
    let (ada, bob) = (gate.visitor(), gate.visitor());
    ada.login().await;
    bob.login().await;
    ada.fetch("/").await;
    let first = assertion(&app);
    for _ in 0..5 {
        ada.fetch("/").await;
        assert_eq!(assertion(&app), first);
    }
    bob.fetch("/").await;
    assert_ne!(assertion(&app), first, "another session has another one");
}

#[tokio::test]
async fn c35_nobody_vouches_for_a_stranger() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app).with("assertion = true"))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let spoofing = |target: &str| {
        let names = ["X-Askara-Assertion", "x_askara_assertion", "X.Askara.Assertion"];
        names
            .iter()
            .fold(ask("GET", target).fetching(), |request, name| request.header(name, "canary"))
    };
    assert_eq!(gate.send(spoofing("/open")).await.status, 200);
    assert!(!app.last().names().iter().any(|name| name.contains("assertion")), "C-35");
    assert_eq!(visitor.send(spoofing("/")).await.status, 200);
    assert!(!app.last().names().iter().any(|name| name.contains("assertion")), "C-34");
    assert_eq!(visitor.send(spoofing("/open")).await.status, 200);
    let keys = key_set(&gate).await;
    assert!(verified(&keys, &assertion(&app)).is_some(), "C-36: ours, and no other");
}

#[tokio::test]
async fn an_api_client_is_vouched_for_and_has_no_session() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_top("workers = 1")
        .with_route(route("/", &app).with("assertion = true"))
        .with_table("[provider.bearer]\naudience = [\"api\"]")
        .with_table("[assertion]\nalgorithm = \"EdDSA\"\nissuer = \"the gate\"\nlife = \"20s\"")
        .start()
        .await;
    let token = provider.api_token(&json!({}), &json!({}));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let request = ask("GET", "/api").header("authorization", &format!("Bearer {token}"));
        assert_eq!(gate.send(request).await.status, 200);
        seen.push(assertion(&app));
    }
    assert_eq!(seen[0], seen[1]);
    let keys = key_set(&gate).await;
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key["crv"] == "Ed25519"), "{keys}");
    let told = verified(&keys, &seen[0]).unwrap();
    assert_eq!(told["sub"], provider.api_claims(&json!({}))["sub"]);
    assert_eq!((&told["iss"], told.get("sid")), (&json!("the gate"), None));
    assert_eq!(told["exp"].as_u64().unwrap() - told["iat"].as_u64().unwrap(), 20);
}

#[tokio::test]
async fn s26_of_several_providers_the_one_that_vouches_is_named() {
    let (one, two) = (Provider::playing(OIDC).await, Provider::start().await);
    let app = App::start().await;
    let gate = gateway()
        .with_named("one", &one, &[])
        .with_named("two", &two, &[])
        .with_route(route("/", &app).with("provider = \"two\"").with("assertion = true"))
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.follow(visitor.open("/").await).await;
    assert_eq!(visitor.fetch("/").await.status, 200);
    let told = verified(&key_set(&gate).await, &assertion(&app)).unwrap();
    assert_eq!(told["provider"], "two");
}

#[tokio::test]
async fn the_keys_are_for_everybody_and_only_to_be_read() {
    let app = App::start().await;
    let gate = gateway().with_route(route("/", &app).with("assertion = true")).start().await;
    for request in [
        ask("GET", JWKS),
        ask("GET", JWKS).header("host", "gate.inside.test"),
        ask("GET", JWKS).header("cookie", "askara=nonsense"),
        ask("HEAD", JWKS),
    ] {
        let head = request.method == "HEAD";
        let answer = gate.send(request).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        assert!(answer.set_cookies().is_empty());
        assert_eq!(answer.body.is_empty(), head);
    }
    let keys = key_set(&gate).await;
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 3, "of the period before, of this one and of the next");
    for key in keys {
        let members: Vec<&String> = key.as_object().unwrap().keys().collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"], "nothing private");
        assert_eq!((&key["alg"], &key["use"]), (&json!("ES256"), &json!("sig")));
    }
    let post = gate.send(ask("POST", JWKS)).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(gate.send(ask("GET", "/oauth2/%6Awks")).await.status, 404, "C-50");
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn where_nobody_is_vouched_for_there_are_no_keys() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(route("/", &app).with("assertion = false"))
        .with_table("[assertion]\nalgorithm = \"ES256\"")
        .start()
        .await;
    assert_eq!(gate.send(ask("GET", JWKS)).await.status, 404);
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn replicas_share_their_keys_and_rotation_leaves_no_gap() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let (old, new) = (random_key(), random_key());
    let start = async |keys: &[&str]| {
        let gate = gateway()
            .with_provider(&provider)
            .behind("https://app.example.com")
            .with_keys(keys)
            .with_route(route("/", &app).with("assertion = true"))
            .start()
            .await;
        key_set(&gate).await
    };
    let kids = |set: &Value| -> Vec<String> {
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let sorted = |set: &Value| {
        let mut kids = kids(set);
        kids.sort();
        kids
    };
    let before = start(&[&old]).await;
    assert_eq!(before, start(&[&old]).await, "two replicas");
    let between = start(&[&old, &new]).await;
    let after = start(&[&new, &old]).await;
    let done = start(&[&new]).await;
    assert_eq!((kids(&before).len(), kids(&between).len()), (3, 6));
    assert_eq!(sorted(&between), sorted(&after), "the order only says which of them signs");
    assert!(kids(&before).iter().all(|kid| kids(&after).contains(kid)), "old ones stay");
    assert!(kids(&done).iter().all(|kid| kids(&between).contains(kid)), "new ones were there");
    assert!(kids(&done).iter().all(|kid| !kids(&before).contains(kid)));
}
