//! The visitor that a request is explained for, made of claims in a file.

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::auth::Timestamp;
use crate::auth::bearer::told_scopes;
use crate::auth::facts::{KnownPerson, Person};
use crate::auth::identity::Documents;
use crate::auth::provider::ProviderIndex;
use crate::command::Failed;
use crate::config::Config;

/// Who asks.
pub(super) struct Visitor {
    pub(super) provider: ProviderIndex,
    known: KnownPerson,
}

impl Visitor {
    /// Reads claims as a login at the provider would.
    pub(super) fn read(
        path: &Path,
        provider: Option<&str>,
        config: &Config,
    ) -> Result<Self, Failed> {
        let wrong = |why: String| Failed::Other(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let claims: Value =
            serde_json::from_str(&text).map_err(|error| wrong(format!("no JSON: {error}")))?;
        if !claims.is_object() {
            return Err(wrong(String::from("must be a JSON object of claims")));
        }
        let provider = index(provider, config).map_err(Failed::Other)?;
        let documents = documents(claims);
        let sources = &config.providers[provider].settings.identity;
        let identity = sources.read(&documents).map_err(|_| {
            let claims = "say the claim that [identity] user looks for, such as \"sub\" or \"id\"";
            wrong(format!("these claims tell of nobody; {claims}"))
        })?;
        let of_id = |name: &str| documents.id.as_ref().and_then(|id| id.get(name));
        let known = KnownPerson {
            identity,
            scopes: documents.token.as_ref().map(told_scopes).unwrap_or_default(),
            authenticated: of_id("auth_time").and_then(Value::as_u64).map(Timestamp::from_unix),
            acr: of_id("acr").and_then(Value::as_str).map(str::to_owned),
            provider: Some(config.providers[provider].settings.name.clone()),
        };
        Ok(Self { provider, known })
    }

    /// What rules may know of the visitor.
    pub(super) fn person(&self) -> Person<'_> {
        self.known.person()
    }

    /// The provider's name.
    pub(super) fn name(&self) -> &str {
        self.known.provider.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.known.identity.user)?;
        match &self.known.identity.email {
            Some(email) => write!(f, " ({email})"),
            None => Ok(()),
        }
    }
}

fn index(name: Option<&str>, config: &Config) -> Result<ProviderIndex, String> {
    let names: Vec<&str> =
        config.providers.iter().map(|provider| provider.settings.name.as_str()).collect();
    match name {
        None if names.len() == 1 => Ok(0),
        None => Err(format!("say with --provider who vouches: {}", names.join(", "))),
        Some(name) => names.iter().position(|known| *known == name).ok_or_else(|| {
            format!("{name:?} is no provider of the configuration; there is {}", names.join(", "))
        }),
    }
}

/// Three documents, or one that stands for all of them.
fn documents(claims: Value) -> Documents {
    let member = |name: &str| claims.get(name).filter(|value| value.is_object()).cloned();
    let [token, me, id] = ["token", "me", "id"].map(member);
    if token.is_some() || me.is_some() || id.is_some() {
        return Documents { token, me, id };
    }
    Documents { token: Some(claims.clone()), me: Some(claims.clone()), id: Some(claims) }
}
