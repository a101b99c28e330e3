//! The byte stream below the HTTP server, on which some faults act: late, slow, cut, garbage, endless.
//!
//! A wrapper around the TLS stream. What the server writes is queued, changed by the plan that the
//! request has set, and drained at the plan's pace.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

use crate::faults::{Endless, Pace, Plan, Wire};
use crate::random;

/// Where an endless answer ends all the same, in bytes.
const ENDLESS_LIMIT: usize = 64 * 1024 * 1024;

/// A connection whose answers may go wrong.
pub(crate) struct Faulty {
    inner: TlsStream<TcpStream>,
    wire: Wire,
    plan: Plan,
    queue: VecDeque<u8>,
    /// Bytes that are sent without waiting: the header, when only the body drips.
    unpaced: usize,
    repeat: Option<Vec<u8>>,
    sent: usize,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Faulty {
    pub(crate) fn new(inner: TlsStream<TcpStream>, wire: Wire) -> Self {
        Self {
            inner,
            wire,
            plan: Plan::default(),
            queue: VecDeque::new(),
            unpaced: 0,
            repeat: None,
            sent: 0,
            timer: None,
        }
    }

    /// Takes bytes of the server's over, as the plan wants them.
    fn accept(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(plan) = self.wire.take() {
            self.begin(plan, bytes)?;
        }
        let replaced = self.plan.garbage || self.plan.endless.is_some();
        if !replaced {
            self.queue.extend(bytes);
        }
        Ok(())
    }

    fn begin(&mut self, plan: Plan, first: &[u8]) -> io::Result<()> {
        self.plan = plan;
        self.sent = 0;
        if self.plan.reset {
            self.inner.get_ref().0.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.timer = self
            .plan
            .delay_ms
            .map(|ms| Box::pin(sleep(Duration::from_millis(ms))));
        if self.plan.garbage {
            self.queue.extend(random::bytes::<512>());
            self.plan.cut_after = Some(512);
        }
        let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        let (start, repeat) = match self.plan.endless {
            None => {
                let end = first.windows(4).position(|four| four == b"\r\n\r\n");
                self.unpaced = end.map_or(first.len(), |at| at + 4);
                return Ok(());
            }
            Some(Endless::Body) => (format!("{ok}\r\n{{\"x\":\""), "x".repeat(4096)),
            Some(Endless::Headers) => (ok.to_owned(), "X-Fill: nothing\r\n".repeat(64)),
            Some(Endless::Informational) => {
                (String::new(), "HTTP/1.1 100 Continue\r\n\r\n".repeat(16))
            }
        };
        self.queue.extend(start.bytes());
        self.repeat = Some(repeat.into_bytes());
        Ok(())
    }

    /// How much may be sent now, and what to wait for afterwards.
    fn pace(&self) -> (usize, Option<Pace>) {
        let everything = self.queue.len().min(16 * 1024);
        match (self.plan.drip, self.plan.drip_body) {
            (Some(pace), _) => (pace.bytes.min(everything), Some(pace)),
            (None, Some(_)) if self.sent < self.unpaced => {
                (everything.min(self.unpaced - self.sent), None)
            }
            (None, Some(pace)) => (pace.bytes.min(everything), Some(pace)),
            (None, None) => (everything, None),
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            if self.queue.is_empty() {
                match &self.repeat {
                    Some(repeat) if self.sent < ENDLESS_LIMIT => self.queue.extend(repeat),
                    Some(_) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                    None => return Poll::Ready(Ok(())),
                }
            }
            let (mut count, pace) = self.pace();
            if let Some(cut) = self.plan.cut_after {
                count = count.min(cut.saturating_sub(self.sent));
                if count == 0 {
                    ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                }
            }
            let chunk: Vec<u8> = self.queue.iter().take(count).copied().collect();
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &chunk))?;
            self.queue.drain(..written);
            self.sent += written;
            if let Some(pace) = pace {
                ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
                self.timer = Some(Box::pin(sleep(Duration::from_millis(pace.every_ms))));
            }
        }
    }
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // What was queued before goes out first, so that the queue stays short.
        ready!(self.poll_drain(cx))?;
        self.accept(bytes)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
