//! The table of providers: every kind in every situation of a login and of a refresh. What arrives
//! at the provider and at the app, what the person reads, and what the log says of it.

mod login;
mod refresh;
mod refusals;

use futures_util::future::join_all;

use crate::harness::*;

/// Where the person wants to go.
const LINK: &str = "/deep?x=1&y=%20";

struct Scene {
    play: Play,
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

impl Scene {
    async fn of(play: Play) -> Self {
        let (provider, app) = (Provider::playing(play).await, App::start().await);
        let gate = gateway()
            .with_provider(&provider)
            .with_upstream(&app)
            .with_table(LOG)
            .with_table("[limits]\nprovider = \"2s\"")
            .start()
            .await;
        let visitor = gate.visitor();
        Self { play, provider, app, gate, visitor }
    }
}

/// Plays a situation with every row, side by side.
async fn for_each_row(situation: impl AsyncFn(Scene)) {
    join_all(ROWS.map(async |play| situation(Scene::of(play).await).await)).await;
}

/// What a line of the log has to say: its level, its message, and a word in one of its fields.
struct Line {
    level: &'static str,
    message: &'static str,
    word: &'static str,
}

impl Line {
    fn assert_in(&self, line: &serde_json::Value, row: &str) {
        assert_eq!(line["level"], self.level, "{row}: {line}");
        assert_eq!(line["message"], self.message, "{row}: {line}");
        assert!(line.to_string().contains(self.word), "{row}: {} in {line}", self.word);
        assert!(line.to_string().contains(row), "it does not say which provider: {line}");
    }
}
