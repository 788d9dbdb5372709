//! The commands: what they print, and the exit codes that scripts rely on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::harness::*;

const RIGHT: &str = r#"public_url = "http://127.0.0.1:4180"
listen = ["127.0.0.1:4180"]

[provider]
kind = "askara"
client_id = "app"
client_secret = { file = "client.secret" }

[[route]]
path = "/"
upstream = "http://127.0.0.1:3000"
access = "signed-in"
"#;

fn home_with(config: &str) -> TempDir {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("gate.toml"), config).unwrap();
    fs::write(home.path().join("client.secret"), "canary-client-secret\n").unwrap();
    home
}

fn check(home: &TempDir) -> (Option<i32>, String) {
    check_with(home, &[], &[])
}

fn check_with(home: &TempDir, more: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String) {
    let arguments = [&["check", "--config", "gate.toml"], more].concat();
    let finished = Process::finish(home.path(), &arguments, env);
    let said = finished.said();
    assert!(!said.contains("canary"), "C-109: a secret's value was printed: {said}");
    assert!(!said.contains("panicked"), "{said}");
    (finished.code, said)
}

/// The number of the first line that contains this, as an editor counts.
fn line_of(config: &str, text: &str) -> String {
    let at = config.lines().position(|line| line.contains(text)).unwrap();
    (at + 1).to_string()
}

fn names_line(said: &str, needle: &str, line: &str) -> bool {
    said.lines().filter(|words| words.contains(needle)).any(|words| {
        let mut numbers = words.split(|c: char| !c.is_ascii_digit());
        numbers.any(|number| number == line)
    })
}

#[test]
fn a_right_config_passes() {
    let (code, said) = check(&home_with(RIGHT));
    assert_eq!(code, Some(0), "{said}");
}

/// A provider whose sessions are probably large: it gives three JWTs, and all are kept.
const LARGE: &str = "kind = \"oidc\"\nissuer = \"https://login.example.com\"\nid_token_hint = true";

#[test]
fn the_size_of_a_session_is_told_before_anybody_signs_in() {
    let cookie = "a session of this configuration takes about";
    let several = RIGHT.replace("[provider]", "[providers.customers]")
        + &format!("[providers.staff]\n{LARGE}\nclient_id = \"x\"\nclient_auth = \"none\"\n");
    for (config, told) in [
        (RIGHT.to_owned(), format!("{cookie} 2200 bytes in 1 cookie\n")),
        (RIGHT.replace("kind = \"askara\"", LARGE), format!("{cookie} 3900 bytes in 1 cookie\n")),
        (several, format!("{cookie} 3900 bytes in 1 cookie (providers.staff)\n")),
    ] {
        let (code, said) = check(&home_with(&config));
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&told), "{told}{said}");
        assert_eq!(said.matches(cookie).count(), 1, "{said}");
    }
}

#[test]
fn a_session_that_servers_may_refuse_is_a_warning_that_names_them_and_the_way_out() {
    let (_, said) = check(&home_with(RIGHT));
    assert!(!said.contains("a session probably takes"), "{said}");
    let (code, said) = check(&home_with(&RIGHT.replace("kind = \"askara\"", LARGE)));
    assert_eq!(code, Some(0), "{said}");
    let begins = "warning: provider.id_token_hint: a session probably takes";
    let warning = said.lines().find(|line| line.starts_with(begins)).expect(&said);
    for name in [
        "session.store",
        "large_client_header_buffers 8k",
        "LimitRequestFieldSize 8190",
        "proxy_buffer_size, 4k or 8k",
        "maxHttpRequestHeaderSize",
        "requestHeaderSize",
        "--max-http-header-size",
    ] {
        assert!(warning.contains(name), "{name}: {warning}");
    }
    assert!(warning.len() <= 480, "four lines of a terminal: {}", warning.len());
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_key_and_line() {
    let wrong = RIGHT
        .replace("listen = [\"127.0.0.1:4180\"]", "listne = [\"127.0.0.1:4180\"]")
        .replace("kind = \"askara\"", "kind = \"askarra\"")
        .replace("\"http://127.0.0.1:3000\"", "\"gopher://127.0.0.1\"")
        .replace("\"signed-in\"", "\"signed-inn\"")
        + "\n[session]\nidle_timeout = \"eight hours\"\nrefresh_at = 7.5\nmax_age = true\n";
    let (code, said) = check(&home_with(&wrong));
    assert_eq!(code, Some(78), "{said}");
    let keys = ["listne", "kind", "upstream", "access", "idle_timeout", "refresh_at", "max_age"];
    for key in keys {
        let line = line_of(&wrong, &format!("{key} ="));
        assert!(names_line(&said, key, &line), "{key} on line {line}:\n{said}");
    }
    assert!(said.contains("session.idle_timeout"), "key paths, not names:\n{said}");
    assert!(said.contains("provider.kind"), "key paths, not names:\n{said}");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let typos = [
        ("listen = ", "listne = ", "listen"),
        ("client_id = ", "clientid = ", "client_id"),
        ("upstream = ", "upstreams = ", "upstream"),
        ("[[route]]", "[[routes]]", "route"),
        ("public_url = ", "publicurl = ", "public_url"),
    ];
    for (right, typo, nearest) in typos {
        let (code, said) = check(&home_with(&RIGHT.replace(right, typo)));
        assert_eq!(code, Some(78), "{typo}: {said}");
        let hint = said.lines().any(|line| {
            let name = typo.trim_matches(['[', ']', '=', ' ']);
            line.contains(name) && line.replace(name, "").contains(nearest)
        });
        assert!(hint, "{typo} names {nearest}:\n{said}");
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_printed() {
    let secrets = [
        "client_secret = [\"canary-secret\"]",
        "client_secret = { fiel = \"canary-secret\" }",
        "client_secret = { file = 7, env = \"canary-secret\" }",
        "client_secrett = \"canary-secret\"",
        "client_secret = canary-secret",
        "client_secret = \"canary-secret",
    ];
    for secret in secrets {
        let wrong = RIGHT.replace("client_secret = { file = \"client.secret\" }", secret);
        let (code, said) = check(&home_with(&wrong));
        assert_eq!(code, Some(78), "C-109: {secret}: {said}");
        assert!(said.contains('8') || said.contains('7'), "a line is named: {said}");
    }
}

#[test]
fn a_literal_secret_is_a_warning_that_does_not_repeat_it() {
    let literal = RIGHT.replace("{ file = \"client.secret\" }", "\"canary-secret\"");
    let (code, said) = check(&home_with(&literal));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("client_secret"), "a warning: {said}");
}

#[test]
fn keys_that_are_no_keys_are_refused() {
    let short = STANDARD.encode([7; 31]);
    let keys = ["canary-passphrase-of-thirty-two!", short.as_str(), ""];
    for key in keys {
        let config = format!("{RIGHT}\n[session]\nkeys = [{{ file = \"session.key\" }}]\n");
        let home = home_with(&config);
        fs::write(home.path().join("session.key"), key).unwrap();
        let (code, said) = check(&home);
        assert_eq!(code, Some(78), "C-117: {said}");
        assert!(said.contains("session.keys"), "{said}");
        assert!(key.is_empty() || !said.contains(key), "C-109");
    }
}

#[test]
fn a_secret_file_that_is_missing_or_empty_is_named() {
    for content in [None, Some("")] {
        let home = home_with(RIGHT);
        let path = home.path().join("client.secret");
        match content {
            None => fs::remove_file(path).unwrap(),
            Some(content) => fs::write(path, content).unwrap(),
        }
        let (code, said) = check(&home);
        assert_eq!(code, Some(78), "C-110: {said}");
        assert!(said.contains("provider.client_secret"), "C-110: {said}");
    }
}

#[test]
fn set_goes_before_environment_before_file() {
    let home = home_with(RIGHT);
    let bad = [("ASKARA_GATE_PUBLIC_URL", "not an address")];
    let (code, said) = check_with(&home, &[], &bad);
    assert_eq!(code, Some(78), "the environment overrides the file: {said}");
    assert!(said.to_lowercase().contains("public_url"), "{said}");
    let (code, said) = check_with(&home, &["--set", "public_url=http://127.0.0.1:1"], &bad);
    assert_eq!(code, Some(0), "--set overrides the environment: {said}");
    let nested = [("ASKARA_GATE_SESSION__IDLE_TIMEOUT", "never")];
    let (code, said) = check_with(&home, &[], &nested);
    assert_eq!(code, Some(78), "{said}");
    let unknown = [("ASKARA_GATE_SERVICE_PORT", "tcp://10.0.0.1:80")];
    let (code, said) = check_with(&home, &[], &unknown);
    assert_eq!(code, Some(0), "Kubernetes injects some: {said}");
    assert!(said.contains("ASKARA_GATE_SERVICE_PORT"), "only a warning: {said}");
    let (code, said) = check_with(&home, &["--set", "listne=x"], &[]);
    assert!(matches!(code, Some(2 | 78)), "{said}");
}

#[test]
fn a_config_that_is_not_there_or_no_toml_is_a_bad_config() {
    let home = TempDir::new().unwrap();
    let (code, said) = check(&home);
    assert_eq!(code, Some(78), "{said}");
    let (code, said) = check(&home_with("public_url = [\n"));
    assert_eq!(code, Some(78), "{said}");
}

#[test]
fn run_refuses_what_check_refuses() {
    let home = home_with(&RIGHT.replace("kind = ", "kinds = "));
    let finished = Process::finish(home.path(), &["run", "--config", "gate.toml"], &[]);
    assert_eq!(finished.code, Some(78), "{}", finished.said());
}

#[test]
fn wrong_usage_is_2() {
    let home = TempDir::new().unwrap();
    let wrong: [&[&str]; 3] = [&["frobnicate"], &["run", "--nonsense"], &["check", "--config"]];
    for arguments in wrong {
        let finished = Process::finish(home.path(), arguments, &[]);
        assert_eq!(finished.code, Some(2), "{arguments:?}: {}", finished.said());
    }
    for arguments in [&["--help"], &["--version"]] {
        let finished = Process::finish(home.path(), arguments, &[]);
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.said());
        assert!(finished.stdout.contains("askara-gate"), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn keygen_prints_a_key_that_works() {
    let home = TempDir::new().unwrap();
    let keys = [(); 2].map(|()| Process::finish(home.path(), &["keygen"], &[]));
    assert_eq!(keys[0].code, Some(0));
    let key = keys[0].stdout.trim_end();
    assert_ne!(keys[0].stdout, keys[1].stdout);
    assert_eq!(key.lines().count(), 1, "nothing but the key");
    assert_eq!(keys[0].stderr, "");
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate =
        gateway().with_keys(&[key]).with_provider(&provider).with_upstream(&app).start().await;
    gate.visitor().login().await;
}

#[tokio::test]
async fn without_keys_one_is_made_and_kept_private() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_keys(&[]).with_provider(&provider).with_upstream(&app).start().await;
    gate.visitor().login().await;
    let ours = ["gate.toml", "client.secret"];
    let mut made = files_under(gate.home());
    made.retain(|path| !ours.iter().any(|name| path.ends_with(name)));
    assert!(!made.is_empty(), "a key is kept in the state folder");
    for path in made {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files_under(&path),
            false => vec![path],
        })
        .collect()
}
