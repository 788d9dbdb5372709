//! Which route a request meets: longest path, host, method; none at all.

use crate::harness::*;

#[tokio::test]
async fn the_longest_prefix_wins_and_exact_before_it() {
    let (all, wiki, page) = (App::start().await, App::start().await, App::start().await);
    let gate = gateway()
        .with_route(public("/", &all))
        .with_route(public("/wiki", &wiki))
        .with_route(public("/wiki/page", &page).with("match = \"exact\""))
        .start()
        .await;
    let visitor = gate.visitor();
    for target in
        ["/", "/wikipedia", "/wiki", "/wiki/", "/wiki/other", "/wiki/page", "/wiki/page/x"]
    {
        assert_eq!(visitor.fetch(target).await.status, 200, "{target}");
    }
    assert_eq!(all.targets(), ["/", "/wikipedia"]);
    assert_eq!(wiki.targets(), ["/wiki", "/wiki/", "/wiki/other", "/wiki/page/x"]);
    assert_eq!(page.targets(), ["/wiki/page"]);
}

#[tokio::test]
async fn templates_and_regexes_cover_whole_paths() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/teams/{team}/logo", &app).with("match = \"template\""))
        .with_route(public("/v[0-9]+/health", &app).with("match = \"regex\""))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    for target in ["/teams/red/logo", "/v1/health", "/v12/health"] {
        assert_eq!(visitor.fetch(target).await.status, 200, "{target}");
    }
    let not_covered = [
        "/teams/red/green/logo",
        "/teams//logo",
        "/teams/logo",
        "/admin/v1/health",
        "/v1/health/admin",
        "/v1/healthy",
    ];
    for target in not_covered {
        assert_eq!(visitor.fetch(target).await.status, 401, "C-48: {target}");
    }
}

#[tokio::test]
async fn no_route_is_404_for_everyone() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_route(route("/app", &app)).start().await;
    let visitor = gate.visitor();
    assert_eq!(visitor.open("/elsewhere").await.status, 404);
    assert_eq!(visitor.fetch("/elsewhere").await.status, 404);
    visitor.login_at("/app").await;
    let answer = visitor.open("/elsewhere").await;
    assert_eq!(answer.status, 404);
    assert_own_page(&answer);
    assert_eq!(app.targets(), ["/app"]);
}

#[tokio::test]
async fn a_public_method_falls_through_to_the_wider_route() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/hook", &app).with("methods = [\"POST\"]"))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    let post = ask("POST", "/hook").body("{}");
    assert_eq!(visitor.send(post).await.status, 200);
    assert_eq!(visitor.fetch("/hook").await.status, 401, "it can only tighten");
    let tricks = ["x-http-method-override", "x-method-override", "x-http-method"];
    for trick in tricks {
        let request = ask("GET", "/hook?_method=POST").fetching().header(trick, "POST");
        assert_eq!(visitor.send(request).await.status, 401, "C-47: {trick}");
    }
    assert_eq!(visitor.send(ask("post", "/hook")).await.status, 401, "C-47: exactly");
    assert_eq!(app.targets(), ["/hook"]);
}

#[tokio::test]
async fn a_method_that_the_route_does_not_take_is_405() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/read", &app).with("methods = [\"GET\"]"))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login_at("/read").await;
    app.forgets();
    let answer = visitor.send(ask("POST", "/read").fetching()).await;
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")));
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn dangerous_methods_are_refused() {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    for method in ["TRACE", "TRACK"] {
        let answer = gate.send(ask(method, "/")).await;
        assert!(matches!(answer.status, 400 | 405 | 501), "C-65: {method} {}", answer.status);
    }
    assert!(app.requests().is_empty(), "C-65");
}

#[tokio::test]
async fn a_health_path_answers_and_the_operators_route_wins() {
    let app = App::start().await;
    let plain = gateway().with_upstream(&app).start().await;
    plain.ready().await;
    for path in ["/ping", "/ready"] {
        assert_eq!(plain.send(ask("GET", path)).await.status, 200, "{path}");
    }
    assert!(app.requests().is_empty());
    let own = gateway().with_route(public("/ready", &app).with("match = \"exact\"")).start().await;
    own.send(ask("GET", "/ready")).await;
    assert_eq!(app.targets(), ["/ready"], "an exact route of the operator's wins");
}

#[tokio::test]
async fn the_host_chooses_the_route() {
    let (wiki, any) = (App::start().await, App::start().await);
    let gate = gateway()
        .with_route(public("/", &wiki).with("host = \"wiki.example.com\""))
        .with_route(public("/", &any))
        .start()
        .await;
    let hosts = ["wiki.example.com", "WIKI.example.com", "wiki.example.com:8080"];
    for host in hosts {
        gate.send(ask("GET", "/wiki").header("host", host)).await;
    }
    gate.send(ask("GET", "/any")).await;
    assert_eq!(wiki.targets(), ["/wiki"; 3]);
    assert_eq!(any.targets(), ["/any"]);
    let seen = wiki.last();
    assert_eq!(seen.header("host"), Some("wiki.example.com:8080"), "unchanged by default");
}

#[tokio::test]
async fn a_prefix_is_taken_off_and_another_put_on() {
    let (wiki, any) = (App::start().await, App::start().await);
    let gate = gateway()
        .with_route(public("/wiki", &wiki).with("strip_prefix = \"/wiki\""))
        .with_route(
            public("/old/api", &wiki).with("strip_prefix = \"/old\"\nadd_prefix = \"/new\""),
        )
        .with_route(public("/", &any))
        .start()
        .await;
    for (target, status, seen) in [
        ("/wiki", 200, Some("/")),
        ("/wiki/", 200, Some("/")),
        ("/wiki/page?x=/wiki", 200, Some("/page?x=/wiki")),
        ("/%77iki/a%20b", 200, Some("/a%20b")),
        ("/wiki?x", 200, Some("/?x")),
        ("/old/api/v1", 200, Some("/new/api/v1")),
        ("/wikipedia", 200, None),
    ] {
        wiki.forgets();
        let answer = gate.send(ask("GET", target).header("x-forwarded-prefix", "/evil")).await;
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(wiki.targets(), seen.into_iter().collect::<Vec<_>>(), "{target}");
    }
    assert_eq!(any.last().header("x-forwarded-prefix"), None, "a visitor's is nobody's");
    gate.send(ask("GET", "/wiki/x").header("x-forwarded-prefix", "/evil")).await;
    assert_eq!(wiki.last().header("x-forwarded-prefix"), Some("/wiki"));
}

#[tokio::test]
async fn a_prefix_that_is_not_surely_there_is_refused() {
    let (provider, wiki) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/wiki", &wiki).with("strip_prefix = \"/wiki\""))
        .with_upstream(&wiki)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login_at("/wiki/").await;
    wiki.forgets();
    assert_eq!(visitor.fetch("/wiki;x=1/page").await.status, 400, "C-42");
    assert!(wiki.requests().is_empty());
    assert_eq!(visitor.fetch("/wiki//evil.example/page").await.status, 200);
    assert_eq!(visitor.fetch("//wiki/page").await.status, 200);
    assert_eq!(wiki.targets(), ["/evil.example/page", "/page"], "C-42");
}

#[tokio::test]
async fn the_host_for_the_app_is_kept_or_set() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/", &app))
        .with_route(public("/up", &app).with("host_header = \"upstream\""))
        .with_route(public("/named", &app).with("host_header = \"Wiki.internal:8080\""))
        .start()
        .await;
    let upstream = app.url().replace("http://", "");
    for (target, host) in
        [("/", "asked.example"), ("/up", upstream.as_str()), ("/named", "wiki.internal:8080")]
    {
        gate.send(ask("GET", target).header("host", "asked.example")).await;
        assert_eq!(app.last().header("host"), Some(host), "{target}");
    }
}

#[tokio::test]
async fn among_a_thousand_routes_each_is_found() {
    let (many, any) = (App::start().await, App::start().await);
    let mut builder = gateway().with_upstream(&any);
    for n in 0..1000 {
        let kind = ["prefix", "exact", "template", "regex"][n % 4];
        let path =
            ["/p{n}", "/p{n}/x", "/p{n}/{v}", "/p{n}/[a-z]+"][n % 4].replace("{n}", &n.to_string());
        let host = ["", "host = \"a.example\"", "host = \"*.b.example\""][n % 3];
        builder =
            builder.with_route(public(&path, &many).with(&format!("match = {kind:?}\n{host}")));
    }
    let gate = builder.start().await;
    for n in [0, 1, 2, 3, 500, 501, 502, 503, 996, 997, 998, 999] {
        let host = ["other.example", "a.example", "x.y.b.example"];
        for (index, host) in host.into_iter().enumerate() {
            let request = ask("GET", &format!("/p{n}/x")).fetching().header("host", host);
            let found = n % 3 == 0 || n % 3 == index;
            let status = gate.send(request).await.status;
            // Without a route of its own it is for those who are signed in, at a host of ours.
            assert_eq!(status == 200, found, "/p{n}/x at {host}: {status}");
        }
    }
    assert!(any.requests().is_empty());
}

#[tokio::test]
async fn c47_where_the_method_decides_the_app_hears_of_no_other() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/", &app))
        .with_route(public("/read", &app).with("methods = [\"GET\"]"))
        .start()
        .await;
    for (target, told) in [("/read", false), ("/", true)] {
        for name in ["x-http-method-override", "x-method-override", "x-http-method"] {
            gate.send(ask("GET", target).fetching().header(name, "DELETE")).await;
            assert_eq!(app.last().header(name).is_some(), told, "C-47: {target} {name}");
        }
    }
}
