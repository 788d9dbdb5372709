//! When a session's token is renewed, and what an answer to that means (sessions.md).
//!
//! 1. In the early window a request goes on with the token that holds, and the refresh runs
//!    beside it; only past expiry does anyone wait (rule 3).
//! 2. One refresh at a time; an older generation never spends its token while a newer one is
//!    known (rules 1 and 4).
//! 3. Only the provider's clear word ends a session, and only once its access token is over;
//!    every other failure backs off and leaves the session as it is (rule 5).

use std::time::Duration;

use super::token_call::TokenFailure;
use super::tokens::Tokens;
use super::{CLOCK_SKEW, Timestamp};

/// When renewal is due.
#[derive(Clone, Copy, Debug)]
pub struct RefreshPolicy {
    /// The part of an access token's life after which it is renewed, between 0 and 1.
    pub at: f64,
    /// How long a successor is kept at most.
    pub keep_at_most: Duration,
}

/// Where a token stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Fresh,
    /// In the early window: it still holds, and it is time to renew it.
    Due,
    Expired,
}

/// What this process knows of a session beyond its cookie.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Signed out, or ended for good: nothing brings it back.
    pub revoked: bool,
    /// A refresh is under way.
    pub flying: bool,
    /// The generation whose refresh token the provider refused for good.
    pub refused: Option<u32>,
    failures: u32,
    failed: Option<Timestamp>,
    /// Whether the last failure was the provider's.
    provider_away: bool,
    jitter: u8,
}

/// What to do with a request of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on with the token there is.
    Serve,
    /// Go on with it, and renew beside the request.
    ServeAndRenew,
    /// Renew, then go on.
    RenewAndWait,
    /// Wait for the refresh that is under way.
    Wait,
    /// Nothing can be known now: 503, and the session is kept.
    Unavailable { retry_after: Duration },
    /// The session is over.
    End,
}

/// Whom a failed refresh speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The provider ended the session.
    Definitive,
    /// The gateway's own registration is at fault, and no person's session.
    Operator,
    /// It may be different in a moment.
    Passing,
    /// The provider was not asked: another replica may be renewing the session, or nobody can know.
    Unasked,
}

/// Holds a provider that fails back from being asked by every session at once.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    failed: Option<Timestamp>,
    /// When the probe under way began.
    probing: Option<Timestamp>,
}

/// Why a provider is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBack {
    /// Another call is finding out whether it is back.
    ByProbe,
    /// It failed a moment ago.
    ForNow,
}

impl RefreshPolicy {
    /// Where a token stands.
    pub fn standing(&self, tokens: &Tokens, now: Timestamp) -> Standing {
        if now >= tokens.expires {
            return Standing::Expired;
        }
        let life = tokens.expires.since(tokens.issued);
        let mut early = life.mul_f64(self.at.clamp(0.0, 1.0));
        if life >= SHORT_LIFE {
            early = early.min(life - LATEST_START);
        }
        if now >= tokens.issued.plus(early) { Standing::Due } else { Standing::Fresh }
    }

    /// Until when a successor made at `made` is kept: until the browser has shown it and a minute
    /// more, for stragglers that still carry the old one, and never longer than the limit.
    pub fn keep_until(&self, made: Timestamp, shown: Option<Timestamp>) -> Timestamp {
        let most = made.plus(self.keep_at_most);
        shown.map_or(most, |shown| shown.plus(STRAGGLERS).min(most))
    }
}

impl Known {
    /// Decides on a request that carries `generation`.
    pub fn decide(
        &self,
        tokens: &Tokens,
        generation: u32,
        standing: Standing,
        now: Timestamp,
    ) -> Step {
        if self.revoked {
            return Step::End;
        }
        // What came before a generation that was refused was spent for it.
        let refused = self.refused.is_some_and(|refused| generation <= refused);
        let hopeless = tokens.refresh.is_none() || refused;
        match standing {
            Standing::Fresh => Step::Serve,
            Standing::Due if hopeless || self.flying => Step::Serve,
            Standing::Due if self.not_before(tokens, standing, now) > Some(now) => Step::Serve,
            Standing::Due => Step::ServeAndRenew,
            Standing::Expired if hopeless => Step::End,
            Standing::Expired if self.flying => Step::Wait,
            Standing::Expired => match self.not_before(tokens, standing, now) {
                Some(then) if then > now => Step::Unavailable { retry_after: then.since(now) },
                _ => Step::RenewAndWait,
            },
        }
    }

    /// Notes that a refresh succeeded: whatever failed before is over.
    pub fn renewed(&mut self) {
        *self = Self { flying: self.flying, revoked: self.revoked, ..Self::default() };
    }

    /// Notes that a refresh of `generation` failed.
    pub fn failed(&mut self, verdict: Verdict, generation: u32, now: Timestamp, jitter: u8) {
        if verdict == Verdict::Definitive {
            self.refused = Some(generation);
        }
        self.provider_away = matches!(verdict, Verdict::Operator | Verdict::Passing);
        self.failures = self.failures.saturating_add(1);
        self.failed = Some(now);
        self.jitter = jitter;
    }

    /// Notes which generation a browser has. True when the provider refused us one before it: then
    /// another replica spent that token first, and ours was no word on the session (rule 6).
    pub fn overtaken(&mut self, generation: u32) -> bool {
        let overtaken = self.refused.is_some_and(|refused| refused < generation);
        if overtaken {
            self.renewed();
        }
        overtaken
    }

    /// Whether its token was to be renewed, and the provider was away.
    pub fn is_held_up(&self) -> bool {
        self.provider_away && self.refused.is_none()
    }

    /// How long ago the provider refused, if it did. Another replica may have been first: its
    /// answer may be on its way to the browser, and a cookie cleared now could wipe out its own.
    pub fn refused_for(&self, now: Timestamp) -> Option<Duration> {
        let refused = self.failed.filter(|_| self.refused.is_some() && !self.revoked);
        refused.map(|refused| now.since(refused))
    }

    /// Past expiry people wait for it, so the next try comes after a second, and the first one at
    /// once; before it, nobody does, and the pause grows, spread by jitter.
    fn not_before(&self, tokens: &Tokens, standing: Standing, now: Timestamp) -> Option<Timestamp> {
        let failed = self.failed.filter(|failed| !is_from_before(*failed, now))?;
        let pause = match standing {
            Standing::Expired if failed < tokens.expires => return None,
            Standing::Expired => WAITED_FOR,
            Standing::Fresh | Standing::Due => {
                let pause = backoff(self.failures);
                pause + pause.mul_f64(f64::from(self.jitter) / 510.0)
            }
        };
        Some(failed.plus(pause))
    }
}

impl Breaker {
    /// Whether the provider may be asked now. A yes after failures is the one probe until
    /// [`Self::answered`] or [`Self::failed`]. For a token that has expired the pause does not
    /// grow: people wait for it.
    pub fn admit(&mut self, now: Timestamp, standing: Standing) -> Result<(), HeldBack> {
        let failed = self.failed.filter(|failed| !is_from_before(*failed, now));
        let Some(failed) = failed.filter(|_| self.failures >= TOLERATED) else {
            return Ok(());
        };
        let pause = backoff(self.failures - TOLERATED);
        let pause = if standing == Standing::Expired { pause.min(WAITED_FOR) } else { pause };
        let next = failed.plus(pause);
        // A probe whose task died says nothing any more: it must not hold the others for ever.
        let probing = self.probing.filter(|began| !is_from_before(*began, now));
        let probing = probing.is_some_and(|began| now.since(began) < PROBE_LAPSES);
        if probing {
            return Err(HeldBack::ByProbe);
        }
        if now < next {
            return Err(HeldBack::ForNow);
        }
        self.probing = Some(now);
        Ok(())
    }

    /// The provider answered, whatever it said.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// The provider did not answer, or with nonsense.
    pub fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.failed = Some(now);
        self.probing = None;
    }
}

/// Judges a failed refresh (rule 5).
pub fn verdict(failure: &TokenFailure) -> Verdict {
    match failure {
        TokenFailure::Refused { error, .. } => match error.as_str() {
            // league's kind of server answers `invalid_request` to a revoked refresh token.
            "invalid_grant" | "invalid_request" => Verdict::Definitive,
            "invalid_client"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope" => Verdict::Operator,
            _ => Verdict::Passing,
        },
        TokenFailure::Status(_) | TokenFailure::Unreadable(_) => Verdict::Passing,
    }
}

/// Whether a failed refresh speaks of the provider as a whole, and not of one session: only that
/// holds the others back.
pub fn is_outage(failure: &TokenFailure) -> bool {
    match failure {
        TokenFailure::Refused { .. } => verdict(failure) == Verdict::Operator,
        TokenFailure::Status(status) => *status >= 500 || *status == 429,
        TokenFailure::Unreadable(_) => true,
    }
}

/// Whether a moment is from before the clock was set back: nothing is known of its age, and no
/// pause that began with it may last until the clock is there again (C-103).
fn is_from_before(moment: Timestamp, now: Timestamp) -> bool {
    moment.since(now) > CLOCK_SKEW
}

fn backoff(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(5)).min(LONGEST_PAUSE)
}

/// A life shorter than this is renewed at its fraction alone.
const SHORT_LIFE: Duration = Duration::from_secs(240);
/// Renewal starts at least this long before the end.
const LATEST_START: Duration = Duration::from_secs(60);
/// How long an old generation is still answered after the new one was shown.
const STRAGGLERS: Duration = Duration::from_secs(60);
/// Between two tries for a token that people wait for.
const WAITED_FOR: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const PROBE_LAPSES: Duration = Duration::from_secs(60);
/// So many failures in a row are single accidents; one more and the provider is held to be down.
const TOLERATED: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::testing::session;

    const POLICY: RefreshPolicy =
        RefreshPolicy { at: 0.75, keep_at_most: Duration::from_secs(600) };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn the_early_window_begins_at_the_fraction_and_a_minute_before_the_end_at_the_latest() {
        for (life, at_fraction, now, standing) in [
            (3600, 0.75, 2699, Standing::Fresh),
            (3600, 0.75, 2700, Standing::Due),
            (3600, 0.75, 3599, Standing::Due),
            (3600, 0.75, 3600, Standing::Expired),
            (3600, 1.0, 3539, Standing::Fresh),
            (3600, 1.0, 3540, Standing::Due),
            (240, 0.9, 180, Standing::Due),
            (100, 0.9, 89, Standing::Fresh),
            (100, 0.9, 90, Standing::Due),
            (0, 0.75, 0, Standing::Expired),
        ] {
            let policy = RefreshPolicy { at: at_fraction, ..POLICY };
            let session = session(1000, 1000, 1000 + life);
            assert_eq!(policy.standing(&session.tokens, at(1000 + now)), standing, "{life} {now}");
        }
    }

    #[test]
    fn a_request_waits_only_past_expiry_and_ends_only_by_a_clear_word() {
        let flying = Known { flying: true, ..Known::default() };
        let refused = Known { refused: Some(0), ..Known::default() };
        let refused_later = Known { refused: Some(3), ..Known::default() };
        let revoked = Known { revoked: true, ..Known::default() };
        let mut failed = Known::default();
        failed.failed(Verdict::Passing, 0, at(100), 0);
        let later = Step::Unavailable { retry_after: Duration::from_secs(1) };
        for (name, known, fresh, due, expired) in [
            ("nothing", Known::default(), Step::Serve, Step::ServeAndRenew, Step::RenewAndWait),
            ("flying", flying, Step::Serve, Step::Serve, Step::Wait),
            ("refused", refused, Step::Serve, Step::Serve, Step::End),
            ("a later one refused", refused_later, Step::Serve, Step::Serve, Step::End),
            ("revoked", revoked, Step::End, Step::End, Step::End),
            ("failed just now", failed, Step::Serve, Step::Serve, later),
        ] {
            let tokens = session(0, 0, 10).tokens;
            for (standing, step) in
                [(Standing::Fresh, fresh), (Standing::Due, due), (Standing::Expired, expired)]
            {
                assert_eq!(
                    known.decide(&tokens, 0, standing, at(100)),
                    step,
                    "{name} {standing:?}"
                );
            }
        }
    }

    #[test]
    fn a_generation_after_the_one_that_was_refused_is_renewed() {
        let refused = Known { refused: Some(3), ..Known::default() };
        let tokens = session(0, 0, 10).tokens;
        let decide = |generation| refused.decide(&tokens, generation, Standing::Due, at(9));
        assert_eq!([decide(2), decide(3)], [Step::Serve; 2]);
        assert_eq!(decide(4), Step::ServeAndRenew);
    }

    #[test]
    fn without_a_refresh_token_a_session_serves_to_its_end() {
        let mut tokens = session(0, 0, 10).tokens;
        tokens.refresh = None;
        let decide = |standing| Known::default().decide(&tokens, 0, standing, at(5));
        assert_eq!(decide(Standing::Due), Step::Serve);
        assert_eq!(decide(Standing::Expired), Step::End);
    }

    #[test]
    fn the_pause_grows_before_expiry_and_stays_a_second_after_it() {
        let tokens = session(0, 0, 10).tokens;
        let mut known = Known::default();
        for _ in 0..4 {
            known.failed(Verdict::Passing, 0, at(100), 255);
        }
        let decide = |standing, now| known.decide(&tokens, 0, standing, at(now));
        assert_eq!(decide(Standing::Due, 123), Step::Serve);
        assert_eq!(decide(Standing::Due, 124), Step::ServeAndRenew);
        assert_eq!(decide(Standing::Expired, 101), Step::RenewAndWait);
    }

    #[test]
    fn what_failed_before_expiry_delays_nobody_past_it() {
        let tokens = session(0, 0, 10).tokens;
        for (failed, step) in [
            (9, Step::RenewAndWait),
            (10, Step::Unavailable { retry_after: Duration::from_secs(1) }),
        ] {
            let mut known = Known::default();
            known.failed(Verdict::Passing, 0, at(failed), 0);
            assert_eq!(known.decide(&tokens, 0, Standing::Expired, at(10)), step, "{failed}");
        }
    }

    #[test]
    fn c103_a_clock_that_is_set_back_holds_nobody_back() {
        let tokens = session(0, 0, 10).tokens;
        let (mut known, mut breaker) = (Known::default(), Breaker::default());
        for _ in 0..=TOLERATED {
            known.failed(Verdict::Passing, 0, at(4000), 255);
            breaker.failed(at(4000));
        }
        assert_eq!(known.decide(&tokens, 0, Standing::Expired, at(400)), Step::RenewAndWait);
        assert_eq!(known.decide(&tokens, 0, Standing::Due, at(400)), Step::ServeAndRenew);
        assert_eq!(breaker.admit(at(400), Standing::Due), Ok(()));
    }

    #[test]
    fn one_probe_at_a_time_goes_to_a_provider_that_is_down() {
        let mut breaker = Breaker::default();
        for _ in 0..TOLERATED {
            assert_eq!(breaker.admit(at(100), Standing::Due), Ok(()));
            breaker.failed(at(100));
        }
        assert_eq!(breaker.admit(at(100), Standing::Due), Err(HeldBack::ForNow));
        assert_eq!(breaker.admit(at(101), Standing::Due), Ok(()));
        assert_eq!(breaker.admit(at(150), Standing::Due), Err(HeldBack::ByProbe));
        assert_eq!(breaker.admit(at(161), Standing::Due), Ok(()), "the first probe died");
        breaker.answered();
        assert_eq!(breaker.admit(at(150), Standing::Due), Ok(()));
    }

    #[test]
    fn people_wait_a_second_for_the_next_probe_however_long_the_provider_was_down() {
        let mut breaker = Breaker::default();
        for _ in 0..TOLERATED + 9 {
            breaker.failed(at(100));
        }
        assert_eq!(breaker.admit(at(100), Standing::Expired), Err(HeldBack::ForNow));
        assert_eq!(breaker.admit(at(129), Standing::Due), Err(HeldBack::ForNow), "nobody waits");
        assert_eq!(breaker.admit(at(101), Standing::Expired), Ok(()));
        assert_eq!(breaker.admit(at(101), Standing::Expired), Err(HeldBack::ByProbe));
    }

    #[test]
    fn only_the_providers_clear_word_is_definitive() {
        for (error, read) in [
            ("invalid_grant", Verdict::Definitive),
            ("invalid_request", Verdict::Definitive),
            ("invalid_client", Verdict::Operator),
            ("unauthorized_client", Verdict::Operator),
            ("unsupported_grant_type", Verdict::Operator),
            ("invalid_scope", Verdict::Operator),
            ("temporarily_unavailable", Verdict::Passing),
            ("whatever", Verdict::Passing),
        ] {
            assert_eq!(verdict(&TokenFailure::refused_for_test(error)), read, "{error}");
        }
        assert!(!is_outage(&TokenFailure::refused_for_test("whatever")));
        assert!(is_outage(&TokenFailure::refused_for_test("invalid_client")));
        assert!(is_outage(&TokenFailure::Status(503)) && !is_outage(&TokenFailure::Status(400)));
        assert_eq!(verdict(&TokenFailure::Status(503)), Verdict::Passing);
        assert_eq!(verdict(&TokenFailure::Status(400)), Verdict::Passing);
    }

    #[test]
    fn a_successor_is_kept_until_it_was_shown_and_a_minute_more() {
        for (shown, until) in [(None, 700), (Some(150), 210), (Some(690), 700)] {
            assert_eq!(POLICY.keep_until(at(100), shown.map(at)), at(until));
        }
    }
}
