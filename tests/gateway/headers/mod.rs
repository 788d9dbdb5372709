//! Who says who the visitor is: only the gateway (C-34 to C-40, S48, S61).

mod forwarded;
mod identity;

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn scene_with(adjust: impl FnOnce(GateBuilder, &App) -> GateBuilder) -> Scene {
    let (provider, app) = (Provider::start().await, App::start().await);
    let builder =
        gateway().with_provider(&provider).with_route(public("/open", &app)).with_upstream(&app);
    let gate = adjust(builder, &app).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    Scene { provider, app, gate, visitor }
}

async fn scene() -> Scene {
    scene_with(|builder, _| builder).await
}

/// Every family of header that speaks for the gateway, in the spellings that apps fold together.
const SPOOFED: [&str; 22] = [
    "x-forwarded-user",
    "X-Forwarded-Email",
    "x_forwarded_user",
    "X-Forwarded_User",
    "x_forwarded-groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "x.forwarded.user",
    "X-Auth-Request-User",
    "x_auth_request_email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Access-Token",
    "X-Askara-Organization",
    "x_askara_organization",
    "X-Askara-Assertion",
    "Forwarded",
    "X-Real-IP",
    "X-Original-URL",
    "X-Original-Uri",
    "X-Envoy-Original-Path",
    "True-Client-IP",
    "CF-Connecting-IP",
];

fn spoofing(target: &str) -> Ask {
    let request = ask("GET", target).fetching();
    SPOOFED.iter().fold(request, |request, name| request.header(name, "canary"))
}

fn assert_no_canary(seen: &Seen) {
    for (name, value) in &seen.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        assert!(!value.contains("canary"), "{name}: {value}");
    }
}
