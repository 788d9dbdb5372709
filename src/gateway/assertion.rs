//! Signs assertions, and publishes what they are verified with.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::clock::{SystemEntropy, now};
use super::respond::Failure;
use super::{Body, Gateway};
use crate::auth::Timestamp;
use crate::auth::assertion::{
    Assertion, AssertionSettings, LONGEST_ASSERTION, Period, PublicKey, SigningAlgorithm, key_set,
    token,
};
use crate::auth::seal::KeyRing;
use crate::secret::SigningSeed;

/// Signs with the key that is due.
pub(super) struct Assertions {
    settings: AssertionSettings,
    ring: Arc<KeyRing>,
    /// Taken only where something is signed or published, which most requests do not wait for.
    keys: Mutex<Arc<Keys>>,
}

/// A signed assertion.
pub(super) struct Signed {
    pub(super) value: HeaderValue,
    made: Timestamp,
    until: Timestamp,
}

/// The keys of one period.
struct Keys {
    period: Period,
    /// Of the ring that they were made of.
    epoch: u64,
    pair: KeyPair,
    kid: String,
    /// The key set of this time, as JSON.
    published: Bytes,
}

/// A private key; the library wipes it when it is dropped.
enum KeyPair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Assertions {
    /// Signs by keys that are made of the keys of `ring`.
    pub(super) fn new(settings: AssertionSettings, ring: Arc<KeyRing>, now: Timestamp) -> Self {
        let keys = Mutex::new(Arc::new(Keys::of(&settings, &ring, now)));
        Self { settings, ring, keys }
    }

    /// A signed assertion; none where it is too long to be sent.
    pub(super) fn sign(&self, assertion: Assertion<'_>, now: Timestamp) -> Option<Signed> {
        let keys = self.keys(now);
        let input = self.settings.signing_input(assertion, &keys.kid, now, &mut SystemEntropy);
        let signature = keys.pair.sign(input.as_bytes())?;
        let token = token(input, &signature);
        if token.len() > LONGEST_ASSERTION {
            return None;
        }
        let mut value = HeaderValue::try_from(token).ok()?;
        // For a minute, whoever has it is whom it names.
        value.set_sensitive(true);
        Some(Signed { value, made: now, until: self.settings.reuse_until(now) })
    }

    /// What assertions are verified with, as JSON.
    fn published(&self, now: Timestamp) -> Bytes {
        self.keys(now).published.clone()
    }

    fn keys(&self, now: Timestamp) -> Arc<Keys> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.period != self.settings.period(now) || keys.epoch != self.ring.epoch() {
            *keys = Arc::new(Keys::of(&self.settings, &self.ring, now));
        }
        Arc::clone(&keys)
    }
}

impl Signed {
    /// Whether it is sent again; one that a clock made which has jumped back since is not (C-103).
    pub(super) fn is_sent_at(&self, now: Timestamp) -> bool {
        (self.made..self.until).contains(&now)
    }
}

impl Gateway {
    /// Answers with the keys that assertions are verified with: public ones, so for everybody.
    pub(super) fn signing_keys(&self, method: &Method) -> Result<Response<Body>, Failure> {
        let Some(assertions) = &self.assertions else { return Err(Failure::NoOwnPath) };
        if ![Method::GET, Method::HEAD].contains(method) {
            return Err(Failure::MethodNotAllowed("GET, HEAD"));
        }
        let body = assertions.published(now());
        let mut answer = self.json_bytes(StatusCode::OK, "application/jwk-set+json", body);
        // An exception to what all our answers say (S66): every verifier asks, nothing in it is
        // anybody's, and a key is there for a whole period before it signs.
        let kept = HeaderValue::from_static("public, max-age=300");
        answer.headers_mut().insert(header::CACHE_CONTROL, kept);
        Ok(answer)
    }
}

impl Keys {
    fn of(settings: &AssertionSettings, ring: &KeyRing, now: Timestamp) -> Self {
        // Asked first: keys that come in between are found out the next time.
        let (period, epoch) = (settings.period(now), ring.epoch());
        let pairs = |period: Period| -> Vec<KeyPair> {
            let seeds = settings.seeds(ring, period);
            seeds.iter().map(|seed| KeyPair::of(settings.algorithm, seed)).collect()
        };
        let public: Vec<PublicKey> =
            period.published().into_iter().flat_map(&pairs).map(|pair| pair.public()).collect();
        let pair = pairs(period).into_iter().next().expect("a ring has a key");
        Self {
            period,
            epoch,
            kid: pair.public().kid(),
            pair,
            published: Bytes::from(key_set(&public).to_string()),
        }
    }
}

impl KeyPair {
    /// The key that a seed stands for. The seed leaves secrecy only into the library.
    fn of(algorithm: SigningAlgorithm, seed: &SigningSeed) -> Self {
        let seed = seed.expose();
        let fits = "every seed is a private key";
        match algorithm {
            SigningAlgorithm::EdDsa => {
                Self::Ed25519(Ed25519KeyPair::from_seed_unchecked(seed).expect(fits))
            }
            SigningAlgorithm::Es256 => {
                // The public key is asked for, and only the half for agreements computes it.
                let private = PrivateKey::from_private_key(&ECDH_P256, seed).expect(fits);
                let public = private.compute_public_key().expect(fits);
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    seed,
                    public.as_ref(),
                );
                Self::P256(pair.expect(fits))
            }
        }
    }

    fn public(&self) -> PublicKey {
        let key = match self {
            Self::P256(pair) => {
                PublicKey::of_bytes(SigningAlgorithm::Es256, pair.public_key().as_ref())
            }
            Self::Ed25519(pair) => {
                PublicKey::of_bytes(SigningAlgorithm::EdDsa, pair.public_key().as_ref())
            }
        };
        key.expect("the library tells points uncompressed")
    }

    /// The number that ECDSA draws for each signature stays inside the library, where it can't go
    /// wrong by a caller's dice.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::auth::assertion::AssertionRules;
    use crate::auth::identity::Identity;
    use crate::auth::jwks::KeySet;
    use crate::auth::jwt::{Algorithm, Jwt};
    use crate::secret::{SealKey, Secret};

    const PERIOD: u64 = 30 * 24 * 3600;

    fn assertions(algorithm: SigningAlgorithm, keys: &[u8], now: Timestamp) -> Assertions {
        let keys: Vec<SealKey> = keys.iter().map(|&byte| Secret::new([byte; 32])).collect();
        let ring = KeyRing::new(&keys, "app.example.com").unwrap();
        let settings = AssertionSettings {
            algorithm,
            issuer: String::from("https://app.example.com"),
            life: Duration::from_secs(60),
            rotate_every: Duration::from_secs(PERIOD),
        };
        Assertions::new(settings, Arc::new(ring), now)
    }

    fn signed(assertions: &Assertions, now: Timestamp) -> String {
        let (rules, identity) = (AssertionRules::default(), Identity::for_test("42"));
        let assertion = Assertion {
            rules: &rules,
            route: "wiki",
            identity: &identity,
            provider: "askara",
            tells_provider: false,
            session: None,
        };
        let Signed { value, .. } = assertions.sign(assertion, now).unwrap();
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    }

    fn is_verified(token: &str, published: &[u8]) -> bool {
        let keys = KeySet::read(published).unwrap();
        let jwt = Jwt::parse(token).unwrap();
        keys.verify(&jwt, &[Algorithm::ES256, Algorithm::EdDSA]).is_ok()
    }

    #[test]
    fn a_key_set_that_was_read_a_period_ago_verifies_what_is_signed_now() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa] {
            let now = Timestamp::from_unix(100 * PERIOD + 5);
            let at = |periods: u64| Timestamp::from_unix((100 + periods) * PERIOD + 5);
            let replica = assertions(algorithm, &[1, 2], now);
            let read = replica.published(now);
            let first = signed(&replica, now);
            assert!(is_verified(&first, &read));
            let next = signed(&replica, at(1));
            assert!(is_verified(&next, &read), "it was published before it signed");
            assert!(is_verified(&first, &replica.published(at(1))), "it stays a while");
            assert!(!is_verified(&first, &replica.published(at(2))), "and then it goes");
            assert!(!is_verified(&signed(&replica, at(2)), &read));
        }
    }

    #[test]
    fn a_ring_key_that_is_put_second_is_known_before_it_is_put_first() {
        let now = Timestamp::from_unix(100 * PERIOD);
        let of = |keys: &[u8]| assertions(SigningAlgorithm::Es256, keys, now);
        let (before, between, after, done) = (of(&[1]), of(&[1, 2]), of(&[2, 1]), of(&[2]));
        let old = signed(&between, now);
        assert!(is_verified(&old, &before.published(now)));
        let new = signed(&after, now);
        assert!(!is_verified(&new, &before.published(now)), "so the order matters");
        for replica in [&between, &after, &done] {
            assert!(is_verified(&new, &replica.published(now)));
        }
        assert!(is_verified(&old, &after.published(now)));
        assert!(!is_verified(&old, &done.published(now)));
    }

    #[test]
    fn no_two_assertions_have_the_same_name() {
        let now = Timestamp::from_unix(100 * PERIOD);
        let replica = assertions(SigningAlgorithm::EdDsa, &[1], now);
        assert_ne!(signed(&replica, now), signed(&replica, now));
    }
}
