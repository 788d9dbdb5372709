//! Fields of the operator's own, and the assertion.

use http::HeaderValue;

use super::*;
use crate::auth::assertion::SigningAlgorithm;
use crate::auth::fields::{Content, FieldRules};

/// The rules of a route with these lines.
fn rules(lines: &str) -> FieldRules {
    let config = load(&format!("{SMALL}{lines}"), &[("LEGACY", "Basic canary")], &[]).unwrap();
    config.routes.all()[0].fields.clone()
}

/// What is wrong with a route with these lines, which is one thing.
fn problem(lines: &str) -> String {
    let secrets = [("LINES", "canary\n2"), ("LEGACY", "Basic canary")];
    let problems = load(&format!("{SMALL}{lines}"), &secrets, &[]).expect_err(lines);
    assert_eq!(problems.lines().count(), 1, "{lines}\n{problems}");
    let (_, told) = problems.split_once(": ").unwrap();
    told.to_owned()
}

#[test]
fn a_route_without_the_keys_says_nothing() {
    let rules = rules("");
    assert!(rules.is_silent() && rules.answer.is_empty() && rules.sources().is_empty());
    assert!(load(SMALL, &[], &[]).unwrap().assertion.is_none());
}

#[test]
fn fields_are_claims_texts_and_secrets() {
    let rules = rules(
        r#"authorization = "off"
request_headers = { "X-A" = { claim = "token:/roles", format = "json", max_bytes = 10 }, "X_B" = "fixed {{", "X-C" = "{me:/x} {email}", Authorization = { secret = { env = "LEGACY" } } }
response_headers = { Server = "", "X-Frame-Options" = "DENY" }"#,
    );
    let fixed: Vec<_> = rules.fixed().collect();
    assert_eq!(fixed.len(), 2);
    let of = |name: &str| fixed.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
    assert_eq!(of("x_b"), Some(&HeaderValue::from_static("fixed {")));
    assert!(of("authorization").is_some_and(|value| value.is_sensitive()));
    let claims =
        rules.request.iter().filter(|field| matches!(field.content, Content::Claim { .. }));
    assert_eq!(claims.count(), 1);
    assert_eq!(rules.sources().len(), 2, "the words are kept anyway");
    assert!(rules.managed.has("x.b") && rules.managed.has("x-c") && !rules.managed.has("x-d"));
    let answer: Vec<_> = rules.answer.iter().map(|field| field.value.is_some()).collect();
    assert_eq!(answer, [false, true]);
}

#[test]
fn sessions_keep_what_fields_and_assertions_read() {
    let text = format!(
        "{SMALL}request_headers = {{ X-A = \"{{me:/x}}\", X-B = {{ claim = \"me:/x\" }} }}\n\
         assertion = {{ claims = {{ roles = \"token:/roles\", mail = \"email\" }} }}"
    );
    let config = load(&text, &[], &[]).unwrap();
    let kept = &config.providers[0].settings.identity.kept;
    let kept: Vec<_> = kept.iter().map(|source| source.pointer()).collect();
    assert_eq!(kept, ["/x", "/roles"]);
}

#[test]
fn names_that_nobody_may_state_are_refused() {
    for (key, name, value, wanted) in [
        ("request_headers", "Connection", "x", "can't be stated"),
        ("request_headers", "Content_Length", "1", "can't be stated"),
        ("request_headers", "Host", "x", "can't be stated"),
        ("request_headers", "Cookie", "x", "can't be stated"),
        ("request_headers", "X-Forwarded-For", "x", "can't be stated"),
        ("request_headers", "X-Askara-Assertion", "x", "can't be stated"),
        ("request_headers", "X A", "x", "is no name"),
        ("request_headers", "Authorization", "x", "needs authorization = \"off\""),
        ("response_headers", "Set-Cookie", "", "can't be stated"),
        ("response_headers", "Transfer-Encoding", "x", "can't be stated"),
    ] {
        let told = problem(&format!("{key} = {{ {name:?} = {value:?} }}"));
        let wanted = format!("route[0].{key}.{name}: {wanted}");
        assert!(told.starts_with(&wanted), "{wanted}\n{told}");
    }
    for key in ["request_headers", "response_headers"] {
        let told = problem(&format!("{key} = {{ X-A = \"x\", x-a = \"y\" }}"));
        assert!(told.starts_with(&format!("route[0].{key}.x-a: is there twice")), "{told}");
    }
    assert!(
        problem("request_headers = { X-A = \"x\", x_a = \"y\" }").contains("x_a: is there twice")
    );
    let passes = "authorization = \"pass\"\nrequest_headers = { Authorization = \"x\" }";
    assert!(problem(passes).contains("needs authorization = \"off\""));
}

/// What is wrong with this value of a field.
fn problem_with(value: &str) -> String {
    let told = problem(&format!("request_headers = {{ X-A = {value} }}"));
    told.strip_prefix("route[0].request_headers.X-A").expect(&told).to_owned()
}

#[test]
fn c40_a_text_that_means_nothing_sure_is_refused() {
    for (value, wanted) in [
        (r#""""#, ": is empty"),
        ("7", ": must be a text"),
        (r#""{mail}""#, ": \"mail\" is no claim"),
        (r#""{email""#, ": has a \"{\""),
        (r#""a\nb""#, ": must be printable"),
        (r#""{path.team}""#, ": the route's path has no {team}"),
    ] {
        let told = problem_with(value);
        assert!(told.starts_with(wanted), "{value}\n{told}");
    }
    let of_path = "request_headers = { X-A = \"{path.team}\" }";
    let template = format!("path = \"/teams/{{team}}\"\nmatch = \"template\"\n{of_path}");
    assert!(rules(&template).tells_of_paths());
    assert!(problem("request_headers = \"x\"").contains("request_headers: must be a table"));
    assert!(problem(r#"response_headers = { X-A = "a\nb" }"#).contains("X-A: must be printable"));
}

#[test]
fn c40_a_claim_or_secret_that_means_nothing_sure_is_refused() {
    for (value, wanted) in [
        ("{}", ": needs claim"),
        (r#"{ claim = "email", secret = { env = "LEGACY" } }"#, ": needs claim"),
        (r#"{ claim = "mail" }"#, ".claim: \"mail\" is no claim"),
        (r#"{ claim = "email", formt = "json" }"#, ".formt: unknown key; did you mean \"format\"?"),
        (r#"{ claim = "email", format = "xml" }"#, ".format: "),
        (r#"{ claim = "groups", separator = "and" }"#, ".separator: "),
        (r#"{ claim = "groups", format = "base64", separator = "=" }"#, ".separator: "),
        (r#"{ claim = "email", max_bytes = 0 }"#, ".max_bytes: "),
        (r#"{ claim = "email", max_bytes = 1.5 }"#, ".max_bytes: "),
        (r#"{ claim = "email", max_bytes = 1e9 }"#, ".max_bytes: "),
        (r#"{ secret = { env = "NOT_THERE" } }"#, ".secret.env: the variable NOT_THERE"),
        (r#"{ secret = { env = "LINES" } }"#, ".secret: must be one line"),
    ] {
        let told = problem_with(value);
        assert!(told.starts_with(wanted), "{value}\n{told}");
    }
}

#[test]
fn an_assertion_is_for_the_route_unless_it_says_whom() {
    let config = load(&format!("{SMALL}assertion = true"), &[], &[]).unwrap();
    let settings = config.assertion.unwrap();
    assert_eq!(settings.issuer, "https://app.example.com");
    assert_eq!(settings.algorithm, SigningAlgorithm::Es256);
    assert_eq!((settings.life.as_secs(), settings.rotate_every.as_secs()), (60, 30 * 24 * 3600));
    assert_eq!(config.routes.all()[0].fields.assertion, Some(Default::default()));
    assert_eq!(rules("assertion = false").assertion, None);
    let own = "assertion = { audience = \"wiki\", claims = { mail = \"email\" } }\n\
        [assertion]\nalgorithm = \"EdDSA\"\nissuer = \"gate\"\nlife = 10\nrotate_every = \"1h\"";
    let config = load(&format!("{SMALL}{own}"), &[], &[]).unwrap();
    let settings = config.assertion.unwrap();
    assert_eq!((settings.issuer.as_str(), settings.life.as_secs()), ("gate", 10));
    let rules = config.routes.all()[0].fields.assertion.as_ref().unwrap();
    assert_eq!((rules.audience.as_deref(), rules.claims.len()), (Some("wiki"), 1));
}

#[test]
fn an_assertion_that_says_too_much_is_refused() {
    for (lines, wanted) in [
        ("assertion = \"yes\"", "route[0].assertion: must be true or false"),
        ("assertion = { audience = \"\" }", "route[0].assertion.audience: is empty"),
        ("assertion = { claims = { sub = \"email\" } }", "route[0].assertion.claims.sub: "),
        ("assertion = { claims = { exp = \"me:/x\" } }", "route[0].assertion.claims.exp: "),
        ("assertion = { claims = { mail = \"mail\" } }", "route[0].assertion.claims.mail: "),
        ("assertion = { audiense = \"x\" }", "route[0].assertion.audiense: unknown key"),
        ("[assertion]\nlife = \"61s\"", "assertion.life: must be from 10s to 1m"),
        ("[assertion]\nlife = \"9s\"", "assertion.life: "),
        ("[assertion]\nrotate_every = \"59m\"", "assertion.rotate_every: "),
        ("[assertion]\nalgorithm = \"RS256\"", "assertion.algorithm: "),
        ("[assertion]\nissuer = \"\"", "assertion.issuer: is empty"),
        ("[assertion]\nkeys = []", "assertion.keys: unknown key"),
    ] {
        let told = problem(lines);
        assert!(told.starts_with(wanted), "{lines}\n{told}");
    }
}

#[test]
fn two_apps_with_one_audience_are_warned_of() {
    let route = |path: &str, port: u16, more: &str| {
        format!("{{ path = {path:?}, upstream = \"http://127.0.0.1:{port}\"{more} }}")
    };
    let asserts = ", assertion = { audience = \"wiki\" }";
    for (second, warned) in [
        (route("/b", 2, asserts), true),
        (route("/b", 1, asserts), false),
        (route("/b", 2, ", assertion = true"), false),
        (route("/b", 2, ""), false),
    ] {
        let set = format!("route=[{}, {second}]", route("/a", 1, asserts));
        let config = load(SMALL, &[], &[&set]).unwrap();
        let warns = config.warnings.iter().any(|warning| warning.contains("\"wiki\""));
        assert_eq!(warns, warned, "{set}: {:?}", config.warnings);
    }
}
