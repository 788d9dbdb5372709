//! Traefik with ForwardAuth. It takes minutes to build: tests/long/traefik does, and runs these.

use std::path::Path;
use std::process::Command;

use crate::front::{Front, Manners, Place};
use crate::recipe::Recipe;

const FRONT: Front = Front {
    gate: "traefik/gate.toml",
    command,
    manners: Manners { closed: &[502, 504], ..Manners::BEST },
};

each_situation!(FRONT, #[ignore = "tests/long/traefik runs it"]);
each_situation_of_whole_answers!(FRONT, #[ignore = "tests/long/traefik runs it"]);
each_situation! { FRONT, [#[ignore = "tests/long/traefik runs it"]]:
    c37_a_visitor_cannot_name_the_identity_away
}

fn command(place: &mut Place) -> Command {
    let questions = format!("127.0.0.1:{}", place.another_port());
    let dynamic = Recipe::of("traefik/dynamic.yml")
        .with("127.0.0.1:4180", &place.gate())
        .with("127.0.0.1:4181", &questions)
        .with("127.0.0.1:3000", &place.app())
        .with("/etc/traefik/tls/app.example.com.crt", &place.file("tls.crt"))
        .with("/etc/traefik/tls/app.example.com.key", &place.file("tls.key"))
        .write(place.file("dynamic.yml"));
    let config = Recipe::of("traefik/traefik.yml")
        .with("\":80\"", &format!("\"127.0.0.1:{}\"", place.another_port()))
        .with("\":443\"", &format!("\"127.0.0.1:{}\"", place.port))
        .with("127.0.0.1:4181", &questions)
        .with("/etc/traefik/dynamic.yml", dynamic.to_str().unwrap())
        .write(place.file("traefik.yml"));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/traefik");
    let mut traefik = Command::new(built);
    traefik.arg("--configFile").arg(config);
    traefik
}
