//! What a route allows to pages.

use super::*;
use crate::auth::browser::BrowserRules;
use crate::auth::cors::Origins;
use crate::auth::host::Host;
use crate::auth::path::RequestPath;

fn rules(lines: &str) -> Result<BrowserRules, String> {
    let config = load(&format!("{SMALL}{lines}\n"), &[], &[])?;
    let host = Host::parse("app.example.com").unwrap();
    let path = RequestPath::parse("/").unwrap();
    Ok(config.routes.find(&host, &path, &http::Method::GET).unwrap().route.browser.clone())
}

#[test]
fn unless_something_is_said_nothing_is_kept_and_nobody_reads() {
    assert_eq!(rules("").unwrap(), BrowserRules::default());
    let said = "origins = []\ncsrf = false\nkeep_posts = false\nkeep_post_bytes = 65536";
    assert_eq!(rules(said).unwrap(), BrowserRules::default());
}

#[test]
fn origins_are_written_as_browsers_write_them() {
    let found = rules("origins = [\"HTTPS://Other.Example.com:443/\", \"http://a:8080\"]").unwrap();
    assert_eq!(found.origins, ["https://other.example.com", "http://a:8080"]);
    let found = rules("cors = { origins = [\"https://a\"], credentials = true }").unwrap();
    assert_eq!(found.origins, ["https://a"], "it may send as well");
    let found = rules("cors = { origins = [\"https://a\"] }").unwrap();
    assert!(found.origins.is_empty());
    assert_eq!(rules("cors = { origins = \"*\" }").unwrap().cors.unwrap().origins, Origins::Any);
}

#[test]
fn a_form_is_kept_up_to_a_size() {
    assert_eq!(rules("keep_posts = true").unwrap().keep_posts, Some(65536));
    assert_eq!(rules("keep_posts = true\nkeep_post_bytes = 10").unwrap().keep_posts, Some(10));
}

#[test]
fn what_is_dangerous_or_can_not_be_meant_is_refused() {
    for (lines, told) in [
        ("origins = [\"other.example.com\"]", "is no origin"),
        ("origins = [\"*\"]", "is no origin"),
        ("origins = [\"null\"]", "is no origin"),
        ("origins = [\"https://a/path\"]", "is no origin"),
        ("cors = {}", "route[0].cors.origins: is missing"),
        ("cors = { origins = [\"*\"], credentials = true }", "never with credentials"),
        ("cors = { origins = [\"*\", \"https://a\"] }", "stands alone"),
        ("cors = { origins = [\"https://a\"], methods = [\"put\"] }", "is no method"),
        ("cors = { origins = [\"https://a\"], headers = [\"*\"] }", "write each one out"),
        ("cors = { origins = [\"https://a\"], expose = [\"a b\"] }", "write each one out"),
        ("cors = { origins = [\"https://a\"], max_ages = 1 }", "did you mean \"max_age\"?"),
        ("cors = true", "must be a table"),
        ("keep_post_bytes = 0", "from 1 to 1048576"),
        ("keep_post_bytes = 1048577", "from 1 to 1048576"),
        ("keep_post_bytes = 1.5", "whole number"),
        ("csrf = \"yes\"", "must be true or false"),
    ] {
        let problems = rules(lines).unwrap_err();
        assert!(problems.contains(told), "{lines}: {problems}");
    }
}
