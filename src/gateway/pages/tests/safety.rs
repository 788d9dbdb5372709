//! Nothing from outside becomes markup, and the policy fits the page (C-70, S68).

use super::*;

const HOSTILE: &str = "\"'><script>alert(1)</script><b style=x onload=y>{{ 7 * 7 }}";

/// The opening tags of a page.
fn tags(page: &str) -> Vec<&str> {
    let pieces = page.split('<').skip(1);
    pieces.map(|piece| piece.split('>').next().unwrap()).collect()
}

/// A tag without the values of its attributes.
fn shape_of(tag: &str) -> String {
    tag.split('"').step_by(2).collect()
}

#[test]
fn hostile_values_are_never_markup() {
    let pages = Pages::new();
    for language in LANGUAGES {
        let harmless = every_page(&pages, language, "harmless");
        let hostile = every_page(&pages, language, HOSTILE);
        for (harmless, hostile) in harmless.iter().zip(&hostile) {
            let shape = |page| tags(page).into_iter().map(shape_of).collect::<Vec<_>>();
            assert_eq!(shape(harmless), shape(hostile), "{hostile}");
            // A value is no template either: it is not computed.
            assert_eq!(hostile.contains("{{ 7 * 7 }}"), hostile.contains("&lt;script"));
        }
        let told = hostile.iter().filter(|page| page.contains("&lt;script&gt;")).count();
        assert_eq!(told, hostile.len() - 2, "all but the two without links and values");
    }
}

#[test]
fn no_page_has_foreign_scripts_inline_styles_handlers_or_foreign_content() {
    let pages = Pages::new();
    for language in LANGUAGES {
        for page in every_page(&pages, language, HOSTILE) {
            // A page has one script at most, which is ours and has nothing of others in it.
            let ours = [SCRIPT, DONE_SCRIPT].map(|script| format!("<script>{script}</script>"));
            let known: usize =
                ours.iter().map(|script| page.matches(script.as_str()).count()).sum();
            assert_eq!(page.matches("<script").count(), known);
            for tag in tags(&page) {
                // Every value stands in double quotes: what lies between them is ours.
                let (element, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
                for outside in attributes.split('"').step_by(2) {
                    let name = outside.trim_end_matches('=').trim();
                    assert!(!["style", "src", "srcset"].contains(&name), "{tag}");
                    assert!(!name.starts_with("on"), "{tag}");
                }
                assert!(!["link", "img", "iframe", "base", "object"].contains(&element));
            }
        }
    }
}

#[test]
fn the_policy_lets_exactly_the_style_in_the_page_through() {
    let pages = Pages::new();
    for page in every_page(&pages, Language::English, HOSTILE) {
        assert_eq!(page.matches("<style>").count(), 1);
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        let expected = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        assert_eq!(pages.content_security_policy(), expected);
        let forms = expected.replace("'self'", "'self' https: http:");
        assert_eq!(pages.form_policy(), forms);
    }
    // Browsers hash the text after turning line ends into `\n`.
    assert!(!STYLE.contains(['\r', '\0', '<']) && !SCRIPT.contains(['\r', '\0', '<']));
}

#[test]
fn links_that_leave_http_are_left_out() {
    let pages = Pages::new();
    for href in
        ["javascript:alert(1)", "data:text/html,x", "//evil", "/\\evil", "/\t/evil", "evil", ""]
    {
        let links = Links { again: Some(href), home: href };
        let page = pages.notice(Notice::UpstreamDown, Language::English, &links, "", None);
        assert!(
            !page.contains("id=\"again\"") && page.contains("id=\"home\" href=\"&#x2f;\""),
            "{href}"
        );
        assert!(
            pages
                .signed_out(Language::English, href, true)
                .contains("id=\"again\" href=\"&#x2f;\"")
        );
    }
    assert!(is_followable("https://app.example.com/oauth2/start?rd=%2F"));
}
