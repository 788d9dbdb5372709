//! Tokens and people of the kinds of provider that there are, as large and as random as real ones.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::auth::identity::{Documents, IdentitySources, Source};
use crate::auth::preset::{PRESETS, Preset, Sources};
use crate::auth::session::{Session, SessionId};
use crate::auth::testing::Counting;
use crate::auth::tokens::{Tokens, to_hex};
use crate::auth::{Entropy as _, Timestamp};
use crate::secret::Secret;

/// What a provider gave at a login.
pub(super) struct Given {
    pub(super) preset: &'static Preset,
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) id_token: Option<String>,
    documents: Documents,
}

impl Given {
    /// The session of it.
    pub(super) fn session(&self, keeps_hint: bool, keeps_sid: bool) -> Session {
        let now = Timestamp::from_unix(NOW);
        let secret = |text: &String| Secret::new(text.clone());
        let id = self.documents.id.as_ref();
        let claim = |name: &str| id?.get(name)?.as_str().map(str::to_owned);
        Session {
            id: SessionId::draw(&mut Counting(1)),
            generation: 3,
            provider: self.preset.kind.to_owned(),
            created: now,
            seen: now,
            ends: Timestamp::from_unix(NOW + 7 * 24 * 3600),
            tokens: Tokens {
                access: secret(&self.access),
                refresh: self.refresh.as_ref().map(secret),
                issued: now,
                expires: Timestamp::from_unix(NOW + 3600),
            },
            subject: claim("sub"),
            sid: keeps_sid.then(|| claim("sid")).flatten(),
            authenticated: id.map(|_| now),
            acr: claim("acr"),
            scopes: Vec::new(),
            hint: self.id_token.as_ref().filter(|_| keeps_hint).map(secret),
            identity: sources(&self.preset.identity).read(&self.documents).unwrap(),
        }
    }

    /// As at a provider that renews nothing.
    pub(super) fn without_refresh(self) -> Self {
        Self { refresh: None, ..self }
    }
}

/// A JWT of league/oauth2-server, `claims` bytes larger than that server's own.
pub(super) fn askara(more: usize, groups: usize) -> Given {
    let mut claims = json!({
        "aud": "019a2f60-8d3c-7c1e-a3c4-6f0b5e2d9a17", "jti": hex(80, 2),
        "iat": 1_795_000_000.123_456, "nbf": 1_795_000_000.123_456, "exp": 1_795_003_600.123_456,
        "sub": SUBJECT, "scopes": ["profile", "organization"],
    });
    if more > 0 {
        claims["permissions"] = hex(more - r#","permissions":"""#.len(), 3).into();
    }
    let access = jwt(&json!({"typ": "JWT", "alg": "RS256"}), &claims, 256, 4);
    let mut me = person();
    me["id"] = SUBJECT.into();
    me["organization"] = json!({"id": ORGANIZATION, "name": "Example Organization"});
    me["groups"] = named(groups);
    given("askara", access, Some(format!("def502{}", hex(794, 5))), (Some(claims), Some(me)))
}

/// A JWT that says who it is and what they may do.
pub(super) fn api_v1(permissions: usize) -> Given {
    let permitted: Vec<String> =
        (0..permissions).map(|n| format!("reports-{n:03}:write")).collect();
    let mut claims = person();
    claims["aud"] = "019a2f60-8d3c-7c1e-a3c4-6f0b5e2d9a17".into();
    claims["jti"] = hex(40, 2).into();
    claims["iat"] = 1_795_000_000.into();
    claims["exp"] = 1_795_003_600.into();
    claims["sub"] = SUBJECT.into();
    claims["organization"] = ORGANIZATION.into();
    claims["permissions"] = json!(permitted);
    let access = jwt(&json!({"alg": "RS256", "typ": "JWT", "kid": random(22, 3)}), &claims, 256, 4);
    given("api-v1", access, Some(random(64, 5)), (Some(claims), None))
}

/// An access token that says nothing, or one by RFC 9068; who it is says userinfo.
pub(super) fn plain(kind: &str, is_jwt: bool, groups: usize) -> Given {
    let claims = is_jwt.then(|| {
        json!({
            "iss": "https://login.example.com", "aud": "https://api.example.com", "sub": SUBJECT,
            "client_id": "019a2f60-8d3c-7c1e-a3c4-6f0b5e2d9a17", "jti": random(22, 2),
            "iat": 1_795_000_000, "exp": 1_795_003_600, "scope": "profile things.read things.write",
        })
    });
    let access = match &claims {
        Some(claims) => {
            jwt(&json!({"alg": "RS256", "typ": "at+jwt", "kid": random(22, 3)}), claims, 256, 4)
        }
        None => random(43, 4),
    };
    let mut me = person();
    me["sub"] = SUBJECT.into();
    me["organization"] = ORGANIZATION.into();
    me["groups"] = named(groups);
    given(kind, access, Some(random(43, 5)), (claims, Some(me)))
}

/// A realm as it is after it was made, with the groups mapped into every token.
pub(super) fn keycloak(groups: usize) -> Given {
    let issuer = "https://login.example.com/realms/main";
    let sid = "4f1c6a6e-0d1b-4a53-9c53-8a2f6f3f2c11";
    let about = |kind: &str, audience: &str, jti: &str| {
        json!({
            "exp": 1_795_000_300, "iat": 1_795_000_000, "auth_time": 1_795_000_000, "jti": jti,
            "iss": issuer, "aud": audience, "sub": SUBJECT, "typ": kind, "azp": "askara-gate",
            "sid": sid,
        })
    };
    let mut access = about("Bearer", "account", "onrtac:1b0c9f5e-7f0e-4e0a-9b0d-0a4e7c8d2f10");
    let mut id = about("ID", "askara-gate", "2b0c9f5e-7f0e-4e0a-9b0d-0a4e7c8d2f11");
    for claims in [&mut access, &mut id] {
        extend(claims, &person());
        extend(claims, &json!({"acr": "1", "email_verified": true}));
        if groups > 0 {
            claims["groups"] = named(groups);
        }
    }
    extend(
        &mut access,
        &json!({
            "allowed-origins": ["https://app.example.com"],
            "realm_access": {
                "roles": ["default-roles-main", "offline_access", "uma_authorization"],
            },
            "resource_access": {
                "account": {"roles": ["manage-account", "manage-account-links", "view-profile"]},
            },
            "scope": "openid email profile",
        }),
    );
    extend(&mut id, &json!({"nonce": random(43, 2), "at_hash": random(22, 3)}));
    let mut refresh = about("Refresh", issuer, "3b0c9f5e-7f0e-4e0a-9b0d-0a4e7c8d2f12");
    extend(&mut refresh, &json!({"scope": "openid acr basic roles web-origins email profile"}));
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": random(43, 4)});
    let own = json!({"alg": "HS512", "typ": "JWT", "kid": "5b0c9f5e-7f0e-4e0a-9b0d-0a4e7c8d2f13"});
    let id_token = jwt(&header, &id, 256, 5);
    let refresh = jwt(&own, &refresh, 64, 6);
    openid(jwt(&header, &access, 256, 7), Some(refresh), id_token, Some(access), id)
}

/// A token for Graph, and an id_token with the groups' ids in it.
pub(super) fn entra(groups: usize) -> Given {
    let tenant = "6a1d4c6e-2f50-4f3c-9d0e-1f2a3b4c5d6e";
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let access = json!({
        "aud": "00000003-0000-0000-c000-000000000000",
        "iss": format!("https://sts.windows.net/{tenant}/"),
        "iat": 1_795_000_000, "nbf": 1_795_000_000, "exp": 1_795_005_100, "acct": 0, "acr": "1",
        "acrs": ["p1"], "aio": random(108, 2), "amr": ["pwd", "mfa"],
        "app_displayname": "askara-gate", "appid": "7d0c9a1e-52f4-4b0e-9f6b-3a8c1d2e4f51",
        "appidacr": "1", "family_name": "Lastname", "given_name": "Firstname", "idtyp": "user",
        "ipaddr": "203.0.113.77", "name": "Firstname Lastname", "oid": SUBJECT, "platf": "8",
        "puid": "1003200123456789", "rh": random(54, 3), "scp": "email openid profile User.Read",
        "sid": "00a1b2c3-52f4-4b0e-9f6b-3a8c1d2e4f52", "signin_state": ["kmsi"],
        "sub": random(43, 4), "tenant_region_scope": "EU", "tid": tenant,
        "unique_name": "firstname.lastname@example.com", "upn": "firstname.lastname@example.com",
        "uti": random(22, 5), "ver": "1.0", "wids": ["b79fbf4d-3ef9-4689-8143-76b194e85509"],
        "xms_ftd": random(64, 6), "xms_idrel": "1 24", "xms_st": {"sub": random(43, 7)},
        "xms_tcdt": 1_520_000_000,
    });
    let mut id = json!({
        "aud": "7d0c9a1e-52f4-4b0e-9f6b-3a8c1d2e4f51", "iss": issuer, "iat": 1_795_000_000,
        "nbf": 1_795_000_000, "exp": 1_795_003_900, "email": "firstname.lastname@example.com",
        "name": "Firstname Lastname", "nonce": random(43, 8), "oid": SUBJECT,
        "preferred_username": "firstname.lastname@example.com", "rh": random(54, 3),
        "sid": "00a1b2c3-52f4-4b0e-9f6b-3a8c1d2e4f52", "sub": random(43, 7), "tid": tenant,
        "uti": random(22, 9), "ver": "2.0",
    });
    if groups > 0 {
        let ids = (0..groups).map(|n| format!("{n:08x}-52f4-4b0e-9f6b-3a8c1d2e4f53"));
        id["groups"] = ids.collect();
    }
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": random(27, 10)});
    let mut of_access = header.clone();
    extend(&mut of_access, &json!({"nonce": random(43, 11), "x5t": random(27, 10)}));
    let refresh = format!("1.{}.{}", random(86, 12), random(1160, 13));
    let id_token = jwt(&header, &id, 256, 14);
    openid(jwt(&of_access, &access, 256, 15), Some(refresh), id_token, Some(access), id)
}

pub(super) fn google() -> Given {
    let client = "123456789012-abcdefghijklmnopqrstuvwxyz012345.apps.googleusercontent.com";
    let mut id = person();
    extend(
        &mut id,
        &json!({
            "iss": "https://accounts.google.com", "azp": client, "aud": client,
            "sub": "104729836451029384756", "hd": "example.com", "email_verified": true,
            "at_hash": random(22, 2), "nonce": random(43, 3),
            "picture": format!("https://lh3.googleusercontent.com/a/{}=s96-c", random(44, 4)),
            "iat": 1_795_000_000, "exp": 1_795_003_600,
        }),
    );
    let header = json!({"alg": "RS256", "kid": hex(40, 5), "typ": "JWT"});
    let id_token = jwt(&header, &id, 256, 6);
    let access = format!("ya29.a0{}", random(246, 7));
    openid(access, Some(format!("1//0{}", random(99, 8))), id_token, None, id)
}

/// The certified provider of `tests/oidc`.
pub(super) fn oidc_provider(is_jwt: bool, groups: usize) -> Given {
    let mut id = json!({
        "sub": SUBJECT, "nonce": random(43, 2), "at_hash": random(22, 3), "sid": random(21, 4),
        "aud": "askara-gate", "exp": 1_795_003_600, "iat": 1_795_000_000,
        "iss": "https://login.example.com",
    });
    extend(&mut id, &person());
    if groups > 0 {
        id["groups"] = named(groups);
    }
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": random(43, 5)});
    let id_token = jwt(&header, &id, 256, 6);
    let Given { access, documents, .. } = plain("oidc", is_jwt, 0);
    openid(access, Some(random(43, 7)), id_token, documents.token, id)
}

/// Tokens of just these lengths, with what the peers were measured with.
pub(super) fn measured(access: usize, id_token: usize, refresh: usize) -> Given {
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": hex(16, 2)});
    let base = json!({
        "iss": "http://127.0.0.1:18203", "iat": 1_795_000_000, "exp": 1_795_003_600,
        "sub": SUBJECT, "email": "alice@example.test", "email_verified": true,
        "name": "Alice Example", "preferred_username": "alice", "given_name": "Alice",
        "family_name": "Example", "groups": ["staff", "dev", "ops"], "sid": "f1",
    });
    let padded = |length: usize| {
        let with = |pad: usize| {
            let mut claims = base.clone();
            claims["pad"] = random(pad, 3).into();
            (jwt(&header, &claims, 256, 4), claims)
        };
        let found = (1..length).map(with).find(|(token, _)| token.len() >= length).unwrap();
        assert_eq!(found.0.len(), length, "base64 has no such length");
        found
    };
    let ((access, token), (id_token, id)) = (padded(access), padded(id_token));
    let refresh = format!("rt.{}", random(refresh - 3, 5));
    openid(access, Some(refresh), id_token, Some(token), id)
}

fn openid(
    access: String,
    refresh: Option<String>,
    id_token: String,
    token: Option<Value>,
    id: Value,
) -> Given {
    let given = given("oidc", access, refresh, (token, None));
    let documents = Documents { id: Some(id), ..given.documents };
    Given { id_token: Some(id_token), documents, ..given }
}

fn given(
    kind: &str,
    access: String,
    refresh: Option<String>,
    (token, me): (Option<Value>, Option<Value>),
) -> Given {
    let preset = PRESETS.iter().find(|preset| preset.kind == kind).unwrap();
    let documents = Documents { token, me, id: None };
    Given { preset, access, refresh, id_token: None, documents }
}

/// The sources of a row.
pub(super) fn sources(rows: &Sources) -> IdentitySources {
    let list = |texts: &[&str]| texts.iter().filter_map(|text| Source::parse(text)).collect();
    IdentitySources {
        user: list(rows.user),
        email: list(rows.email),
        name: list(rows.name),
        groups: list(rows.groups),
        organization: list(rows.organization),
        preferred_username: list(rows.preferred_username),
        kept: Vec::new(),
    }
}

fn person() -> Value {
    json!({
        "email": "firstname.lastname@example.com", "name": "Firstname Lastname",
        "preferred_username": "firstname.lastname", "given_name": "Firstname",
        "family_name": "Lastname",
    })
}

fn named(groups: usize) -> Value {
    (0..groups).map(|n| format!("/engineering/team-{n:03}")).collect()
}

fn extend(claims: &mut Value, more: &Value) {
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
}

fn jwt(header: &Value, claims: &Value, signature: usize, seed: u64) -> String {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let signature = URL_SAFE_NO_PAD.encode(bytes(signature, seed));
    format!("{}.{}.{signature}", part(header.to_string()), part(claims.to_string()))
}

/// Text that is no encoding of bytes, but looks like one: most last characters of such a text
/// have bits that no encoder sets.
fn random(length: usize, seed: u64) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = |byte: u8| char::from(ALPHABET[usize::from(byte % 64)]);
    bytes(length, seed).into_iter().map(index).collect()
}

fn hex(length: usize, seed: u64) -> String {
    to_hex(&bytes(length.div_ceil(2), seed))[..length].to_owned()
}

/// The low bits of a counter are no dice: what is drawn is hashed first.
fn bytes(length: usize, seed: u64) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut entropy = Counting(seed);
    let blocks = (0..length.div_ceil(32)).flat_map(|_| {
        let mut drawn = [0; 32];
        entropy.fill(&mut drawn);
        <[u8; 32]>::from(Sha256::digest(drawn))
    });
    blocks.take(length).collect()
}

/// When the session was made.
const NOW: u64 = 1_795_000_000;
const SUBJECT: &str = "7d0c9a1e-52f4-4b0e-9f6b-3a8c1d2e4f50";
const ORGANIZATION: &str = "9f6b3a8c-52f4-4b0e-7d0c-9a1e1d2e4f50";
