//! Programs that bring an access token of their own.

use serde_json::json;

use crate::front::Front;
use crate::harness::{Provider, ask};
use crate::recipe::Recipe;
use crate::stage::Stage;

pub(crate) async fn a_program_with_a_token_is_let_in_and_with_a_bad_one_told_so(front: &Front) {
    let provider = Provider::openid().await;
    let table = format!("kind = \"oidc\"\nissuer = {:?}", provider.url());
    let change = |recipe: Recipe| {
        recipe.with("\n[session]\n", "\n[provider.bearer]\naudience = [\"api\"]\n[session]\n")
    };
    let stage = Stage::with_table(front, provider, &table, change).await;
    let program = stage.visitor();

    let token = stage.provider.api_token(&json!({}), &json!({ "sub": "robot" }));
    let bearer = format!("Bearer {token}");
    let answer = program.send(ask("POST", "/echo").header("authorization", &bearer)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = stage.app.last();
    assert_eq!(seen.header("authorization"), Some(bearer.as_str()));
    let user = format!("{}user", front.manners.identity);
    assert_eq!(seen.header(&user), Some("robot"));

    stage.app.forgets();
    let old = stage.provider.api_token(&json!({}), &json!({ "exp": 1 }));
    for method in ["GET", "POST"] {
        let asked = ask(method, "/api").header("authorization", &format!("Bearer {old}"));
        let answer = program.send(asked).await;
        assert!(front.manners.turns_away(answer.status), "{method}: {}", answer.status);
        if front.manners.explains_401 && !front.manners.redirects_programs {
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.contains("invalid_token"), "S7: {method}: {challenge}");
        }
        assert!(answer.set_cookies().is_empty(), "{method}");
    }
    assert!(stage.app.requests().is_empty());
}
