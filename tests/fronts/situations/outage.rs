//! A gateway that is not there, or does not answer (C-122): nobody gets in.

use std::time::Instant;

use crate::front::Front;
use crate::harness::{Visitor, ask};
use crate::stage::Stage;

pub(crate) async fn c122_nobody_gets_in_while_the_gateway_is_dead(front: &Front) {
    let mut stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    stage.stop_gate();
    assert_closed(front, &stage, &visitor).await;
}

pub(crate) async fn c122_nobody_gets_in_while_the_gateway_is_silent(front: &Front) {
    let mut stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    stage.silence_gate().await;
    assert_closed(front, &stage, &visitor).await;
}

/// Not with a session, not without, not by the public path, and nobody waits long.
async fn assert_closed(front: &Front, stage: &Stage, visitor: &Visitor) {
    let stranger = stage.visitor();
    let began = Instant::now();
    let (a, b, c, d) = tokio::join!(
        visitor.fetch("/"),
        stranger.open("/"),
        stranger.fetch("/public"),
        visitor.send(ask("POST", "/echo").fetching().body("x")),
    );
    assert!(began.elapsed() < front.manners.patience, "{:?}", began.elapsed());
    for answer in [a, b, c, d] {
        let (status, closed) = (answer.status, front.manners.closed);
        assert!(closed.contains(&status), "{status}: {}", answer.text());
        assert!(answer.set_cookies().is_empty(), "{:?}", answer.set_cookies());
    }
    assert!(stage.app.requests().is_empty());
}
