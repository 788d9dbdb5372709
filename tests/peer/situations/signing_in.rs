//! People without a session, and how they come by one.

use futures_util::FutureExt;

use super::{Situation, situation};
use crate::harness::ask;
use crate::stage::Stage;

pub(super) const ALL: &[Situation] = &[
    situation("a person goes to a page", |s| goes(s, "/page").boxed()),
    situation("a link with a query", |s| goes(s, "/deep?a=1").boxed()),
    situation("a link with several &", |s| goes(s, "/deep?a=1&b=2&c=%26").boxed()),
    situation("a link with // in its path", |s| goes(s, "/deep//er").boxed()),
    situation("a link with an address in its query", |s| {
        goes(s, "/go?to=https://example.com/a//b").boxed()
    }),
    situation("a link with escapes in its path", |s| goes(s, "/deep%20er/%C3%BC").boxed()),
    situation("a script fetches", |s| fetches(s).boxed()),
    situation("a script fetches and wants JSON", |s| fetches_json(s).boxed()),
    situation("a form is posted", |s| posts(s).boxed()),
    situation("a preflight of another origin's page", |s| preflight(s).boxed()),
    situation("a WebSocket is opened", |s| opens_socket(s).boxed()),
    situation("a page that is for everyone", |s| goes(s, "/public/page").boxed()),
    situation("a link to the start of a login", |s| starts(s).boxed()),
    situation("a link to the start that leads away", |s| led_away(s).boxed()),
    situation("two tabs begin to sign in", |s| two_tabs(s).boxed()),
    situation("signing out", |s| signs_out(s).boxed()),
    situation("signing out by another site", |s| signed_out_by_others(s).boxed()),
    situation("the sign-in page with a session", |s| signs_in_again(s).boxed()),
];

async fn goes(stage: &Stage, target: &str) -> String {
    stage.goes(&stage.visitor(), target).await
}

async fn fetches(stage: &Stage) -> String {
    stage.fetches(&stage.visitor(), "/api").await
}

async fn fetches_json(stage: &Stage) -> String {
    let asked = ask("GET", "/api").header("accept", "application/json");
    let again = |ask: crate::harness::Ask| ask.header("accept", "application/json");
    stage.walks(&stage.visitor(), asked, again).await
}

async fn posts(stage: &Stage) -> String {
    let asked = ask("POST", "/form")
        .navigating()
        .same_origin()
        .header("content-type", "application/x-www-form-urlencoded")
        .body("a=1");
    stage.walks(&stage.visitor(), asked, |ask| ask.navigating()).await
}

async fn preflight(stage: &Stage) -> String {
    let asked = ask("OPTIONS", "/api")
        .header("origin", "https://other.example")
        .header("access-control-request-method", "PUT")
        .header("sec-fetch-mode", "cors");
    let answer = stage.send(asked).await;
    stage.told(&stage.front, &answer)
}

async fn opens_socket(stage: &Stage) -> String {
    let asked = ask("GET", "/ws")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-fetch-mode", "websocket");
    let answer = stage.send(asked).await;
    stage.told(&stage.front, &answer)
}

async fn starts(stage: &Stage) -> String {
    goes(stage, "/oauth2/start?rd=%2Fdeep%3Fa%3D1%26b%3D2").await
}

async fn led_away(stage: &Stage) -> String {
    goes(stage, "/oauth2/start?rd=https%3A%2F%2Fevil.example%2F").await
}

/// The first tab comes to the provider, then the second, then the first comes back.
async fn two_tabs(stage: &Stage) -> String {
    let visitor = stage.visitor();
    let to_callback = async |target: &str| {
        let sent = visitor.open(&format!("/oauth2/start?rd={target}")).await;
        let back = visitor.follow_while(sent, |next| next.path() != "/oauth2/callback").await;
        let back = stage.front.join(back.location()).unwrap();
        back[url::Position::BeforePath..].to_owned()
    };
    let (first, second) = (to_callback("/one").await, to_callback("/two").await);
    let first = stage.goes(&visitor, &first).await;
    let second = stage.goes(&visitor, &second).await;
    format!("the first: {first}; the second: {second}")
}

async fn signs_out(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    let asked = ask("GET", "/oauth2/sign_out?rd=%2Fpublic%2Fbye").navigating().same_origin();
    let way = stage.walks(&visitor, asked, |ask| ask.navigating()).await;
    format!("{way}; {}", session_of(stage, &visitor))
}

async fn signed_out_by_others(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    let asked = ask("GET", "/oauth2/sign_out?rd=%2Fpublic%2Fbye")
        .navigating()
        .header("sec-fetch-site", "cross-site");
    let way = stage.walks(&visitor, asked, |ask| ask.navigating()).await;
    format!("{way}; {}", session_of(stage, &visitor))
}

async fn signs_in_again(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    let answer = visitor.open("/oauth2/sign_in?rd=%2Fpage").await;
    format!("{}; {}", stage.told(&stage.front, &answer), session_of(stage, &visitor))
}

fn session_of(stage: &Stage, visitor: &crate::harness::Visitor) -> &'static str {
    if stage.session(visitor).is_some() { "the session stays" } else { "the session is gone" }
}
