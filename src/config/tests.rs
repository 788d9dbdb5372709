use super::*;
use crate::auth::policy::Access;

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
    Config::load(&sources, &Environment::of(&all))
        .map_err(|problems| problems.to_string().replace(&place, ""))
}

#[test]
fn a_small_file_is_enough() {
    let config = load(SMALL, &[], &[]).unwrap();
    assert_eq!(config.public.to_string(), "https://app.example.com");
    assert_eq!(config.provider.redirect_path, "/oauth2/callback");
    assert_eq!(config.provider.token_url, "https://api.askara.ai/oauth2/token");
    assert_eq!(config.upstreams.len(), 1);
    assert!(!config.provider.pkce && config.warnings.is_empty());
    assert!(!format!("{config:?}").contains("canary"));
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
    assert_eq!(config.provider.client_id, "id");
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
    assert!(config.provider.pkce);
    let peer = crate::auth::trust::Peer::at("10.1.2.3".parse().unwrap());
    assert!(config.trusted_proxies.trusts(peer));
    let path = crate::auth::path::RequestPath::parse("/x").unwrap();
    let host = crate::auth::host::Host::parse("app.example.com").unwrap();
    let found = config.routes.find(&host, &path, &http::Method::GET).unwrap();
    assert_eq!(found.route.access, Access::Public);
}

#[test]
fn c109_all_errors_come_at_once_with_key_and_line_and_without_values() {
    let text = r#"
public_url = "http://app.example.com"
listne = ["x"]
[provider]
kind = "askarra"
client_id = "id"
client_secret = { env = "NOT_THERE" }
authorize_url = "http://provider.example/authorize"
[session]
keys = ["canary-not-a-key"]
idle_timeout = "soon"
refresh_at = 2
[[route]]
path = "/a/../b"
upstream = "gopher://x"
access = "everyone"
"#;
    let problems = load(text, &[], &[]).unwrap_err();
    for line in [
        "gate.toml:2: public_url: ",
        "gate.toml:3: listne: unknown key; did you mean \"listen\"?",
        "gate.toml:5: provider.kind: ",
        "gate.toml:7: provider.client_secret.env: the variable NOT_THERE",
        "gate.toml:8: provider.authorize_url: ",
        "gate.toml:10: session.keys[0]: ",
        "gate.toml:11: session.idle_timeout: ",
        "gate.toml:12: session.refresh_at: ",
        "gate.toml:14: route[0].path: ",
        "gate.toml:15: route[0].upstream: ",
        "gate.toml:16: route[0].access: ",
    ] {
        assert!(problems.contains(line), "{line} is not in\n{problems}");
    }
    assert_eq!(problems.lines().count(), 11, "{problems}");
    assert!(!problems.contains("canary"), "{problems}");
}

#[test]
fn a_file_that_is_no_toml_is_told_without_an_excerpt() {
    let problems = load("client_secret = \"canary\nx", &[], &[]).unwrap_err();
    assert!(problems.starts_with("gate.toml:") && problems.lines().count() == 1, "{problems}");
    assert!(!problems.contains("canary"), "{problems}");
}

#[test]
fn what_this_version_does_not_do_is_refused_and_not_ignored() {
    for (set, word) in [
        ("session.store=redis://127.0.0.1", "session.store"),
        ("session.coordination=redis://127.0.0.1", "session.coordination"),
        ("provider.kind=oidc", "provider.kind"),
        ("provider.authorize_method=post", "provider.authorize_method"),
        ("provider.client_auth=private_key_jwt", "provider.client_auth"),
        ("provider.jwks_url=https://x.example", "provider.jwks_url"),
        (r#"route=[{ upstream = "h2c://127.0.0.1:1" }]"#, "route[0].upstream"),
        (
            r#"route=[{ upstream = "http://127.0.0.1:1", access = { claim = "me:/x" } }]"#,
            "route[0].access",
        ),
    ] {
        let problems = load(SMALL, &[], &[set]).unwrap_err();
        assert!(problems.contains(&format!("--set: {word}: ")), "{set}\n{problems}");
    }
}

#[test]
fn dangerous_and_useless_values_are_refused() {
    for set in [
        "public_url=http://app.example.com",
        "public_url=https://app.example.com/path",
        "listen=https://127.0.0.1:1",
        "listen=unix:relative.sock",
        "prefix=oauth2",
        "trusted_proxies=everyone",
        "allowed_redirects=https://x",
        "session.max_age=0",
        "session.keys=[]",
        "session.keys=[\"short\"]",
        "session.cookie_domain=com",
        "session.cookie_domain=example.org",
        "provider.token_url=https://user:canary@provider.example/token",
        "provider.redirect_path=/a/../b",
        "provider.token_url=http://provider.example/token",
        "identity.user=you:/id",
        "limits.header_bytes=100",
        "workers=0",
        "log.level=loud",
        "route=[]",
        "nonsense",
    ] {
        assert!(load(SMALL, &[], &[set]).is_err(), "{set}");
    }
}

#[test]
fn an_unknown_variable_is_only_a_warning() {
    let config = load(SMALL, &[("ASKARA_GATE_SERVICE_HOST", "10.0.0.1")], &[]).unwrap();
    assert_eq!(config.warnings.len(), 1);
}

#[test]
fn a_secret_in_the_file_itself_is_a_warning_without_its_value() {
    let set = ["provider.client_secret=canary", "public_url=http://127.0.0.1:1"];
    let config = load(SMALL, &[], &set).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert!(!config.warnings[0].contains("canary"));
}

#[test]
fn the_examples_are_right() {
    let secrets = [("ASKARA_CLIENT_ID", "id"), ("ASKARA_CLIENT_SECRET", "secret")];
    for example in
        [include_str!("../../config/one-app.toml"), include_str!("../../config/full.toml")]
    {
        let config = load(example, &secrets, &[]).unwrap();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }
}
