//! A form that came without a session: kept, sealed, until its sender has signed in, and sent
//! then, once.
//!
//! 1. Only what a browser posts by going somewhere, from a page of ours, is kept: a script gets
//!    its 401, and a stranger's page makes nothing happen later (C-67).
//! 2. What is kept opens only with the [`Claim`] in the cookie of the browser that sent it, at the
//!    host that it was sent to: neither a stolen store nor another visitor can read it.
//! 3. The browser comes back to the same address with a [`ResumeForm`] in the form's place. That
//!    holds for one person: who it is was on the page that posts it.

use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::host::{Host, Origin};
use super::login::ATTEMPT_LIFE;
use super::same_site;
use super::seal::{KeyRing, Purpose};
use super::tokens::to_hex;
use super::{CLOCK_SKEW, Entropy, Timestamp, draw};
use crate::secret::{SealKey, Secret};

/// Names a form that is kept; it opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ParkedId([u8; 16]);

/// The right to a form that is kept: what stands in the cookie of the browser that sent it.
pub struct Claim {
    pub id: ParkedId,
    key: SealKey,
    host: String,
    created: Timestamp,
    /// In how many pieces it is in a store.
    pub pieces: u8,
}

/// A form as it was sent.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedPost {
    /// Path and query, as they came.
    pub target: String,
    pub content_type: Option<Vec<u8>>,
    pub referer: Option<Vec<u8>>,
    /// Whose session it came with, where that had ended: the provider and the user.
    pub former: Option<(String, String)>,
    pub body: Vec<u8>,
}

/// A claim, written down: id, key, host, when it began, pieces.
type Wire = (ParkedId, [u8; 32], String, Timestamp, u8);

/// What the browser posts in the form's place, once somebody is signed in.
#[derive(Debug, PartialEq, Eq)]
pub struct ResumeForm {
    pub id: ParkedId,
    proof: [u8; 32],
}

impl ParkedId {
    /// As it stands in addresses and in the cookie's name.
    pub fn to_text(self) -> String {
        to_hex(&self.0)
    }

    /// Reads 32 small hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let digits: Option<Vec<u8>> = text.bytes().map(digit).collect();
        let bytes: Vec<u8> = digits?
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |all, digit| all * 16 + digit))
            .collect();
        (text.len() == 32).then(|| bytes.try_into().ok()).flatten().map(Self)
    }

    /// Where a piece of it is in a store: no session is ever there.
    pub fn place(self, piece: u8) -> [u8; 32] {
        let digest = Sha256::new_with_prefix(b"askara-gate/parked").chain_update(self.0);
        digest.chain_update([piece]).finalize().into()
    }
}

impl Claim {
    /// Draws a claim to a form that was sent to `host`.
    pub fn draw(host: &Host, now: Timestamp, entropy: &mut dyn Entropy) -> Self {
        Self {
            id: ParkedId(draw(entropy)),
            key: Secret::new(draw(entropy)),
            host: host.as_str().to_owned(),
            created: now,
            pieces: 0,
        }
    }

    /// Writes the claim down, to be sealed.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // The key leaves secrecy only into the seal of the cookie.
        let wire = (self.id, self.key.expose(), &self.host, self.created, self.pieces);
        Zeroizing::new(postcard::to_allocvec(&wire).expect("a claim has only plain data"))
    }

    /// Reads a claim that was opened, if it holds at this host and still does.
    pub fn from_bytes(bytes: &[u8], host: &Host, now: Timestamp) -> Option<Self> {
        let (id, key, its, created, pieces): Wire = postcard::from_bytes(bytes).ok()?;
        let holds = now.since(created) <= ATTEMPT_LIFE && created.since(now) <= CLOCK_SKEW;
        let claim = Self { id, key: Secret::new(key), host: its, created, pieces };
        (holds && claim.host == host.as_str()).then_some(claim)
    }

    /// When it began.
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// Seals a form under the key of the claim.
    pub fn seal(&self, post: &ParkedPost, entropy: &mut dyn Entropy) -> Vec<u8> {
        let plain = postcard::to_allocvec(post).expect("a form has only plain data");
        self.ring().seal(Purpose::Parked, &self.id.to_text(), &Zeroizing::new(plain), entropy)
    }

    /// Opens the form of this claim.
    pub fn open(&self, sealed: &[u8]) -> Option<ParkedPost> {
        let opened = self.ring().open(Purpose::Parked, &self.id.to_text(), sealed).ok()?;
        postcard::from_bytes(&opened.plain).ok()
    }

    /// The body of the form that has it sent as what this person sends.
    pub fn resume_form(&self, provider: &str, user: &str) -> (&'static str, String) {
        let proof = self.proof(provider, user);
        // Both halves are as long as ever: see [`ResumeForm::LENGTH`].
        (FIELD, format!("{}{}", self.id.to_text(), to_hex(&proof[..16])))
    }

    /// Whether a form was made by this claim, for this person.
    pub fn made(&self, form: &ResumeForm, provider: &str, user: &str) -> bool {
        let proof = to_hex(&self.proof(provider, user)[..16]);
        form.id == self.id && bool::from(proof.as_bytes().ct_eq(&form.proof))
    }

    fn proof(&self, provider: &str, user: &str) -> [u8; 32] {
        let length = u64::try_from(provider.len()).unwrap_or(u64::MAX).to_be_bytes();
        let digest = Sha256::new_with_prefix(b"askara-gate/resume").chain_update(self.key.expose());
        digest.chain_update(length).chain_update(provider).chain_update(user).finalize().into()
    }

    fn ring(&self) -> KeyRing {
        KeyRing::new(std::slice::from_ref(&self.key), &self.host).expect("one key is a ring")
    }
}

/// When an opened claim began, wherever and whenever it holds.
pub fn claimed_at(bytes: &[u8]) -> Option<Timestamp> {
    let (_, _, _, created, _): Wire = postcard::from_bytes(bytes).ok()?;
    Some(created)
}

impl ResumeForm {
    /// How long such a form is, to the byte: no other body is looked into.
    pub const LENGTH: usize = FIELD.len() + 1 + 2 * 32;

    /// Whether a body of this length may be one.
    pub fn may_be(method: &Method, headers: &HeaderMap, length: Option<u64>) -> bool {
        *method == Method::POST
            && length == u64::try_from(Self::LENGTH).ok()
            && kind(headers) == Some(FORM_KINDS[0])
    }

    /// Reads the body of a form.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let value = body.strip_prefix(FIELD.as_bytes())?.strip_prefix(b"=")?;
        let (id, proof) = value.split_at_checked(32)?;
        let id = ParkedId::parse(std::str::from_utf8(id).ok()?)?;
        Some(Self { id, proof: proof.try_into().ok()? })
    }
}

/// Whether a request is a form that a browser went somewhere with, from a page of ours.
pub fn may_be_kept(method: &Method, headers: &HeaderMap, ours: &Origin) -> bool {
    let asks = |name: &str| headers.contains_key(name);
    let goes = match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => {
            let html = |accept: &HeaderValue| {
                memchr::memmem::find(accept.as_bytes(), b"text/html").is_some()
            };
            headers.get_all(ACCEPT).iter().any(html)
                && kind(headers).is_some_and(|kind| FORM_KINDS.contains(&kind))
        }
    };
    *method == Method::POST
        && goes
        && !asks("x-requested-with")
        && !headers.contains_key(UPGRADE)
        && !headers.contains_key(CONTENT_ENCODING)
        && same_site::is_proven(headers, ours)
}

/// The type of the body, without its parameters, where it is one that a form can have.
fn kind(headers: &HeaderMap) -> Option<&'static str> {
    let kind = headers.get(CONTENT_TYPE)?.as_bytes().split(|&byte| byte == b';').next()?;
    let kind = kind.trim_ascii();
    FORM_KINDS.into_iter().find(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
}

/// What a form can be sent as (HTML 4.10.18.6).
const FORM_KINDS: [&str; 3] =
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
const FIELD: &str = "askara-gate-resume";

#[cfg(test)]
#[path = "parked_tests.rs"]
mod tests;
