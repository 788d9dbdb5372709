//! Which paths a route covers.

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
    /// How many bytes at its beginning are sure.
    pub(super) literal: usize,
}

#[derive(Clone, Debug)]
enum Segment {
    Literal(String),
    Variable(String),
}

impl PathPattern {
    /// The prefix pattern of a path: `/admin` and `/admin/` are the same.
    pub fn prefix(path: &str) -> Self {
        Self::Prefix(path.trim_end_matches('/').to_owned())
    }

    /// The pattern of a regular expression over the whole path; the error says what is wrong.
    pub fn regex(text: &str) -> Result<Self, String> {
        let whole = RegexBuilder::new(&format!("^(?:{text})$")).size_limit(REGEX_SIZE).build();
        let literal = literal_beginning(text);
        whole
            .map(|regex| Self::Regex(WholePath { text: text.to_owned(), regex, literal }))
            .map_err(|error| error.to_string())
    }

    /// The pattern of a template.
    pub fn template(written: &str) -> Option<Self> {
        let (text, rest) = match written.strip_suffix("/*") {
            Some(text) => (text, true),
            None => (written, false),
        };
        let segments =
            text.strip_prefix('/').unwrap_or(text).split('/').map(|segment| {
                match segment.strip_prefix('{').map(|name| name.strip_suffix('}')) {
                    Some(Some(name)) if !name.is_empty() && !name.contains(['{', '}']) => {
                        Some(Segment::Variable(name.to_owned()))
                    }
                    None if !segment.contains(['{', '}', '*']) => {
                        Some(Segment::Literal(segment.to_owned()))
                    }
                    _ => None,
                }
            });
        let segments =
            if text.is_empty() { Vec::new() } else { segments.collect::<Option<Vec<_>>>()? };
        Some(Self::Template(Template { text: written.to_owned(), segments, rest }))
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let segments = match self {
            Self::Template(template) => template.segments.as_slice(),
            Self::Exact(_) | Self::Prefix(_) | Self::Regex(_) => &[],
        };
        segments.iter().filter_map(|segment| match segment {
            Segment::Variable(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// What a variable stands for in a path that is covered; none for a segment with an opaque
    /// character: nobody can say what the app takes it for.
    pub fn variable<'p>(&self, name: &str, path: &'p str) -> Option<&'p str> {
        let Self::Template(template) = self else { return None };
        let is_it = |segment: &Segment| matches!(segment, Segment::Variable(own) if own == name);
        let at = template.segments.iter().position(is_it)?;
        let text = path.strip_prefix('/').unwrap_or(path).split('/').nth(at)?;
        (!text.is_empty() && !text.contains('%')).then_some(text)
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

    /// How many bytes of it are sure, up to its first variable.
    pub(super) fn literal_beginning(&self) -> usize {
        let literal = |segment: &Segment| match segment {
            Segment::Literal(text) => Some(text.len() + 1),
            Segment::Variable(_) => None,
        };
        self.segments.iter().map_while(literal).sum()
    }
}

/// What an expression surely begins with, in bytes; none where it offers alternatives.
fn literal_beginning(text: &str) -> usize {
    let text = text.strip_prefix('^').unwrap_or(text);
    let operator = |byte: u8| b"\\.+*?()|[]{}^$".contains(&byte);
    let length = text.bytes().take_while(|&byte| !operator(byte)).count();
    match text.as_bytes().get(length) {
        _ if text.contains('|') => 0,
        // The operator is about the byte before it.
        Some(b'*' | b'?' | b'{' | b'+') => length.saturating_sub(1),
        _ => length,
    }
}

/// Of a compiled expression; a larger one is refused with the configuration (C-81).
const REGEX_SIZE: usize = 1 << 20;
