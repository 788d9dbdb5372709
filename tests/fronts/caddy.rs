//! Caddy, whose `reverse_proxy` asks before it carries.

use std::process::Command;

use crate::front::{Front, Manners, Place};
use crate::recipe::Recipe;

const FRONT: Front = Front { gate: "caddy/gate.toml", command, manners: Manners::BEST };

each_situation!(FRONT);

each_situation! { FRONT, []:
    c123_a_session_of_two_cookies_is_renewed_in_both
    c37_a_visitor_cannot_name_the_identity_away
    c47_another_method_or_address_is_taken_away
    the_choice_of_a_provider_is_the_fronts
    the_query_of_a_page_is_not_that_of_the_question
    s47_only_the_gateways_cookies_are_cut
    a_browsers_socket_echoes
}

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
