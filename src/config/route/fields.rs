//! Fields of the operator's own.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use crate::auth::claim_source::ClaimSource;
use crate::auth::fields::{
    AnswerField, Content, FieldRules, Format, MAX_BYTES, Managed, RequestField, Separator,
    Template, refused_to_app, refused_to_visitor,
};
use crate::auth::route::{Authorization, PathPattern};
use crate::config::assertion;
use crate::config::environment::Environment;
use crate::config::problem::Problems;
use crate::config::reader::{Section, Taken};
use crate::config::secrets;

/// What the rest of the route says.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) path: Option<&'a PathPattern>,
    pub(super) authorization: Authorization,
    pub(super) environment: &'a Environment,
}

pub(super) fn parse(
    section: &mut Section,
    context: Context<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> FieldRules {
    let (request, managed) = request(section, context, problems, warnings);
    let answer = answer(section, problems);
    let assertion = assertion::parse_rules(section, problems);
    FieldRules { slot: 0, request, answer, assertion, managed: Arc::new(managed) }
}

fn request(
    section: &mut Section,
    context: Context<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> (Vec<RequestField>, Managed) {
    let mut fields = Vec::new();
    let mut managed = Managed::default();
    for (written, taken) in section.section("request_headers", problems).entries() {
        let Some(name) = name(&written, &taken, refused_to_app, problems) else { continue };
        if !managed.add(&name) {
            problems.push(taken.problem(
                "is there twice: to many apps \"-\", \"_\" and \".\" are the same in a name",
            ));
        }
        if name == http::header::AUTHORIZATION && context.authorization != Authorization::Off {
            problems.push(taken.problem(
                "needs authorization = \"off\" on this route: it stands there once or not at all",
            ));
        }
        let content = content(taken, context, problems, warnings);
        fields.extend(content.map(|content| RequestField { name, content }));
    }
    (fields, managed)
}

/// A text, a claim or a secret.
fn content(
    taken: Taken,
    context: Context<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Content> {
    if !taken.is_table() {
        return template(&taken, context, problems);
    }
    let blame = taken.problem("");
    let mut table = taken.section(problems)?;
    let content = match (table.take("claim"), table.take("secret")) {
        (Some(claim), None) => claim_content(&mut table, &claim, problems),
        (None, Some(secret)) => secret_content(secret, context, problems, warnings),
        _ => {
            let message = "needs claim = \"…\" or secret = { file = \"…\" }, or is a text";
            problems.push(crate::config::Problem { message: message.to_owned(), ..blame });
            return None;
        }
    };
    table.finish(problems);
    content
}

fn template(taken: &Taken, context: Context<'_>, problems: &mut Problems) -> Option<Content> {
    let text = taken.text(problems)?;
    let template = match Template::parse(&text) {
        Ok(template) => template,
        Err(message) => {
            problems.push(taken.problem(message));
            return None;
        }
    };
    let known = |name: &str| {
        context.path.is_none_or(|path| path.variables().any(|variable| variable == name))
    };
    if let Some(unknown) = template.variables().find(|name| !known(name)) {
        problems.push(taken.problem(format!("the route's path has no {{{unknown}}}")));
        return None;
    }
    match template.fixed() {
        Some("") => {
            problems.push(taken.problem("is empty; say what it is to be, or leave it out"));
            None
        }
        Some(text) => HeaderValue::try_from(text).ok().map(Content::Fixed),
        None => Some(Content::Text(template)),
    }
}

fn claim_content(table: &mut Section, claim: &Taken, problems: &mut Problems) -> Option<Content> {
    let source = ClaimSource::parse(&claim.text(problems)?);
    let formats = [
        ("plain", Format::Plain),
        ("base64", Format::Base64),
        ("rfc8187", Format::Rfc8187),
        ("json", Format::Json),
    ];
    let format = table.choice("format", problems, &formats).unwrap_or(Format::Plain);
    let separator = table.parse("separator", problems, |text| Separator::parse(text, format));
    let max_bytes = table.number("max_bytes", problems).and_then(|number| {
        if number.fract() == 0.0 && (1.0..=MOST_BYTES).contains(&number) {
            return Some(number as usize);
        }
        problems.push(table.problem("max_bytes", format!("must be from 1 to {MOST_BYTES}")));
        None
    });
    let source = source.map_err(|message| problems.push(claim.problem(message))).ok()?;
    let separator = separator.unwrap_or_default();
    Some(Content::Claim { source, format, separator, max_bytes: max_bytes.unwrap_or(MAX_BYTES) })
}

/// The secret leaves secrecy for the app; it is marked so that no log shows it.
fn secret_content(
    taken: Taken,
    context: Context<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Content> {
    let refused = taken.problem(format!(
        "must be one line of printable ASCII, of {MAX_BYTES} bytes at most, to stand in a field"
    ));
    let secret = secrets::read(taken, context.environment, problems, warnings)?;
    let text = secret.expose();
    let fits = text.len() <= MAX_BYTES && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    match HeaderValue::from_str(text) {
        Ok(mut value) if fits => {
            value.set_sensitive(true);
            Some(Content::Fixed(value))
        }
        _ => {
            problems.push(refused);
            None
        }
    }
}

fn answer(section: &mut Section, problems: &mut Problems) -> Vec<AnswerField> {
    let mut fields: Vec<AnswerField> = Vec::new();
    for (written, taken) in section.section("response_headers", problems).entries() {
        let Some(name) = name(&written, &taken, refused_to_visitor, problems) else { continue };
        if fields.iter().any(|field| field.name == name) {
            problems.push(taken.problem("is there twice"));
        }
        let Some(text) = taken.text(problems) else { continue };
        let ascii = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        match HeaderValue::try_from(text.as_str()) {
            Ok(value) if ascii => {
                fields.push(AnswerField { name, value: (!text.is_empty()).then_some(value) });
            }
            _ => problems.push(taken.problem("must be printable ASCII in one line")),
        }
    }
    fields
}

fn name(
    written: &str,
    taken: &Taken,
    refused: fn(&HeaderName) -> Option<&'static str>,
    problems: &mut Problems,
) -> Option<HeaderName> {
    let Ok(name) = HeaderName::from_bytes(written.as_bytes()) else {
        problems.push(taken.problem("is no name of a header field"));
        return None;
    };
    if let Some(why) = refused(&name) {
        problems.push(taken.problem(format!("can't be stated: it {why}")));
        return None;
    }
    Some(name)
}

/// More than any server takes in one field.
const MOST_BYTES: f64 = 16384.0;
