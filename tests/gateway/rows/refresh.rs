//! Past the access token's expiry: renewed, refused, or not to be had now (sessions.md rule 5).

use super::{LINK, Line, Scene, for_each_row};
use crate::harness::*;

/// Tokens live two seconds, counted from when they came.
const LIFE: u64 = 2;
const PAST_EXPIRY: u64 = 2200;

impl Scene {
    /// Signed in with a token that has run out; the next ones live long.
    async fn expires(&self) {
        self.provider.token_life(LIFE);
        self.visitor.login_at(LINK).await;
        self.app.forgets();
        wait(PAST_EXPIRY).await;
        self.provider.token_life(3600);
    }

    /// The session stays, and the person is told to wait.
    async fn is_told_to_wait(&self, line: &Line) {
        let row = self.play.kind;
        let answer = self.visitor.open(LINK).await;
        assert_own_page(&answer);
        let page = shown(&answer);
        let told = (page.status, page.heading.as_str());
        assert_eq!(told, (503, heading::SESSION_UNAVAILABLE), "{row}: C-99");
        assert!(answer.header("retry-after").is_some(), "{row}: C-99");
        assert!(answer.set_cookies().is_empty(), "{row}: rule 8");
        assert!(self.app.requests().is_empty(), "{row}");
        line.assert_in(&self.gate.logged(line.message).await, row);
        assert_eq!(self.gate.logged(&page.reference).await["level"], "WARN", "{row}");
        assert!(!self.gate.output().contains("canary"), "{row}: C-112");
    }
}

#[tokio::test]
async fn every_row_renews_a_token_that_is_over() {
    for_each_row(async |scene: Scene| {
        scene.expires().await;
        let Scene { play, provider, app, gate, visitor } = scene;
        let row = play.kind;
        assert_eq!(visitor.open(LINK).await.status, 200, "{row}");
        assert_eq!(provider.refreshes(), 1, "{row}");
        let seen = app.last();
        let token = format!("Bearer {}", provider.newest_token());
        assert_eq!(seen.header("authorization"), Some(token.as_str()), "{row}");
        assert_eq!(seen.header("x-forwarded-user"), Some("42"), "{row}");
        assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"), "{row}: rule 7");
        let said = provider.last_token_request().body;
        let said = said.as_object().unwrap();
        let mut names = vec!["grant_type", "refresh_token"];
        if play.proof == Proof::Body {
            names = vec!["client_id", "client_secret", "grant_type", "refresh_token"];
        }
        assert_eq!(said.keys().collect::<Vec<_>>(), names, "{row}");
        assert_eq!(gate.logged("token renewed").await["level"], "DEBUG", "{row}");
    })
    .await;
}

#[tokio::test]
async fn every_row_without_a_refresh_token_signs_in_again_silently() {
    for_each_row(async |scene: Scene| {
        scene.provider.gives_no_refresh_tokens();
        scene.expires().await;
        let Scene { play, provider, app, visitor, .. } = scene;
        assert_eq!(visitor.fetch("/").await.status, 401, "{}", play.kind);
        assert_eq!(visitor.navigate(LINK).await.status, 200, "{}", play.kind);
        let calls = (provider.exchanges(), provider.refreshes());
        assert_eq!((calls, app.targets()), ((2, 0), vec![LINK.to_owned()]), "{}", play.kind);
    })
    .await;
}

#[tokio::test]
async fn c98_every_row_begins_a_new_login_when_the_provider_ended_the_session() {
    for_each_row(async |scene: Scene| {
        scene.expires().await;
        scene.provider.fails_token_calls(Fault::oauth(400, "invalid_grant"));
        let row = scene.play.kind;
        let answer = scene.visitor.open(LINK).await;
        assert_eq!(answer.status, 302, "{row}");
        let line = scene.gate.logged("the provider ended the session").await;
        assert_eq!((&line["level"], line["session"].is_string()), (&"INFO".into(), true), "{row}");
        scene.provider.behaves_again();
        assert_eq!(scene.visitor.follow(answer).await.status, 200, "{row}");
        assert_eq!(scene.app.targets(), [LINK], "{row}");
    })
    .await;
}

#[tokio::test]
async fn c99_every_row_keeps_the_session_while_the_provider_is_away() {
    let line = Line {
        level: "WARN",
        message: "a token could not be renewed; it will be tried again",
        word: "can't connect",
    };
    for_each_row(async |scene: Scene| {
        scene.expires().await;
        scene.provider.goes_away().await;
        scene.is_told_to_wait(&line).await;
    })
    .await;
}

#[tokio::test]
async fn c99_every_row_keeps_the_session_when_the_answer_is_none() {
    let line = Line {
        level: "WARN",
        message: "a token could not be renewed; it will be tried again",
        word: "the answer is no JSON",
    };
    for_each_row(async |scene: Scene| {
        scene.expires().await;
        scene.provider.fails_token_calls(Fault::html());
        scene.is_told_to_wait(&line).await;
    })
    .await;
}

#[tokio::test]
async fn c99_every_row_keeps_the_session_when_the_client_is_not_known() {
    let line = Line {
        level: "ERROR",
        message: "the provider refuses this gateway; check client_id and client_secret",
        word: "invalid_client",
    };
    for_each_row(async |scene: Scene| {
        scene.expires().await;
        scene.provider.forgets_the_client();
        scene.is_told_to_wait(&line).await;
    })
    .await;
}
