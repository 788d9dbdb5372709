//! Manifests of Kubernetes: what stands in them, and what its API says of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Process, random_key};
use crate::program::{installed, run};

/// The oldest that knows all that is used, one between, and the newest that the tool knows.
const VERSIONS: &[&str] = &["1.29", "1.33", "1.37"];
/// The groups of its own API, beside those that end with `k8s.io`.
const GROUPS: &[&str] = &["apps", "autoscaling", "batch", "policy", "v1"];

/// The documents of a text in YAML.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let program = "import json, sys, yaml
print(json.dumps([one for one in yaml.safe_load_all(sys.stdin) if one]))";
    let read = run(&installed("deploy/bin/python"), &["-c", program], text);
    assert!(read.well, "{}", read.said());
    serde_json::from_str(&read.stdout).unwrap()
}

/// The one document of this kind and name.
pub(crate) fn one<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is_it = |one: &&Value| one["kind"] == kind && one["metadata"]["name"] == name;
    let found: Vec<_> = documents.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{kind}/{name}");
    found[0]
}

/// The configuration in a ConfigMap.
pub(crate) fn settings(config_map: &Value) -> &str {
    config_map["data"]["gate.toml"].as_str().expect("gate.toml in the ConfigMap")
}

/// Holds every document against the schemas of Kubernetes, with nothing in it that they don't
/// know; says how many were judged for each version. The schemas of others' kinds come with those.
pub(crate) fn validate(text: &str) -> usize {
    let all = documents(text);
    let known = all.iter().filter(|one| is_of_kubernetes(one)).count();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("manifest.yaml");
    fs::write(&file, text).unwrap();
    for version in VERSIONS {
        let arguments = ["--strict", "-k", version, file.to_str().unwrap()];
        let judged = run(&installed("deploy/bin/kubernetes-validate"), &arguments, "");
        let said = judged.said();
        let told = |what: &str| said.lines().filter(|line| line.contains(what)).count();
        let (passed, unknown) = (told(" passed for resource "), told("Couldn't find schema"));
        assert_eq!((passed, unknown), (known, all.len() - known), "{version}: {said}");
        assert_eq!(said.lines().count(), all.len(), "{version}: {said}");
    }
    known
}

fn is_of_kubernetes(document: &Value) -> bool {
    let group = document["apiVersion"].as_str().unwrap().split('/').next().unwrap();
    group.ends_with("k8s.io") || GROUPS.contains(&group)
}

/// Checks a configuration as the gateway would read it, the secrets being somewhere else than in
/// `mounted`: it is right, and gives no cause for doubt.
pub(crate) fn check(settings: &str, mounted: &str) {
    let home = TempDir::new().unwrap();
    assert!(settings.contains(mounted), "no secret in {mounted}");
    write_secrets(home.path());
    let settings = settings.replace(mounted, home.path().to_str().unwrap());
    fs::write(home.path().join("gate.toml"), settings).unwrap();
    let checked = Process::finish(home.path(), &["check", "--config", "gate.toml"], &[]);
    let said = checked.said();
    assert_eq!(checked.code, Some(0), "{said}");
    assert!(!said.contains("warning: "), "{said}");
}

/// The secrets that the manifests say how to make, and a certificate.
pub(crate) fn write_secrets(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["wiki.example.com".to_owned()]).unwrap();
    for (name, text) in [
        ("client.secret", String::from("canary-client-secret")),
        ("session.key", random_key()),
        ("tls.crt", made.cert.pem()),
        ("tls.key", made.signing_key.serialize_pem()),
    ] {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
}
