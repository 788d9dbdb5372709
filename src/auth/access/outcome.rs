//! What a rule answers, and how answers are joined.
//!
//! | | `all` | `any` | `not` |
//! |---|---|---|---|
//! | first | no: nothing helps | yes | |
//! | then | can't be told | step up | yes ↔ no |
//! | then | needs a session | needs a session | all others stay |
//! | then | step up, all wants joined | can't be told | |
//! | last | yes | no | |

use std::time::Duration;

use crate::auth::step_up::Wanted;

/// What a rule answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// With what the operator says of it.
    False {
        message: Option<&'a str>,
    },
    /// Nobody is signed in, and somebody might pass.
    NeedsSession,
    /// Somebody is signed in, but not in the way or as recently as the rule wants.
    StepUp(Wanted<'a>),
    True,
    /// It can't be told. That denies, under `not` as well.
    Unclear {
        message: Option<&'a str>,
    },
}

impl<'a> Outcome<'a> {
    /// Yes or no, without a message.
    pub const fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False { message: None } }
    }

    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (no @ Self::False { .. }, _) | (_, no @ Self::False { .. }) => no,
            (unclear @ Self::Unclear { .. }, _) | (_, unclear @ Self::Unclear { .. }) => unclear,
            (Self::NeedsSession, _) | (_, Self::NeedsSession) => Self::NeedsSession,
            (Self::StepUp(one), Self::StepUp(other)) => Self::StepUp(both(one, other)),
            (step_up @ Self::StepUp(_), Self::True) | (Self::True, step_up @ Self::StepUp(_)) => {
                step_up
            }
            (Self::True, Self::True) => Self::True,
        }
    }

    /// One of them is enough; where both could be reached, the first is asked for.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (step_up @ Self::StepUp(_), _) | (_, step_up @ Self::StepUp(_)) => step_up,
            (Self::NeedsSession, _) | (_, Self::NeedsSession) => Self::NeedsSession,
            (
                Self::Unclear { message },
                Self::Unclear { message: other } | Self::False { message: other },
            )
            | (Self::False { message }, Self::Unclear { message: other }) => {
                Self::Unclear { message: message.or(other) }
            }
            (Self::False { message }, Self::False { message: other }) => {
                Self::False { message: message.or(other) }
            }
        }
    }

    /// It must not hold. What a person alone could tell stays open.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::True => Self::False { message: None },
            Self::False { .. } => Self::True,
            open @ (Self::NeedsSession | Self::StepUp(_) | Self::Unclear { .. }) => open,
        }
    }

    /// The operator's words, where no rule deeper inside has its own.
    #[must_use]
    pub fn saying(self, words: Option<&'a str>) -> Self {
        match self {
            Self::False { message } => Self::False { message: message.or(words) },
            Self::Unclear { message } => Self::Unclear { message: message.or(words) },
            other => other,
        }
    }
}

/// What satisfies both. Of two lists of classes the one that lies within the other is asked for,
/// else the first: the other is asked for when that one is met.
fn both<'a>(one: Wanted<'a>, other: Wanted<'a>) -> Wanted<'a> {
    let lies_within = |inner: &[String], outer: &[String]| inner.iter().all(|a| outer.contains(a));
    let acr = if one.acr.is_empty() || !other.acr.is_empty() && lies_within(other.acr, one.acr) {
        other.acr
    } else {
        one.acr
    };
    let ages: [Option<Duration>; 2] = [one.max_age, other.max_age];
    Wanted { acr, max_age: ages.into_iter().flatten().min() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn no(message: Option<&str>) -> Outcome<'_> {
        Outcome::False { message }
    }

    fn step_up() -> Outcome<'static> {
        Outcome::StepUp(Wanted { acr: &[], max_age: Some(Duration::from_secs(1)) })
    }

    fn all() -> [Outcome<'static>; 5] {
        let unclear = Outcome::Unclear { message: None };
        [no(None), unclear, Outcome::NeedsSession, step_up(), Outcome::True]
    }

    #[test]
    fn every_pair_is_joined_by_its_place_in_the_table() {
        let by_all = [0, 1, 2, 3, 4];
        let by_any = [4, 3, 2, 1, 0];
        let first = |order: [usize; 5], one: usize, other: usize| {
            all()[order.into_iter().find(|&at| at == one || at == other).unwrap()].clone()
        };
        for one in 0..5 {
            for other in 0..5 {
                let pair = || (all()[one].clone(), all()[other].clone());
                let (a, b) = pair();
                assert_eq!(a.and(b), first(by_all, one, other), "{:?}", pair());
                let (a, b) = pair();
                assert_eq!(a.or(b), first(by_any, one, other), "{:?}", pair());
            }
        }
    }

    #[test]
    fn joining_three_does_not_depend_on_their_grouping() {
        for one in all() {
            for two in all() {
                for three in all() {
                    let (a, b, c) = (one.clone(), two.clone(), three.clone());
                    assert_eq!(
                        a.clone().and(b.clone()).and(c.clone()),
                        a.clone().and(b.clone().and(c.clone()))
                    );
                    assert_eq!(a.clone().or(b.clone()).or(c.clone()), a.or(b.or(c)));
                }
            }
        }
    }

    #[test]
    fn a_not_turns_only_yes_and_no() {
        for outcome in all() {
            let turned = outcome.clone().negated();
            match outcome {
                Outcome::True => assert_eq!(turned, no(None)),
                Outcome::False { .. } => assert_eq!(turned, Outcome::True),
                open => assert_eq!(turned, open),
            }
        }
    }

    #[test]
    fn wants_are_joined_to_what_satisfies_both() {
        let list = |classes: &[&str]| classes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let seconds = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        for (one, other, acr, max_age) in [
            ((&["a"][..], None), (&[][..], Some(9)), &["a"][..], Some(9)),
            ((&[], Some(3)), (&["b"], Some(9)), &["b"], Some(3)),
            ((&["a", "b"], None), (&["b"], None), &["b"], None),
            ((&["b"], None), (&["a", "b"], None), &["b"], None),
            ((&["a"], None), (&["b"], None), &["a"], None),
        ] {
            let (first, second) = (list(one.0), list(other.0));
            let one = Wanted { acr: &first, max_age: seconds(one.1) };
            let other = Wanted { acr: &second, max_age: seconds(other.1) };
            let both = both(one, other);
            assert_eq!((both.acr, both.max_age), (&list(acr)[..], seconds(max_age)));
        }
    }

    #[test]
    fn the_deepest_words_are_told_and_of_several_the_first() {
        assert_eq!(no(Some("deep")).saying(Some("outer")), no(Some("deep")));
        assert_eq!(no(None).saying(Some("outer")), no(Some("outer")));
        assert_eq!(no(Some("1")).and(no(Some("2"))), no(Some("1")));
        assert_eq!(no(None).or(no(Some("2"))), no(Some("2")));
        assert_eq!(Outcome::True.saying(Some("outer")), Outcome::True);
        assert_eq!(Outcome::NeedsSession.saying(Some("outer")), Outcome::NeedsSession);
    }
}
