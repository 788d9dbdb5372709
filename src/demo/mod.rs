//! What `askara-gate demo` puts on both sides of the gateway: a stand-in for Askara's
//! authorization server, or another kind of it, and an app that has never heard of OAuth.
//!
//! - `provider`: the authorization code flow as each kind runs it, for one account, in memory.
//! - `app`: shows what an app behind the gateway receives.
//! - `pages`: the HTML, style and script of both.
//! - `listen`: connections, request bodies, and the only clock of this room.
//!
//! Neither side is fit for anything but a demonstration and tests: the account's password stands
//! on the sign-in page, and everything is forgotten when the process ends.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use tokio::net::TcpListener;

pub use self::provider::{Account, Kind, NotMade, Options, StandIn, UnknownKind};

mod app;
mod listen;
mod pages;
mod provider;
#[cfg(test)]
mod tests;

/// Serves the stand-in provider on `listener` until the future is dropped.
pub async fn serve_provider(listener: TcpListener, provider: Arc<StandIn>) {
    listen::serve(listener, move |request| {
        let provider = Arc::clone(&provider);
        async move {
            let answer = match listen::collected(request).await {
                Ok(request) => provider.answer(&request, listen::clock()),
                Err(refusal) => refusal,
            };
            Ok::<_, Infallible>(answer)
        }
    })
    .await;
}

/// Serves the sample app on `listener` until the future is dropped.
pub async fn serve_app(listener: TcpListener) {
    let pages = Arc::new(pages::Pages::new());
    listen::serve(listener, move |mut request| {
        let pages = Arc::clone(&pages);
        async move {
            let answer = match request.uri().path() {
                "/events" => app::events(),
                "/ws" => app::websocket(&mut request),
                _ => match listen::collected(request).await {
                    Ok(request) => app::answer(&pages, &request, listen::clock()).map(whole),
                    Err(refusal) => refusal.map(whole),
                },
            };
            Ok::<_, Infallible>(answer)
        }
    })
    .await;
}

/// The app's answers are of one piece or streams; this makes the first look like the second.
fn whole(body: Full<Bytes>) -> UnsyncBoxBody<Bytes, Infallible> {
    body.boxed_unsync()
}
