//! How the client proves itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::auth::provider::ClientAuth;

const SECRET: &str = "client_secret = { env = \"SECRET\" }\n";

fn client_key(key: &str) -> Result<Config, String> {
    let text = "client_auth = \"private_key_jwt\"\nclient_key = { env = \"KEY\" }";
    load(&file(text), &[("KEY", key)], &[])
}

#[test]
fn a_secret_is_demanded_only_where_it_is_used() {
    let none = "client_auth = \"none\"\npkce = \"S256\"\n";
    let mtls = "client_auth = \"mtls\"\nclient_certificate = \"a\"\nclient_certificate_key = \"b\"";
    for lines in ["client_auth = \"body\"", "client_auth = \"basic\"", ""] {
        let wanted = "provider.client_secret: is missing; set it, or the variable ";
        each_is_one_problem(&[(lines, wanted)]);
    }
    for lines in [none, mtls] {
        let config = load(&file(lines), &[("ASKARA_CLIENT_SECRET", "canary")], &[]).unwrap();
        assert!(config.warnings.is_empty(), "{lines}");
        let wanted = "provider.client_secret: is not used with client_auth \"";
        each_is_one_problem(&[(&format!("{SECRET}{lines}"), wanted)]);
    }
}

#[test]
fn each_way_takes_its_own_keys_and_no_others() {
    let mtls = "client_auth = \"mtls\"\nclient_certificate = \"a\"\n";
    for (lines, wanted) in [
        (
            "client_auth = \"saml\"\nclient_key = \"canary\"",
            "client_auth: \"saml\" is not \"body\"",
        ),
        ("client_auth = \"none\"", "pkce: must be \"S256\" with client_auth \"none\""),
        ("client_auth = \"private_key_jwt\"", "client_key: is missing; client_auth"),
        (
            "client_auth = \"private_key_jwt\"\nclient_key = { env = \"NOT_THERE\" }",
            "client_key.env: the variable NOT_THERE is not set",
        ),
        (mtls, "client_certificate_key: is missing; client_auth \"mtls\" needs it"),
        (
            &format!("{mtls}client_certificate_key = \"b\"\nclient_key = \"canary\""),
            "client_key: is not used with client_auth \"mtls\"",
        ),
        (
            &format!("{SECRET}client_key = \"canary\""),
            "client_key: is not used with client_auth \"body\"",
        ),
        (&format!("{SECRET}client_key_id = \"1\""), "client_key_id: is not used with"),
        (
            &format!("{SECRET}client_assertion_audience = \"x\""),
            "client_assertion_audience: is not used with",
        ),
        (&format!("{SECRET}client_certificate = \"x\""), "client_certificate: is not used with"),
        ("client_secret = \"\"", "client_secret: is empty"),
    ] {
        each_is_one_problem(&[(lines, &format!("provider.{wanted}"))]);
    }
}

#[test]
fn a_certificate_is_read_as_two_paths() {
    let lines =
        "client_auth = \"mtls\"\nclient_certificate = \"a\"\nclient_certificate_key = \"b\"";
    let config = load(&file(lines), &[], &[]).unwrap();
    let files = TlsFiles { certificate: PathBuf::from("a"), key: PathBuf::from("b") };
    assert_eq!(config.providers[0].certificate, Some(files));
    assert!(matches!(*config.providers[0].settings.client_auth.current(), ClientAuth::Mtls));
}

#[test]
fn a_client_key_is_pkcs8_and_the_error_tells_the_way_there() {
    let key = rcgen::KeyPair::generate().unwrap();
    let config = client_key(&key.serialize_pem()).unwrap();
    let auth = config.providers[0].settings.client_auth.current();
    assert!(matches!(*auth, ClientAuth::PrivateKeyJwt { audience: None, .. }));
    let der = key.serialize_der();
    for (label, der, word) in [
        ("EC PRIVATE KEY", &der[..], "SEC1"),
        ("RSA PRIVATE KEY", &der[..], "PKCS#1"),
        ("ENCRYPTED PRIVATE KEY", &der[..], "without a passphrase"),
        ("CERTIFICATE", &der[..], "no private key"),
        ("PRIVATE KEY", &b"canary"[..], "is not an unencrypted PKCS#8 key"),
    ] {
        let text = STANDARD.encode(der);
        let pem = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
        let problems = client_key(&pem).unwrap_err();
        assert!(
            problems.contains("provider.client_key: ") && problems.contains(word),
            "{problems}"
        );
        assert!(!problems.contains(&text), "{problems}");
        let tells = problems.contains("openssl pkcs8 -topk8");
        assert_eq!(tells, label != "PRIVATE KEY", "{problems}");
    }
    assert!(client_key("canary").unwrap_err().contains("no private key in PEM form"));
}

#[test]
fn a_client_key_comes_from_the_places_of_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(&path, &pem).unwrap();
    for (key, warnings) in
        [(format!("{{ file = {path:?} }}"), true), (format!("'''{pem}'''"), true)]
    {
        let lines = format!(
            "client_auth = \"private_key_jwt\"\nclient_key_id = \"1\"\nclient_assertion_audience = \"https://a.example\"\nclient_key = {key}"
        );
        let config = load(&file(&lines), &[], &[]).unwrap();
        let auth = config.providers[0].settings.client_auth.current();
        let ClientAuth::PrivateKeyJwt { audience, .. } = &*auth else {
            panic!("{key}");
        };
        assert_eq!(audience.as_deref(), Some("https://a.example"));
        assert_eq!(!config.warnings.is_empty(), warnings, "{:?}", config.warnings);
        assert!(!config.warnings.join(" ").contains("BEGIN"));
    }
}
