//! Apps of several servers: who is asked, what becomes of those that fail, and what of a request
//! that met one (S60).

mod choice;
mod health;
mod limit;
mod reach;
mod server;
mod trouble;

use crate::harness::*;
use server::Server;

/// A gateway with one worker, so that all requests meet the same choice, in front of an app on
/// these servers that is for everyone, with further lines of its route.
async fn before(servers: &[&Server], lines: &str) -> Gate {
    let urls: Vec<&str> = servers.iter().map(|server| server.url.as_str()).collect();
    gateway().with_admin().with_top("workers = 1").with_table(&app(&urls, lines)).start().await
}

fn app(servers: &[&str], lines: &str) -> String {
    format!("[[route]]\naccess = \"public\"\nupstream = {servers:?}\n{lines}")
}

/// The names of those that answer these many requests, one after another.
async fn answers(gate: &Gate, count: usize) -> Vec<String> {
    let mut line = gate.line().await;
    let mut names = Vec::new();
    for _ in 0..count {
        let answer = line.send(ask("GET", "/")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        names.push(answer.text());
    }
    names
}

/// The value of a metric, once there is one.
async fn metric(gate: &Gate, name: &str) -> Option<String> {
    let text = gate.admin("/metrics").await.unwrap().text();
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}

/// Waits until a server is told to get requests, or not.
async fn until_up(gate: &Gate, server: &str, up: bool) {
    let name = format!("askara_gate_upstream_up{{server=\"{server}\"}}");
    let wanted = if up { "1" } else { "0" };
    for _ in 0..500 {
        if metric(gate, &name).await.as_deref() == Some(wanted) {
            return;
        }
        wait(20).await;
    }
    panic!("{server} is not told to be {wanted} within ten seconds:\n{}", gate.output());
}
