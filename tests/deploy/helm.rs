//! `deploy/helm`: the chart.

use std::fs;

use serde_json::Value;

use crate::kubernetes::{SECRETS, assert_modest, assert_time_to_end, read};
use crate::manifest::{check, documents, one, settings, validate};
use crate::program::{Ended, at_top, installed, run};

const NAME: &str = "gate-askara-gate";

fn helm(arguments: &[&str]) -> Ended {
    run(&installed("bin/helm"), arguments, "")
}

/// Renders the chart with the values of its example, and more.
fn rendered(more: &[&str]) -> Ended {
    let chart = at_top("deploy/helm/askara-gate");
    let values = chart.join("ci/example-values.yaml");
    let (chart, values) = (chart.to_str().unwrap(), values.to_str().unwrap());
    let arguments = ["template", "gate", chart, "--kube-version", "1.33.0", "-f", values];
    helm(&[&arguments, more].concat())
}

fn manifests(more: &[&str]) -> String {
    let ended = rendered(more);
    assert!(ended.well, "{}", ended.said());
    ended.stdout
}

#[test]
fn the_chart_has_no_lint() {
    let chart = at_top("deploy/helm/askara-gate");
    let values = chart.join("ci/example-values.yaml");
    let arguments = ["lint", "--strict", chart.to_str().unwrap(), "-f", values.to_str().unwrap()];
    let linted = helm(&arguments);
    assert!(linted.well, "{}", linted.said());
}

#[test]
fn what_the_chart_renders_fits_the_api_and_its_configuration_is_right() {
    for more in [
        &[][..],
        &["--set", "autoscaling.enabled=false", "--set", "networkPolicy.enabled=false"],
        &["--set", "image.digest=", "--set", "nodeSelector.disk=ssd", "--set", "podLabels.team=a"],
        &["--set", "config.limits.connections=1000", "--set", "extraEnv[0].name=NO_PROXY"],
    ] {
        let text = manifests(more);
        assert!(validate(&text) >= 4, "{text}");
        let all = documents(&text);
        check(settings(one(&all, "ConfigMap", NAME)), SECRETS);
    }
}

/// Two ways to the same pod, which nobody keeps alike by hand for long.
#[test]
fn the_chart_and_the_manifest_make_the_same_pod() {
    let charts = documents(&manifests(&[]));
    let by_hand = documents(&read("standalone.yaml"));
    let deployments =
        [one(&charts, "Deployment", NAME), one(&by_hand, "Deployment", "askara-gate")];
    let [chart, hand] = deployments.map(|one| &one["spec"]["template"]["spec"]);
    assert_modest(chart, "chart");
    assert_time_to_end(chart, settings(one(&charts, "ConfigMap", NAME)));
    let keys = |pod: &Value| pod.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(chart), keys(hand));
    for key in ["terminationGracePeriodSeconds", "securityContext", "enableServiceLinks"] {
        assert_eq!(chart[key], hand[key], "{key}");
    }
    let [ours, theirs] = [chart, hand].map(|pod| pod["containers"][0].as_object().unwrap());
    for (key, value) in theirs {
        assert_eq!(&ours[key], value, "{key}");
    }
    assert_eq!(deployments[0]["spec"]["strategy"], deployments[1]["spec"]["strategy"]);
}

#[test]
fn values_that_can_not_work_are_refused() {
    for wrong in [
        "existingSecret=",
        "config.public_url=",
        "config.public_url=https://apps.example.com/path",
        "config.route=null",
        "config.listen={0.0.0.0:8080}",
        // A secret in the values would lie in a ConfigMap.
        "config.provider.client_secret=secret",
        "config.session.keys={secret}",
        "replicaCount=none",
        "unknown=1",
    ] {
        let ended = rendered(&["--set", wrong]);
        assert!(!ended.well, "{wrong} was taken: {}", ended.said());
    }
}

#[test]
fn another_configuration_is_another_pod_and_a_digest_comes_before_the_tag() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let template = |more: &[&str]| {
        let all = documents(&manifests(more));
        one(&all, "Deployment", NAME)["spec"]["template"].clone()
    };
    let before = template(&[]);
    let after = template(&["--set", "config.log.level=debug"]);
    let sum = |one: &Value| one["metadata"]["annotations"]["checksum/config"].clone();
    assert_ne!(sum(&before), sum(&after));
    assert_eq!(before["spec"]["containers"][0]["image"], "askara-gate:0.1.0");
    let after = template(&["--set", &format!("image.digest={digest}")]);
    assert_eq!(after["spec"]["containers"][0]["image"], format!("askara-gate@{digest}"));
}

#[test]
fn the_chart_and_the_program_have_the_same_version() {
    let chart = fs::read_to_string(at_top("deploy/helm/askara-gate/Chart.yaml")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(chart.contains(&format!("\nversion: {version}\n")), "{chart}");
    assert!(chart.contains(&format!("\nappVersion: \"{version}\"\n")), "{chart}");
}
