//! `POST /oauth2/token`: a code or a refresh token for new tokens.
//!
//! In the order of league/oauth2-server, whose answers it imitates:
//!
//! 1. A body that is not JSON has no grant type: 400 `unsupported_grant_type`.
//! 2. The client's id and secret, else 401 `invalid_client`.
//! 3. The code or refresh token, which is spent by the first client that brings it, right or wrong
//!    in the rest; else 400 `invalid_grant`.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::grants::CodeGrant;
use super::signer::Claims;
use super::{StandIn, Unwell};
use crate::demo::pages;

#[derive(Default, Deserialize)]
struct TokenCall {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    code: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
}

enum Refusal {
    Client,
    /// The description and the hint.
    Grant(&'static str, &'static str),
    GrantType,
    Missing(&'static str),
    Unwell,
}

impl StandIn {
    pub(super) fn token(
        &self,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Result<Response<Full<Bytes>>, Unwell> {
        match self.exchange(&TokenCall::read(request), now) {
            Ok(answer) => Ok(pages::json(StatusCode::OK, &answer)),
            Err(Refusal::Unwell) => Err(Unwell),
            Err(refusal) => Ok(refusal.answer()),
        }
    }

    fn exchange(&self, call: &TokenCall, now: SystemTime) -> Result<serde_json::Value, Refusal> {
        let grant_type = call.grant_type.as_deref().ok_or(Refusal::GrantType)?;
        if !["authorization_code", "refresh_token"].contains(&grant_type) {
            return Err(Refusal::GrantType);
        }
        self.judge_client(call)?;
        let scopes = if grant_type == "authorization_code" {
            self.spend_code(call, now)?
        } else {
            self.spend_refresh_token(call, now)?
        };
        Ok(self.new_tokens(scopes, now)?)
    }

    fn judge_client(&self, call: &TokenCall) -> Result<(), Refusal> {
        let id = call.client_id.as_deref().ok_or(Refusal::Missing("client_id"))?;
        let secret = call.client_secret.as_deref().unwrap_or_default();
        let same = id.as_bytes().ct_eq(self.options.client_id.as_bytes())
            & secret.as_bytes().ct_eq(self.options.client_secret.as_bytes());
        if bool::from(same) { Ok(()) } else { Err(Refusal::Client) }
    }

    fn spend_code(&self, call: &TokenCall, now: SystemTime) -> Result<Vec<String>, Refusal> {
        let code = call.code.as_deref().ok_or(Refusal::Missing("code"))?;
        let grant = self.state().grants.spend_code(code, now).ok_or(Refusal::Grant(
            "The authorization code has expired",
            "Authorization code has expired or has been used",
        ))?;
        let redirect_uri = call.redirect_uri.as_deref().ok_or(Refusal::Missing("redirect_uri"))?;
        if redirect_uri != grant.redirect_uri {
            return Err(Refusal::Grant(GRANT_INVALID, "Invalid redirect URI"));
        }
        grant.judge_verifier(call.code_verifier.as_deref())?;
        Ok(grant.scopes)
    }

    fn spend_refresh_token(
        &self,
        call: &TokenCall,
        now: SystemTime,
    ) -> Result<Vec<String>, Refusal> {
        let token = call.refresh_token.as_deref().ok_or(Refusal::Missing("refresh_token"))?;
        self.state()
            .grants
            .spend_refresh_token(token, now)
            .ok_or(Refusal::Grant("The refresh token is invalid.", "Token has been revoked"))
    }

    fn new_tokens(
        &self,
        scopes: Vec<String>,
        now: SystemTime,
    ) -> Result<serde_json::Value, Unwell> {
        let life = self.options.access_token_life;
        let claims = Claims {
            audience: &self.options.client_id,
            subject: &self.options.account.id,
            scopes: &scopes,
            life,
        };
        let access_token = self.signer.sign(&claims, now)?;
        let grants = &mut self.state().grants;
        let refresh_token = grants.give_refresh_token(scopes, now)?;
        grants.keep_access_token(access_token.clone(), now);
        Ok(json!({
            "token_type": "Bearer",
            "expires_in": life.as_secs(),
            "access_token": access_token,
            "refresh_token": refresh_token,
        }))
    }
}

impl TokenCall {
    /// Reads a JSON body; any other is an empty call, as PHP sees it.
    fn read(request: &Request<Bytes>) -> Self {
        let is_json = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return Self::default();
        }
        serde_json::from_slice(request.body()).unwrap_or_default()
    }
}

impl CodeGrant {
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

impl Refusal {
    fn answer(&self) -> Response<Full<Bytes>> {
        let (status, error, description, hint) = match self {
            Self::Client => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "Client authentication failed",
                "Check the client id and secret".to_owned(),
            ),
            Self::Grant(description, hint) => {
                (StatusCode::BAD_REQUEST, "invalid_grant", *description, (*hint).to_owned())
            }
            Self::GrantType => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server.",
                "Check that all required parameters have been provided".to_owned(),
            ),
            Self::Missing(name) => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The request is missing a required parameter, or it is malformed.",
                format!("Check the `{name}` parameter"),
            ),
            Self::Unwell => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "The authorization server met an unexpected condition.",
                String::new(),
            ),
        };
        pages::json(
            status,
            &json!({ "error": error, "error_description": description, "hint": hint }),
        )
    }
}

impl From<Unwell> for Refusal {
    fn from(Unwell: Unwell) -> Self {
        Self::Unwell
    }
}

const GRANT_INVALID: &str = "The provided authorization grant is invalid.";
