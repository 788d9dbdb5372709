//! Caddy, whose `reverse_proxy` asks before it carries.

use std::process::Command;

use crate::front::{Front, Manners, Place};
use crate::recipe::Recipe;

const FRONT: Front = Front { gate: "caddy/gate.toml", command, manners: Manners::BEST };

each_situation!(FRONT);
each_situation_of_whole_answers!(FRONT);
each_situation! { FRONT, []: c37_a_visitor_cannot_name_the_identity_away }

fn command(place: &mut Place) -> Command {
    let (plain, admin) = (place.another_port(), place.another_port());
    let config = Recipe::of("caddy/Caddyfile")
        .with("localhost:2019", &format!("localhost:{admin}"))
        .with("http://app.example.com {", &format!("http://127.0.0.1:{plain} {{\nbind 127.0.0.1"))
        .with("\napp.example.com {", &format!("\nhttps://{} {{\nbind 127.0.0.1", place.host()))
        .with("/etc/caddy/tls/app.example.com.crt", &place.file("tls.crt"))
        .with("/etc/caddy/tls/app.example.com.key", &place.file("tls.key"))
        .with("127.0.0.1:4180", &place.gate())
        .with("127.0.0.1:3000", &place.app())
        .write(place.file("Caddyfile"));
    let mut caddy = Command::new("caddy");
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(config);
    // Where it keeps what it knows.
    caddy.env("XDG_CONFIG_HOME", &place.home).env("XDG_DATA_HOME", &place.home);
    caddy
}
