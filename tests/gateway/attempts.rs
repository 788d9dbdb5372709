//! Attempts to sign in that are too old, or from the future (C-14): sealed with the gateway's own
//! key, so that nothing but their age is wrong with them.

use askara_gate::auth::asking::Asking;
use askara_gate::auth::client_call::Moment;
use askara_gate::auth::cookie::CookieStyle;
use askara_gate::auth::login::AwaitCallback;
use askara_gate::auth::seal::{KeyRing, Purpose};
use askara_gate::auth::{Entropy, Timestamp};
use askara_gate::config::{Config, Environment, Sources};
use askara_gate::secret::SealKey;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::harness::*;

struct Dice;

impl Entropy for Dice {
    fn fill(&mut self, out: &mut [u8]) {
        getrandom::fill(out).unwrap();
    }
}

/// The cookie and the state of an attempt that began at `began`.
fn attempt(gate: &Gate, key: &str, began: u64) -> (String, String) {
    let sources = Sources { file: Some(gate.home().join("gate.toml")), ..Sources::default() };
    let config = Config::load(&sources, &Environment::of(&[])).unwrap();
    let provider = config.providers[0].settings.complete(None).unwrap();
    let redirect_uri = format!("{}{CALLBACK}", gate.base());
    let moment = Moment { now: Timestamp::from_unix(began), entropy: &mut Dice };
    let begun = AwaitCallback::begin(&provider, redirect_uri, "/page", &Asking::default(), moment);
    let state = begun.parameters.pairs().find(|(name, _)| *name == "state").unwrap().1.to_owned();
    let name = CookieStyle::new(false, None).attempt_name(&begun.attempt.digest());
    let key: [u8; 32] = STANDARD.decode(key).unwrap().try_into().unwrap();
    let ring = KeyRing::new(&[SealKey::new(key)], config.public.host.as_str()).unwrap();
    let sealed = ring.seal(Purpose::Attempt, &name, &begun.attempt.to_bytes(), &mut Dice);
    (format!("{name}={}", URL_SAFE_NO_PAD.encode(sealed)), state)
}

#[tokio::test]
async fn c14_an_attempt_is_good_for_ten_minutes_and_not_from_the_future() {
    let (provider, app, key) = (Provider::start().await, App::start().await, random_key());
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("client_secret = \"not the right one\"")
        .with_upstream(&app)
        .with_keys(&[&key])
        .with_table(LOG)
        .start()
        .await;
    let now = unix_now();
    for (began, takes) in [
        (now - 11 * 60, false),
        (now - 60 * 60, false),
        (now + 2 * 60, false),
        (now - 9 * 60, true),
        (now + 30, true),
    ] {
        let before = provider.token_calls();
        let (cookie, state) = attempt(&gate, &key, began);
        let target = format!("{CALLBACK}?code=abc&state={state}");
        let answer = gate.send(ask("GET", &target).navigating().cookie(&cookie)).await;
        assert_own_page(&answer);
        let page = shown(&answer);
        assert_eq!(provider.token_calls() - before, usize::from(takes), "C-14: {began}");
        assert!(answer.clears(cookie.split('=').next().unwrap()), "C-14: one use");
        assert_eq!(page.again.as_deref(), Some("/oauth2/start?rd=%2Fpage"), "C-14: {began}");
        if !takes {
            let told = (page.status, page.heading.as_str());
            assert_eq!(told, (403, heading::LOGIN_EXPIRED), "C-14: {began}");
            let line = gate.logged(&page.reference).await;
            assert_eq!(line["level"], "INFO", "{line}");
            assert!(line["failure"].as_str().unwrap().contains("Expired"), "{line}");
        }
    }
}
