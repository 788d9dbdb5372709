//! What is wrong within one provider: the key that is blamed, and what is said.

use super::*;

const MISSING: &str = "provider.authorize_url: is missing; kind \"simplified\" has no address";

#[test]
fn addresses_are_judged_and_never_quoted() {
    let bad = [
        "http://provider.example/canary",
        "https://canary@provider.example/",
        "https://user:canary@provider.example/",
        "https://provider.example/#canary",
        "ftp://provider.example/canary",
        "//provider.example/canary",
        "https:///canary",
        "canary",
    ];
    let keys = [
        "authorize_url",
        "end_session_url",
        "introspection_url",
        "issuer",
        "jwks_url",
        "pushed_authorization_url",
        "revocation_url",
        "token_url",
        "userinfo_url",
    ];
    for key in keys {
        for url in bad {
            let lines = with_secret(&format!("{key} = {url:?}"));
            each_is_one_problem(&[(&lines, &format!("provider.{key}: must be an https address"))]);
        }
        let good = with_secret(&format!("{key} = \"http://127.0.0.1:9000/x\""));
        assert!(load(&file(&good), &[], &[]).is_ok(), "{key}");
    }
    let query = with_secret("issuer = \"https://provider.example/?canary\"");
    each_is_one_problem(&[(&query, "provider.issuer: must be an https address")]);
    let nowhere = with_secret("kind = \"simplified\"\ntoken_url = \"https://provider.example/t\"");
    each_is_one_problem(&[(&nowhere, MISSING)]);
}

#[test]
fn keys_that_do_not_fit_together_are_refused() {
    let cases = [
        ("response_mode = \"fragment\"", "response_mode: \"fragment\" is not \"query\" or"),
        ("title = \"\"", "title: must be 1 to 64"),
        ("token_body = \"xml\"", "token_body: \"xml\" is not \"json\" or \"form\""),
        ("token_life = 0", "token_life: must be at least a second"),
        ("pushed_authorization = \"always\"", "pushed_authorization: \"always\" needs"),
        (
            "pushed_authorization = \"always\"\npushed_authorization_url = \"\"",
            "pushed_authorization: \"always\" needs",
        ),
        ("authorize_form_action = [\"https://a.example\"]", "authorize_form_action: is about"),
        (
            "authorize_method = \"post\"\nauthorize_form_action = [\"https://a.example/canary\"]",
            "authorize_form_action[0]: must be an origin",
        ),
        (
            "authorize_method = \"post\"\nauthorize_form_action = [\"http://a.example\"]",
            "authorize_form_action[0]: must be an origin",
        ),
        ("id_token_algorithms = [\"RS256\"]", "id_token_algorithms: is about id_tokens"),
        ("id_token_hint = true", "id_token_hint: is about id_tokens"),
        ("required_acr = [\"2\"]", "required_acr: is about id_tokens"),
        ("acr_values = ['a\"b']", "acr_values[0]: "),
        ("scopes = 5", "scopes: must be a list"),
        (
            "send_redirect_uri = false\ntoken_redirect_uri = true",
            "token_redirect_uri: has nothing to say again",
        ),
        ("link_params = [\"audience\"]", "link_params[0]: \"audience\" is not \"acr_values\", "),
        ("identity = { user = [] }", "identity.user: is empty"),
        ("identity = { email = \"you:/x\" }", "identity.email: \"you:/x\" is no source"),
        ("backchannel_logout = true", "backchannel_logout: is OpenID Connect's, which only"),
        ("token_ulr = \"x\"", "token_ulr: unknown key; did you mean \"token_url\"?"),
    ];
    for (lines, wanted) in cases {
        each_is_one_problem(&[(&with_secret(lines), &format!("provider.{wanted}"))]);
    }
}

#[test]
fn an_openid_provider_needs_issuer_scope_and_keys() {
    let issuer = "issuer = \"https://provider.example\"";
    for (lines, wanted) in [
        (String::new(), "issuer: is missing; kind \"oidc\""),
        (format!("{issuer}\nscopes = [\"profile\"]"), "scopes: must contain \"openid\""),
        (format!("{issuer}\njwks_url = \"\""), "jwks_url: can't be switched off"),
        (format!("{issuer}\nauthorize_url = \"\""), "authorize_url: must be an https address"),
        (format!("{issuer}\nid_token_algorithms = [\"none\"]"), "id_token_algorithms[0]: \"none\""),
        (format!("{issuer}\nid_token_algorithms = []"), "id_token_algorithms: is empty"),
    ] {
        let lines = with_secret(&format!("kind = \"oidc\"\n{lines}"));
        each_is_one_problem(&[(&lines, &format!("provider.{wanted}"))]);
    }
}

#[test]
fn s34_a_provider_ends_sessions_only_where_they_can_be_ended_from_elsewhere() {
    let openid = "kind = \"oidc\"\nissuer = \"https://provider.example\"";
    let asks = with_secret(&format!("{openid}\nbackchannel_logout = true"));
    let refused = "provider.backchannel_logout: needs session.store or session.coordination: ";
    for session in ["", "[session]\nstore = \"cookie\""] {
        each_is_one_problem(&[(&format!("{asks}\n{session}"), refused)]);
    }
    let ends = |lines: &str| {
        let settings = settings(&format!("{lines}\n[session]\n{SHARED}"));
        settings.openid.as_ref().unwrap().backchannel_logout
    };
    assert!(ends(&asks));
    assert!(!ends(&with_secret(openid)), "off unless it is asked for");
    // What keys a session has is another problem, and one is enough.
    let both = format!("{asks}\n[session]\nkeys = []\n{SHARED}");
    each_is_one_problem(&[(&both, "session.keys: is empty")]);
}

/// Replicas that share what has ended.
const SHARED: &str = "coordination = \"redis://127.0.0.1:1\"";

#[test]
fn a_parameter_that_the_flow_makes_is_refused_with_the_key_to_use() {
    for (name, word) in [
        ("response_type", "always \"code\""),
        ("client_id", "use the key client_id"),
        ("client_secret", "never travels through a browser"),
        ("redirect_uri", "redirect_path"),
        ("scope", "use the key scopes"),
        ("state", "each login has a fresh one"),
        ("nonce", "kind \"oidc\""),
        ("code_challenge", "use the key pkce"),
        ("code_challenge_method", "use the key pkce"),
        ("response_mode", "use the key response_mode"),
        ("request", "use the key pushed_authorization"),
        ("request_uri", "use the key pushed_authorization"),
        ("max_age", "use the key max_age"),
        ("acr_values", "use the key acr_values"),
    ] {
        let lines = with_secret(&format!("authorize_params = {{ {name} = \"canary\" }}"));
        let problems = load(&file(&lines), &[], &[]).unwrap_err();
        let key = format!("provider.authorize_params.{name}: is set by the flow itself");
        assert!(problems.contains(&key) && problems.contains(word), "{problems}");
    }
    for (lines, wanted) in [
        ("authorize_params = { audience = 5 }", "authorize_params.audience: must be a text"),
        ("authorize_params = [\"a=b\"]", "authorize_params: must be a table"),
        (
            "authorize_params = { prompt = \"login\" }\nlink_params = [\"prompt\"]",
            "authorize_params.prompt: is in link_params as well",
        ),
    ] {
        each_is_one_problem(&[(&with_secret(lines), &format!("provider.{wanted}"))]);
    }
}

#[test]
fn an_answer_by_post_needs_https() {
    let lines = with_secret("response_mode = \"form_post\"");
    for (public, wrong) in [
        ("public_url=https://app.example.com", 0),
        ("public_url=http://127.0.0.1:4180", 1),
        // One error is enough while nobody can tell.
        ("public_url=nonsense", 1),
    ] {
        let told = load(&file(&lines), &[], &[public]).err().unwrap_or_default();
        assert_eq!(told.lines().count(), wrong, "{public} {told}");
    }
}

#[test]
fn a_redirect_path_is_a_path_of_its_own() {
    for own in [
        "/oauth2/start",
        "/oauth2/sign_in",
        "/oauth2/sign_out",
        "/oauth2/signed_out",
        "/oauth2/userinfo",
        "/oauth2/auth",
        "/oauth2/backchannel-logout",
        "/oauth2/jwks",
        "/ping",
        "/ready",
    ] {
        let lines = with_secret(&format!("redirect_path = {own:?}"));
        each_is_one_problem(&[(&lines, "provider.redirect_path: is another path of the gateway")]);
    }
    for plain in ["/", "callback", "/a/../b", "/a//b", "/a%2fb", "/a;b"] {
        let lines = with_secret(&format!("redirect_path = {plain:?}"));
        each_is_one_problem(&[(&lines, "provider.redirect_path: \"")]);
    }
    for good in ["/start", "/oauth2/callback/start", "/oauth2start"] {
        let read = settings(&with_secret(&format!("redirect_path = {good:?}")));
        assert_eq!(read.authorization.redirect_path, good);
    }
}

#[test]
fn a_mistyped_kind_is_one_error() {
    let lines = "kind = \"odic\"\nissuer = \"https://provider.example\"\nrequired_acr = [\"2\"]";
    let wanted = "provider.kind: \"odic\" is not spoken; this version knows askara, api-v1, ";
    each_is_one_problem(&[(&with_secret(lines), wanted)]);
}

fn with_secret(lines: &str) -> String {
    format!("client_secret = {{ env = \"SECRET\" }}\n{lines}")
}
