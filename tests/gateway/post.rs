//! Providers that want the authorization request posted: a page of ours with a form that a script
//! sends, or a person.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn scene(lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::playing(POCKETS).await, App::start().await);
    let mut builder = gateway().with_provider(&provider).with_upstream(&app);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

const LINK: &str = "/deep?x=1&y=%20";
const START: &str = "/oauth2/start?rd=%2Fdeep%3Fx%3D1%26y%3D%2520";

#[tokio::test]
async fn a_navigation_is_sent_to_the_page_with_the_form() {
    let scene = scene(&[]).await;
    let answer = scene.visitor.open(LINK).await;
    assert_eq!((answer.status, answer.location()), (302, START));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.set_cookies().is_empty(), "the attempt begins with the page");
    assert_eq!(scene.visitor.fetch(LINK).await.status, 401);
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn the_page_says_all_that_is_asked_and_binds_the_browser() {
    let scene = scene(&[]).await;
    let page = scene.visitor.open(START).await;
    assert_eq!(page.status, 200);
    let form = Form::that_posts_itself(&page).expect("a form");
    assert_eq!(form.action, format!("{}/api/oauth2/authorize", scene.provider.url()));
    let names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    let wanted = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    ];
    assert_eq!(names, wanted, "S1, S8");
    assert_eq!(form.field("scope"), Some("pockets.read"));
    assert_eq!(
        form.field("redirect_uri"),
        Some(format!("{}{CALLBACK}", scene.gate.base()).as_str())
    );
    let [cookie] = page.set_cookies().try_into().unwrap();
    assert!(cookie.name.starts_with("askara-st-"), "{}", cookie.name);
    assert!(cookie.is("samesite", "Lax") && cookie.has("httponly"));
    assert!(!page.text().contains("verifier"), "S8");
    assert!(page.text().contains("<button"), "for a browser without scripts");
}

#[tokio::test]
async fn the_page_runs_its_own_script_and_posts_to_the_provider_alone() {
    for (lines, also) in [
        (&[][..], ""),
        (
            &["authorize_form_action = [\"https://sign-in.example\"]"][..],
            " https://sign-in.example",
        ),
    ] {
        let scene = scene(lines).await;
        let page = scene.visitor.open(START).await;
        let text = page.text();
        let hash = |tag: &str| {
            let (_, rest) = text.split_once(&format!("<{tag}>")).expect("inline");
            let (inline, _) = rest.split_once(&format!("</{tag}>")).unwrap();
            format!("'sha256-{}'", STANDARD.encode(Sha256::digest(inline)))
        };
        assert_eq!(text.matches("<script").count(), 1);
        let action = format!("{}/api/oauth2/authorize", scene.provider.url());
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {}; form-action {action} 'self'{also}; \
             base-uri 'none'; frame-ancestors 'none'",
            hash("style"),
            hash("script"),
        );
        assert_eq!(page.header("content-security-policy"), Some(policy.as_str()), "S68");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "C-69");
    }
}

#[tokio::test]
async fn posting_it_leads_to_the_page_that_was_wanted() {
    let scene = scene(&[]).await;
    scene.visitor.login_at(LINK).await;
    assert_eq!(scene.app.targets(), [LINK]);
    assert_eq!(scene.provider.calls("/api/oauth2/authorize"), 1);
    assert!(scene.visitor.state_cookies().is_empty());
    let request = scene.provider.last_token_request();
    assert!(request.content_type.starts_with("application/x-www-form-urlencoded"));
    assert!(request.body.get("redirect_uri").is_none());
}

#[tokio::test]
async fn the_form_of_another_browser_signs_nobody_in() {
    let scene = scene(&[]).await;
    let attackers = scene.gate.visitor().consent(LINK).await;
    scene.visitor.open(START).await;
    assert_eq!(scene.visitor.open(&attackers).await.status, 403, "C-12");
    assert_eq!(scene.provider.token_calls(), 0, "C-12");
}

#[tokio::test]
async fn what_a_link_says_is_text_on_the_page() {
    let scene = scene(&["link_params = [\"login_hint\"]"]).await;
    let hint = "%22%3E%3Cscript%3Ecanary%3C%2Fscript%3E";
    let page = scene.visitor.open(&format!("/oauth2/start?rd=%2F&login_hint={hint}")).await;
    assert_eq!(page.text().matches("<script").count(), 1, "C-70: {}", page.text());
    let form = Form::that_posts_itself(&page).unwrap();
    assert_eq!(form.field("login_hint"), Some("\"><script>canary</script>"), "C-70");
}
