mod safety;

use super::*;
use crate::gateway::denied::Account;

const LANGUAGES: [Language; 2] = [Language::English, Language::French];
const NOTICES: [Notice; 27] = [
    Notice::BadRequest,
    Notice::BadToken,
    Notice::BadCallback,
    Notice::Misdirected,
    Notice::NoRoute,
    Notice::MethodNotAllowed,
    Notice::LoginDenied,
    Notice::LoginRefused,
    Notice::LoginExpired,
    Notice::LoginForeign,
    Notice::LoginLooped,
    Notice::LoginFailed,
    Notice::ProviderUnavailable,
    Notice::SessionTooLarge,
    Notice::SessionUnavailable,
    Notice::SignInNeeded,
    Notice::NotAllowed,
    Notice::TooLarge,
    Notice::TooMany,
    Notice::NotOpen,
    Notice::StepUpNeeded,
    Notice::StepUpUnmet,
    Notice::UpstreamDown,
    Notice::UpstreamSlow,
    Notice::UpstreamNonsense,
    Notice::ForeignPage,
    Notice::NothingKept,
];

const LINKS: Links<'static> = Links { again: Some("/oauth2/start?rd=%2F&x=1"), home: "/" };

/// Every page in a language, each with `value` wherever a value from outside may stand.
fn every_page(pages: &Pages, language: Language, value: &str) -> Vec<String> {
    let address = format!("/{value}");
    let links = Links { again: Some(&address), home: &address };
    let mut all: Vec<String> =
        NOTICES.map(|notice| pages.notice(notice, language, &links, value, Some(value))).into();
    all.push(pages.notice(Notice::NoRoute, language, &Links { again: None, home: "/" }, "", None));
    all.push(pages.signed_out(language, &address, true));
    all.push(pages.signed_out(language, &address, false));
    all.push(pages.confirm_sign_out(language, value, Some(value)));
    all.push(pages.confirm_sign_out(language, value, None));
    all.push(pages.denied(Notice::NotAllowed, language, &links, value, &denial(value)));
    all.push(pages.denied(Notice::StepUpUnmet, language, &links, value, &denial(value)));
    for cause in Cause::ALL {
        all.push(pages.looped(language, &links, value, (cause, 3)));
    }
    all.push(pages.choose(language, &[(value.to_owned(), address.clone())]));
    all.push(pages.post(language, value, &form(value)));
    for asks in [true, false] {
        let back = &address;
        let (person, action, field) = (value, value, value);
        all.push(pages.resume(language, &Resume { person, action, field, value, asks, back }));
    }
    all.push(pages.done(language));
    all
}

fn denial(value: &str) -> Denial {
    Denial {
        message: Some(value.to_owned()),
        account: Some(Account {
            name: value.to_owned(),
            other: format!("/{value}"),
            sign_out_at: Some(value.to_owned()),
        }),
        ..Denial::default()
    }
}

fn form(value: &str) -> Form {
    Form {
        action: value.to_owned(),
        fields: vec![(value.to_owned(), value.to_owned())],
        also: Vec::new(),
    }
}

#[test]
fn every_notice_is_listed_here_and_has_its_own_code_and_title() {
    assert_eq!(NOTICES.len(), Notice::NothingKept as usize + 1);
    for (index, notice) in NOTICES.into_iter().enumerate() {
        assert_eq!(notice as usize, index);
        let code = notice.code();
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        for other in &NOTICES[..index] {
            assert_ne!(code, other.code());
            for language in LANGUAGES {
                assert_ne!(notice.title(language), other.title(language));
            }
        }
    }
}

#[test]
fn every_notice_says_what_happened_and_what_to_do_in_both_languages() {
    let pages = Pages::new();
    for notice in NOTICES {
        for language in LANGUAGES {
            let page = pages.notice(notice, language, &LINKS, "a1b2c3", Some("access_denied"));
            for part in [notice.title(language), notice.text(language), notice.advice(language)] {
                assert!(page.contains(part), "{notice:?} {language:?}: {part}");
            }
            assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())));
            assert!(page.contains("id=\"again\" href=\"&#x2f;oauth2&#x2f;start?rd=%2F&amp;x=1\""));
            assert!(page.contains("<dd>a1b2c3</dd>") && page.contains("<dd>access_denied</dd>"));
        }
        assert_ne!(notice.title(Language::English), notice.title(Language::French));
        assert_ne!(notice.text(Language::English), notice.text(Language::French));
        assert_ne!(notice.advice(Language::English), notice.advice(Language::French));
    }
}

#[test]
fn every_page_suits_phones_dark_screens_and_robots() {
    let pages = Pages::new();
    for page in every_page(&pages, Language::French, "x") {
        assert!(page.starts_with("<!doctype html>\n<html lang=\"fr\">\n"));
        assert!(
            page.contains(
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
            )
        );
        assert!(page.contains("<meta name=\"color-scheme\" content=\"light dark\">"));
        assert!(page.contains("<meta name=\"robots\" content=\"noindex\">"));
        assert_eq!(page.matches("<h1>").count(), 1);
        assert_eq!(page.matches("<main ").count(), 1);
    }
}

#[test]
fn without_a_link_there_is_no_button_to_start_again() {
    let pages = Pages::new();
    let links = Links { again: None, home: "/wiki" };
    let page = pages.notice(Notice::SessionTooLarge, Language::English, &links, "", None);
    assert!(!page.contains("id=\"again\""));
    assert!(page.contains("id=\"home\" href=\"&#x2f;wiki\""));
    assert!(!page.contains("<dl>"));
}

#[test]
fn the_pages_carry_the_ids_that_browser_tests_look_for() {
    let pages = Pages::new();
    for language in LANGUAGES {
        let signed_out = pages.signed_out(language, "/oauth2/start", true);
        assert!(
            signed_out.contains("<main id=\"signed-out\">") && signed_out.contains("id=\"again\"")
        );
        assert!(signed_out.contains(signed_out::REMAINS.of(language)));
        let plain = pages.signed_out(language, "/oauth2/start", false);
        assert!(!plain.contains(signed_out::REMAINS.of(language)));
        let confirm = pages.confirm_sign_out(language, "/oauth2/sign_out", Some("/a?b&c"));
        assert!(confirm.contains("method=\"post\" action=\"&#x2f;oauth2&#x2f;sign_out\""));
        assert!(
            confirm.contains("name=\"rd\" value=\"&#x2f;a?b&amp;c\"")
                && confirm.contains("id=\"confirm\"")
        );
        assert!(
            !pages.confirm_sign_out(language, "/oauth2/sign_out", None).contains("name=\"rd\"")
        );
    }
}

#[test]
fn whoever_may_not_pass_is_told_who_they_are_and_how_to_be_somebody_else() {
    let pages = Pages::new();
    let links = Links { again: None, home: "/" };
    let account = |sign_out_at| {
        let other = String::from("/oauth2/start?account=other");
        Some(Account { name: String::from("Ada (ada@example.com)"), other, sign_out_at })
    };
    let page = |notice, language, denial: &Denial| {
        pages.denied(notice, language, &links, "a1b2c3", denial)
    };
    for language in LANGUAGES {
        let message = Some(String::from("Members of <Payroll> only"));
        let denial = Denial { message, account: account(None), ..Denial::default() };
        let told = page(Notice::NotAllowed, language, &denial);
        assert!(told.contains("<strong id=\"account\">Ada (ada@example.com)</strong>"), "{told}");
        assert!(told.contains("id=\"message\">Members of &lt;Payroll&gt; only</p>"), "{told}");
        assert!(
            told.contains("id=\"other-account\" href=\"&#x2f;oauth2&#x2f;start?account=other\"")
        );
        assert!(told.contains(denied::OTHER.of(language)) && told.contains("<dd>a1b2c3</dd>"));
        assert!(!told.contains(denied::REMEMBERS.of(language)));
        // Where the provider can't be asked for another account, the page says what to do.
        let denial = Denial { account: account(Some(String::from("Askara"))), ..denial };
        let told = page(Notice::NotAllowed, language, &denial);
        assert!(told.contains(denied::SIGN_OUT.of(language)), "{told}");
        assert!(told.contains(denied::REMEMBERS.of(language)) && told.contains(">Askara</strong>"));
        let told = page(Notice::NotOpen, language, &Denial { nobody: true, ..Denial::default() });
        for part in ["id=\"account\"", "id=\"message\"", "id=\"other-account\"", "id=\"again\""] {
            assert!(!told.contains(part), "{part}");
        }
        assert!(told.contains("id=\"home\""));
    }
}

#[test]
fn whoever_goes_round_in_circles_is_told_why_and_can_begin_anew() {
    let pages = Pages::new();
    for language in LANGUAGES {
        let mut told: Vec<&str> = Vec::new();
        for cause in Cause::ALL {
            let text = looped::cause(cause).of(language);
            let page = pages.looped(language, &LINKS, "a1b2c3", (cause, 7));
            assert!(page.contains(&format!("id=\"cause\">{text}</p>")), "{page}");
            assert!(page.contains("<dd>7</dd>") && page.contains("<dd>a1b2c3</dd>"), "{page}");
            assert!(page.contains(&format!("<dd>{}</dd>", cause.code())), "{page}");
            assert!(page.contains("id=\"again\"") && page.contains("id=\"home\""), "{page}");
            assert!(!told.contains(&text), "{cause:?} says what another cause does");
            told.push(text);
        }
    }
}

#[test]
fn a_posting_page_names_its_target_and_nothing_else() {
    let pages = Pages::new();
    let mut form = form("https://pockets.example/api;v,1/authorize?tenant=1");
    let policy = pages.post_policy(&form);
    let target = "form-action https://pockets.example/api%3Bv%2C1/authorize 'self'; base-uri";
    assert!(policy.contains(target), "{policy}");
    form.also = vec![String::from("https://login.pockets.example")];
    let policy = pages.post_policy(&form);
    assert!(policy.contains("'self' https://login.pockets.example; base-uri"), "{policy}");
    let page = pages.post(Language::English, "Pockets", &form);
    let (_, rest) = page.split_once("<script>").unwrap();
    let (script, _) = rest.split_once("</script>").unwrap();
    let hash = STANDARD.encode(Sha256::digest(script));
    assert!(policy.contains(&format!("script-src 'sha256-{hash}';")), "{policy}");
}

#[test]
fn french_is_set_as_french_is() {
    for page in every_page(&Pages::new(), Language::French, "x") {
        let (_, main) = page.split_once("<h1>").unwrap();
        let main = main.split("<script>").next().unwrap();
        let pieces = main.split('<').filter_map(|piece| piece.split_once('>'));
        let words: String = pieces.map(|(_, words)| words).collect();
        for wrong in ["'", "\"", " :", " ;", " ?", " !", "« ", " »", "..."] {
            assert!(!words.contains(wrong), "{wrong:?} in {words}");
        }
    }
}
