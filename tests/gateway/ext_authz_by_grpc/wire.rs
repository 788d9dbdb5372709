//! The messages of `envoy.service.auth.v3` byte by byte, as Envoy 1.40 numbers their fields: nothing
//! here is shared with the gateway.

use bytes::Bytes;
use http_body_util::BodyExt;

use crate::harness::*;

pub(super) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// What is asked about.
pub(super) struct Question<'a> {
    pub(super) method: &'a str,
    pub(super) host: String,
    pub(super) path: &'a str,
    pub(super) headers: Vec<(&'a str, &'a str)>,
    /// Envoy's peer.
    pub(super) source: &'a str,
}

/// What is answered.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// 0 is a yes.
    pub(super) code: u64,
    pub(super) status: u64,
    /// For the app after a yes, for the visitor after a no.
    pub(super) headers: Vec<(String, String)>,
    pub(super) removed: Vec<String>,
    /// For the visitor after a yes.
    pub(super) added: Vec<(String, String)>,
    pub(super) body: String,
}

impl Question<'_> {
    pub(super) fn to_message(&self) -> Vec<u8> {
        let mut http = [
            field(2, self.method.as_bytes()),
            field(4, self.path.as_bytes()),
            field(5, self.host.as_bytes()),
        ]
        .concat();
        let headers = self.headers.iter().map(|(name, value)| {
            field(1, &[field(1, name.as_bytes()), field(3, value.as_bytes())].concat())
        });
        http.extend(field(13, &headers.collect::<Vec<_>>().concat()));
        let source = field(1, &field(1, &field(2, self.source.as_bytes())));
        field(1, &[field(1, &source), field(4, &field(2, &http))].concat())
    }
}

impl Verdict {
    fn read(message: &[u8]) -> Self {
        let mut verdict = Self::default();
        for (number, part) in parts(message) {
            match number {
                1 => verdict.code = part.fields().first().map_or(0, |(_, code)| code.number()),
                2 => verdict.read_no(&part),
                3 => verdict.read_yes(&part),
                _ => panic!("field {number}"),
            }
        }
        verdict
    }

    fn read_no(&mut self, denied: &Part) {
        for (number, part) in denied.fields() {
            match number {
                1 => self.status = part.fields()[0].1.number(),
                2 => self.headers.push(part.option()),
                3 => self.body = part.text(),
                _ => panic!("field {number} of a no"),
            }
        }
    }

    fn read_yes(&mut self, ok: &Part) {
        for (number, part) in ok.fields() {
            match number {
                2 => self.headers.push(part.option()),
                5 => self.removed.push(part.text()),
                6 => self.added.push(part.option()),
                _ => panic!("field {number} of a yes"),
            }
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn removes(&self, name: &str) -> bool {
        self.removed.iter().any(|removed| removed == name)
    }
}

/// A call with this body: what comes back as its message, and gRPC's status.
pub(super) async fn call(gate: &Gate, lines: &[(&str, &str)], body: Body) -> (Bytes, String) {
    let mut request = http::Request::post(format!("{}{CHECK}", gate.base()))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let answer = http2(gate).await.send_request(request.body(body).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let alone = answer.headers().get("grpc-status").cloned();
    let collected = answer.into_body().collect().await.unwrap();
    let behind = collected.trailers().and_then(|trailers| trailers.get("grpc-status")).cloned();
    let status = alone.or(behind).expect("every call ends with a status");
    (collected.to_bytes(), status.to_str().unwrap().to_owned())
}

pub(super) async fn check(gate: &Gate, question: &Question<'_>) -> Verdict {
    let (answer, status) = call(gate, &[], full(framed(&question.to_message()))).await;
    assert_eq!(status, "0");
    let (head, message) = answer.split_at(5);
    assert_eq!(head, [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes()].concat());
    Verdict::read(message)
}

/// A message behind its flag and its length.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, message].concat()
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(bytes);
    field
}

enum Part {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Part {
    fn number(&self) -> u64 {
        let Self::Number(number) = self else { panic!("no number") };
        *number
    }

    fn text(&self) -> String {
        let Self::Bytes(bytes) = self else { panic!("no text") };
        String::from_utf8(bytes.clone()).unwrap()
    }

    fn fields(&self) -> Vec<(u64, Self)> {
        let Self::Bytes(bytes) = self else { panic!("no message") };
        parts(bytes)
    }

    /// Name and value of a header.
    fn option(&self) -> (String, String) {
        let fields = self.fields();
        let header = fields.iter().find(|(number, _)| *number == 1).unwrap().1.fields();
        let text =
            |wanted| header.iter().find(|(number, _)| *number == wanted).map(|at| at.1.text());
        (text(1).unwrap(), text(2).unwrap_or_default())
    }
}

fn parts(mut message: &[u8]) -> Vec<(u64, Part)> {
    let mut parts = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let number = varint(&mut message);
        let part = match tag & 7 {
            0 => Part::Number(number),
            2 => {
                let (bytes, rest) = message.split_at(usize::try_from(number).unwrap());
                message = rest;
                Part::Bytes(bytes.to_vec())
            }
            kind => panic!("wire type {kind}"),
        };
        parts.push((tag >> 3, part));
    }
    parts
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for at in 0.. {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}
