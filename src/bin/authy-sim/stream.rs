//! The byte stream below the HTTP server, where some faults act: delayed, slow, cut, reset, garbage
//! and endless answers.
//!
//! [`FaultyStream`] wraps the TLS stream of one connection. It queues what the HTTP server writes,
//! changes it as the pending [`StreamFault`] says, and sends it at that fault's rate. Reads are not
//! affected.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

use crate::fault::{Endless, Pace, StreamFault};
use crate::faults::PendingStreamFault;
use crate::random;

/// Length at which an endless answer is cut, in bytes.
const ENDLESS_LIMIT: usize = 64 * 1024 * 1024;

/// A connection whose answers a fault can change.
pub(crate) struct FaultyStream {
    inner: TlsStream<TcpStream>,
    /// The fault for the next answer, set by the request.
    pending: PendingStreamFault,
    /// The fault of the current answer.
    fault: StreamFault,
    queue: VecDeque<u8>,
    /// Length of the HTTP header in bytes, which is sent at once if only the body is slow.
    unpaced: usize,
    /// Bytes that are sent again and again in an endless answer.
    repeat: Option<Vec<u8>>,
    /// Bytes of the current answer that were sent.
    sent: usize,
    /// Runs until the next bytes may be sent.
    timer: Option<Pin<Box<Sleep>>>,
}

impl FaultyStream {
    pub(crate) fn new(inner: TlsStream<TcpStream>, pending: PendingStreamFault) -> Self {
        Self {
            inner,
            pending,
            fault: StreamFault::default(),
            queue: VecDeque::new(),
            unpaced: 0,
            repeat: None,
            sent: 0,
            timer: None,
        }
    }

    /// Queues bytes of the HTTP server, or drops them if the fault replaces the answer.
    fn enqueue(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(fault) = self.pending.take() {
            self.begin(fault, bytes)?;
        }
        let replaced = self.fault.garbage || self.fault.endless.is_some();
        if !replaced {
            self.queue.extend(bytes);
        }
        Ok(())
    }

    /// Begins an answer that has a fault; `first` are the answer's first bytes.
    fn begin(&mut self, fault: StreamFault, first: &[u8]) -> io::Result<()> {
        self.fault = fault;
        self.sent = 0;
        if self.fault.reset {
            self.inner.get_ref().0.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.timer = self
            .fault
            .delay_ms
            .map(|ms| Box::pin(sleep(Duration::from_millis(ms))));
        if self.fault.garbage {
            self.queue.extend(random::bytes::<512>());
            self.fault.cut_after = Some(512);
        }
        let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        let (start, repeat) = match self.fault.endless {
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

    /// Returns how many bytes may be sent now, and the rate that sets the wait afterwards.
    fn pace(&self) -> (usize, Option<Pace>) {
        let everything = self.queue.len().min(16 * 1024);
        match (self.fault.drip, self.fault.drip_body) {
            (Some(pace), _) => (pace.bytes.get().min(everything), Some(pace)),
            (None, Some(_)) if self.sent < self.unpaced => {
                (everything.min(self.unpaced - self.sent), None)
            }
            (None, Some(pace)) => (pace.bytes.get().min(everything), Some(pace)),
            (None, None) => (everything, None),
        }
    }

    /// Sends the queue at the fault's rate, and fails where the fault cuts the answer.
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
            if let Some(cut) = self.fault.cut_after {
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

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Send the queue first, so that it stays short.
        ready!(self.poll_drain(cx))?;
        self.enqueue(bytes)?;
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
