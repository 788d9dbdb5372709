//! Which kind of token a token says it is.
//!
//! One key signs access, ID, refresh and logout tokens alike, so that a sound signature says
//! nothing about what a token is good for (C-88, S14). RFC 8725 3.11 has the header's `typ` say it;
//! most providers say it in a claim, each in its own, or by claims that only one kind has.

use super::claims::{BadClaim, Claims};

/// A kind that a token says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Access,
    Id,
    /// What a provider tells another server: a logout token, any other security event.
    Event,
    Refresh,
}

/// Says whether a token with this header `typ` may be an access token: `at+jwt` (RFC 9068), or
/// nothing more than that it is a JWT.
pub fn may_be_access(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| matches!(media_type(typ).as_str(), "at+jwt" | "jwt"))
}

/// Says whether a token calls itself an access token in its header (RFC 9068 2.1).
pub fn is_named_access(typ: Option<&str>) -> bool {
    typ.is_some_and(|typ| media_type(typ) == "at+jwt")
}

/// Says whether a token with this header `typ` may be an ID token. It has no type of its own, and
/// whatever ends in `+jwt` is something else: `at+jwt`, `logout+jwt`, `secevent+jwt`.
pub fn may_be_id(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| !media_type(typ).ends_with("+jwt"))
}

/// Says whether a token with this header `typ` may be a logout token: `logout+jwt`, or nothing more
/// than that it is a JWT, as it was before there was that name (Back-Channel Logout 1.0 2.4).
pub fn may_be_logout(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| matches!(media_type(typ).as_str(), "logout+jwt" | "jwt"))
}

/// The kinds that the claims tell.
pub fn told(claims: &Claims) -> Result<Vec<Kind>, BadClaim> {
    let words = [claims.text("typ")?, claims.text("token_use")?, claims.text("token_type")?];
    // `type` is anybody's word: of another type than text it tells something else.
    let loose = claims.text("type").unwrap_or_default();
    let mut kinds: Vec<Kind> =
        words.into_iter().chain([loose]).flatten().filter_map(named).collect();
    if claims.has("events") {
        kinds.push(Kind::Event);
    }
    if ["nonce", "at_hash", "c_hash", "s_hash"].iter().any(|name| claims.has(name)) {
        kinds.push(Kind::Id);
    }
    Ok(kinds)
}

/// Keycloak's `typ`, Cognito's and Hydra's `token_use`, and `token_type` of several libraries.
fn named(word: &str) -> Option<Kind> {
    match word.to_ascii_lowercase().as_str() {
        "access" | "access_token" | "at+jwt" | "bearer" | "dpop" => Some(Kind::Access),
        "id" | "id_token" => Some(Kind::Id),
        "logout" | "logout_token" | "logout+jwt" => Some(Kind::Event),
        "offline" | "offline_token" | "refresh" | "refresh_token" => Some(Kind::Refresh),
        _ => None,
    }
}

/// Lower case, and without the `application/` that RFC 7515 4.1.9 lets a `typ` leave out.
fn media_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn c88_the_header_says_what_a_token_may_be() {
        for (typ, access, id, logout) in [
            (None, true, true, true),
            (Some("JWT"), true, true, true),
            (Some("jwt"), true, true, true),
            (Some("application/jwt"), true, true, true),
            (Some("at+jwt"), true, false, false),
            (Some("AT+JWT"), true, false, false),
            (Some("application/at+jwt"), true, false, false),
            (Some("Application/AT+jwt"), true, false, false),
            (Some("logout+jwt"), false, false, true),
            (Some("Logout+JWT"), false, false, true),
            (Some("application/logout+jwt"), false, false, true),
            (Some("secevent+jwt"), false, false, false),
            (Some("dpop+jwt"), false, false, false),
            (Some("rt+jwt"), false, false, false),
            (Some("ID"), false, true, false),
            (Some(""), false, true, false),
            (Some("text/at+jwt"), false, false, false),
            (Some("text/logout+jwt"), false, false, false),
        ] {
            let may_be = (may_be_access(typ), may_be_id(typ), may_be_logout(typ));
            assert_eq!(may_be, (access, id, logout), "{typ:?}");
        }
    }

    #[test]
    fn c88_the_claims_say_it_in_many_words() {
        let told = |value: &Value| {
            let Value::Object(object) = value.clone() else { panic!("no object") };
            told(&Claims::of(object))
        };
        for (claims, kinds) in [
            (json!({"sub": "x", "type": "user", "typ": "JWT"}), vec![]),
            (json!({"typ": "Bearer"}), vec![Kind::Access]),
            (json!({"token_use": "access"}), vec![Kind::Access]),
            (json!({"typ": "ID"}), vec![Kind::Id]),
            (json!({"token_use": "id"}), vec![Kind::Id]),
            (json!({"nonce": ""}), vec![Kind::Id]),
            (json!({"at_hash": null}), vec![Kind::Id]),
            (json!({"c_hash": "x"}), vec![Kind::Id]),
            (json!({"typ": "Refresh"}), vec![Kind::Refresh]),
            (json!({"typ": "Offline"}), vec![Kind::Refresh]),
            (json!({"token_use": "refresh_token"}), vec![Kind::Refresh]),
            (json!({"token_type": "refresh"}), vec![Kind::Refresh]),
            (json!({"type": "refresh"}), vec![Kind::Refresh]),
            (json!({"type": 7}), vec![]),
            (json!({"typ": "Logout"}), vec![Kind::Event]),
            (json!({"events": {}}), vec![Kind::Event]),
            (json!({"typ": "Bearer", "token_use": "id"}), vec![Kind::Access, Kind::Id]),
        ] {
            assert_eq!(told(&claims), Ok(kinds), "{claims}");
        }
        for name in ["typ", "token_use", "token_type"] {
            assert_eq!(told(&json!({name: ["ID"]})), Err(BadClaim::Type(name)));
        }
    }
}
