//! Six apps on three hosts under twenty rules: what `explain` says of sixty requests, the running
//! gateway does.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::harness::*;

/// Host (`-`: every host), path pattern, app, and the further lines of each route.
const ROUTES: [(&str, &str, &str, &str); 20] = [
    ("-", "/", "portal", ""),
    ("-", "/health", "portal", "match = \"exact\"\naccess = \"public\"\nmethods = [\"GET\"]"),
    ("-", "/static", "files", "access = \"public\""),
    ("-", "/static/private", "files", ""),
    ("-", "/v[0-9]+/status", "portal", "match = \"regex\"\naccess = \"public\""),
    ("-", "/reports", "reports", r#"access = { claim = "groups", any = ["staff"] }"#),
    (
        "-",
        "/reports/finance",
        "reports",
        r#"access = { claim = "groups", all = ["staff", "finance"], message = "Finance only." }"#,
    ),
    (
        "-",
        "/teams/{team}/*",
        "portal",
        "match = \"template\"\naccess = { claim = \"token:/teams\", any = [\"{team}\"] }",
    ),
    ("-", "/partners", "portal", r#"access = { email_domain = ["partner.org"] }"#),
    ("-", "/office", "portal", r#"access = { network = ["127.0.0.0/8"] }"#),
    ("-", "/vault", "portal", r#"access = { network = ["192.0.2.0/24"] }"#),
    (
        "-",
        "/inbox",
        "portal",
        r#"access = { any = [{ method = ["GET"] }, { scope = ["write"] }] }"#,
    ),
    (
        "-",
        "/lab",
        "portal",
        r#"access = { expression = 'token.level >= 5 && request.method == "GET"' }"#,
    ),
    ("wiki.example.com", "/", "wiki", ""),
    (
        "wiki.example.com",
        "/edit",
        "wiki",
        r#"access = { all = ["signed-in", { not = { claim = "groups", any = ["guests"] } }] }"#,
    ),
    ("wiki.example.com", "/export", "wiki", r#"access = { scope = ["read", "write"] }"#),
    ("*.shop.example.com", "/", "shop", r#"access = "public""#),
    (
        "*.shop.example.com",
        "/orders",
        "shop",
        r#"access = { claim = "token:/organization/id", any = ["42"] }"#,
    ),
    (
        "old.shop.example.com",
        "/",
        "legacy",
        r#"access = { claim = "token:/level", none = ["1", "2"] }"#,
    ),
    ("old.shop.example.com", "/read", "legacy", "methods = [\"GET\", \"HEAD\"]"),
];

const OURS: &str = "ours";
const WIKI: &str = "wiki.example.com";
const SHOP: &str = "a.shop.example.com";
const OLD: &str = "old.shop.example.com";

/// Who asks, the method, the host, the path, and the app that answers or the status of the refusal.
#[rustfmt::skip]
const REQUESTS: [(&str, &str, &str, &str, &str); 60] = [
    ("nobody", "GET", OURS, "/", "401"),
    ("ada", "GET", OURS, "/", "portal"),
    ("bob", "POST", OURS, "/anything/else", "portal"),
    ("nobody", "GET", OURS, "/health", "portal"),
    ("nobody", "POST", OURS, "/health", "401"),
    ("ada", "POST", OURS, "/health", "portal"),
    ("nobody", "GET", OURS, "/health/deep", "401"),
    ("nobody", "GET", OURS, "/static/a.css", "files"),
    ("nobody", "GET", OURS, "//static/a.css", "401"),
    ("ada", "GET", OURS, "//static/a.css", "files"),
    ("nobody", "GET", OURS, "/static/a%2Fb", "401"),
    ("nobody", "GET", OURS, "/static;x=1/a.css", "401"),
    ("nobody", "GET", OURS, "/static/../reports", "400"),
    ("nobody", "GET", OURS, "/static/%2e%2e/reports", "400"),
    ("nobody", "GET", OURS, "/statics", "401"),
    ("nobody", "GET", OURS, "/static/private/x", "401"),
    ("eve", "GET", OURS, "/static/private/x", "files"),
    ("nobody", "GET", OURS, "/v12/status", "portal"),
    ("nobody", "GET", OURS, "/v12/status/x", "401"),
    ("nobody", "GET", OURS, "/reports", "401"),
    ("ada", "GET", OURS, "/reports", "reports"),
    ("bob", "GET", OURS, "/reports", "403"),
    ("eve", "GET", OURS, "/reports/2026", "403"),
    ("ada", "GET", OURS, "/reports/finance/q3", "403"),
    ("fin", "GET", OURS, "/reports/finance/q3", "reports"),
    ("fin", "GET", OURS, "/reports/financeteam", "reports"),
    ("ada", "GET", OURS, "/teams/red/board", "portal"),
    ("ada", "GET", OURS, "/teams/green/board", "403"),
    ("bob", "GET", OURS, "/teams/green", "portal"),
    ("bob", "GET", OURS, "/teams/gr%65en/board", "portal"),
    ("bob", "GET", OURS, "/teams/green%2Fred/board", "403"),
    ("eve", "GET", OURS, "/teams/red/board", "403"),
    ("nobody", "GET", OURS, "/teams/red/board", "401"),
    ("bob", "GET", OURS, "/partners", "portal"),
    ("ada", "GET", OURS, "/partners", "403"),
    ("eve", "GET", OURS, "/partners", "403"),
    ("nobody", "GET", OURS, "/office", "portal"),
    ("nobody", "GET", OURS, "//office", "401"),
    ("nobody", "GET", OURS, "/vault", "403"),
    ("ada", "GET", OURS, "/vault", "403"),
    ("nobody", "GET", OURS, "/inbox", "portal"),
    ("nobody", "POST", OURS, "/inbox", "401"),
    ("bob", "POST", OURS, "/inbox", "403"),
    ("ada", "POST", OURS, "/inbox", "portal"),
    ("ada", "GET", OURS, "/lab", "portal"),
    ("ada", "POST", OURS, "/lab", "403"),
    ("bob", "GET", OURS, "/lab", "403"),
    ("fin", "GET", OURS, "/lab", "403"),
    ("bob", "GET", WIKI, "/reports", "wiki"),
    ("bob", "GET", WIKI, "/edit/page", "403"),
    ("ada", "GET", WIKI, "/edit/page", "wiki"),
    ("nobody", "GET", WIKI, "/edit/page", "401"),
    ("ada", "GET", WIKI, "/export", "wiki"),
    ("bob", "GET", WIKI, "/export", "403"),
    ("nobody", "GET", SHOP, "/", "shop"),
    ("ada", "GET", SHOP, "/orders/7", "shop"),
    ("bob", "GET", SHOP, "/orders/7", "403"),
    ("bob", "GET", OLD, "/", "403"),
    ("ada", "GET", OLD, "/orders/7", "legacy"),
    ("ada", "POST", OLD, "/read", "405"),
];

fn claims(who: &str) -> Option<Value> {
    let told = match who {
        "ada" => json!({
            "sub": "ada", "email": "ada@example.com", "groups": ["staff", "admins"],
            "teams": ["red", "blue"], "organization": { "id": 42 }, "level": 5,
            "scope": "read write",
        }),
        "bob" => json!({
            "sub": "bob", "email": "bob@PARTNER.org", "groups": ["guests"], "teams": ["green"],
            "organization": { "id": "43" }, "level": 1, "scope": "read",
        }),
        "eve" => json!({
            "sub": "eve", "email": "eve@partner.org@example.com", "groups": "staff,admins",
            "teams": "", "scope": "",
        }),
        "fin" => json!({ "sub": "fin", "groups": ["finance", "staff"], "scope": "read" }),
        _ => return None,
    };
    Some(told)
}

struct Scene {
    gate: Gate,
    provider: Provider,
    apps: BTreeMap<&'static str, App>,
}

async fn scene() -> Scene {
    let provider = Provider::openid().await;
    let mut apps = BTreeMap::new();
    for (_, _, app, _) in ROUTES {
        if !apps.contains_key(app) {
            apps.insert(app, App::start().await);
        }
    }
    assert_eq!(apps.len(), 6);
    let mut gate = gateway()
        .with_provider(&provider)
        .with_table("[provider.bearer]\naudience = [\"api\"]\nuser = [\"token:/sub\"]");
    for (host, path, app, lines) in ROUTES {
        let access = lines.lines().find_map(|line| line.strip_prefix("access = "));
        let mut written = ruled(path, access.unwrap_or("\"signed-in\""), &apps[app]);
        if host != "-" {
            written = written.with(&format!("host = {host:?}"));
        }
        for line in lines.lines().filter(|line| !line.starts_with("access = ")) {
            written = written.with(line);
        }
        gate = gate.with_route(written);
    }
    Scene { gate: gate.start().await, provider, apps }
}

impl Scene {
    fn host(&self, host: &str) -> String {
        if host == OURS { self.gate.authority() } else { host.to_owned() }
    }

    /// What `explain` says: a status, or `allowed`.
    fn explained(&self, who: &str, method: &str, host: &str, path: &str) -> String {
        let url = format!("http://{}{path}", self.host(host));
        let mut arguments = vec!["explain", "--config", "gate.toml", "--from", "127.0.0.1"];
        let file = format!("{who}.json");
        if let Some(claims) = claims(who) {
            fs::write(self.gate.home().join(&file), claims.to_string()).unwrap();
            arguments.extend(["--as", &file]);
        }
        arguments.extend([method, &url]);
        let finished = Process::finish(self.gate.home(), &arguments, &[]);
        let said = finished.said();
        assert_eq!(finished.code, Some(0), "{said}");
        let decision = said.lines().find_map(|line| line.strip_prefix("decision")).unwrap_or("");
        let decision = decision.trim();
        if decision == "allowed" {
            return decision.to_owned();
        }
        if decision.starts_with("sign-in needed") {
            return String::from("401");
        }
        decision.rsplit(", ").next().unwrap_or_default().to_owned()
    }

    /// What the gateway does: a status, or the app that the request reached.
    async fn done(&self, who: &str, method: &str, host: &str, path: &str) -> String {
        self.apps.values().for_each(App::forgets);
        let bearer = claims(who).map_or_else(String::new, |claims| {
            format!("Authorization: Bearer {}\r\n", self.provider.api_token(&json!({}), &claims))
        });
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{bearer}Sec-Fetch-Mode: cors\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n",
            self.host(host)
        );
        let status = self.gate.raw(request).await.status();
        let reached: Vec<&str> = self
            .apps
            .iter()
            .filter(|(_, app)| !app.requests().is_empty())
            .map(|(name, _)| *name)
            .collect();
        match (status, reached.as_slice()) {
            (Some(200), [app]) => (*app).to_owned(),
            (Some(status), []) => status.to_string(),
            other => format!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn explain_says_of_sixty_requests_what_the_gateway_does() {
    let scene = scene().await;
    let mut wrong = Vec::new();
    for (who, method, host, path, expected) in REQUESTS {
        let said = scene.explained(who, method, host, path);
        let done = scene.done(who, method, host, path).await;
        let agrees = said == expected || said == "allowed" && !expected.starts_with('4');
        if !agrees || done != expected {
            wrong.push(format!("{who}: {method} {host}{path}: {said}, {done}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn explain_says_what_is_wrong_with_its_arguments() {
    let home = tempfile::TempDir::new().unwrap();
    fs::write(
        home.path().join("gate.toml"),
        "public_url = \"http://127.0.0.1:4180\"\n[provider]\nclient_id = \"a\"\n\
         client_secret = \"canary\"\n[[route]]\nupstream = \"http://127.0.0.1:3000\"\n",
    )
    .unwrap();
    fs::write(home.path().join("broken.json"), "{").unwrap();
    fs::write(home.path().join("nobody.json"), "{\"x\":1}").unwrap();
    let url = "https://app.example.com/admin";
    for (arguments, code, words) in [
        (&["GET", "/admin"][..], 2, "write it like https://app.example.com/admin"),
        (&["--as", "none.json", "GET", url], 1, "none.json"),
        (&["--as", "broken.json", "GET", url], 1, "no JSON"),
        (&["--as", "nobody.json", "GET", url], 1, "[identity] user"),
        (&["--provider", "other", "--as", "nobody.json", "GET", url], 1, "no provider"),
        (&["--from", "here", "GET", url], 2, "--from"),
        (&["GET", url], 0, "sign-in needed"),
    ] {
        let arguments = [&["explain", "--config", "gate.toml"], arguments].concat();
        let finished = Process::finish(home.path(), &arguments, &[]);
        let said = finished.said();
        assert_eq!(finished.code, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(!said.contains("canary"), "C-109: {said}");
    }
}
