//! One direction of a tunnel: bytes from one side to the other, and how it ends between two frames.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::web_socket::Frames;

/// A direction, with what was read and is not written yet. All of its state is here: whoever
/// stops polling it loses nothing.
pub(super) struct Way {
    buffer: Box<[u8]>,
    waiting: Range<usize>,
    unflushed: bool,
    /// Where what was written has come to.
    frames: Frames,
    stage: Stage,
    /// Whether anything went through since it was last asked.
    moved: bool,
}

enum Stage {
    /// Whatever comes goes on.
    Open,
    /// Only the rest of a frame goes on, and then this frame, as the last one.
    Ending(Vec<u8>),
    /// Nothing more is read; what waits is written, and then this side is shut.
    Last {
        ended_by_us: bool,
    },
    /// Nothing more is written, and what still comes is thrown away: a socket that is closed with
    /// bytes unread is reset, and its peer may lose the last frame by that.
    Ignoring,
    Over,
}

impl Way {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER].into_boxed_slice(),
            waiting: 0..0,
            unflushed: false,
            frames: Frames::default(),
            stage: Stage::Open,
            moved: false,
        }
    }

    /// Has it end with `last` as soon as no frame is on its way. Nothing happens before the next
    /// poll.
    pub(super) fn end(&mut self, last: Vec<u8>) {
        if matches!(self.stage, Stage::Open) {
            self.stage = Stage::Ending(last);
        }
    }

    /// Has it end without a last frame, where that is still to come: what was written of a frame
    /// must not be taken for a whole one.
    pub(super) fn cut(&mut self) {
        if matches!(self.stage, Stage::Ending(_)) {
            self.waiting = 0..0;
            self.stage = Stage::Last { ended_by_us: true };
        }
    }

    /// Whether anything went through since the last time.
    pub(super) fn has_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Moves all that can be moved; ready when nothing ever will be, or with the error of the side
    /// that broke off. It is over then.
    pub(super) fn poll<R, W>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let ended = ready!(self.poll_stages(context, from, to));
        self.stage = Stage::Over;
        Poll::Ready(ended)
    }

    fn poll_stages<R, W>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            self.begin_last_frame();
            match self.stage {
                Stage::Open | Stage::Ending(_) if self.waiting.is_empty() => {
                    if ready!(self.poll_read(context, from, to))? == 0 {
                        self.stage = Stage::Last { ended_by_us: false };
                    }
                }
                Stage::Open => ready!(self.poll_write(context, to, self.waiting.len()))?,
                Stage::Ending(_) => {
                    let rest = self.frames.rest(&self.buffer[self.waiting.clone()]);
                    ready!(self.poll_write(context, to, rest))?;
                }
                Stage::Last { .. } if !self.waiting.is_empty() => {
                    ready!(self.poll_write(context, to, self.waiting.len()))?;
                }
                Stage::Last { ended_by_us } => {
                    ready!(self.poll_flush(context, to))?;
                    ready!(Pin::new(&mut *to).poll_shutdown(context))?;
                    self.stage = if ended_by_us { Stage::Ignoring } else { Stage::Over };
                }
                Stage::Ignoring => {
                    if ready!(self.poll_read(context, from, to))? == 0 {
                        self.stage = Stage::Over;
                    }
                }
                Stage::Over => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Puts the last frame in the place of whatever waits, when its time has come. Whoever has
    /// said so already says nothing again.
    fn begin_last_frame(&mut self) {
        if let Stage::Ending(last) = &self.stage
            && self.frames.is_between()
        {
            let length = if self.frames.has_closed() { 0 } else { last.len() };
            self.buffer[..length].copy_from_slice(&last[..length]);
            self.waiting = 0..length;
            self.stage = Stage::Last { ended_by_us: true };
        }
    }

    /// Reads into the empty buffer; zero is the end. While there is nothing to read, what was
    /// written is sent off.
    fn poll_read<R, W>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<io::Result<usize>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut buffer = ReadBuf::new(&mut self.buffer);
        match Pin::new(from).poll_read(context, &mut buffer)? {
            Poll::Ready(()) => {
                let read = buffer.filled().len();
                self.waiting = 0..read;
                self.moved = true;
                Poll::Ready(Ok(read))
            }
            Poll::Pending => {
                ready!(self.poll_flush(context, to))?;
                Poll::Pending
            }
        }
    }

    /// Writes some of the first `length` bytes that wait.
    fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        to: &mut W,
        length: usize,
    ) -> Poll<io::Result<()>> {
        let start = self.waiting.start;
        let bytes = &self.buffer[start..start + length];
        let written = ready!(Pin::new(to).poll_write(context, bytes))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.frames.pass(&bytes[..written]);
        self.waiting.start += written;
        self.unflushed = true;
        self.moved = true;
        Poll::Ready(Ok(()))
    }

    fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(to).poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// Most tunnels are silent most of the time, and keep a buffer for each way meanwhile.
const BUFFER: usize = 4 * 1024;
