//! What each trouble costs in each configuration, as a table in Markdown. What nothing can be done
//! about is in it as well, and named; a cost anywhere else fails.

use futures_util::{StreamExt, stream};

use crate::scene::{Kind, Outcome, Scene, Trouble};
use crate::stage::*;

const PEOPLE: usize = 5;
const CROWD: usize = 100;
/// Scenes mostly wait.
const AT_ONCE: usize = 4;

const TROUBLES: [Trouble; 6] = [
    Trouble::EarlyWindow,
    Trouble::PastExpiry,
    Trouble::ProviderDown,
    Trouble::RedisStopped,
    Trouble::KilledBefore,
    Trouble::KilledBetween,
];

#[tokio::test]
#[ignore = "a long part: tests/long/replicas-table"]
async fn table() {
    println!("\n| {} |", HEAD.join(" | "));
    println!("|{}", "---|".repeat(HEAD.len()));
    let plays = scenes().map(async |scene| (scene, scene.play().await));
    let mut plays = stream::iter(plays).buffered(AT_ONCE);
    let mut wrong = Vec::new();
    while let Some((scene, outcome)) = plays.next().await {
        println!("{}", row(scene, &outcome));
        if !is_as_it_must_be(scene, &outcome) {
            wrong.push((scene, outcome));
        }
    }
    println!("\n{}", NOTES.trim());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn scenes() -> impl Iterator<Item = Scene> {
    Configuration::ALL.into_iter().flat_map(|configuration| {
        [Kind::Rotates, Kind::RevokesFamily].into_iter().flat_map(move |kind| {
            let troubles = TROUBLES.into_iter();
            let possible = move |trouble: &Trouble| {
                *trouble != Trouble::RedisStopped || configuration.has_store()
            };
            troubles.filter(possible).map(move |trouble| Scene {
                configuration,
                kind,
                trouble,
                people: PEOPLE,
                crowd: CROWD,
            })
        })
    })
}

fn row(scene: Scene, outcome: &Outcome) -> String {
    let configuration = match scene.configuration {
        One => "1 process, cookies",
        Alone => "3, cookies, no store",
        Coordinated => "3, cookies, coordination",
        Stored => "3, sessions in Redis",
    };
    let kind = match scene.kind {
        Kind::Rotates => "rotates",
        Kind::RevokesFamily => "revokes the family",
        Kind::Forgives => "forgives reuse",
    };
    let trouble = match scene.trouble {
        Trouble::EarlyWindow => "none, early window",
        Trouble::PastExpiry => "none, past expiry",
        Trouble::ProviderDown => "provider down in the early window",
        Trouble::RedisStopped => "Redis stopped for 10 s",
        Trouble::RedisFrozen => "Redis half-open for 10 s",
        Trouble::KilledBefore => "kill -9 before the provider acts",
        Trouble::KilledBetween => "kill -9 between answer and keeping",
    };
    let calls = outcome.token_calls as f64 / scene.people as f64;
    let note = note(scene).map(|note| format!(" ({note})")).unwrap_or_default();
    format!(
        "| {configuration} | {kind} | {trouble} | {} | {}{note} | {calls:.1} | {} of {} |",
        outcome.tally.with(200),
        outcome.tally,
        outcome.lost,
        scene.people,
    )
}

/// Why a scene may cost something; see [`NOTES`].
fn note(scene: Scene) -> Option<char> {
    match (scene.configuration, scene.kind, scene.trouble) {
        (_, _, Trouble::KilledBetween) => Some('a'),
        (One, _, Trouble::KilledBefore) => Some('b'),
        (Alone, Kind::RevokesFamily, _) => Some('c'),
        (Alone, _, Trouble::PastExpiry | Trouble::KilledBefore | Trouble::ProviderDown) => {
            Some('d')
        }
        _ => None,
    }
}

fn is_as_it_must_be(scene: Scene, outcome: &Outcome) -> bool {
    let tally = &outcome.tally;
    let once = scene.configuration == Alone || outcome.token_calls == scene.people;
    match note(scene) {
        Some('a' | 'c') => true,
        Some('b') => outcome.lost == 0 && tally.clearing == 0,
        Some('d') => {
            let explained = tally.with(401) + tally.with(503);
            outcome.lost == 0 && tally.clearing == 0 && tally.other_than_200() == explained
        }
        _ => once && outcome.lost == 0 && tally.other_than_200() == 0,
    }
}

const HEAD: [&str; 7] = [
    "gateways",
    "provider",
    "trouble",
    "answers 200",
    "other answers",
    "token calls per rotation",
    "sessions lost",
];

const NOTES: &str = "
(a) The provider gave the new refresh token to a process that died before it could keep it: with
rotation the session is over for everybody.
(b) There is no other process to ask; nginx says so.
(c) Replicas that share nothing both spend a token, and this provider takes the session back.
(d) Past expiry a replica that spent the token second has no token that holds: the browser is told
so, keeps its cookie, and goes on with the winner's.
";
