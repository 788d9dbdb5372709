//! What is wrong with an expression, and where.

use std::fmt;

use super::language;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1, as editors do.
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// An error at a node of the tree.
pub(super) struct FaultAt {
    pub(super) node: u64,
    pub(super) message: String,
}

impl Fault {
    /// An error of all of it.
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self { line: 1, column: 1, message: message.into() }
    }

    /// An error at a byte of the source.
    pub(super) fn at(source: &str, byte: usize, message: impl Into<String>) -> Self {
        let before = source.get(..byte).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[start..].chars().count() + 1;
        Self { line, column, message: message.into() }
    }
}

impl FaultAt {
    /// The error with its line and column.
    pub(super) fn placed(self, source: &str) -> Fault {
        match language::place_of(source, self.node) {
            Some(byte) => Fault::at(source, byte, self.message),
            None => Fault::whole(self.message),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}
