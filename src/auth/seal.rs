//! Sealing: AES-256-GCM with a key of its own for every cookie (format "ag1").
//!
//! ```text
//! sealed = b0 | kid[4] | salt[24] | ciphertext | tag[16]
//! b0     = version (4 bit) = 1 | flags (4 bit) = 0
//! kid    = SHA-256("askara-gate/kid" | key)[0..4]: the order of the ring does not matter
//! okm    = HKDF-SHA256-Expand(prk, "askara-gate/ag1/" | purpose | 0 | salt, 44)
//! key    = okm[0..32], nonce = okm[32..44]
//! AAD    = "ag1" | 0 | purpose | 0 | cookie name | 0 | scope | 0 | b0 | kid
//! ```
//!
//! A random 192-bit salt per seal takes the 2^32 limit off the random GCM nonce
//! (SP 800-38D section 8.3) and separates purposes. Keys are random 256-bit values chosen by
//! `kid`, one trial each, so that no key commitment is needed; passphrases are refused.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Entropy, draw};
use crate::secret::{Replaceable, SealKey, Secret, SigningSeed};

/// What a sealed value is for: one purpose never opens as another (C-26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A login attempt, between the redirect to the provider and the callback.
    Attempt,
    /// Where to go after the provider's sign-out.
    Return,
    /// What a rule wants of a login, in the link that begins it.
    StepUp,
    /// A session.
    Session,
    /// What stands in the cookie of a session that is in a store.
    Ticket,
    /// A session in a store, under the key of its ticket.
    Record,
    /// What lists show of a session in a store.
    Summary,
    /// What replicas tell each other of sessions that have ended.
    Ending,
    /// The right to a form that is kept until after a login.
    Claim,
    /// Such a form, under the key of its claim.
    Parked,
}

/// The keys: the first seals, all open. Keys are rotated while others use them, so that the ring
/// stays and its keys are replaced.
pub struct KeyRing {
    scope: String,
    keys: Replaceable<Vec<RingKey>>,
}

/// An opened value, wiped when dropped.
#[derive(Debug)]
pub struct Opened {
    pub plain: Zeroizing<Vec<u8>>,
    /// Opened by a key that no longer seals: seal it anew when it is next written.
    pub by_old_key: bool,
}

/// Why a value did not open. The visitor is told the same for each (C-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// Ours by its key, but altered, cut or for another purpose: may be cleared.
    Broken,
    /// A key or a format that this process does not know, perhaps because another replica has
    /// it already: anonymous, and never cleared (sessions.md rule 8).
    Unknown,
}

/// Why a ring can't be made of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRing {
    Empty,
    /// The key at this index is there twice.
    Duplicate(usize),
}

struct RingKey {
    kid: [u8; KID],
    prk: Hkdf<Sha256>,
}

impl KeyRing {
    /// Makes a ring whose first key seals. `scope` is the cookie domain or the host, so that a
    /// value of another gateway that shares the key does not open here.
    pub fn new(keys: &[SealKey], scope: &str) -> Result<Self, BadRing> {
        Ok(Self { scope: scope.to_owned(), keys: ring_of(keys)?.into() })
    }

    /// Takes these keys in place of its own; says whether they are others.
    pub fn replace(&self, keys: &[SealKey]) -> Result<bool, BadRing> {
        let ring = ring_of(keys)?;
        let kids = |ring: &[RingKey]| ring.iter().map(|key| key.kid).collect::<Vec<_>>();
        let differ = kids(&ring) != kids(&self.keys.current());
        if differ {
            self.keys.replace(ring);
        }
        Ok(differ)
    }

    /// Changes with the keys: what an earlier ring opened may not open any more.
    pub fn epoch(&self) -> u64 {
        self.keys.epoch()
    }

    /// Seals `plain`, padded so that its length tells little, for one purpose and cookie name.
    pub fn seal(
        &self,
        purpose: Purpose,
        name: &str,
        plain: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Vec<u8> {
        self.seal_for(&self.scope, purpose, name, plain, entropy)
    }

    /// The same for another scope than the ring's own.
    pub fn seal_for(
        &self,
        scope: &str,
        purpose: Purpose,
        name: &str,
        plain: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Vec<u8> {
        let keys = self.keys.current();
        let key = &keys[0];
        let salt: [u8; SALT] = draw(entropy);
        let mut padded = Zeroizing::new(Vec::with_capacity(plain.len() + PAD + 1));
        padded.extend_from_slice(plain);
        padded.push(PAD_MARK);
        let length = padded.len().next_multiple_of(PAD);
        padded.resize(length, 0);
        let (cipher, nonce) = key.cipher(purpose, &salt);
        let aad = associated_data(scope, purpose, name, key.kid);
        let ciphertext = cipher
            .encrypt(&nonce, Payload { msg: &padded, aad: &aad })
            .expect("a cookie is far below the 64 GiB limit of AES-GCM");
        let mut sealed = Vec::with_capacity(HEAD + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.kid);
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Opens what was sealed for the same purpose, name and scope by any key of the ring.
    pub fn open(&self, purpose: Purpose, name: &str, sealed: &[u8]) -> Result<Opened, NotOpened> {
        self.open_for(&self.scope, purpose, name, sealed)
    }

    /// The same for another scope than the ring's own.
    pub fn open_for(
        &self,
        scope: &str,
        purpose: Purpose,
        name: &str,
        sealed: &[u8],
    ) -> Result<Opened, NotOpened> {
        let (&version, rest) = sealed.split_first().ok_or(NotOpened::Broken)?;
        if version != VERSION {
            return Err(NotOpened::Unknown);
        }
        let (kid, rest) = rest.split_first_chunk::<KID>().ok_or(NotOpened::Broken)?;
        let (salt, ciphertext) = rest.split_first_chunk::<SALT>().ok_or(NotOpened::Broken)?;
        let keys = self.keys.current();
        let index = keys.iter().position(|key| key.kid == *kid).ok_or(NotOpened::Unknown)?;
        let (cipher, nonce) = keys[index].cipher(purpose, salt);
        let aad = associated_data(scope, purpose, name, *kid);
        let mut plain = cipher
            .decrypt(&nonce, Payload { msg: ciphertext, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| NotOpened::Broken)?;
        let end = plain.iter().rposition(|&byte| byte != 0).ok_or(NotOpened::Broken)?;
        plain.truncate(end);
        Ok(Opened { plain, by_old_key: index != 0 })
    }

    /// Names `parts` for a store, so that only who has a key of the ring can say which name is
    /// theirs: by each key, the sealing one first. A session that was filed under the name of an
    /// older key is found for as long as that key is in the ring.
    pub fn names(&self, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        let named = |key: &RingKey| {
            let mut name = [0; 32];
            // Every part with its length: no two lists of parts read the same.
            let lengths: Vec<[u8; 8]> =
                parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
            let mut info: Vec<&[u8]> = vec![b"askara-gate/name", self.scope.as_bytes(), &[0]];
            for (length, part) in lengths.iter().zip(parts) {
                info.extend([length.as_slice(), part]);
            }
            key.prk.expand_multi_info(&info, &mut name).expect("32 bytes are within HKDF's limit");
            name
        };
        self.keys.current().iter().map(named).collect()
    }

    /// 32 bytes for signing, made of each key and of `parts`, that of the sealing key first: the
    /// same on every replica. Of the bytes that a key gives, the first that `fits` count.
    pub fn seeds(&self, parts: &[&[u8]], fits: impl Fn(&[u8; 32]) -> bool) -> Vec<SigningSeed> {
        let lengths: Vec<[u8; 8]> =
            parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
        let seed = |key: &RingKey| {
            let mut seed = Zeroizing::new([0; 32]);
            for attempt in 0..=u32::MAX {
                let attempt = attempt.to_be_bytes();
                let mut info: Vec<&[u8]> =
                    vec![b"askara-gate/sign/", self.scope.as_bytes(), &[0], &attempt];
                for (length, part) in lengths.iter().zip(parts) {
                    info.extend([length.as_slice(), part]);
                }
                let expanded = key.prk.expand_multi_info(&info, &mut *seed);
                expanded.expect("32 bytes are within HKDF's limit");
                if fits(&seed) {
                    break;
                }
            }
            Secret::new(*seed)
        };
        self.keys.current().iter().map(seed).collect()
    }
}

fn ring_of(keys: &[SealKey]) -> Result<Vec<RingKey>, BadRing> {
    let ring: Vec<RingKey> = keys.iter().map(RingKey::new).collect();
    if ring.is_empty() {
        return Err(BadRing::Empty);
    }
    for (index, key) in ring.iter().enumerate() {
        if ring[..index].iter().any(|earlier| earlier.kid == key.kid) {
            return Err(BadRing::Duplicate(index));
        }
    }
    Ok(ring)
}

fn associated_data(scope: &str, purpose: Purpose, name: &str, kid: [u8; KID]) -> Vec<u8> {
    let parts = [b"ag1", purpose.word().as_bytes(), name.as_bytes(), scope.as_bytes()];
    let mut aad = Vec::with_capacity(64);
    for part in parts {
        aad.extend_from_slice(part);
        aad.push(0);
    }
    aad.push(VERSION);
    aad.extend_from_slice(&kid);
    aad
}

impl RingKey {
    fn new(key: &SealKey) -> Self {
        // The key leaves secrecy only into its own hash and into HKDF.
        let digest = Sha256::new().chain_update(b"askara-gate/kid").chain_update(key.expose());
        let mut kid = [0; KID];
        kid.copy_from_slice(&digest.finalize()[..KID]);
        Self { kid, prk: Hkdf::new(Some(b"askara-gate"), key.expose()) }
    }

    fn cipher(
        &self,
        purpose: Purpose,
        salt: &[u8; SALT],
    ) -> (Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>) {
        let mut okm = Zeroizing::new([0u8; 44]);
        let info = [b"askara-gate/ag1/", purpose.word().as_bytes(), &[0], salt];
        self.prk.expand_multi_info(&info, &mut *okm).expect("44 bytes are within HKDF's limit");
        let (key, nonce) = okm.split_at(32);
        let key = <&Key<Aes256Gcm>>::try_from(key).expect("32 bytes");
        let nonce = Nonce::try_from(nonce).expect("12 bytes");
        (Aes256Gcm::new(key), nonce)
    }
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Return => "return",
            Self::StepUp => "step-up",
            Self::Session => "session",
            Self::Ticket => "ticket",
            Self::Record => "record",
            Self::Summary => "summary",
            Self::Ending => "ending",
            Self::Claim => "claim",
            Self::Parked => "parked",
        }
    }
}

/// How many bytes [`KeyRing::seal`] makes of `plain` bytes.
pub const fn sealed_len(plain: usize) -> usize {
    HEAD + (plain + 1).next_multiple_of(PAD) + TAG
}

const VERSION: u8 = 1 << 4;
const KID: usize = 4;
const SALT: usize = 24;
const HEAD: usize = 1 + KID + SALT;
const TAG: usize = 16;
/// Plaintexts are padded to a multiple of this (security.md section 3.3).
const PAD: usize = 32;
/// Ends the plaintext: everything behind it is zero.
const PAD_MARK: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::testing::Counting;
    use crate::secret::Secret;

    fn ring(keys: &[u8]) -> KeyRing {
        let keys: Vec<SealKey> = keys.iter().map(|&byte| Secret::new([byte; 32])).collect();
        KeyRing::new(&keys, "app.example.com").unwrap()
    }

    #[test]
    fn what_was_sealed_opens_again() {
        for length in [0, 1, 30, 31, 32, 33, 1500] {
            let plain = vec![0; length];
            let sealed = ring(&[1]).seal(Purpose::Session, "askara", &plain, &mut Counting(7));
            assert_eq!(sealed.len(), sealed_len(length));
            let opened = ring(&[1]).open(Purpose::Session, "askara", &sealed).unwrap();
            assert_eq!(*opened.plain, plain);
            assert!(!opened.by_old_key);
        }
    }

    #[test]
    fn a_known_answer_stays_what_it_was() {
        let sealed = ring(&[1]).seal(Purpose::Session, "askara", b"known answer", &mut Counting(7));
        let digest: [u8; 32] = Sha256::digest(&sealed).into();
        assert_eq!(sealed.len(), HEAD + PAD + 16);
        assert_eq!(digest[..8], KNOWN_ANSWER, "the cookie format changed: every session would end");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let ring = ring(&[1]);
        let sealed = ring.seal(Purpose::Session, "askara", b"tokens", &mut Counting(7));
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(ring.open(Purpose::Session, "askara", &altered).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(ring.open(Purpose::Session, "askara", &sealed[..length]).is_err());
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert_eq!(ring.open(Purpose::Session, "askara", &longer).unwrap_err(), NotOpened::Broken);
    }

    #[test]
    fn another_purpose_name_scope_or_key_does_not_open() {
        let sealed = ring(&[1]).seal(Purpose::Session, "askara", b"tokens", &mut Counting(7));
        let elsewhere = KeyRing::new(&[Secret::new([1; 32])], "other.example.com").unwrap();
        for (ring, purpose, name, why) in [
            (ring(&[1]), Purpose::Attempt, "askara", NotOpened::Broken),
            (ring(&[1]), Purpose::Session, "other", NotOpened::Broken),
            (elsewhere, Purpose::Session, "askara", NotOpened::Broken),
            (ring(&[2]), Purpose::Session, "askara", NotOpened::Unknown),
        ] {
            assert_eq!(ring.open(purpose, name, &sealed).unwrap_err(), why);
        }
    }

    #[test]
    fn a_scope_of_its_own_opens_only_there() {
        let ring = ring(&[1]);
        let (purpose, name) = (Purpose::Session, "askara");
        let sealed = ring.seal_for("wiki", purpose, name, b"tokens", &mut Counting(7));
        assert!(ring.open_for("wiki", purpose, name, &sealed).is_ok());
        assert_eq!(ring.open(purpose, name, &sealed).unwrap_err(), NotOpened::Broken);
        assert!(ring.open_for("app.example.com", purpose, name, &sealed).is_err());
        let own = ring.seal(purpose, name, b"tokens", &mut Counting(7));
        assert!(ring.open_for("app.example.com", purpose, name, &own).is_ok());
    }

    #[test]
    fn a_newer_format_is_unknown_and_not_broken() {
        let mut sealed = ring(&[1]).seal(Purpose::Session, "askara", b"x", &mut Counting(7));
        sealed[0] = 2 << 4;
        let refused = ring(&[1]).open(Purpose::Session, "askara", &sealed).unwrap_err();
        assert_eq!(refused, NotOpened::Unknown);
    }

    #[test]
    fn the_first_key_seals_and_all_open_in_any_order() {
        let sealed = ring(&[1]).seal(Purpose::Session, "askara", b"x", &mut Counting(7));
        assert!(ring(&[2, 1]).open(Purpose::Session, "askara", &sealed).unwrap().by_old_key);
        assert!(!ring(&[1, 2]).open(Purpose::Session, "askara", &sealed).unwrap().by_old_key);
    }

    #[test]
    fn a_ring_needs_keys_that_differ() {
        let key = || Secret::new([1; 32]);
        assert_eq!(KeyRing::new(&[], "").err(), Some(BadRing::Empty));
        assert_eq!(KeyRing::new(&[key(), key()], "").err(), Some(BadRing::Duplicate(1)));
    }

    #[test]
    fn c117_keys_are_replaced_and_the_epoch_tells_it() {
        let ring = ring(&[1]);
        let sealed = ring.seal(Purpose::Session, "askara", b"x", &mut Counting(7));
        let keys = |keys: &[u8]| -> Vec<SealKey> {
            keys.iter().map(|&byte| Secret::new([byte; 32])).collect()
        };
        let before = ring.epoch();
        assert_eq!(ring.replace(&keys(&[1])), Ok(false), "the same");
        assert_eq!(ring.epoch(), before);
        assert_eq!(ring.replace(&keys(&[2, 1])), Ok(true));
        assert_ne!(ring.epoch(), before);
        assert!(ring.open(Purpose::Session, "askara", &sealed).unwrap().by_old_key);
        assert_eq!(ring.replace(&[]), Err(BadRing::Empty));
        assert_eq!(ring.replace(&keys(&[3, 3])), Err(BadRing::Duplicate(1)));
        assert!(ring.open(Purpose::Session, "askara", &sealed).is_ok(), "a bad ring is not taken");
        assert_eq!(ring.replace(&keys(&[2])), Ok(true));
        let refused = ring.open(Purpose::Session, "askara", &sealed).unwrap_err();
        assert_eq!(refused, NotOpened::Unknown);
    }

    const KNOWN_ANSWER: [u8; 8] = [230, 184, 118, 38, 220, 48, 150, 28];
}
