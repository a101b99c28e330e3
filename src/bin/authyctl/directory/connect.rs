//! Opens a connection to one server of the directory: name, TCP or socket, StartTLS, TLS, bind.
//!
//! Each step has the time of `directory.timeout_seconds`. StartTLS is asked for by hand, so that
//! nothing but these 31 bytes is sent, and no answer is parsed by `ldap3`, before the server has
//! proven its identity. The password is read when it is sent.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use ldap3::{LdapConn, LdapConnSettings, LdapError, StdStream};
use pam_authy::base::secret::Secret;
use pam_authy::host::toml_file;
use pam_authy::host::trusted_file::{self, Access};
use pam_authy::store::config::{Directory, DirectoryBind, DirectoryServer};

use super::ber;
use super::error::{Failure, describe};
use super::tls::Trust;

/// The longest answer to StartTLS that is read, in bytes.
const ANSWER_LIMIT: usize = 4 * 1024;

/// How an identity is proven to a server.
pub(super) enum Proof {
    /// By a name and its password.
    Simple { dn: String, password: Secret },
    /// By the account of this process (SASL EXTERNAL).
    External,
}

impl Proof {
    /// Reads the password, where there is one.
    ///
    /// # Errors
    /// The file is not trusted, or empty: a bind without a password would count as anonymous.
    pub(super) fn of(bind: &DirectoryBind) -> Result<Self, String> {
        let DirectoryBind::Simple { dn, password_file } = bind else {
            return Ok(Self::External);
        };
        let text = toml_file::read(password_file, Access::OwnerOnly, trusted_file::LIMIT);
        let text = Secret::new(text.map_err(|error| error.to_string())?);
        let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            let path = password_file.display();
            return Err(format!("{path}: is empty: put the password of {dn} there"));
        }
        Ok(Self::Simple {
            dn: dn.clone(),
            password: Secret::new(line.to_owned()),
        })
    }
}

/// Opens a connection to `server` and binds.
pub(super) fn connect(
    server: &DirectoryServer,
    directory: &Directory,
    trust: Option<&Trust>,
    proof: &Proof,
) -> Result<LdapConn, Failure> {
    let mut connection = open(server, directory.timeout, trust)?;
    let operation = connection.with_timeout(directory.timeout);
    let result = match proof {
        Proof::Simple { dn, password } => operation.simple_bind(dn, password.expose()),
        Proof::External => operation.sasl_external_bind(),
    };
    let result = result.map_err(|error| failed(&error, directory.timeout))?;
    match result.rc {
        0 => Ok(connection),
        // busy, unavailable, other: nothing is said about the name and its password.
        51 | 52 | 80 => Err(Failure::Unreachable(describe(&result))),
        _ => Err(Failure::BindRefused(describe(&result))),
    }
}

fn open(
    server: &DirectoryServer,
    timeout: Duration,
    trust: Option<&Trust>,
) -> Result<LdapConn, Failure> {
    let until = Instant::now() + timeout;
    let unreachable = |error: io::Error| Failure::Unreachable(shown(&error, timeout));
    let settings = LdapConnSettings::new();
    let (host, port, starts_tls) = match server {
        DirectoryServer::Ldapi(path) => {
            let path = path.clone();
            let stream = in_time(until, move || UnixStream::connect(path)).map_err(unreachable)?;
            let settings = settings.set_std_stream(StdStream::Unix(stream));
            // The socket is connected already, so that the name is not used.
            return LdapConn::with_settings(settings, "ldapi://socket")
                .map_err(|error| failed(&error, timeout));
        }
        DirectoryServer::Ldaps { host, port } => (host, *port, false),
        DirectoryServer::StartTls { host, port } => (host, *port, true),
    };
    let host = host.trim_matches(['[', ']']);
    let trust = trust.ok_or_else(|| Failure::Local("no CA certificates were read".to_owned()))?;
    let (name, config) = trust.config(host).map_err(Failure::Local)?;
    let stream = tcp(host, port, until).map_err(unreachable)?;
    if starts_tls {
        start_tls(&stream, until, timeout)?;
    }
    let left = until.saturating_duration_since(Instant::now());
    let settings = settings
        .set_config(config)
        .set_conn_timeout(left)
        .set_std_stream(StdStream::Tcp(stream));
    LdapConn::with_settings(settings, &format!("ldaps://{name}:{port}"))
        .map_err(|error| failed(&error, timeout))
}

/// Runs what may block for long on a thread, and waits for it until `until`.
fn in_time<T: Send + 'static>(
    until: Instant,
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new().spawn(move || {
        // The receiver may be gone.
        let _ = sender.send(job());
    })?;
    match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("it was not tried")),
    }
}

/// Connects to the first address that answers. Each address has an equal part of the time left.
fn tcp(host: &str, port: u16, until: Instant) -> io::Result<TcpStream> {
    let target = (host.to_owned(), port);
    let look_up = move || target.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
    let addresses = in_time(until, look_up)?;
    let mut last = io::Error::other("the name has no address");
    let mut tries = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in &addresses {
        let left = until.saturating_duration_since(Instant::now()) / tries.max(1);
        match tcp_to(address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
        tries = tries.saturating_sub(1);
    }
    Err(last)
}

fn tcp_to(address: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    if timeout.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let stream = TcpStream::connect_timeout(address, timeout)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Asks for TLS on a plain connection, and reads the answer to its last byte and no further.
fn start_tls(stream: &TcpStream, until: Instant, timeout: Duration) -> Result<(), Failure> {
    let message = exchange(stream, until)
        .map_err(|error| Failure::Unreachable(format!("StartTLS: {}", shown(&error, timeout))))?;
    match ber::start_tls_result(&message) {
        Some(0) => Ok(()),
        Some(code) => {
            let why = format!("StartTLS is refused (result code {code})");
            Err(Failure::Unreachable(why))
        }
        None => Err(Failure::Unreachable(
            "StartTLS: the answer is not one of LDAP".to_owned(),
        )),
    }
}

fn exchange(mut stream: &TcpStream, until: Instant) -> io::Result<Vec<u8>> {
    let left = || match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::Error::from(io::ErrorKind::TimedOut)),
        left => Ok(Some(left)),
    };
    stream.set_write_timeout(left()?)?;
    stream.write_all(ber::START_TLS)?;
    let mut message = Vec::new();
    // Byte by byte: what follows the answer is the first of TLS.
    while ber::message_length(&message).is_none_or(|length| message.len() < length) {
        let mut byte = [0];
        stream.set_read_timeout(left()?)?;
        match stream.read(&mut byte) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => message.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if message.len() > ANSWER_LIMIT {
            return Err(io::Error::other("the answer is too long"));
        }
    }
    stream.set_write_timeout(None)?;
    stream.set_read_timeout(None)?;
    Ok(message)
}

/// What an error of `ldap3` says about the server.
pub(super) fn failed(error: &LdapError, timeout: Duration) -> Failure {
    Failure::Unreachable(match error {
        LdapError::Timeout { .. } => no_answer(timeout),
        LdapError::Io { source } => shown(source, timeout),
        LdapError::EndOfStream | LdapError::ResultRecv { .. } | LdapError::OpSend { .. } => {
            "the connection was lost".to_owned()
        }
        other => other.to_string(),
    })
}

fn shown(error: &io::Error, timeout: Duration) -> String {
    match error.kind() {
        // `WouldBlock` is what the kernel calls the time-out of a socket.
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => no_answer(timeout),
        io::ErrorKind::UnexpectedEof => "the connection was lost".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        }
    }
}

fn no_answer(timeout: Duration) -> String {
    format!("no answer within {} s", timeout.as_secs())
}
