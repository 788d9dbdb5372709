//! `demo`: a stand-in for the provider, a sample app and the gateway, in one process.

use std::io;
use std::net::TcpListener as StdTcp;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;

use super::{Failed, run};
use crate::config::{Config, Environment, Sources, key_text};
use crate::demo::{Account, Kind, Options as Provider, StandIn, serve_app, serve_provider};
use crate::gateway::clock::fresh_key;
use crate::telemetry;

/// How to show it.
#[derive(Args)]
pub(super) struct Options {
    /// The gateway's port; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 4180)]
    port: u16,
    /// The kind of provider to play, as in `provider.kind`.
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    provider: Kind,
    /// How long an access token lives; short ones show how they are renewed.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    token_life: Duration,
    /// What to log: off, error, warn, info, debug, trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: String,
}

impl ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// Runs all three until a signal ends them.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let port = free_port(options.port).map_err(|error| {
            Failed::Other(format!(
                "port {} can't be used ({error}); choose another with --port",
                options.port
            ))
        })?;
        let admin = free_port(port.saturating_add(10)).or_else(|_| free_port(0))?;
        let public = format!("http://127.0.0.1:{port}");
        let provider = TcpListener::bind("127.0.0.1:0").await?;
        let app = TcpListener::bind("127.0.0.1:0").await?;
        let config = config(options, &public, admin, &provider, &app)?;
        telemetry::init(config.log);
        let stand_in = stand_in(options, &public)?;
        let (provider_at, app_at) = (provider.local_addr()?, app.local_addr()?);
        tokio::spawn(serve_provider(provider, stand_in));
        tokio::spawn(serve_app(app));
        let server = run::bind(config)?;
        let account = Account::default();
        let renewed = options.provider != Kind::ApiV1;
        println!(
            "\n  {public}\n\n\
             \x20 Open it in a browser and sign in as {} with the password {}.\n\n\
             \x20 The app at http://{app_at} knows nothing of logins, and the stand-in for {}\n\
             \x20 is at http://{provider_at}. Access tokens live {}{}.\n\n\
             \x20 Try this:\n\
             \x20   a deep link        {public}/reports/2026?quarter=3&view=full\n\
             \x20   a script's view    curl -i -H 'Sec-Fetch-Mode: cors' {public}/api/time\n\
             \x20   who am I           {public}/oauth2/userinfo\n\
             \x20   sign out           {public}/oauth2/sign_out\n\
             \x20   metrics            curl http://127.0.0.1:{admin}/metrics\n\n\
             \x20 Ctrl-C ends it.\n",
            account.email,
            account.password,
            options.provider.title(),
            humantime::format_duration(options.token_life),
            if renewed { " and are renewed beside your requests" } else { "; nothing renews them" },
        );
        run::serve(server, Duration::ZERO).await
    })
}

/// The configuration that an operator would write for these three.
fn config(
    options: &Options,
    public: &str,
    admin: u16,
    provider: &TcpListener,
    app: &TcpListener,
) -> Result<Config, Failed> {
    let provider = format!("http://{}", provider.local_addr()?);
    let app = format!("http://{}", app.local_addr()?);
    let listen = public.trim_start_matches("http://");
    let mut set = vec![
        format!("public_url={public}"),
        format!("listen={listen}"),
        format!("admin_listen=127.0.0.1:{admin}"),
        format!("log.level={}", options.log),
        format!("provider.client_id={CLIENT_ID}"),
        format!("provider.kind={}", options.provider),
        String::from("session.keys=[{ env = \"KEY\" }]"),
        format!("route=[{{ upstream = \"{app}\", keep_posts = true }}]"),
    ];
    set.extend(provider_settings(options.provider, &provider));
    let key = key_text(&fresh_key());
    let environment = Environment::of(&[("KEY", &key), ("ASKARA_CLIENT_SECRET", CLIENT_SECRET)]);
    let sources = Sources { file: None, upstream: None, set };
    Ok(Config::load(&sources, &environment)?)
}

/// The lines for a provider of this kind at `origin`; the kind's preset knows the rest.
fn provider_settings(kind: Kind, origin: &str) -> Vec<String> {
    let lines: &[(&str, &str)] = match kind {
        Kind::Askara => &[
            ("authorize_url", "/authorize"),
            ("token_url", "/oauth2/token"),
            ("userinfo_url", "/me"),
        ],
        Kind::ApiV1 => &[("authorize_url", "/oauth/authorize"), ("token_url", "/oauth/token")],
        Kind::Simplified => &[
            ("authorize_url", "/oauth/authorize"),
            ("token_url", "/oauth/token"),
            ("userinfo_url", "/oauth/userinfo"),
        ],
        Kind::Pockets => &[
            ("authorize_url", "/api/oauth2/authorize"),
            ("token_url", "/api/oauth2/token"),
            ("userinfo_url", "/api/me"),
        ],
        Kind::Oidc => &[("issuer", "")],
    };
    let more: &[&str] = match kind {
        Kind::Askara => &["provider.pkce=S256"],
        // The documents name no scopes, so their presets have none.
        Kind::ApiV1 => &["provider.scopes=profile,organization"],
        Kind::Simplified => &["provider.scopes=profile"],
        Kind::Pockets | Kind::Oidc => &[],
    };
    let addresses = lines.iter().map(|(key, path)| format!("provider.{key}={origin}{path}"));
    addresses.chain(more.iter().map(|&line| line.to_owned())).collect()
}

fn stand_in(options: &Options, public: &str) -> Result<Arc<StandIn>, Failed> {
    let redirect_uris = vec![format!("{public}/oauth2/callback")];
    let mut provider = Provider::new(
        options.provider,
        CLIENT_ID.to_owned(),
        CLIENT_SECRET.to_owned(),
        redirect_uris,
    );
    provider.post_logout_redirect_uris = vec![format!("{public}/oauth2/signed_out")];
    provider.access_token_life = options.token_life;
    StandIn::new(provider).map_err(|error| Failed::Other(error.to_string()))
}

/// A port that nobody listens on: with `SO_REUSEPORT` a second demo would otherwise share the
/// visitors of the first.
fn free_port(wanted: u16) -> io::Result<u16> {
    StdTcp::bind(("127.0.0.1", wanted))?.local_addr().map(|address| address.port())
}

const CLIENT_ID: &str = "demo-app";
/// Known to everybody, and good for nothing but the stand-in of this very process.
const CLIENT_SECRET: &str = "demo-app-secret";
