//! Which provider is played: a row of data for each preset, as its document describes it.

/// A row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Play {
    pub(crate) kind: &'static str,
    pub(crate) authorize: &'static str,
    pub(crate) token: &'static str,
    /// Whether the authorization request is posted by a form.
    pub(crate) posts: bool,
    /// Whether the token call is JSON; a form otherwise.
    pub(crate) json: bool,
    pub(crate) proof: Proof,
    /// Whether a code is bound to a PKCE challenge.
    pub(crate) pkce: bool,
    /// Whether the token call must say the redirect address again.
    pub(crate) says_redirect_uri: bool,
    /// Whether there is an address that tells who somebody is.
    pub(crate) me: bool,
    /// Whether it signs id_tokens and describes itself.
    pub(crate) openid: bool,
    /// Further lines of the gateway's configuration.
    pub(crate) lines: &'static [&'static str],
}

/// How the client has to prove itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Basic,
    Body,
    /// An assertion signed with the client's key.
    Key,
    None,
}

pub(crate) const ASKARA: Play = Play {
    kind: "askara",
    authorize: "/authorize",
    token: "/oauth2/token",
    posts: false,
    json: true,
    proof: Proof::Body,
    pkce: false,
    says_redirect_uri: true,
    me: true,
    openid: false,
    lines: &[],
};

pub(crate) const API_V1: Play =
    Play { kind: "api-v1", json: false, pkce: true, me: false, ..ASKARA };

pub(crate) const SIMPLIFIED: Play =
    Play { kind: "simplified", proof: Proof::Basic, me: true, ..API_V1 };

pub(crate) const POCKETS: Play = Play {
    kind: "pockets",
    authorize: "/api/oauth2/authorize",
    token: "/api/oauth2/token",
    posts: true,
    proof: Proof::Body,
    says_redirect_uri: false,
    ..SIMPLIFIED
};

pub(crate) const OIDC: Play = Play { kind: "oidc", openid: true, ..SIMPLIFIED };

/// All of them.
pub(crate) const ROWS: [Play; 5] = [ASKARA, API_V1, SIMPLIFIED, POCKETS, OIDC];

impl Play {
    /// The lines of the gateway's configuration for this provider at `url`.
    pub(super) fn settings(&self, url: &str, client_id: &str) -> Vec<String> {
        let mut lines =
            vec![format!("kind = {:?}", self.kind), format!("client_id = {client_id:?}")];
        match self.proof {
            Proof::Basic | Proof::Body => {
                lines.push("client_secret = { file = \"client.secret\" }".to_owned());
            }
            Proof::Key => {
                lines.push("client_auth = \"private_key_jwt\"".to_owned());
                lines.push("client_key = { file = \"client.pem\" }".to_owned());
            }
            Proof::None => lines.push("client_auth = \"none\"".to_owned()),
        }
        if self.openid {
            lines.push(format!("issuer = {url:?}"));
        } else {
            lines.push(format!("authorize_url = \"{url}{}\"", self.authorize));
            lines.push(format!("token_url = \"{url}{}\"", self.token));
            let me = if self.me { format!("{url}/me") } else { String::new() };
            lines.push(format!("userinfo_url = {me:?}"));
        }
        lines.extend(self.lines.iter().map(|line| (*line).to_owned()));
        lines
    }
}
