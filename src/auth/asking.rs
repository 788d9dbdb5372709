//! What one login asks the provider for beyond what every login does: what a link, its route and
//! a rule wish.
//!
//! 1. What a rule wants of somebody who is signed in comes before what the rule of the route will
//!    want of whoever comes, that before the route's wishes, those before the provider's own settings,
//!    and all of them before a link: a link never makes a login weaker.
//! 2. Of several ages the shortest counts.
//! 3. The words of `prompt` add up, a link's aside.

use std::time::Duration;

use super::authorization::{Parameters, Wishes};
use super::provider::Authorization;
use super::step_up::{LoginWishes, StepUp};

/// What one login asks for.
#[derive(Debug, Default)]
pub struct Asking<'a> {
    /// What the link asked for, of what the operator lets links ask.
    pub link: Wishes,
    /// What the route wishes to which the person comes back.
    pub route: Option<&'a LoginWishes>,
    /// The `prompt` that has the provider ask who signs in.
    pub account: Option<&'static str>,
    /// What the rule of that route will want, so that one login is enough.
    pub rule: StepUp,
    /// What a rule wants of somebody who is signed in already.
    pub step_up: Option<StepUp>,
}

impl Asking<'_> {
    /// Says all of it.
    pub(super) fn say(&self, asked: &Authorization, parameters: &mut Parameters) {
        for (name, value) in &asked.params {
            parameters.set(name, value.as_str());
        }
        parameters.set_if_any("acr_values", asked.acr_values.join(" "));
        for (name, value) in self.link.pairs() {
            parameters.set(name, value);
        }
        parameters.set_if_any("acr_values", self.acr_values().join(" "));
        parameters.set_if_any("prompt", self.prompt(asked));
        if let Some(age) = self.age(asked) {
            parameters.set("max_age", age.as_secs().to_string());
        }
    }

    /// How long ago the sign-in may have been for the callback to count. What a rule wants is
    /// judged by the rule.
    pub(super) fn judged_age(&self, asked: &Authorization) -> Option<Duration> {
        shorter(asked.max_age, self.route.and_then(|route| route.max_age))
    }

    fn age(&self, asked: &Authorization) -> Option<Duration> {
        let stepped = self.step_up.as_ref().and_then(|step_up| step_up.max_age);
        let ages = [self.judged_age(asked), self.rule.max_age, stepped];
        // Many a provider tells when somebody signed in only where an age was asked for
        // (OpenID Connect Core 2), and a later login must not lose what an earlier one told.
        ages.into_iter().flatten().min().or_else(|| asked.asks_auth_time.then_some(ANY_AGE))
    }

    fn acr_values(&self) -> &[String] {
        let stepped = self.step_up.as_ref().map(|step_up| step_up.acr.as_slice());
        let wished = self.route.map(|route| route.acr_values.as_slice());
        let lists = [stepped, Some(self.rule.acr.as_slice()), wished];
        lists.into_iter().flatten().find(|acr| !acr.is_empty()).unwrap_or_default()
    }

    /// Empty: nobody but the operator's parameters, or a link, has a word on it.
    fn prompt(&self, asked: &Authorization) -> String {
        let wished = self.route.and_then(|route| route.prompt.as_deref());
        if wished.is_none() && self.account.is_none() {
            return String::new();
        }
        let always = asked.params.iter().find(|(name, _)| name == "prompt");
        let always = always.map(|(_, value)| value.as_str());
        let mut words: Vec<&str> = Vec::new();
        for word in
            [always, wished, self.account].into_iter().flatten().flat_map(str::split_whitespace)
        {
            // `none` can't stand beside another (OpenID Connect Core 3.1.2.1).
            if word != "none" && !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(" ")
    }
}

/// So long ago that nobody has to sign in anew for it.
const ANY_AGE: Duration = Duration::from_secs(365 * 24 * 3600);

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::provider::LinkParam;
    use crate::auth::provider::testing::settings;

    fn seconds(age: Option<u64>) -> Option<Duration> {
        age.map(Duration::from_secs)
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    fn told(asking: &Asking<'_>, asked: &Authorization, name: &str) -> Option<String> {
        let mut parameters = Parameters::default();
        asking.say(asked, &mut parameters);
        let told: Vec<_> = parameters.pairs().filter(|(key, _)| *key == name).collect();
        assert!(told.len() < 2, "said twice: {told:?}");
        told.first().map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn of_several_ages_the_shortest_is_asked_for_and_the_rule_s_own_is_not_judged_at_the_callback()
    {
        for (provider, route, rule, step_up, asked, judged) in [
            (None, None, None, None, None, None),
            (Some(9), None, None, None, Some("9"), Some(9)),
            (Some(9), Some(5), None, None, Some("5"), Some(5)),
            (Some(5), Some(9), None, None, Some("5"), Some(5)),
            (None, Some(9), None, Some(0), Some("0"), Some(9)),
            (None, None, None, Some(0), Some("0"), None),
            (None, None, Some(7), None, Some("7"), None),
            (None, None, Some(7), Some(8), Some("7"), None),
            (Some(3), None, Some(5), Some(9), Some("3"), Some(3)),
        ] {
            let mut settings = settings().authorization;
            settings.max_age = seconds(provider);
            let wishes = LoginWishes { max_age: seconds(route), ..LoginWishes::default() };
            let aged = |age| StepUp { acr: Vec::new(), max_age: seconds(age) };
            let asking = Asking {
                route: Some(&wishes),
                rule: aged(rule),
                step_up: step_up.map(|_| aged(step_up)),
                ..Asking::default()
            };
            let case = format!("{provider:?} {route:?} {rule:?} {step_up:?}");
            assert_eq!(told(&asking, &settings, "max_age").as_deref(), asked, "{case}");
            assert_eq!(asking.judged_age(&settings), seconds(judged), "{case}");
        }
    }

    #[test]
    fn where_rules_look_at_the_moment_of_a_sign_in_every_login_asks_for_it() {
        let mut settings = settings().authorization;
        settings.asks_auth_time = true;
        assert_eq!(told(&Asking::default(), &settings, "max_age").as_deref(), Some("31536000"));
        assert_eq!(Asking::default().judged_age(&settings), None);
        settings.max_age = Some(Duration::from_secs(9));
        assert_eq!(told(&Asking::default(), &settings, "max_age").as_deref(), Some("9"));
    }

    #[test]
    fn the_rule_s_classes_come_before_the_route_s_and_those_before_all_others() {
        for (provider, link, route, rule, step_up, asked) in [
            (&["p"][..], "", &[][..], &[][..], &[][..], Some("p")),
            (&[], "acr_values=l", &[], &[], &[], Some("l")),
            (&[], "acr_values=l", &["r", "s"], &[], &[], Some("r s")),
            (&[], "acr_values=l", &["r"], &["u"], &[], Some("u")),
            (&["p"], "", &["r"], &["u"], &["x", "y"], Some("x y")),
            (&[], "", &[], &[], &[], None),
        ] {
            let mut settings = settings().authorization;
            settings.acr_values = texts(provider);
            let wishes = LoginWishes { acr_values: texts(route), ..LoginWishes::default() };
            let asking = Asking {
                link: Wishes::read(link, &[LinkParam::AcrValues]),
                route: Some(&wishes),
                rule: StepUp { acr: texts(rule), max_age: None },
                step_up: Some(StepUp { acr: texts(step_up), max_age: None }),
                account: None,
            };
            assert_eq!(told(&asking, &settings, "acr_values").as_deref(), asked);
        }
    }

    #[test]
    fn prompts_add_up_and_a_link_replaces_none_of_them() {
        for (always, link, route, account, asked) in [
            (None, "", None, None, None),
            (Some("consent"), "", None, None, Some("consent")),
            (Some("consent"), "", None, Some("login"), Some("consent login")),
            (None, "prompt=none", Some("login"), None, Some("login")),
            (None, "prompt=none", None, None, Some("none")),
            (None, "prompt=none", None, Some("select_account"), Some("select_account")),
            (Some("none"), "", Some("login"), Some("login"), Some("login")),
            (
                None,
                "",
                Some("consent login"),
                Some("select_account"),
                Some("consent login select_account"),
            ),
        ] {
            let mut settings = settings().authorization;
            settings.params =
                always.iter().map(|&value| (String::from("prompt"), String::from(value))).collect();
            let wishes = LoginWishes { prompt: route.map(str::to_owned), ..LoginWishes::default() };
            let asking = Asking {
                link: Wishes::read(link, &[LinkParam::Prompt]),
                route: Some(&wishes),
                account,
                ..Asking::default()
            };
            let case = format!("{always:?} {link} {route:?} {account:?}");
            assert_eq!(told(&asking, &settings, "prompt").as_deref(), asked, "{case}");
        }
    }
}
