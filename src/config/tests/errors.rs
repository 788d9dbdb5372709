//! All errors at once, and what is refused.

use super::*;

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
        ("provider.kind=saml", "provider.kind"),
        ("provider.authorize_method=put", "provider.authorize_method"),
        ("provider.client_auth=kerberos", "provider.client_auth"),
        ("provider.backchannel_logout=true", "provider.backchannel_logout"),
        (r#"route=[{ upstream = "h3://127.0.0.1:1" }]"#, "route[0].upstream"),
        (r#"route=[{ upstream = "h2c://127.0.0.1:1/path" }]"#, "route[0].upstream"),
    ] {
        let problems = load(SMALL, &[], &[set]).unwrap_err();
        assert!(problems.contains(&format!("--set: {word}: ")), "{set}\n{problems}");
        assert_eq!(problems.lines().count(), 1, "{set}\n{problems}");
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
