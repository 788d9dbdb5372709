//! What the provider was asked.

use serde_json::Value;

/// Every request that the provider answered, and every answer of a person to it, in order.
#[derive(Debug)]
pub(crate) struct Seen(pub(crate) Vec<Value>);

impl Seen {
    /// All that went to one of its routes, by the library's names of them.
    pub(crate) fn at(&self, route: &str) -> Vec<&Value> {
        self.0.iter().filter(|entry| entry["route"] == route).collect()
    }

    pub(crate) fn count(&self, route: &str) -> usize {
        self.at(route).len()
    }

    pub(crate) fn last(&self, route: &str) -> &Value {
        self.at(route).pop().unwrap_or_else(|| panic!("nothing at {route}: {self:?}"))
    }

    /// Token calls of one kind, whatever became of them.
    pub(crate) fn grants(&self, kind: &str) -> usize {
        self.at("token").iter().filter(|entry| entry["grant"] == kind).count()
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.grants("authorization_code")
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.grants("refresh_token")
    }
}
