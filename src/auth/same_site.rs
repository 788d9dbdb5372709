//! Whether a request comes from a page of ours: any site can make a browser send one with our
//! cookies (C-67, C-68).
//!
//! `Sec-Fetch-Site` decides where it is there: no page can set it. `Origin` stands in for it
//! where a browser does not send it, as over plain HTTP.

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};

use super::host::Origin;

/// Whether a request comes from our own pages or from the person: by `Sec-Fetch-Site`, and where
/// a browser does not send it, by no foreign `Origin` or `Referer`.
pub fn is_own(headers: &HeaderMap, ours: &Origin) -> bool {
    if let Some(site) = headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        return site == b"same-origin" || site == b"none" || site == b"same-site";
    }
    !names_another(headers, &[header::ORIGIN, header::REFERER], ours)
}

/// Whether it is proven that a page of our very origin, or the person, sends this request. What
/// says nothing of where it comes from proves nothing.
pub fn is_proven(headers: &HeaderMap, ours: &Origin) -> bool {
    match (said(headers, SITE), said(headers, header::ORIGIN)) {
        (Said::Once(site), _) => site == b"same-origin" || site == b"none",
        (Said::Nothing, Said::Once(origin)) => origin == ours.to_string().as_bytes(),
        _ => false,
    }
}

/// Whether a page of another origin, which is not among the `listed` ones, may be behind a
/// request that changes something (S38). Another host of our own site is another origin.
pub fn may_be_foreign(headers: &HeaderMap, ours: &Origin, listed: &[HeaderValue]) -> bool {
    !is_proven(headers, ours) && !is_listed(headers, listed)
}

/// Whether `Origin` names another origin than ours and the `listed` ones; without the field
/// nothing is named.
pub fn has_foreign_origin(headers: &HeaderMap, ours: &Origin, listed: &[HeaderValue]) -> bool {
    names_another(headers, &[header::ORIGIN], ours) && !is_listed(headers, listed)
}

/// Whether `Origin` is there once, and one of these.
pub fn is_listed(headers: &HeaderMap, listed: &[HeaderValue]) -> bool {
    match said(headers, header::ORIGIN) {
        Said::Once(origin) => listed.iter().any(|known| known.as_bytes() == origin),
        Said::Nothing | Said::Twice => false,
    }
}

/// Whether a method asks for no change (RFC 9110 9.2.1). `TRACE` never comes this far.
pub fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// What a field says that is meant to be there once.
enum Said<'a> {
    Nothing,
    Once(&'a [u8]),
    /// Two lines: nobody knows which one counts.
    Twice,
}

fn said(headers: &HeaderMap, field: HeaderName) -> Said<'_> {
    let mut lines = headers.get_all(field).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Said::Nothing,
        (Some(line), None) => Said::Once(line.as_bytes()),
        (Some(_), Some(_)) => Said::Twice,
    }
}

fn names_another(headers: &HeaderMap, fields: &[HeaderName], ours: &Origin) -> bool {
    let ours = ours.to_string();
    fields.iter().flat_map(|field| headers.get_all(field)).any(|value| {
        let rest = value.as_bytes().strip_prefix(ours.as_bytes());
        !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Origin {
        Origin::parse("https://app.example.com").unwrap()
    }

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn c68_only_our_own_pages_and_the_person_count() {
        for (field, value, own) in [
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "none", true),
            ("sec-fetch-site", "same-site", true),
            ("sec-fetch-site", "cross-site", false),
            ("sec-fetch-site", "nonsense", false),
            ("origin", "https://app.example.com", true),
            ("origin", "https://app.example.com.evil", false),
            ("origin", "null", false),
            ("referer", "https://app.example.com/page", true),
            ("referer", "https://evil.example/https://app.example.com/", false),
            ("accept", "*/*", true),
        ] {
            assert_eq!(is_own(&fields(&[(field, value)]), &ours()), own, "{field}: {value}");
        }
    }

    #[test]
    fn c67_what_changes_something_comes_from_a_page_that_is_proven_or_listed() {
        let listed = [HeaderValue::from_static("https://other.example.com")];
        for (lines, foreign) in [
            (&[("sec-fetch-site", "same-origin")][..], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "")], true),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://other.example.com")], false),
            (&[("origin", "https://app.example.com")], false),
            (&[("origin", "https://other.example.com")], false),
            (&[("origin", "http://other.example.com")], true),
            (&[("origin", "https://app.example.com:8443")], true),
            (&[("origin", "https://app.example.com/")], true),
            (&[("origin", "null")], true),
            (&[("origin", "https://app.example.com"), ("origin", "https://evil.example")], true),
            // A referrer proves nothing: it may be left out at will.
            (&[("referer", "https://app.example.com/")], true),
            (&[], true),
        ] {
            let found = may_be_foreign(&fields(lines), &ours(), &listed);
            assert_eq!(found, foreign, "{lines:?}");
        }
    }

    #[test]
    fn c67_a_listed_origin_is_not_foreign_to_a_socket() {
        let listed = [HeaderValue::from_static("https://other.example.com")];
        for (lines, foreign) in [
            (&[("origin", "https://app.example.com")][..], false),
            (&[("origin", "https://other.example.com")], false),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "null")], true),
            (&[], false),
        ] {
            let found = has_foreign_origin(&fields(lines), &ours(), &listed);
            assert_eq!(found, foreign, "{lines:?}");
        }
    }
}
