//! authy-sim: the Authy service on loopback, for trying, rehearsing and testing without an account.
//!
//! Real HTTPS with a CA of its own, state, single-use tokens, a phone to look at (`/phone`) and faults
//! on demand (`/faults`). It shares no code with the client that it tests: a simulator with our
//! decoders would share our mistakes. Listens on loopback only and writes in one folder only.

mod answer;
mod approvals;
mod certificates;
mod control;
mod faults;
mod folder;
mod listener;
mod params;
mod person;
mod phone;
mod random;
mod service;
mod state;
mod stream;
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

/// The Authy service on loopback: HTTPS, every user's phone at /phone, faults at /faults.
#[derive(Debug, Parser)]
#[command(name = "authy-sim", version)]
struct Arguments {
    /// Where to listen; loopback only, port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Folder for the CA, config.toml, users.toml, the log and state; made when missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Accept the token 0000000 of everybody and no other, as Authy's sandbox did
    #[arg(long)]
    sandbox: bool,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS")]
    stop_after: Option<u64>,
    /// Stop when the process that started this one is gone
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
    if !arguments.listen.ip().is_loopback() {
        bail!("{} is not on loopback", arguments.listen);
    }
    tokio::runtime::Runtime::new()
        .context("no runtime")?
        .block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.listen)
        .await
        .context(arguments.listen)?;
    let control = TcpListener::bind("127.0.0.1:0")
        .await
        .context("the control address")?;
    let url = format!("https://{}", listener.local_addr()?);
    let folder = folder::Folder::prepare(arguments.dir)?;
    let certificates = certificates::Certificates::load_or_make(&folder)?;
    let key = folder.write_files(&url, control.local_addr()?)?;
    let sim = Arc::new(state::Sim::new(key, url.clone(), arguments.sandbox));
    folder.keep_log()?;

    tokio::spawn(listener::serve_control(control, Arc::clone(&sim)));
    tokio::spawn(listener::serve_tls(listener, certificates, sim));
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{url}")
        .and_then(|()| stdout.flush())
        .context("standard output")?;
    wait_for_the_end(arguments.stop_after, arguments.with_parent).await
}

/// Returns on SIGTERM, SIGINT, when the time is over, or when the parent is gone.
async fn wait_for_the_end(stop_after: Option<u64>, with_parent: bool) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let time = async {
        match stop_after {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    let parent = std::os::unix::process::parent_id();
    let orphaned = async {
        while !with_parent || std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = time => {}
        () = orphaned => {}
    }
    Ok(())
}
