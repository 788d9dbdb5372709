//! `deploy/kubernetes`: the manifests.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::manifest::{check, documents, one, settings, validate};
use crate::program::at_top;

pub(crate) const SECRETS: &str = "/run/secrets/askara-gate";

pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(at_top("deploy/kubernetes").join(name)).unwrap()
}

fn every_file() -> Vec<(String, String)> {
    let files = fs::read_dir(at_top("deploy/kubernetes")).unwrap();
    let mut files: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .map(|name| (read(&name), name))
        .map(|(text, name)| (name, text))
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    files
}

#[test]
fn every_manifest_fits_the_api() {
    let judged: usize = every_file().iter().map(|(_, text)| validate(text)).sum();
    assert!(judged >= 10, "{judged}");
}

#[test]
fn a_manifest_that_does_not_fit_is_found() {
    let text = read("sidecar.yaml");
    for (right, wrong) in [
        ("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: soon"),
        ("readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true"),
    ] {
        assert!(text.contains(right), "{right}");
        let text = text.replace(right, wrong);
        let judged = std::panic::catch_unwind(|| validate(&text));
        assert!(judged.is_err(), "{wrong}");
    }
}

#[test]
fn every_configuration_in_a_manifest_is_right() {
    let mut checked = 0;
    for (_, text) in every_file() {
        for map in documents(&text).iter().filter(|one| one["kind"] == "ConfigMap") {
            if map["data"]["gate.toml"].is_string() {
                check(settings(map), SECRETS);
                checked += 1;
            }
        }
    }
    assert!(checked >= 2, "{checked}");
}

#[test]
fn no_pod_of_a_manifest_may_more_than_it_has_to() {
    for (name, text) in every_file() {
        for deployment in documents(&text).iter().filter(|one| one["kind"] == "Deployment") {
            let pod = &deployment["spec"]["template"]["spec"];
            if containers(pod).any(is_gate) {
                assert_modest(pod, &name);
            }
        }
    }
}

#[test]
fn the_time_to_end_is_longer_than_the_drain() {
    for (file, name, deployment) in
        [("sidecar.yaml", "wiki-gate", "wiki"), ("standalone.yaml", "askara-gate", "askara-gate")]
    {
        let all = documents(&read(file));
        let pod = &one(&all, "Deployment", deployment)["spec"]["template"]["spec"];
        assert_time_to_end(pod, settings(one(&all, "ConfigMap", name)));
    }
}

/// Kubernetes ends `containers` before the init containers that restart, the last of them first.
#[test]
fn the_app_beside_the_gateway_outlives_it_and_is_reached_through_it_alone() {
    let all = documents(&read("sidecar.yaml"));
    let pod = &one(&all, "Deployment", "wiki")["spec"]["template"]["spec"];
    let app = &pod["initContainers"][0];
    assert_eq!((&app["name"], &app["restartPolicy"]), (&json!("app"), &json!("Always")));
    assert_eq!(app["args"], json!(["--listen", "127.0.0.1:3000"]), "on loopback");
    assert_eq!(app["ports"], Value::Null);
    assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
    assert!(is_gate(&pod["containers"][0]));
    let settings = settings(one(&all, "ConfigMap", "wiki-gate"));
    assert!(settings.contains("upstream = \"http://127.0.0.1:3000\""));
    assert_leads_to_the_gateway(one(&all, "Service", "wiki"), pod);
    let rules = &one(&all, "NetworkPolicy", "wiki")["spec"]["ingress"];
    let ports: Vec<_> = rules.as_array().unwrap().iter().map(|rule| &rule["ports"]).collect();
    assert_eq!(ports, [&json!([{ "port": "http" }]), &json!([{ "port": "admin" }])]);
}

#[test]
fn the_gateway_by_itself_has_replicas_that_are_never_all_away() {
    let all = documents(&read("standalone.yaml"));
    let deployment = one(&all, "Deployment", "askara-gate");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let autoscaler = &one(&all, "HorizontalPodAutoscaler", "askara-gate")["spec"];
    assert!(autoscaler["minReplicas"].as_u64().unwrap() >= 2);
    assert_eq!(deployment["spec"]["replicas"], Value::Null, "the autoscaler says how many");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["topologySpreadConstraints"].as_array().unwrap().len(), 2);
    for selector in [
        &one(&all, "PodDisruptionBudget", "askara-gate")["spec"]["selector"]["matchLabels"],
        &one(&all, "NetworkPolicy", "askara-gate")["spec"]["podSelector"]["matchLabels"],
        &one(&all, "Service", "askara-gate")["spec"]["selector"],
        &deployment["spec"]["selector"]["matchLabels"],
    ] {
        assert_eq!(selector, labels);
    }
    assert_leads_to_the_gateway(one(&all, "Service", "askara-gate"), pod);
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["containers", "initContainers"].iter().filter_map(|key| pod[key].as_array()).flatten()
}

fn is_gate(container: &Value) -> bool {
    container["image"].as_str().unwrap().starts_with("askara-gate:")
}

/// What a pod is not allowed, and what its gateway is not.
pub(crate) fn assert_modest(pod: &Value, name: &str) {
    assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
    assert_eq!(pod["enableServiceLinks"], false, "{name}");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
    for container in containers(pod) {
        let own = &container["securityContext"];
        assert_eq!(own["allowPrivilegeEscalation"], false, "{name}: {container}");
        assert_eq!(own["capabilities"], json!({ "drop": ["ALL"] }), "{name}: {container}");
        assert!(container["resources"]["requests"]["memory"].is_string(), "{name}: {container}");
        assert!(container["resources"]["limits"]["memory"].is_string(), "{name}: {container}");
    }
    let gate = containers(pod).find(|container| is_gate(container)).unwrap();
    let own = &gate["securityContext"];
    let user = |from: &Value| from["runAsUser"].as_u64();
    assert_eq!(user(own).or_else(|| user(&pod["securityContext"])), Some(65532), "{name}");
    assert_eq!(own["readOnlyRootFilesystem"], true, "{name}");
    assert_eq!(gate["readinessProbe"]["httpGet"], json!({ "path": "/readyz", "port": "admin" }));
    assert_eq!(gate["livenessProbe"]["httpGet"], json!({ "path": "/healthz", "port": "admin" }));
    for mount in gate["volumeMounts"].as_array().unwrap() {
        assert_eq!(mount["readOnly"], true, "{name}: {mount}");
        assert_eq!(mount["subPath"], Value::Null, "{name}: never updated: {mount}");
    }
    for volume in pod["volumes"].as_array().unwrap() {
        let mode = volume["secret"]["defaultMode"].as_u64();
        assert!(mode.is_none_or(|mode| mode & 0o007 == 0), "{name}: {volume}");
    }
}

/// The kubelet must not kill what the gateway is still allowed to finish.
pub(crate) fn assert_time_to_end(pod: &Value, settings: &str) {
    let time = |key: &str| {
        let line = format!("{key} = \"");
        let text = settings.lines().find_map(|text| text.trim().strip_prefix(&line)).expect(key);
        humantime::parse_duration(text.trim_end_matches('"')).unwrap()
    };
    assert!(time("drain_delay") >= Duration::from_secs(5), "endpoints are told of late");
    let grace = Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap());
    assert!(grace >= time("drain_delay") + time("drain") + Duration::from_secs(2), "{grace:?}");
}

fn assert_leads_to_the_gateway(service: &Value, pod: &Value) {
    let gate = containers(pod).find(|container| is_gate(container)).unwrap();
    let ports = service["spec"]["ports"].as_array().unwrap();
    assert_eq!(ports.len(), 1, "the admin port is nobody's");
    assert_eq!(ports[0]["targetPort"], "http");
    assert_eq!(gate["ports"][0], json!({ "name": "http", "containerPort": 4180 }));
}
