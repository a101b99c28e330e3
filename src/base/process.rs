//! Whether this process can do its work: descriptors, local ports, memory, a thread, and time to run.
//!
//! su and sudo run under resource limits that their caller chose, and the caller may stop them
//! (SIGSTOP) while they wait, or hold all the ports of the host. A request that failed for such a reason looks like an outage (a resolver
//! without a descriptor finds no host), and an outage may be let pass where the administrator said so;
//! the caller must not be able to make one.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::gettid;

/// Descriptors that a request needs at most: resolver, socket and some room.
const DESCRIPTORS: usize = 8;
/// Local ports that must be free; one alone could be somebody else's at once.
const PORTS: usize = 8;
/// Memory that a request needs at most, in bytes; it is reserved, not touched.
const MEMORY: usize = 8 * 1024 * 1024;

/// What this process lacks to make a request, if anything. Takes well under a millisecond.
#[must_use]
pub fn lacks() -> Option<String> {
    let sockets: Result<Vec<UnixDatagram>, _> =
        (0..DESCRIPTORS).map(|_| UnixDatagram::unbound()).collect();
    if let Err(error) = sockets {
        return Some(format!("no descriptor: {error}"));
    }
    let ports: Result<Vec<UdpSocket>, _> = (0..PORTS).map(|_| any_port()).collect();
    if let Err(error) = ports
        && error.kind() == io::ErrorKind::AddrInUse
    {
        return Some(NoPort(error).to_string());
    }
    if let Err(error) = Vec::<u8>::new().try_reserve_exact(MEMORY) {
        return Some(format!("no memory: {error}"));
    }
    match spawn(|| ()) {
        Ok(thread) => thread.join().err().map(|_| "a thread failed".to_owned()),
        Err(error) => Some(format!("no thread: {error}")),
    }
}

/// There is no local port for a connection or a question: any local user can hold them all.
#[derive(Debug, thiserror::Error)]
#[error("no local port: {0}")]
pub struct NoPort(pub io::Error);

/// A UDP port of both kinds of addresses, as a look-up of a name needs one.
fn any_port() -> io::Result<UdpSocket> {
    match UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)) {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        }
        bound => bound,
    }
}

/// What a connection to `address` failed for: [`NoPort`] inside where this host has an address to come
/// from, and no port. The kernel has one number for both.
#[must_use]
pub fn connection_error(address: &SocketAddr, error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::AddrNotAvailable {
        return error;
    }
    let any = match address {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
    };
    // Nothing is sent by this.
    match any.and_then(|socket| socket.connect(address)) {
        Err(no_way) if no_way.kind() != io::ErrorKind::AddrInUse => error,
        Ok(()) | Err(_) => io::Error::other(NoPort(error)),
    }
}

/// Room for the stack of a thread, in bytes; what std takes when nobody says otherwise.
const STACK: usize = 2 * 1024 * 1024;

/// Starts a thread that takes no signal, with a stack of our own size: std would obey RUST_MIN_STACK,
/// which belongs to the caller of sudo.
///
/// # Errors
/// There is no room for one more thread.
pub fn spawn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work);
    mask.thread_set_mask()?;
    thread
}

/// How often a [`Watch`] looks whether time goes on.
const TICK: Duration = Duration::from_millis(50);
/// Lateness that a busy machine may cause; a quarter of the time watched comes on top.
const PATIENCE: Duration = Duration::from_millis(300);

/// Notices when the process was stopped: a thread that ticks, since SIGSTOP stops all of them and
/// nothing else tells afterwards. The caller of su can also have one thread run as seldom as they like,
/// so the kernel is asked how long the watched one had to wait for a processor. No thread is left when
/// it is dropped.
#[derive(Debug)]
pub struct Watch {
    queued: Duration,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<Duration>>,
}

impl Watch {
    /// Starts to watch. The thread takes no signal, and ends with [`Watch::was_stopped`].
    ///
    /// # Errors
    /// No thread could be started.
    pub fn start() -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let queued = queued();
        // From here on, not from when the thread first runs: a process may be stopped in between.
        let begun = Instant::now();
        let thread = spawn(move || lateness(begun, &stopped))?;
        Ok(Self {
            queued,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Ends the watch; `elapsed` is how long it went on. True when the process, or the thread that
    /// started the watch and ends it, did not run for a good part of that time.
    #[must_use]
    pub fn was_stopped(mut self, elapsed: Duration) -> bool {
        let most = PATIENCE + elapsed / 4;
        let queued = queued().saturating_sub(self.queued);
        // A watch that failed proves nothing.
        queued > most || self.end().is_none_or(|late| late > most)
    }

    /// Ends the thread and waits for it, which takes no time; how late it was.
    fn end(&mut self) -> Option<Duration> {
        self.stop = None;
        self.thread.take()?.join().ok()
    }
}

impl Drop for Watch {
    /// Where a panic goes through, the thread must not outlive the login either.
    fn drop(&mut self) {
        self.end();
    }
}

/// Tells whether a thread that somebody waits for was let run.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The thread's number; zero before it first ran.
    thread: Arc<AtomicI32>,
    since: Instant,
}

impl Turn {
    /// For a thread that is about to be started.
    #[must_use]
    pub fn awaited() -> Self {
        Self {
            thread: Arc::new(AtomicI32::new(0)),
            since: Instant::now(),
        }
    }

    /// Called by the thread when it begins.
    pub fn begin(&self) {
        self.thread.store(gettid().as_raw(), Ordering::Relaxed);
    }

    /// Whether the thread, which is still at work, had to wait for a processor for a good part of the
    /// time.
    #[must_use]
    pub fn was_starved(&self) -> bool {
        let thread = self.thread.load(Ordering::Relaxed);
        let queued = queued_in(&format!("/proc/self/task/{thread}/schedstat"));
        thread == 0 || queued > PATIENCE + self.since.elapsed() / 4
    }
}

/// How long this thread has waited for a processor in its life; zero where the kernel does not say.
///
/// Source: the kernel's Documentation/scheduler/sched-stats.rst: time on a processor, time spent waiting
/// for one, both in nanoseconds.
fn queued() -> Duration {
    queued_in("/proc/thread-self/schedstat")
}

fn queued_in(file: &str) -> Duration {
    let stat = std::fs::read_to_string(file).unwrap_or_default();
    let waited = stat
        .split(' ')
        .nth(1)
        .and_then(|waited| waited.parse().ok());
    Duration::from_nanos(waited.unwrap_or_default())
}

/// How long this process did not run between `begun` and the end of the watch.
fn lateness(begun: Instant, stopped: &Receiver<()>) -> Duration {
    let (mut late, mut last) = (Duration::ZERO, begun);
    while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        late += last.elapsed().saturating_sub(TICK);
        last = Instant::now();
    }
    late + last.elapsed().saturating_sub(TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_was_not_stopped() {
        let (start, watch) = (Instant::now(), Watch::start().unwrap());
        std::thread::sleep(Duration::from_millis(120));
        assert!(!watch.was_stopped(start.elapsed()));
    }

    /// Seen with su, stopped within some milliseconds after Enter: the thread had not run yet.
    #[test]
    fn a_stop_before_the_watching_thread_first_runs_counts() {
        let begun = Instant::now().checked_sub(Duration::from_secs(3)).unwrap();
        let (stop, stopped) = mpsc::channel();
        drop(stop);
        assert!(lateness(begun, &stopped) > Duration::from_millis(2900));
    }

    /// The caller of su may change how often each of its threads runs, since its real uid is theirs.
    #[test]
    fn a_thread_that_hardly_ran_while_the_watching_one_did_was_stopped() {
        let pin = |tid: nix::unistd::Pid, words: &[&str]| {
            let mut command = std::process::Command::new(words[0]);
            command.args(&words[1..]).arg(tid.to_string());
            assert!(command.output().unwrap().status.success(), "{words:?}");
        };
        let until = Instant::now() + Duration::from_secs(2);
        let hog = move || {
            pin(gettid(), &["taskset", "-p", "1"]);
            while Instant::now() < until {}
        };
        let hogs: Vec<_> = (0..8).map(|_| std::thread::spawn(hog)).collect();
        let starved = std::thread::spawn(move || {
            let (start, watch) = (Instant::now(), Watch::start().unwrap());
            pin(gettid(), &["taskset", "-p", "1"]);
            pin(gettid(), &["chrt", "-i", "-p", "0"]);
            let mut work = 0_u64;
            while Instant::now() < until {
                work = std::hint::black_box(work + 1);
            }
            watch.was_stopped(start.elapsed())
        });
        assert!(starved.join().unwrap());
        for hog in hogs {
            hog.join().unwrap();
        }
    }

    #[test]
    fn a_spawned_thread_takes_no_signal_and_the_caller_keeps_its_mask() {
        let mask = || SigSet::thread_get_mask().unwrap();
        let before = mask();
        let inside = spawn(mask).unwrap().join().unwrap();
        assert!(inside.contains(nix::sys::signal::SIGINT));
        assert!(inside.contains(nix::sys::signal::SIGALRM));
        assert_eq!(mask(), before);
    }

    #[test]
    fn a_process_without_tight_limits_lacks_nothing() {
        assert_eq!(lacks(), None);
    }
}
