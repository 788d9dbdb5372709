//! Which server is asked next: the one with the fewest requests that are not answered yet, among
//! those that are up. Pure.
//!
//! A server that is slow or hangs keeps its requests for longer, so that it gets fewer of them
//! before anyone has judged it. Where all are bad, the least bad one is asked all the same: that
//! they are bad is a guess, and an answer of ours instead would be a certainty.

/// How a server looks to whoever chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) standing: Standing,
    /// Whether as many of its connections are in use as there may be.
    pub(super) full: bool,
    /// Requests and tunnels that are not over.
    pub(super) pending: u32,
}

/// What is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It failed, and it is time to try it again.
    Due,
    Up,
    /// It failed, and is left alone for a while.
    Out,
    /// Its health checks fail.
    Down,
}

/// Chooses by number; of equals the first from `start` on, counted round. None where there is no
/// candidate.
pub(super) fn choose(
    count: usize,
    start: usize,
    candidate: impl Fn(usize) -> Option<Candidate>,
) -> Option<usize> {
    let mut best = None;
    for number in (0..count).map(|offset| (start % count + offset) % count) {
        let Some(rank) = candidate(number).map(rank) else {
            continue;
        };
        if best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, number));
        }
    }
    best.map(|(_, number)| number)
}

/// The lower, the better. To wait for one that is up is better than to ask one that is not.
fn rank(candidate: Candidate) -> (u8, bool, u32) {
    let Candidate { standing, full, pending } = candidate;
    let class = match standing {
        Standing::Due if !full => 0,
        Standing::Up => 1,
        Standing::Due | Standing::Out => 2,
        Standing::Down => 3,
    };
    (class, full, pending)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Standing::{Down, Due, Out, Up};
    use super::*;

    fn chosen(start: usize, candidates: &[(Standing, bool, u32)]) -> Option<usize> {
        choose(candidates.len(), start, |number| {
            let (standing, full, pending) = candidates[number];
            Some(Candidate { standing, full, pending })
        })
    }

    #[test]
    fn the_one_with_the_fewest_pending_is_chosen_wherever_one_begins() {
        let candidates = [(Up, false, 3), (Up, false, 1), (Up, false, 2)];
        for start in 0..7 {
            assert_eq!(chosen(start, &candidates), Some(1));
        }
    }

    #[test]
    fn equals_take_turns() {
        let candidates = [(Up, false, 2); 3];
        let turns: Vec<_> = (0..6).map(|start| chosen(start, &candidates).unwrap()).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
        assert_eq!(chosen(usize::MAX, &candidates), Some(usize::MAX % 3));
    }

    #[test]
    fn each_is_better_than_the_next() {
        let order = [
            (Due, false, 9),
            (Up, false, 0),
            (Up, false, 9),
            (Up, true, 0),
            (Out, false, 0),
            (Due, true, 0),
            (Down, false, 0),
            (Down, true, 0),
        ];
        for pair in order.windows(2) {
            assert_eq!(chosen(0, pair), Some(0), "{pair:?}");
            assert_eq!(chosen(0, &[pair[1], pair[0]]), Some(1), "{pair:?}");
        }
    }

    #[test]
    fn somebody_is_asked_even_where_all_are_bad_and_nobody_where_there_is_none() {
        assert_eq!(chosen(0, &[(Down, false, 4), (Down, false, 2)]), Some(1));
        assert_eq!(chosen(0, &[(Down, false, 0), (Out, false, 5)]), Some(1));
        assert_eq!(chosen(3, &[]), None);
        assert_eq!(choose(2, 0, |_| None), None);
    }

    proptest! {
        #[test]
        fn whoever_is_chosen_is_no_worse_than_any_other(
            candidates in prop::collection::vec((0..4_u8, any::<bool>(), 0..5_u32), 1..9),
            start in any::<usize>(),
        ) {
            let of = |&(standing, full, pending): &(u8, bool, u32)| Candidate {
                standing: [Due, Up, Out, Down][usize::from(standing)],
                full,
                pending,
            };
            let number = choose(candidates.len(), start, |n| Some(of(&candidates[n]))).unwrap();
            let least = candidates.iter().map(|one| rank(of(one))).min();
            prop_assert_eq!(Some(rank(of(&candidates[number]))), least);
        }
    }
}
