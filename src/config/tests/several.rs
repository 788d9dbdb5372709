//! Several providers at once.

use super::*;

const TOP: &str = "public_url = \"https://app.example.com\"\n";

const TWO: &str = r#"
[providers.west]
client_id = "w"
client_secret = { env = "SECRET" }
[providers.east]
kind = "oidc"
issuer = "https://east.example"
client_id = "e"
client_secret = { env = "SECRET" }
"#;

const ROUTE: &str = "[[route]]\nupstream = \"http://127.0.0.1:3000\"\n";

fn two(more: &str) -> Result<Config, String> {
    load(&format!("{TOP}{ROUTE}{more}{TWO}"), &[], &[])
}

#[test]
fn they_keep_the_order_of_the_file_and_have_paths_of_their_own() {
    let config = two("").unwrap();
    let read: Vec<_> = config
        .providers
        .iter()
        .map(|one| (one.settings.name.as_str(), one.settings.authorization.redirect_path.as_str()))
        .collect();
    let wanted = [("west", "/oauth2/callback/west"), ("east", "/oauth2/callback/east")];
    assert_eq!(read, wanted);
    assert_eq!(config.returns.own_paths, ["/oauth2/callback/west", "/oauth2/callback/east"]);
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let set = ["prefix=/gate", "providers.east.redirect_path=/east"];
    let config = load(&format!("{TOP}{ROUTE}{TWO}"), &[], &set).unwrap();
    assert_eq!(config.returns.own_paths, ["/gate/callback/west", "/east"]);
}

#[test]
fn one_of_a_name_is_also_allowed() {
    let text = format!(
        "{TOP}{ROUTE}[providers.only]\nclient_id = \"a\"\nclient_secret = {{ env = \"SECRET\" }}"
    );
    let config = load(&text, &[], &[]).unwrap();
    assert_eq!(config.providers[0].settings.authorization.redirect_path, "/oauth2/callback/only");
}

#[test]
fn a_route_names_one_of_them() {
    let route = "[[route]]\npath = \"/x\"\nupstream = \"http://127.0.0.1:3000\"\nprovider = ";
    for (name, index) in [("west", Ok(0)), ("east", Ok(1)), ("north", Err(()))] {
        let loaded = two(&format!("{route}{name:?}\n"));
        let provider = loaded.map(|config| {
            let path = crate::auth::path::RequestPath::parse("/x").unwrap();
            let host = crate::auth::host::Host::parse("app.example.com").unwrap();
            config.routes.find(&host, &path, &http::Method::GET).unwrap().route.provider
        });
        match index {
            Ok(index) => assert_eq!(provider, Ok(Some(index))),
            Err(()) => {
                let problems = provider.unwrap_err();
                let wanted =
                    "route[1].provider: \"north\" is no provider; there is \"west\" or \"east\"";
                assert!(problems.contains(wanted), "{problems}");
            }
        }
    }
    let alone =
        load(SMALL, &[], &["route=[{ upstream = \"http://127.0.0.1:1\", provider = \"askara\" }]"]);
    assert!(alone.is_ok());
}

#[test]
fn an_identity_at_the_root_is_for_all_that_say_nothing_else() {
    let own = "[providers.west.identity]\nuser = [\"me:/a\", \"me:/b\"]\n";
    let all = "[identity]\nuser = [\"me:/x\"]\nemail = []\n";
    for (more, west, east, emails) in
        [("", 2, 1, 2), (all, 1, 1, 0), (own, 2, 1, 2), (&format!("{all}{own}"), 2, 1, 0)]
    {
        let config = two(more).unwrap();
        let named = |name: &str| {
            let mut all = config.providers.iter();
            Arc::clone(&all.find(|one| one.settings.name == name).unwrap().settings)
        };
        assert_eq!(named("west").identity.user.len(), west, "{more}");
        assert_eq!(named("east").identity.user.len(), east, "{more}");
        assert_eq!(named("west").identity.email.len(), emails, "{more}");
    }
}

#[test]
fn what_makes_them_ambiguous_is_refused() {
    for (more, wanted) in [
        (
            "[provider]\nkind = \"oidc\"\n",
            "gate.toml:4: provider: is for one provider alone; move it into [providers.NAME]",
        ),
        (
            "[providers.East]\nclient_id = \"x\"\nclient_secret = { env = \"SECRET\" }\n",
            "gate.toml:4: providers.East: is no name",
        ),
        (
            "[providers.north]\nclient_id = \"x\"\nclient_secret = { env = \"SECRET\" }\nredirect_path = \"/oauth2/callback/west\"\n",
            "providers.west.redirect_path: is the redirect_path of \"north\" as well",
        ),
        (
            "[providers.north]\nclient_secret = { env = \"SECRET\" }\n",
            "gate.toml:4: providers.north.client_id: is missing; the variable ASKARA_CLIENT_ID is only for one",
        ),
        (
            "[providers.north]\nclient_id = \"x\"\n",
            "gate.toml:4: providers.north.client_secret: is missing; the variable",
        ),
    ] {
        let variables = [("ASKARA_CLIENT_ID", "id"), ("ASKARA_CLIENT_SECRET", "canary")];
        let text = format!("{TOP}{ROUTE}{more}{TWO}");
        let problems = load(&text, &variables, &[]).unwrap_err();
        assert!(problems.contains(wanted), "{problems}\nhas not\n{wanted}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
    let none = load(&format!("{TOP}{ROUTE}[providers]\n"), &[], &[]).unwrap_err();
    assert!(none.contains("gate.toml:4: providers: is empty"), "{none}");
}

#[test]
fn the_errors_of_all_come_at_once() {
    let text = format!(
        "{TOP}{ROUTE}[providers.a]\nkind = \"simplified\"\nclient_id = \"a\"\n[providers.b]\nclient_secret = \"canary\"\nissuer = \"nonsense\"\n"
    );
    let problems = load(&text, &[], &[]).unwrap_err();
    for wanted in [
        "gate.toml:4: providers.a.authorize_url: is missing",
        "gate.toml:4: providers.a.token_url: is missing",
        "gate.toml:4: providers.a.client_secret: is missing",
        "gate.toml:7: providers.b.client_id: is missing",
        "gate.toml:9: providers.b.issuer: must be",
    ] {
        assert!(problems.contains(wanted), "{problems}\nhas not\n{wanted}");
    }
    assert_eq!(problems.lines().count(), 5, "{problems}");
}

#[test]
fn two_of_one_title_are_a_warning() {
    let config =
        two("[providers.north]\nclient_id = \"x\"\nclient_secret = { env = \"SECRET\" }\n")
            .unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert!(
        config.warnings[0].starts_with("providers.west.title: people can't tell it from \"north\"")
    );
}
