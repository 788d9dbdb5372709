//! What the scripts answer, read; and what goes in.

use redis::{FromRedisValue as _, Value};

use super::fault;
use crate::store::{Fault, Held, Kept, Record, Taken, Written};

pub(super) fn held(answer: Value) -> Result<Held, Fault> {
    parts(answer)?.held()
}

pub(super) fn taken(answer: Value) -> Result<Taken, Fault> {
    let Value::Array(mut values) = answer else {
        return Err(fault::strange());
    };
    if values.is_empty() {
        return Err(fault::strange());
    }
    let ours = values.remove(0) == Value::Int(1);
    Ok(Taken { ours, held: held(Value::Array(values))? })
}

pub(super) fn kept(answer: Value) -> Result<Kept, Fault> {
    let parts = parts(answer)?;
    if parts.0.first().is_some_and(|word| word == b"kept") {
        return Ok(Kept::Yes);
    }
    match parts.held()? {
        Held::Record(record) => Ok(Kept::Newer(record)),
        Held::Ended => Ok(Kept::Ended),
        Held::Nothing => Err(fault::strange()),
    }
}

/// The record that went. One that was too large to be ours is gone as well.
pub(super) fn ended(answer: Value) -> Result<Option<Record>, Fault> {
    let parts = parts(answer)?;
    if parts.0.first().is_some_and(|word| word == b"large") {
        return Ok(None);
    }
    match parts.held()? {
        Held::Record(record) => Ok(Some(record)),
        Held::Ended | Held::Nothing => Ok(None),
    }
}

/// How new a record is, so that the order of the bytes is that of age.
pub(super) fn written_as_bytes(written: Written) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&written.generation.to_be_bytes());
    bytes[4..].copy_from_slice(&written.at.to_be_bytes());
    bytes
}

/// What would be refused when it comes back does not go in.
pub(super) fn refuse_too_large(record: &Record) -> Result<(), Fault> {
    let length = record.sealed.len().max(record.summary.len());
    match length > LARGEST {
        true => {
            Err(Fault::Refused(format!("a session of {length} bytes is too large for the store")))
        }
        false => Ok(()),
    }
}

/// A word and what stands behind it.
struct Parts(Vec<Vec<u8>>);

fn parts(answer: Value) -> Result<Parts, Fault> {
    Vec::from_redis_value(answer).map(Parts).map_err(|_| fault::strange())
}

impl Parts {
    fn held(self) -> Result<Held, Fault> {
        let mut parts = self.0.into_iter();
        let word = parts.next().unwrap_or_default();
        match word.as_slice() {
            b"nothing" => Ok(Held::Nothing),
            b"ended" => Ok(Held::Ended),
            b"large" => Err(Fault::Refused(String::from(
                "there is something in the store that is larger than any session",
            ))),
            b"record" => {
                let mut next = || parts.next().ok_or_else(fault::strange);
                let (written, sealed, summary) = (next()?, next()?, next()?);
                let written = written_from(&written).ok_or_else(fault::strange)?;
                Ok(Held::Record(Record { written, sealed, summary }))
            }
            _ => Err(fault::strange()),
        }
    }
}

fn written_from(bytes: &[u8]) -> Option<Written> {
    let (generation, at) = bytes.split_first_chunk()?;
    let generation = u32::from_be_bytes(*generation);
    Some(Written { generation, at: u64::from_be_bytes(at.try_into().ok()?) })
}

/// The same as in `lua/held.lua`: several times what a session can need (C-116).
pub(super) const LARGEST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_new_a_record_is_comes_back_and_sorts_as_bytes() {
        let rising = [(0, 0), (0, 255), (0, 256), (1, 0), (255, u64::MAX), (256, 0), (u32::MAX, 7)]
            .map(|(generation, at)| Written { generation, at });
        for pair in rising.windows(2) {
            assert!(written_as_bytes(pair[0]) < written_as_bytes(pair[1]));
        }
        for written in rising {
            assert_eq!(written_from(&written_as_bytes(written)), Some(written));
        }
        assert_eq!(written_from(&[0; 11]), None);
        assert_eq!(written_from(&[0; 13]), None);
    }

    #[test]
    fn c116_nonsense_is_a_fault() {
        let word = |word: &str| Value::BulkString(word.as_bytes().to_vec());
        for nonsense in [
            Value::Nil,
            Value::Int(1),
            Value::Array(vec![]),
            Value::Array(vec![word("other")]),
            Value::Array(vec![word("record"), word("123456789012"), word("")]),
            Value::Array(vec![word("record"), word("12345678901"), word(""), word("")]),
        ] {
            assert!(held(nonsense.clone()).is_err(), "{nonsense:?}");
            assert!(kept(nonsense.clone()).is_err(), "{nonsense:?}");
            assert!(taken(nonsense.clone()).is_err(), "{nonsense:?}");
            assert!(ended(nonsense.clone()).is_err(), "{nonsense:?}");
        }
        assert!(kept(Value::Array(vec![word("nothing")])).is_err());
    }
}
