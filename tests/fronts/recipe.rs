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
        assert!(self.text.contains(from), "deploy/{} has no {from:?}", self.name);
        self.text = self.text.replace(from, to);
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
