//! API clients that come with an access token of their own (RFC 6750): a token counts for what it
//! proves, never for being there.

mod introspection;
mod keys;
mod of_several;
mod on_routes;
mod tokens;

use serde_json::{Value, json};

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
}

const RULES: &str = "[provider.bearer]\naudience = [\"api\"]";

/// An OpenID provider whose access tokens the gateway verifies itself, by `rules`.
async fn scene(rules: &str) -> Scene {
    scene_with(Provider::openid().await, rules).await
}

async fn scene_with(provider: Provider, rules: &str) -> Scene {
    let app = App::start().await;
    let gate = gateway()
        .with_provider(&provider)
        // What is known of a token, each worker knows for itself.
        .with_top("workers = 1")
        .with_route(public("/open", &app))
        .with_route(route("/own", &app).with("authorization = \"pass\""))
        .with_route(public("/open-own", &app).with("authorization = \"pass\""))
        .with_upstream(&app)
        .with_table(rules)
        .with_table(LOG)
        .start()
        .await;
    Scene { provider, app, gate }
}

impl Scene {
    fn token(&self, claims: &Value) -> String {
        self.provider.api_token(&json!({}), claims)
    }

    /// A script's request with this token and nothing else.
    async fn sends(&self, token: &str) -> Answer {
        self.gate.send(with_token("/api", token)).await
    }

    async fn refuses(&self, token: &str, what: &str) {
        let answer = self.sends(token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["type"], "urn:askara-gate:bad-token", "{what}");
        let challenge = r#"Bearer realm="askara-gate", error="invalid_token""#;
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "S7: {what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert!(answer.set_cookies().is_empty(), "{what}");
        assert!(self.app.requests().is_empty(), "{what}");
    }
}

fn with_token(target: &str, token: &str) -> Ask {
    ask("GET", target).fetching().header("authorization", &format!("Bearer {token}"))
}
