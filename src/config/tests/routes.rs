//! Routes: what is refused of them, what deserves a warning, and many of them.

use super::*;
use crate::auth::rate::Rate;
use crate::auth::route_limits::{Counted, EVERYWHERE};

fn routes(lines: &str) -> Result<Config, String> {
    let head = r#"
public_url = "https://app.example.com"
[provider]
client_id = "id"
client_secret = { env = "SECRET" }
"#;
    load(&format!("{head}{lines}"), &[], &[])
}

fn route(lines: &str) -> String {
    format!("[[route]]\nupstream = \"http://10.0.0.1:3000\"\n{lines}\n")
}

fn about_routes(config: &Config) -> Vec<&str> {
    let warnings = config.warnings.iter().map(String::as_str);
    warnings.filter(|warning| warning.starts_with("route[")).collect()
}

#[test]
fn a_prefix_is_one_of_every_path_of_its_route() {
    for (lines, right) in [
        ("path = \"/wiki\"\nstrip_prefix = \"/wiki\"", true),
        ("path = \"/wiki/x\"\nmatch = \"exact\"\nstrip_prefix = \"/wiki/\"", true),
        ("path = \"/wiki/{id}\"\nmatch = \"template\"\nstrip_prefix = \"/wiki\"", true),
        ("path = \"/wiki/v[0-9]+\"\nmatch = \"regex\"\nstrip_prefix = \"/wiki\"", true),
        ("path = \"/wiki.*\"\nmatch = \"regex\"\nstrip_prefix = \"/wiki\"", false),
        ("path = \"/{id}\"\nmatch = \"template\"\nstrip_prefix = \"/wiki\"", false),
        ("strip_prefix = \"/wiki\"", false),
        ("path = \"/wikis\"\nstrip_prefix = \"/wiki\"", false),
        ("path = \"/wiki\"\nstrip_prefix = \"/\"", false),
        ("path = \"/wiki\"\nstrip_prefix = \"wiki\"", false),
        ("add_prefix = \"/a//b\"", false),
        ("add_prefix = \"/a%20b\"", false),
        ("host_header = \"up stream\"", false),
        ("host_header = \"upstream\"", true),
    ] {
        let loaded = routes(&route(lines));
        assert_eq!(loaded.is_ok(), right, "{lines}: {loaded:?}");
    }
    let unix = "[[route]]\nupstream = \"unix:/run/app.sock\"\nhost_header = \"upstream\"";
    assert!(routes(unix).unwrap_err().contains("route[0].host_header"));
}

#[test]
fn a_route_that_never_matches_is_told_with_the_one_that_hides_it() {
    let text = [
        "path = \"/a/{x}\"\nmatch = \"template\"\nname = \"first\"",
        "path = \"/a/{y}\"\nmatch = \"template\"\nname = \"second\"",
        "path = \"/p\"\nmethods = [\"GET\", \"HEAD\"]\naccess = \"public\"",
        "path = \"/p\"\nmethods = [\"POST\"]",
        "path = \"/p/\"\nmethods = [\"GET\", \"PUT\"]",
        "path = \"/p\"\nmatch = \"exact\"",
        "path = \"/p\"\nhost = \"wiki.example.com\"",
    ];
    let config = routes(&text.map(route).concat()).unwrap();
    let told = about_routes(&config);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        told[0],
        "route[1] (second) never matches: route[0] (first) covers the same before it"
    );
    assert!(told[1].starts_with("route[4] (/p/) gets no GET: route[2]"), "{told:?}");
}

#[test]
fn c48_a_public_expression_that_is_wider_than_it_looks_is_told() {
    for (text, access, told) in [
        ("/v[0-9]+/health", "public", false),
        ("^/assets/[^/]*$", "public", false),
        ("/assets/[a-z]*\\\\.css", "public", false),
        ("health", "public", true),
        (".*", "public", true),
        ("/assets/.*", "public", true),
        ("/.+/health", "public", true),
        ("(/a|/b)", "public", false),
        ("/assets/.*", "signed-in", false),
    ] {
        let lines = format!("path = \"{text}\"\nmatch = \"regex\"\naccess = {access:?}");
        let config = routes(&route(&lines)).unwrap();
        assert_eq!(!about_routes(&config).is_empty(), told, "{text} {:?}", config.warnings);
    }
}

#[test]
fn a_variable_has_one_place_in_a_template() {
    let problems = routes(&route("path = \"/{a}/{a}\"\nmatch = \"template\"")).unwrap_err();
    assert!(
        problems.contains("route[0].path") && problems.contains("each name once"),
        "{problems}"
    );
}

#[test]
fn limits_of_a_route_stand_in_for_those_of_all() {
    let root = "[limits]\nbody_bytes = 1000\nrate_per_address = \"20/s\"\nburst = 40\n";
    let all = [
        "",
        "limits = { body_bytes = 0, rate_per_address = \"off\" }",
        "limits = { rate_per_address = \"1/m\", response_head = \"2s\", stream_idle = \"1h\" }",
    ];
    let config = routes(&format!("{root}{}", all.map(route).concat())).unwrap();
    let limits: Vec<_> = config.routes.routes().iter().map(|route| &route.limits).collect();
    let everywhere = Counted { rate: Rate::parse("20/s", Some(40)).unwrap(), among: EVERYWHERE };
    let first = limits[0].limited().unwrap();
    assert_eq!((first.body_bytes, first.per_address), (Some(1000), Some(everywhere)));
    assert_eq!(limits[1].limited(), None, "nothing is limited, and nothing is looked at");
    let third = limits[2].limited().unwrap();
    assert_eq!(
        third.per_address.unwrap(),
        Counted { rate: Rate::parse("1/m", None).unwrap(), among: 3 }
    );
    let times = third.times.unwrap();
    assert_eq!(times.response_head.as_secs(), 2);
    assert_eq!((times.connect.as_secs(), times.stream_idle.unwrap().as_secs()), (5, 3600));
    for wrong in [
        "burst = 40",
        "rate_per_address = \"20\"",
        "rate_per_session = \"0/s\"",
        "body_bytes = 1.5",
        "concurrent_per_session = -1",
        "connect = \"0s\"",
        "drain = \"1s\"",
    ] {
        assert!(routes(&route(&format!("limits = {{ {wrong} }}"))).is_err(), "{wrong}");
    }
}

#[test]
fn a_limit_on_addresses_that_nobody_has_is_told() {
    let told = |top: &str| {
        let text = format!("{top}\n{SMALL}\n[limits]\nrate_per_address = \"20/s\"");
        let config = load(&text, &[], &[]).unwrap();
        config.warnings.iter().any(|warning| warning.contains("rate_per_address"))
    };
    assert!(told("listen = [\"unix:/run/gate.sock\"]"));
    assert!(!told("listen = [\"unix:/run/gate.sock\"]\ntrusted_proxies = [\"unix\"]"));
    assert!(!told("listen = [\"127.0.0.1:4180\"]"));
}

#[test]
fn one_domain_stands_for_all_and_a_list_for_those_below() {
    let text = |domain: &str| {
        format!("{SMALL}host = \"wiki.example.org\"\n[session]\ncookie_domain = {domain}")
    };
    let problems = load(&text("\"example.com\""), &[], &[]).unwrap_err();
    assert!(problems.contains("session.cookie_domain"), "{problems}");
    let config = load(&text("[\"example.com\"]"), &[], &[]).unwrap();
    let scope = |host| config.realms.at(host, || true).scope().to_owned();
    assert_eq!(
        ["app.example.com", "wiki.example.org"].map(scope),
        ["example.com", "wiki.example.org"]
    );
    let unused = load(&text("[\"example.net\"]"), &[], &[]).unwrap();
    assert!(unused.warnings.iter().any(|warning| warning.contains("example.net")));
    for wrong in ["[\"com\"]", "[\"a.b\", \"a.b\"]", "[\"a.b:80\"]"] {
        assert!(load(&text(wrong), &[], &[]).is_err(), "{wrong}");
    }
    let fixed =
        text("[\"example.com\"]").replace("[[route]]", "send_redirect_uri = false\n[[route]]");
    let config = load(&fixed, &[], &[]).unwrap();
    assert!(config.warnings.iter().any(|warning| warning.contains("send_redirect_uri")));
}

#[test]
fn ten_thousand_routes_share_the_apps_that_are_the_same() {
    let lines = |n: usize| {
        format!("[[route]]\nupstream = \"http://10.0.0.{}:80\"\npath = \"/app{n}\"\n", n % 100)
    };
    let config = routes(&(0..10_000).map(lines).collect::<String>()).unwrap();
    assert_eq!((config.routes.routes().len(), config.upstreams.len()), (10_000, 100));
    let problems = routes(
        &(0..10_001)
            .map(|n| if n == 9_999 { String::from("[[route]]\n") } else { lines(n) })
            .collect::<String>(),
    );
    assert!(problems.unwrap_err().starts_with("gate.toml:30003: route[9999].upstream"));
}
