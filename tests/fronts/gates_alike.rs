//! The gateway's configuration is there once for each front, so that it can be copied whole: what one
//! of them says, all of them say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::recipe::Recipe;

/// The unit's, which stands in front of an app itself.
const NO_FRONT: &str = "systemd";

/// Where the gateway listens and whom it believes: for most on one machine, for some in a cluster.
const ADDRESSES: [&str; 2] = ["listen = [", "trusted_proxies = ["];

#[test]
fn every_front_has_the_same_gateway_but_for_its_addresses() {
    let folders = folders();
    let known = ["caddy", "envoy", "haproxy", "ingress-nginx", "nginx", "traefik"];
    assert!(known.iter().all(|&front| folders.contains(front)), "{folders:?}");
    let expected = said("nginx");
    assert_eq!(expected.matches("[[route]]").count(), 3, "{expected}");
    for front in folders {
        assert_eq!(said(&front), expected, "deploy/{front}/gate.toml");
    }
}

fn folders() -> BTreeSet<String> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let folders = fs::read_dir(deploy).unwrap().map(|entry| entry.unwrap());
    let with_gate = folders.filter(|entry| entry.path().join("gate.toml").exists());
    let names = with_gate.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name != NO_FRONT).collect()
}

/// The lines without comments, and with each address left open.
fn said(front: &str) -> String {
    let recipe = Recipe::of(&format!("{front}/gate.toml"));
    let lines = recipe.text().lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let open = |line| ADDRESSES.into_iter().find(|key| str::starts_with(line, key)).unwrap_or(line);
    lines.map(open).collect::<Vec<_>>().join("\n")
}
