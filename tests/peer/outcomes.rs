//! What is written down of a situation's outcomes, and where both gateways are beside each other.
//!
//! The files in `outcomes/` have a paragraph for each situation: its name, and the outcome that both
//! gateways have; or both outcomes, and why ours is not oauth2-proxy's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

#[derive(Clone, Copy, Debug)]
enum Expected<'a> {
    Same(&'a str),
    Differs { peer: &'a str, ours: &'a str, why: &'a str },
}

/// What is expected of all situations, by name.
pub(crate) struct Outcomes<'a>(BTreeMap<&'a str, Expected<'a>>);

/// A situation as it turned out; `peer` is none where there is no oauth2-proxy.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) ours: String,
    pub(crate) peer: Option<String>,
}

impl<'a> Outcomes<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let paragraphs = text.split("\n\n").map(str::trim).filter(|part| !part.starts_with("//"));
        let read = paragraphs.map(|part| (part.lines().next().unwrap(), Expected::parse(part)));
        Self(read.collect())
    }

    /// Prints what differs, and fails for whatever is not as it is written down.
    pub(crate) fn judge(&self, title: &str, rows: &[Row]) {
        let compared = rows.iter().all(|row| row.peer.is_some());
        let how = if compared { "" } else { " (as recorded: oauth2-proxy was left out)" };
        say(&self.differences(&format!("{title}{how}")));
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        let unknown = self.0.keys().filter(|name| !names.contains(name));
        let mut surprises: Vec<_> =
            unknown.map(|name| format!("{name}: there is no such situation")).collect();
        surprises.extend(rows.iter().flat_map(|row| self.surprises(row)));
        assert!(surprises.is_empty(), "{title}: unexpected\n{}", surprises.join("\n"));
    }

    fn surprises(&self, row: &Row) -> Vec<String> {
        let (peer, ours) = match self.0.get(row.name) {
            None => ("", ""),
            Some(Expected::Same(both)) => (*both, *both),
            Some(Expected::Differs { peer, ours, .. }) => (*peer, *ours),
        };
        let outcomes =
            [("askara-gate", Some(&row.ours), ours), ("oauth2-proxy", row.peer.as_ref(), peer)];
        let wrong = outcomes.into_iter().filter_map(|(who, is, should)| {
            let is = is.filter(|is| *is != should)?;
            Some(format!("{}: {who}\n  is        {is}\n  should be {should}", row.name))
        });
        wrong.collect()
    }

    fn differences(&self, title: &str) -> String {
        let mut text = String::new();
        let mut different = 0;
        for (name, expected) in &self.0 {
            let Expected::Differs { peer, ours, why } = expected else { continue };
            different += 1;
            let _ = writeln!(
                text,
                "  {name}\n    oauth2-proxy: {peer}\n    askara-gate:  {ours}\n    because {why}"
            );
        }
        let same = self.0.len() - different;
        format!("\n{title}: {same} outcomes are the same, {different} are not\n{text}")
    }
}

impl<'a> Expected<'a> {
    fn parse(paragraph: &'a str) -> Self {
        let lines: Vec<_> = paragraph.lines().skip(1).map(str::trim).collect();
        let after = |n: usize, label| {
            let line: Option<&&'a str> = lines.get(n);
            line.and_then(|line| line.strip_prefix(label)).map(str::trim)
        };
        match (&lines[..], after(0, "oauth2-proxy:"), after(1, "askara-gate:"), after(2, "because"))
        {
            ([both], None, ..) => Self::Same(both),
            ([_, _, _], Some(peer), Some(ours), Some(why)) if !why.is_empty() => {
                assert_ne!(peer, ours, "no difference: {paragraph}");
                Self::Differs { peer, ours, why }
            }
            _ => panic!("can't be read: {paragraph}"),
        }
    }
}

/// Written past the test runner's capture: what differs, and what was left out, is for everybody.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
