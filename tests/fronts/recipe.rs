//! A file of `deploy/`, used as it is but for addresses, ports and paths.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Recipe {
    name: String,
    text: String,
}

impl Recipe {
    /// Reads a file below `deploy/`.
    pub(crate) fn of(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
        let text = fs::read_to_string(&path);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: name.to_owned(), text }
    }

    /// Replaces every place where `from` stands; there has to be one.
    pub(crate) fn with(mut self, from: &str, to: &str) -> Self {
        let text = replaced(&self.text, from, to);
        assert!(text.is_some(), "deploy/{} has no {from:?}", self.name);
        self.text = text.unwrap_or_default();
        self
    }

    /// What it has become.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Writes what it has become.
    pub(crate) fn write(self, to: impl AsRef<Path>) -> PathBuf {
        let to = to.as_ref();
        fs::write(to, self.text).unwrap();
        to.to_owned()
    }
}

/// A number ends where it stands: 4180 is no part of 41801, which a port of this place may be by now.
fn replaced(text: &str, from: &str, to: &str) -> Option<String> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let goes_on =
        |end: usize| is_digit(from.as_bytes().last()) && is_digit(text.as_bytes().get(end));
    let mut made = String::new();
    let mut done = 0;
    for (start, _) in text.match_indices(from) {
        if !goes_on(start + from.len()) {
            made += &text[done..start];
            made += to;
            done = start + from.len();
        }
    }
    (done > 0).then(|| made + &text[done..])
}

#[test]
fn a_port_that_begins_as_another_is_not_replaced() {
    let text = "bind :41801\nask :4180\nask :4180;";
    let made = replaced(text, ":4180", ":41559");
    assert_eq!(made.as_deref(), Some("bind :41801\nask :41559\nask :41559;"));
    assert_eq!(replaced("bind :41801", ":4180", ":41559"), None);
}
