//! What went wrong, in words for the operator. A password is never among them: what a server says
//! of the command that has it is left out, since some repeat what they don't understand.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::Address;
use crate::store::Fault;

/// Nothing came within the limit.
pub(super) fn late() -> Fault {
    Fault::Away(String::from("the store did not answer in time"))
}

/// An answer that no server gives to what was asked.
pub(super) fn strange() -> Fault {
    Fault::Away(String::from("the store gave an answer that makes no sense"))
}

/// No connection came about.
pub(super) fn unreached(at: &Address, why: &dyn std::fmt::Display) -> Fault {
    Fault::Away(format!("can't connect to the store at {at}: {}", shown(&why.to_string())))
}

/// What a server said to a password. It may know no such command, and repeat all of it.
pub(super) fn not_signed_in(at: &Address, error: &RedisError) -> Fault {
    let known = error.detail().is_some_and(|detail| detail.starts_with("AUTH "));
    match error.code() {
        Some("ERR") if !known => Fault::Away(format!("the store at {at} does not know AUTH")),
        _ => told(at, error),
    }
}

/// What a server, or the connection to it, said.
pub(super) fn told(at: &Address, error: &RedisError) -> Fault {
    let said = shown(error.detail().unwrap_or_default());
    let what = match error.code() {
        Some("NOAUTH") => String::from("asks for a password; its address needs user:password@"),
        Some("WRONGPASS") => String::from("refuses this user or password"),
        // What a server says whose user needs none.
        Some("ERR") if said.starts_with("AUTH ") => {
            format!("does not take a password as it is set up: {said}")
        }
        Some("NOPERM") => denied(&said),
        // The same inside of a script.
        Some("ERR") if DENIED_INSIDE.iter().any(|words| said.contains(words)) => denied(&said),
        Some("MOVED" | "ASK") => {
            String::from("is a node of a Cluster; its address must begin with redis+cluster://")
        }
        Some("DENIED") => format!("takes no connection from here: {said}"),
        Some(code) => format!("says {} {said}", shown(code)),
        None => format!("failed: {}", shown(&error.to_string())),
    };
    let why = format!("the store at {at} {what}");
    if ends_connection(error) { Fault::Away(why) } else { Fault::Refused(why) }
}

/// Whether a connection on which this came is of no use any more: it is broken, out of step, or
/// leads to a server that is not the one to ask now.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
        ),
        // Codes that the client has no name for.
        ErrorKind::Extension => matches!(error.code(), Some("NOAUTH" | "WRONGPASS") | None),
        _ => true,
    }
}

fn denied(said: &str) -> String {
    format!("denies its user a right, and the README has the rule that suffices: {said}")
}

/// As Redis 7.0 says it, and as Valkey and later ones do.
const DENIED_INSIDE: &[&str] = &["user executing the script can't", "ACL failure in script"];

/// Text from outside, for one line of a log.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
