//! Two hundred people, tokens of five seconds, and two of three gateways started again in turn
//! every half minute: nobody is lost, and the third one grows neither in memory nor in open files.
//! Half of the time with coordination, half with sessions in Redis.

use std::time::{Duration, Instant};

use crate::crowd::Browsing;
use crate::harness::*;
use crate::stage::*;

const PEOPLE: usize = 200;
const TOKEN_LIFE: u64 = 5;
/// Between two requests of one person, in milliseconds.
const PAUSE: u64 = 1500;
const RESTART_EVERY: Duration = Duration::from_secs(30);
/// How long it takes in all, unless SOAK_SECONDS says otherwise.
const SECONDS: u64 = 600;

/// What the gateway that is never restarted holds.
#[derive(Clone, Copy, Debug)]
struct Sample {
    memory: u64,
    descriptors: usize,
}

#[tokio::test]
#[ignore = "a long part: tests/long/soak"]
async fn soak() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(SECONDS, |text| text.parse().unwrap());
    for configuration in [Coordinated, Stored] {
        of(configuration, Duration::from_secs(seconds / 2)).await;
    }
}

async fn of(configuration: Configuration, time: Duration) {
    let provider = Provider::with_token_life(TOKEN_LIFE).await;
    provider.tells_logins_apart();
    provider.revokes_family_on_reuse();
    let mut stage = Plan::of(configuration).retrying().workers(1).start(provider).await;
    let people = stage.signed_in(PEOPLE).await;
    let browsing = Browsing::begin(&people, PAUSE);
    let samples = watch(&mut stage, time).await;
    let tally = browsing.end().await;

    let provider = &stage.provider;
    println!(
        "{configuration:?}, {} s: {} answers, {tally} of them not 200; {} tokens renewed with {} \
         calls; {} logins",
        time.as_secs(),
        tally.all(),
        provider.spent_tokens(),
        provider.refreshes(),
        provider.exchanges(),
    );
    assert_eq!(tally.other_than_200(), 0, "{configuration:?}: {tally}");
    assert_eq!((provider.most_spends(), provider.refused_spends()), (1, 0));
    assert_eq!(provider.exchanges(), PEOPLE, "nobody signed in again");
    for visitor in &people {
        assert_eq!(visitor.fetch("/").await.status, 200);
    }
    assert_flat(configuration, &samples);
}

/// Restarts gateways in turn, and notes every second what the first one holds.
async fn watch(stage: &mut Stage, time: Duration) -> Vec<Sample> {
    let (begun, mut restarts) = (Instant::now(), 0);
    let mut samples = Vec::new();
    while begun.elapsed() < time {
        wait(1000).await;
        let gate = stage.gate(0);
        samples.push(Sample { memory: gate.memory(), descriptors: gate.descriptors() });
        stage.assert_own_identity();
        if begun.elapsed() > RESTART_EVERY * (restarts + 1) {
            stage.restart(1 + restarts as usize % 2).await;
            restarts += 1;
        }
    }
    println!("{restarts} restarts");
    samples
}

/// A minute once the caches are full, against the last one; both shorter where the whole is. What
/// was opened lately is kept by the thousand, and every renewal makes a new cookie. nginx keeps 64
/// connections, and a restart moves them to the others; the fewest of a minute are those that stay.
fn assert_flat(configuration: Configuration, samples: &[Sample]) {
    let minute = (samples.len() / 5).clamp(1, 60);
    let warm = samples.len() * 2 / 5;
    let held = |part: &[Sample]| {
        let memory = part.iter().map(|sample| sample.memory).sum::<u64>() / part.len() as u64;
        (memory, part.iter().map(|sample| sample.descriptors).min().unwrap())
    };
    let (memory, descriptors) = held(&samples[warm..warm + minute]);
    let (memory_then, descriptors_then) = held(&samples[samples.len() - minute..]);
    println!(
        "{configuration:?}: memory {memory} KiB, at the end {memory_then} KiB; at least \
         {descriptors} open files, at the end {descriptors_then}; all along {:?}",
        samples.chunks(minute).map(held).collect::<Vec<_>>(),
    );
    assert!(memory_then < memory + memory / 8 + 2048, "{configuration:?}: memory grows");
    assert!(descriptors_then < descriptors + 64, "{configuration:?}: open files grow");
}
