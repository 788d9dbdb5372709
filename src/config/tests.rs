mod asked;
mod bearer;
mod browser;
mod client;
mod errors;
mod examples;
mod fields;
mod pods;
mod presets;
mod providers;
mod routes;
mod rules;
mod several;
mod store;
mod upstreams;

use std::sync::Arc;

use super::*;
use crate::auth::policy::Access;
use crate::auth::provider::Settings;

const SMALL: &str = r#"
public_url = "https://app.example.com"
[provider]
client_id = "id"
client_secret = { env = "SECRET" }
[[route]]
upstream = "http://127.0.0.1:3000"
"#;

fn load(text: &str, variables: &[(&str, &str)], set: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    std::fs::write(&file, text).unwrap();
    let mut all = vec![("SECRET", "canary-secret")];
    all.extend(variables);
    let set = set.iter().map(|&setting| setting.to_owned()).collect();
    let sources = Sources { file: Some(file), upstream: None, set };
    let place = format!("{}/", folder.path().display());
    let loaded = Config::load(&sources, &Environment::of(&all))
        .map_err(|problems| problems.to_string().replace(&place, ""));
    // C-109: whatever is wrong, no secret is told.
    let told = match &loaded {
        Ok(config) => format!("{config:?}"),
        Err(problems) => problems.clone(),
    };
    assert!(!told.contains("canary"), "{told}");
    loaded
}

/// A file with these lines in its `[provider]`.
fn file(lines: &str) -> String {
    format!(
        r#"
public_url = "https://app.example.com"
[[route]]
upstream = "http://127.0.0.1:3000"
[provider]
client_id = "id"
{lines}
"#
    )
}

/// What these lines in `[provider]` mean.
fn settings(lines: &str) -> Arc<Settings> {
    let mut config = load(&file(lines), &[], &[]).unwrap();
    assert_eq!(config.providers.len(), 1);
    config.providers.remove(0).settings
}

/// Loads every case and demands exactly one problem, the one that begins like this.
fn each_is_one_problem(cases: &[(&str, &str)]) {
    for (lines, wanted) in cases {
        let problems = load(&file(lines), &[], &[]).expect_err(lines);
        let (_, told) = problems.split_once(": ").unwrap();
        assert!(told.starts_with(wanted), "{lines}\n{problems}\nis not\n{wanted}");
        assert_eq!(problems.lines().count(), 1, "{lines}\n{problems}");
    }
}

#[test]
fn a_small_file_is_enough() {
    let config = load(SMALL, &[], &[]).unwrap();
    assert_eq!(config.public.to_string(), "https://app.example.com");
    let [ProviderConfig { settings, .. }] = config.providers.as_slice() else {
        panic!("{:?}", config.providers);
    };
    assert_eq!((settings.name.as_str(), settings.title.as_str()), ("askara", "Askara"));
    assert_eq!(settings.authorization.redirect_path, "/oauth2/callback");
    assert_eq!(settings.said.token.as_deref(), Some("https://api.askara.ai/oauth2/token"));
    assert_eq!(config.upstreams.len(), 1);
    assert!(!settings.authorization.pkce && config.warnings.is_empty());
}

#[test]
fn two_secrets_and_two_flags_are_enough() {
    let sources = Sources {
        file: None,
        upstream: Some(String::from("http://127.0.0.1:3000")),
        set: vec![String::from("public_url=https://app.example.com")],
    };
    let secrets = [("ASKARA_CLIENT_ID", "id"), ("ASKARA_CLIENT_SECRET", "secret")];
    let config = Config::load(&sources, &Environment::of(&secrets)).unwrap();
    assert_eq!(config.providers[0].settings.client_id, "id");
}

#[test]
fn settings_come_before_the_environment_and_that_before_the_file() {
    let file = format!("prefix = \"/file\"\n{SMALL}");
    let variable = [("ASKARA_GATE_PREFIX", "/variable")];
    for (variables, set, prefix) in [
        (&[][..], &[][..], "/file"),
        (&variable, &[], "/variable"),
        (&variable, &["prefix=/set"], "/set"),
    ] {
        assert_eq!(load(&file, variables, set).unwrap().prefix, prefix);
    }
}

#[test]
fn variables_and_settings_reach_every_shape_of_value() {
    let variables = [
        ("ASKARA_GATE_LISTEN", r#"["127.0.0.1:1", "127.0.0.1:2"]"#),
        ("ASKARA_GATE_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1"),
        ("ASKARA_GATE_SESSION__IDLE_TIMEOUT", "90m"),
        ("ASKARA_GATE_PROVIDER__PKCE", "S256"),
        ("ASKARA_GATE_LIMITS__DRAIN", "5"),
    ];
    let route = r#"route=[{ path = "/x", upstream = "http://127.0.0.1:9", access = "public" }]"#;
    let config = load(SMALL, &variables, &[route, "session.refresh_at=0.5"]).unwrap();
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.session.lifetimes.idle.as_secs(), 5400);
    assert_eq!(config.limits.drain.as_secs(), 5);
    assert!(config.providers[0].settings.authorization.pkce);
    let peer = crate::auth::trust::Peer::at("10.1.2.3".parse().unwrap());
    assert!(config.trusted_proxies.trusts(peer));
    let path = crate::auth::path::RequestPath::parse("/x").unwrap();
    let host = crate::auth::host::Host::parse("app.example.com").unwrap();
    let found = config.routes.find(&host, &path, &http::Method::GET).unwrap();
    assert_eq!(found.route.access, Access::Public);
}

#[test]
fn an_app_may_speak_http2() {
    let app = |route: &str| load(SMALL, &[], &[route]).map(|config| config.upstreams[0].clone());
    let plain = app(r#"route=[{ upstream = "h2c://127.0.0.1:9" }]"#).unwrap();
    let host = crate::auth::host::Host::parse("127.0.0.1:9").unwrap();
    assert_eq!((plain.servers, plain.http2), (vec![UpstreamAddress::H2c(host)], false));
    let offered = r#"route=[{ upstream = "https://a", upstream_tls = { http2 = true } }]"#;
    assert!(app(offered).unwrap().http2);
    assert!(app(r#"route=[{ upstream = "h2c://user@host" }]"#).is_err());
}
