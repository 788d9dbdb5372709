//! Lists of sessions: as a table for people, as JSON for programs.

use std::fmt::Write as _;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::auth::Timestamp;
use crate::auth::summary::Summary;

const HEAD: [&str; 8] =
    ["SESSION", "USER", "EMAIL", "ORGANIZATION", "PROVIDER", "CREATED", "SEEN", "ENDS"];

/// A table, a line for each session, below a line of headings.
pub(super) fn text(found: &[Summary]) -> String {
    let rows: Vec<[String; 8]> = found.iter().map(row).collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.chain([HEAD[column].len()]).max().unwrap_or_default()
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    let mut text = String::new();
    let mut line = |cells: &[&str]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(&HEAD);
    for row in &rows {
        line(&row.each_ref().map(String::as_str));
    }
    text
}

/// An array, an object for each session; times as RFC 3339 says.
pub(super) fn json(found: &[Summary]) -> Value {
    let object = |summary: &Summary| {
        json!({
            "session": summary.session,
            "user": summary.user,
            "email": summary.email,
            "organization": summary.organization,
            "provider": summary.provider,
            "created": time(summary.created),
            "seen": time(summary.seen),
            "ends": time(summary.ends),
        })
    };
    found.iter().map(object).collect()
}

fn row(summary: &Summary) -> [String; 8] {
    let told = |text: &Option<String>| text.as_deref().map_or(String::from("-"), printable);
    [
        summary.session.clone(),
        printable(&summary.user),
        told(&summary.email),
        told(&summary.organization),
        printable(&summary.provider),
        time(summary.created),
        time(summary.seen),
        time(summary.ends),
    ]
}

/// What a provider said of a person goes to a terminal: no control characters, and none that turn
/// the writing round.
fn printable(text: &str) -> String {
    let bidi = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || bidi(c) { '\u{fffd}' } else { c }).collect()
}

fn time(time: Timestamp) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + time.to_epoch()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(user: &str) -> Summary {
        let at = Timestamp::from_unix;
        Summary {
            session: String::from("00112233aabbccdd"),
            provider: String::from("askara"),
            user: user.to_owned(),
            email: None,
            organization: Some(String::from("acme")),
            created: at(1_795_000_000),
            seen: at(1_795_000_100),
            ends: at(1_795_600_000),
        }
    }

    #[test]
    fn columns_stand_below_their_headings() {
        let text = text(&[summary("42"), summary("a much longer name than that")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let at = lines[0].find("ORGANIZATION").unwrap();
        assert!(lines[1..].iter().all(|line| line[at..].starts_with("acme  ")), "{text}");
        assert!(lines[1].contains("2026-11-18T11:06:40Z"), "{text}");
    }

    #[test]
    fn nobodys_name_can_write_on_the_terminal() {
        let text = text(&[summary("\u{1b}[2Jroot\u{202e}\n")]);
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }

    #[test]
    fn a_program_gets_every_field_by_name() {
        let json = json(&[summary("42")]);
        assert_eq!(json[0]["user"], "42");
        assert_eq!(json[0]["email"], Value::Null);
        assert_eq!(json[0]["ends"], "2026-11-25T09:46:40Z");
        assert_eq!(json.as_array().unwrap().len(), 1);
    }
}
