//! Where a body ends (C-52, C-54, C-55, C-58): said once, in one way, and framed anew.

use super::*;

#[tokio::test]
async fn length_beside_chunks_smuggles_nothing() {
    let scene = scene().await;
    let both = [
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
        ("Content-Length: 60\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
    ];
    for (headers, body) in both {
        let answer = scene.post(headers, body).await;
        scene.assert_harmless(&answer, &format!("C-52: {headers:?}"));
        if let Some(seen) = scene.app.requests().pop() {
            let (names, length) = (seen.names(), seen.body.len());
            let both = names.contains("content-length") && names.contains("transfer-encoding");
            assert!(!both && length <= 5, "C-52: {headers:?}");
        }
    }
}

#[tokio::test]
async fn an_odd_content_length_is_refused() {
    let scene = scene().await;
    let odd = [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: \r\n",
        "Content-Length: five\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 5;\r\n",
    ];
    for headers in odd {
        let answer = scene.post(headers, "hello").await;
        scene.assert_refused(&answer, &format!("C-54: {headers:?}"));
    }
}

#[tokio::test]
async fn equal_content_lengths_are_one() {
    let scene = scene().await;
    for headers in ["Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n"] {
        let answer = scene.post(headers, "hello").await;
        match answer.status() {
            Some(400) => scene.assert_refused(&answer, headers),
            status => {
                assert_eq!(status, Some(200), "C-54");
                let first = &scene.app.requests()[0];
                assert_eq!(first.header("content-length"), Some("5"), "C-54: collapsed");
                assert_eq!(&first.body[..], b"hello");
            }
        }
    }
}

#[tokio::test]
async fn an_odd_transfer_encoding_is_refused() {
    let scene = scene().await;
    let odd = [
        "xchunked",
        "chunked, identity",
        "identity",
        "gzip, chunked",
        "chunked, chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity",
        "gzip\r\nTransfer-Encoding: chunked",
        "\u{b}chunked",
        "\"chunked\"",
        "chunked;q=1",
        "",
    ];
    for coding in odd {
        let headers = format!("Transfer-Encoding: {coding}\r\n");
        let answer = scene.post(&headers, "5\r\nhello\r\n0\r\n\r\n").await;
        scene.assert_refused(&answer, &format!("C-55: {coding:?}"));
    }
}

#[tokio::test]
async fn chunks_have_no_place_in_http_1_0() {
    let scene = scene().await;
    let request = format!(
        "POST /first HTTP/1.0\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n{SMUGGLED}",
        scene.gate.authority()
    );
    let answer = scene.gate.raw(request).await;
    scene.assert_refused(&answer, "C-55");
}

#[tokio::test]
async fn sound_chunks_are_framed_anew() {
    let scene = scene().await;
    let body = "5;name=value\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    let answer = scene.post("Transfer-Encoding: ChuNKed\r\n", body).await;
    assert_eq!(answer.statuses().first(), Some(&200), "C-55");
    let first = &scene.app.requests()[0];
    assert_eq!(&first.body[..], b"hello world");
    assert_eq!(first.header("transfer-encoding"), Some("chunked"));
    assert_eq!(scene.app.targets(), ["/first", "/smuggled"], "here it is a request of its own");
}

#[tokio::test]
async fn broken_chunks_end_the_request() {
    let scene = scene().await;
    let broken = [
        "0x5\r\nhello\r\n0\r\n\r\n".to_owned(),
        "-5\r\nhello\r\n0\r\n\r\n".to_owned(),
        "5\r\nhelloXX0\r\n\r\n".to_owned(),
        "5\nhello\n0\n\n".to_owned(),
        "5;a\nb\r\nhello\r\n0\r\n\r\n".to_owned(),
        "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n".to_owned(),
        "\r\nhello\r\n0\r\n\r\n".to_owned(),
        "g\r\nhello\r\n0\r\n\r\n".to_owned(),
        format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(1 << 20)),
    ];
    for body in broken {
        let what = format!("C-58: {:?}", body.chars().take(30).collect::<String>());
        let answer = scene.post("Transfer-Encoding: chunked\r\n", &body).await;
        assert!(answer.closed, "{what}");
        assert!(scene.app.requests().is_empty(), "{what}: the app records whole bodies only");
    }
}
