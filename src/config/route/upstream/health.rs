//! Whether and how the servers of an app are asked for their health.

use std::time::Duration;

use http::StatusCode;
use http::uri::PathAndQuery;

use crate::config::problem::Problems;
use crate::config::reader::Section;

/// How a server is asked whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthChecks {
    pub path: PathAndQuery,
    /// From the end of one check to the beginning of the next.
    pub interval: Duration,
    /// For a whole check, the connection included.
    pub timeout: Duration,
    /// What a server that is well answers; at least one.
    pub status: Vec<StatusCode>,
    /// How many checks in a row have to fail until a server gets no more requests.
    pub unhealthy_after: u32,
    /// How many in a row have to pass until it gets them again.
    pub healthy_after: u32,
}

/// None where it is wrong, and none inside where nobody is asked.
pub(super) fn parse(
    section: &mut Section,
    problems: &mut Problems,
) -> Option<Option<HealthChecks>> {
    let Some(taken) = section.take("upstream_health") else {
        return Some(None);
    };
    let before = problems.len();
    let mut section = taken.section(problems)?;
    let path = path(&mut section, problems);
    let mut time = |key, default| match section.duration(key, problems) {
        Some(time) if time.is_zero() => {
            problems.push(section.problem(key, "must be more than nothing"));
            time
        }
        time => time.unwrap_or(default),
    };
    let (interval, timeout) = (time("interval", INTERVAL), time("timeout", TIMEOUT));
    let mut times = |key, default| match section.number(key, problems) {
        Some(number) if number.fract() == 0.0 && (1.0..=1000.0).contains(&number) => number as u32,
        Some(_) => {
            problems.push(section.problem(key, "must be a whole number, at least 1"));
            default
        }
        None => default,
    };
    let unhealthy_after = times("unhealthy_after", UNHEALTHY_AFTER);
    let healthy_after = times("healthy_after", HEALTHY_AFTER);
    let status = status(&mut section, problems);
    section.finish(problems);
    let checks =
        HealthChecks { path: path?, interval, timeout, status, unhealthy_after, healthy_after };
    (problems.len() == before).then_some(Some(checks))
}

fn path(section: &mut Section, problems: &mut Problems) -> Option<PathAndQuery> {
    if !section.has("path") {
        problems.push(section.problem("path", "is missing; write it like \"/healthz\""));
    }
    section.parse("path", problems, |text| {
        let path = text.parse().ok().filter(|_| text.starts_with('/') && !text.contains('#'));
        path.ok_or_else(|| format!("{text:?} is no path; write it like \"/healthz\""))
    })
}

fn status(section: &mut Section, problems: &mut Problems) -> Vec<StatusCode> {
    let Some(items) = section.texts("status", problems) else {
        return vec![StatusCode::OK];
    };
    let mut status = Vec::new();
    for taken in &items {
        match taken.number().map(|number| StatusCode::from_u16(number as u16)) {
            Some(Ok(code)) if (200..600).contains(&code.as_u16()) => status.push(code),
            _ => problems.push(taken.problem("is no status; write it like 200")),
        }
    }
    if items.is_empty() {
        problems.push(section.problem("status", "is empty; no server could ever be well"));
    }
    status
}

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
const UNHEALTHY_AFTER: u32 = 3;
const HEALTHY_AFTER: u32 = 2;
