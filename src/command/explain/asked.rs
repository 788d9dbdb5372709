//! The address of the request that is explained.

use http::Uri;

use crate::auth::host::Host;

/// A whole address, and what of it decides.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) url: String,
    pub(super) host: Host,
    /// As it was written, without the query, which is never part of matching.
    pub(super) path: String,
}

impl Asked {
    /// Reads a whole address; the error says what to write.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let wrong =
            || format!("{url:?} is no whole address; write it like https://app.example.com/admin");
        // What a client cuts off before it sends.
        let sent = url.split('#').next().unwrap_or(url);
        let uri: Uri = sent.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong());
        }
        let host = Host::parse(authority.as_str()).ok_or_else(wrong)?;
        Ok(Self { url: url.to_owned(), host, path: uri.path().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_addresses_are_explained() {
        let read =
            |url| Asked::parse(url).map(|asked| (asked.host.as_str().to_owned(), asked.path));
        for (url, host, path) in [
            ("https://a.example.com/x?y=/z", "a.example.com", "/x"),
            ("http://a:8080", "a:8080", "/"),
            ("https://a/%2e%2e//x#y", "a", "/%2e%2e//x"),
        ] {
            assert_eq!(read(url), Ok((host.to_owned(), path.to_owned())), "{url}");
        }
        for url in ["/admin", "app.example.com/admin", "ftp://a/", "https://u@a/", "https:///x", ""]
        {
            assert!(read(url).is_err_and(|why| why.contains("write it like")), "{url}");
        }
    }
}
