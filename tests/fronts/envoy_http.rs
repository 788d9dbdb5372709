//! Envoy with ext_authz by HTTP.

use std::process::Command;

use crate::envoy;
use crate::front::{Front, Manners, Place};

const FRONT: Front = Front { gate: "envoy/gate.toml", command, manners: Manners::BEST };

each_situation!(FRONT);
each_situation! { FRONT, []:
    a_browsers_socket_echoes
    c123_a_session_of_two_cookies_is_renewed_in_both
    c47_another_method_or_address_is_taken_away
    s47_only_the_gateways_cookies_are_cut
    the_query_of_a_page_is_not_that_of_the_question
}
each_of_envoy!(FRONT);

fn command(place: &mut Place) -> Command {
    envoy::command(envoy::recipe("http.yaml", place), place)
}
