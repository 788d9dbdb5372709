//! What goes wrong elsewhere.

use futures_util::FutureExt;

use super::{Situation, situation};
use crate::harness::Fault;
use crate::stage::Stage;

pub(super) const ALL: &[Situation] = &[
    situation("the provider says no", |s| denied(s).boxed()),
    situation("the provider's token call fails", |s| failing(s).boxed()),
    situation("somebody without an email", |s| without_email(s).boxed()),
];

pub(crate) const WITHOUT_GATEWAY: Situation =
    situation("the gateway is stopped", |s| stopped(s).boxed());

async fn denied(stage: &Stage) -> String {
    stage.provider.denies("access_denied");
    let outcome = stage.goes(&stage.visitor(), "/page").await;
    stage.provider.behaves_again();
    outcome
}

async fn failing(stage: &Stage) -> String {
    stage.provider.fails_next_token_call(Fault::status(500));
    stage.goes(&stage.visitor(), "/page").await
}

async fn without_email(stage: &Stage) -> String {
    let nobody = serde_json::json!({ "email": null, "preferred_username": "ada" });
    stage.provider.writes_id_token(&nobody);
    stage.provider.fails_me(Fault::json(200, &serde_json::json!({ "sub": "42" })));
    let outcome = stage.goes(&stage.visitor(), "/page").await;
    stage.provider.behaves_again();
    stage.provider.writes_id_token(&serde_json::json!({ "preferred_username": "ada" }));
    outcome
}

/// Somebody who was signed in, and the app hears nothing of it.
async fn stopped(stage: &Stage) -> String {
    let answer = stage.visitor().open("/page").await;
    let heard = stage.app.requests().len();
    format!("{}; the app heard {heard}", stage.told(&stage.front, &answer))
}
