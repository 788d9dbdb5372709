//! WebSocket frames (RFC 6455 5.2), as far as a tunnel has to know them: where one ends, and what
//! the last one says.

/// How far a stream of frames has come. Payloads are skipped by their length: what is in them
/// concerns nobody here. Whatever is no stream of frames comes to some wrong end, or to none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frames {
    /// Bytes of a header that have come, of those that it has.
    seen: u8,
    header: u8,
    /// What the header says of its payload, as far as it has come.
    length: u64,
    /// Bytes of a payload that are still to come.
    left: u64,
    closed: bool,
}

/// Why we end what neither side has ended (RFC 6455 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    GoingAway,
    /// "Policy violation", which is what there is for a session that is over (C-80).
    SessionEnded,
}

impl Frames {
    /// Whether the next byte begins a frame. Between two frames of a message a control frame may
    /// stand (RFC 6455 5.4).
    pub(super) const fn is_between(&self) -> bool {
        self.seen == 0 && self.left == 0
    }

    /// Whether a close frame has begun: no other may come after it (RFC 6455 5.5.1).
    pub(super) const fn has_closed(&self) -> bool {
        self.closed
    }

    /// Takes note of the next bytes of the stream.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let frame = self.pass_frame(bytes);
            bytes = &bytes[frame..];
        }
    }

    /// How many of the next bytes belong to the frame that has begun; zero between two.
    pub(super) fn rest(&self, bytes: &[u8]) -> usize {
        let mut ahead = *self;
        if self.is_between() { 0 } else { ahead.pass_frame(bytes) }
    }

    /// Takes note of the next bytes up to the end of a frame, and says how many they are.
    fn pass_frame(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while self.left == 0 {
            let Some(&byte) = bytes.get(at) else { return at };
            at += 1;
            self.pass_header(byte);
            if self.is_between() {
                return at;
            }
        }
        let payload = self.left.min((bytes.len() - at) as u64);
        self.left -= payload;
        at + payload as usize
    }

    fn pass_header(&mut self, byte: u8) {
        match self.seen {
            0 => {
                self.closed |= byte & OPCODE == CLOSE;
                self.header = 2;
            }
            1 => {
                let (longer, length) = match byte & LENGTH {
                    126 => (2, 0),
                    127 => (8, 0),
                    short => (0, u64::from(short)),
                };
                self.length = length;
                self.header += longer + if byte & MASKED == 0 { 0 } else { MASK };
            }
            // The mask comes last; the length before it is over by then.
            seen if seen < self.lengths_end() => self.length = self.length << 8 | u64::from(byte),
            _ => {}
        }
        self.seen += 1;
        if self.seen == self.header {
            self.left = self.length;
            self.seen = 0;
        }
    }

    /// Where in the header the length ends.
    const fn lengths_end(&self) -> u8 {
        // 2, 4 or 10 bytes, and 4 more with a mask.
        match self.header {
            4 | 8 => 4,
            10 | 14 => 10,
            _ => 2,
        }
    }
}

impl Reason {
    /// The close frame for a client.
    pub(super) fn to_client(self) -> Vec<u8> {
        let payload = self.payload();
        [&[FIN | CLOSE, payload.len() as u8], payload.as_slice()].concat()
    }

    /// The close frame for a server, masked as a client has to (RFC 6455 5.3).
    pub(super) fn to_server(self, mask: [u8; 4]) -> Vec<u8> {
        let payload = self.payload();
        let masked: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).collect();
        [&[FIN | CLOSE, MASKED | payload.len() as u8], &mask[..], masked.as_slice()].concat()
    }

    fn payload(self) -> Vec<u8> {
        let (code, text): (u16, &str) = match self {
            Self::GoingAway => (1001, ""),
            Self::SessionEnded => (1008, "the session has ended"),
        };
        [&code.to_be_bytes(), text.as_bytes()].concat()
    }
}

const FIN: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const CLOSE: u8 = 0x08;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// Bytes of a mask.
const MASK: u8 = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame as it stands on the wire; the first byte is given.
    fn frame(first: u8, masked: bool, payload: usize) -> Vec<u8> {
        let mask_bit = if masked { MASKED } else { 0 };
        let mut frame = vec![first];
        match payload {
            0..=125 => frame.push(mask_bit | payload as u8),
            126..=0xffff => {
                frame.push(mask_bit | 126);
                frame.extend((payload as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask_bit | 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        // What could be taken for a header, wherever a header is looked for too early.
        frame.extend([0x88, 0x02, 0x03, 0xe8].iter().filter(|_| masked));
        frame.extend([0x88, 0x00].iter().cycle().take(payload));
        frame
    }

    #[test]
    fn a_frame_ends_where_its_length_says() {
        for payload in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            for masked in [false, true] {
                let whole = frame(0x81, masked, payload);
                let mut frames = Frames::default();
                frames.pass(&whole[..whole.len() - 1]);
                assert!(!frames.is_between(), "{payload} {masked}");
                assert_eq!(frames.rest(&[0; 9]), 1, "{payload} {masked}");
                frames.pass(&whole[whole.len() - 1..]);
                assert!(frames.is_between() && !frames.has_closed(), "{payload} {masked}");
                assert_eq!(frames.rest(&whole), 0, "the next frame has not begun");
            }
        }
    }

    #[test]
    fn only_a_close_frame_closes() {
        for (first, closes) in [(0x88, true), (0x08, true), (0x89, false), (0x8a, false)] {
            let mut frames = Frames::default();
            frames.pass(&frame(first, true, 2));
            assert_eq!(frames.has_closed(), closes, "{first:#x}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_never_over() {
        let mut frames = Frames::default();
        frames.pass(&[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        frames.pass(&[0; 5000]);
        assert!(!frames.is_between());
        assert_eq!(frames.rest(&[0; 100]), 100);
    }

    #[test]
    fn the_last_frame_says_why() {
        let expected = [&[0x88, 23, 0x03, 0xf0], &b"the session has ended"[..]].concat();
        assert_eq!(Reason::SessionEnded.to_client(), expected);
        assert_eq!(Reason::GoingAway.to_client(), [0x88, 2, 0x03, 0xe9]);
        let masked = Reason::GoingAway.to_server([1, 2, 3, 4]);
        assert_eq!(masked, [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe9 ^ 2]);
        for last in [expected, Reason::SessionEnded.to_server([9; 4])] {
            let mut frames = Frames::default();
            frames.pass(&last);
            assert!(frames.is_between() && frames.has_closed());
        }
    }

    fn any_frame() -> impl Strategy<Value = Vec<u8>> {
        let payload = prop_oneof![0..200_usize, 65_400..65_700_usize];
        (any::<u8>(), any::<bool>(), payload).prop_map(|(a, b, c)| frame(a, b, c))
    }

    proptest! {
        #[test]
        fn however_the_bytes_come_the_ends_are_the_same(
            written in prop::collection::vec(any_frame(), 1..6),
            steps in prop::collection::vec(1..3000_usize, 1..9),
        ) {
            let bytes = written.concat();
            let mut ends: Vec<usize> = vec![0];
            ends.extend(written.iter().scan(0, |at, frame| { *at += frame.len(); Some(*at) }));
            let (mut frames, mut at) = (Frames::default(), 0);
            for step in steps.iter().cycle() {
                prop_assert_eq!(frames.is_between(), ends.contains(&at));
                let end = ends.iter().find(|end| **end >= at).copied();
                prop_assert_eq!(Some(at + frames.rest(&bytes[at..])), end);
                if at == bytes.len() {
                    break;
                }
                let next = bytes.len().min(at + step);
                frames.pass(&bytes[at..next]);
                at = next;
            }
        }

        #[test]
        fn bytes_that_are_no_frames_are_no_trouble(
            bytes in prop::collection::vec(any::<u8>(), 0..500),
        ) {
            let mut frames = Frames::default();
            frames.pass(&bytes);
            prop_assert!(frames.rest(&bytes) <= bytes.len());
        }
    }
}
