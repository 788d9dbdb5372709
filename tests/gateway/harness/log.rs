//! What the gateway writes to its log, where it is told to write JSON.

use serde_json::Value;

use super::{Gate, wait};

/// A table for [`super::GateBuilder::with_table`].
pub(crate) const LOG: &str = "[log]\nlevel = \"debug\"\nformat = \"json\"";

impl Gate {
    /// The first line that has this text in it, which may take a moment to come.
    pub(crate) async fn logged(&self, text: &str) -> Value {
        for _ in 0..250 {
            let output = self.output();
            if let Some(line) = output.lines().find(|line| line.contains(text)) {
                return serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            }
            wait(20).await;
        }
        panic!("nothing with {text:?} in the log");
    }
}
