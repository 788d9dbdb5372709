//! Finding the master that Sentinels agreed on.

use std::sync::Arc;

use redis::{FromRedisValue as _, Value, cmd};
use tokio::task::JoinSet;

use super::dial::{Dialer, Line};
use super::{Address, fault};
use crate::store::Fault;

/// Asks all Sentinels at once and connects to the first that is said to be the master and says
/// so itself: a Sentinel that was cut off may still name one that is none any more.
pub(super) async fn dial_master(
    dialer: &Arc<Dialer>,
    sentinels: &[Address],
    name: &str,
) -> Result<Line, Fault> {
    let mut asked = JoinSet::new();
    for sentinel in sentinels {
        let (dialer, sentinel, name) = (Arc::clone(dialer), sentinel.clone(), name.to_owned());
        asked.spawn(async move { master_by(&dialer, &sentinel, &name).await });
    }
    let mut last = Fault::Away(String::from("no Sentinel is configured"));
    while let Some(answer) = asked.join_next().await {
        let dialled = match answer.unwrap_or_else(|_| Err(fault::late())) {
            Ok(address) => dial_if_master(dialer, &address).await,
            Err(fault) => Err(fault),
        };
        match dialled {
            Ok(line) => return Ok(line),
            Err(fault) => last = fault,
        }
    }
    Err(last)
}

async fn master_by(dialer: &Dialer, sentinel: &Address, name: &str) -> Result<Address, Fault> {
    let line = dialer.connect(sentinel).await?;
    let mut question = cmd("SENTINEL");
    question.arg("get-master-addr-by-name").arg(name);
    let answer = match line.send(&question).await {
        // The password of the servers is shown to a Sentinel only if it wants one.
        Err(error) if error.code() == Some("NOAUTH") => {
            dialer.sign_in(&line).await?;
            line.send(&question).await
        }
        answer => answer,
    };
    let answer = answer.map_err(|error| fault::told(sentinel, &error))?;
    let found = Option::<(String, u16)>::from_redis_value(answer).map_err(|_| fault::strange())?;
    let (host, port) = found.ok_or_else(|| {
        Fault::Away(format!("the Sentinel at {sentinel} knows no master of the name {name:?}"))
    })?;
    Ok(Address { host, port })
}

async fn dial_if_master(dialer: &Dialer, address: &Address) -> Result<Line, Fault> {
    let line = dialer.dial(address).await?;
    let role = line.send(&cmd("ROLE")).await.map_err(|error| fault::told(address, &error))?;
    let is_master = match &role {
        Value::Array(parts) => parts.first() == Some(&Value::BulkString(b"master".to_vec())),
        _ => false,
    };
    match is_master {
        true => Ok(line),
        false => Err(Fault::Away(format!("the store at {address} is no master yet"))),
    }
}
