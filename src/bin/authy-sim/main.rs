//! authy-sim: simulates the Authy service and Twilio Verify on loopback, for tests, demos and
//! rehearsals without an account.
//!
//! It serves HTTPS with its own CA, keeps state (people, single-use tokens, approval requests),
//! shows every person's phone at `/phone` and injects faults on demand through `/faults`. It shares
//! no code with the client under test, because shared decoders would share their mistakes. It
//! listens on loopback only and writes to one folder only. The integration tests, `make demo` and
//! `make bench` start it.

mod answer;
mod approvals;
mod apps;
mod authenticator;
mod callback;
mod certificates;
mod control;
mod device;
mod fault;
mod faults;
mod folder;
mod guard;
mod listener;
mod ordered;
mod params;
mod person;
mod phone;
mod random;
mod sandbox;
mod saved;
mod service;
mod state;
mod stream;
mod texts;
mod twilio;
mod verifications;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Simulates Authy's API and Twilio Verify over HTTPS on loopback, with phones at /phone and faults
/// at /faults
#[derive(Debug, Parser)]
#[command(name = "authy-sim", version)]
struct Arguments {
    /// Address to listen on; must be loopback, and port 0 picks a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address of the phones and the faults; the default is a free port of the address to listen on
    #[arg(long, value_name = "ADDRESS:PORT")]
    control: Option<SocketAddr>,
    /// Folder for the CA, config.toml, users.toml, the log and the state; created if missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Answer as Authy's sandbox did: 0000000 is valid for every person and no other token is
    #[arg(long)]
    sandbox: bool,
    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS")]
    stop_after: Option<u64>,
    /// Stop when the parent process has exited
    #[arg(long)]
    with_parent: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("authy-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    for address in [Some(arguments.listen), arguments.control]
        .into_iter()
        .flatten()
    {
        if !address.ip().is_loopback() {
            bail!("{address} is not a loopback address");
        }
    }
    tokio::runtime::Runtime::new()
        .context("cannot start the async runtime")?
        .block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.listen)
        .await
        .context(arguments.listen)?;
    // A machine may have IPv6 alone.
    let free_port = SocketAddr::new(arguments.listen.ip(), 0);
    let control = arguments.control.unwrap_or(free_port);
    let control = TcpListener::bind(control)
        .await
        .with_context(|| control.to_string())?;
    let url = format!("https://{}", listener.local_addr()?);
    let folder = folder::Folder::prepare(arguments.dir)?;
    let certificates = certificates::Certificates::load_or_create(&folder)?;
    let (file, mut saved) = saved::StateFile::open(&folder.path("state.jsonl"))?;
    if let Some(key) = folder.existing_key() {
        saved.key = key;
    } else if saved.key.is_empty() && arguments.sandbox {
        sandbox::KEYS[0].clone_into(&mut saved.key);
    } else if saved.key.is_empty() {
        saved.key = random::hex();
    }
    folder.write_files(&saved.key, &url, control.local_addr()?)?;
    let account = folder.write_twilio_files(&url)?;
    let sim = state::Sim::new(saved, account, file, url.clone(), arguments.sandbox);
    let sim = Arc::new(sim);
    sim.save()?;
    folder.start_log()?;

    tokio::spawn(listener::serve_control(control, Arc::clone(&sim)));
    tokio::spawn(listener::serve_tls(listener, certificates, sim));
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{url}")
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")?;
    wait_for_shutdown(arguments.stop_after, arguments.with_parent).await
}

/// Waits for SIGTERM, SIGINT, the end of `stop_after` seconds or, if `with_parent` is set, the exit
/// of the parent process, which is polled every 500 ms.
async fn wait_for_shutdown(stop_after: Option<u64>, with_parent: bool) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let timeout = async {
        match stop_after {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    let parent = std::os::unix::process::parent_id();
    let parent_exit = async {
        if !with_parent {
            return std::future::pending().await;
        }
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = timeout => {}
        () = parent_exit => {}
    }
    Ok(())
}
