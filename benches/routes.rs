//! What many routes cost: time to find one, time to load them, memory.
//!
//! `cargo bench --bench routes`. Times are the best of several rounds, so that a busy machine
//! says little; memory is what the process has resident.

#![allow(clippy::unwrap_used, reason = "a bench says what it expects by failing")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use askara_gate::auth::host::Host;
use askara_gate::auth::path::RequestPath;
use askara_gate::auth::route::RouteTable;
use askara_gate::config::{Config, Environment, Sources};
use http::Method;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    println!(
        "routes   find (one host)   scan (one host)   find (hosts)   load     memory per route"
    );
    for count in [1, 3, 10, 50, 200, 1_000, 10_000] {
        let paths = write(&folder, "paths.toml", &by_paths(count));
        let hosts = write(&folder, "hosts.toml", &by_hosts(count));
        let before = resident();
        let (config, load) = timed(|| load(&paths));
        let held = resident().saturating_sub(before);
        let asked = asked_paths(count);
        let found = per_lookup(&config.routes, &asked, |table, host, path| {
            table.find(host, path, &Method::GET).is_ok()
        });
        let scanned = per_lookup(&config.routes, &asked, |table, host, path| {
            table.find_by_scan(host, path, &Method::GET).is_ok()
        });
        let config = self::load(&hosts);
        let by_host = per_lookup(&config.routes, &asked_hosts(count), |table, host, path| {
            table.find(host, path, &Method::GET).is_ok()
        });
        println!(
            "{count:>6}   {:>12} ns   {:>12} ns   {:>9} ns   {:>5} ms   {:>8} bytes",
            found.as_nanos(),
            scanned.as_nanos(),
            by_host.as_nanos(),
            load.as_millis(),
            held / count,
        );
    }
}

/// Half prefixes, and templates, exact paths and expressions among them, each of its own app.
fn by_paths(count: usize) -> String {
    let mut text = String::from(HEAD);
    for n in 0..count {
        let (path, kind) = match n % 10 {
            0..5 => (format!("/team{}/app{n}", n % 100), "prefix"),
            5..7 => (format!("/team{}/app{n}/{{id}}/*", n % 100), "template"),
            7..9 => (format!("/team{}/app{n}/health", n % 100), "exact"),
            _ => (format!("/team{}/app{n}/v[0-9]+/.*", n % 100), "regex"),
        };
        write_route(&mut text, n, &format!("path = {path:?}\nmatch = {kind:?}"));
    }
    text
}

/// A host for each.
fn by_hosts(count: usize) -> String {
    let mut text = String::from(HEAD);
    for n in 0..count {
        let below = if n.is_multiple_of(4) { "*." } else { "" };
        write_route(&mut text, n, &format!("host = \"{below}app{n}.example.com\""));
    }
    text
}

fn write_route(text: &mut String, n: usize, lines: &str) {
    let (high, low) = (n / 250, n % 250);
    let _ = writeln!(text, "[[route]]\nupstream = \"http://10.1.{high}.{low}:8080\"\n{lines}\n");
}

/// One in eight finds nothing.
fn asked_paths(count: usize) -> Vec<(Host, String)> {
    let host = Host::parse("app.example.com").unwrap();
    let path = |n: usize| match n % 8 {
        7 => String::from("/nobody/has/this"),
        _ => {
            let n = n * 7919 % count;
            let tail = ["/", "/page/of/some/depth", "/v12/x", "/health"][n % 4];
            format!("/team{}/app{n}{tail}", n % 100)
        }
    };
    (0..1024).map(|n| (host.clone(), path(n))).collect()
}

fn asked_hosts(count: usize) -> Vec<(Host, String)> {
    let host = |n: usize| {
        let n = n * 7919 % count;
        let below = if n.is_multiple_of(4) { "one." } else { "" };
        Host::parse(&format!("{below}app{n}.example.com")).unwrap()
    };
    (0..1024).map(|n| (host(n), String::from("/page/of/some/depth"))).collect()
}

fn per_lookup(
    table: &RouteTable,
    asked: &[(Host, String)],
    find: impl Fn(&RouteTable, &Host, &RequestPath<'_>) -> bool,
) -> Duration {
    let asked: Vec<(&Host, RequestPath<'_>)> =
        asked.iter().map(|(host, path)| (host, RequestPath::parse(path).unwrap())).collect();
    let mut best = Duration::MAX;
    let until = Instant::now() + Duration::from_millis(400);
    while Instant::now() < until {
        let start = Instant::now();
        for (host, path) in &asked {
            black_box(find(table, black_box(host), black_box(path)));
        }
        best = best.min(start.elapsed());
    }
    best / asked.len() as u32
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = run();
    (value, start.elapsed())
}

fn load(file: &Path) -> Config {
    let sources = Sources { file: Some(file.to_owned()), ..Sources::default() };
    Config::load(&sources, &Environment::default()).unwrap()
}

fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// What the process has in memory, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

const HEAD: &str = r#"
public_url = "https://app.example.com"
[provider]
client_id = "id"
client_secret = "only for this bench"
[session]
keys = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
"#;
