//! The raw configuration: one tree made of file, environment and settings, in which every value
//! remembers where it came from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::problem::{Problem, Problems};

/// The tree, and what was odd while it was built.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: BTreeMap<String, Node>,
    pub(super) warnings: Vec<String>,
}

/// A value and the place it came from.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: String,
}

/// A value as it was written.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Boolean(bool),
    Float(f64),
    Integer(i64),
    List(Vec<Node>),
    /// From a variable or a setting: its type is decided by who reads it.
    Loose(String),
    Table(BTreeMap<String, Node>),
    Text(String),
}

impl Tree {
    /// Lays the environment over the file, and the settings over both.
    pub(super) fn build(
        file: &str,
        text: &str,
        environment: &Environment,
        settings: &[String],
        problems: &mut Problems,
    ) -> Self {
        let mut tree = Self { root: BTreeMap::new(), warnings: Vec::new() };
        match DeTable::parse(text) {
            Ok(table) => tree.root = convert_table(table.get_ref(), &Lines::of(file, text)),
            Err(error) => {
                // Only the message: an excerpt could show a secret (C-109).
                let offset = error.span().map_or(0, |span| span.start);
                let place = Lines::of(file, text).at(offset);
                let message = error.message().to_owned();
                problems.push(Problem { place, key: String::new(), message });
            }
        }
        for (name, value) in environment.below(PREFIX) {
            let path = name.to_ascii_lowercase().replace("__", ".");
            if super::reader::is_known_root(&path) {
                tree.set(&path, value, &format!("{PREFIX}{name}"));
            } else {
                // Kubernetes injects variables for every service, perhaps one of this name.
                tree.warnings.push(format!("{PREFIX}{name} is no key of the configuration"));
            }
        }
        for setting in settings {
            match setting.split_once('=') {
                Some((path, value)) => tree.set(path.trim(), value, "--set"),
                None => problems.push(Problem {
                    place: String::from("--set"),
                    key: String::new(),
                    message: String::from("needs the form key=value"),
                }),
            }
        }
        tree
    }

    /// Makes one route of `--upstream`; beside other routes it would be unclear what it is for.
    pub(super) fn set_upstream(&mut self, upstream: &str, problems: &mut Problems) {
        let place = String::from("--upstream");
        if self.root.contains_key("route") {
            let message = String::from("is instead of [[route]], and there are routes already");
            problems.push(Problem { place, key: String::new(), message });
            return;
        }
        let node = |value| Node { value, place: place.clone() };
        let upstream = node(Value::Text(upstream.to_owned()));
        let route = node(Value::Table(BTreeMap::from([(String::from("upstream"), upstream)])));
        self.root.insert(String::from("route"), node(Value::List(vec![route])));
    }

    /// The files that secrets are read from: whatever is written as `{ file = "…" }`.
    pub(super) fn secret_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        self.root.values().for_each(|node| node.add_secret_files(&mut files));
        files.sort();
        files.dedup();
        files
    }

    fn set(&mut self, path: &str, value: &str, place: &str) {
        let mut table = &mut self.root;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let place = place.to_owned();
            if parts.peek().is_none() {
                let value = Value::Loose(value.to_owned());
                table.insert(part.to_owned(), Node { value, place });
                return;
            }
            let node = table
                .entry(part.to_owned())
                .or_insert_with(|| Node { value: Value::Table(BTreeMap::new()), place });
            if !matches!(node.value, Value::Table(_)) {
                node.value = Value::Table(BTreeMap::new());
            }
            let Value::Table(inner) = &mut node.value else {
                return;
            };
            table = inner;
        }
    }
}

impl Node {
    fn add_secret_files(&self, files: &mut Vec<PathBuf>) {
        match &self.value {
            Value::List(items) => items.iter().for_each(|item| item.add_secret_files(files)),
            Value::Table(table) => {
                if let Some(Value::Text(path) | Value::Loose(path)) =
                    table.get("file").map(|node| &node.value)
                {
                    files.push(PathBuf::from(path));
                }
                table.values().for_each(|node| node.add_secret_files(files));
            }
            Value::Loose(text) => {
                if let Some(node) = parse_value(text, "") {
                    node.add_secret_files(files);
                }
            }
            Value::Boolean(_) | Value::Float(_) | Value::Integer(_) | Value::Text(_) => {}
        }
    }
}

/// Reads one value of a variable or setting as TOML; none when it is no TOML.
pub(super) fn parse_value(text: &str, place: &str) -> Option<Node> {
    let wrapped = format!("v={text}");
    let table = DeTable::parse(&wrapped).ok()?;
    let (_, value) = table.get_ref().iter().next()?;
    let mut node = convert(value, &Lines::of("", ""));
    relocate(&mut node, place);
    Some(node)
}

/// Where the lines of a file end: every value is told its own, and there may be many of both.
struct Lines<'a> {
    file: &'a str,
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(file: &'a str, text: &str) -> Self {
        Self { file, ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect() }
    }

    fn at(&self, offset: usize) -> String {
        let line = self.ends.partition_point(|&end| end < offset) + 1;
        format!("{}:{line}", self.file)
    }
}

fn convert_table(table: &DeTable<'_>, place: &Lines<'_>) -> BTreeMap<String, Node> {
    let node = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        (key.clone().into_owned(), convert(value, place))
    };
    table.iter().map(node).collect()
}

fn convert(value: &Spanned<DeValue<'_>>, place: &Lines<'_>) -> Node {
    let read = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(|_| Value::Text(integer.as_str().to_owned()), Value::Integer),
        DeValue::Float(float) => float
            .as_str()
            .parse()
            .map_or_else(|_| Value::Text(float.as_str().to_owned()), Value::Float),
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| convert(item, place)).collect())
        }
        DeValue::Table(table) => Value::Table(convert_table(table, place)),
    };
    Node { value: read, place: place.at(value.span().start) }
}

fn relocate(node: &mut Node, place: &str) {
    node.place = place.to_owned();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| relocate(item, place)),
        Value::Table(table) => table.values_mut().for_each(|item| relocate(item, place)),
        _ => {}
    }
}

const PREFIX: &str = "ASKARA_GATE_";
