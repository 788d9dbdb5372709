//! Which of the pages' languages a visitor reads best (RFC 9110 12.5.4, RFC 4647 3.3.1).
//!
//! 1. A range counts for a language when its first subtag is that language: `fr-CA` is French.
//! 2. A language that no range names takes the quality of `*`; one without either is not wanted.
//! 3. The higher quality wins, then the range that stands first; English where neither is wanted.
//! 4. A range or a quality that is not well-formed is skipped, not guessed.

use std::cmp::Reverse;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// The languages that the pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    /// The language that `Accept-Language` asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_LANGUAGE).iter();
        let ranges: Vec<Range<'_>> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .enumerate()
            .filter_map(|(position, text)| Range::parse(text, position))
            .collect();
        let english = wish(&ranges, Self::English);
        let french = wish(&ranges, Self::French);
        let wanted = french.0 > 0 && french > english;
        if wanted { Self::French } else { Self::English }
    }

    /// The language tag, for `lang` and `Content-Language`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }
}

/// One language range of the field, with its weight in thousandths.
struct Range<'a> {
    language: &'a str,
    quality: u16,
    position: usize,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str, position: usize) -> Option<Self> {
        let (tag, quality) = match text.split_once(';') {
            Some((tag, weight)) => (tag, parse_weight(weight)?),
            None => (text, 1000),
        };
        let language = tag.trim().split('-').next()?;
        Some(Self { language, quality, position })
    }
}

/// How much a language is wanted: its quality, then how early it was named.
type Wish = (u16, Reverse<usize>);

fn wish(ranges: &[Range<'_>], language: Language) -> Wish {
    let best = |name: &str| {
        let named = ranges.iter().filter(|range| range.language.eq_ignore_ascii_case(name));
        named.map(|range| (range.quality, Reverse(range.position))).max()
    };
    best(language.tag()).or_else(|| best("*")).unwrap_or((0, Reverse(0)))
}

/// Reads `q=` and a number from 0 to 1 with at most three decimals, in thousandths.
fn parse_weight(text: &str) -> Option<u16> {
    let (name, value) = text.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value = value.trim();
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Language {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT_LANGUAGE, line.parse().unwrap());
        }
        Language::of(&headers)
    }

    #[test]
    fn the_better_wanted_language_is_spoken() {
        use Language::{English, French};
        let cases = [
            ("fr", French),
            ("FR", French),
            ("fr-CA,fr;q=0.9,en;q=0.5", French),
            ("fr-CA", French),
            ("en,fr", English),
            ("fr,en", French),
            ("en-GB;q=0.8, fr-CH ; Q=0.9", French),
            ("de, fr;q=0.3, en;q=0.1", French),
            ("de, fr;q=0.1, en;q=0.3", English),
            ("fr;q=0.001", French),
            ("*", English),
            ("fr, *", French),
            ("*, fr", English),
            ("*;q=0.5, fr", French),
            ("fr;q=0.5, *", English),
            ("*, en;q=0", French),
            ("fr;q=0", English),
            ("en;q=0, fr;q=0", English),
            ("en;q=0", English),
            ("de", English),
            ("frr", English),
            ("fr_CA", English),
            ("", English),
            (",,;,=", English),
            ("fr;q=2", English),
            ("fr;q=-1", English),
            ("fr;q=+.5", English),
            ("fr;q=0.0001", English),
            ("fr;q=1.001", English),
            ("fr;q", English),
            ("fr;level=1", English),
            ("<script>", English),
        ];
        for (line, expected) in cases {
            assert_eq!(of(&[line]), expected, "{line:?}");
        }
    }

    #[test]
    fn several_lines_are_one_list_and_none_is_english() {
        assert_eq!(of(&["en;q=0.5", "fr;q=0.8"]), Language::French);
        assert_eq!(of(&["fr", "en"]), Language::French);
        assert_eq!(of(&[]), Language::English);
    }

    #[test]
    fn bytes_that_are_no_text_are_skipped() {
        let mut headers = HeaderMap::new();
        let bytes = http::HeaderValue::from_bytes(b"fr\xff").unwrap();
        headers.append(ACCEPT_LANGUAGE, bytes);
        assert_eq!(Language::of(&headers), Language::English);
    }
}
