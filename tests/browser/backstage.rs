//! A gateway of the tests' own, with a provider and an app, beside the thread that drives the
//! browser.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::harness::{App, OIDC, Provider, gateway, route};

pub(crate) struct Backstage {
    pub(crate) address: String,
    wishes: tokio::sync::mpsc::UnboundedSender<String>,
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Backstage {
    /// One route for people who are signed in, with these lines; sessions with those.
    pub(crate) fn with(lines: Vec<String>, session: Vec<String>) -> Self {
        let (told, address) = mpsc::channel();
        let (over, end) = oneshot::channel();
        let (wishes, mut wished) = tokio::sync::mpsc::unbounded_channel::<String>();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (provider, app) = (Provider::playing(OIDC).await, App::start().await);
                let route = lines.iter().fold(route("/", &app), |route, line| route.with(line));
                let builder = gateway().with_provider(&provider).with_route(route);
                let builder =
                    session.iter().fold(builder, |builder, line| builder.with_session(line));
                let gate = builder.start().await;
                told.send(gate.base()).unwrap();
                let names = async {
                    while let Some(subject) = wished.recv().await {
                        provider.names_subject(&subject);
                    }
                };
                tokio::select! {
                    _ = end => {}
                    () = names => {}
                }
            });
        });
        let address = address.recv().unwrap();
        Self { address, wishes, over: Some(over), thread: Some(thread) }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Whom the provider signs in from now on, without a question.
    pub(crate) fn signs_in(&self, subject: &str) {
        self.wishes.send(subject.to_owned()).unwrap();
    }
}

impl Drop for Backstage {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
