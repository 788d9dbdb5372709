//! How people are signed in for a route.

use crate::auth::step_up::LoginWishes;
use crate::config::problem::Problems;
use crate::config::provider::words;
use crate::config::reader::Section;

pub(super) fn parse(section: &mut Section, problems: &mut Problems) -> LoginWishes {
    let mut login = section.section("login", problems);
    let wishes = LoginWishes {
        acr_values: words::parse(&mut login, "acr_values", problems).unwrap_or_default(),
        max_age: login.duration("max_age", problems),
        prompt: login.parse("prompt", problems, prompt),
    };
    login.finish(problems);
    wishes
}

/// Words of OpenID Connect Core 3.1.2.1, or a provider's own.
fn prompt(text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_word = |word: &&str| {
        word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-')
    };
    if words.contains(&"none") {
        // Whoever comes to a route without a session has to see the sign-in page.
        return Err(String::from("can't be \"none\": nobody could sign in for the first time"));
    }
    if words.is_empty() || !words.iter().all(is_word) {
        return Err(String::from("must be words such as \"login\" or \"select_account\""));
    }
    Ok(words.join(" "))
}
