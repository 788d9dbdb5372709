//! The token endpoint: a code or a refresh token for new tokens.
//!
//! In the order of league/oauth2-server, whose answers Askara's kind imitates:
//!
//! 1. A body of the wrong type. Askara's kind sees no grant type in it: 400
//!    `unsupported_grant_type`; the others say 400 `invalid_request`.
//! 2. The client's id and secret, else 401 `invalid_client`.
//! 3. The code or refresh token, which is spent by the first client that brings it, right or wrong
//!    in the rest; else 400 `invalid_grant`.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::call::Call;
use super::grants::{CodeGrant, Permission};
use super::kind::RedirectUri;
use super::refusal::Refusal;
use super::{StandIn, Unwell, origin};
use crate::demo::pages;

/// What the tokens are to be good for.
struct Granted {
    /// What was allowed at first; a refresh token stands for all of it.
    permission: Permission,
    /// What this access token is for, where a refresh wants less (RFC 6749, section 6).
    scopes: Vec<String>,
    nonce: Option<String>,
}

impl StandIn {
    pub(super) fn token(
        &self,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Result<Response<Full<Bytes>>, Unwell> {
        let granted =
            Call::read(request, self.manner.token_body).and_then(|call| self.exchange(&call, now));
        match granted {
            Ok(granted) => {
                let answer = self.new_tokens(granted, &origin(request), now)?;
                Ok(pages::json(StatusCode::OK, &answer))
            }
            Err(Refusal::Unwell) => Err(Unwell),
            Err(refusal) => Ok(refusal.answer(self.manner)),
        }
    }

    fn exchange(&self, call: &Call, now: SystemTime) -> Result<Granted, Refusal> {
        let grant_type = match call.needed("grant_type") {
            Err(_) if self.manner.league => return Err(Refusal::GrantType),
            grant_type => grant_type?,
        };
        if !["authorization_code", "refresh_token"].contains(&grant_type) {
            return Err(Refusal::GrantType);
        }
        call.judge_client(&self.options)?;
        if grant_type == "authorization_code" {
            self.spend_code(call, now)
        } else {
            self.spend_refresh_token(call, now)
        }
    }

    fn spend_code(&self, call: &Call, now: SystemTime) -> Result<Granted, Refusal> {
        let code = call.needed("code")?;
        let grant = self.state().grants.spend_code(code, now).ok_or(Refusal::Grant(
            "The authorization code has expired",
            "Authorization code has expired or has been used",
        ))?;
        grant.judge_redirect_uri(call, self.manner.redirect_uri)?;
        grant.judge_verifier(call.value("code_verifier"))?;
        let scopes = grant.permission.scopes.clone();
        Ok(Granted { permission: grant.permission, scopes, nonce: grant.nonce })
    }

    fn spend_refresh_token(&self, call: &Call, now: SystemTime) -> Result<Granted, Refusal> {
        let token = call.needed("refresh_token")?;
        let permission = self
            .state()
            .grants
            .spend_refresh_token(token, now)
            .ok_or(Refusal::Grant("The refresh token is invalid.", "Token has been revoked"))?;
        let scopes = match call.value("scope") {
            None => permission.scopes.clone(),
            Some(wanted) => wanted.split(' ').map(str::to_owned).collect(),
        };
        if !scopes.iter().all(|scope| permission.covers(scope)) {
            return Err(Refusal::Scope);
        }
        Ok(Granted { permission, scopes, nonce: None })
    }

    fn new_tokens(&self, granted: Granted, issuer: &str, now: SystemTime) -> Result<Value, Unwell> {
        let Granted { permission, scopes, nonce } = granted;
        let narrowed = permission.narrowed(scopes);
        let access_token = self.access_token(&narrowed, issuer, now)?;
        let mut answer = json!({
            "token_type": "Bearer",
            "expires_in": self.options.access_token_life.as_secs(),
            "access_token": access_token,
        });
        if !self.manner.league {
            answer["scope"] = narrowed.scopes.join(" ").into();
        }
        if self.manner.oidc && narrowed.covers("openid") {
            let id_token =
                self.id_token(&narrowed, nonce.as_deref(), &access_token, issuer, now)?;
            answer["id_token"] = id_token.into();
        }
        let grants = &mut self.state().grants;
        if self.options.refresh_tokens {
            answer["refresh_token"] = grants.give_refresh_token(permission, now)?.into();
        }
        grants.keep_access_token(access_token, narrowed, now);
        Ok(answer)
    }
}

impl CodeGrant {
    fn judge_redirect_uri(&self, call: &Call, wanted: RedirectUri) -> Result<(), Refusal> {
        let named = match wanted {
            RedirectUri::First => return Ok(()),
            RedirectUri::BothOrNone if !self.redirect_uri_named => call.value("redirect_uri"),
            RedirectUri::Both | RedirectUri::BothOrNone => Some(call.needed("redirect_uri")?),
        };
        if named.is_some_and(|uri| uri != self.redirect_uri) {
            return Err(Refusal::Grant(GRANT_INVALID, "Invalid redirect URI"));
        }
        Ok(())
    }

    fn judge_verifier(&self, verifier: Option<&str>) -> Result<(), Refusal> {
        let Some(challenge) = &self.challenge else {
            // RFC 9700, section 2.1.1: a verifier without a challenge is a downgrade.
            return match verifier {
                None => Ok(()),
                Some(_) => Err(Refusal::Grant(GRANT_INVALID, "Unexpected `code_verifier`")),
            };
        };
        let verifier = verifier.ok_or(Refusal::Missing("code_verifier"))?;
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if bool::from(hash.as_bytes().ct_eq(challenge.as_bytes())) {
            Ok(())
        } else {
            Err(Refusal::Grant(GRANT_INVALID, "Failed to verify `code_verifier`."))
        }
    }
}

const GRANT_INVALID: &str = "The provided authorization grant is invalid.";
