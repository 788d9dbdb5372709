//! What tokens say: access tokens of every look, and the id token.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::grants::Permission;
use super::kind::AccessToken;
use super::{StandIn, Unwell, random_hex};

impl StandIn {
    pub(super) fn access_token(
        &self,
        permission: &Permission,
        issuer: &str,
        now: SystemTime,
    ) -> Result<String, Unwell> {
        let client = self.options.client_id.as_str();
        let subject = self.options.account.id.as_str();
        let until = now + self.options.access_token_life;
        let id = random_hex(JTI_BYTES)?;
        let mut claims = json!({
            "jti": id, "sub": subject, "iat": whole(now), "exp": whole(until),
            "scope": permission.scopes.join(" "),
        });
        match self.manner.access_token {
            AccessToken::Opaque => Ok(id),
            AccessToken::League => self.signer.sign_nameless(&json!({
                "aud": client, "jti": id, "sub": subject, "scopes": permission.scopes,
                "iat": seconds(now), "nbf": seconds(now), "exp": seconds(until),
            })),
            AccessToken::Speaking => {
                let person = self.person();
                claims["aud"] = client.into();
                claims["email"] = person["email"].clone();
                claims["name"] = person["name"].clone();
                claims["organization"] = person["organization"]["id"].clone();
                claims["permissions"] = json!(["reports:read", "reports:write"]);
                self.signer.sign("JWT", &claims)
            }
            AccessToken::Profile => {
                claims["iss"] = issuer.into();
                claims["aud"] = API.into();
                claims["client_id"] = client.into();
                self.signer.sign("at+jwt", &claims)
            }
        }
    }

    /// Returns the id token that goes with an access token; a refresh has no nonce to say
    /// (OpenID Connect Core, sections 2, 3.1.3.6 and 12.2).
    pub(super) fn id_token(
        &self,
        permission: &Permission,
        nonce: Option<&str>,
        access_token: &str,
        issuer: &str,
        now: SystemTime,
    ) -> Result<String, Unwell> {
        let hash = Sha256::digest(access_token);
        let mut claims = json!({
            "iss": issuer,
            "sub": self.options.account.id,
            "aud": self.options.client_id,
            "iat": whole(now),
            "exp": whole(now + self.options.access_token_life),
            "auth_time": whole(permission.auth_time),
            "at_hash": URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        self.signer.sign("JWT", &claims)
    }

    /// Returns what there is to know of the person, without an id.
    pub(super) fn person(&self) -> Value {
        let account = &self.options.account;
        let (user, _) = account.email.split_once('@').unwrap_or((&account.email, ""));
        json!({
            "email": account.email,
            "name": account.name,
            "preferred_username": user,
            "groups": ["staff", "demo"],
            "organization": { "id": "42", "name": "Example Organization" },
        })
    }
}

fn whole(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Returns seconds since 1970 with microseconds, as PHP writes them.
fn seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::new(since.as_secs(), since.subsec_micros() * 1000).as_secs_f64()
}

/// Whom an access token by RFC 9068 is for. Not the client: its id tokens name that, and the one
/// must never pass for the other.
const API: &str = "https://api.example.com";
const JTI_BYTES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::provider::{Kind, Options};

    fn claims(provider: &StandIn, now: SystemTime) -> Value {
        let permission = Permission::new(vec!["profile".to_owned()], now).unwrap();
        let token = provider.access_token(&permission, "http://op", now).unwrap();
        provider.signer.verified(&token).unwrap_or_default()
    }

    #[test]
    fn each_kind_says_in_its_access_token_what_its_document_says() {
        let now = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        let said = Kind::ALL.map(|kind| {
            let options = Options::new(kind, "client".into(), "secret".into(), vec!["a".into()]);
            (kind, claims(&StandIn::new(options).unwrap(), now))
        });
        let said = |kind| &said.iter().find(|(other, _)| *other == kind).unwrap().1;
        let subject = json!("7d0c9a1e-52f4-4b0e-9f6b-3a8c1d2e4f50");
        for (kind, name, expected) in [
            (Kind::Askara, "aud", json!("client")),
            (Kind::Askara, "exp", json!(1_700_000_300.123_456)),
            (Kind::Askara, "nbf", json!(1_700_000_000.123_456)),
            (Kind::Askara, "scopes", json!(["profile"])),
            (Kind::Askara, "sub", subject.clone()),
            (Kind::Askara, "email", Value::Null),
            (Kind::ApiV1, "email", json!("demo@example.com")),
            (Kind::ApiV1, "exp", json!(1_700_000_300)),
            (Kind::ApiV1, "name", json!("Demo Person")),
            (Kind::ApiV1, "organization", json!("42")),
            (Kind::ApiV1, "permissions", json!(["reports:read", "reports:write"])),
            (Kind::ApiV1, "sub", subject.clone()),
            (Kind::Oidc, "aud", json!(API)),
            (Kind::Oidc, "client_id", json!("client")),
            (Kind::Oidc, "iss", json!("http://op")),
            (Kind::Oidc, "scope", json!("profile")),
            (Kind::Oidc, "sub", subject),
        ] {
            assert_eq!(said(kind)[name], expected, "{kind} {name}");
        }
        for kind in [Kind::Simplified, Kind::Pockets] {
            assert_eq!(*said(kind), Value::Null, "{kind}: opaque");
        }
    }

    #[test]
    fn a_whole_second_is_still_a_floating_point_number() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(json!(seconds(time)).to_string(), "1700000000.0");
    }
}
