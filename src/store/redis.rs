//! The store that is run: Redis 7 or Valkey, alone, behind Sentinels or as a Cluster.
//!
//! One object for each thread that serves, with connections of its own; its calls are made on
//! that thread's runtime. Nothing here repeats a call whose outcome is not known.

mod cluster;
mod dial;
mod fault;
mod keys;
mod listing;
mod nodes;
mod notices;
mod peer;
mod reading;
mod script;
mod sentinel;
mod shared;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{Cmd, FromRedisValue, Value, cmd};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::Instant;

use self::dial::{Ask, Line};
use self::keys::Keys;
use self::nodes::Nodes;
use self::script::Script;
use super::{Answer, Cursor, Fault, Handle, Held, Kept, Notices, Owner, Page, Record, Slot, Taken};
use crate::secret::Secret;

/// Where a store is and how to use it.
#[derive(Clone, Debug)]
pub struct Options {
    pub servers: Servers,
    pub login: Option<Login>,
    /// Only 0 in a Cluster.
    pub database: u32,
    /// None: everything goes in the clear.
    pub tls: Option<Tls>,
    /// What all keys begin with. Braces would change which node of a Cluster has a key.
    pub prefix: String,
    /// The most that a call may take, with the connection that it needs.
    pub limit: Duration,
}

/// Whom to connect to.
#[derive(Clone, Debug)]
pub enum Servers {
    One(Address),
    /// The Sentinels know who the master of this name is.
    Sentinels {
        sentinels: Vec<Address>,
        master: String,
    },
    /// Some nodes of a Cluster; they know the others.
    Cluster(Vec<Address>),
}

/// A host, resolved at every connection, and its port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// A name, or an IP address without brackets.
    pub host: String,
    pub port: u16,
}

/// A user of the store; none: its default user.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: Option<String>,
    pub password: Secret<String>,
}

/// How connections are encrypted.
#[derive(Clone, Debug)]
pub struct Tls {
    pub config: Arc<ClientConfig>,
    /// The name that every server's certificate has to show, instead of its own.
    pub name: Option<ServerName<'static>>,
}

/// A store in Redis or Valkey.
pub struct Redis {
    nodes: Nodes,
    keys: Keys,
    limit: Duration,
    /// Connections that were listened on, for the next time.
    listening: Mutex<Vec<Line>>,
}

impl Redis {
    /// A store that connects when it is first asked something.
    pub fn new(options: Options) -> Self {
        let limit = options.limit;
        let keys = Keys::new(options.prefix.clone());
        Self { nodes: Nodes::new(options), keys, limit, listening: Mutex::default() }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.limit
    }

    fn listening(&self) -> MutexGuard<'_, Vec<Line>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks whoever has `key`.
    async fn ask<T: FromRedisValue>(&self, ask: Ask, deadline: Instant) -> Result<T, Fault> {
        let value: Value = self.nodes.ask(&ask, deadline).await?;
        T::from_redis_value(value).map_err(|_| fault::strange())
    }

    /// Runs a script on the keys of a session: its record, its lease, its end.
    async fn about(
        &self,
        slot: Slot,
        script: &'static Script,
        args: impl FnOnce(&mut Cmd),
    ) -> Result<Value, Fault> {
        let keys = [self.keys.record(slot), self.keys.lease(slot), self.keys.ended(slot)];
        self.ask(script.on(&keys, args), self.deadline()).await
    }

    async fn about_lease(
        &self,
        slot: Slot,
        script: &'static Script,
        args: impl FnOnce(&mut Cmd),
    ) -> Result<bool, Fault> {
        self.ask(script.on(&[self.keys.lease(slot)], args), self.deadline()).await
    }

    async fn file_and_write(
        &self,
        slot: Slot,
        record: &Record,
        handles: &[Handle],
        life: Duration,
    ) -> Result<Kept, Fault> {
        reading::refuse_too_large(record)?;
        let deadline = self.deadline();
        // Before the record: a name without a session is harmless, a session that no name finds
        // could not be ended. One by one, because in a Cluster they are in several places.
        for handle in handles {
            let key = [self.keys.filed(*handle)];
            let file = script::FILE.on(&key, |args| {
                args.arg(millis(life)).arg(&slot.0);
            });
            self.ask::<Value>(file, deadline).await?;
        }
        let keys = [self.keys.record(slot), self.keys.lease(slot), self.keys.ended(slot)];
        let create = script::CREATE.on(&keys, |args| write(args, record, life));
        reading::kept(self.ask(create, deadline).await?)
    }
}

impl super::Store for Redis {
    fn read(&self, slot: Slot) -> Answer<'_, Held> {
        Box::pin(async move { reading::held(self.about(slot, &script::READ, |_| ()).await?) })
    }

    fn create<'a>(
        &'a self,
        slot: Slot,
        record: &'a Record,
        handles: &'a [Handle],
        life: Duration,
    ) -> Answer<'a, Kept> {
        Box::pin(self.file_and_write(slot, record, handles, life))
    }

    fn take(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, Taken> {
        Box::pin(async move {
            let take = self.about(slot, &script::TAKE, |args| {
                args.arg(millis(life)).arg(&owner.0);
            });
            reading::taken(take.await?)
        })
    }

    fn extend(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, bool> {
        Box::pin(self.about_lease(slot, &script::EXTEND, move |args| {
            args.arg(millis(life)).arg(&owner.0);
        }))
    }

    fn release(&self, slot: Slot, owner: Owner) -> Answer<'_, ()> {
        Box::pin(async move {
            let release = self.about_lease(slot, &script::RELEASE, |args| {
                args.arg(&owner.0);
            });
            release.await.map(drop)
        })
    }

    fn keep<'a>(
        &'a self,
        slot: Slot,
        record: &'a Record,
        found: bool,
        life: Duration,
    ) -> Answer<'a, Kept> {
        Box::pin(async move {
            reading::refuse_too_large(record)?;
            let keep = self.about(slot, &script::KEEP, |args| {
                write(args, record, life);
                args.arg(u8::from(found));
            });
            reading::kept(keep.await?)
        })
    }

    fn end(&self, slot: Slot, life: Duration) -> Answer<'_, Option<Record>> {
        Box::pin(async move {
            let end = self.about(slot, &script::END, |args| {
                args.arg(millis(life));
            });
            reading::ended(end.await?)
        })
    }

    fn announce<'a>(&'a self, notice: &'a [u8], life: Duration) -> Answer<'a, ()> {
        Box::pin(self.tell(notice, life))
    }

    fn listen<'a>(&'a self, cursor: &'a Cursor, patience: Duration) -> Answer<'a, Notices> {
        Box::pin(self.hear(cursor, patience))
    }

    fn filed(&self, handle: Handle) -> Answer<'_, Vec<Slot>> {
        Box::pin(async move {
            let filed = script::FILED.on(&[self.keys.filed(handle)], |_| ());
            let slots: Vec<Vec<u8>> = self.ask(filed, self.deadline()).await?;
            Ok(slots.into_iter().filter_map(|slot| slot.try_into().ok().map(Slot)).collect())
        })
    }

    fn list<'a>(&'a self, from: Option<&'a str>) -> Answer<'a, Page> {
        Box::pin(self.page(from))
    }

    fn first_time(&self, name: [u8; 32], life: Duration) -> Answer<'_, bool> {
        Box::pin(async move {
            let key = self.keys.once(name);
            let mut set = cmd("SET");
            set.arg(&key).arg(1).arg("NX").arg("PX").arg(millis(life));
            let set: Value = self.ask(Ask::of(key, set), self.deadline()).await?;
            Ok(set != Value::Nil)
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(self.nodes.ping(self.deadline()))
    }
}

fn write(args: &mut Cmd, record: &Record, life: Duration) {
    args.arg(millis(life))
        .arg(&reading::written_as_bytes(record.written))
        .arg(&record.sealed)
        .arg(&record.summary);
}

/// As servers take it: no less than a millisecond, no more than a century.
fn millis(life: Duration) -> u64 {
    const CENTURY: u128 = 100 * 366 * 86_400_000;
    life.as_millis().clamp(1, CENTURY) as u64
}
