//! Access rules as they are written.

use super::*;
use crate::auth::access::{Kind, Rule};

/// A file whose one route, a template, has this rule.
fn with(access: &str) -> String {
    let route = "path = \"/teams/{team}/*\"\nmatch = \"template\"\nmethods = [\"GET\", \"POST\"]";
    format!("{SMALL}{route}\naccess = {access}\n")
}

fn access(written: &str) -> Access {
    let config = load(&with(written), &[], &[]).unwrap_or_else(|told| panic!("{written}\n{told}"));
    // What this kind of provider can't tell is another matter.
    let fits = |warning: &String| warning.ends_with("at provider \"askara\"");
    assert!(config.warnings.iter().all(fits), "{written}: {:?}", config.warnings);
    found(&config)
}

fn found(config: &Config) -> Access {
    let path = crate::auth::path::RequestPath::parse("/teams/red/x").unwrap();
    let host = crate::auth::host::Host::parse("app.example.com").unwrap();
    config.routes.find(&host, &path, &http::Method::GET).unwrap().route.access.clone()
}

/// What is told of a rule, without file and line.
fn told(written: &str) -> Vec<String> {
    let problems = load(&with(written), &[], &[]).expect_err(written);
    let told = problems.lines().map(|line| line.splitn(3, ':').last().unwrap().trim().to_owned());
    told.collect()
}

#[test]
fn every_kind_of_rule_is_read() {
    for (written, kind) in [
        (r#"{ claim = "me:/organization/id", any = [42, "x", true] }"#, "Claim"),
        (r#"{ claim = "groups", all = ["a"], none = ["b"], any = ["c"] }"#, "Claim"),
        (r#"{ claim = "me:/teams/{team}/role", any = ["lead-{team}"] }"#, "Claim"),
        (r#"{ scope = ["a", "b"] }"#, "Scope"),
        (r#"{ email_domain = ["example.com"] }"#, "EmailDomain"),
        (r#"{ network = ["10.0.0.0/8", "::1"] }"#, "Network"),
        (r#"{ method = ["GET"] }"#, "Method"),
        (
            r#"{ time = { days = ["mon"], from = "08:00", to = "18:00", offset = "+01:00" } }"#,
            "Time",
        ),
        (r#"{ time = { from = "22:00", to = "06:00" } }"#, "Time"),
        (r#"{ time = { days = ["sat", "sun"] } }"#, "Time"),
        (r#"{ acr = ["urn:mfa"] }"#, "Acr"),
        (r#"{ max_age = "10m" }"#, "MaxAge"),
        (r#"{ all = ["signed-in", { method = ["GET"] }] }"#, "All"),
        (r#"{ any = [{ scope = "a" }, { acr = "b" }] }"#, "Any"),
        (r#"{ not = { network = "192.0.2.0/24" } }"#, "Not"),
        (r#"{ expression = 'request.variables.team in token.teams' }"#, "Expression"),
    ] {
        let Access::Rule(rule) = access(written) else { panic!("{written}") };
        assert!(format!("{:?}", rule.kind).starts_with(kind), "{written}\n{rule:?}");
    }
    assert_eq!(access("\"public\""), Access::Public);
    assert_eq!(access("\"signed-in\""), Access::SignedIn);
}

#[test]
fn a_message_belongs_to_the_table_that_it_stands_in() {
    let written = r#"{ all = [{ scope = ["a"], message = "Ask Ann." }], message = "No." }"#;
    let Access::Rule(rule) = access(written) else { panic!("{written}") };
    let Rule { message, kind: Kind::All(rules) } = *rule else { panic!("{written}") };
    assert_eq!(message.as_deref(), Some("No."));
    assert_eq!(rules[0].message.as_deref(), Some("Ask Ann."));
}

/// Demands exactly one problem of each, the one that begins like this.
fn each_is_one(cases: &[(&str, &str)]) {
    for (written, wanted) in cases {
        let told = told(written);
        assert_eq!(told.len(), 1, "{written}\n{told:?}");
        assert!(told[0].starts_with(wanted), "{written}\n{}\nis not\n{wanted}", told[0]);
    }
}

#[test]
fn what_a_rule_gets_wrong_is_told_at_its_key() {
    each_is_one(&[
        ("\"everyone\"", "route[0].access: \"everyone\" is none of"),
        ("42", "route[0].access: must be a text"),
        ("{}", "route[0].access: asks nothing"),
        ("{ message = \"x\" }", "route[0].access: asks nothing"),
        ("{ scopes = [\"a\"] }", "route[0].access.scopes: unknown key; did you mean \"scope\"?"),
        ("{ scope = [] }", "route[0].access.scope: is empty"),
        ("{ scope = [\"\"] }", "route[0].access.scope[0]: is empty"),
        ("{ claim = \"me:/x\" }", "route[0].access.claim: needs what it must have"),
        ("{ claim = \"me:/x\", any = [] }", "route[0].access.any: is empty"),
        ("{ claim = \"me:/x\", any = [[]] }", "route[0].access.any[0]: must be a text"),
        ("{ claim = \"x\", any = [\"a\"] }", "route[0].access.claim: \"x\" is no claim"),
        ("{ claim = \"me:/\", any = [\"a\"] }", "route[0].access.claim: \"me:/\" is no claim"),
        (
            "{ claim = \"me:/{team}\", any = [\"a\"] }",
            "route[0].access.claim: \"me:/{team}\" keeps",
        ),
        (
            "{ claim = \"me:/a/{x}\", any = [\"a\"] }",
            "route[0].access.claim: {x} is unknown: the route's path has team",
        ),
        ("{ claim = \"user\", any = [\"{x}\"] }", "route[0].access.any[0]: {x} is unknown"),
        ("{ claim = \"user\", any = [\"{\"] }", "route[0].access.any[0]: \"{\" has a brace"),
        (
            "{ claim = \"user\", any = [\"a\"], scope = [\"b\"] }",
            "route[0].access.scope: stands beside claim",
        ),
        ("{ none = [\"a\"] }", "route[0].access.none: is for claims"),
        ("{ scope = [\"a\"], acr = [\"b\"] }", "route[0].access.acr: stands beside scope"),
    ]);
}

#[test]
fn what_one_kind_of_rule_gets_wrong_is_told_in_its_words() {
    each_is_one(&[
        ("{ email_domain = [\"@example.com\"] }", "route[0].access.email_domain[0]: "),
        ("{ network = [\"10.0.0.0/33\"] }", "route[0].access.network[0]: "),
        ("{ network = [\"10.1.2.3/8\"] }", "route[0].access.network[0]: \"10.1.2.3/8\" has bits"),
        ("{ method = [\"get\"] }", "route[0].access.method[0]: \"get\" is no method"),
        ("{ time = {} }", "route[0].access.time: is every time"),
        ("{ time = { days = [\"monday\"] } }", "route[0].access.time.days[0]: \"monday\" is not"),
        ("{ time = { from = \"8:00\" } }", "route[0].access.time: \"8:00\" is no time"),
        ("{ time = { days = [\"mon\"], offset = \"CET\" } }", "route[0].access.time.offset: "),
        ("{ time = { days = [] } }", "route[0].access.time.days: is empty"),
        ("{ max_age = \"soon\" }", "route[0].access.max_age: is no duration"),
        ("{ max_age = \"5s\" }", "route[0].access.max_age: is shorter than 30s"),
        ("{ all = [] }", "route[0].access.all: is empty"),
        ("{ all = [\"everyone\"] }", "route[0].access.all[0]: \"everyone\" is none"),
        ("{ any = [{ all = [{ scope = [] }] }] }", "route[0].access.any[0].all[0].scope: is empty"),
        ("{ not = \"public\" }", "route[0].access.not: must be a rule"),
        ("{ not = { acr = [\"a\"] } }", "route[0].access.not.acr: can't be under not"),
        (
            "{ not = { any = [{ max_age = \"1h\" }] } }",
            "route[0].access.not.any[0].max_age: can't be",
        ),
        (
            "{ expression = 'usr == 1' }",
            "route[0].access.expression: line 1, column 1: there is no \"usr\"",
        ),
        (
            "{ expression = 'me == 1' }",
            "route[0].access.expression: line 1, column 1: name the member",
        ),
        (
            "{ expression = 'request.variables.x == \"\"' }",
            "route[0].access.expression: line 1, column 18: the route's path has no variable \"x\"",
        ),
    ]);
}

#[test]
fn all_that_is_wrong_with_a_rule_is_told_at_once() {
    let told = told(
        "{ all = [{ scope = [] }, { network = [\"x\", \"10.0.0.0/8\", \"y\"] }, { expression = \"usr == 'x' ||\\n grups == 'y'\" }] }",
    );
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told[4].contains("line 2, column 2: there is no \"grups\""), "{told:?}");
}

#[test]
fn rules_inside_of_rules_have_an_end() {
    let nested = |levels: usize| {
        format!("{}{{ scope = \"a\" }}{}", "{ all = [".repeat(levels), "] }".repeat(levels))
    };
    access(&nested(15));
    assert!(told(&nested(16))[0].ends_with("is nested deeper than 16 rules"));
}

#[test]
fn what_is_odd_about_a_rule_is_warned_of() {
    for (written, warning) in [
        ("{ network = [\"0.0.0.0/0\"] }", "route[0].access.network: a network of every address"),
        ("{ any = [\"public\", { scope = \"a\" }] }", "route[0].access.any: \"public\" among them"),
        ("{ method = [\"PUT\"] }", "route[0].access.method: never holds"),
        (
            "{ expression = 'user.matches(\"a\")' }",
            "route[0].access.expression: matches(\"a\") also",
        ),
        ("{ expression = '1 == 1' }", "route[0].access.expression: looks at nothing"),
    ] {
        let config = load(&with(written), &[], &[]).unwrap();
        let [told] = config.warnings.as_slice() else { panic!("{written} {:?}", config.warnings) };
        assert!(told.starts_with(warning), "{told}");
    }
}

#[test]
fn a_rule_can_be_set_from_outside_of_the_file() {
    let set = r#"route=[{ upstream = "http://127.0.0.1:9", path = "/teams", access = { scope = ["a"] } }]"#;
    let config = load(SMALL, &[], &[set]).unwrap();
    assert_eq!(found(&config), Access::Rule(Box::new(Rule::new(Kind::Scope(vec!["a".into()])))));
}
