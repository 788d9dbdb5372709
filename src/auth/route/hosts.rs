//! What belongs to a host: by its own name, by a `*.` above it, or to every host.

use std::ops::ControlFlow;

use super::hash::NameMap;
use crate::auth::host::HostPattern;

/// Values by host patterns: looking one up costs the same however many there are.
#[derive(Clone, Debug)]
pub(super) struct HostIndex<V> {
    exact: NameMap<V>,
    /// By the name behind `*.`.
    below: NameMap<V>,
    every: Option<V>,
    /// The longest name behind `*.`, in bytes: nothing longer is looked up.
    longest: usize,
}

impl<V> Default for HostIndex<V> {
    fn default() -> Self {
        Self { exact: NameMap::default(), below: NameMap::default(), every: None, longest: 0 }
    }
}

impl<V> HostIndex<V> {
    /// Files a value; none: for every host.
    pub(super) fn insert(&mut self, host: Option<&HostPattern>, value: V) {
        match host {
            Some(HostPattern::Exact(name)) => drop(self.exact.insert(name.as_str().into(), value)),
            Some(HostPattern::Below(name)) => {
                self.longest = self.longest.max(name.len());
                self.below.insert(name.as_str().into(), value);
            }
            None => self.every = Some(value),
        }
    }

    /// Shows what a host finds, most specific first.
    #[inline]
    pub(super) fn each<'a, B>(
        &'a self,
        host: &str,
        mut show: impl FnMut(&'a V) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if !self.exact.is_empty()
            && let Some(value) = self.exact.get(host)
        {
            show(value)?;
        }
        if !self.below.is_empty() {
            self.above(host).try_for_each(&mut show)?;
        }
        self.every.as_ref().map_or(ControlFlow::Continue(()), show)
    }

    /// Whether a host is there by its own name or by a `*.`.
    pub(super) fn names(&self, host: &str) -> bool {
        self.exact.contains_key(host) || !self.below.is_empty() && self.above(host).next().is_some()
    }

    /// The `*.` that lie above a host, the nearest first.
    fn above(&self, host: &str) -> impl Iterator<Item = &V> {
        let dots = host.bytes().enumerate().filter(|&(_, byte)| byte == b'.');
        // `*.` stands for something: what begins with a dot is below nothing.
        let parents = dots.filter(|&(dot, _)| dot > 0).map(|(dot, _)| &host[dot + 1..]);
        let known = parents.filter(|parent| parent.len() <= self.longest);
        known.filter_map(|parent| self.below.get(parent))
    }
}
