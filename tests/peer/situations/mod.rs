//! What happens to visitors: one function for each situation, and what comes of it.

mod constraints;
mod own_paths;
mod renewal;
mod signing_in;
mod spoofed;
mod told;
mod trouble;

use futures_util::future::BoxFuture;

use crate::stage::Stage;

type Run = fn(&Stage) -> BoxFuture<'_, String>;

/// Something that happens to a visitor.
#[derive(Clone, Copy)]
pub(crate) struct Situation {
    pub(crate) name: &'static str,
    run: Run,
}

const fn situation(name: &'static str, run: Run) -> Situation {
    Situation { name, run }
}

impl Situation {
    /// Lets it happen, and says in a line what comes of it.
    pub(crate) async fn happens(self, stage: &Stage) -> String {
        stage.app.forgets();
        (self.run)(stage).await
    }
}

/// Those in which no session has to be renewed.
pub(crate) fn everyday() -> Vec<Situation> {
    let all =
        [signing_in::ALL, constraints::ALL, told::ALL, spoofed::ALL, own_paths::ALL, trouble::ALL];
    all.concat()
}

/// Those in which the access token has run out and the provider rotates refresh tokens.
pub(crate) fn of_renewal() -> Vec<Situation> {
    renewal::ALL.to_vec()
}

/// The one in which the gateway is gone.
pub(crate) use trouble::WITHOUT_GATEWAY;
