//! What a client of OpenID Connect can learn by itself: the metadata and the keys.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use super::revoke::REVOKE;
use super::sign_out::END_SESSION;
use super::{StandIn, origin};
use crate::demo::pages;

impl StandIn {
    /// Answers with the metadata of OpenID Connect Discovery, section 3, RFC 8414, RFC 9207 and
    /// RP-Initiated Logout.
    pub(super) fn discovery(&self, request: &Request<Bytes>) -> Response<Full<Bytes>> {
        let (manner, issuer) = (self.manner, origin(request));
        let at = |path: &str| format!("{issuer}{path}");
        let scopes: Vec<&str> = manner.scopes.iter().map(|(name, _)| *name).collect();
        pages::json(
            StatusCode::OK,
            &json!({
                "issuer": issuer,
                "authorization_endpoint": at(manner.authorize.path),
                "token_endpoint": at(manner.token),
                "userinfo_endpoint": manner.userinfo.as_ref().map(|place| at(place.path)),
                "jwks_uri": at(JWKS),
                "revocation_endpoint": at(REVOKE),
                "end_session_endpoint": at(END_SESSION),
                "scopes_supported": scopes,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
                "prompt_values_supported": ["none", "login", "consent", "select_account"],
                "claims_supported": [
                    "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash",
                    "email", "name", "preferred_username", "groups", "organization",
                ],
                "authorization_response_iss_parameter_supported": true,
                "request_parameter_supported": false,
                "request_uri_parameter_supported": false,
            }),
        )
    }

    pub(super) fn jwks(&self) -> Response<Full<Bytes>> {
        pages::json(StatusCode::OK, &json!({ "keys": [self.signer.jwk()] }))
    }
}

pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(super) const JWKS: &str = "/jwks";
