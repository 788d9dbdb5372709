use super::*;
use crate::auth::jwt::testing::{RSA, RSA_2, key_set, merged};
use http::HeaderValue;
use serde_json::json;

const NOW: u64 = 1_000_000;

fn rules() -> BearerRules {
    BearerRules {
        issuer: Issuer::Is(String::from("https://id.example")),
        user: Vec::new(),
        only_at_jwt: false,
        audience: vec![String::from("api"), String::from("https://api.example")],
        algorithms: vec![Algorithm::RS256],
        scopes: Vec::new(),
        clients: Vec::new(),
        introspection: false,
        cache: Duration::from_secs(60),
    }
}

/// The claims of a sound token, with others over them; a null takes one away.
fn claims(over: Value) -> Value {
    let sound = json!({"iss": "https://id.example", "aud": "api", "sub": "42", "exp": NOW + 300});
    merged(sound, over)
}

fn judged(header: Value, claims: &Value, rules: &BearerRules) -> Result<Accepted, BadBearer> {
    let keys = key_set(&[RSA.jwk(json!({"kid": "k"}))]);
    let token = Secret::new(RSA.token(merged(json!({"kid": "k"}), header), claims));
    judge_jwt(&taken_apart(&token)?, &keys, rules, Timestamp::from_unix(NOW))
}

fn refusal(over: Value, rules: &BearerRules) -> Option<Refusal> {
    match judged(json!({}), &claims(over), rules) {
        Ok(_) => None,
        Err(BadBearer::Invalid(refusal)) => Some(refusal),
        Err(other) => panic!("{other}"),
    }
}

fn unfit(name: &'static str) -> Option<Refusal> {
    Some(Refusal::Claim(BadClaim::Unfit(name)))
}

fn mistyped(name: &'static str) -> Option<Refusal> {
    Some(Refusal::Claim(BadClaim::Type(name)))
}

#[test]
fn a_sound_token_is_accepted_with_all_that_it_says() {
    for typ in [json!(null), json!("JWT"), json!("at+jwt"), json!("Application/AT+JWT")] {
        let accepted = judged(json!({"typ": typ}), &claims(json!({})), &rules()).unwrap();
        assert_eq!(accepted.claims, claims(json!({})));
        assert_eq!(accepted.expires, Timestamp::from_unix(NOW + 300));
    }
}

#[test]
fn c89_only_one_clear_bearer_is_a_token() {
    let long = "a".repeat(MAX_TOKEN);
    let at_most = format!("Bearer {long}");
    let too_long = format!("Bearer {long}a");
    for (lines, read) in [
        (vec![], "none"),
        (vec!["Bearer abc"], "abc"),
        (vec!["bearer abc"], "abc"),
        (vec!["BEARER   abc"], "abc"),
        (vec!["Bearer a-._~+/b=="], "a-._~+/b=="),
        (vec![at_most.as_str()], long.as_str()),
        (vec![too_long.as_str()], "malformed"),
        (vec!["Basic YTpi"], "other"),
        (vec!["Basic"], "other"),
        (vec!["DPoP abc"], "other"),
        (vec!["Bearerabc"], "other"),
        (vec!["Basic YTpi, Bearer abc"], "other"),
        (vec![""], "malformed"),
        (vec!["Bearer"], "malformed"),
        (vec!["Bearer "], "malformed"),
        (vec!["Bearer ="], "malformed"),
        (vec!["Bearer a=b"], "malformed"),
        (vec!["Bearer abc def"], "malformed"),
        (vec!["Bearer abc,def"], "malformed"),
        (vec!["Bearer abc, Bearer def"], "malformed"),
        (vec!["Bearer token=abc"], "malformed"),
        (vec!["Bearer \"abc\""], "malformed"),
        (vec!["Bearer\tabc"], "malformed"),
        (vec!["Bearer ab\u{e9}"], "malformed"),
        (vec!["Bearer, abc"], "malformed"),
        (vec!["Bearer abc", "Bearer abc"], "malformed"),
        (vec!["Basic YTpi", "Bearer abc"], "malformed"),
        (vec!["Bearer abc", ""], "malformed"),
    ] {
        let mut headers = HeaderMap::new();
        for line in &lines {
            headers
                .append(header::AUTHORIZATION, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers.insert("x-access-token", HeaderValue::from_static("elsewhere"));
        let presented = presented(&headers);
        assert!(!format!("{presented:?}").contains("abc"));
        let found = match &presented {
            Presented::None => "none",
            Presented::Other => "other",
            Presented::Malformed => "malformed",
            Presented::Token(token) => token.expose(),
        };
        assert_eq!(found, read, "{lines:.40?}");
    }
    for text in ["abc", "Zm9v", "a.b.c", "e30.e30.AA"] {
        let token = Secret::new(text.to_owned());
        assert!(matches!(taken_apart(&token), Err(BadBearer::Invalid(Refusal::Jwt(_)))), "{text}");
    }
}

#[test]
fn c85_every_claim_must_fit_and_be_of_its_type() {
    let nobody = BearerRules { issuer: Issuer::Unnamed, ..rules() };
    let no_audience = BearerRules { audience: Vec::new(), ..rules() };
    for (over, rules, judged) in [
        (json!({}), &rules(), None),
        (json!({"iss": "https://id.example/"}), &rules(), unfit("iss")),
        (json!({"iss": null}), &rules(), unfit("iss")),
        (json!({"iss": ["https://id.example"]}), &rules(), mistyped("iss")),
        (json!({"iss": null}), &nobody, None),
        (json!({}), &nobody, unfit("iss")),
        (json!({"iss": ""}), &nobody, unfit("iss")),
        (json!({"aud": ["other", "https://api.example"]}), &rules(), None),
        (json!({"aud": "api other"}), &rules(), unfit("aud")),
        (json!({"aud": "API"}), &rules(), unfit("aud")),
        (json!({"aud": ["other"]}), &rules(), unfit("aud")),
        (json!({"aud": null}), &rules(), unfit("aud")),
        (json!({"aud": {"api": 1}}), &rules(), mistyped("aud")),
        (json!({"aud": ["api", 7]}), &rules(), mistyped("aud")),
        (json!({}), &no_audience, unfit("aud")),
        (json!({"aud": null}), &no_audience, unfit("aud")),
        (json!({"aud": ""}), &no_audience, unfit("aud")),
        (json!({"exp": NOW - 59}), &rules(), None),
        (json!({"exp": NOW - 60}), &rules(), Some(Refusal::Claim(BadClaim::Expired))),
        (json!({"exp": null}), &rules(), Some(Refusal::Claim(BadClaim::Missing("exp")))),
        (json!({"exp": "never"}), &rules(), mistyped("exp")),
        (json!({"exp": (NOW + 300).to_string()}), &rules(), mistyped("exp")),
        (json!({"exp": -1}), &rules(), mistyped("exp")),
        (json!({"nbf": NOW + 61}), &rules(), Some(Refusal::Claim(BadClaim::Ahead("nbf")))),
        (json!({"nbf": "0"}), &rules(), mistyped("nbf")),
        (json!({"iat": NOW + 61}), &rules(), Some(Refusal::Claim(BadClaim::Ahead("iat")))),
        (json!({"cnf": {"jkt": "x"}}), &rules(), Some(Refusal::Bound)),
        (json!({"scope": 7}), &rules(), mistyped("scope")),
    ] {
        assert_eq!(refusal(over.clone(), rules), judged, "{over}");
    }
}

#[test]
fn c88_no_other_kind_of_token_passes_for_an_access_token() {
    for (header, over) in [
        (json!({"typ": "logout+jwt"}), json!({})),
        (json!({"typ": "ID"}), json!({})),
        (json!({"typ": ""}), json!({})),
        (json!({"typ": "rt+jwt"}), json!({})),
        (json!({}), json!({"nonce": "n"})),
        (json!({}), json!({"at_hash": "h"})),
        (json!({}), json!({"c_hash": "h"})),
        (json!({}), json!({"events": {}})),
        (json!({}), json!({"typ": "ID"})),
        (json!({}), json!({"typ": "Refresh"})),
        (json!({}), json!({"typ": "Logout"})),
        (json!({}), json!({"token_use": "id"})),
        (json!({"typ": "at+jwt"}), json!({"nonce": "n"})),
    ] {
        let found = judged(header.clone(), &claims(over.clone()), &rules());
        assert_eq!(found, Err(BadBearer::Invalid(Refusal::Kind)), "{header} {over}");
    }
    for over in [json!({"typ": "Bearer"}), json!({"token_use": "access"}), json!({"type": 7})] {
        judged(json!({}), &claims(over), &rules()).unwrap();
    }
}

#[test]
fn c88_a_token_of_another_client_is_refused() {
    let rules = BearerRules { clients: vec![String::from("a"), String::from("b")], ..rules() };
    for (over, judged) in [
        (json!({"azp": "a"}), None),
        (json!({"client_id": "b"}), None),
        (json!({"azp": "a", "client_id": "b"}), None),
        (json!({"azp": "c"}), unfit("azp")),
        (json!({"client_id": "A"}), unfit("azp")),
        (json!({"azp": "a", "client_id": "c"}), unfit("azp")),
        (json!({"azp": "c", "client_id": "a"}), unfit("azp")),
        (json!({"azp": ["a"]}), mistyped("azp")),
        (json!({"client_id": 7}), mistyped("client_id")),
        (json!({"sub": "a"}), Some(Refusal::Claim(BadClaim::Missing("azp")))),
    ] {
        assert_eq!(refusal(over.clone(), &rules), judged, "{over}");
    }
}

#[test]
fn every_scope_is_needed_and_a_lack_is_told_apart() {
    let rules =
        BearerRules { scopes: vec![String::from("read"), String::from("write")], ..rules() };
    let needed = String::from("read write");
    let lacking = Err(BadBearer::InsufficientScope { needed });
    for (over, judged_as) in [
        (json!({"scope": "write other read"}), Ok(())),
        (json!({"scope": ["read", "write"]}), Ok(())),
        (json!({"scp": ["read", "write"]}), Ok(())),
        (json!({"scp": "read write"}), Ok(())),
        (json!({"scopes": ["read"], "scope": "write"}), Ok(())),
        (json!({}), lacking.clone()),
        (json!({"scope": ""}), lacking.clone()),
        (json!({"scope": "read"}), lacking.clone()),
        (json!({"scope": "read,write"}), lacking.clone()),
        (json!({"scope": "read writer"}), lacking.clone()),
        (json!({"scope": "READ WRITE"}), lacking),
        (json!({"scp": {"read": 1}}), Err(BadBearer::from(BadClaim::Type("scp")))),
        // What is wrong with a token comes before what it may.
        (json!({"exp": 0}), Err(BadBearer::from(BadClaim::Expired))),
    ] {
        let found = judged(json!({}), &claims(over.clone()), &rules).map(drop);
        assert_eq!(found, judged_as, "{over}");
    }
}

#[test]
fn the_signature_comes_first_and_an_unknown_key_is_told_apart() {
    let keys = key_set(&[RSA.jwk(json!({"kid": "k"}))]);
    for (kid, wrong, newer) in
        [("k", BadJwt::Signature, false), ("other", BadJwt::UnknownKey, true)]
    {
        let token = RSA_2.token(json!({"kid": kid}), &claims(json!({"iss": "evil"})));
        let jwt = Jwt::parse(&token).unwrap();
        let found = judge_jwt(&jwt, &keys, &rules(), Timestamp::from_unix(NOW)).unwrap_err();
        assert_eq!(found, BadBearer::from(wrong));
        assert_eq!(found.wants_newer_keys(), newer);
    }
    let rules = BearerRules { algorithms: vec![Algorithm::PS256], ..rules() };
    assert_eq!(refusal(json!({}), &rules), Some(Refusal::Jwt(BadJwt::Algorithm)));
}

#[test]
fn c125_no_two_things_to_judge_share_a_name() {
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let base = rules();
    let with = |change: fn(&mut BearerRules)| {
        let mut rules = rules();
        change(&mut rules);
        rules
    };
    let key = |token: &str, provider: &str, rules: &BearerRules| {
        cache_key(&Secret::new(token.to_owned()), provider, rules)
    };
    let mut keys = vec![
        key("token", "one", &base),
        key("tokeno", "ne", &base),
        key("token", "two", &base),
        key("Token", "one", &base),
        key("", "", &base),
        key("token", "one", &with(|rules| rules.issuer = Issuer::Unnamed)),
        key("token", "one", &with(|rules| rules.issuer = Issuer::Any)),
        key("token", "one", &with(|rules| rules.issuer = Issuer::Is(String::new()))),
        key("token", "one", &with(|rules| rules.only_at_jwt = true)),
        key("token", "one", &with(|rules| rules.introspection = true)),
        key("token", "one", &with(|rules| rules.cache = Duration::from_secs(61))),
        key("token", "one", &with(|rules| rules.algorithms = vec![Algorithm::PS256])),
        key("token", "one", &with(|rules| rules.algorithms.push(Algorithm::PS256))),
    ];
    // One member, or a border between two, that moves through the lists.
    for (audience, scopes, clients) in [
        (&["a", "b"][..], &[][..], &[][..]),
        (&["ab"], &[], &[]),
        (&["a"], &["b"], &[]),
        (&["a"], &[], &["b"]),
        (&[], &["a", "b"], &[]),
        (&[], &["a"], &["b"]),
        (&[], &[], &["a", "b"]),
        (&["a b"], &[], &[]),
        (&["a", ""], &["b"], &[]),
        (&["", "a"], &["b"], &[]),
        (&[], &[], &[]),
    ] {
        let (audience, scopes, clients) = (list(audience), list(scopes), list(clients));
        keys.push(key("token", "one", &BearerRules { audience, scopes, clients, ..rules() }));
    }
    let all = keys.len();
    assert_eq!(key("token", "one", &base), keys[0]);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all);
}

#[test]
fn a_verdict_is_believed_no_longer_than_the_token_or_the_rules_say() {
    let now = Timestamp::from_unix(NOW);
    for (expires, until) in [(NOW + 300, NOW + 60), (NOW + 10, NOW + 10), (NOW - 30, NOW - 30)] {
        let accepted = Accepted { claims: json!({}), expires: Timestamp::from_unix(expires) };
        assert_eq!(believe_until(&accepted, &rules(), now), Timestamp::from_unix(until));
    }
    assert!(REFUSAL_BELIEVED < rules().cache);
}
