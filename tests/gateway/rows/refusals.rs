//! A login that fails: a page that says what happened and starts again, a line that the page's
//! reference finds, and no session.

use super::{LINK, Line, Scene, for_each_row};
use crate::harness::*;

/// What the person sees and what the log says.
struct Told {
    status: u16,
    heading: &'static str,
    code: Option<&'static str>,
    line: Line,
}

impl Scene {
    /// Goes on from the provider's answer, which something happened to.
    async fn comes_back(&self, callback: &str, told: &Told) {
        let row = self.play.kind;
        let answer = self.visitor.open(callback).await;
        self.is_told(&answer, told).await;
        assert!(self.provider.exchanges() <= 1, "{row}: the code is not sent again");
    }

    async fn is_told(&self, answer: &Answer, told: &Told) {
        let row = self.play.kind;
        assert_own_page(answer);
        let page = shown(answer);
        assert_eq!((page.status, page.heading.as_str()), (told.status, told.heading), "{row}");
        assert_eq!(page.code.as_deref(), told.code, "{row}");
        let again = "/oauth2/start?rd=%2Fdeep%3Fx%3D1%26y%3D%2520";
        assert_eq!(page.again.as_deref(), Some(again), "{row}");
        assert!(!answer.text().contains("canary"), "{row}: C-112");
        assert!(self.visitor.session().is_none(), "{row}");
        assert!(self.visitor.state_cookies().is_empty(), "{row}: the attempt is over");
        assert!(self.app.requests().is_empty(), "{row}");
        told.line.assert_in(&self.gate.logged(&page.reference).await, row);
        assert!(!self.gate.output().contains("canary"), "{row}: C-112");
    }

    /// The page's button, once the trouble is over.
    async fn starts_again(&self) {
        self.provider.behaves_again();
        self.visitor.login_at("/oauth2/start?rd=%2Fdeep%3Fx%3D1%26y%3D%2520").await;
        assert_eq!(self.app.targets(), [LINK], "{}", self.play.kind);
    }
}

#[tokio::test]
async fn c21_every_row_tells_of_a_denial_and_starts_no_new_attempt() {
    let told = Told {
        status: 403,
        heading: heading::LOGIN_DENIED,
        code: Some("access_denied"),
        line: Line {
            level: "INFO",
            message: "login ended without a session",
            word: "access_denied",
        },
    };
    for_each_row(async |scene: Scene| {
        scene.provider.denies("access_denied");
        let answer = scene.visitor.navigate(LINK).await;
        scene.is_told(&answer, &told).await;
        let calls = (scene.provider.authorizations(), scene.provider.token_calls());
        assert_eq!(calls, (1, 0), "{}", scene.play.kind);
        scene.starts_again().await;
    })
    .await;
}

#[tokio::test]
async fn c21_every_row_tells_of_another_refusal() {
    let told = Told {
        status: 403,
        heading: heading::LOGIN_REFUSED,
        code: Some("invalid_scope"),
        line: Line {
            level: "INFO",
            message: "login ended without a session",
            word: "invalid_scope",
        },
    };
    for_each_row(async |scene: Scene| {
        scene.provider.denies("invalid_scope");
        let answer = scene.visitor.navigate(LINK).await;
        scene.is_told(&answer, &told).await;
        scene.starts_again().await;
    })
    .await;
}

#[tokio::test]
async fn every_row_tells_of_a_code_that_is_too_old() {
    let told = Told {
        status: 403,
        heading: heading::LOGIN_EXPIRED,
        code: Some("invalid_grant"),
        line: Line {
            level: "INFO",
            message: "login ended without a session",
            word: "invalid_grant",
        },
    };
    for_each_row(async |scene: Scene| {
        let callback = scene.visitor.consent(LINK).await;
        scene.provider.lets_codes_expire();
        scene.comes_back(&callback, &told).await;
        scene.starts_again().await;
    })
    .await;
}

#[tokio::test]
async fn every_row_tells_of_a_client_that_the_provider_does_not_know() {
    let told = Told {
        status: 502,
        heading: heading::LOGIN_FAILED,
        code: Some("invalid_client"),
        line: Line {
            level: "ERROR",
            message: "login failed: the provider's answer can't be used",
            word: "invalid_client",
        },
    };
    for_each_row(async |scene: Scene| {
        let callback = scene.visitor.consent(LINK).await;
        scene.provider.forgets_the_client();
        scene.comes_back(&callback, &told).await;
    })
    .await;
}

#[tokio::test]
async fn c91_every_row_tells_of_a_provider_that_is_away() {
    let told = Told {
        status: 502,
        heading: heading::PROVIDER_UNAVAILABLE,
        code: None,
        line: Line {
            level: "ERROR",
            message: "login failed: the provider gave no answer",
            word: "can't connect",
        },
    };
    for_each_row(async |scene: Scene| {
        let callback = scene.visitor.consent(LINK).await;
        scene.provider.goes_away().await;
        scene.comes_back(&callback, &told).await;
        assert_eq!(scene.provider.exchanges(), 0, "{}", scene.play.kind);
    })
    .await;
}

#[tokio::test]
async fn c91_every_row_tells_of_a_provider_that_says_nothing() {
    let told = Told {
        status: 504,
        heading: heading::PROVIDER_UNAVAILABLE,
        code: None,
        line: Line {
            level: "ERROR",
            message: "login failed: the provider gave no answer",
            word: "no answer in time",
        },
    };
    for_each_row(async |scene: Scene| {
        let callback = scene.visitor.consent(LINK).await;
        scene.provider.fails_token_calls(Fault::Hang);
        scene.comes_back(&callback, &told).await;
        scene.starts_again().await;
    })
    .await;
}

#[tokio::test]
async fn c92_every_row_tells_of_an_answer_that_is_none() {
    let told = Told {
        status: 502,
        heading: heading::PROVIDER_UNAVAILABLE,
        code: None,
        line: Line {
            level: "ERROR",
            message: "login failed: the provider's answer can't be used",
            word: "the answer is no JSON",
        },
    };
    for_each_row(async |scene: Scene| {
        let callback = scene.visitor.consent(LINK).await;
        scene.provider.fails_token_calls(Fault::html());
        scene.comes_back(&callback, &told).await;
        scene.starts_again().await;
    })
    .await;
}
