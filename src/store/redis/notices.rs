//! Notices to all replicas: a stream, read from where each left off, so that whoever was away
//! hears what was said meanwhile.

use std::time::Duration;

use redis::{FromRedisValue as _, RedisError, Value, cmd};
use tokio::time::timeout_at;

use super::dial::Line;
use super::reading::LARGEST;
use super::{Redis, fault, millis, script};
use crate::store::{Cursor, Fault, Notices};

/// An entry of a stream: its place, and its fields with their values.
type Entry = (String, Vec<Vec<u8>>);

impl Redis {
    pub(super) async fn tell(&self, notice: &[u8], life: Duration) -> Result<(), Fault> {
        if notice.len() > LARGEST {
            return Err(Fault::Refused(format!("a notice of {} bytes is too large", notice.len())));
        }
        let announce = script::ANNOUNCE.on(&[self.keys.notices()], |args| {
            args.arg(millis(life)).arg(notice);
        });
        self.ask::<Value>(announce, self.deadline()).await.map(drop)
    }

    /// On a connection of its own, because the server keeps it until there is something.
    pub(super) async fn hear(&self, cursor: &Cursor, patience: Duration) -> Result<Notices, Fault> {
        let deadline = self.deadline();
        let key = self.keys.notices();
        let rested = self.listening().pop().filter(Line::is_open);
        let (line, from) = match rested {
            Some(line) => (line, cursor.clone()),
            None => {
                let line = self.nodes.own_line(&key, deadline).await?;
                let from = timeout_at(deadline, self.place_in(&line, &key, cursor)).await;
                let from = from.map_err(|_| fault::late())?;
                let from = from.map_err(|error| self.heard_of(&line, &error))?;
                (line, from)
            }
        };
        let mut read = cmd("XREAD");
        // 0 would be for ever.
        read.arg("COUNT").arg(AT_ONCE).arg("BLOCK").arg(millis(patience));
        read.arg("STREAMS").arg(&key).arg(&from.0);
        let answer = timeout_at(deadline + patience, line.send(&read)).await;
        let answer = answer.map_err(|_| fault::late())?;
        let answer = answer.map_err(|error| self.heard_of(&line, &error))?;
        let heard = heard(answer, from).ok_or_else(fault::strange)?;
        self.listening().push(line);
        Ok(heard)
    }

    /// Where to go on with a server that is new to us. One that knows nothing as late as `cursor`
    /// lost what came before it, as a failover may (C-115); what comes next may then seem earlier,
    /// so that all of it is heard again.
    async fn place_in(
        &self,
        line: &Line,
        key: &str,
        cursor: &Cursor,
    ) -> Result<Cursor, RedisError> {
        if *cursor == Cursor::default() {
            return Ok(cursor.clone());
        }
        let mut newest = cmd("XREVRANGE");
        newest.arg(key).arg("+").arg("-").arg("COUNT").arg(1);
        let newest = Vec::<Entry>::from_redis_value(line.send(&newest).await?)?;
        let known = newest.first().is_some_and(|(at, _)| number(at) >= number(&cursor.0));
        Ok(if known { cursor.clone() } else { Cursor::default() })
    }

    fn heard_of(&self, line: &Line, error: &RedisError) -> Fault {
        self.nodes.forget();
        fault::told(&line.at, error)
    }
}

fn heard(answer: Value, from: Cursor) -> Option<Notices> {
    let streams = Option::<Vec<(String, Vec<Entry>)>>::from_redis_value(answer).ok()?;
    let mut notices = Notices { cursor: from, notices: Vec::new() };
    for (at, fields) in streams.into_iter().flatten().flat_map(|(_, entries)| entries) {
        notices.cursor = Cursor(at);
        notices.notices.extend(fields.into_iter().nth(1));
    }
    Some(notices)
}

/// A place in a stream as two numbers, which is how its order is.
fn number(at: &str) -> Option<(u64, u64)> {
    let (millis, more) = at.split_once('-').unwrap_or((at, "0"));
    Some((millis.parse().ok()?, more.parse().ok()?))
}

/// How many notices come in one piece; endings are small.
const AT_ONCE: usize = 128;
