//! HTTP/2 frame by frame, for streams that no client library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Gate;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(5);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const INITIAL_WINDOW_SIZE: u16 = 4;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// What became of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered(u16),
    /// RST_STREAM, GOAWAY, or the connection's end.
    Refused,
    Silence,
}

/// One request stream, its header list as it is.
pub(crate) struct Stream {
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    data: Option<Vec<u8>>,
    window: Option<u32>,
}

/// A connection that stays open, for one stream after another.
pub(crate) struct Connection {
    socket: TcpStream,
    next: u32,
}

impl Stream {
    pub(crate) fn new(headers: &[(&str, &str)]) -> Self {
        let bytes =
            |(name, value): &(&str, &str)| (name.as_bytes().into(), value.as_bytes().into());
        Self { headers: headers.iter().map(bytes).collect(), data: None, window: None }
    }

    /// A plain GET of this path at the gateway, with these headers besides.
    pub(crate) fn get(gate: &Gate, path: &str, more: &[(&str, &str)]) -> Self {
        let authority = gate.authority();
        let mut headers = vec![
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", authority.as_str()),
            (":path", path),
        ];
        headers.extend_from_slice(more);
        Self::new(&headers)
    }

    pub(crate) fn with_data(mut self, data: &[u8]) -> Self {
        self.data = Some(data.to_vec());
        self
    }

    /// Takes no more than this of the answer.
    pub(crate) fn with_window(mut self, bytes: u32) -> Self {
        self.window = Some(bytes);
        self
    }

    pub(crate) async fn send(self, gate: &Gate) -> Outcome {
        let mut connection = Connection::open(gate).await;
        connection.begin(self).await;
        connection.outcome().await
    }

    fn to_bytes(&self, id: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(window) = self.window {
            let setting = [&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &window.to_be_bytes()].concat();
            bytes.extend(frame(SETTINGS, 0, 0, &setting));
        }
        let mut block = Vec::new();
        for (name, value) in &self.headers {
            block.push(0); // a literal without indexing, its name spelt out
            literal(&mut block, name);
            literal(&mut block, value);
        }
        match &self.data {
            None => bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, id, &block)),
            Some(data) => {
                bytes.extend(frame(HEADERS, END_HEADERS, id, &block));
                bytes.extend(frame(DATA, END_STREAM, id, data));
            }
        }
        bytes
    }
}

impl Connection {
    pub(crate) async fn open(gate: &Gate) -> Self {
        let mut socket = gate.connect().await;
        let _ = socket.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        Self { socket, next: 1 }
    }

    pub(crate) async fn begin(&mut self, stream: Stream) {
        let _ = self.socket.write_all(&stream.to_bytes(self.next)).await;
        self.next += 2;
    }

    /// What happens next to any of its streams.
    pub(crate) async fn outcome(&mut self) -> Outcome {
        self.outcome_within(PATIENCE).await
    }

    pub(crate) async fn outcome_within(&mut self, patience: Duration) -> Outcome {
        timeout(patience, outcome(&mut self.socket)).await.unwrap_or(Outcome::Silence)
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An HPACK string without Huffman coding (RFC 7541, 5.2).
fn literal(block: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        short @ 0..127 => block.push(short as u8),
        long => {
            let mut rest = long - 127;
            block.push(127);
            while rest >= 128 {
                block.push((rest % 128) as u8 | 0x80);
                rest /= 128;
            }
            block.push(rest as u8);
        }
    }
    block.extend_from_slice(text);
}

async fn outcome(socket: &mut TcpStream) -> Outcome {
    loop {
        let mut head = [0; 9];
        if socket.read_exact(&mut head).await.is_err() {
            return Outcome::Refused;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if socket.read_exact(&mut payload).await.is_err() {
            return Outcome::Refused;
        }
        match head[3] {
            HEADERS => return Outcome::Answered(status(&payload)),
            RST_STREAM | GOAWAY => return Outcome::Refused,
            _ => {}
        }
    }
}

/// The status stands first: from the static table, or as three digits, Huffman-coded or not.
fn status(block: &[u8]) -> u16 {
    const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    match block {
        [first @ 0x88..=0x8e, ..] => INDEXED[usize::from(first - 0x88)],
        [0x08 | 0x18 | 0x48, 0x03, digits @ ..] => {
            String::from_utf8_lossy(&digits[..3]).parse().unwrap()
        }
        [0x08 | 0x18 | 0x48, length, coded @ ..] if length & 0x80 != 0 => {
            huffman_digits(&coded[..usize::from(length & 0x7f)])
        }
        _ => panic!("unreadable header block {block:02x?}"),
    }
}

/// Digits alone (RFC 7541, appendix B): 0 to 2 take five bits, 3 to 9 six.
fn huffman_digits(coded: &[u8]) -> u16 {
    let bits: String = coded.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut rest, mut number) = (bits.as_str(), 0);
    for _ in 0..3 {
        let five = u16::from_str_radix(&rest[..5], 2).unwrap();
        let (digit, length) = if five < 3 {
            (five, 5)
        } else {
            (u16::from_str_radix(&rest[..6], 2).unwrap() - 0b01_1001 + 3, 6)
        };
        number = number * 10 + digit;
        rest = &rest[length..];
    }
    number
}
