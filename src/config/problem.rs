//! What is wrong with a configuration.

use std::fmt;

/// One error: where, which key, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `gate.toml:12`, an environment variable or `--set`; empty where no place is to blame.
    pub place: String,
    /// The key path, such as `session.max_age`; empty where no key is to blame.
    pub key: String,
    pub message: String,
}

/// All errors, in the order in which they were found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problem {
    /// An error without a place.
    pub fn plain(key: &str, message: impl Into<String>) -> Self {
        Self { place: String::new(), key: key.to_owned(), message: message.into() }
    }
}

impl Problems {
    /// Just this error.
    pub fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// In the order of the lines of the file; what stands in no file comes last.
    pub(super) fn sorted(mut self) -> Self {
        self.0.sort_by_key(|problem| line_of(&problem.place));
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The line that a place names; the last one for what stands in no file.
pub(super) fn line_of(place: &str) -> usize {
    let line = place.rsplit(':').next().and_then(|line| line.parse().ok());
    line.unwrap_or(usize::MAX)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.place, &self.key] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
