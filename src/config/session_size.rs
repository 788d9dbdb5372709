//! How large the sessions of a configuration will be, and when that deserves a warning.

use std::fmt;

use super::provider::ProviderConfig;
use crate::auth::cookie::CookieStyle;
use crate::auth::session_size::{Estimate, Known, WARN_ABOVE};

/// The size of the sessions of that provider whose sessions are the largest.
#[derive(Debug)]
pub struct LargestSession {
    /// Which one, as the configuration calls it; none where there is only one.
    among: Option<String>,
    keeps_hint: bool,
    estimate: Estimate,
    in_store: Estimate,
}

impl LargestSession {
    /// Reckons the sizes; `in_store` tells whether sessions are kept in a store.
    pub(super) fn of(
        providers: &[ProviderConfig],
        cookies: &CookieStyle,
        in_store: bool,
    ) -> Option<Self> {
        let sizes = providers.iter().map(|provider| {
            let ProviderConfig { settings, preset, .. } = provider;
            let known = Known { preset, settings, cookies, in_store };
            Self {
                among: (providers.len() > 1).then(|| format!("providers.{}", settings.name)),
                keeps_hint: settings.openid.as_ref().is_some_and(|openid| openid.keep_hint),
                estimate: known.estimate(),
                in_store: Known { in_store: true, ..known }.estimate(),
            }
        });
        sizes.max_by_key(|size| size.estimate.bytes)
    }

    /// What to tell the operator before the first person signs in: which servers will refuse it,
    /// and what can be done.
    pub(super) fn warning(&self) -> Option<String> {
        let Estimate { bytes, cookies, to_app } = self.estimate;
        if bytes <= WARN_ABOVE {
            return None;
        }
        let place = self.among.as_deref().unwrap_or("provider");
        let hint = if self.keeps_hint { ".id_token_hint" } else { "" };
        let asked = match cookies {
            Some(1) => "",
            // C-123.
            _ => {
                " (of an auth_request only its first line: a session in two cookies is lost when it \
                 is renewed)"
            }
        };
        let (size, in_store) = (Size(&self.estimate), self.in_store.bytes);
        Some(format!(
            "{place}{hint}: a session probably takes {size}; session.store leaves {in_store}. A \
             proxy in front takes it as Cookie (nginx large_client_header_buffers 8k, Apache \
             LimitRequestFieldSize 8190) and hands it on as Set-Cookie (nginx proxy_buffer_size, \
             4k or 8k of head){asked}. The app gets Authorization and identity instead, about {to_app} \
             bytes (of head: Tomcat maxHttpRequestHeaderSize and Jetty requestHeaderSize 8192, \
             Node --max-http-header-size 16384)"
        ))
    }
}

impl fmt::Display for LargestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a session of this configuration takes {}", Size(&self.estimate))?;
        self.among.as_ref().map_or(Ok(()), |among| write!(f, " ({among})"))
    }
}

/// "about 2200 bytes in 1 cookie"
struct Size<'a>(&'a Estimate);

impl fmt::Display for Size<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { bytes, cookies, .. } = self.0;
        match cookies {
            Some(1) => write!(f, "about {bytes} bytes in 1 cookie"),
            Some(cookies) => write!(f, "about {bytes} bytes in {cookies} cookies"),
            None => write!(f, "about {bytes} bytes, more than cookies hold: logins fail"),
        }
    }
}
