//! Fields of the operator's own, for the app and for the visitor.
//!
//! 1. A name that a route states is the gateway's there: what a visitor says under it goes, in
//!    every spelling (C-34), also where nobody is signed in and where there is no claim (C-35).
//! 2. Each field stands once or not at all (C-36). It is never cut: half a list of groups would be
//!    another one.
//! 3. Claims are written so that none splits a field or is taken for two (C-40).

mod format;
mod names;
mod template;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::assertion::AssertionRules;
use super::claim_source::ClaimSource;
use super::identity::{Identity, Source};
pub use format::{Format, Separator};
pub use names::{Managed, refused_to_app, refused_to_visitor};
pub use template::Template;

/// Which fields a route adds.
#[derive(Clone, Debug, Default)]
pub struct FieldRules {
    /// Under which number what it says of a person is kept with a session.
    pub slot: usize,
    pub request: Vec<RequestField>,
    pub answer: Vec<AnswerField>,
    /// Whether, and how, the gateway vouches for people by its signature.
    pub assertion: Option<AssertionRules>,
    /// The names of `request`.
    pub managed: Arc<Managed>,
}

/// A field for the app.
#[derive(Clone, Debug)]
pub struct RequestField {
    pub name: HeaderName,
    pub content: Content,
}

/// What a field says.
#[derive(Clone, Debug)]
pub enum Content {
    Claim {
        source: ClaimSource,
        format: Format,
        separator: Separator,
        /// What is longer is left out altogether, in bytes.
        max_bytes: usize,
    },
    /// The same for everybody, and also for nobody.
    Fixed(HeaderValue),
    Text(Template),
}

/// A field of the app's answers; without a value it is removed.
#[derive(Clone, Debug)]
pub struct AnswerField {
    pub name: HeaderName,
    pub value: Option<HeaderValue>,
}

/// Whom fields are about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub identity: &'a Identity,
    /// The name of the provider that vouches.
    pub provider: &'a str,
    pub access_token: &'a HeaderValue,
}

/// Fields as they are set.
#[derive(Debug, Default)]
pub struct Written {
    pub fields: Vec<(HeaderName, HeaderValue)>,
    /// What was left out because it is too long.
    pub too_long: Vec<HeaderName>,
}

impl FieldRules {
    /// Whether it says nothing at all to the app.
    pub const fn is_silent(&self) -> bool {
        self.request.is_empty() && self.assertion.is_none()
    }

    /// What has to be kept with sessions.
    pub fn sources(&self) -> Vec<Source> {
        let asserted = self.assertion.iter().flat_map(AssertionRules::claims);
        let stated = self.request.iter().flat_map(RequestField::claims);
        stated.chain(asserted).filter_map(ClaimSource::source).cloned().collect()
    }

    /// What is said whoever it is.
    pub fn fixed(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.request.iter().filter_map(|field| match &field.content {
            Content::Fixed(value) => Some((&field.name, value)),
            _ => None,
        })
    }

    /// Whether what it says of a person is the same on every request.
    pub fn tells_of_persons(&self) -> bool {
        self.assertion.is_some() || self.request.iter().any(RequestField::is_about_persons)
    }

    /// Whether it says something that each request has to be looked at for.
    pub fn tells_of_paths(&self) -> bool {
        self.request.iter().any(RequestField::is_about_paths)
    }

    /// What it says of a person on every request.
    pub fn of_person(&self, subject: Subject<'_>) -> Written {
        let about = self.request.iter().filter(|field| field.is_about_persons());
        written(about, Some(subject), |_| None)
    }

    /// What it says of one request, from whoever it is; `variable` knows those of the path.
    pub fn of_path<'a>(
        &self,
        subject: Option<Subject<'a>>,
        variable: impl Fn(&str) -> Option<&'a str>,
    ) -> Written {
        let about = self.request.iter().filter(|field| field.is_about_paths());
        written(about, subject, variable)
    }

    /// Sets and removes fields of the app's answer.
    pub fn adjust_answer(&self, headers: &mut HeaderMap) {
        for AnswerField { name, value } in &self.answer {
            match value {
                Some(value) => drop(headers.insert(name.clone(), value.clone())),
                None => drop(headers.remove(name)),
            }
        }
    }
}

impl RequestField {
    fn is_about_paths(&self) -> bool {
        matches!(&self.content, Content::Text(text) if text.variables().next().is_some())
    }

    fn is_about_persons(&self) -> bool {
        !matches!(self.content, Content::Fixed(_)) && !self.is_about_paths()
    }

    fn claims(&self) -> Vec<&ClaimSource> {
        match &self.content {
            Content::Claim { source, .. } => vec![source],
            Content::Fixed(_) => Vec::new(),
            Content::Text(text) => text.claims().collect(),
        }
    }
}

fn written<'r, 'a>(
    about: impl Iterator<Item = &'r RequestField>,
    subject: Option<Subject<'a>>,
    variable: impl Fn(&str) -> Option<&'a str>,
) -> Written {
    let mut written = Written::default();
    for RequestField { name, content } in about {
        let (text, max_bytes) = match content {
            Content::Fixed(_) => continue,
            Content::Claim { source, format, separator, max_bytes } => {
                let claim =
                    subject.and_then(|whom| source.find(whom.identity, Some(whom.provider)));
                (claim.and_then(|claim| format.write(claim, separator)), *max_bytes)
            }
            Content::Text(template) => (template.render(subject, &variable), MAX_BYTES),
        };
        let Some(text) = text else { continue };
        if text.len() > max_bytes {
            written.too_long.push(name.clone());
            continue;
        }
        let value = match content {
            Content::Text(template) => template.field(text),
            _ => HeaderValue::try_from(text).ok(),
        };
        written.fields.extend(value.map(|value| (name.clone(), value)));
    }
    written
}

/// How long a field may be unless its table says something else: apps take 8 KiB in all.
pub const MAX_BYTES: usize = 4096;

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
