//! Health checks: each server of an app is asked now and then whether it is well, by the process
//! and not by each worker, on a connection of its own, and in nobody's name.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};

use super::body::VisitorBody;
use super::pool::Pool;
use super::retry::{self, Manner};
use super::server::{App, Server};
use super::verdict::{Thresholds, Verdict};
use crate::telemetry::Metrics;

/// How the servers of an app are asked.
#[derive(Clone, Debug)]
pub struct Checks {
    pub path: PathAndQuery,
    /// From the end of one check to the beginning of the next.
    pub interval: Duration,
    /// For a whole check, the connection included.
    pub timeout: Duration,
    /// What a server that is well answers.
    pub status: Vec<StatusCode>,
    pub thresholds: Thresholds,
}

impl App {
    /// The checks of all servers, each to be run for as long as requests come; none where nobody
    /// asked for them. The metrics tell of the servers from now on.
    pub fn watch(
        self: &Arc<Self>,
        metrics: &Arc<Metrics>,
    ) -> Vec<impl Future<Output = ()> + use<>> {
        if self.checks.is_some() || !self.is_alone() {
            self.servers.iter().for_each(|server| server.tell(metrics));
        }
        let numbers = 0..self.checks.as_ref().map_or(0, |_| self.servers.len());
        let check = |number| {
            let (app, metrics) = (Arc::clone(self), Arc::clone(metrics));
            async move {
                if let (Some(server), Some(checks)) = (app.servers.get(number), &app.checks) {
                    check(server, checks, &metrics).await;
                }
            }
        };
        numbers.map(check).collect()
    }
}

async fn check(server: &Server, checks: &Checks, metrics: &Metrics) {
    let mut verdict = Verdict::default();
    loop {
        let asked = tokio::time::timeout(checks.timeout, ask(server, checks)).await;
        let asked = asked.unwrap_or_else(|_| Err(String::from("no answer in time")));
        let (next, change) = verdict.after(asked.is_ok(), checks.thresholds);
        verdict = next;
        if let Some(well) = change {
            server.found(well, &asked.err().unwrap_or_default(), metrics);
        }
        tokio::time::sleep(checks.interval).await;
    }
}

/// Asks once; says what was wrong.
async fn ask(server: &Server, checks: &Checks) -> Result<(), String> {
    // Nothing outlives the check: whether it can be connected to is part of the question.
    let pool = Pool::new(server.address.target.clone(), None);
    let manner = Manner { connect: checks.timeout, fresh: true, upgrade: false };
    let mut request = Request::new(VisitorBody::absent());
    *request.uri_mut() = Uri::from(checks.path.clone());
    let headers = request.headers_mut();
    headers.insert(header::HOST, server.address.host.clone());
    headers.insert(header::USER_AGENT, HeaderValue::from_static("askara-gate"));
    let sent = retry::send(&pool, manner, request).await;
    let (answer, _lease) = sent.map_err(|unsent| format!("{:?}", unsent.failure))?;
    let status = answer.status();
    // A server that can't say all it wants might take that for trouble.
    let _ = Limited::new(answer.into_body(), MAX_BODY).collect().await;
    match checks.status.contains(&status) {
        true => Ok(()),
        false => Err(format!("status {}", status.as_u16())),
    }
}

const MAX_BODY: usize = 64 * 1024;
