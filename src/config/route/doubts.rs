//! What is allowed of routes and probably not meant.

use std::collections::HashMap;

use http::Method;

use crate::auth::access::Access;
use crate::auth::host::HostPattern;
use crate::auth::route::{PathPattern, Route};

/// A route and the key that it stands under, such as `route[3]`.
pub(super) struct Written {
    pub(super) key: String,
    pub(super) route: Route,
}

/// Says of routes what deserves a warning.
pub(super) fn warn(written: &[Written], warnings: &mut Vec<String>) {
    warnings.extend(written.iter().filter_map(too_wide));
    let mut seen: HashMap<(Option<&HostPattern>, String), Vec<&Written>> = HashMap::new();
    for later in written {
        let shape = (later.route.host.as_ref(), shape(&later.route.path));
        let earlier = seen.entry(shape).or_default();
        let hidden = earlier.iter().find_map(|earlier| hides(earlier, later));
        warnings.extend(hidden);
        earlier.push(later);
    }
}

/// Two apps that assertions with one audience are for: each could show them to the other.
pub(super) fn shared_audiences(written: &[Written], warnings: &mut Vec<String>) {
    let mut seen: HashMap<&str, &Written> = HashMap::new();
    for later in written {
        let Some(rules) = &later.route.fields.assertion else { continue };
        let audience = rules.audience.as_deref().unwrap_or(&later.route.name);
        let first = *seen.entry(audience).or_insert(later);
        if first.route.upstream != later.route.upstream {
            warnings.push(format!(
                "{}: its assertions are for {audience:?}, as those of {} are, and another app gets them; give it a name or an audience of its own",
                later.key, first.key
            ));
        }
    }
}

/// A public expression that covers more than it seems to (C-48).
fn too_wide(Written { key, route }: &Written) -> Option<String> {
    let PathPattern::Regex(_) = route.path else { return None };
    if route.access != Access::Public {
        return None;
    }
    let text = route.path.to_string();
    let begins = text.trim_start_matches(['^', '(', '?', ':']);
    if !begins.starts_with('/') {
        return Some(format!(
            "{key}: {text:?} is public and looks as if it could begin anywhere; an expression covers whole paths: write it from the first \"/\""
        ));
    }
    let bytes = text.as_bytes();
    let runs = bytes
        .windows(2)
        .enumerate()
        .any(|(at, pair)| matches!(pair, b".*" | b".+") && (at == 0 || bytes[at - 1] != b'\\'));
    runs.then(|| format!("{key}: {text:?} is public, and its \".*\" covers any number of segments; \"[^/]*\" stays in one"))
}

/// What an earlier route leaves of a later one with the same host and path.
fn hides(earlier: &Written, later: &Written) -> Option<String> {
    let takes_all = earlier.route.methods.is_empty() || earlier.route.access != Access::Public;
    let taken = |method: &&Method| earlier.route.methods.contains(method);
    let both: Vec<&str> = later.route.methods.iter().filter(taken).map(Method::as_str).collect();
    let names = |written: &Written| format!("{} ({})", written.key, written.route.name);
    let all = !later.route.methods.is_empty() && both.len() == later.route.methods.len();
    if takes_all || all {
        return Some(format!(
            "{} never matches: {} covers the same before it",
            names(later),
            names(earlier)
        ));
    }
    (!both.is_empty()).then(|| {
        let both = both.join(", ");
        format!("{} gets no {both}: {} covers the same before it", names(later), names(earlier))
    })
}

/// The same for paths that cover the same.
fn shape(path: &PathPattern) -> String {
    let text = path.to_string();
    match path {
        PathPattern::Exact(_) => format!("exact {text}"),
        PathPattern::Prefix(_) => format!("prefix {text}"),
        PathPattern::Regex(_) => format!("regex {text}"),
        PathPattern::Template(_) => {
            let unnamed = |text: String, name| text.replace(&format!("{{{name}}}"), "{}");
            format!("template {}", path.variables().fold(text, unnamed))
        }
    }
}
