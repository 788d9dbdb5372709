//! The nginx in front: what oauth2-proxy's documentation says for `auth_request`, with the host and
//! port of the test. Two things are added, for both gateways: buffers for heads with tokens in them,
//! and a `proxy_pass` without a slash behind it, by which the app gets the path as it came.

/// How nginx answers for somebody without a session. Both are documented and in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// A named location that redirects, the return address in a query that nginx can't encode.
    Redirect,
    /// The gateway's own page in the place of the 401.
    Inside,
}

/// Locations beside `/` whose subrequest has this query.
pub(crate) const CONSTRAINED: [(&str, &str); 8] = [
    ("/group", "allowed_groups=editors,admins"),
    ("/other-group", "allowed_groups=admins"),
    ("/groups-twice", "allowed_groups=admins&allowed_groups=editors"),
    ("/email", "allowed_emails=ada@example.com"),
    ("/other-email", "allowed_emails=bob@example.com"),
    ("/domain", "allowed_email_domains=example.com"),
    ("/other-domain", "allowed_email_domains=example.org"),
    ("/group-and-domain", "allowed_groups=editors&allowed_email_domains=example.org"),
];

/// The body of nginx's `server` block, with a gateway and an app at these ports.
pub(crate) fn server(gate: u16, app: &str, sign_in: SignIn) -> String {
    let mut text = format!(
        "
        large_client_header_buffers 4 16k;
        proxy_buffer_size 16k;
        proxy_buffers 8 16k;
        location /oauth2/ {{
            proxy_pass http://127.0.0.1:{gate};
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Auth-Request-Redirect $request_uri;
        }}
        location @oauth2_signin {{
            return 302 /oauth2/sign_in?rd=$scheme://$http_host$request_uri;
        }}"
    );
    text += &asking("/oauth2/auth", &format!("http://127.0.0.1:{gate}"));
    text += &guarded("/", "/oauth2/auth", app, sign_in);
    for (path, query) in CONSTRAINED {
        let asked = format!("/ask{path}");
        text += &asking(&asked, &format!("http://127.0.0.1:{gate}/oauth2/auth?{query}"));
        text += &guarded(path, &asked, app, sign_in);
    }
    text
}

/// The location of a subrequest.
fn asking(path: &str, gateway: &str) -> String {
    format!(
        "
        location = {path} {{
            proxy_pass {gateway};
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-Uri $request_uri;
            proxy_set_header Content-Length \"\";
            proxy_pass_request_body off;
        }}"
    )
}

/// A location of the app, for which nginx asks first.
fn guarded(path: &str, asked: &str, app: &str, sign_in: SignIn) -> String {
    let error_page = match sign_in {
        SignIn::Redirect => "@oauth2_signin",
        SignIn::Inside => "/oauth2/sign_in",
    };
    format!(
        "
        location {path} {{
            auth_request {asked};
            error_page 401 = {error_page};
            auth_request_set $user $upstream_http_x_auth_request_user;
            auth_request_set $email $upstream_http_x_auth_request_email;
            auth_request_set $groups $upstream_http_x_auth_request_groups;
            auth_request_set $name $upstream_http_x_auth_request_preferred_username;
            auth_request_set $token $upstream_http_x_auth_request_access_token;
            auth_request_set $authorization $upstream_http_authorization;
            auth_request_set $auth_cookie $upstream_http_set_cookie;
            add_header Set-Cookie $auth_cookie;
            proxy_set_header X-User $user;
            proxy_set_header X-Email $email;
            proxy_set_header X-Groups $groups;
            proxy_set_header X-Preferred-Username $name;
            proxy_set_header X-Access-Token $token;
            proxy_set_header Authorization $authorization;
            proxy_pass {app};
        }}"
    )
}
