//! Staying in, and getting out.

use futures_util::future::join_all;

use crate::front::Front;
use crate::harness::{PAST_EXPIRY, Provider, ask, wait};
use crate::stage::Stage;

const LIFE: u64 = 2;
const AT_ONCE: usize = 12;

pub(crate) async fn parallel_requests_past_expiry_spend_one_refresh_token(front: &Front) {
    let stage = Stage::with(front, Provider::with_token_life(LIFE).await).await;
    let visitor = stage.signed_in().await;
    let before = visitor.session();
    wait(PAST_EXPIRY).await;
    stage.provider.token_life(3600);
    stage.provider.latency(300);
    // One request is a POST: its answer brings the cookie as well.
    let posted = visitor.send(ask("POST", "/echo").fetching().body("kept"));
    let asked = (1..AT_ONCE).map(|n| visitor.send(ask("GET", &format!("/{n}")).fetching()));
    let (posted, answers) = tokio::join!(posted, join_all(asked));
    assert_eq!((posted.status, posted.text().as_str()), (200, "kept"));
    let answered: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(answered, [200; AT_ONCE - 1]);
    assert_eq!(stage.provider.refreshes(), 1, "C-100");
    let token = format!("Bearer {}", stage.provider.newest_token());
    for seen in stage.app.requests() {
        assert_eq!(seen.header("authorization"), Some(token.as_str()), "{}", seen.target);
    }
    assert_ne!(visitor.session(), before, "the browser has the new cookie");
    assert_eq!(visitor.fetch("/again").await.status, 200);
    assert_eq!(stage.provider.refreshes(), 1, "the new cookie needs no refresh");
}

pub(crate) async fn signing_out_ends_the_session(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let kept = format!("__Host-askara={}", visitor.session().unwrap());
    let answer = visitor.send(ask("POST", "/oauth2/sign_out").navigating().same_origin()).await;
    assert!(answer.status < 400, "{}", answer.text());
    assert!(answer.clears("__Host-askara"));
    assert!(visitor.session().is_none());
    let answer = visitor.fetch("/").await;
    assert!(front.manners.turns_away(answer.status), "{}", answer.status);
    let again = visitor.send(ask("GET", "/").fetching().cookie(&kept)).await;
    assert!(front.manners.turns_away(again.status), "C-32: the old cookie: {}", again.status);
    assert!(stage.app.requests().is_empty());
}
