//! Keys change while people browse: first every replica knows the new one, then it seals, then
//! the old one goes (sessions.md, Cookie). Replicas start again one after another, and nobody
//! notices.

use crate::crowd::Browsing;
use crate::harness::*;
use crate::stage::*;

const PEOPLE: usize = 6;
/// Between two requests of one person, in milliseconds.
const PAUSE: u64 = 50;
/// A session is sealed anew with its next tokens, or when it is written down that it was seen,
/// which is at least every tenth of its idle timeout.
const IDLE: &str = "idle_timeout = \"20s\"";
const SEALED_ANEW: u64 = 4000;

async fn rotation(configuration: Configuration, token_life: u64) {
    let (old, new) = (random_key(), random_key());
    let provider = Provider::with_token_life(token_life).await;
    provider.tells_logins_apart();
    let plan = (0..3).fold(Plan::of(configuration), |plan, gate| plan.keys_of(gate, &[&old]));
    // A replica is away while it starts again.
    let mut stage = plan.retrying().session(IDLE).start(provider).await;
    let people = stage.signed_in(PEOPLE).await;
    let (begun, lines) = (stage.provider.exchanges(), lines(&people));
    let browsing = Browsing::begin(&people, PAUSE);
    change(&mut stage, &[&old, &new]).await;
    change(&mut stage, &[&new, &old]).await;
    wait(SEALED_ANEW).await;
    change(&mut stage, &[&new]).await;
    wait(1000).await;
    let tally = browsing.end().await;
    println!("{configuration:?}: {} answers, not 200: {tally}; 9 restarts", tally.all());
    assert_eq!(tally.other_than_200(), 0, "{configuration:?}: {tally}");
    assert!(tally.all() > PEOPLE * 20, "{configuration:?}: {tally:?}");
    assert_eq!(tally.clearing, 0, "{configuration:?}");
    assert_eq!(stage.provider.exchanges(), begun, "{configuration:?}: nobody signed in again");
    for (number, line) in lines.iter().enumerate() {
        let old = stage.ask(number % 3, ask("GET", "/").fetching().cookie(line)).await;
        assert_eq!(old.status, 401, "{configuration:?}: the old key is gone indeed");
    }
}

fn lines(people: &[Visitor]) -> Vec<String> {
    people.iter().map(Visitor::session_line).collect()
}

/// Gives every replica another ring, one after another.
async fn change(stage: &mut Stage, ring: &[&str]) {
    for number in 0..3 {
        stage.takes_keys(number, ring);
        stage.restart(number).await;
    }
}

#[tokio::test]
async fn a_key_is_changed_under_load_and_nobody_is_logged_out() {
    // Replicas that share nothing would race for tokens that run out, which is another matter.
    tokio::join!(rotation(Alone, 3600), rotation(Coordinated, 3), rotation(Stored, 3));
}

/// The new key has not come to it yet: the session is not its to clear.
#[tokio::test]
async fn a_replica_that_lacks_a_key_clears_nothing() {
    for configuration in [Alone, Coordinated, Stored] {
        let (old, new) = (random_key(), random_key());
        let both = [new.as_str(), &old];
        let plan = (0..3).fold(Plan::of(configuration), |plan, number| plan.keys_of(number, &both));
        let mut stage = plan.start(Provider::start().await).await;
        let visitor = stage.signed_in(1).await.remove(0);
        let line = visitor.session_line();
        stage.takes_keys(2, &[&old]);
        stage.restart(2).await;
        for (number, status) in [(0, 200), (2, 401), (1, 200), (2, 401), (0, 200)] {
            let answer = stage.ask(number, ask("GET", "/").fetching().cookie(&line)).await;
            assert_eq!(answer.status, status, "{configuration:?}, replica {number}");
            assert!(answer.set_cookies().is_empty(), "rule 8, {configuration:?}");
        }
        let page = stage.ask(2, ask("GET", "/").navigating().cookie(&line)).await;
        assert!(page.redirects() && !page.clears("askara"), "rule 8, {configuration:?}");
    }
}
