//! The channel between module and engine: messages over a stream socket, each with its length in
//! front.
//!
//! Every call has an end: a peer that is silent, slow or frozen costs the caller no more than the
//! time that it gives. The number and the length of messages are bounded. A peer that is gone raises
//! no SIGPIPE, since the module runs in a process whose signals are not ours. Used by `pam` and
//! `engine`.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use zeroize::Zeroizing;

use super::errno::describe;

/// The longest message, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

/// How many messages one channel can have in each direction: three for each prompt, and there are
/// few prompts, since each takes the person's time.
pub const MAX_MESSAGES: u32 = 4096;

/// The bytes of a message: they may contain a reply, and are wiped when dropped.
pub type Bytes = Zeroizing<Vec<u8>>;

/// Why no message was sent or received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The time is over.
    #[error("no message in time")]
    TimedOut,
    /// The peer has closed its end, or is gone.
    #[error("the other end is closed")]
    Closed,
    /// A message is longer than [`MAX_LENGTH`], or has no length.
    #[error("a message is empty or too long")]
    Length,
    /// There were more than [`MAX_MESSAGES`] messages.
    #[error("too many messages")]
    TooMany,
    /// A system call failed.
    #[error("{}", describe(*.0))]
    Io(Errno),
}

/// One end of a channel.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    sent: u32,
    received: u32,
}

impl Channel {
    /// A channel over `socket`, a connected stream socket.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            sent: 0,
            received: 0,
        }
    }

    /// Sends a message. Blocks until `until` at most, and only where the peer reads nothing.
    ///
    /// # Errors
    /// The message was not sent, or only a part of it.
    pub fn send(&mut self, message: &[u8], until: Instant) -> Result<(), Error> {
        self.sent = count(self.sent)?;
        let length = u32::try_from(message.len()).map_err(|_| Error::Length)?;
        if message.is_empty() || message.len() > MAX_LENGTH {
            return Err(Error::Length);
        }
        let mut frame = Zeroizing::new(Vec::with_capacity(message.len() + 4));
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(message);
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
            match send(self.socket.as_raw_fd(), rest, flags) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(Errno::EAGAIN) => self.wait(PollFlags::POLLOUT, until)?,
                Err(Errno::EINTR) => {}
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(Error::Closed),
                Err(errno) => return Err(Error::Io(errno)),
            }
        }
        Ok(())
    }

    /// Receives a message. Blocks until `until` at most.
    ///
    /// # Errors
    /// There is no whole message. After any error but [`Error::TimedOut`] before the first byte,
    /// the channel is of no further use.
    pub fn receive(&mut self, until: Instant) -> Result<Bytes, Error> {
        self.received = count(self.received)?;
        let header = self.read_exact(4, until)?;
        let length = header
            .iter()
            .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        if !(1..=MAX_LENGTH).contains(&length) {
            return Err(Error::Length);
        }
        self.read_exact(length, until)
    }

    /// Whether a message, or the end of the channel, can be read at once.
    #[must_use]
    pub fn has_input(&self) -> bool {
        self.wait(PollFlags::POLLIN, Instant::now()).is_ok()
    }

    /// Whether the peer has closed its end or is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // POLLHUP is always reported.
        self.wait(PollFlags::empty(), Instant::now()).is_ok()
    }

    /// Lets the peer send nothing more. What it has sent can still be received.
    ///
    /// Source: the kernel's unix_shutdown and unix_stream_sendmsg.
    pub fn refuse_more(&self) {
        // Fails only where the peer is gone.
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Read);
    }

    /// Waits until the peer has closed its end, until `until` at most.
    ///
    /// # Errors
    /// [`Error::Closed`] if the peer ended without having read everything that was sent to it. A
    /// peer that is still there is no error.
    pub fn wait_for_end(&self, until: Instant) -> Result<(), Error> {
        if self.wait(PollFlags::empty(), until).is_err() {
            return Ok(());
        }
        // Source: unix(7) and the kernel's unix_release_sock: unread bytes reset the connection.
        match recv(self.socket.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT) {
            Err(Errno::ECONNRESET) => Err(Error::Closed),
            _ => Ok(()),
        }
    }

    fn read_exact(&self, length: usize, until: Instant) -> Result<Bytes, Error> {
        let mut bytes = Zeroizing::new(vec![0; length]);
        let mut filled = 0;
        while filled < length {
            let rest = bytes.get_mut(filled..).unwrap_or_default();
            match recv(self.socket.as_raw_fd(), rest, MsgFlags::MSG_DONTWAIT) {
                Ok(0) | Err(Errno::ECONNRESET) => return Err(Error::Closed),
                Ok(read) => filled += read,
                Err(Errno::EAGAIN) => self.wait(PollFlags::POLLIN, until)?,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::Io(errno)),
            }
        }
        Ok(bytes)
    }

    /// Waits until one of `events`, an error or the peer's end occurs.
    fn wait(&self, events: PollFlags, until: Instant) -> Result<(), Error> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // Rounded up, so that it does not turn in circles during the last millisecond.
            let left = left + Duration::from_micros(999);
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut descriptors = [PollFd::new(self.socket.as_fd(), events)];
            match poll(&mut descriptors, timeout) {
                Ok(0) if Instant::now() >= until => return Err(Error::TimedOut),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => return Err(Error::Io(errno)),
            }
        }
    }
}

/// Counts one more message.
fn count(messages: u32) -> Result<u32, Error> {
    if messages < MAX_MESSAGES {
        Ok(messages + 1)
    } else {
        Err(Error::TooMany)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    fn pair() -> (Channel, UnixStream) {
        let (one, other) = UnixStream::pair().unwrap();
        (Channel::new(one.into()), other)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(100)
    }

    #[test]
    fn what_is_sent_is_received_whole_and_in_order() {
        let (mut one, other) = pair();
        let mut other = Channel::new(other.into());
        let long = vec![7; MAX_LENGTH];
        one.send(b"first", soon()).unwrap();
        one.send(&long, soon()).unwrap();
        drop(one);
        assert_eq!(other.receive(soon()).unwrap().as_slice(), b"first");
        assert_eq!(other.receive(soon()).unwrap().as_slice(), long);
        assert_eq!(other.receive(soon()).unwrap_err(), Error::Closed);
    }

    #[test]
    fn a_message_that_is_cut_empty_or_too_long_is_an_error() {
        let rows: [(&[u8], bool, Error); 6] = [
            (&[0, 0], true, Error::Closed),
            (&[0, 0, 0, 5, b'a'], true, Error::Closed),
            (&[0, 0, 0, 5, b'a'], false, Error::TimedOut),
            (&[0, 0, 0, 0], false, Error::Length),
            (&[0, 1, 0, 1], false, Error::Length),
            (&[255; 64], false, Error::Length),
        ];
        let mut wrong = Vec::new();
        for (bytes, closes, expected) in rows {
            let (mut channel, mut peer) = pair();
            peer.write_all(bytes).unwrap();
            let open = (!closes).then_some(peer);
            let received = channel.receive(soon()).map(|message| message.to_vec());
            if received != Err(expected) {
                wrong.push((bytes, received));
            }
            drop(open);
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn a_message_that_is_empty_or_too_long_is_not_sent() {
        let (mut channel, _peer) = pair();
        assert_eq!(channel.send(b"", soon()), Err(Error::Length));
        let long = vec![0; MAX_LENGTH + 1];
        assert_eq!(channel.send(&long, soon()), Err(Error::Length));
    }

    #[test]
    fn a_peer_that_reads_nothing_delays_no_one_for_longer_than_allowed() {
        let (mut channel, _peer) = pair();
        let message = vec![0; MAX_LENGTH];
        let failed = (0..100).find_map(|_| channel.send(&message, soon()).err());
        assert_eq!(failed, Some(Error::TimedOut));
    }

    #[test]
    fn a_peer_that_is_gone_is_an_error_and_no_signal() {
        let (mut channel, peer) = pair();
        assert!(!channel.is_closed() && !channel.has_input());
        drop(peer);
        assert!(channel.is_closed() && channel.has_input());
        assert_eq!(channel.send(b"x", soon()), Err(Error::Closed));
    }

    #[test]
    fn a_peer_that_ends_with_unread_messages_is_told_from_one_that_has_read_them() {
        for reads in [true, false] {
            let (mut one, other) = pair();
            let mut other = Channel::new(other.into());
            one.send(b"x", soon()).unwrap();
            assert_eq!(one.wait_for_end(Instant::now()), Ok(()), "still there");
            if reads {
                other.receive(soon()).unwrap();
            }
            drop(other);
            let ended = if reads { Ok(()) } else { Err(Error::Closed) };
            assert_eq!(one.wait_for_end(soon()), ended);
        }
    }

    #[test]
    fn nothing_is_sent_to_a_peer_that_refuses_more_and_nothing_sent_before_is_lost() {
        let (mut one, other) = pair();
        let mut other = Channel::new(other.into());
        other.send(b"in time", soon()).unwrap();
        one.refuse_more();
        assert_eq!(other.send(b"late", soon()), Err(Error::Closed));
        assert_eq!(one.receive(Instant::now()).unwrap().as_slice(), b"in time");
        assert_eq!(one.receive(soon()).unwrap_err(), Error::Closed);
        one.send(b"answer", soon()).unwrap();
        assert_eq!(other.receive(soon()).unwrap().as_slice(), b"answer");
    }

    #[test]
    fn a_million_messages_are_not_read() {
        let (mut channel, mut peer) = pair();
        let writer = thread::spawn(move || {
            for _ in 0..1_000_000 {
                if peer.write_all(&[0, 0, 0, 1, b'x']).is_err() {
                    return;
                }
            }
        });
        let read = (0..1_000_000).take_while(|_| channel.receive(soon()).is_ok());
        assert_eq!(read.count(), MAX_MESSAGES as usize);
        assert_eq!(channel.receive(soon()).unwrap_err(), Error::TooMany);
        drop(channel);
        writer.join().unwrap();
    }
}
