//! What a subrequest's query demands besides.

use futures_util::FutureExt;

use super::{Situation, situation};
use crate::stage::Stage;

pub(super) const ALL: &[Situation] = &[
    situation("allowed_groups, one of them", |s| asks(s, "/group").boxed()),
    situation("allowed_groups, none of them", |s| asks(s, "/other-group").boxed()),
    situation("allowed_groups, said twice", |s| asks(s, "/groups-twice").boxed()),
    situation("allowed_emails", |s| asks(s, "/email").boxed()),
    situation("allowed_emails, another", |s| asks(s, "/other-email").boxed()),
    situation("allowed_email_domains", |s| asks(s, "/domain").boxed()),
    situation("allowed_email_domains, another", |s| asks(s, "/other-domain").boxed()),
    situation("one kind holds, another not", |s| asks(s, "/group-and-domain").boxed()),
    situation("a constraint without a session", |s| anonymous(s).boxed()),
];

async fn asks(stage: &Stage, path: &str) -> String {
    let visitor = stage.signed_in().await;
    let outcome = stage.goes(&visitor, path).await;
    let stays = stage.session(&visitor).is_some();
    format!("{outcome}; the session {}", if stays { "stays" } else { "is gone" })
}

async fn anonymous(stage: &Stage) -> String {
    stage.goes(&stage.visitor(), "/other-group").await
}
