//! How a request's path and host are said to the app.

use super::path::is_plain;
use super::upstream::{Carried, UpstreamAddress};
use crate::auth::host::Host;
use crate::auth::route::PathPattern;
use crate::auth::way::{AppWay, is_prefix_of};
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(
    section: &mut Section,
    path: &PathPattern,
    carried: Option<&Carried>,
    problems: &mut Problems,
) -> AppWay {
    let strip = section.parse("strip_prefix", problems, |text| {
        let prefix = plain(text)?;
        match is_prefix_of(&prefix, &surely(path)) {
            true => Ok(prefix),
            false => Err(format!("{text:?} is no beginning of every path of the route, {path}")),
        }
    });
    let add = section.parse("add_prefix", problems, plain);
    let host = section.parse("host_header", problems, |text| match text {
        "keep" => Ok(None),
        // An upstream that is wrong is told of by itself.
        "upstream" => carried.map_or(Ok(None), |carried| {
            let Carried::To(upstream) = carried else {
                return Err(String::from("upstream is \"none\""));
            };
            let mut hosts = upstream.servers.iter().map(host_of);
            let first = hosts
                .next()
                .flatten()
                .filter(|first| hosts.all(|host| host.as_ref() == Some(first)));
            first
                .map(Some)
                .ok_or_else(|| String::from("the upstream is not one host; name the one to say"))
        }),
        _ => Host::parse(text).map(|host| Some(host.as_str().to_owned())).ok_or_else(|| {
            format!(
                "{text:?} is none of \"keep\", \"upstream\" and a host such as \"wiki.internal\""
            )
        }),
    });
    let way = AppWay::new(strip.as_deref(), add.as_deref(), host.flatten().as_deref());
    // What was refused above is not there, and all else can be said.
    way.unwrap_or_default()
}

fn plain(text: &str) -> Result<String, String> {
    match is_plain(text) && text != "/" {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} must be a plain path such as \"/wiki\", without escapes, \"//\" or dots"
        )),
    }
}

/// The whole segments that every path of a route begins with.
fn surely(path: &PathPattern) -> String {
    let literal = path.literal();
    match path {
        PathPattern::Regex(_) => literal[..literal.rfind('/').unwrap_or(0)].to_owned(),
        _ => literal.into_owned(),
    }
}

fn host_of(address: &UpstreamAddress) -> Option<String> {
    match address {
        UpstreamAddress::Http(host) | UpstreamAddress::Https(host) | UpstreamAddress::H2c(host) => {
            Some(host.as_str().to_owned())
        }
        UpstreamAddress::Unix(_) => None,
    }
}
