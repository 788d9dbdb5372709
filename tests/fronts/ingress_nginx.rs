//! ingress-nginx: a plain nginx with what the controller makes of the annotations of
//! `deploy/ingress-nginx/ingress.yaml`, line by line as its template has it.

use std::fmt::Write as _;
use std::process::Command;

use crate::front::{Front, Manners, Place};
use crate::recipe::Recipe;

const FRONT: Front = Front {
    gate: "ingress-nginx/gate.toml",
    command,
    manners: Manners {
        explains_403: false,
        hides_cookies: false,
        redirects_programs: true,
        identity: "x-auth-request-",
        closed: &[500],
        addresses: &[("0.0.0.0:4180", "127.0.0.1:4180"), ("10.244.0.0/16", "127.0.0.1")],
        ..Manners::BEST
    },
};

each_situation!(FRONT);

each_situation! { FRONT, []:
    the_query_of_a_page_is_not_that_of_the_question
    a_browsers_socket_echoes
}

const GATE: &str = "askara-gate.default.svc.cluster.local:4180";

fn command(place: &mut Place) -> Command {
    let ingress = Recipe::of("ingress-nginx/ingress.yaml")
        .with(GATE, &place.gate())
        // Without a port where the port is 443.
        .with("https://$host/", &format!("https://$host:{}/", place.port));
    let controller = Recipe::of("ingress-nginx/controller.yaml");
    let mut objects = ingress.text().split("\n---\n");
    let [app, gate, closed, told] =
        [(); 4].map(|()| Ingress(objects.next().expect("four objects")));
    let config = [
        "load_module /usr/lib/nginx/modules/ndk_http_module.so;".to_owned(),
        "load_module /usr/lib/nginx/modules/ngx_http_set_misc_module.so;".to_owned(),
        format!("pid {};\nevents {{ worker_connections 1024; }}\nhttp {{", place.file("nginx.pid")),
        http(place, controller.text()),
        format!("server {{\n{}", server(place)),
        asking(&app, &told),
        locations(&app, &protected(&app), &place.app()),
        locations(&gate, "", &place.gate()),
        locations(&closed, &denied(&closed), &place.gate()),
        "}\n}\n".to_owned(),
    ];
    std::fs::write(place.file("nginx.conf"), config.join("\n")).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-e").arg(place.file("error.log")).arg("-c").arg(place.file("nginx.conf"));
    nginx.args(["-g", "daemon off; master_process off;"]);
    nginx
}

/// One object of the recipe.
struct Ingress<'a>(&'a str);

impl<'a> Ingress<'a> {
    fn annotation(&self, name: &str) -> Option<&'a str> {
        let key = format!("nginx.ingress.kubernetes.io/{name}: ");
        let value = self.0.lines().find_map(|line| line.trim().strip_prefix(key.as_str()))?;
        Some(value.trim_matches('"'))
    }

    fn said(&self, name: &str) -> &'a str {
        self.annotation(name).unwrap_or_else(|| panic!("no annotation {name}"))
    }

    fn name(&self) -> &'a str {
        let name = self.0.lines().find_map(|line| line.trim().strip_prefix("name: "));
        name.expect("a name")
    }

    /// What stands under `data` of a ConfigMap, as fields of a question.
    fn fields(&self) -> String {
        let (_, data) = self.0.split_once("\ndata:\n").expect("data");
        let field = |line: &str| {
            let (name, value) = line.trim().split_once(": ")?;
            Some(format!("proxy_set_header {name} {value};\n"))
        };
        data.lines().filter_map(field).collect()
    }

    /// Each path with whether it is exact.
    fn paths(&self) -> impl Iterator<Item = (&'a str, bool)> {
        let lines: Vec<&str> = self.0.lines().map(str::trim).collect();
        let pairs: Vec<_> = lines
            .windows(2)
            .filter_map(|pair| Some((pair[0].strip_prefix("- path: ")?, pair[1].contains("Exact"))))
            .collect();
        pairs.into_iter()
    }

    fn buffers(&self) -> String {
        let size = self.annotation("proxy-buffer-size").unwrap_or("4k");
        format!("proxy_buffer_size {size};\nproxy_buffers 4 {size};\n")
    }
}

/// What the controller's ConfigMap makes of the `http` block.
fn http(place: &Place, controller: &str) -> String {
    let (_, snippet) = controller.split_once("http-snippet: |\n").expect("a snippet");
    let snippet: Vec<&str> = snippet.lines().take_while(|line| line.starts_with("    ")).collect();
    assert_eq!(snippet.len(), 3, "{snippet:?}");
    let said = |key: &str| {
        let line = controller.lines().find_map(|line| line.trim().strip_prefix(key));
        line.unwrap_or_else(|| panic!("no {key}")).trim_matches([':', ' ', '"'])
    };
    let switch = |key| if said(key) == "true" { "on" } else { "off" };
    format!(
        "access_log {};
large_client_header_buffers {};
underscores_in_headers {};
ignore_invalid_headers {};
map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
map $http_host $best_http_host {{ default $http_host; '' $host; }}
{}",
        place.file("access.log"),
        said("large-client-header-buffers"),
        switch("enable-underscores-in-headers"),
        switch("ignore-invalid-headers"),
        snippet.join("\n"),
    )
}

fn server(place: &Place) -> String {
    format!(
        "listen 127.0.0.1:{} ssl http2;
server_name app.example.com;
ssl_certificate {};
ssl_certificate_key {};",
        place.port,
        place.file("tls.crt"),
        place.file("tls.key")
    )
}

/// The internal location of the question. Whatever else the visitor sends goes along.
fn asking(app: &Ingress<'_>, told: &Ingress<'_>) -> String {
    assert!(app.said("auth-proxy-set-headers").ends_with(told.name()));
    let url = app.said("auth-url");
    let host = url.split('/').nth(2).unwrap();
    format!(
        "location = /_external-auth {{
internal;
proxy_pass_request_body off;
proxy_set_header Content-Length \"\";
proxy_set_header X-Forwarded-Proto \"\";
proxy_set_header X-Request-ID $request_id;
proxy_set_header Host {host};
proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
proxy_set_header X-Original-Method $request_method;
proxy_set_header X-Sent-From \"nginx-ingress-controller\";
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Auth-Request-Redirect $request_uri;
{told}
proxy_buffering off;
{buffers}proxy_request_buffering on;
proxy_ssl_server_name on;
proxy_pass_request_headers on;
client_max_body_size 1m;
proxy_http_version 1.1;
set $target {url};
proxy_pass $target;
}}
location @sign_in {{
internal;
add_header Set-Cookie $auth_cookie;
return 302 {sign_in};
}}",
        told = told.fields(),
        buffers = app.buffers(),
        sign_in = app.said("auth-signin"),
    )
}

/// What a location has that asks.
fn protected(app: &Ingress<'_>) -> String {
    assert_eq!(app.said("auth-always-set-cookie"), "true");
    let mut lines = "auth_request /_external-auth;
auth_request_set $auth_cookie $upstream_http_set_cookie;
add_header Set-Cookie $auth_cookie always;
"
    .to_owned();
    for (n, name) in app.said("auth-response-headers").split(',').enumerate() {
        let variable = name.to_lowercase().replace('-', "_");
        let _ = writeln!(lines, "auth_request_set $authHeader{n} $upstream_http_{variable};");
        let _ = writeln!(lines, "proxy_set_header '{name}' $authHeader{n};");
    }
    lines + "set_escape_uri $escaped_request_uri $request_uri;\nerror_page 401 = @sign_in;\n"
}

/// What a location has that lets these networks not in.
fn denied(closed: &Ingress<'_>) -> String {
    let networks = closed.said("denylist-source-range").split(',');
    networks.map(|network| format!("deny {network};\n")).collect()
}

/// A location for each path, and for each prefix what lies below it.
fn locations(ingress: &Ingress<'_>, lines: &str, backend: &str) -> String {
    let mut text = String::new();
    for (path, exact) in ingress.paths() {
        let below = format!("{}/", path.trim_end_matches('/'));
        let places = match (exact, path) {
            (_, "/") => vec!["/".to_owned()],
            (true, _) => vec![format!("= {path}")],
            (false, _) => vec![below, format!("= {path}")],
        };
        for place in places {
            let _ = write!(
                text,
                "location {place} {{
{lines}client_max_body_size 1m;
proxy_set_header Host $best_http_host;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $connection_upgrade;
proxy_set_header X-Request-ID $request_id;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Host $best_http_host;
proxy_set_header X-Forwarded-Port $server_port;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Scheme $scheme;
proxy_set_header X-Scheme $scheme;
proxy_set_header X-Original-Forwarded-For $http_x_forwarded_for;
proxy_set_header Proxy \"\";
proxy_connect_timeout 5s;
proxy_send_timeout 60s;
proxy_read_timeout 60s;
proxy_buffering off;
{buffers}proxy_request_buffering on;
proxy_http_version 1.1;
proxy_next_upstream error timeout;
proxy_next_upstream_tries 3;
proxy_pass http://{backend};
}}
",
                buffers = ingress.buffers(),
            );
        }
    }
    text
}
