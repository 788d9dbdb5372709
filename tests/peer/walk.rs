//! What a visitor meets, in words that are the same for both gateways where the outcome is.

use url::{Position, Url};

use crate::harness::{Answer, Ask, Visitor, ask};
use crate::stage::Stage;

/// Longer ways are loops.
const MOST_STEPS: usize = 12;

impl Stage {
    /// A person goes to an address; redirects are followed, through the provider and back.
    pub(crate) async fn goes(&self, visitor: &Visitor, target: &str) -> String {
        self.walks(visitor, ask("GET", target).navigating(), |ask| ask.navigating()).await
    }

    /// A script's GET follows redirects as well, but no script follows to another origin.
    pub(crate) async fn fetches(&self, visitor: &Visitor, target: &str) -> String {
        self.walks(visitor, ask("GET", target).fetching(), |ask| ask.fetching()).await
    }

    /// Sends a request and follows redirects with GETs that are dressed as told.
    pub(crate) async fn walks(
        &self,
        visitor: &Visitor,
        first: Ask,
        dressed: fn(Ask) -> Ask,
    ) -> String {
        let follows_anywhere = first.headers.iter().any(|(_, value)| value == "navigate");
        let mut at = self.front.join(&first.target).unwrap();
        let mut answer = visitor.send(first).await;
        let mut steps = vec![self.told(&at, &answer)];
        while answer.redirects() && steps.len() < MOST_STEPS {
            at = at.join(answer.location()).unwrap();
            if !follows_anywhere && at.origin() != self.front.origin() {
                steps.push("blocked by the browser".to_owned());
                break;
            }
            let target = &at[Position::BeforePath..Position::AfterQuery];
            answer = visitor.send_to(&at, dressed(ask("GET", target))).await;
            steps.push(self.told(&at, &answer));
        }
        if steps.len() == MOST_STEPS {
            steps.truncate(4);
            steps.push("and so on".to_owned());
        }
        // What the provider answers, and that the callback is called, is the same in every login.
        steps.retain(|step| !step.starts_with("(provider"));
        steps.join(", ")
    }

    /// One answer: where it leads, or its status and whose it is.
    pub(crate) fn told(&self, at: &Url, answer: &Answer) -> String {
        if at.origin() != self.front.origin() {
            return "(provider)".to_owned();
        }
        if answer.redirects() {
            // Which of 302 and 303 is said makes no difference to a GET.
            return format!("to {}", self.place(at, answer.location()));
        }
        match answer.header("x-app") {
            Some(_) => format!("{} of the app at {}", answer.status, self.app.last().target),
            None => format!("{} {}", answer.status, author(answer)),
        }
    }

    /// An address without what is different each time.
    fn place(&self, at: &Url, location: &str) -> String {
        let to = at.join(location).unwrap();
        let provider: Url = self.provider.url().parse().unwrap();
        if to.origin() == provider.origin() {
            return "the provider".to_owned();
        }
        if to.path() == "/oauth2/callback" {
            return "the callback".to_owned();
        }
        let front = self.front.origin().ascii_serialization();
        let encoded: String = form_urlencoded::byte_serialize(front.as_bytes()).collect();
        let location = location.strip_prefix(&front).unwrap_or(location);
        location.replace(&front, "FRONT").replace(&encoded, "FRONT")
    }
}

/// Who wrote an answer, and what kind of one.
fn author(answer: &Answer) -> String {
    let kind = answer.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    let text = answer.text();
    match kind {
        _ if text.contains("<center>nginx") => "of nginx".to_owned(),
        "application/problem+json" => "problem".to_owned(),
        "application/json" => format!("JSON {text}"),
        "text/html" => "page".to_owned(),
        _ => format!("text {:?}", text.trim_end()),
    }
}
