//! How much a route takes.

use crate::auth::rate::Rate;
use crate::auth::route_limits::{AppTimes, Counted, Limited, RouteLimits};
use crate::config::limits::Limits;
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// Reads a route's own limits; the root table's hold for what it leaves out. What it sets is
/// counted by itself, under this number.
pub(super) fn parse(
    section: &mut Section,
    defaults: &Limits,
    number: u32,
    problems: &mut Problems,
) -> RouteLimits {
    let mut section = section.section("limits", problems);
    let mut limited = read_limited(&mut section, &defaults.routes, number, problems);
    limited.times = times(&mut section, defaults, problems);
    section.finish(problems);
    RouteLimits::new(limited)
}

/// Reads what a route and the root table can both say.
pub(in crate::config) fn read_limited(
    section: &mut Section,
    defaults: &Limited,
    number: u32,
    problems: &mut Problems,
) -> Limited {
    let mut limited = defaults.clone();
    if let Some(bytes) = whole(section, "body_bytes", 1e15, problems) {
        limited.body_bytes = (bytes > 0).then_some(bytes);
    }
    if let Some(most) = whole(section, "concurrent_per_session", 1e6, problems) {
        limited.concurrent_per_session = (most > 0).then_some(most as u32);
        limited.concurrent_among = number;
    }
    let burst = whole(section, "burst", 1e6, problems).map(|burst| burst as u32);
    let mut any = false;
    for (key, rate) in [
        ("rate_per_address", &mut limited.per_address),
        ("rate_per_session", &mut limited.per_session),
    ] {
        let read = section.parse(key, problems, |text| match text {
            "off" => Ok(None),
            _ => Rate::parse(text, burst).map(Some).ok_or_else(|| {
                format!(
                    "{text:?} is no rate; write it like \"20/s\", \"600/m\", \"1000/h\" or \"off\""
                )
            }),
        });
        if let Some(read) = read {
            any = true;
            *rate = read.map(|rate| Counted { rate, among: number });
        }
    }
    if burst.is_some() && !any {
        problems.push(section.problem("burst", "goes with rate_per_address or rate_per_session"));
    }
    limited
}

fn times(section: &mut Section, defaults: &Limits, problems: &mut Problems) -> Option<AppTimes> {
    let mut times = AppTimes {
        connect: defaults.connect,
        response_head: defaults.response_head,
        body_idle: defaults.body_idle,
        stream_idle: defaults.stream_idle,
    };
    let mut own = false;
    for (key, time) in [
        ("connect", &mut times.connect),
        ("response_head", &mut times.response_head),
        ("body_idle", &mut times.body_idle),
    ] {
        if let Some(duration) = section.duration(key, problems) {
            if duration.is_zero() {
                problems.push(section.problem(key, "must be more than nothing"));
            }
            *time = duration;
            own = true;
        }
    }
    if let Some(idle) = section.duration("stream_idle", problems) {
        times.stream_idle = (!idle.is_zero()).then_some(idle);
        own = true;
    }
    own.then_some(times)
}

fn whole(
    section: &mut Section,
    key: &'static str,
    most: f64,
    problems: &mut Problems,
) -> Option<u64> {
    let number = section.number(key, problems)?;
    if number.fract() == 0.0 && (0.0..=most).contains(&number) {
        return Some(number as u64);
    }
    problems.push(section.problem(key, format!("must be a whole number, {most} at most")));
    None
}
