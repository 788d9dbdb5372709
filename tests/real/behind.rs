//! nginx as the app behind the gateway.

use std::collections::BTreeSet;
use std::fs;

use crate::harness::{Gate, Provider, Visitor, ask, gateway, route};
use crate::nginx::Nginx;

const LENGTH: usize = 8 * 1024 * 1024;

#[tokio::test]
async fn a_file_of_eight_mebibytes_arrives_whole_and_by_range() {
    let site = site().await;
    let whole = site.visitor.fetch("/big.bin").await;
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("content-length"), Some("8388608"));
    assert!(whole.body == content(), "the bytes differ");

    let part = ask("GET", "/big.bin").header("range", "bytes=1048577-5242883");
    let part = site.visitor.send(part).await;
    assert_eq!(part.status, 206);
    let said = Some("bytes 1048577-5242883/8388608");
    assert_eq!(part.header("content-range"), said);
    assert!(part.body == content()[1_048_577..=5_242_883], "the bytes differ");

    let beyond = ask("GET", "/big.bin").header("range", "bytes=9000000-");
    assert_eq!(site.visitor.send(beyond).await.status, 416);

    let head = site.visitor.send(ask("HEAD", "/big.bin")).await;
    assert_eq!(head.header("content-length"), Some("8388608"));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let site = site().await;
    let first = site.visitor.fetch("/big.bin").await;
    let tag = first.header("etag").unwrap().to_owned();
    let again = ask("GET", "/big.bin").header("if-none-match", &tag);
    let again = site.visitor.send(again).await;
    assert_eq!(again.status, 304);
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    assert!(again.body.is_empty());
}

#[tokio::test]
async fn connections_to_nginx_are_kept_and_used_again() {
    let site = site().await;
    let mut line = site.gate.line().await;
    let session = site.visitor.session_line();
    for n in 0..20 {
        let asked = ask("GET", &format!("/text.txt?{n}")).cookie(&session);
        assert_eq!(line.send(asked).await.status, 200);
    }
    let log = site.nginx.log("access.log");
    let asked: Vec<_> = log.lines().filter(|line| line.contains("/text.txt?")).collect();
    assert_eq!(asked.len(), 20, "{log}");
    let connections: BTreeSet<_> =
        asked.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(connections.len(), 1, "one after another needs no second connection:\n{log}");
}

#[tokio::test]
async fn nginxs_own_404_stays_nginxs() {
    let site = site().await;
    let answer = site.visitor.fetch("/absent").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("<center>nginx"), "{}", answer.text());
}

#[tokio::test]
async fn large_headers_pass_both_ways() {
    let site = site().await;
    let large = "h".repeat(6_000);
    let asked = ask("GET", "/echo").header("x-large", &large);
    let answer = site.visitor.send(asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-large-back"), Some(large.as_str()));
}

#[tokio::test]
async fn gzip_passes_untouched_to_who_asks_for_it() {
    let site = site().await;
    let plain = site.visitor.fetch("/text.txt").await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.text(), text());

    let asked = ask("GET", "/text.txt").header("accept-encoding", "gzip");
    let packed = site.visitor.send(asked).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.header("content-length"), None, "nginx packs as it sends");
    assert_eq!(packed.body[..2], [0x1f, 0x8b], "the mark of gzip");
    assert!(packed.body.len() < text().len() / 4);
}

#[tokio::test]
async fn an_upload_reaches_nginx_whole() {
    let site = site().await;
    let asked = ask("PUT", "/kept/up.bin").body(content());
    assert_eq!(site.visitor.send(asked).await.status, 201);
    let back = site.visitor.fetch("/kept/up.bin").await;
    assert!(back.body == content(), "the bytes differ");
}

/// A gateway in front of an nginx with a few files, and somebody who is signed in.
struct Site {
    gate: Gate,
    visitor: Visitor,
    nginx: Nginx,
    _provider: Provider,
}

async fn site() -> Site {
    let nginx = Nginx::start("", SERVER, |home| {
        fs::create_dir_all(home.join("files/kept")).unwrap();
        fs::write(home.join("files/index.html"), "front").unwrap();
        fs::write(home.join("files/big.bin"), content()).unwrap();
        fs::write(home.join("files/text.txt"), text()).unwrap();
    });
    let provider = Provider::start().await;
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/", &nginx.url().as_str()))
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    Site { gate, visitor, nginx, _provider: provider }
}

/// nginx packs nothing for a request with `Via`, as the gateway's has, unless `gzip_proxied` says so.
const SERVER: &str = "
        root files;
        client_max_body_size 16m;
        large_client_header_buffers 4 16k;
        location = /text.txt { gzip on; gzip_proxied any; gzip_types text/plain; }
        location = /echo { add_header x-large-back $http_x_large; return 200 'echo'; }
        location /kept/ { dav_methods PUT; }";

/// Bytes that repeat in no length that a buffer has.
fn content() -> Vec<u8> {
    let mut value = 1_u32;
    std::iter::repeat_with(|| {
        value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        value.to_be_bytes()
    })
    .flatten()
    .take(LENGTH)
    .collect()
}

fn text() -> String {
    "All work and no play makes a dull gateway.\n".repeat(2_000)
}
