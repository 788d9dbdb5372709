//! HAProxy, with a few lines of Lua on its own HTTP client.

use std::fs;
use std::process::Command;

use crate::front::{Front, Manners, Place};
use crate::recipe::Recipe;
use crate::stage::Stage;

const FRONT: Front = Front {
    gate: "haproxy/gate.toml",
    command,
    manners: Manners { refused_body: 30_000, ..Manners::BEST },
};

each_situation!(FRONT);
each_situation_of_whole_answers!(FRONT);
each_situation! { FRONT, []: c37_a_visitor_cannot_name_the_identity_away }

/// HAProxy goes on with a request whose script fails: the configuration has to say no.
#[tokio::test]
async fn a_script_that_breaks_lets_nobody_in() {
    let broken = Front {
        command: |place| {
            let command = command(place);
            let script = place.file("askara-gate.lua");
            let text = fs::read_to_string(&script).unwrap();
            let broken = text.replace("local answer = ", "error(\"broken\")\n\tlocal answer = ");
            assert_ne!(broken, text);
            fs::write(script, broken).unwrap();
            command
        },
        ..FRONT
    };
    let stage = Stage::of(&broken).await;
    for target in ["/", "/public", "/admin"] {
        assert_eq!(stage.visitor().fetch(target).await.status, 503, "{target}");
    }
    assert!(stage.app.requests().is_empty());
}

fn command(place: &mut Place) -> Command {
    // The name of a socket for the whole machine: another one for each test.
    let socket = format!("abns@askara-gate-{}", place.port);
    let script = Recipe::of("haproxy/askara-gate.lua")
        .with("abns@askara-gate", &socket)
        .write(place.file("askara-gate.lua"));
    let config = Recipe::of("haproxy/haproxy.cfg")
        .with("bind :80\n", &format!("bind 127.0.0.1:{}\n", place.another_port()))
        .with("bind :443 ", &format!("bind 127.0.0.1:{} ", place.port))
        .with("/etc/haproxy/tls/app.example.com.pem", &place.file("tls.pem"))
        .with("/etc/haproxy/askara-gate.lua", script.to_str().unwrap())
        .with("abns@askara-gate", &socket)
        .with("127.0.0.1:4180", &place.gate())
        .with("127.0.0.1:3000", &place.app())
        .write(place.file("haproxy.cfg"));
    let mut haproxy = Command::new("haproxy");
    haproxy.args(["-db", "-f"]).arg(config);
    haproxy
}
