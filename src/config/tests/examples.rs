//! The files that people begin with.

use super::*;
use crate::auth::provider::{AuthorizeMethod, ClientAuth};

fn example(text: &str) -> Config {
    let secrets = [
        ("ASKARA_CLIENT_ID", "id"),
        ("ASKARA_CLIENT_SECRET", "canary-askara"),
        ("CLIENT_ID", "id"),
        ("CLIENT_SECRET", "canary-client"),
        ("CUSTOMERS_SECRET", "canary-customers"),
        ("LEGACY_PASSWORD", "canary-legacy"),
        ("SESSION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("STAFF_SECRET", "canary-staff"),
        ("STORE_URL", "rediss://gate:canary@store:6379/0"),
    ];
    load(text, &secrets, &[]).unwrap()
}

#[test]
fn the_examples_are_right() {
    // Two of them show what makes sessions large, and say so.
    for (text, kinds, warning) in [
        (include_str!("../../../config/one-app.toml"), &["askara"][..], None),
        (include_str!("../../../config/full.toml"), &["askara"], None),
        (include_str!("../../../config/headers.toml"), &["askara"], None),
        (include_str!("../../../config/openid.toml"), &["oidc"], Some("provider.id_token_hint: ")),
        (include_str!("../../../config/pockets.toml"), &["pockets"], None),
        (include_str!("../../../config/redis.toml"), &["askara"], None),
        (include_str!("../../../config/rules.toml"), &["oidc"], None),
        (
            include_str!("../../../config/several.toml"),
            &["customers", "staff"],
            Some("providers.staff: "),
        ),
    ] {
        let config = example(text);
        let size = |warning: &str| format!("{warning}a session probably takes");
        assert_eq!(config.warnings.len(), usize::from(warning.is_some()), "{:?}", config.warnings);
        let mut told = config.warnings.iter().zip(warning);
        assert!(told.all(|(told, place)| told.starts_with(&size(place))), "{:?}", config.warnings);
        let names: Vec<_> = config.providers.iter().map(|one| one.settings.name.as_str()).collect();
        assert_eq!(names, kinds);
    }
}

/// The settings as a person would compare them: `full.toml` says that it shows the defaults.
#[test]
fn the_full_example_shows_the_defaults() {
    let full = example(include_str!("../../../config/full.toml"));
    let bare = example(include_str!("../../../config/one-app.toml"));
    let shown = |config: &Config| format!("{:?} {:?}", config.providers, config.session);
    assert_eq!(shown(&full), shown(&bare));
}

/// Every key of `full.toml` that is commented out is one that would be read.
#[test]
fn the_full_example_names_no_key_that_is_unknown() {
    let text = include_str!("../../../config/full.toml");
    let mut commented = 0;
    let uncomment = |line: &str| {
        let key = line.strip_prefix("# ").filter(|rest| {
            rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| is_key(key))
        });
        key.map(str::to_owned)
    };
    let all: Vec<String> = text
        .lines()
        .map(|line| {
            let open = uncomment(line);
            commented += usize::from(open.is_some());
            open.unwrap_or_else(|| line.to_owned())
        })
        .collect();
    assert!(commented > 20, "{commented}");
    let problems = load(&all.join("\n"), &[("ASKARA_CLIENT_ID", "id")], &[]).unwrap_err();
    // It was read to its end, and that is not what is wrong with it.
    assert!(problems.contains("provider.client_key: is not used with"), "{problems}");
    assert!(!problems.contains("unknown key"), "{problems}");
}

#[test]
fn the_examples_do_what_they_say() {
    let pockets = example(include_str!("../../../config/pockets.toml"));
    let settings = &pockets.providers[0].settings;
    let also = vec![String::from("https://accounts.example.com")];
    assert_eq!(settings.authorization.method, AuthorizeMethod::Form { also });
    let redis = example(include_str!("../../../config/redis.toml"));
    let Keeping::Stored(store) = redis.session.keeping else {
        panic!("{:?}", redis.session);
    };
    // Its rule for the store's user names this prefix.
    assert_eq!(store.prefix, "askara-gate:app.example.com");
    let several = example(include_str!("../../../config/several.toml"));
    assert!(matches!(*several.providers[0].settings.client_auth.current(), ClientAuth::Body(_)));
    assert!(matches!(*several.providers[1].settings.client_auth.current(), ClientAuth::Basic(_)));
    for (host, path, provider) in [
        ("app.example.com", "/", None),
        ("app.example.com", "/admin/x", Some(1)),
        ("wiki.example.com", "/", Some(1)),
    ] {
        let path = crate::auth::path::RequestPath::parse(path).unwrap();
        let host = crate::auth::host::Host::parse(host).unwrap();
        let found = several.routes.find(&host, &path, &http::Method::GET).unwrap();
        assert_eq!(found.route.provider, provider);
    }
}

fn is_key(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
