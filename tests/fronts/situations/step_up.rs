//! A rule that wants more of somebody who is signed in.

use serde_json::json;

use crate::front::Front;
use crate::harness::Provider;
use crate::stage::Stage;

const RULE: &str = "{ claim = \"me:/groups\", any = [\"admins\"] }";

async fn stage(front: &Front) -> Stage {
    let provider = Provider::openid().await;
    let table = format!("kind = \"oidc\"\nissuer = {:?}", provider.url());
    let change = |recipe: crate::recipe::Recipe| recipe.with(RULE, "{ acr = [\"urn:mfa\"] }");
    Stage::with_table(front, provider, &table, change).await
}

pub(crate) async fn who_has_to_prove_more_goes_to_the_provider_again(front: &Front) {
    let stage = stage(front).await;
    let visitor = stage.signed_in().await;
    if front.manners.explains_401 && !front.manners.redirects_programs {
        let told = visitor.fetch("/admin").await;
        assert_eq!(told.status, 401, "{}", told.text());
        let challenge = told.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains("insufficient_user_authentication"), "RFC 9470: {challenge}");
    }
    // The provider asks again, and confirms nothing: the way ends.
    let before = stage.provider.authorizations();
    let answer = visitor.navigate("/admin/door?x=1&y=2").await;
    assert_eq!(answer.status, 403, "C-14: {}", answer.text());
    assert_eq!(stage.provider.authorizations(), before + 1, "C-14: one way there and back");
    assert!(stage.app.requests().is_empty());
    assert_eq!(visitor.fetch("/").await.status, 200, "the session is a good one");

    stage.provider.writes_id_token(&json!({ "acr": "urn:mfa" }));
    let visitor = stage.signed_in().await;
    stage.provider.writes_id_token(&json!({}));
    assert_eq!(visitor.fetch("/admin").await.status, 200, "who has proven it is let in");

    let visitor = stage.signed_in().await;
    stage.provider.writes_id_token(&json!({ "acr": "urn:mfa" }));
    let answer = visitor.navigate("/admin/door?x=1&y=2").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(stage.app.targets(), ["/admin/door?x=1&y=2"]);
}
