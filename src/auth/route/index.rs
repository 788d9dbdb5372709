//! Finds the routes that may cover a path without looking at the others.
//!
//! Exact paths lie in a map. All others begin literally, and lie in a tree of segments: a prefix
//! or a template at the end of what is literal of it, an expression at the last slash of that.
//! A search goes down along the path and comes back up, so that the longest beginning comes
//! first. What it shows is in the order of the table; it may show what does not cover the path.

use std::ops::ControlFlow;

use super::Route;
use super::hash::NameMap;
use super::pattern::PathPattern;

/// Places of routes in the table, by what their paths begin with.
#[derive(Clone, Debug)]
pub(super) struct PathIndex {
    exact: NameMap<Places>,
    nodes: Vec<Node>,
    /// Expressions that begin with no slash that is sure.
    anywhere: Places,
}

/// Of one beginning, up to a slash or to the end of the path.
#[derive(Clone, Debug, Default)]
struct Node {
    children: NameMap<u32>,
    parent: u32,
    /// Prefixes and templates whose literal beginning is this one.
    own: Places,
    /// Expressions whose literal beginning ends in the segment behind this one.
    open: Places,
}

/// In the order of the table.
type Places = Vec<u32>;

impl PathIndex {
    /// An index of `routes`, of which the first has this place in the table.
    pub(super) fn new(routes: &[Route], first: usize) -> Self {
        let nodes = vec![Node::default()];
        let mut index = Self { exact: NameMap::default(), nodes, anywhere: Places::new() };
        for (place, route) in routes.iter().enumerate() {
            let place = (first + place) as u32;
            index.places_of(&route.path).push(place);
        }
        index.shrink();
        index
    }

    /// Shows the places of all routes that may cover a path, in their order.
    pub(super) fn each<B>(
        &self,
        path: &str,
        mut show: impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut show = |place: &u32| show(*place as usize);
        if let Some(places) = self.exact.get(path) {
            places.iter().try_for_each(&mut show)?;
        }
        let mut at = self.deepest(path);
        // An expression that is open at a node is longer than that node, and at most as long as
        // the one below: those two compete.
        let mut below: &[u32] = &[];
        loop {
            let node = &self.nodes[at as usize];
            merged(below, &node.open, &mut show)?;
            below = &node.own;
            if at == ROOT {
                return merged(below, &self.anywhere, &mut show);
            }
            at = node.parent;
        }
    }

    pub(super) fn has_exact(&self, path: &str) -> bool {
        self.exact.contains_key(path)
    }

    /// The node of the longest beginning of a path that there is.
    fn deepest(&self, path: &str) -> u32 {
        let mut at = ROOT;
        for segment in path.split('/').skip(1) {
            match self.nodes[at as usize].children.get(segment) {
                Some(&child) => at = child,
                None => break,
            }
        }
        at
    }

    /// Where a pattern is filed.
    fn places_of(&mut self, pattern: &PathPattern) -> &mut Places {
        let literal = pattern.literal();
        match pattern {
            PathPattern::Exact(path) => self.exact.entry(path.as_str().into()).or_default(),
            PathPattern::Prefix(_) | PathPattern::Template(_) => {
                let node = self.node(&literal);
                &mut self.nodes[node].own
            }
            PathPattern::Regex(_) => match literal.rfind('/') {
                Some(slash) => {
                    let node = self.node(&literal[..slash]);
                    &mut self.nodes[node].open
                }
                None => &mut self.anywhere,
            },
        }
    }

    /// The node of a beginning, made where it is not there yet.
    fn node(&mut self, literal: &str) -> usize {
        let mut at = ROOT;
        for segment in literal.split('/').skip(1) {
            let next = self.nodes.len() as u32;
            let children = &mut self.nodes[at as usize].children;
            let child = match children.get(segment) {
                Some(&child) => child,
                None => {
                    children.insert(segment.into(), next);
                    self.nodes.push(Node { parent: at, ..Node::default() });
                    next
                }
            };
            at = child;
        }
        at as usize
    }

    fn shrink(&mut self) {
        self.exact.shrink_to_fit();
        self.nodes.shrink_to_fit();
        self.exact.values_mut().for_each(Vec::shrink_to_fit);
        for node in &mut self.nodes {
            node.children.shrink_to_fit();
            node.own.shrink_to_fit();
            node.open.shrink_to_fit();
        }
    }
}

/// Shows the places of two lists, each in order, in the order of both.
fn merged<B>(
    mut one: &[u32],
    mut other: &[u32],
    show: &mut impl FnMut(&u32) -> ControlFlow<B>,
) -> ControlFlow<B> {
    while let (Some((first, ones)), Some((second, others))) =
        (one.split_first(), other.split_first())
    {
        if first < second {
            show(first)?;
            one = ones;
        } else {
            show(second)?;
            other = others;
        }
    }
    one.iter().chain(other).try_for_each(show)
}

/// The node of the empty beginning.
const ROOT: u32 = 0;
