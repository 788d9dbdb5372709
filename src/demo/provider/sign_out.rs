//! RP-Initiated Logout: the client sends the browser here to end the stand-in's own login.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use minijinja::context;

use super::StandIn;
use super::browser;

impl StandIn {
    /// Ends the browser's login and sends it on to a registered address. A request of which it is
    /// not clear that the client made it ends nothing: it may be another site's (section 6 wants a
    /// question to the person where there is no id token; knowing the client's id is enough here).
    pub(super) fn end_session(
        &self,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Response<Full<Bytes>> {
        let Some(parameters) = browser::parameters(request) else {
            return self.refused(UNREADABLE);
        };
        let value = |name: &str| parameters.get(name).filter(|value| !value.is_empty());
        if !self.is_the_clients(&parameters) {
            return self.refused("The client is unknown.");
        }
        let back = value("post_logout_redirect_uri");
        if back.is_some_and(|uri| !self.options.post_logout_redirect_uris.contains(uri)) {
            return self.refused("The address to go to after a logout is not registered.");
        }

        if let Some(id) = browser::id(request) {
            self.state().visits.sign_out(id, now);
        }
        let answer = match back {
            Some(uri) => browser::redirect(&with_state(uri, value("state"))),
            None => self.pages.answer(
                StatusCode::OK,
                "signed_out.html",
                context! { title => self.manner.title, authorize => self.manner.authorize.path },
            ),
        };
        browser::without_cookie(answer, self.manner)
    }

    /// Judges `id_token_hint`, which may have expired, and `client_id`; where both are there, they
    /// have to agree.
    fn is_the_clients(&self, parameters: &BTreeMap<String, String>) -> bool {
        let client = &self.options.client_id;
        let by_token = parameters.get("id_token_hint").map(|hint| {
            let claims = self.signer.verified(hint);
            claims.is_some_and(|claims| claims["aud"] == client.as_str())
        });
        let by_name = parameters.get("client_id").map(|id| id == client);
        by_token.or(by_name).is_some() && by_token != Some(false) && by_name != Some(false)
    }
}

fn with_state(uri: &str, state: Option<&String>) -> String {
    let Some(state) = state else {
        return uri.to_owned();
    };
    let joint = if uri.contains('?') { '&' } else { '?' };
    let pair = Serializer::new(String::new()).append_pair("state", state).finish();
    format!("{uri}{joint}{pair}")
}

pub(super) const END_SESSION: &str = "/end_session";
const UNREADABLE: &str = "The request is unreadable.";
