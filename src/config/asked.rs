//! What the routes ask of the providers' sessions: which claims, which scopes, which way of
//! signing in. Sessions keep what is asked for and nothing else; and what a provider can't give
//! is told before somebody stands before a closed door.

use std::sync::Arc;

use super::provider::ProviderConfig;
use crate::auth::identity::{Document, Source};
use crate::auth::provider::{ProviderIndex, Settings};
use crate::auth::route::{Route, RouteTable};

/// Has every provider's sessions keep what is read on the routes that take them.
pub(super) fn settle(
    providers: &mut [ProviderConfig],
    routes: &RouteTable,
    warnings: &mut Vec<String>,
) {
    for (index, provider) in providers.iter_mut().enumerate() {
        // Nobody else has it yet.
        let Some(settings) = Arc::get_mut(&mut provider.settings) else { continue };
        let mut sources: Vec<Source> = taking(routes, index).flat_map(Route::sources).collect();
        sources.sort();
        sources.dedup();
        settings.identity.kept = sources;
        settings.keeps_scopes = taking(routes, index).any(|route| route.access.reads_scopes());
        settings.authorization.asks_auth_time = settings.openid.is_some()
            && taking(routes, index).any(|route| route.access.reads_authentication());
        let settings = &provider.settings;
        for route in taking(routes, index) {
            warnings.extend(unfit(route, settings).map(|what| {
                format!("route {:?}: {what} at provider {:?}", route.name, settings.name)
            }));
        }
    }
}

fn taking(routes: &RouteTable, index: ProviderIndex) -> impl Iterator<Item = &Route> {
    routes.all().iter().filter(move |route| route.provider.is_none_or(|named| named == index))
}

/// What a route asks for that this provider's sessions never have.
fn unfit(route: &Route, settings: &Settings) -> impl Iterator<Item = String> {
    let openid = settings.openid.is_some();
    // What is discovered may have one.
    let said = settings.said.userinfo.as_deref();
    let userinfo = said.map_or_else(|| settings.discovers(), |address| !address.is_empty());
    let mut unfit = Vec::new();
    for source in route.sources() {
        match source.document() {
            Document::IdToken if !openid => {
                unfit.push(format!("{source} is never there: no id_token comes"));
            }
            Document::Me if !userinfo => {
                unfit.push(format!("{source} is never there: there is no userinfo_url"));
            }
            _ => {}
        }
    }
    if !openid && route.access.reads_authentication() {
        unfit.push(String::from(
            "acr and max_age of the rule let no session pass: only an id_token tells how and when somebody signed in, and none comes",
        ));
    }
    if !openid && route.login.max_age.is_some() {
        unfit.push(String::from(
            "login.max_age is asked for and can't be checked: no id_token comes",
        ));
    }
    unfit.sort();
    unfit.dedup();
    unfit.into_iter()
}
