//! Traefik's own resources, which no cluster is here to read: they have to say what the files say
//! that the tests of `traefik` run on.

use crate::recipe::Recipe;

#[test]
fn the_resources_say_what_the_files_say() {
    let (files, resources) =
        (Recipe::of("traefik/dynamic.yml"), Recipe::of("traefik/kubernetes.yml"));
    let resources: Vec<&str> = said(&resources);
    let expected = said(&files);
    let expected = expected.iter().skip_while(|line| **line != "forwardAuth:");
    let expected = expected.take_while(|line| **line != "services:");
    let timeouts = ["dialTimeout: 1s", "responseHeaderTimeout: 4s"];
    let mut checked = 0;
    for line in expected.chain(&timeouts).filter(|line| !NAMES.contains(line)) {
        assert!(resources.contains(line), "deploy/traefik/kubernetes.yml lacks {line:?}");
        checked += 1;
    }
    assert!(checked > 20, "{checked} lines of dynamic.yml");
    let rules = said(&files).into_iter().filter_map(|line| line.strip_prefix("rule: "));
    let matches: Vec<_> =
        resources.iter().filter_map(|line| line.strip_prefix("match: ")).collect();
    assert_eq!(matches, rules.collect::<Vec<_>>());
}

/// What the files say as keys, and the resources as names.
const NAMES: [&str; 3] = ["visitor-claims:", "no-connection:", "websocket-connection:"];

/// The lines without their places and comments.
fn said(recipe: &Recipe) -> Vec<&str> {
    let lines = recipe.text().lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}
