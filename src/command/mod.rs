//! The commands, one file each.
//!
//! Exit codes: 0 done (a clean drain too), 78 a configuration that can't be used, 2 wrong usage,
//! 1 anything else (a drain that was cut short).

mod check;
#[cfg(feature = "demo")]
mod demo;
mod explain;
mod keygen;
mod run;
mod secrets;
mod sessions;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Environment, Problems, Sources};
use crate::server::StartError;

/// A reverse proxy that puts unmodified apps behind Askara login.
#[derive(Parser)]
#[command(name = "askara-gate", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve.
    Run(Settings),
    /// Say whether a configuration is right; all its errors at once.
    Check(Settings),
    /// Say who may do what: route, rule, decision, and what the app would be told.
    Explain(explain::Options),
    /// Show it at work: a stand-in for Askara, a sample app and the gateway, in one process.
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    /// Make a key for `session.keys`.
    Keygen,
    /// Show who is signed in, or throw somebody out; needs a store.
    #[command(subcommand)]
    Sessions(sessions::Doing),
}

/// Where the configuration is.
#[derive(Args)]
struct Settings {
    /// The configuration, a TOML file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The one app behind the gateway, such as http://127.0.0.1:3000, instead of a [[route]].
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// How browsers reach the gateway, such as <https://app.example.com>.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Any key of the configuration; comes before environment and file.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Why a command failed, and with which code.
enum Failed {
    Config(String),
    Other(String),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(settings) => run::run(&settings),
        Command::Check(settings) => check::check(&settings),
        Command::Explain(options) => explain::explain(&options),
        #[cfg(feature = "demo")]
        Command::Demo(options) => demo::run(&options),
        Command::Keygen => keygen::keygen(),
        Command::Sessions(doing) => sessions::sessions(&doing),
    };
    match done {
        Ok(code) => code,
        Err(Failed::Config(why)) => {
            eprintln!("{why}");
            ExitCode::from(BAD_CONFIG)
        }
        Err(Failed::Other(why)) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

impl Settings {
    fn load(&self, environment: &Environment) -> Result<Config, Failed> {
        let mut set = self.set.clone();
        set.extend(self.public_url.as_ref().map(|url| format!("public_url={url}")));
        let sources = Sources { file: self.config.clone(), upstream: self.upstream.clone(), set };
        Ok(Config::load(&sources, environment)?)
    }
}

impl From<Problems> for Failed {
    fn from(problems: Problems) -> Self {
        let count = problems.len();
        let errors = if count == 1 { "error" } else { "errors" };
        Self::Config(format!("{problems}\n\nthe configuration has {count} {errors}"))
    }
}

impl From<StartError> for Failed {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(why) => Self::Config(why),
            StartError::Io(why) => Self::Other(why),
        }
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// `EX_CONFIG` of sysexits.
const BAD_CONFIG: u8 = 78;
