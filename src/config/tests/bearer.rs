//! API clients that bring a token of their own.

use super::*;
use crate::auth::bearer::Issuer;

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
    assert_eq!(bearer.issuer, Issuer::Is(String::from("https://provider.example")));
    assert_eq!((bearer.audience.as_slice(), bearer.cache.as_secs()), (&["api".to_owned()][..], 60));
    assert_eq!(bearer.algorithms.len(), 1);
    assert!(bearer.scopes.is_empty() && bearer.clients.is_empty() && !bearer.introspection);
}

#[test]
fn every_rule_is_read() {
    let lines = format!(
        "{PLAIN}{JWKS}[provider.bearer]\naudience = [\"a\", \"b\"]\nissuer = \"\"\nalgorithms = [\"ES256\", \"EdDSA\"]\nscopes = [\"read write\"]\nclients = [\"script\"]\ncache = \"5s\"\nonly_at_jwt = true\nuser = [\"token:/sub\", \"token:/client_id\"]"
    );
    let settings = settings(&lines);
    let bearer = settings.bearer.as_ref().unwrap();
    assert_eq!((&bearer.issuer, bearer.algorithms.len()), (&Issuer::Unnamed, 2));
    assert_eq!((bearer.only_at_jwt, bearer.user.len()), (true, 2));
    assert_eq!(bearer.scopes, ["read", "write"]);
    assert_eq!(bearer.clients, ["script"]);
    assert_eq!(bearer.cache.as_secs(), 5);
}

#[test]
fn introspection_needs_neither_audience_nor_issuer() {
    let rules = "bearer = { introspection = true, clients = [\"script\"] }";
    let settings = settings(&format!("{PLAIN}{ASKS}{rules}"));
    let bearer = settings.bearer.as_ref().unwrap();
    assert!(bearer.introspection && bearer.audience.is_empty() && bearer.issuer == Issuer::Any);
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
        (OIDC, "introspection = true", "bearer.introspection: needs audience, clients or scopes"),
        (
            "kind = \"oidc\"\nissuer = \"https://p\"\nclient_auth = \"none\"\n",
            "introspection = true, scopes = \"a\"",
            "bearer.introspection: needs a client that proves itself",
        ),
        (OIDC, "audience = \"a\", cache = \"2h\"", "bearer.cache: must be an hour at most"),
        (
            OIDC,
            "introspection = true, scopes = \"a\", only_at_jwt = true",
            "bearer.only_at_jwt: is not used with introspection",
        ),
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
    let off = format!(
        "{OIDC}introspection_url = \"\"\nbearer = {{ introspection = true, scopes = \"a\" }}"
    );
    each_is_one_problem(&[(&off, "provider.bearer.introspection: needs introspection_url")]);
    each_is_one_problem(&[(&format!("{OIDC}bearer = true"), "provider.bearer: must be a table")]);
    let told_once =
        format!("{PLAIN}issuer = \"x\"\njwks_url = \"x\"\nbearer = {{ audience = \"a\" }}");
    let problems = load(&file(&told_once), &[], &[]).unwrap_err();
    assert_eq!(problems.lines().count(), 2, "{problems}");
}
