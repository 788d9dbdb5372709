//! Whether a request comes from a page of ours: any site can make a browser send one with our
//! cookies (C-67, C-68).

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

use super::host::Origin;

/// Whether a request comes from our own pages or from the person: by `Sec-Fetch-Site`, and where
/// a browser does not send it, by no foreign `Origin` or `Referer`.
pub fn is_own(headers: &HeaderMap, ours: &Origin) -> bool {
    if let Some(site) = headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        return site == b"same-origin" || site == b"none" || site == b"same-site";
    }
    !names_another(headers, &[header::ORIGIN, header::REFERER], ours)
}

/// Whether `Origin` names another origin than ours; without the field nothing is named.
pub fn has_foreign_origin(headers: &HeaderMap, ours: &Origin) -> bool {
    names_another(headers, &[header::ORIGIN], ours)
}

fn names_another(headers: &HeaderMap, fields: &[HeaderName], ours: &Origin) -> bool {
    let ours = ours.to_string();
    fields.iter().flat_map(|field| headers.get_all(field)).any(|value| {
        let rest = value.as_bytes().strip_prefix(ours.as_bytes());
        !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c68_only_our_own_pages_and_the_person_count() {
        let ours = Origin::parse("https://app.example.com").unwrap();
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
            let mut headers = HeaderMap::new();
            headers.insert(field, HeaderValue::from_static(value));
            assert_eq!(is_own(&headers, &ours), own, "{field}: {value}");
        }
    }
}
