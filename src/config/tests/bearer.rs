//! API clients that bring a token of their own.

use super::*;

const PLAIN: &str = "client_secret = { env = \"SECRET\" }\n";
const OIDC: &str = "kind = \"oidc\"\nissuer = \"https://provider.example\"\nclient_secret = { env = \"SECRET\" }\n";
const JWKS: &str = "jwks_url = \"https://provider.example/jwks\"\n";
const ASKS: &str = "introspection_url = \"https://provider.example/introspect\"\n";

#[test]
fn without_the_table_no_token_is_taken() {
    assert!(settings(OIDC).bearer.is_none());
}

#[test]
fn an_audience_is_enough_for_an_openid_provider() {
    let settings = settings(&format!("{OIDC}bearer = {{ audience = [\"api\"] }}"));
    let bearer = settings.bearer.as_ref().unwrap();
    assert_eq!(bearer.issuer.as_deref(), Some("https://provider.example"));
    assert_eq!((bearer.audience.as_slice(), bearer.cache.as_secs()), (&["api".to_owned()][..], 60));
    assert_eq!(bearer.algorithms.len(), 1);
    assert!(bearer.scopes.is_empty() && bearer.clients.is_empty() && !bearer.introspection);
}

#[test]
fn every_rule_is_read() {
    let lines = format!(
        "{PLAIN}{JWKS}[provider.bearer]\naudience = [\"a\", \"b\"]\nissuer = \"\"\nalgorithms = [\"ES256\", \"EdDSA\"]\nscopes = [\"read write\"]\nclients = [\"script\"]\ncache = \"5s\""
    );
    let settings = settings(&lines);
    let bearer = settings.bearer.as_ref().unwrap();
    assert_eq!((bearer.issuer.as_deref(), bearer.algorithms.len()), (None, 2));
    assert_eq!(bearer.scopes, ["read", "write"]);
    assert_eq!(bearer.clients, ["script"]);
    assert_eq!(bearer.cache.as_secs(), 5);
}

#[test]
fn introspection_needs_neither_audience_nor_issuer() {
    let settings = settings(&format!("{PLAIN}{ASKS}bearer = {{ introspection = true }}"));
    let bearer = settings.bearer.as_ref().unwrap();
    assert!(bearer.introspection && bearer.audience.is_empty() && bearer.issuer.is_none());
}

#[test]
fn rules_that_would_take_too_much_or_nothing_are_refused() {
    for (provider, rules, wanted) in [
        (OIDC, "", "bearer.audience: must name at least one"),
        (OIDC, "audience = []", "bearer.audience: must name at least one"),
        (OIDC, "audience = [\"a\", \"\"]", "bearer.audience[1]: must not be empty"),
        (OIDC, "audience = \"a\", algorithms = [\"HS256\"]", "bearer.algorithms[0]: \"HS256\""),
        (OIDC, "audience = \"a\", algorithms = []", "bearer.algorithms: is empty"),
        (OIDC, "audience = \"a\", audiences = \"b\"", "bearer.audiences: unknown key; did you"),
        (PLAIN, "audience = \"a\", issuer = \"\"", "bearer: needs the provider's jwks_url"),
        (PLAIN, "introspection = true", "bearer.introspection: needs introspection_url"),
        (
            OIDC,
            "introspection = true, algorithms = [\"RS256\"]",
            "bearer.algorithms: is not used with introspection",
        ),
    ] {
        let lines = format!("{provider}bearer = {{ {rules} }}");
        let problems = load(&file(&lines), &[], &[]).unwrap_err();
        assert!(problems.contains(&format!("provider.{wanted}")), "{rules}\n{problems}");
    }
    let unknown = format!("{PLAIN}{JWKS}bearer = {{ audience = \"a\" }}");
    let wanted =
        "provider.bearer.issuer: is missing, and the provider has none; say it, or issuer = \"\"";
    each_is_one_problem(&[(&unknown, wanted)]);
    let off = format!("{OIDC}introspection_url = \"\"\nbearer = {{ introspection = true }}");
    each_is_one_problem(&[(&off, "provider.bearer.introspection: needs introspection_url")]);
    each_is_one_problem(&[(&format!("{OIDC}bearer = true"), "provider.bearer: must be a table")]);
    let told_once =
        format!("{PLAIN}issuer = \"x\"\njwks_url = \"x\"\nbearer = {{ audience = \"a\" }}");
    let problems = load(&file(&told_once), &[], &[]).unwrap_err();
    assert_eq!(problems.lines().count(), 2, "{problems}");
}
