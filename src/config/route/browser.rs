//! What a route allows to pages.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

use crate::auth::browser::BrowserRules;
use crate::auth::cors::{Cors, Origins};
use crate::auth::host::Origin;
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(section: &mut Section, problems: &mut Problems) -> BrowserRules {
    let mut origins = section.list("origins", problems, origin).unwrap_or_default();
    let csrf = section.boolean("csrf", problems).unwrap_or(false);
    let cors = section.has("cors").then(|| cors(section, problems)).flatten().map(Box::new);
    // Whose scripts may read answers with a person's cookies may send with them, too.
    if let Some(Cors { origins: Origins::Listed(listed), credentials: true, .. }) = cors.as_deref()
    {
        origins.extend(listed.iter().cloned());
    }
    BrowserRules { origins, csrf, cors, keep_posts: keep_posts(section, problems) }
}

fn cors(section: &mut Section, problems: &mut Problems) -> Option<Cors> {
    let mut table = section.section("cors", problems);
    let any = |text: &str| if text == "*" { Ok(None) } else { origin(text).map(Some) };
    let missing = !table.has("origins");
    let listed: Option<Vec<Option<HeaderValue>>> = table.list("origins", problems, any);
    if missing {
        problems.push(table.problem("origins", "is missing; list whose scripts may read answers"));
    }
    let methods = table.list("methods", problems, method);
    let headers = table.list("headers", problems, field);
    let expose = table.list("expose", problems, field);
    let credentials = table.boolean("credentials", problems).unwrap_or(false);
    let max_age = table.duration("max_age", problems).unwrap_or(MAX_AGE);
    let listed = listed?;
    let star = listed.iter().any(Option::is_none);
    if star && (credentials || listed.len() > 1) {
        let message = "\"*\" stands alone, and never with credentials: list the origins";
        problems.push(table.problem("origins", message));
    }
    table.finish(problems);
    let origins = match star {
        true => Origins::Any,
        false => Origins::Listed(listed.into_iter().flatten().collect()),
    };
    Some(Cors {
        origins,
        methods: joined(&methods.unwrap_or_else(|| METHODS.map(str::to_owned).to_vec()))?,
        headers: joined(&headers.unwrap_or_default()),
        expose: joined(&expose.unwrap_or_default()),
        credentials,
        max_age: HeaderValue::from(max_age.as_secs()),
    })
}

fn keep_posts(section: &mut Section, problems: &mut Problems) -> Option<usize> {
    let keeps = section.boolean("keep_posts", problems).unwrap_or(false);
    let bytes = section.number("keep_post_bytes", problems);
    if bytes.is_some_and(|bytes| bytes.fract() != 0.0 || !(1.0..=MOST).contains(&bytes)) {
        let message = "must be a whole number of bytes from 1 to 1048576";
        problems.push(section.problem("keep_post_bytes", message));
    }
    keeps.then(|| bytes.map_or(KEEP_BYTES, |bytes| bytes as usize))
}

fn origin(text: &str) -> Result<HeaderValue, String> {
    let wrong = || format!("{text:?} is no origin; write \"https://other.example.com\"");
    let origin = Origin::parse(text).ok_or_else(wrong)?;
    HeaderValue::from_str(&origin.to_string()).map_err(|_| wrong())
}

fn method(text: &str) -> Result<String, String> {
    let upper = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    match Method::from_bytes(text.as_bytes()) {
        Ok(_) if upper => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is no method; write it in capitals, such as \"PUT\"")),
    }
}

fn field(text: &str) -> Result<String, String> {
    match HeaderName::from_bytes(text.as_bytes()) {
        // As a name of its own it would let everything through.
        Ok(_) if text != "*" => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is no name of a field; write each one out")),
    }
}

fn joined(names: &[String]) -> Option<HeaderValue> {
    (!names.is_empty()).then(|| HeaderValue::from_str(&names.join(", ")).ok()).flatten()
}

/// Those that need no preflight.
const METHODS: [&str; 3] = ["GET", "HEAD", "POST"];
const MAX_AGE: Duration = Duration::from_secs(600);
const KEEP_BYTES: usize = 64 * 1024;
/// A form takes no more of the room that all forms share than an eighth.
const MOST: f64 = 1_048_576.0;
