//! A value that is made when it is first needed, by one attempt that all who need it share.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::fault;
use crate::store::Fault;

/// Made in a task of its own, so that whoever goes away stops no attempt that others wait for.
pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    Nothing,
    Coming(watch::Receiver<Option<Result<T, Fault>>>),
    There(T),
}

impl<T: Clone + Send + Sync + 'static> Shared<T> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::Nothing) }
    }

    /// What is there, if it is still good, or what the one attempt brings until `deadline`.
    pub(super) async fn get<F>(
        &self,
        deadline: Instant,
        is_good: impl Fn(&T) -> bool,
        make: impl FnOnce() -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let mut coming = {
            let mut state = self.state();
            state.arrive();
            match &*state {
                State::There(value) if is_good(value) => return Ok(value.clone()),
                State::Coming(coming) => coming.clone(),
                State::There(_) | State::Nothing => {
                    let (told, coming) = watch::channel(None);
                    let making = make();
                    tokio::spawn(async move {
                        let made = making.await;
                        told.send_replace(Some(made));
                    });
                    *state = State::Coming(coming.clone());
                    coming
                }
            }
        };
        let made = timeout_at(deadline, coming.wait_for(Option::is_some)).await;
        match made.map_err(|_| fault::late())? {
            Ok(made) => made.clone().unwrap_or_else(|| Err(fault::strange())),
            // The task is gone, and with it the runtime that this was all for.
            Err(_) => Err(fault::late()),
        }
    }

    /// Forgets what is there, if it is what is `meant`.
    pub(super) fn discard(&self, is_meant: impl Fn(&T) -> bool) {
        let mut state = self.state();
        state.arrive();
        if matches!(&*state, State::There(value) if is_meant(value)) {
            *state = State::Nothing;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> State<T> {
    /// Takes over what an attempt came to.
    fn arrive(&mut self) {
        let Self::Coming(coming) = self else {
            return;
        };
        let is_over = coming.has_changed().is_err();
        let arrived = match &*coming.borrow() {
            Some(Ok(value)) => Self::There(value.clone()),
            Some(Err(_)) => Self::Nothing,
            None if is_over => Self::Nothing,
            None => return,
        };
        *self = arrived;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::task::JoinSet;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn count(made: &Arc<AtomicUsize>, outcome: Result<(), Fault>) -> Result<usize, Fault> {
        tokio::time::sleep(SECOND).await;
        let number = made.fetch_add(1, Ordering::Relaxed);
        outcome.map(|()| number)
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_need_it_at_once_share_one_attempt_and_its_failure() {
        let made = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared::new());
        for outcome in [Err(Fault::Away(String::from("no"))), Ok(())] {
            let mut all = JoinSet::new();
            for _ in 0..5 {
                let (shared, made, outcome) = (shared.clone(), made.clone(), outcome.clone());
                all.spawn(async move {
                    let deadline = Instant::now() + 2 * SECOND;
                    let make = move || async move { count(&made, outcome).await };
                    shared.get(deadline, |_| true, make).await
                });
            }
            let expected = outcome.map(|()| 1);
            assert!(all.join_all().await.into_iter().all(|got| got == expected));
        }
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_stops_nobodys_attempt() {
        let made = Arc::new(AtomicUsize::new(0));
        let shared = Shared::new();
        let make = || {
            let made = made.clone();
            move || async move { count(&made, Ok(())).await }
        };
        let soon = Instant::now() + SECOND / 2;
        assert_eq!(shared.get(soon, |_| true, make()).await, Err(fault::late()));
        let late = Instant::now() + SECOND;
        assert_eq!(shared.get(late, |_| true, make()).await, Ok(0));
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_longer_good_or_was_discarded_is_made_anew() {
        let made = Arc::new(AtomicUsize::new(0));
        let shared = Shared::new();
        let get = async |is_good: fn(&usize) -> bool| {
            let made = made.clone();
            let deadline = Instant::now() + 2 * SECOND;
            shared.get(deadline, is_good, move || async move { count(&made, Ok(())).await }).await
        };
        assert_eq!(get(|_| true).await, Ok(0));
        assert_eq!(get(|number| *number > 0).await, Ok(1));
        shared.discard(|number| *number == 0);
        assert_eq!(get(|_| true).await, Ok(1));
        shared.discard(|number| *number == 1);
        assert_eq!(get(|_| true).await, Ok(2));
    }
}
