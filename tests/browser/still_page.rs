//! A page of the test's own, to show that the tests can see what they look for.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

const PAGE: &str = "<!doctype html><title>Still</title><h1>Still page</h1>\
    <input id=field value=old><button id=button onclick=\"out.textContent = field.value\">Go</button>\
    <output id=out></output><noscript><p id=no-script>No script</p></noscript>\
    <div id=wide style=\"width: 600px\">wide</div><script>console.log('said')</script>";

/// Serves the page under a policy that forbids inline style, with the request's `Accept-Language`
/// in a cookie, until the test's process ends. Returns its address.
pub(crate) fn serve() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut language = String::new();
                for line in BufReader::new(&socket).lines().map_while(Result::ok) {
                    if line.is_empty() {
                        break;
                    }
                    if let Some(value) = line.strip_prefix("Accept-Language: ") {
                        language = value.chars().take(2).collect();
                    }
                }
                let _ = write!(
                    &socket,
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\
                     set-cookie: language-{language}=1\r\n\
                     content-security-policy: img-src 'none'; style-src-elem 'none'\r\n\
                     content-length: {}\r\n\r\n{PAGE}",
                    PAGE.len()
                );
            });
        }
    });
    address
}
