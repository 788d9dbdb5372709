//! Apps of one or several servers.

use std::time::Duration;

use super::*;

const TOP: &str = r#"
public_url = "https://app.example.com"
[provider]
client_id = "id"
client_secret = { env = "SECRET" }
[[route]]
"#;

fn upstream(lines: &str) -> Result<Upstream, String> {
    let mut config = load(&format!("{TOP}{lines}"), &[], &[])?;
    assert_eq!(config.upstreams.len(), 1);
    Ok(config.upstreams.remove(0))
}

fn addresses(upstream: &Upstream) -> Vec<String> {
    upstream.servers.iter().map(ToString::to_string).collect()
}

#[test]
fn an_app_has_one_address_or_a_list_of_any_kinds() {
    let one = upstream("upstream = \"http://127.0.0.1:3000\"").unwrap();
    assert_eq!(addresses(&one), ["http://127.0.0.1:3000"]);
    assert_eq!((one.health, one.connections, one.certificate), (None, None, None));
    let all = ["http://a:3000", "https://b", "h2c://c:50051", "unix:/run/app.sock"];
    let several = upstream(&format!("upstream = {all:?}")).unwrap();
    assert_eq!(addresses(&several), all);
    let set = ["route=[{ upstream = [\"http://a\", \"http://b\"] }]"];
    let config = load(SMALL, &[], &set).unwrap();
    assert_eq!(addresses(&config.upstreams[0]), ["http://a", "http://b"]);
}

#[test]
fn routes_of_the_same_app_share_it_and_others_do_not() {
    let app = "upstream = [\"http://a\", \"http://b\"]\n";
    let text = format!(
        "{TOP}{app}[[route]]\npath = \"/b\"\n{app}[[route]]\npath = \"/c\"\n{app}upstream_connections = 5\n"
    );
    let config = load(&text, &[], &[]).unwrap();
    assert_eq!(config.upstreams.len(), 2);
    assert_eq!(config.upstreams[1].connections, Some(5));
}

#[test]
fn health_is_asked_for_only_where_it_says_how() {
    let lines = "upstream = \"http://a\"\nupstream_health = { path = \"/healthz?full\" }";
    let checks = upstream(lines).unwrap().health.unwrap();
    assert_eq!(checks.path, "/healthz?full");
    assert_eq!(
        (checks.interval, checks.timeout),
        (Duration::from_secs(10), Duration::from_secs(2))
    );
    assert_eq!((checks.unhealthy_after, checks.healthy_after), (3, 2));
    assert_eq!(checks.status, [200]);
    let lines = "upstream = \"http://a\"\nupstream_health = { path = \"/\", interval = \"500ms\", \
                 timeout = \"1s\", status = [200, 204], unhealthy_after = 1, healthy_after = 5 }";
    let checks = upstream(lines).unwrap().health.unwrap();
    assert_eq!(checks.interval, Duration::from_millis(500));
    assert_eq!((checks.unhealthy_after, checks.healthy_after), (1, 5));
    assert_eq!(checks.status, [200, 204]);
}

#[test]
fn a_client_certificate_is_a_pair_of_files() {
    let tls = "upstream = \"https://a\"\nupstream_tls = { certificate = \"c.crt\", key = \"c.key\", http2 = true }";
    let read = upstream(tls).unwrap();
    let files = read.certificate.unwrap();
    assert_eq!((files.certificate.to_str(), files.key.to_str()), (Some("c.crt"), Some("c.key")));
    assert!(read.http2);
}

#[test]
fn what_no_app_can_be_is_one_problem_at_its_key() {
    for (lines, key) in [
        ("upstream = []", "upstream"),
        ("upstream = 3", "upstream"),
        ("upstream = [\"http://a\", \"http://a\"]", "upstream[1]"),
        ("upstream = [\"http://a\", \"ftp://b\"]", "upstream[1]"),
        ("upstream = [\"http://a\", \"h2c://b/path\"]", "upstream[1]"),
        ("upstream = \"http://a\"\nupstream_connections = -1", "upstream_connections"),
        ("upstream = \"http://a\"\nupstream_connections = 1.5", "upstream_connections"),
        ("upstream = \"http://a\"\nupstream_health = true", "upstream_health"),
        ("upstream = \"http://a\"\nupstream_health = {}", "upstream_health.path"),
        ("upstream = \"http://a\"\nupstream_health = { path = \"x\" }", "upstream_health.path"),
        (
            "upstream = \"http://a\"\nupstream_health = { path = \"/\", status = [] }",
            "upstream_health.status",
        ),
        (
            "upstream = \"http://a\"\nupstream_health = { path = \"/\", status = [99] }",
            "upstream_health.status[0]",
        ),
        (
            "upstream = \"http://a\"\nupstream_health = { path = \"/\", interval = 0 }",
            "upstream_health.interval",
        ),
        (
            "upstream = \"http://a\"\nupstream_health = { path = \"/\", healthy_after = 0 }",
            "upstream_health.healthy_after",
        ),
        (
            "upstream = \"https://a\"\nupstream_tls = { certificate = \"c.crt\" }",
            "upstream_tls.key",
        ),
    ] {
        let problems = upstream(lines).expect_err(lines);
        assert!(problems.contains(&format!(" route[0].{key}: ")), "{lines}\n{problems}");
        assert_eq!(problems.lines().count(), 1, "{lines}\n{problems}");
    }
}
