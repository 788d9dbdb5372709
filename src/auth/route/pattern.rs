//! Which paths a route covers.

use std::borrow::Cow;
use std::fmt;

use regex::{Regex, RegexBuilder};

/// The paths that a route covers, in decoded form.
#[derive(Clone, Debug)]
pub enum PathPattern {
    Exact(String),
    /// Without a slash at its end; the empty one covers everything.
    Prefix(String),
    Regex(WholePath),
    Template(Template),
}

/// `/teams/{team}/*`: literal segments, `{name}` for one segment, `*` at the end for the rest.
#[derive(Clone, Debug)]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
    rest: bool,
}

/// A regular expression over whole paths, in linear time.
#[derive(Clone, Debug)]
pub struct WholePath {
    text: String,
    regex: Regex,
    /// What every path that it covers begins with.
    literal: Box<str>,
}

#[derive(Clone, Debug)]
enum Segment {
    Literal(String),
    /// One that is not empty, by its name.
    Variable(String),
}

impl PathPattern {
    /// The prefix pattern of a path: `/admin` and `/admin/` are the same.
    pub fn prefix(path: &str) -> Self {
        Self::Prefix(path.trim_end_matches('/').to_owned())
    }

    /// The pattern of a regular expression over the whole path; the error says what is wrong.
    pub fn regex(text: &str) -> Result<Self, String> {
        let compiled = |text: &str| {
            let whole = RegexBuilder::new(text).size_limit(REGEX_SIZE).build();
            whole.map_err(|error| error.to_string())
        };
        // What is only right between our brackets could leave them: `a)|(?:.*` (C-48).
        if text.contains(')') {
            compiled(text)?;
        }
        let regex = compiled(&format!("^(?:{text})$"))?;
        let literal = literal_beginning(text).into();
        Ok(Self::Regex(WholePath { text: text.to_owned(), regex, literal }))
    }

    /// The pattern of a template; none where it is malformed or says a name twice.
    pub fn template(written: &str) -> Option<Self> {
        let (text, rest) = match written.strip_suffix("/*") {
            Some(text) => (text, true),
            None => (written, false),
        };
        let written_segments = text.strip_prefix('/').unwrap_or(text).split('/');
        let segments = match text.is_empty() {
            true => Vec::new(),
            false => written_segments.map(Segment::parse).collect::<Option<Vec<_>>>()?,
        };
        let template = Template { text: written.to_owned(), segments, rest };
        let repeats = |(index, name)| template.variables().take(index).any(|other| other == name);
        if template.variables().enumerate().any(repeats) {
            return None;
        }
        Some(Self::Template(template))
    }

    /// The decoded segment that stands for a variable of the template in a path that it covers.
    /// None where the name is not the template's, and where the segment has an opaque character
    /// (`%2F` and the like): its meaning to the app is in doubt.
    pub fn variable<'a>(&self, name: &str, path: &'a str) -> Option<&'a str> {
        let Self::Template(template) = self else { return None };
        let is_it = |segment: &Segment| matches!(segment, Segment::Variable(own) if own == name);
        let index = template.segments.iter().position(is_it)?;
        let value = path.strip_prefix('/').unwrap_or(path).split('/').nth(index)?;
        (!value.is_empty() && !value.contains('%')).then_some(value)
    }

    /// The names of the template's variables, in their order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let template = match self {
            Self::Template(template) => Some(template),
            _ => None,
        };
        template.into_iter().flat_map(Template::variables)
    }

    /// How far it is literal, in bytes: the longer, the more specific.
    pub(super) fn literal_length(&self) -> usize {
        match self {
            Self::Exact(path) | Self::Prefix(path) => path.len(),
            Self::Regex(whole) => whole.literal.len(),
            Self::Template(template) => template.literals().map(|text| text.len() + 1).sum(),
        }
    }

    /// What every path that it covers begins with: whole segments, but for an expression.
    pub fn literal(&self) -> Cow<'_, str> {
        match self {
            Self::Exact(path) | Self::Prefix(path) => Cow::Borrowed(path),
            Self::Regex(whole) => Cow::Borrowed(&whole.literal),
            Self::Template(template) => {
                Cow::Owned(template.literals().flat_map(|text| ["/", text]).collect())
            }
        }
    }

    pub(super) fn covers(&self, path: &str) -> bool {
        match self {
            Self::Regex(whole) => whole.regex.is_match(path),
            Self::Template(template) => template.covers(path),
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => f.write_str(path),
            Self::Prefix(path) => write!(f, "{path}/"),
            Self::Regex(whole) => f.write_str(&whole.text),
            Self::Template(template) => f.write_str(&template.text),
        }
    }
}

impl Segment {
    fn parse(written: &str) -> Option<Self> {
        match written.strip_prefix('{').map(|name| name.strip_suffix('}')) {
            Some(Some(name)) if !name.is_empty() && !name.contains(['{', '}']) => {
                Some(Self::Variable(name.to_owned()))
            }
            None if !written.contains(['{', '}', '*']) => Some(Self::Literal(written.to_owned())),
            _ => None,
        }
    }
}

impl Template {
    fn covers(&self, path: &str) -> bool {
        let mut written = path.strip_prefix('/').unwrap_or(path).split('/');
        for segment in &self.segments {
            let fits = match (segment, written.next()) {
                (Segment::Variable(_), Some(text)) => !text.is_empty(),
                (Segment::Literal(literal), Some(text)) => literal == text,
                (_, None) => false,
            };
            if !fits {
                return false;
            }
        }
        self.rest || written.next().is_none()
    }

    fn variables(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// The segments before its first variable.
    fn literals(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map_while(|segment| match segment {
            Segment::Literal(text) => Some(text.as_str()),
            Segment::Variable(_) => None,
        })
    }
}

/// What an expression surely begins with; nothing where it offers alternatives.
fn literal_beginning(text: &str) -> &str {
    let text = text.strip_prefix('^').unwrap_or(text);
    let sure = text.find(|character| "\\.+*?()|[]{}^$".contains(character));
    let (literal, rest) = text.split_at(sure.unwrap_or(text.len()));
    if text.contains('|') {
        return "";
    }
    // The operator is about the character before it.
    match rest.starts_with(['*', '?', '{', '+']) {
        true => literal.char_indices().next_back().map_or("", |(last, _)| &literal[..last]),
        false => literal,
    }
}

/// Of a compiled expression; a larger one is refused with the configuration (C-81).
const REGEX_SIZE: usize = 1 << 20;
