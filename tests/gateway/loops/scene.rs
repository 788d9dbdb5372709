//! A browser, and what becomes of its sign-ins.

use serde_json::{Value, json};

use crate::harness::*;

pub(super) const LOOPED: &str = "Signing in works, but it doesn’t last";
pub(super) const ROUNDS: &str = "askara-rounds";

pub(super) struct Scene {
    pub(super) provider: Provider,
    pub(super) app: App,
    pub(super) gate: Gate,
    pub(super) visitor: Visitor,
}

pub(super) async fn scene_with(lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let mut builder = gateway().with_provider(&provider).with_upstream(&app).with_table(LOG);
    for line in lines {
        builder = builder.with_session(line);
    }
    let gate = builder
        .with_route(ruled("/vault", "{ acr = [\"urn:a\"] }", &app))
        .with_route(ruled("/safe", "{ acr = [\"urn:b\"] }", &app))
        .start()
        .await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

pub(super) async fn scene() -> Scene {
    scene_with(&[]).await
}

impl Scene {
    /// Signs in, as far as the answer of the callback; a page instead says why not.
    pub(super) async fn signs_in(&self, target: &str) -> Answer {
        let sent = self.visitor.open(target).await;
        if !sent.redirects() {
            return sent;
        }
        let back = self.visitor.follow_while(sent, |next| next.path() != CALLBACK).await;
        let back = self.gate.origin().join(back.location()).unwrap();
        self.visitor.open(&back[url::Position::BeforePath..]).await
    }

    /// Signs in three times in a row, and once more; `between` is what becomes of each session.
    pub(super) async fn circles(&self, target: &str, between: impl AsyncFn(&Self)) -> Answer {
        for count in 1..=3 {
            let answer = self.signs_in(target).await;
            assert_eq!(answer.status, 303, "{count}: {}", answer.text());
            assert_eq!(self.count().as_deref(), Some(&*count.to_string()));
            between(self).await;
        }
        self.visitor.open(target).await
    }

    pub(super) fn count(&self) -> Option<String> {
        let rounds = self.visitor.cookie(ROUNDS)?;
        Some(rounds.split_once('-').unwrap().0.to_owned())
    }

    pub(super) fn loses(&self, name: &str) {
        self.visitor.put_cookie(&format!("{name}=; Max-Age=0"));
    }

    /// What the log says of it to the operator: once.
    pub(super) async fn told(&self) -> Value {
        let line = self.gate.logged("does not hold").await;
        assert_eq!(self.gate.output().matches("does not hold").count(), 1);
        assert_eq!(line["level"], "ERROR", "{line}");
        line
    }

    pub(super) async fn assert_stopped(&self, answer: &Answer, cause: &str, advice: &str) {
        assert_own_page(answer);
        let page = shown(answer);
        let told = (page.status, page.heading.as_str(), page.code.as_deref());
        assert_eq!(told, (403, LOOPED, Some(cause)), "{}", answer.text());
        assert!(answer.text().contains("<dt>Sign-ins in a row</dt><dd>3</dd>"));
        assert!(
            answer.set_cookies().iter().all(|set| set.deletes() || !set.name.contains("-st-")),
            "no attempt"
        );
        let line = self.told().await;
        assert_eq!((&line["cause"], &line["logins"]), (&json!(cause), &json!(3)), "{line}");
        assert_eq!(line["reference"], page.reference.as_str());
        assert!(line["advice"].as_str().unwrap().contains(advice), "{line}");
    }
}
