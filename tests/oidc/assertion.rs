//! The signed assertion, verified by a library that shares no code with the gateway.

use serde_json::json;

use crate::harness::{
    App, Gate, Port, Provider, ask, gateway, merged, random_key, route, unix_now,
};
use crate::verifier::Verifier;

struct Stand {
    provider: Provider,
    app: App,
    algorithm: &'static str,
}

async fn stand(algorithm: &'static str) -> Stand {
    Stand { provider: Provider::start().await, app: App::start().await, algorithm }
}

impl Stand {
    async fn gate(&self, keys: &[&str], port: Option<Port>) -> Gate {
        let claims =
            "claims = { mail = \"email\", groups = \"groups\", roles = \"token:/scopes\" }";
        let rules = format!("assertion = {{ audience = \"wiki\", {claims} }}");
        let gate = gateway()
            .with_provider(&self.provider)
            .with_keys(keys)
            .with_route(route("/", &self.app).with(&rules))
            .with_table(&format!("[assertion]\nalgorithm = {:?}", self.algorithm));
        match port {
            Some(port) => gate.on(port).start().await,
            None => gate.start().await,
        }
    }

    /// The assertion of somebody who has just signed in.
    async fn assertion(&self, gate: &Gate) -> String {
        gate.visitor().login().await;
        self.app.last().header("x-askara-assertion").unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_app_in_another_language_verifies_who_is_there() {
    for algorithm in ["ES256", "EdDSA"] {
        let stand = stand(algorithm).await;
        let gate = stand.gate(&[&random_key()], None).await;
        let token = stand.assertion(&gate).await;
        let mut app = Verifier::start(&gate.base());
        let told = app.verify(&token, "wiki");
        assert_eq!(told["error"], json!(null), "{algorithm}");
        assert_eq!(told["header"]["alg"], algorithm);
        let claims = &told["claims"];
        let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert!(life <= 60 && unix_now() <= claims["exp"].as_u64().unwrap());
        let moment = json!({ "exp": null, "iat": null, "jti": null, "sid": null });
        assert_eq!(
            merged(claims.clone(), &moment),
            json!({
                "iss": gate.base(), "aud": "wiki", "sub": "42", "organization": "7",
                "mail": "ada@example.com", "groups": ["editors", "staff, senior"],
                "roles": ["profile", "organization"]
            })
        );
        let error = |app: &mut Verifier, token: &str, audience: &str| {
            app.verify(token, audience)["error"].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(error(&mut app, &token, "another app"), "ERR_JWT_CLAIM_VALIDATION_FAILED");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (head, payload) = signed.split_once('.').unwrap();
        let mut forged = payload.to_owned();
        forged.replace_range(2..3, if &payload[2..3] == "A" { "B" } else { "A" });
        let forged = format!("{head}.{forged}.{signature}");
        assert_eq!(error(&mut app, &forged, "wiki"), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
    }
}

#[tokio::test]
async fn a_verifier_that_knows_the_keys_misses_none_of_a_rotation() {
    let stand = stand("ES256").await;
    let (old, new) = (random_key(), random_key());
    let first = stand.gate(&[&old], None).await;
    let before = stand.assertion(&first).await;
    let mut early = Verifier::start(&first.base());
    assert_eq!(early.verify(&before, "wiki")["claims"]["sub"], "42");

    // The new key is put second: it is published, and the old one signs.
    let between = stand.gate(&[&old, &new], Some(first.stop())).await;
    let mut app = Verifier::start(&between.base());
    for token in [&before, &stand.assertion(&between).await] {
        assert_eq!(app.verify(token, "wiki")["claims"]["sub"], "42");
        assert_eq!(early.verify(token, "wiki")["claims"]["sub"], "42");
    }

    // It is put first: it signs.
    let after = stand.gate(&[&new, &old], Some(between.stop())).await;
    let token = stand.assertion(&after).await;
    assert_eq!(app.verify(&token, "wiki")["claims"]["sub"], "42", "it was known before");
    assert_eq!(early.verify(&token, "wiki")["error"], "ERR_JWKS_NO_MATCHING_KEY", "so it is used");

    // The old one goes.
    let last = stand.gate(&[&new], Some(after.stop())).await;
    assert_eq!(app.verify(&stand.assertion(&last).await, "wiki")["claims"]["sub"], "42");
}

#[tokio::test]
async fn what_one_replica_signs_another_ones_keys_verify() {
    let stand = stand("ES256").await;
    let key = random_key();
    let published = async |gate: &Gate| gate.send(ask("GET", "/oauth2/jwks")).await.json();
    let one = stand.gate(&[&key], None).await;
    let (token, of_one) = (stand.assertion(&one).await, published(&one).await);
    // Another process at the same address.
    let two = stand.gate(&[&key], Some(one.stop())).await;
    assert_eq!(published(&two).await, of_one);
    assert_eq!(Verifier::start(&two.base()).verify(&token, "wiki")["claims"]["sub"], "42");
}
