//! A form that is posted without a session: kept until its sender has signed in, and sent once.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;

use crate::harness::*;

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=----line";
const NOTHING_LEFT: &str = "There’s nothing left to send";

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

/// A gateway whose one route keeps forms, with these lines of its own and of `[session]`.
async fn scene_with(lines: &[&str], session: &[&str]) -> Scene {
    let (provider, app) = (Provider::playing(OIDC).await, App::start().await);
    let mut route = route("/", &app).with("keep_posts = true");
    for line in lines {
        route = route.with(line);
    }
    let mut builder = gateway().with_provider(&provider).with_route(route);
    for line in session {
        builder = builder.with_session(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

async fn scene() -> Scene {
    scene_with(&[], &[]).await
}

/// What a browser sends when a person posts a form of a page of ours.
fn form(target: &str, kind: &str, body: impl Into<Bytes>) -> Ask {
    ask("POST", target).navigating().same_origin().header("content-type", kind).body(body)
}

impl Scene {
    /// Posts a form and signs in, up to the page that sends it on.
    async fn parked(&self, visitor: &Visitor, ask: Ask) -> Answer {
        let sent = visitor.send(ask).await;
        assert_eq!(sent.status, 303, "{}", sent.text());
        self.to_the_page(visitor, sent).await
    }

    async fn to_the_page(&self, visitor: &Visitor, sent: Answer) -> Answer {
        let on = visitor.follow_while(sent, |next| next.path() != "/oauth2/resume").await;
        assert!(on.redirects(), "{}", on.text());
        let page = on.location().to_owned();
        visitor.open(&page).await
    }
}

/// What the page's form posts.
fn resume(page: &Answer) -> Ask {
    let form = Form::that_asks(page).or_else(|| Form::that_posts_itself(page));
    let form = form.unwrap_or_else(|| panic!("no form: {}", page.text()));
    let [(name, value)] = form.fields.as_slice() else { panic!("{:?}", form.fields) };
    let action = url::Url::parse(&form.action).unwrap();
    self::form(&action[url::Position::BeforePath..], URLENCODED, format!("{name}={value}"))
}

/// Every byte that there is, and more than one packet of it.
fn file() -> Vec<u8> {
    (0..40_000_u32).map(|n| (n % 256) as u8).collect()
}

fn multipart() -> Vec<u8> {
    let head = "------line\r\nContent-Disposition: form-data; name=\"na\u{e4}me\"; \
                filename=\"\u{fc}.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    [head.as_bytes(), &file(), b"\r\n------line--\r\n"].concat()
}

#[tokio::test]
async fn a_form_arrives_once_and_whole_after_the_login() {
    let bodies = [
        (URLENCODED, b"name=J%C3%BCrgen&text=a+%26+b%0D%0A&empty=&raw=\xfc".to_vec()),
        (MULTIPART, multipart()),
        ("text/plain", b"a=b\r\n".to_vec()),
        (URLENCODED, Vec::new()),
    ];
    for (kind, body) in bodies {
        let scene = scene().await;
        let target = "/form/%7Bdeep%7D?x=1&x=%20&r=/a";
        let referer = format!("{}/page?secret-draft", scene.gate.base());
        let sent = form(target, kind, body.clone()).header("referer", &referer);
        let page = scene.parked(&scene.visitor, sent).await;
        assert_eq!(page.status, 200, "{}", page.text());
        // Nobody knows whose it was: whoever signed in says that it is theirs.
        assert!(!page.text().contains("<script>") && page.text().contains("id=\"send\""));
        assert!(scene.app.requests().is_empty(), "nothing is sent before its sender is known");

        let answer = scene.visitor.send(resume(&page).header("referer", "/oauth2/resume")).await;
        assert_eq!((answer.status, answer.header("x-app")), (200, Some("yes")));
        let seen = scene.app.last();
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", target));
        assert_eq!(seen.body, body);
        assert_eq!(seen.header("content-type"), Some(kind));
        assert_eq!(seen.header("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(seen.header("transfer-encoding"), None);
        assert_eq!(seen.header("referer"), Some(referer.as_str()));
        assert!(
            seen.header("x-forwarded-user").is_some() && seen.header("authorization").is_some()
        );
        assert_eq!(seen.header("cookie"), None, "S47");
        assert!(scene.visitor.state_cookies().is_empty());
        assert_eq!(scene.app.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_path_of_two_slashes_leads_to_no_other_host() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("//evil.example/f", URLENCODED, "a=1")).await;
    let leads = Form::that_asks(&page).unwrap().action;
    assert_eq!(leads, format!("{}//evil.example/f", scene.gate.base()), "C-5");
}

#[tokio::test]
async fn what_the_route_would_not_take_is_not_kept() {
    let scene = scene_with(&["limits = { body_bytes = 100 }"], &[]).await;
    let sent = scene.visitor.send(form("/f", URLENCODED, "a".repeat(500))).await;
    assert_eq!(sent.status, 401, "{}", sent.text());
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a".repeat(100))).await;
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
}

#[tokio::test]
async fn the_browser_of_the_present_brings_its_own_cookies() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    scene.visitor.put_cookie("csrftoken=of-the-app");
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
    assert_eq!(scene.app.last().header("cookie"), Some("csrftoken=of-the-app"));
}

#[tokio::test]
async fn no_form_is_kept_unless_the_route_says_so() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let answer = gate.send(form("/f", URLENCODED, "a=1")).await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("was not passed on"), "{}", answer.text());
    assert!(answer.set_cookies().is_empty());
}

#[tokio::test]
async fn c67_what_no_page_of_ours_posts_is_not_kept() {
    let scene = scene().await;
    let from = |site: &str| {
        let ask = ask("POST", "/f").navigating().header("sec-fetch-site", site);
        ask.header("content-type", URLENCODED).body("a=1")
    };
    let script = || ask("POST", "/f").fetching().header("content-type", "application/json");
    let plain =
        || ask("POST", "/f").header("accept", "text/html").header("content-type", URLENCODED);
    for (what, sent) in [
        ("another site", from("cross-site")),
        ("another host of our site", from("same-site")),
        ("another origin", plain().header("origin", "https://evil.example").body("a=1")),
        ("nobody knows whom", plain().body("a=1")),
        ("a script", script().body("{}")),
        ("a PUT", ask("PUT", "/f").navigating().same_origin().body("a=1")),
    ] {
        let answer = scene.visitor.send(sent).await;
        assert_eq!(answer.status, 401, "C-67: {what}: {}", answer.text());
        assert!(answer.set_cookies().is_empty(), "C-67: {what}");
    }
    let own = plain().header("origin", &scene.gate.base()).body("a=1");
    assert_eq!(scene.visitor.send(own).await.status, 303, "a browser that says no more");
    assert!(scene.app.requests().is_empty(), "C-67");
}

#[tokio::test]
async fn a_larger_form_is_refused_with_a_page_that_says_that_nothing_was_sent() {
    let scene = scene_with(&["keep_post_bytes = 1000"], &[]).await;
    let answer = scene.visitor.send(form("/f", URLENCODED, vec![b'x'; 1001])).await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("was not passed on"), "{}", answer.text());
    assert!(answer.set_cookies().is_empty());
    // One that does not say how large it is.
    let (sender, body) = from_channel();
    let chunks = tokio::spawn(async move {
        for _ in 0..11 {
            let _ = sender.send(Frame::data(Bytes::from(vec![b'x'; 100]))).await;
        }
    });
    let sent = ask("POST", "/f").navigating().same_origin().header("content-type", URLENCODED);
    let answer = scene.visitor.send(sent.stream(body)).await;
    chunks.await.unwrap();
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert_eq!(scene.visitor.send(form("/f", URLENCODED, vec![b'x'; 1000])).await.status, 303);
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn c61_the_rest_of_a_refused_form_is_no_request() {
    let scene = scene_with(&["keep_post_bytes = 10"], &[]).await;
    let inner = format!("GET /smuggled HTTP/1.1\r\nHost: {}\r\n\r\n", scene.gate.authority());
    let request = format!(
        "POST /f HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: {URLENCODED}\r\nContent-Length: {}\r\n\r\n{inner}",
        scene.gate.authority(),
        inner.len()
    );
    assert_eq!(scene.gate.raw(request).await.statuses(), [401], "C-61");
    assert!(scene.app.requests().is_empty(), "C-61");
}

#[tokio::test]
async fn a_form_that_never_comes_to_its_end_is_not_waited_for() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/", &app).with("keep_posts = true"))
        .with_table("[limits]\nbody_idle = \"1s\"")
        .start()
        .await;
    let (sender, body) = from_channel();
    sender.send(Frame::data(Bytes::from_static(b"a="))).await.unwrap();
    let sent = ask("POST", "/f").navigating().same_origin().header("content-type", URLENCODED);
    assert_eq!(gate.send(sent.stream(body)).await.status, 401);
    drop(sender);
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    let kept: Vec<String> = scene.visitor.state_cookies();
    let cookies: Vec<String> = kept
        .iter()
        .map(|name| format!("{name}={}", scene.visitor.cookie(name).unwrap()))
        .chain([scene.visitor.session_line()])
        .collect();
    let both = [resume(&page), resume(&page)].map(|ask| scene.visitor.send(ask));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(both).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410], "two at the same moment");
    // A browser that reloads, and one that keeps its cookies.
    for again in [resume(&page), resume(&page).cookie(&cookies.join("; "))] {
        let answer = scene.visitor.send(again).await;
        assert_eq!((answer.status, shown(&answer).heading.as_str()), (410, NOTHING_LEFT));
    }
    assert_eq!(scene.app.requests().len(), 1);
    assert_eq!(scene.app.last().body, "a=1");
}

#[tokio::test]
async fn c12_another_browser_can_neither_see_nor_send_it() {
    let scene = scene().await;
    let sent = scene.visitor.send(form("/f", URLENCODED, "a=1")).await;
    let on = scene.visitor.follow_while(sent, |next| next.path() != "/oauth2/resume").await;
    let address = on.location().to_owned();
    let page = scene.visitor.open(&address).await;

    let thief = scene.gate.visitor();
    thief.login().await;
    scene.app.forgets();
    let answer = thief.open(&address).await;
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (410, NOTHING_LEFT), "C-12");
    assert_eq!(thief.send(resume(&page)).await.status, 410, "C-12");
    assert!(scene.app.requests().is_empty(), "C-12");
    // It is not spent by that.
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
}

#[tokio::test]
async fn c67_a_foreign_page_can_not_have_it_sent() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    let form = Form::that_asks(&page).unwrap();
    let (name, value) = &form.fields[0];
    for site in ["cross-site", "same-site"] {
        let foreign = ask("POST", "/f")
            .navigating()
            .header("sec-fetch-site", site)
            .header("content-type", URLENCODED)
            .body(format!("{name}={value}"));
        assert_eq!(scene.visitor.send(foreign).await.status, 403, "C-67: {site}");
    }
    assert!(scene.app.requests().is_empty(), "C-67");
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
}

#[tokio::test]
async fn c26_it_is_for_the_address_and_the_host_that_it_was_sent_to() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    let cookies: Vec<String> = scene
        .visitor
        .cookie_names()
        .iter()
        .map(|name| format!("{name}={}", scene.visitor.cookie(name).unwrap()))
        .collect();
    let elsewhere = resume(&page).header("host", "other.example").cookie(&cookies.join("; "));
    assert_eq!(scene.visitor.send(elsewhere).await.status, 410, "C-26");
    assert!(scene.app.requests().is_empty(), "C-26");
    let mut other = resume(&page);
    other.target = "/other".to_owned();
    assert_eq!(scene.visitor.send(other).await.status, 410);
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn c23_an_altered_claim_is_none() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    let names = scene.visitor.state_cookies();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    let mut value = scene.visitor.cookie(name).unwrap().into_bytes();
    let middle = value.len() / 2;
    value[middle] = if value[middle] == b'A' { b'B' } else { b'A' };
    let value = String::from_utf8(value).unwrap();
    let line = format!("{name}={value}; {}", scene.visitor.session_line());
    assert_eq!(scene.visitor.send(resume(&page).cookie(&line)).await.status, 410, "C-23");
    assert!(scene.app.requests().is_empty(), "C-23");
}

#[tokio::test]
async fn whoever_is_somebody_else_now_is_asked() {
    let scene = scene_with(&[], &["idle_timeout = \"2s\""]).await;
    scene.provider.names_subject("former-7");
    scene.visitor.login().await;
    scene.app.forgets();
    wait(2_100).await;
    scene.provider.names_subject("grace");
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("Send what was entered?"), "{}", page.text());
    assert!(page.text().contains("id=\"ask\"") && !page.text().contains("<script"));
    assert!(!page.text().contains("former-7"), "who was there is nobody's business");
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn whoever_is_the_same_is_not_asked() {
    let scene = scene_with(&[], &["idle_timeout = \"2s\""]).await;
    scene.visitor.login().await;
    scene.app.forgets();
    wait(2_100).await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    assert!(Form::that_posts_itself(&page).is_some(), "{}", page.text());
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
    assert_eq!(scene.app.last().body, "a=1");
}

#[tokio::test]
async fn a_page_that_was_shown_to_one_person_sends_nothing_for_another() {
    let scene = scene().await;
    scene.provider.names_subject("ada");
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    scene.provider.names_subject("grace");
    scene.visitor.navigate("/oauth2/start?rd=%2Fhome").await;
    scene.app.forgets();
    let answer = scene.visitor.send(resume(&page)).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("/oauth2/resume?p="), "{}", answer.location());
    assert!(scene.app.requests().is_empty());
    let page = scene.visitor.open(answer.location()).await;
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("grace"));
}

#[tokio::test]
async fn a_session_that_ends_once_more_loses_nothing() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    let out = ask("POST", "/oauth2/sign_out").navigating().same_origin();
    scene.visitor.send(out).await;
    let sent = scene.visitor.send(resume(&page)).await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    let page = scene.to_the_page(&scene.visitor, sent).await;
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
    assert_eq!(scene.app.last().body, "a=1", "not the form of our page");
}

#[tokio::test]
async fn an_app_that_is_away_gets_it_later() {
    let scene = scene().await;
    let port = Port::reserve();
    let provider = &scene.provider;
    let down = format!("http://127.0.0.1:{}", port.number);
    let gate = gateway()
        .with_provider(provider)
        .with_route(route("/", &down.as_str()).with("keep_posts = true"))
        .start()
        .await;
    let visitor = gate.visitor();
    let page = scene.parked(&visitor, form("/f", URLENCODED, "a=1")).await;
    assert_eq!(visitor.send(resume(&page)).await.status, 502);
    let listener = port.listen();
    let seen = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"a=1") {
            let mut byte = [0];
            tokio::io::AsyncReadExt::read_exact(&mut socket, &mut byte).await.unwrap();
            text.push(byte[0]);
        }
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut socket, answer).await.unwrap();
        String::from_utf8(text).unwrap()
    });
    assert_eq!(visitor.send(resume(&page)).await.status, 204);
    assert!(seen.await.unwrap().starts_with("POST /f HTTP/1.1\r\n"));
    assert_eq!(visitor.send(resume(&page)).await.status, 410);
}

#[tokio::test]
async fn a_process_that_starts_again_says_that_nothing_was_sent() {
    if std::env::var("GATE_TESTS_SESSION").is_ok_and(|line| !line.is_empty()) {
        // With a store nothing is lost: see below.
        return;
    }
    let (provider, app, key) = (Provider::start().await, App::start().await, random_key());
    let keeps = || {
        let route = route("/", &app).with("keep_posts = true");
        gateway().with_provider(&provider).with_route(route).with_keys(&[&key])
    };
    let gate = keeps().start().await;
    let visitor = gate.visitor();
    let sent = visitor.send(form("/f", URLENCODED, "a=1")).await;
    let _gate = keeps().on(gate.stop()).start().await;
    let on = visitor.follow_while(sent, |next| next.path() != "/oauth2/resume").await;
    let answer = visitor.open(on.location()).await;
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (410, NOTHING_LEFT));
    assert!(answer.text().contains("nothing was sent"), "{}", answer.text());
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn with_a_store_any_replica_sends_what_another_kept_and_one_alone() {
    for session in [Redis::store, Redis::coordination] {
        let (provider, app, redis) = (Provider::start().await, App::start().await, Redis::start());
        let key = random_key();
        let replica = || {
            let route = route("/", &app).with("keep_posts = true").with("keep_post_bytes = 200000");
            let builder = gateway().with_provider(&provider).with_keys(&[&key]);
            builder.with_route(route).with_session(&session(&redis))
        };
        let body: Vec<u8> = file().into_iter().cycle().take(150_000).collect();
        let first = replica().start().await;
        first.ready().await;
        let visitor = first.visitor();
        let sent = visitor.send(form("/f", "text/plain", body.clone())).await;
        assert_eq!(sent.status, 303, "{}", sent.text());
        let second = replica().on(first.stop()).start().await;
        second.ready().await;
        let on = visitor.follow_while(sent, |next| next.path() != "/oauth2/resume").await;
        let page = visitor.open(on.location()).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert_eq!(visitor.send(resume(&page)).await.status, 200);
        assert_eq!(app.last().body, body);
        let third = replica().on(second.stop()).start().await;
        third.ready().await;
        assert_eq!(visitor.send(resume(&page)).await.status, 410);
        assert_eq!(app.requests().len(), 1);
    }
}

#[tokio::test]
async fn c78_strangers_fill_no_more_than_their_share() {
    let scene = scene_with(&["keep_post_bytes = 1000000"], &[]).await;
    let before = scene.gate.memory();
    let first = scene.gate.visitor();
    let sent = first.send(form("/f", "text/plain", "first")).await;
    for _ in 0..100 {
        let stranger = scene.gate.visitor();
        let answer = stranger.send(form("/f", "text/plain", vec![b'x'; 1_000_000])).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
    }
    let grown = scene.gate.memory().saturating_sub(before);
    assert!(grown < 40 * 1024, "C-78: {grown} KiB for 100 MB of forms");
    // All of this came from one address, whose oldest went.
    let page = scene.to_the_page(&first, sent).await;
    assert_eq!((page.status, shown(&page).heading.as_str()), (410, NOTHING_LEFT));
    let last = scene.gate.visitor();
    let page = scene.parked(&last, form("/f", "text/plain", "last")).await;
    assert_eq!(last.send(resume(&page)).await.status, 200);
    assert_eq!(scene.app.last().body, "last");
}

#[tokio::test]
async fn c16_claims_and_attempts_together_never_pile_up() {
    let scene = scene().await;
    for n in 0..8 {
        let target = format!("/f/{}?{n}", "x".repeat(800));
        assert_eq!(scene.visitor.send(form(&target, URLENCODED, "a=1")).await.status, 303);
        let names = scene.visitor.state_cookies();
        assert!(names.len() <= 5, "C-16: {names:?}");
        let bytes: usize =
            names.iter().map(|name| name.len() + scene.visitor.cookie(name).unwrap().len()).sum();
        assert!(bytes <= 4096, "C-16: {bytes} bytes of state cookies");
    }
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=last")).await;
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
}

#[tokio::test]
async fn two_forms_in_two_tabs_are_two() {
    let scene = scene().await;
    let (one, two) = (scene.visitor.clone(), scene.visitor.clone());
    let sent_one = one.send(form("/one", URLENCODED, "a=1")).await;
    let sent_two = two.send(form("/two", URLENCODED, "a=2")).await;
    let page_two = scene.to_the_page(&two, sent_two).await;
    assert_eq!(two.send(resume(&page_two)).await.status, 200);
    let page_one = scene.to_the_page(&one, sent_one).await;
    assert_eq!(one.send(resume(&page_one)).await.status, 200);
    let seen: Vec<(String, Bytes)> =
        scene.app.requests().into_iter().map(|seen| (seen.target, seen.body)).collect();
    assert_eq!(seen, [("/two".into(), "a=2".into()), ("/one".into(), "a=1".into())]);
}

#[tokio::test]
async fn a_form_of_the_same_length_as_ours_goes_to_the_app_as_it_is() {
    let scene = scene().await;
    scene.visitor.login().await;
    let page = scene.visitor.open("/").await;
    assert_eq!(page.status, 200);
    for body in ["askara-gate-resume=".to_owned() + &"g".repeat(64), "a".repeat(83)] {
        assert_eq!(scene.visitor.send(form("/f", URLENCODED, body.clone())).await.status, 200);
        assert_eq!(scene.app.last().body, body);
    }
}

#[tokio::test]
async fn the_way_leads_through_the_choice_of_a_provider_and_through_a_page_that_posts() {
    let (one, two) = (Provider::playing(POCKETS).await, Provider::start().await);
    let app = App::start().await;
    let keeps = |path| route(path, &app).with("keep_posts = true");
    let gate = gateway()
        .with_named("one", &one, &[])
        .with_named("two", &two, &[])
        .with_route(keeps("/one").with("provider = \"one\""))
        .with_route(keeps("/"))
        .start()
        .await;
    // A route of one provider's, which wants to be posted to.
    let visitor = gate.visitor();
    let sent = visitor.send(form("/one/f", URLENCODED, "a=1")).await;
    assert_eq!(sent.status, 303);
    assert!(sent.location().starts_with("/oauth2/start?"), "{}", sent.location());
    let on = visitor.follow_while(sent, |next| next.path() != "/oauth2/resume").await;
    let page = visitor.open(on.location()).await;
    assert_eq!(visitor.send(resume(&page)).await.status, 200);
    assert_eq!(app.last().body, "a=1");
    // A route of both: the person chooses.
    let visitor = gate.visitor();
    let sent = visitor.send(form("/f", URLENCODED, "a=2")).await;
    let choice = sent.location().replace("/oauth2/sign_in?", "/oauth2/start?provider=two&");
    assert!(choice.contains("resume"), "{choice}");
    let chosen = visitor.open(&choice).await;
    let on = visitor.follow_while(chosen, |next| next.path() != "/oauth2/resume").await;
    let page = visitor.open(on.location()).await;
    assert_eq!(visitor.send(resume(&page)).await.status, 200);
    assert_eq!(app.last().body, "a=2");
}

#[tokio::test]
async fn the_page_can_only_post_and_is_nobodys_frame() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "a=1")).await;
    assert_own_page_with_script(&page);
    assert!(page.text().contains("<meta name=\"referrer\" content=\"same-origin\">"));
    let answer = scene.visitor.send(ask("POST", "/oauth2/resume?p=x").same_origin()).await;
    assert_eq!(answer.status, 405);
    for wrong in ["/oauth2/resume", "/oauth2/resume?p=", "/oauth2/resume?p=%27"] {
        assert_eq!(scene.visitor.open(wrong).await.status, 404, "{wrong}");
    }
}

fn assert_own_page_with_script(page: &Answer) {
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("script-src 'sha256-") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"), "C-69");
}

#[tokio::test]
async fn what_is_kept_is_not_in_the_log() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/f", URLENCODED, "pin=canary-4711")).await;
    assert_eq!(scene.visitor.send(resume(&page)).await.status, 200);
    assert!(!scene.gate.output().contains("canary-4711"), "C-105");
    assert!(scene.gate.output().contains("a form is kept"));
}

#[tokio::test]
async fn an_answer_without_a_body_is_passed_on_with_the_claim_taken_away() {
    let scene = scene().await;
    let page = scene.parked(&scene.visitor, form("/status/204", URLENCODED, "a=1")).await;
    let response = scene.visitor.begin(resume(&page)).await;
    assert_eq!(response.status(), 204);
    let cleared = response.headers().get_all("set-cookie").iter().count();
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
    assert_eq!(cleared, 1);
}
