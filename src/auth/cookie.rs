//! Our cookies: what they are called, which of a request's cookies are ours, how they are set
//! and cleared (RFC 6265bis; security.md section 1.12).

use std::fmt::Write as _;
use std::time::Duration;

use super::realm::Realm;

/// How our cookies are called and what attributes they carry.
#[derive(Clone, Debug)]
pub struct CookieStyle {
    session: String,
    attempt_prefix: String,
    /// Of what must not be shared whatever the domain: another host could plant it.
    claim_prefix: String,
    rounds: String,
    secure: bool,
    domain: Option<String>,
}

/// The cookies of one request that are ours, in the order in which they came.
#[derive(Debug)]
pub struct OwnCookies<'a> {
    /// Where they were brought to.
    pub realm: Realm<'a>,
    pub single: Vec<&'a str>,
    pub parts: [Vec<&'a str>; MAX_PARTS],
    /// Names and values of login attempts.
    pub attempts: Vec<(&'a str, &'a str)>,
    /// How many logins there were in a row.
    pub rounds: Option<&'a str>,
    /// Whether the request carried anything of ours, even parts that can't be used.
    pub any: bool,
    /// Whether it carried cookies of others.
    pub others: bool,
}

/// What a browser sends with every request once it was given some `Set-Cookie` lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenBack {
    pub cookies: usize,
    /// Of the value of its `Cookie` field.
    pub bytes: usize,
}

/// A session too large for [`MAX_PARTS`] cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    pub bytes: usize,
}

impl CookieStyle {
    /// The names for a gateway: `__Host-` binds a cookie to this very host, `__Secure-` is for
    /// one that is shared under `domain`, and plain HTTP can have neither (S42).
    pub fn new(secure: bool, domain: Option<&str>) -> Self {
        let prefix = match (secure, domain) {
            (false, _) => "",
            (true, None) => "__Host-",
            (true, Some(_)) => "__Secure-",
        };
        Self {
            session: format!("{prefix}{BASE}"),
            attempt_prefix: format!("{prefix}{BASE}-st-"),
            claim_prefix: format!("{}{BASE}-st-", if secure { "__Host-" } else { "" }),
            rounds: format!("{prefix}{BASE}{ROUNDS}"),
            secure,
            domain: domain.map(str::to_owned),
        }
    }

    /// The session cookie's name.
    pub fn session_name(&self) -> &str {
        &self.session
    }

    /// The name of the cookie of the login attempt with this `state` digest.
    pub fn attempt_name(&self, digest: &str) -> String {
        format!("{}{}", self.attempt_prefix, digest.get(..8).unwrap_or(digest))
    }

    /// Sorts out the request's `Cookie` lines. Work is bounded: of each kind no more than
    /// [`MAX_CANDIDATES`] are kept (C-28).
    pub(super) fn sort_into<'a>(
        &self,
        own: &mut OwnCookies<'a>,
        lines: impl Iterator<Item = &'a [u8]>,
    ) {
        for line in lines {
            for (name, value) in pairs(line) {
                if is_ours(name) {
                    own.any = true;
                    self.keep(own, name, value);
                } else {
                    own.others = true;
                }
            }
        }
    }

    /// The `Set-Cookie` lines that set the session: one, or [`MAX_PARTS`]; a form that is not
    /// used any more is cleared in the same answer, so that no stale part stays behind.
    pub fn set_session(&self, value: &str, life: Duration) -> Result<Vec<String>, TooLarge> {
        let most = MAX_BYTES - self.session.len() - 2 - self.attributes(life, "Lax").len();
        let parts: Vec<&str> = split(value, most);
        match parts.as_slice() {
            [one] => Ok(vec![self.line(&self.session, one, life)]),
            several if several.len() <= MAX_PARTS => {
                let mut lines = vec![self.line(&self.session, "", Duration::ZERO)];
                for (index, part) in several.iter().enumerate() {
                    lines.push(self.line(&self.part_name(index), part, life));
                }
                Ok(lines)
            }
            _ => Err(TooLarge { bytes: value.len() }),
        }
    }

    /// The `Set-Cookie` lines that clear whatever session cookies `own` shows. They carry the
    /// attributes of the ones that were set, or a browser would keep the cookie (S43).
    pub fn clear_session(&self, own: &OwnCookies<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        if !own.single.is_empty() {
            lines.push(self.line(&self.session, "", Duration::ZERO));
        }
        for (index, part) in own.parts.iter().enumerate() {
            if !part.is_empty() {
                lines.push(self.line(&self.part_name(index), "", Duration::ZERO));
            }
        }
        lines
    }

    /// The `Set-Cookie` lines that clear the session's parts when it is set in one piece.
    pub fn clear_parts(&self, own: &OwnCookies<'_>) -> Vec<String> {
        let stale = own.parts.iter().enumerate().filter(|(_, part)| !part.is_empty());
        stale.map(|(index, _)| self.line(&self.part_name(index), "", Duration::ZERO)).collect()
    }

    /// The `Set-Cookie` lines that clear every form of the session that `set` does not set: for
    /// an answer to a request that other cookies than ours may have been kept from (S37).
    pub fn clear_unseen(&self, set: &[&[u8]]) -> Vec<String> {
        let parts = (0..MAX_PARTS).map(|index| self.part_name(index));
        let names = parts.chain([self.session.clone()]);
        let is_set =
            |name: &String| set.iter().any(|line| set_cookie_name(line) == name.as_bytes());
        let unset = names.filter(|name| !is_set(name));
        unset.map(|name| self.line(&name, "", Duration::ZERO)).collect()
    }

    /// The `Set-Cookie` line of a login attempt; `cross_site` when the provider will post its
    /// answer, which is a request that another site makes (S37).
    pub fn set_attempt(&self, name: &str, value: &str, life: Duration, cross_site: bool) -> String {
        let same_site = if cross_site { "None" } else { "Lax" };
        format!("{name}={value}{}", self.attributes(life, same_site))
    }

    /// The `Set-Cookie` line that clears a login attempt.
    pub fn clear_attempt(&self, name: &str) -> String {
        match name.starts_with("__Host-") {
            true => self.set_claim(name, "", Duration::ZERO),
            false => self.line(name, "", Duration::ZERO),
        }
    }

    /// The name of the cookie of a claim to what is kept under this name, for this host alone: what
    /// a neighbour could plant, its visitor would send in their own name.
    pub fn claim_name(&self, kept: &str) -> String {
        format!("{}{}", self.claim_prefix, kept.get(..8).unwrap_or(kept))
    }

    /// The `Set-Cookie` line of a claim; an empty value clears it.
    pub fn set_claim(&self, name: &str, value: &str, life: Duration) -> String {
        format!("{name}={value}{}", self.attributes_of(None, life, "Lax"))
    }

    /// The `Set-Cookie` line of the count of logins in a row: as far as the session's goes, or a
    /// circle over two hosts would never be counted.
    pub fn set_rounds(&self, value: &str, life: Duration) -> String {
        self.line(&self.rounds, value, life)
    }

    /// The `Set-Cookie` line that clears that count, where `own` shows one.
    pub fn clear_rounds(&self, own: &OwnCookies<'_>) -> Option<String> {
        own.rounds.map(|_| self.line(&self.rounds, "", Duration::ZERO))
    }

    fn keep<'a>(&self, own: &mut OwnCookies<'a>, name: &'a str, value: &'a str) {
        let push = |list: &mut Vec<&'a str>| {
            if list.len() < MAX_CANDIDATES {
                list.push(value);
            }
        };
        if name == self.session {
            push(&mut own.single);
        } else if name.starts_with(&self.attempt_prefix) || name.starts_with(&self.claim_prefix) {
            if own.attempts.len() < MAX_ATTEMPTS_SEEN {
                own.attempts.push((name, value));
            }
        } else if let Some(index) = self.part_index(name) {
            push(&mut own.parts[index]);
        } else if name == self.rounds {
            own.rounds.get_or_insert(value);
        }
    }

    fn part_index(&self, name: &str) -> Option<usize> {
        let index = name.strip_prefix(&self.session)?.strip_prefix('.')?;
        (0..MAX_PARTS).find(|&known| index.as_bytes() == [b'0' + known as u8])
    }

    fn part_name(&self, index: usize) -> String {
        format!("{}.{index}", self.session)
    }

    fn line(&self, name: &str, value: &str, life: Duration) -> String {
        let mut line = String::with_capacity(name.len() + value.len() + 96);
        line.push_str(name);
        line.push('=');
        line.push_str(value);
        line.push_str(&self.attributes(life, "Lax"));
        line
    }

    fn attributes(&self, life: Duration, same_site: &str) -> String {
        self.attributes_of(self.domain.as_deref(), life, same_site)
    }

    fn attributes_of(&self, domain: Option<&str>, life: Duration, same_site: &str) -> String {
        // Browsers cap Max-Age at 400 days (S41); Lax, so that the return from the provider and
        // links from mails carry the cookie (S37).
        let mut text = format!("; Path=/; HttpOnly; SameSite={same_site}");
        let _ = write!(text, "; Max-Age={}", life.as_secs().min(400 * 24 * 3600));
        if self.secure {
            text.push_str("; Secure");
        }
        if let Some(domain) = domain {
            let _ = write!(text, "; Domain={domain}");
        }
        text
    }
}

impl<'a> OwnCookies<'a> {
    pub(super) const fn none(realm: Realm<'a>) -> Self {
        Self {
            realm,
            single: Vec::new(),
            parts: [const { Vec::new() }; MAX_PARTS],
            attempts: Vec::new(),
            rounds: None,
            any: false,
            others: false,
        }
    }

    /// Whether there is anything that may be a session, or a part of one.
    pub fn has_session(&self) -> bool {
        !self.single.is_empty() || self.parts.iter().any(|part| !part.is_empty())
    }

    /// The values that may be the session, to be tried each (S45): one that does not open never
    /// hides one that does.
    pub fn candidates(&self) -> Vec<String> {
        let joined = self.parts[0]
            .iter()
            .flat_map(|first| self.parts[1].iter().map(move |second| format!("{first}{second}")));
        self.single.iter().map(|&value| value.to_owned()).chain(joined).collect()
    }
}

/// The `Cookie` value for the app: what the visitor sent without what is ours; none when
/// nothing is left.
pub fn others_only<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut rest: Vec<u8> = Vec::new();
    for piece in lines.flat_map(pieces) {
        let name = piece.split(|&byte| byte == b'=').next().unwrap_or(piece);
        if std::str::from_utf8(name).is_ok_and(|name| is_ours(name.trim())) {
            continue;
        }
        if !rest.is_empty() {
            rest.extend_from_slice(b"; ");
        }
        rest.extend_from_slice(piece);
    }
    (!rest.is_empty()).then_some(rest)
}

/// Whether a cookie name is ours under any prefix: such cookies never reach an app, and an app
/// never sets them (S44, S47).
pub fn is_ours(name: &str) -> bool {
    let bare =
        name.strip_prefix("__Host-").or_else(|| name.strip_prefix("__Secure-")).unwrap_or(name);
    let Some(rest) = bare.strip_prefix(BASE) else {
        return false;
    };
    rest.is_empty() || rest.starts_with('.') || rest.starts_with("-st-") || rest == ROUNDS
}

/// What a browser gives back of these lines; those that clear a cookie bring nothing.
pub fn given_back(lines: &[String]) -> GivenBack {
    let pairs = lines.iter().filter_map(|line| line.split(';').next());
    let set = pairs.filter(|pair| !pair.ends_with('='));
    let (cookies, bytes) = set.fold((0, 0), |(cookies, bytes), pair| {
        let joint = if cookies == 0 { 0 } else { "; ".len() };
        (cookies + 1, bytes + joint + pair.len())
    });
    GivenBack { cookies, bytes }
}

/// The name that a `Set-Cookie` value sets. A nameless cookie comes back as its bare value, so
/// the name that counts is the one in there.
pub fn set_cookie_name(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    let value = value.strip_prefix(b"=").unwrap_or(value);
    let pair = value.split(|&byte| byte == b';').next().unwrap_or(value);
    pair.split(|&byte| byte == b'=').next().unwrap_or(pair).trim_ascii()
}

fn pieces(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).filter(|piece| !piece.is_empty())
}

/// Names and values; what is not text can't be ours and counts as another's.
fn pairs(line: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    pieces(line).map(|piece| {
        let text = std::str::from_utf8(piece).unwrap_or("");
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (name.trim_end(), value.trim_start())
    })
}

fn split(value: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((part, tail)) = rest.split_at_checked(most)
        && !tail.is_empty()
    {
        parts.push(part);
        rest = tail;
    }
    parts.push(rest);
    parts
}

/// The name behind the prefix.
const BASE: &str = "askara";
/// What is behind it in the name of the count of logins in a row.
const ROUNDS: &str = "-rounds";
/// A session takes at most this many cookies; beyond that the store is the way out.
pub const MAX_PARTS: usize = 2;
/// Browsers drop a cookie over 4,096 bytes; some count the attributes (S39).
const MAX_BYTES: usize = 4000;
/// How many cookies of one name are looked at.
const MAX_CANDIDATES: usize = 4;
/// How many attempt cookies are looked at: a browser keeps no more than we set, plus strays.
const MAX_ATTEMPTS_SEEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> CookieStyle {
        CookieStyle::new(false, None)
    }

    #[test]
    fn the_prefix_follows_from_transport_and_domain() {
        for (secure, domain, name, mark) in [
            (false, None, "askara", "Max-Age=60"),
            (true, None, "__Host-askara", "; Secure"),
            (true, Some("example.com"), "__Secure-askara", "; Secure; Domain=example.com"),
        ] {
            let style = CookieStyle::new(secure, domain);
            let lines = style.set_session("v", Duration::from_secs(60)).unwrap();
            assert!(lines[0].starts_with(&format!("{name}=v; Path=/; HttpOnly; SameSite=Lax")));
            assert!(lines[0].ends_with(mark), "{}", lines[0]);
        }
    }

    #[test]
    fn own_cookies_are_sorted_from_those_of_the_app() {
        let style = plain();
        let line = b"a=1; askara=one ;askara.0=x; askara.1=y; askara.2=z; askara-st-0011=s; \
            askara-rounds=2-ff; askara-rounds=3-ff; b=2";
        let own = Realm::for_test(&style).sort([&line[..], b"askara=two"].into_iter());
        assert_eq!(own.single, ["one", "two"]);
        assert_eq!(own.parts, [vec!["x"], vec!["y"]]);
        assert_eq!(own.attempts, [("askara-st-0011", "s")]);
        assert_eq!(own.candidates(), ["one", "two", "xy"]);
        assert_eq!(own.rounds, Some("2-ff"));
        assert!(own.others);
    }

    #[test]
    fn the_app_sees_its_own_cookies_and_none_of_ours() {
        for (line, rest) in [
            ("a=1; askara=one; b=2", Some("a=1; b=2")),
            ("askara=one", None),
            ("__Host-askara=x; __Secure-askara.1=y; askara-st-1=z", None),
            ("askara-rounds=1; __Host-askara-rounds=2; b=3", Some("b=3")),
            ("askara-rounds2=1", Some("askara-rounds2=1")),
            (
                "askarab=1; xaskara=2; askara-settings=3",
                Some("askarab=1; xaskara=2; askara-settings=3"),
            ),
            (" ; ;", None),
            ("novalue", Some("novalue")),
            ("askara =1;a=askara=2", Some("a=askara=2")),
        ] {
            let left = others_only([line.as_bytes()].into_iter());
            assert_eq!(left.as_deref(), rest.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn a_large_session_takes_two_cookies_and_a_larger_one_is_refused() {
        let style = plain();
        let life = Duration::from_secs(60);
        assert_eq!(style.set_session(&"v".repeat(3900), life).unwrap().len(), 1);
        let lines = style.set_session(&"v".repeat(7000), life).unwrap();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("askara=;") && lines[0].contains("Max-Age=0"));
        assert!(lines.iter().all(|line| line.len() <= 4096));
        assert_eq!(style.set_session(&"v".repeat(8100), life), Err(TooLarge { bytes: 8100 }));
    }

    #[test]
    fn what_a_browser_gives_back_is_what_it_would_write() {
        let style = plain();
        for (length, cookie) in [
            (1, String::from("askara=v")),
            (3900, format!("askara={}", "v".repeat(3900))),
            (7000, format!("askara.0={}; askara.1={}", "v".repeat(3932), "v".repeat(3068))),
        ] {
            let lines = style.set_session(&"v".repeat(length), Duration::from_secs(60)).unwrap();
            let cookies = cookie.split("; ").count();
            assert_eq!(given_back(&lines), GivenBack { cookies, bytes: cookie.len() });
        }
        assert_eq!(given_back(&[]), GivenBack { cookies: 0, bytes: 0 });
    }

    #[test]
    fn a_flood_of_cookies_is_looked_at_only_in_part() {
        let line = "askara=x; askara.0=y; askara.1=z; askara-st-1=s; ".repeat(2000);
        let style = plain();
        let own = Realm::for_test(&style).sort([line.as_bytes()].into_iter());
        assert!(own.candidates().len() <= 4 + 16 && own.attempts.len() <= 16);
    }

    #[test]
    fn clearing_carries_the_attributes_of_setting() {
        let style = CookieStyle::new(true, None);
        let own = Realm::for_test(&style).sort([&b"__Host-askara=x"[..]].into_iter());
        assert_eq!(
            style.clear_session(&own),
            ["__Host-askara=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"]
        );
    }

    #[test]
    fn the_count_of_logins_is_cleared_only_where_it_came_and_as_it_was_set() {
        for (domain, name, mark) in [
            (None, "__Host-askara-rounds", "; Secure"),
            (Some("example.com"), "__Secure-askara-rounds", "; Secure; Domain=example.com"),
        ] {
            let style = CookieStyle::new(true, domain);
            let attributes = format!("; Path=/; HttpOnly; SameSite=Lax; Max-Age=60{mark}");
            let set = style.set_rounds("1-ff", Duration::from_secs(60));
            assert_eq!(set, format!("{name}=1-ff{attributes}"));
            let line = format!("{name}=1-ff");
            let own = Realm::for_test(&style).sort([line.as_bytes()].into_iter());
            let cleared = attributes.replace("=60", "=0");
            assert_eq!(style.clear_rounds(&own), Some(format!("{name}={cleared}")));
            assert!(style.clear_session(&own).is_empty(), "it says why a session did not hold");
            let none = Realm::for_test(&style).sort([&b"__Host-askara=x"[..]].into_iter());
            assert_eq!(style.clear_rounds(&none), None);
        }
    }

    #[test]
    fn the_name_that_an_app_sets_is_read_as_a_browser_reads_it() {
        for (value, name) in [
            ("askara=1; Path=/", "askara"),
            (" askara = 1", "askara"),
            ("=askara=1", "askara"),
            ("x", "x"),
        ] {
            assert_eq!(set_cookie_name(value.as_bytes()), name.as_bytes());
        }
    }
}
