//! A person with a browser: a cookie jar, navigations that follow redirects, fetches that don't.

use std::sync::{Arc, Mutex};

use http::Response;
use hyper::body::Incoming;
use rustls::ClientConfig;
use url::Url;

use super::form::Form;
use super::jar::{Jar, SetCookie};
use super::{Answer, Ask, CALLBACK, Line, ask, secrets};

/// A browser gives up at twenty, and no way through the gateway is that long.
const MOST_REDIRECTS: usize = 20;

/// Clones are tabs of one browser: they share the jar.
#[derive(Clone)]
pub(crate) struct Visitor {
    origin: Url,
    tls: Option<Arc<ClientConfig>>,
    jar: Arc<Mutex<Jar>>,
}

impl Visitor {
    pub(crate) fn new(origin: Url, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { origin, tls, jar: Arc::default() }
    }

    /// Sends one request with the jar's cookies (unless it brings its own) and keeps what is set.
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        self.send_to(&self.origin, ask).await
    }

    /// The same at another origin, as a browser that was led there.
    pub(crate) async fn send_to(&self, origin: &Url, ask: Ask) -> Answer {
        let response = self.begin_at(origin, ask).await;
        Answer::read(response).await
    }

    /// Sends one request and leaves the body of the answer unread.
    pub(crate) async fn begin(&self, ask: Ask) -> Response<Incoming> {
        self.begin_at(&self.origin, ask).await
    }

    async fn begin_at(&self, origin: &Url, mut ask: Ask) -> Response<Incoming> {
        if !ask.has_cookie() {
            let line = self.jar.lock().unwrap().line(origin, &ask.target);
            if let Some(line) = line {
                ask = ask.cookie(&line);
            }
        }
        let what = format!("{} {}", ask.method, ask.target);
        let mut line = Line::open(origin, self.tls.as_ref())
            .await
            .unwrap_or_else(|error| panic!("no connection for {what}: {error}"));
        let response =
            line.begin(ask).await.unwrap_or_else(|error| panic!("no answer for {what}: {error}"));
        self.keep_cookies(origin, &response);
        response
    }

    fn keep_cookies(&self, origin: &Url, response: &Response<Incoming>) {
        let mut jar = self.jar.lock().unwrap();
        for line in response.headers().get_all("set-cookie") {
            let cookie = SetCookie::parse(line.to_str().unwrap());
            if cookie.name.contains("askara") {
                secrets::note(&cookie.value);
            }
            jar.take(origin, &cookie);
        }
    }

    /// A plain GET, as a command-line client sends it.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(ask("GET", target)).await
    }

    /// A script's GET.
    pub(crate) async fn fetch(&self, target: &str) -> Answer {
        self.send(ask("GET", target).fetching()).await
    }

    /// One step of a navigation: redirects are shown, not followed.
    pub(crate) async fn open(&self, target: &str) -> Answer {
        self.send(ask("GET", target).navigating()).await
    }

    /// A whole navigation, through the provider and back when the gateway sends there.
    pub(crate) async fn navigate(&self, target: &str) -> Answer {
        self.follow(self.open(target).await).await
    }

    pub(crate) async fn follow(&self, answer: Answer) -> Answer {
        self.follow_while(answer, |_| true).await
    }

    /// Follows redirects, and forms that post themselves, as long as the next address is wanted.
    pub(crate) async fn follow_while(
        &self,
        mut answer: Answer,
        wanted: impl Fn(&Url) -> bool,
    ) -> Answer {
        let mut at = self.origin.clone();
        for _ in 0..MOST_REDIRECTS {
            let form = Form::that_posts_itself(&answer);
            let next = match &form {
                Some(form) => at.join(&form.action).unwrap(),
                None if answer.redirects() => at.join(answer.location()).unwrap(),
                None => return answer,
            };
            let secret = |name: &str| ["code", "id_token_hint"].contains(&name);
            let pairs = next.query_pairs().filter(|(name, _)| secret(name));
            pairs.for_each(|(_, value)| secrets::note(&value));
            if !wanted(&next) {
                return answer;
            }
            answer = match form {
                Some(form) => self.post(&form, &at, &next).await,
                None => self.send_to(&next, ask("GET", &target_of(&next)).navigating()).await,
            };
            at = next;
        }
        panic!("more than {MOST_REDIRECTS} redirects, the last to {at}");
    }

    /// Posts the form of a page at `from`.
    async fn post(&self, form: &Form, from: &Url, to: &Url) -> Answer {
        let target = target_of(to);
        let mut ask = ask("POST", &target)
            .navigating()
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", &from.origin().ascii_serialization())
            .body(form.body());
        if from.origin() != to.origin() {
            let line = self.jar.lock().unwrap().cross_site_line(to, &target);
            // An empty line keeps the others away.
            ask = ask.header("sec-fetch-site", "cross-site").cookie(&line.unwrap_or_default());
        }
        self.send_to(to, ask).await
    }

    /// Signs in by going to the front page.
    pub(crate) async fn login(&self) {
        self.login_at("/").await;
    }

    pub(crate) async fn login_at(&self, target: &str) {
        let answer = self.navigate(target).await;
        assert_eq!(answer.status, 200, "signing in ends at {}", answer.text());
        assert!(self.session().is_some(), "signing in brings a session");
    }

    /// Goes as far as the provider's answer: the callback address, not yet opened.
    pub(crate) async fn consent(&self, target: &str) -> String {
        self.consent_at(target, CALLBACK).await
    }

    pub(crate) async fn consent_at(&self, target: &str, callback: &str) -> String {
        let sent = self.open(target).await;
        assert!(sent.redirects(), "{target} starts a login: {}", sent.text());
        let back = self.follow_while(sent, |next| next.path() != callback).await;
        let back = self.origin.join(back.location()).unwrap();
        assert_eq!(back.origin(), self.origin.origin());
        back[url::Position::BeforePath..].to_owned()
    }

    /// The session cookie's value, if the browser has one.
    pub(crate) fn session(&self) -> Option<String> {
        let jar = self.jar.lock().unwrap();
        ["askara", "__Host-askara"].iter().find_map(|name| jar.value(name))
    }

    /// The session as a Cookie line of its own.
    pub(crate) fn session_line(&self) -> String {
        format!("askara={}", self.session().expect("signed in"))
    }

    pub(crate) fn cookie_names(&self) -> Vec<String> {
        self.jar.lock().unwrap().names()
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().unwrap().value(name)
    }

    pub(crate) fn put_cookie(&self, pair: &str) {
        self.jar.lock().unwrap().put(&self.origin, pair);
    }

    pub(crate) fn forget_cookies(&self) {
        self.jar.lock().unwrap().forget();
    }

    pub(crate) fn state_cookies(&self) -> Vec<String> {
        let mut names = self.cookie_names();
        names.retain(|name| name.contains("askara-st-"));
        names
    }
}

fn target_of(address: &Url) -> String {
    address[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
}
