//! A login that succeeds.

use serde_json::Value;

use super::{LINK, Scene, for_each_row};
use crate::harness::*;

#[tokio::test]
async fn every_row_signs_people_in_at_the_page_that_they_wanted() {
    for_each_row(async |scene: Scene| {
        let Scene { play, provider, app, gate, visitor } = scene;
        let row = play.kind;
        visitor.login_at(LINK).await;
        assert_eq!(app.targets(), [LINK], "{row}");
        let seen = app.last();
        assert_eq!(seen.header("x-forwarded-user"), Some("42"), "{row}");
        assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"), "{row}");
        assert_eq!(seen.header("x-forwarded-groups"), Some("editors,staff%2C senior"), "{row}");
        let token = format!("Bearer {}", provider.newest_token());
        assert_eq!(seen.header("authorization"), Some(token.as_str()), "{row}");
        assert_eq!(visitor.fetch("/oauth2/userinfo").await.json()["provider"], row);
        assert_eq!((provider.exchanges(), provider.me_calls()), (1, usize::from(play.me)), "{row}");
        let line = gate.logged("signed in").await;
        let told = ["level", "provider", "user"].map(|field| line[field].as_str().unwrap());
        assert_eq!(told, ["INFO", row, "42"], "{line}");
    })
    .await;
}

#[tokio::test]
async fn every_row_asks_for_authorization_as_its_document_says() {
    for_each_row(async |scene: Scene| {
        let Scene { play, provider, gate, visitor, .. } = scene;
        visitor.login_at(LINK).await;
        let asked = provider.last_authorization();
        let names: Vec<&str> = asked.iter().map(|(name, _)| name.as_str()).collect();
        let mut wanted = vec!["response_type", "client_id", "redirect_uri"];
        wanted.extend(match play.kind {
            "api-v1" | "simplified" => None,
            _ => Some("scope"),
        });
        wanted.push("state");
        wanted.extend(play.openid.then_some("nonce"));
        wanted.extend(if play.pkce {
            vec!["code_challenge", "code_challenge_method"]
        } else {
            vec![]
        });
        assert_eq!(names, wanted, "{}: S1", play.kind);
        let of = |name: &str| asked.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!(of("redirect_uri"), format!("{}{CALLBACK}", gate.base()), "{}", play.kind);
        if play.pkce {
            assert_eq!(of("code_challenge_method"), "S256", "{}: S8", play.kind);
            assert_eq!(of("code_challenge").len(), 43, "{}: S8", play.kind);
        }
    })
    .await;
}

#[tokio::test]
async fn every_row_spends_its_code_as_its_document_says() {
    for_each_row(async |scene: Scene| {
        let Scene { play, provider, gate, visitor, .. } = scene;
        let row = play.kind;
        visitor.login_at(LINK).await;
        let request = provider.last_token_request();
        let kind = if play.json { "application/json" } else { "application/x-www-form-urlencoded" };
        assert_eq!(request.content_type, kind, "{row}");
        let said = request.body.as_object().unwrap();
        let mut names = vec!["grant_type", "code"];
        names.extend(play.says_redirect_uri.then_some("redirect_uri"));
        names.extend(play.pkce.then_some("code_verifier"));
        names.extend(if play.proof == Proof::Body {
            vec!["client_id", "client_secret"]
        } else {
            vec![]
        });
        names.sort_unstable();
        assert_eq!(said.keys().collect::<Vec<_>>(), names, "{row}");
        assert_eq!(said["grant_type"], "authorization_code", "{row}");
        let redirect_uri = format!("{}{CALLBACK}", gate.base());
        let again = said.get("redirect_uri").and_then(Value::as_str);
        assert_eq!(again, play.says_redirect_uri.then_some(redirect_uri.as_str()), "{row}: S2");
        assert_eq!(request.authorization.is_empty(), play.proof == Proof::Body, "{row}: S3");
    })
    .await;
}
