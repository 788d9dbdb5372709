//! A `[[route]]` as the tests write it.

/// Anything a route can point to.
pub(crate) trait Listens {
    fn url(&self) -> String;
}

impl Listens for &str {
    fn url(&self) -> String {
        (*self).to_owned()
    }
}

pub(crate) struct Route {
    lines: Vec<String>,
}

/// A route for people who are signed in.
pub(crate) fn route(path: &str, upstream: &impl Listens) -> Route {
    Route { lines: vec![format!("path = {path:?}"), format!("upstream = {:?}", upstream.url())] }
        .with("access = \"signed-in\"")
}

/// A route for everyone.
pub(crate) fn public(path: &str, upstream: &impl Listens) -> Route {
    let mut open = route(path, upstream);
    open.lines.pop();
    open.with("access = \"public\"")
}

/// A route with this rule.
#[allow(dead_code, reason = "only tests/gateway needs it")]
pub(crate) fn ruled(path: &str, rule: &str, upstream: &impl Listens) -> Route {
    let mut closed = route(path, upstream);
    closed.lines.pop();
    closed.with(&format!("access = {rule}"))
}

impl Route {
    pub(crate) fn with(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    pub(crate) fn to_toml(&self) -> String {
        format!("[[route]]\n{}\n", self.lines.join("\n"))
    }
}
