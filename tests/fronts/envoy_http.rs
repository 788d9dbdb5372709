//! Envoy with ext_authz by HTTP.

use std::process::Command;

use crate::envoy;
use crate::front::{Front, Manners, Place};

const FRONT: Front = Front { gate: "envoy/gate.toml", command, manners: Manners::BEST };

each_situation!(FRONT);
each_situation_of_whole_answers!(FRONT);
each_of_envoy!(FRONT);

fn command(place: &mut Place) -> Command {
    envoy::command(envoy::recipe("http.yaml", place), place)
}
