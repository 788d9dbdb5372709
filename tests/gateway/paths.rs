//! What is matched and what is forwarded never differ in meaning (design section 3, C-41 to C-50).

use crate::harness::*;

struct Scene {
    app: App,
    gate: Gate,
}

async fn scene() -> Scene {
    let app = App::start().await;
    let gate = gateway().with_route(public("/public", &app)).with_upstream(&app).start().await;
    Scene { app, gate }
}

impl Scene {
    /// Asks for exactly these bytes as a stranger's script would.
    async fn status(&self, target: &[u8]) -> Option<u16> {
        self.status_with(target, "").await
    }

    async fn status_with(&self, target: &[u8], headers: &str) -> Option<u16> {
        self.app.forgets();
        let mut request = b"GET ".to_vec();
        request.extend_from_slice(target);
        let host = self.gate.authority();
        let rest = format!(
            " HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Mode: cors\r\nConnection: close\r\n{headers}\r\n"
        );
        request.extend_from_slice(rest.as_bytes());
        self.gate.raw(request).await.status()
    }
}

#[tokio::test]
async fn ordinary_paths_are_matched_decoded_and_forwarded_raw() {
    let scene = scene().await;
    let ordinary = [
        "/public",
        "/public/",
        "/public/file.css?x=1&y=%2F..%2F",
        "/%70ublic/x",
        "/%70%75%62%6c%69%63",
        "/public/a%20b",
        "/public/%C3%A9t%C3%A9",
        "/public/a%40b%2Bc%3Ad",
        "/public/a@b+c:d!$&'()*,=~",
        "/public/...",
        "/public/.hidden/..x",
        "/public?next=/../admin",
    ];
    for target in ordinary {
        assert_eq!(scene.status(target.as_bytes()).await, Some(200), "{target}");
        assert_eq!(scene.app.targets(), [target], "raw, as it came");
    }
}

#[tokio::test]
async fn ambiguous_paths_are_refused() {
    let scene = scene().await;
    let refused: [&[u8]; 24] = [
        b"/public/../admin",
        b"/public/..",
        b"/public/.",
        b"/public/./x",
        b"/public/%2e%2e/admin",
        b"/public/.%2e/admin",
        b"/public/%2E./admin",
        b"/public/%2e",
        b"/public//../admin",
        b"/public;x=/../admin",
        b"/admin/.;/",
        b"/public\\..\\admin",
        b"/public/\\x",
        b"/public%00",
        b"/public/%00x",
        b"/public/%0d%0aX:y",
        b"/public/%09x",
        b"/public/%7f",
        b"/public/%c0%ae%c0%ae/admin",
        b"/public/%e0%80%ae/admin",
        b"/public/%zz",
        b"/public/%2",
        b"/public/%",
        b"/public/%ff",
    ];
    for target in refused {
        let shown = String::from_utf8_lossy(target);
        assert_eq!(scene.status(target).await, Some(400), "C-41, C-42, C-46: {shown}");
        assert!(scene.app.requests().is_empty(), "{shown}");
    }
}

#[tokio::test]
async fn ambiguous_paths_are_refused_with_a_session_too() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let cookie = format!("Cookie: {}\r\n", visitor.session_line());
    let scene = Scene { app, gate };
    for target in ["/a/../b", "/a/%2e%2e/b", "/a\\b", "/a%00", "/%c0%ae"] {
        let status = scene.status_with(target.as_bytes(), &cookie).await;
        assert_eq!(status, Some(400), "{target}");
        assert!(scene.app.requests().is_empty(), "{target}");
    }
    let raw = ["/a%2Fb", "/a%5Cb", "//x//y", "/x;v=1/y;w", "/%23", "/a%252e", "/a%3Fb?c"];
    for target in raw {
        let status = scene.status_with(target.as_bytes(), &cookie).await;
        assert_eq!(status, Some(200), "{target}");
        assert_eq!(scene.app.targets(), [target], "raw, as it came");
    }
}

#[tokio::test]
async fn opaque_characters_never_match_a_public_rule() {
    let scene = scene().await;
    let never_public = [
        "/public/a%23b",
        "/public%23/../admin",
        "/public/a%3Fb",
        "/public/a%3bb",
        "/public/a%25b",
        "/public/%252e%252e/admin",
        "/public/a%2Fb",
        "/public%2Fx",
        "/public/a%5Cb",
        "//public/x",
        "/public//x",
        "//public",
        "/public;x",
        "/public/x;y=1",
        "/admin;.css",
        "/public/;",
    ];
    for target in never_public {
        let status = scene.status(target.as_bytes()).await;
        // A dot segment between opaque characters is refused outright; either way nothing passes.
        assert!(matches!(status, Some(401 | 400)), "C-42, C-43, C-45: {target} {status:?}");
        if !target.contains("..") {
            assert_eq!(status, Some(401), "{target}");
        }
        assert!(scene.app.requests().is_empty(), "{target}");
    }
}

#[tokio::test]
async fn neighbours_of_a_public_path_are_not_public() {
    let scene = scene().await;
    let neighbours = [
        "/publicity",
        "/public.html",
        "/PUBLIC",
        "/Public/x",
        "/admin",
        "/admin?x=/public",
        "/admin?/public/health",
        "/admin/public",
        "/public%20",
        "/public%EF%BC%8Fx",
        "/%EF%BD%90ublic",
        "/",
    ];
    for target in neighbours {
        let status = scene.status(target.as_bytes()).await;
        assert_eq!(status, Some(401), "C-44, C-46, C-48: {target}");
        assert!(scene.app.requests().is_empty(), "{target}");
    }
}

#[tokio::test]
async fn a_raw_fragment_is_cut_for_matching_and_forwarding_alike() {
    let scene = scene().await;
    let status = scene.status(b"/public#/../admin").await;
    assert!(matches!(status, Some(200 | 400)), "C-45: {status:?}");
    if status == Some(200) {
        assert_eq!(scene.app.targets(), ["/public"], "C-45");
    }
    let status = scene.status(b"/admin#/../public").await;
    assert!(matches!(status, Some(400 | 401)), "C-45: {status:?}");
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn headers_never_say_what_is_asked_for() {
    let scene = scene().await;
    let overrides = [
        "X-Forwarded-Uri: /public\r\n",
        "X-Original-URL: /public\r\n",
        "X-Rewrite-Url: /public\r\n",
        "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /public\r\n",
        "X-Envoy-Original-Path: /public\r\n",
        "User-Agent: kube-probe/1.30\r\n",
        "User-Agent: GoogleHC/1.0\r\n",
    ];
    for header in overrides {
        let status = scene.status_with(b"/admin", header).await;
        assert_eq!(status, Some(401), "C-38, C-49: {header}");
    }
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn our_own_prefix_is_exact_and_never_proxied() {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    let scene = Scene { app, gate };
    for target in ["/oauth2/nothing-here", "/oauth2/", "/oauth2", "/oauth2/callback/x"] {
        let status = scene.status(target.as_bytes()).await;
        assert_eq!(status, Some(404), "C-50: {target}");
        assert!(scene.app.requests().is_empty(), "C-50: {target}");
    }
    let status = scene.status(b"/oauth2/callback/../../admin").await;
    assert_eq!(status, Some(400), "C-50");
    for target in ["/oauth2%2fcallback", "/oauth2;/callback", "//oauth2/callback"] {
        let status = scene.status(target.as_bytes()).await;
        assert_ne!(status, Some(200), "C-50: never public: {target}");
    }
    assert!(scene.app.requests().is_empty());
    assert_eq!(scene.status(b"/OAUTH2/callback").await, Some(200), "C-50: another path");
}

#[tokio::test]
async fn parameters_must_pass_both_rules() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/open", &app))
        .with_route(route("/open/secret", &app))
        .with_route(public("/", &app))
        .start()
        .await;
    let scene = Scene { app, gate };
    let targets = ["/open;x/secret", "/open/secret;x", "/;/open/secret", "/x;y"];
    for target in targets {
        let status = scene.status(target.as_bytes()).await;
        assert_eq!(status, Some(401), "C-42: {target}");
    }
    assert!(scene.app.requests().is_empty());
}
