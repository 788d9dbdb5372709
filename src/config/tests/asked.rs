//! What routes ask of sessions and logins, and what is said where a provider can't give it.

use super::*;

fn with(provider: &str, route: &str) -> String {
    format!(
        r#"
public_url = "https://app.example.com"
[[route]]
upstream = "http://127.0.0.1:3000"
{route}
[provider]
client_id = "id"
client_secret = {{ env = "SECRET" }}
{provider}
"#
    )
}

const OIDC: &str = "kind = \"oidc\"\nissuer = \"https://login.example.com\"";

#[test]
fn sessions_keep_what_the_rules_of_their_routes_read_and_no_more() {
    let text = r#"
public_url = "https://app.example.com"
[providers.one]
kind = "askara"
client_id = "id"
client_secret = { env = "SECRET" }
[providers.two]
kind = "oidc"
issuer = "https://login.example.com"
client_id = "id"
client_secret = { env = "SECRET" }
[[route]]
upstream = "http://127.0.0.1:3000"
access = { any = [{ claim = "token:/b", any = ["x"] }, { claim = "me:/a", any = ["x"] }] }
[[route]]
path = "/two"
provider = "two"
upstream = "http://127.0.0.1:3000"
access = { all = [{ claim = "id:/c", any = ["x"] }, { claim = "me:/a", any = ["x"] }, { scope = ["s"] }] }
"#;
    let config = load(text, &[], &[]).unwrap();
    let kept = |index: usize| {
        let kept = &config.providers[index].settings.identity.kept;
        kept.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(kept(0), ["me:/a", "token:/b"]);
    assert_eq!(kept(1), ["id:/c", "me:/a", "token:/b"]);
    let keeps_scopes = |index: usize| config.providers[index].settings.keeps_scopes;
    assert!(!keeps_scopes(0) && keeps_scopes(1));
    let plain = load(SMALL, &[], &[]).unwrap();
    assert!(plain.providers[0].settings.identity.kept.is_empty());
}

#[test]
fn what_a_provider_never_tells_is_told_to_the_operator() {
    let silent = "kind = \"api-v1\"\nauthorize_url = \"https://a.example/\"\ntoken_url = \"https://a.example/t\"";
    for (provider, route, told) in [
        (
            "",
            "access = { claim = \"id:/a\", any = [\"x\"] }",
            Some("id:/a is never there: no id_token"),
        ),
        (OIDC, "access = { claim = \"id:/a\", any = [\"x\"] }", None),
        ("", "access = { claim = \"me:/a\", any = [\"x\"] }", None),
        (
            "userinfo_url = \"\"",
            "access = { claim = \"me:/a\", any = [\"x\"] }",
            Some("me:/a is never there: there is no userinfo_url"),
        ),
        (silent, "access = { claim = \"me:/a\", any = [\"x\"] }", Some("me:/a is never there")),
        (
            "",
            "access = { acr = [\"urn:mfa\"] }",
            Some("acr and max_age of the rule let no session pass"),
        ),
        (
            "",
            "access = { any = [{ max_age = \"1h\" }, { scope = [\"a\"] }] }",
            Some("acr and max_age of the rule"),
        ),
        (OIDC, "access = { acr = [\"urn:mfa\"] }", None),
        (
            "",
            "login = { max_age = \"1h\" }",
            Some("login.max_age is asked for and can't be checked"),
        ),
        ("", "login = { prompt = \"login\", acr_values = [\"a\"] }", None),
        (OIDC, "login = { max_age = \"1h\" }", None),
    ] {
        let config = load(&with(provider, route), &[], &[]).unwrap();
        let about: Vec<_> =
            config.warnings.iter().filter(|warning| warning.contains("at provider")).collect();
        match told {
            Some(told) => {
                assert!(about.len() == 1 && about[0].contains(told), "{route}: {about:?}")
            }
            None => assert!(about.is_empty(), "{provider} {route}: {about:?}"),
        }
    }
}

#[test]
fn the_wishes_of_a_route_are_read_and_judged() {
    let wishes =
        "login = { acr_values = [\"a b\", \"c\"], max_age = \"1h\", prompt = \"consent  login\" }";
    let config = load(&with(OIDC, wishes), &[], &[]).unwrap();
    let route = config.routes.all().first().unwrap();
    assert_eq!(route.login.acr_values, ["a", "b", "c"]);
    assert_eq!(route.login.max_age, Some(std::time::Duration::from_secs(3600)));
    assert_eq!(route.login.prompt.as_deref(), Some("consent login"));
    for (wrong, told) in [
        ("{ prompt = \"none\" }", "can't be \"none\""),
        ("{ prompt = \"\" }", "must be words"),
        ("{ prompt = \"log in!\" }", "must be words"),
        ("{ max_age = \"soon\" }", "is no duration"),
        ("{ acr_values = [\"a\\\"b\"] }", "must be of printable ASCII"),
        ("{ acr = [\"a\"] }", "unknown key"),
        ("\"login\"", "must be a table"),
    ] {
        let problems = load(&with(OIDC, &format!("login = {wrong}")), &[], &[]).expect_err(wrong);
        assert!(problems.contains(told) && problems.contains("login"), "{wrong}: {problems}");
    }
}
