//! Words that travel in one parameter with spaces between them: scopes, `acr` values.

use crate::config::problem::Problems;
use crate::config::reader::Section;

/// Takes a list of words; `"openid email"` are two.
pub(in crate::config) fn parse(
    section: &mut Section,
    key: &'static str,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let lists = section.list(key, problems, |text| {
        text.split_whitespace().map(word).collect::<Result<Vec<_>, _>>()
    })?;
    Some(lists.into_iter().flatten().collect())
}

/// Takes a list of texts of which none is empty.
pub(super) fn texts(
    section: &mut Section,
    key: &'static str,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    section.list(key, problems, |text| match text {
        "" => Err(String::from("must not be empty")),
        _ => Ok(text.to_owned()),
    })
}

/// The characters of a scope (RFC 6749 appendix A.4).
fn word(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} must be of printable ASCII without quotes and backslashes"))
    }
}
