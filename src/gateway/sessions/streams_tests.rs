use futures_util::FutureExt as _;
use tokio::time::timeout;

use super::*;
use crate::auth::session::testing::session;

const LONG: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(5);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

/// A session whose id is 16 times this byte, made at 100.
fn open(byte: u8, change: impl Fn(&mut Session)) -> Arc<OpenSession> {
    let mut session = session(100, 100, 400);
    session.id = SessionId::from_bytes([byte; 16]);
    session.ends = at(100 + 7200);
    change(&mut session);
    Arc::new(OpenSession::new(session, 0).unwrap())
}

fn is_over(leash: &mut Leash) -> bool {
    leash.ended().now_or_never().is_some()
}

fn ending(whom: Whom) -> Ending {
    Ending { whom, before: at(200), until: at(9000) }
}

#[tokio::test]
async fn a_session_that_ends_takes_all_of_its_streams_and_no_other() {
    let streams = Streams::new(LONG, Duration::ZERO);
    let (one, other) = (open(1, |_| {}), open(17, |_| {}));
    let mut held = [&one, &one, &other].map(|open| streams.attach(open, at(150)));
    assert_eq!(streams.count(), 3);
    assert!(!held.iter_mut().any(is_over));
    streams.end_session(&one.session);
    assert_eq!(held.each_mut().map(is_over), [true, true, false]);
    assert_eq!(streams.count(), 1);
    assert!(is_over(&mut held[0]), "it stays so");
}

#[tokio::test]
async fn a_stream_that_is_gone_is_forgotten() {
    let streams = Streams::new(LONG, Duration::ZERO);
    let open = open(1, |_| {});
    let (first, second) = (streams.attach(&open, at(150)), streams.attach(&open, at(150)));
    drop(first);
    assert_eq!(streams.count(), 1);
    streams.end_session(&open.session);
    drop(second);
    assert_eq!(streams.count(), 0);
    assert!(streams.shards.iter().all(|shard| lock(shard).is_empty()), "nothing is left behind");
}

#[tokio::test]
async fn whoever_waits_is_told_from_another_thread() {
    let streams = Streams::new(LONG, Duration::ZERO);
    let open = open(1, |_| {});
    let mut leash = streams.attach(&open, at(150));
    let teller = Arc::clone(&streams);
    let telling = std::thread::spawn(move || teller.end_session(&open.session));
    timeout(SOON, leash.ended()).await.expect("it is told");
    telling.join().unwrap();
}

#[tokio::test]
async fn an_ending_takes_the_streams_of_every_session_that_it_covers() {
    let streams = Streams::new(LONG, Duration::ZERO);
    let of = |byte, user: &'static str, organization: &'static str| {
        open(byte, |session| {
            session.identity.user = user.to_owned();
            session.identity.organization = Some(organization.to_owned());
        })
    };
    let all = [of(1, "ada", "acme"), of(2, "ada", "other"), of(3, "bob", "acme")];
    let text = |text: &str| text.to_owned();
    for (whom, over) in [
        (Whom::User(text("ada")), [true, true, false]),
        (Whom::Organization(text("acme")), [true, false, true]),
        (Whom::Named(all[2].session.id.short()), [false, false, true]),
        (Whom::Session(all[1].session.id), [false, true, false]),
        (Whom::User(text("eve")), [false; 3]),
        (Whom::Everyone, [true; 3]),
    ] {
        let mut held = [0, 1, 2].map(|n: usize| streams.attach(&all[n], at(150)));
        let earlier = Ending { before: at(99), ..ending(whom.clone()) };
        if !matches!(whom, Whom::Named(_) | Whom::Session(_)) {
            streams.end(&earlier);
            assert_eq!(held.each_mut().map(is_over), [false; 3], "{whom:?}: made after it");
        }
        streams.end(&ending(whom.clone()));
        assert_eq!(held.each_mut().map(is_over), over, "{whom:?}");
    }
}

#[tokio::test]
async fn the_end_of_one_session_waits_for_no_other_shard() {
    let streams = Streams::new(LONG, Duration::ZERO);
    let open = open(1, |_| {});
    let mut leash = streams.attach(&open, at(150));
    let busy: Vec<_> = (0..SHARDS).filter(|n| *n != 1).map(|n| lock(&streams.shards[n])).collect();
    let teller = Arc::clone(&streams);
    std::thread::spawn(move || teller.end_session(&open.session));
    timeout(SOON, leash.ended()).await.expect("only its own shard is looked into");
    drop(busy);
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_for_as_long_as_the_grace_says() {
    let streams = Streams::new(LONG, Duration::from_secs(30));
    let open = open(1, |_| {});
    let mut leash = streams.attach(&open, at(150));
    streams.end_session(&open.session);
    assert!(timeout(Duration::from_secs(29), leash.ended()).await.is_err(), "not yet");
    timeout(Duration::from_secs(2), leash.ended()).await.expect("C-80: after the grace");
    let mut late = streams.attach(&open, at(150));
    late.end();
    assert!(is_over(&mut late), "nothing begins in the grace of another");
}

#[tokio::test]
async fn a_stream_ends_with_the_absolute_end_of_its_session() {
    let brief = |session: &mut Session| session.ends = at(150).plus(Duration::from_millis(40));
    let streams = Streams::new(LONG, Duration::ZERO);
    let mut leash = streams.attach(&open(1, brief), at(150));
    assert!(!is_over(&mut leash));
    timeout(SOON, leash.ended()).await.expect("C-80: at the end of the session");
    // The configuration may have set a shorter limit than the one that was sealed.
    let streams = Streams::new(Duration::from_secs(60), Duration::ZERO);
    let mut leash = streams.attach(&open(1, |_| {}), at(150));
    assert!(!is_over(&mut leash));
    let mut leash = streams.attach(&open(1, |_| {}), at(160));
    timeout(SOON, leash.ended()).await.expect("it is older than sessions may get");
}
