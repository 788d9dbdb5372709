//! Past the access token's expiry (sessions.md rules 1, 2, 4, 7): one spend, nobody lost.

use futures_util::future::join_all;

use crate::harness::*;

const LIFE: u64 = 2;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn signed_in(provider: Provider) -> Scene {
    let app = App::start().await;
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    Scene { provider, app, gate, visitor }
}

/// Signed in with a token that has run out; the next ones live long.
async fn expired() -> Scene {
    let scene = signed_in(Provider::with_token_life(LIFE).await).await;
    wait(PAST_EXPIRY).await;
    scene.provider.token_life(3600);
    scene
}

async fn fetched(gate: &Gate, cookie: &str) -> Answer {
    gate.send(ask("GET", "/").fetching().cookie(cookie)).await
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn c100_fifty_parallel_requests_spend_one_refresh_token() {
    let scene = expired().await;
    scene.provider.latency(300);
    let line = scene.visitor.session_line();
    let answers = join_all((0..50).map(|_| fetched(&scene.gate, &line))).await;
    let ok = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(ok, 50, "C-100");
    assert_eq!(scene.provider.refreshes(), 1, "C-100, rule 1");
    let token = bearer(&scene.provider.newest_token());
    for seen in scene.app.requests() {
        assert_eq!(seen.header("authorization"), Some(token.as_str()));
    }
    assert_eq!(fetched(&scene.gate, &line).await.status, 200, "rule 4: the old cookie");
    assert_eq!(scene.provider.refreshes(), 1, "rule 4: no second spend");
}

#[tokio::test]
async fn every_older_request_gets_the_same_bytes() {
    let scene = expired().await;
    scene.provider.latency(200);
    let line = scene.visitor.session_line();
    let mut answers = join_all((0..8).map(|_| fetched(&scene.gate, &line))).await;
    answers.push(fetched(&scene.gate, &line).await);
    let mut cookies: Vec<_> =
        answers.iter().map(|answer| answer.sets("askara").expect("the successor").value).collect();
    cookies.dedup();
    assert_eq!(cookies.len(), 1, "rule 4: byte for byte");
    let successor = format!("askara={}", cookies[0]);
    let answer = fetched(&scene.gate, &successor).await;
    assert_eq!(answer.status, 200);
    assert!(answer.sets("askara").is_none(), "nothing to say to the newest");
    assert_eq!(fetched(&scene.gate, &line).await.status, 200, "a straggler still");
    assert_eq!(scene.provider.refreshes(), 1);
}

#[tokio::test]
async fn c101_a_client_that_leaves_cancels_nothing() {
    let scene = expired().await;
    scene.provider.latency(400);
    let line = scene.visitor.session_line();
    let leaving = {
        let visitor = scene.gate.visitor();
        let request = ask("GET", "/").fetching().cookie(&line);
        tokio::spawn(async move { visitor.send(request).await.status })
    };
    wait(150).await;
    leaving.abort();
    wait(500).await;
    assert_eq!(scene.provider.refreshes(), 1);
    let answer = fetched(&scene.gate, &line).await;
    assert_eq!(answer.status, 200, "C-101, rule 2: the result was kept");
    assert!(answer.sets("askara").is_some());
    assert_eq!(scene.provider.refreshes(), 1, "C-101");
}

#[tokio::test]
async fn half_of_the_clients_leave_and_the_others_are_served() {
    let scene = expired().await;
    scene.provider.latency(400);
    let line = scene.visitor.session_line();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let visitor = scene.gate.visitor();
            let request = ask("GET", "/").fetching().cookie(&line);
            tokio::spawn(async move { visitor.send(request).await.status })
        })
        .collect();
    wait(150).await;
    for (n, task) in tasks.into_iter().enumerate() {
        match n % 2 {
            0 => task.abort(),
            _ => assert_eq!(task.await.unwrap(), 200),
        }
    }
    assert_eq!(scene.provider.refreshes(), 1);
}

#[tokio::test]
async fn sessions_of_different_people_do_not_wait_for_each_other() {
    let scene = signed_in(Provider::with_token_life(LIFE).await).await;
    scene.provider.names_subject("43");
    let other = scene.gate.visitor();
    other.login().await;
    wait(PAST_EXPIRY).await;
    // Tokens that are issued from here on belong to nobody in particular: only one person refreshes.
    scene.provider.names_subject("42");
    scene.provider.token_life(3600);
    assert_eq!(scene.visitor.fetch("/").await.status, 200);
    let users: Vec<_> = scene.app.requests();
    let last = users.last().unwrap();
    assert_eq!(last.header("x-forwarded-user"), Some("42"));
    assert_eq!(scene.provider.refreshes(), 1);
}

#[tokio::test]
async fn a_session_goes_through_many_refreshes() {
    let scene = signed_in(Provider::with_token_life(LIFE).await).await;
    let first = scene.visitor.session().unwrap();
    for round in 1..=2 {
        wait(PAST_EXPIRY).await;
        assert_eq!(scene.visitor.fetch("/").await.status, 200, "round {round}");
    }
    assert_eq!(scene.provider.refreshes(), 2);
    assert_ne!(scene.visitor.session().unwrap(), first);
    let request = scene.provider.last_token_request();
    assert!(request.content_type.starts_with("application/json"));
    assert_eq!(request.body["client_secret"], CLIENT_SECRET);
    assert!(request.body.get("code").is_none());
}

#[tokio::test]
async fn c97_an_answer_without_a_refresh_token_keeps_the_old_one() {
    let provider = Provider::with_token_life(LIFE).await;
    provider.does_not_rotate();
    let scene = signed_in(provider).await;
    for round in 1..=2 {
        wait(PAST_EXPIRY).await;
        assert_eq!(scene.visitor.fetch("/").await.status, 200, "C-97: round {round}");
    }
    assert_eq!(scene.provider.refreshes(), 2, "C-97");
}

#[tokio::test]
async fn c102_claims_outlive_a_refresh_that_brings_none() {
    let scene = expired().await;
    scene.provider.fails_me(Fault::status(500));
    assert_eq!(scene.visitor.fetch("/").await.status, 200, "C-102, rule 7");
    let seen = scene.app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("42"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
}

#[tokio::test]
async fn c102_another_subject_ends_the_session() {
    let scene = expired().await;
    scene.provider.names_subject("666");
    let answer = scene.visitor.fetch("/").await;
    assert_eq!(answer.status, 401, "C-102, rule 7");
    assert!(scene.app.requests().is_empty(), "no request with another's identity");
    assert_eq!(scene.visitor.fetch("/").await.status, 401);
}

#[tokio::test]
async fn without_a_refresh_token_the_session_ends_at_expiry() {
    let provider = Provider::with_token_life(LIFE).await;
    provider.gives_no_refresh_tokens();
    let scene = signed_in(provider).await;
    assert_eq!(scene.visitor.fetch("/").await.status, 200);
    wait(PAST_EXPIRY).await;
    assert_eq!(scene.visitor.fetch("/").await.status, 401);
    scene.visitor.login_at("/again").await;
    assert_eq!(scene.provider.refreshes(), 0);
    assert_eq!(scene.app.last().target, "/again");
}

#[tokio::test]
async fn c95_expires_in_counts_however_it_is_written() {
    let spellings: [fn(&Provider); 3] = [
        Provider::writes_expires_in_as_text,
        Provider::writes_expires_in_as_float,
        Provider::leaves_out_expires_in,
    ];
    // Longer than elsewhere: an `exp` of a fraction of a second less must not end it twice.
    let scenes = spellings.map(|writes| async move {
        let provider = Provider::with_token_life(LIFE + 2).await;
        writes(&provider);
        signed_in(provider).await
    });
    let scenes = join_all(scenes).await;
    wait(PAST_EXPIRY + 2000).await;
    for (n, scene) in scenes.iter().enumerate() {
        assert_eq!(scene.visitor.fetch("/").await.status, 200, "C-95: {n}");
        assert_eq!(scene.provider.refreshes(), 1, "C-95: {n}");
    }
}

#[tokio::test]
async fn signing_out_during_a_refresh_stays_signed_out() {
    let scene = expired().await;
    scene.provider.latency(500);
    let line = scene.visitor.session_line();
    let (answer, ()) = tokio::join!(fetched(&scene.gate, &line), async {
        wait(150).await;
        let leave = ask("POST", "/oauth2/sign_out").same_origin().cookie(&line);
        scene.gate.send(leave).await;
    });
    assert!(matches!(answer.status, 200 | 401), "{}", answer.status);
    assert_eq!(fetched(&scene.gate, &line).await.status, 401, "C-32");
    if let Some(late) = answer.sets("askara") {
        let late = format!("askara={}", late.value);
        assert_eq!(fetched(&scene.gate, &late).await.status, 401, "its successor too");
    }
}
