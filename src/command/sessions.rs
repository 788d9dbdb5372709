//! `sessions`: who is signed in, and throwing somebody out. Needs a store.

mod table;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failed, Settings};
use crate::auth::ending::{Ending, Whom};
use crate::auth::summary::Summary;
use crate::config::{Config, Environment, Keeping, KeySource};
use crate::gateway::clock::now;
use crate::gateway::ledger::{Ledger, Listed};
use crate::gateway::{Gateway, Setup};
use crate::server::StartError;
use crate::store::Fault;
use crate::telemetry;

/// What to do with sessions.
#[derive(Subcommand)]
pub(super) enum Doing {
    /// Show the sessions in the store.
    List(List),
    /// End sessions, on every replica.
    Revoke(Revoke),
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    settings: Settings,
    /// Only this person's, named as the app knows them (X-Forwarded-User).
    #[arg(long)]
    user: Option<String>,
    /// Only this organisation's.
    #[arg(long)]
    organization: Option<String>,
    /// As JSON, one array.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    whose: Whose,
    /// As JSON: the sessions that were ended.
    #[arg(long)]
    json: bool,
}

/// Whose sessions are to end.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// All of this person's, named as the app knows them (X-Forwarded-User).
    #[arg(long)]
    user: Option<String>,
    /// All of this organisation's.
    #[arg(long)]
    organization: Option<String>,
    /// The one that logs and lists show by this name, 16 hexadecimal digits.
    #[arg(long, value_parser = session_name)]
    id: Option<String>,
    /// Everyone's.
    #[arg(long)]
    all: bool,
}

/// Lists or ends sessions.
pub(super) fn sessions(doing: &Doing) -> Result<ExitCode, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match doing {
        Doing::List(list) => {
            let config = list.settings.load(&Environment::of_process())?;
            if matches!(config.session.keeping, Keeping::Coordinated(_)) {
                return Err(Failed::Other(String::from(
                    "there is nothing to list: with session.coordination the sessions are in their cookies; set session.store to a URL to have them in a store",
                )));
            }
            runtime.block_on(show(list, config))
        }
        Doing::Revoke(revoke) => {
            let config = revoke.settings.load(&Environment::of_process())?;
            runtime.block_on(end(revoke, config))
        }
    }
}

async fn show(list: &List, config: Config) -> Result<ExitCode, Failed> {
    let ledger = open(config)?;
    let wanted = |summary: &Summary| {
        list.user.as_ref().is_none_or(|user| summary.user == *user)
            && list.organization.is_none() | (summary.organization == list.organization)
    };
    let mut found = listed(&ledger, wanted).await?;
    found.sort_by_key(|summary| std::cmp::Reverse(summary.seen));
    print(&found, list.json);
    Ok(ExitCode::SUCCESS)
}

async fn end(revoke: &Revoke, config: Config) -> Result<ExitCode, Failed> {
    telemetry::init(config.log);
    let (whom, longest) = (revoke.whose.whom(), config.session.lifetimes.absolute);
    let coordinated = matches!(config.session.keeping, Keeping::Coordinated(_));
    let ledger = open(config)?;
    // For the record; that it can't be read must not keep anyone from being thrown out.
    let ending = Ending::now(whom, now(), longest);
    let found = match listed(&ledger, |summary| ending.may_cover(summary)).await {
        Ok(found) => found,
        Err(Failed::Config(why) | Failed::Other(why)) => {
            tracing::warn!(why, "the sessions can't be listed; they are ended all the same");
            Vec::new()
        }
    };
    let ended = ledger.end(&ending).await;
    // Replicas may have been told though the store failed afterwards.
    for Summary { session, user, organization, provider, .. } in &found {
        tracing::info!(session, user, organization, provider, "audit: a session was revoked");
    }
    tracing::info!(whom = ?ending.whom, sessions = found.len(), "audit: sessions were revoked");
    ended.map_err(unreachable)?;
    print(&found, revoke.json);
    if coordinated && !revoke.json {
        eprintln!("every replica was told; the sessions are in their cookies, so none is listed");
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the store of the configuration, with the keys that the gateway has.
fn open(config: Config) -> Result<Ledger, Failed> {
    let setup = Setup::new(&config).map_err(|why| Failed::Config(why.to_string()))?;
    let store = setup.store().ok_or_else(|| {
        Failed::Config(String::from(
            "there is no store: sessions are in their cookies alone; set session.store or session.coordination to a URL such as \"redis://127.0.0.1:6379\"",
        ))
    })?;
    let KeySource::Given(keys) = &config.session.keys else {
        return Err(Failed::Config(String::from(
            "session.keys is not set: what is in the store opens only with the keys that the gateway has",
        )));
    };
    let keys = keys.clone();
    let gateway = Gateway::new(config, &keys).map_err(StartError::from)?;
    Ok(gateway.ledger(store))
}

async fn listed(
    ledger: &Ledger,
    wanted: impl Fn(&Summary) -> bool,
) -> Result<Vec<Summary>, Failed> {
    let all = ledger.list().await.map_err(unreachable)?;
    let now = now();
    let live = |summary: &Summary| summary.ends > now && wanted(summary);
    Ok(all.into_iter().map(|Listed { summary, .. }| summary).filter(live).collect())
}

fn print(found: &[Summary], json: bool) {
    if json {
        println!("{:#}", table::json(found));
    } else {
        print!("{}", table::text(found));
        eprintln!("{} session{}", found.len(), if found.len() == 1 { "" } else { "s" });
    }
}

impl Whose {
    fn whom(&self) -> Whom {
        match self {
            Self { user: Some(user), .. } => Whom::User(user.clone()),
            Self { organization: Some(name), .. } => Whom::Organization(name.clone()),
            Self { id: Some(session), .. } => Whom::Named(session.clone()),
            // clap sees to it that one of them is given.
            Self { .. } => Whom::Everyone,
        }
    }
}

fn session_name(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    match name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(name),
        false => Err(String::from("must be the 16 hexadecimal digits that logs and lists show")),
    }
}

fn unreachable(fault: Fault) -> Failed {
    Failed::Other(format!("the store did not answer: {fault}"))
}
