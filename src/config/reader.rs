//! Takes values out of the tree: typed, with every error collected, and with what nobody took
//! named as unknown, together with the nearest key that is known.

use std::collections::BTreeMap;
use std::time::Duration;

use super::problem::{Problem, Problems, line_of};
use super::tree::{Node, Tree, Value, parse_value};

/// One table of the configuration, being read.
pub(super) struct Section {
    path: String,
    place: String,
    left: BTreeMap<String, Node>,
    known: Vec<&'static str>,
    /// Where the keys that were taken stood.
    places: BTreeMap<&'static str, String>,
}

/// A value that was taken, with the names to blame it by.
pub(super) struct Taken {
    pub(super) key: String,
    node: Node,
}

impl Section {
    pub(super) fn root(tree: Tree) -> Self {
        Self::of(String::new(), String::new(), tree.root)
    }

    /// Takes the value of a key, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Taken> {
        self.known.push(key);
        let node = self.left.remove(key)?;
        self.places.insert(key, node.place.clone());
        Some(Taken { key: self.path_of(key), node })
    }

    /// Takes a text and reads it; what `read` says of a wrong one is told with the key.
    pub(super) fn parse<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let taken = self.take(key)?;
        let text = taken.text(problems)?;
        read(&text).map_err(|message| problems.push(taken.problem(message))).ok()
    }

    pub(super) fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        self.take(key)?.text(problems)
    }

    pub(super) fn boolean(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        self.take(key)?.truth(problems)
    }

    pub(super) fn number(&mut self, key: &'static str, problems: &mut Problems) -> Option<f64> {
        let taken = self.take(key)?;
        taken.number().or_else(|| taken.refuse(problems, "must be a number"))
    }

    /// A duration such as `"8h"`; a bare number counts seconds.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Duration> {
        self.take(key)?.duration(problems)
    }

    /// Takes a text that is one of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        choices: &[(&str, T)],
    ) -> Option<T> {
        self.parse(key, problems, |text| {
            let found = choices.iter().find(|(word, _)| *word == text);
            let words = || one_of(choices.iter().map(|(word, _)| *word));
            found.map(|(_, choice)| *choice).ok_or_else(|| format!("{text:?} is not {}", words()))
        })
    }

    /// Takes a list and reads every text in it; none also where one of them is wrong.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let taken = self.take(key)?;
        let before = problems.len();
        let mut list = Vec::new();
        for item in taken.items(problems) {
            let Some(text) = item.text(problems) else {
                continue;
            };
            match read(&text) {
                Ok(value) => list.push(value),
                Err(message) => problems.push(item.problem(message)),
            }
        }
        (problems.len() == before).then_some(list)
    }

    /// A list of texts; a single text counts as a list of one.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<Taken>> {
        self.take(key).map(|taken| taken.items(problems))
    }

    /// Takes a table; an absent one is an empty one.
    pub(super) fn section(&mut self, key: &'static str, problems: &mut Problems) -> Self {
        match self.take(key) {
            Some(taken) => taken.section(problems).unwrap_or_else(|| self.empty(key)),
            None => self.empty(key),
        }
    }

    /// Takes everything that is left, where the keys are the operator's own words: in the order
    /// of the lines, and what stands in no file behind it.
    pub(super) fn entries(&mut self) -> Vec<(String, Taken)> {
        let left = std::mem::take(&mut self.left);
        let mut entries: Vec<_> = left
            .into_iter()
            .map(|(name, node)| {
                let key = self.path_of(&name);
                (name, Taken { key, node })
            })
            .collect();
        entries.sort_by_key(|(_, taken)| line_of(&taken.node.place));
        entries
    }

    /// Whether a key is there, taken or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.left.contains_key(key) || self.places.contains_key(key)
    }

    /// An error at a key that was taken, or at this table where the key is not there.
    pub(super) fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        let place = self.places.get(key).unwrap_or(&self.place).clone();
        Problem { place, key: self.path_of(key), message: message.into() }
    }

    /// Ends the table: keys that nobody took are unknown.
    pub(super) fn finish(self, problems: &mut Problems) {
        for (key, node) in &self.left {
            let known =
                self.known.iter().map(|known| (strsim::damerau_levenshtein(key, known), known));
            let nearest =
                known.min().filter(|(distance, known)| *distance <= known.len().div_ceil(2));
            let hint =
                nearest.map_or_else(String::new, |(_, known)| format!("; did you mean {known:?}?"));
            let (place, key) = (node.place.clone(), self.path_of(key));
            problems.push(Problem { place, key, message: format!("unknown key{hint}") });
        }
    }

    fn empty(&self, key: &str) -> Self {
        Self::of(self.path_of(key), self.place.clone(), BTreeMap::new())
    }

    fn of(path: String, place: String, left: BTreeMap<String, Node>) -> Self {
        Self { path, place, left, known: Vec::new(), places: BTreeMap::new() }
    }

    fn path_of(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }
}

impl Taken {
    pub(super) fn truth(&self, problems: &mut Problems) -> Option<bool> {
        match (&self.node.value, self.loose()) {
            (Value::Boolean(truth), _) => Some(*truth),
            (_, Some("true")) => Some(true),
            (_, Some("false")) => Some(false),
            _ => self.refuse(problems, "must be true or false"),
        }
    }

    pub(super) fn text(&self, problems: &mut Problems) -> Option<String> {
        match (&self.node.value, self.loose()) {
            (Value::Text(text), _) => Some(text.clone()),
            (_, Some(text)) => Some(unquoted(text)),
            _ => self.refuse(problems, "must be a text in quotes"),
        }
    }

    /// Whether it is this text.
    pub(super) fn is(&self, wanted: &str) -> bool {
        match (&self.node.value, self.loose()) {
            (Value::Text(text), _) => text == wanted,
            (_, Some(text)) => unquoted(text) == wanted,
            _ => false,
        }
    }

    /// A number, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match &self.node.value {
            Value::Float(number) => Some(*number),
            Value::Integer(number) => Some(*number as f64),
            _ => self.loose().and_then(|text| text.trim().parse().ok()),
        }
    }

    /// A text, or what is written without quotes: a number, true or false.
    pub(super) fn scalar(&self, problems: &mut Problems) -> Option<String> {
        match &self.node.value {
            Value::Boolean(truth) => Some(truth.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Integer(number) => Some(number.to_string()),
            _ => self.text(problems),
        }
    }

    /// A duration such as `"8h"`; a bare number counts seconds.
    pub(super) fn duration(&self, problems: &mut Problems) -> Option<Duration> {
        let text = match &self.node.value {
            Value::Integer(seconds) => seconds.to_string(),
            _ => self.text(problems)?,
        };
        let read = match text.trim().parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => humantime::parse_duration(text.trim()).ok(),
        };
        match read {
            Some(duration) => Some(duration),
            None => {
                self.refuse(problems, "is no duration; write it like \"90s\", \"8h\" or \"7d\"")
            }
        }
    }

    /// The items of a list; text from a variable may be a TOML list or separated by commas.
    pub(super) fn items(self, problems: &mut Problems) -> Vec<Self> {
        let key = self.key.clone();
        let wrap = |(index, node)| Self { key: format!("{key}[{index}]"), node };
        match self.node.value {
            Value::List(items) => items.into_iter().enumerate().map(wrap).collect(),
            Value::Loose(ref text) => match parse_value(text, &self.node.place) {
                Some(Node { value: Value::List(items), .. }) => {
                    items.into_iter().enumerate().map(wrap).collect()
                }
                _ => {
                    let place = &self.node.place;
                    let pieces = text.split(',').map(str::trim).filter(|piece| !piece.is_empty());
                    let node = |piece: &str| Node {
                        value: Value::Loose(piece.to_owned()),
                        place: place.clone(),
                    };
                    pieces.map(node).enumerate().map(wrap).collect()
                }
            },
            Value::Text(_) => vec![self],
            _ => {
                problems.push(self.problem("must be a list"));
                Vec::new()
            }
        }
    }

    /// The table behind a key.
    pub(super) fn section(mut self, problems: &mut Problems) -> Option<Section> {
        let table = match &mut self.node.value {
            Value::Table(table) => Some(std::mem::take(table)),
            Value::Loose(text) => match parse_value(text, &self.node.place) {
                Some(Node { value: Value::Table(table), .. }) => Some(table),
                _ => None,
            },
            _ => None,
        };
        match table {
            Some(left) => Some(Section::of(self.key, self.node.place, left)),
            None => self.refuse(problems, "must be a table"),
        }
    }

    pub(super) fn is_table(&self) -> bool {
        match &self.node.value {
            Value::Table(_) => true,
            Value::Loose(text) => text.trim_start().starts_with('{'),
            _ => false,
        }
    }

    /// Whether it is written as a list, even of one.
    pub(super) fn is_list(&self) -> bool {
        match &self.node.value {
            Value::List(_) => true,
            Value::Loose(text) => text.trim_start().starts_with('[') || text.contains(','),
            _ => false,
        }
    }

    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { place: self.node.place.clone(), key: self.key.clone(), message: message.into() }
    }

    fn refuse<T>(&self, problems: &mut Problems, message: &str) -> Option<T> {
        problems.push(self.problem(message));
        None
    }

    fn loose(&self) -> Option<&str> {
        match &self.node.value {
            Value::Loose(text) => Some(text),
            _ => None,
        }
    }
}

/// Whether a path begins with a key that the configuration knows.
pub(super) fn is_known_root(path: &str) -> bool {
    let root = path.split('.').next().unwrap_or(path);
    ROOT_KEYS.contains(&root)
}

/// Words for a person: `"a"`, `"b"` or `"c"`.
pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut quoted: Vec<String> = words.into_iter().map(|word| format!("{word:?}")).collect();
    let last = quoted.pop().unwrap_or_default();
    if quoted.is_empty() { last } else { format!("{} or {last}", quoted.join(", ")) }
}

/// `"text"` in quotes is the text, as a person may write it from habit.
fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

const ROOT_KEYS: &[&str] = &[
    "admin_listen",
    "allowed_redirects",
    "assertion",
    "identity",
    "insecure_public_url",
    "limits",
    "listen",
    "log",
    "prefix",
    "provider",
    "providers",
    "public_url",
    "route",
    "session",
    "tls",
    "trusted_proxies",
    "workers",
];
