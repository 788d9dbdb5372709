//! Several providers: chosen by the route, by the host, or by the person; and what the session of
//! one is worth where another is asked (S18, S26).

use url::Url;

use crate::harness::*;

struct Scene {
    one: Provider,
    two: Provider,
    app: App,
    gate: Gate,
}

const TITLES: [&[&str]; 2] = [&["title = \"The <First>\""], &["title = \"Second & Last\""]];

async fn scene() -> Scene {
    let (one, two) = (Provider::playing(OIDC).await, Provider::start().await);
    one.names_subject("ada-of-one");
    two.names_subject("ada-of-two");
    let app = App::start().await;
    let gate = gateway()
        .with_named("one", &one, TITLES[0])
        .with_named("two", &two, TITLES[1])
        .with_route(route("/one", &app).with("provider = \"one\""))
        .with_route(route("/two", &app).with("provider = \"two\""))
        .with_route(public("/open", &app))
        .with_route(public("/open-two", &app).with("provider = \"two\""))
        .with_route(route("/", &app).with("host = \"one.test\"").with("provider = \"one\""))
        .with_route(route("/", &app).with("host = \"two.test\"").with("provider = \"two\""))
        .with_upstream(&app)
        .start()
        .await;
    Scene { one, two, app, gate }
}

impl Scene {
    /// Whose authorization address this is.
    fn provider_of(&self, location: &str) -> &'static str {
        match location {
            to if to.starts_with(&format!("{}/authorize?", self.one.url())) => "one",
            to if to.starts_with(&format!("{}/authorize?", self.two.url())) => "two",
            to => panic!("{to} is nobody's"),
        }
    }

    /// Whom the app is told of in a request to `target`.
    async fn user_at(&self, visitor: &Visitor, target: &str) -> Option<String> {
        self.app.forgets();
        assert_eq!(visitor.fetch(target).await.status, 200, "{target}");
        self.app.last().header("x-forwarded-user").map(str::to_owned)
    }
}

#[tokio::test]
async fn the_route_says_who_is_asked() {
    let scene = scene().await;
    for name in ["one", "two"] {
        let visitor = scene.gate.visitor();
        let answer = visitor.open(&format!("/{name}/page?x=1")).await;
        assert_eq!(scene.provider_of(answer.location()), name);
        visitor.login_at(&format!("/{name}/page?x=1")).await;
        assert_eq!(scene.app.last().target, format!("/{name}/page?x=1"));
        assert_eq!(visitor.fetch("/oauth2/userinfo").await.json()["provider"], name);
    }
    let redirect_uri = format!("{}{CALLBACK}/two", scene.gate.base());
    assert_eq!(scene.two.last_token_request().body["redirect_uri"], redirect_uri, "S18");
}

#[tokio::test]
async fn the_host_says_who_is_asked() {
    let scene = scene().await;
    let port = scene.gate.origin().port().unwrap();
    for name in ["one", "two"] {
        let host = format!("{name}.test:{port}");
        let answer = scene.gate.send(ask("GET", "/").navigating().header("host", &host)).await;
        assert_eq!(scene.provider_of(answer.location()), name, "{host}");
        let to: Url = answer.location().parse().unwrap();
        let (_, redirect_uri) = to.query_pairs().find(|(key, _)| key == "redirect_uri").unwrap();
        assert_eq!(redirect_uri, format!("http://{host}{CALLBACK}/{name}"), "S2");
    }
}

#[tokio::test]
async fn a_session_of_one_is_nobody_where_two_is_asked() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    visitor.login_at("/one").await;
    let session = visitor.session();
    scene.app.forgets();
    let answer = visitor.fetch("/two").await;
    assert_eq!(answer.status, 401, "S26");
    assert!(answer.set_cookies().is_empty(), "the session of one is no worse for it");
    let answer = visitor.open("/two").await;
    assert_eq!(scene.provider_of(answer.location()), "two", "S26");
    assert!(answer.sets("askara").is_none());
    let socket = ask("GET", "/two").header("connection", "upgrade").header("upgrade", "websocket");
    assert_eq!(visitor.send(socket).await.status, 401, "S26");
    assert!(scene.app.requests().is_empty(), "S26");
    // Everyone may pass here, and the app is told of nobody.
    assert_eq!(visitor.fetch("/open-two").await.status, 200);
    let seen = scene.app.last();
    let identity = ["x-forwarded-user", "x-forwarded-email", "authorization", "cookie"];
    for name in identity {
        assert!(seen.header(name).is_none(), "S26: {name}");
    }
    assert_eq!(visitor.session(), session);
    assert_eq!(scene.user_at(&visitor, "/one").await.as_deref(), Some("ada-of-one"));
    assert_eq!(scene.user_at(&visitor, "/open").await.as_deref(), Some("ada-of-one"));
    assert_eq!(scene.two.token_calls() + scene.two.me_calls(), 0);
}

#[tokio::test]
async fn the_newest_session_is_the_one_that_counts() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    visitor.login_at("/one").await;
    visitor.login_at("/two").await;
    assert_eq!(scene.user_at(&visitor, "/two").await.as_deref(), Some("ada-of-two"));
    assert_eq!(scene.user_at(&visitor, "/anywhere").await.as_deref(), Some("ada-of-two"));
    assert_eq!(visitor.fetch("/one").await.status, 401);
}

#[tokio::test]
async fn where_no_route_says_it_the_person_chooses() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let answer = visitor.open("/page?x=1").await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.location(), "/oauth2/sign_in?rd=%2Fpage%3Fx%3D1");
    assert!(answer.set_cookies().is_empty(), "no attempt before there is a choice");
    let page = visitor.open(answer.location()).await;
    assert_own_page(&page);
    let text = page.text();
    assert!(text.contains("The &lt;First&gt;") && text.contains("Second &amp; Last"), "{text}");
    for name in ["one", "two"] {
        let link = format!("/oauth2/start?provider={name}&rd=%2Fpage%3Fx%3D1");
        assert!(text.contains(&link.replace('&', "&amp;").replace('/', "&#x2f;")), "{text}");
        let visitor = scene.gate.visitor();
        assert_eq!(scene.provider_of(visitor.open(&link).await.location()), name);
        scene.app.forgets();
        visitor.login_at(&link).await;
        assert_eq!(scene.app.targets(), ["/page?x=1"]);
    }
}

#[tokio::test]
async fn a_name_that_is_none_of_ours_chooses_nothing() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    for name in ["evil", "", "ONE", "one ", "https://evil.example", "../one"] {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let answer = visitor.open(&format!("/oauth2/start?provider={name}&rd=%2Fpage")).await;
        assert_eq!(answer.location(), "/oauth2/sign_in?rd=%2Fpage", "{name}");
        assert!(answer.set_cookies().is_empty(), "{name}");
        // Where there is nothing to choose, nothing is missing.
        let answer = visitor.open(&format!("/oauth2/start?provider={name}&rd=%2Ftwo")).await;
        assert_eq!(scene.provider_of(answer.location()), "two", "{name}");
    }
    let answer = visitor.open("/oauth2/start?provider=one&rd=%2Ftwo").await;
    assert_eq!(scene.provider_of(answer.location()), "two", "the route knows better than a link");
    let answer = visitor.open("/oauth2/sign_in?rd=%2Fone").await;
    assert_eq!(scene.provider_of(answer.location()), "one");
}

#[tokio::test]
async fn a_login_that_fails_starts_again_at_the_same_provider() {
    let scene = scene().await;
    scene.two.denies("access_denied");
    let visitor = scene.gate.visitor();
    let answer = visitor.navigate("/oauth2/start?provider=two&rd=%2Fpage").await;
    let again = shown(&answer).again.unwrap();
    assert_eq!(again, "/oauth2/start?provider=two&rd=%2Fpage");
    scene.two.behaves_again();
    visitor.login_at(&again).await;
}

#[tokio::test]
async fn a_session_is_renewed_where_it_was_made() {
    let scene = scene().await;
    scene.two.token_life(2);
    let visitor = scene.gate.visitor();
    visitor.login_at("/two").await;
    wait(2200).await;
    assert_eq!(visitor.fetch("/one").await.status, 401, "nobody waits for two here");
    assert_eq!(visitor.fetch("/two").await.status, 200);
    assert_eq!((scene.one.token_calls(), scene.two.refreshes()), (0, 1));
}

#[tokio::test]
async fn a_session_of_a_provider_that_was_removed_is_nobodys() {
    let (one, two) = (Provider::playing(ASKARA).await, Provider::start().await);
    let (app, key) = (App::start().await, random_key());
    one.token_life(1);
    let both = gateway()
        .with_named("one", &one, &[])
        .with_named("two", &two, &[])
        .with_upstream(&app)
        .with_keys(&[&key])
        .start()
        .await;
    let visitor = both.visitor();
    visitor.login_at("/oauth2/start?provider=one&rd=%2F").await;
    let line = visitor.session_line();
    let left = gateway()
        .with_named("two", &two, &[])
        .with_upstream(&app)
        .with_keys(&[&key])
        .on(both.stop())
        .start()
        .await;
    app.forgets();
    wait(2100).await;
    let answer = left.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert_eq!(answer.status, 401);
    assert!(answer.set_cookies().is_empty(), "another replica may know it still");
    assert!(app.requests().is_empty());
    assert_eq!(two.token_calls(), 0, "no token of one is sent to two");
}

#[tokio::test]
async fn the_app_is_told_which_provider_vouches() {
    let scene = scene().await;
    for name in ["one", "two"] {
        let visitor = scene.gate.visitor();
        visitor.login_at(&format!("/{name}")).await;
        scene.app.forgets();
        let lying = ask("GET", "/open").fetching().header("x-askara-provider", "other");
        assert_eq!(visitor.send(lying).await.status, 200);
        assert_eq!(scene.app.last().header("x-askara-provider"), Some(name), "S26");
    }
    scene.gate.send(ask("GET", "/open").header("x-askara-provider", "one")).await;
    assert_eq!(scene.app.last().header("x-askara-provider"), None, "C-35");
}

#[tokio::test]
async fn a_session_goes_on_where_it_is_nobody() {
    let scene = scene().await;
    scene.one.token_life(2);
    let visitor = scene.gate.visitor();
    visitor.login_at("/one").await;
    let before = visitor.session();
    wait(2200).await;
    let answer = visitor.fetch("/open-two").await;
    assert_eq!((answer.status, scene.one.refreshes()), (200, 1));
    assert!(answer.sets("askara").is_some(), "the cookie keeps up with its refresh token");
    assert_ne!(visitor.session(), before);
    assert_eq!(scene.app.last().header("x-forwarded-user"), None, "S26");
    assert_eq!(scene.user_at(&visitor, "/one").await.as_deref(), Some("ada-of-one"));
}

#[tokio::test]
async fn a_path_of_two_providers_is_nobodys_and_leads_in_no_circle() {
    let scene = scene().await;
    let (one, two, app) = (&scene.one, &scene.two, &scene.app);
    let gate = gateway()
        .with_named("one", one, &[])
        .with_named("two", two, &[])
        .with_route(route("/a", app).with("provider = \"one\""))
        .with_route(route("/a;x", app).with("match = \"regex\"").with("provider = \"two\""))
        .start()
        .await;
    for target in ["/a;x", "/oauth2/start?rd=%2Fa%3Bx", "/oauth2/sign_in?rd=%2Fa%3Bx"] {
        assert_eq!(gate.visitor().open(target).await.status, 404, "{target}");
    }
    gate.visitor().login_at("/a").await;
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_nobody_from_another() {
    let scene = scene().await;
    scene.one.token_life(2);
    let visitor = scene.gate.visitor();
    visitor.login_at("/one").await;
    let session = visitor.session();
    scene.one.fails_token_calls(Fault::status(503));
    wait(2200).await;
    assert_eq!(visitor.fetch("/one").await.status, 503, "C-99");
    assert_eq!(visitor.fetch("/two").await.status, 401, "this one can be signed in at");
    let answer = visitor.open("/two").await;
    assert_eq!(scene.provider_of(answer.location()), "two");
    assert_eq!(visitor.session(), session, "C-99: nothing was lost");
}
