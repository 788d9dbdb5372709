//! Every situation with one gateway, then with the other.

use crate::candidate::{Kind, Renewal};
use crate::front::SignIn;
use crate::oauth2_proxy::{BINARY, binary};
use crate::outcomes::{Outcomes, Row, say};
use crate::situations::{Situation, WITHOUT_GATEWAY, everyday, of_renewal};
use crate::stage::{Plan, Stage};

#[tokio::test]
async fn it_drops_in_where_nginx_redirects_to_the_sign_in() {
    let plan = Plan { sign_in: SignIn::Redirect, renewal: Renewal::Off };
    let outcomes = include_str!("outcomes/nginx_redirects.txt");
    compare("nginx redirects to /oauth2/sign_in", plan, everyday(), outcomes).await;
}

#[tokio::test]
async fn it_drops_in_where_nginx_answers_with_the_sign_in() {
    let plan = Plan { sign_in: SignIn::Inside, renewal: Renewal::Off };
    let outcomes = include_str!("outcomes/nginx_answers.txt");
    compare("nginx answers with /oauth2/sign_in", plan, everyday(), outcomes).await;
}

#[tokio::test]
async fn sessions_outlive_their_access_tokens_where_the_peers_may_not() {
    let plan = Plan { sign_in: SignIn::Inside, renewal: Renewal::PastTwoSeconds };
    let outcomes = include_str!("outcomes/past_expiry.txt");
    compare("past the access token's expiry, with rotation", plan, of_renewal(), outcomes).await;
}

async fn compare(title: &str, plan: Plan, situations: Vec<Situation>, expected: &str) {
    let ours = outcomes(Kind::AskaraGate, plan, &situations).await;
    let peer: Vec<_> = match has_peer() {
        true => {
            let outcomes = outcomes(Kind::OAuth2Proxy, plan, &situations).await;
            outcomes.into_iter().map(Some).collect()
        }
        false => vec![None; ours.len()],
    };
    let rows: Vec<_> = situations
        .iter()
        .chain([&WITHOUT_GATEWAY])
        .zip(ours.into_iter().zip(peer))
        .map(|(situation, (ours, peer))| Row { name: situation.name, ours, peer })
        .collect();
    Outcomes::parse(expected).judge(title, &rows);
}

/// What comes of all situations, and last of that in which the gateway is gone.
async fn outcomes(kind: Kind, plan: Plan, situations: &[Situation]) -> Vec<String> {
    let mut stage = Stage::start(kind, plan).await;
    let mut outcomes = Vec::new();
    for situation in situations {
        outcomes.push(situation.happens(&stage).await);
    }
    stage.stops_the_gateway();
    outcomes.push(WITHOUT_GATEWAY.happens(&stage).await);
    outcomes
}

fn has_peer() -> bool {
    let found = binary().is_some();
    if !found {
        say(&format!(
            "note: oauth2-proxy was LEFT OUT of the comparison: {BINARY} names no binary; \
             askara-gate was held against the recorded outcomes"
        ));
    }
    found
}
