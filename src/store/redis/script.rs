//! The steps that have to be one: scripts, which a server runs with nothing in between. They
//! touch no keys but those that they are given, as a Cluster demands.

use std::sync::LazyLock;

use redis::{Cmd, cmd};

use super::dial::{Ask, What};

/// A script and the name that servers know it by.
pub(super) struct Script {
    pub(super) code: &'static str,
    name: LazyLock<String>,
}

macro_rules! script {
    ($($part:literal),+) => {{
        const CODE: &str = concat!($(include_str!(concat!("lua/", $part, ".lua"))),+);
        Script {
            code: CODE,
            name: LazyLock::new(|| redis::Script::new(CODE).get_hash().to_owned()),
        }
    }};
}

pub(super) static READ: Script = script!("held", "read");
pub(super) static CREATE: Script = script!("held", "create");
pub(super) static TAKE: Script = script!("held", "take");
pub(super) static EXTEND: Script = script!("extend");
pub(super) static RELEASE: Script = script!("release");
pub(super) static KEEP: Script = script!("held", "keep");
pub(super) static END: Script = script!("held", "end");
pub(super) static FILE: Script = script!("now", "file");
pub(super) static FILED: Script = script!("now", "filed");
pub(super) static ANNOUNCE: Script = script!("now", "announce");

impl Script {
    /// A call on `keys`, of which there is one at least.
    pub(super) fn on(&'static self, keys: &[String], args: impl FnOnce(&mut Cmd)) -> Ask {
        let mut call = cmd("EVALSHA");
        call.arg(self.name.as_str()).arg(keys.len()).arg(keys);
        args(&mut call);
        let key = keys.first().cloned().unwrap_or_default();
        Ask { key, what: What::Script(self, call) }
    }

    /// What makes a server know it.
    pub(super) fn load(&self) -> Cmd {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(self.code);
        load
    }
}
