use crate::demo::provider::authorize::{AuthorizeRequest, Refusal};
use crate::demo::provider::call::form_parameters;
use crate::demo::provider::{Kind, Options};

fn outcome(query: &str) -> String {
    let options = Options::new(
        Kind::Askara,
        "client".to_owned(),
        "secret".to_owned(),
        vec!["http://app/callback".to_owned(), "http://app/?x=1".to_owned()],
    );
    match AuthorizeRequest::read(form_parameters(query.as_bytes()), &options, String::new()) {
        Ok(request) => request.back.with_code(&request.scopes.join(" ")),
        Err(Refusal::Redirected(location)) => location,
        Err(Refusal::Shown(text)) => text.to_owned(),
    }
}

#[test]
fn only_a_registered_client_and_address_is_ever_sent_back() {
    for (query, expected) in [
        ("", "The client is unknown."),
        ("client_id=other&redirect_uri=http://app/callback", "The client is unknown."),
        (
            "client_id=client&redirect_uri=http://app/callback/",
            "The redirect address is not registered for this client.",
        ),
        ("client_id=client", "The redirect address is not registered for this client."),
        (
            "client_id=client&redirect_uri=http://app/callback&redirect_uri=http://evil",
            "The request is no form, or has a parameter twice.",
        ),
    ] {
        assert_eq!(outcome(query), expected, "{query}");
    }
}

#[test]
fn other_faults_go_back_with_the_state() {
    let challenge = "a".repeat(43);
    for (rest, expected) in [
        ("response_type=code", "code=profile&state=s+1"),
        ("response_type=code&scope=profile+organization", "code=profile+organization&state=s+1"),
        ("", "error=invalid_request&state=s+1"),
        ("response_type=token", "error=unsupported_response_type&state=s+1"),
        ("response_type=code&scope=root", "error=invalid_scope&state=s+1"),
        ("response_type=code&response_mode=form_post", "error=invalid_request&state=s+1"),
        ("response_type=code&max_age=soon", "error=invalid_request&state=s+1"),
        ("response_type=code&prompt=none+login", "error=invalid_request&state=s+1"),
        (
            "response_type=code&code_challenge=short&code_challenge_method=S256",
            "error=invalid_request&state=s+1",
        ),
        (
            &*format!("response_type=code&code_challenge={challenge}"),
            "error=invalid_request&state=s+1",
        ),
        (
            &*format!("response_type=code&code_challenge={challenge}&code_challenge_method=S256"),
            "code=profile&state=s+1",
        ),
    ] {
        let query = format!("client_id=client&redirect_uri=http://app/callback&state=s%201&{rest}");
        assert_eq!(outcome(&query), format!("http://app/callback?{expected}"), "{rest}");
    }
}

#[test]
fn an_address_with_a_query_keeps_it() {
    let query = "client_id=client&redirect_uri=http://app/?x%3D1&response_type=code";
    assert_eq!(outcome(query), "http://app/?x=1&code=profile");
}
