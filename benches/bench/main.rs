//! `make bench`: measures what a login costs, and what the alternatives cost, in one run.
//!
//! Each login is a separate process: this program starts itself as `bench --login …`, which calls
//! libpam with a private stack (no file in /etc), as pamtester does, and prints its measurements.
//! authy-sim simulates the service, and a relay on loopback simulates a distant network. The bench
//! prints a table and writes target/bench.json.
//!
//! Usage: `bench MODULE ENGINE [ROUNDS [totp|sync]]`; ROUNDS is 40 by default, with `totp` only the
//! section of apps on this host is measured, and with `sync` only that of the directory. The service is measured beside the engine that a login
//! starts, where root runs this. PAM_AUTHY_FIRST_EDITION may name a module of the first
//! edition, which did all its work in the application's process: it is measured too.

mod files;
mod load;
mod login;
mod marks;
#[path = "../../tests/common/relay.rs"]
#[expect(
    dead_code,
    reason = "the tests use more of a relay than the bench does"
)]
mod relay;
mod report;
mod rows;
mod service;
#[path = "../../tests/fleet/slapd.rs"]
#[expect(
    dead_code,
    reason = "the tests change more of a directory than the bench does"
)]
mod slapd;
mod sync;
mod testbed;
mod totp;

use std::path::PathBuf;

use report::Report;
use testbed::Testbed;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    // cargo adds `--bench` to the arguments.
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--login", service, folder, user, reply, think_ms] => {
            login::measure(service, folder, user, reply, think_ms.parse()?)
        }
        [module, engine] => measure(module, engine, 40, false),
        [module, engine, rounds] => measure(module, engine, rounds.parse()?, false),
        [module, engine, rounds, "totp"] => measure(module, engine, rounds.parse()?, true),
        [_, _, _, "sync"] => measure_sync(),
        _ => Err("usage: bench MODULE ENGINE [ROUNDS [totp|sync]]".into()),
    }
}

/// Runs every measurement, or only those of apps on this host, and writes the report.
fn measure(module: &str, engine: &str, rounds: usize, only_totp: bool) -> Result<(), Error> {
    service::enter_own_run();
    let first_edition = std::env::var_os("PAM_AUTHY_FIRST_EDITION").map(PathBuf::from);
    let testbed = Testbed::new(module.as_ref(), engine.as_ref(), first_edition.as_deref())?;
    let mut report = Report::new(rounds);
    report.print_environment();
    if !only_totp {
        rows::whole_processes(&testbed, rounds, &mut report)?;
    }
    totp::logins(&testbed, rounds, &mut report)?;
    if !only_totp {
        load::load(&testbed, &mut report)?;
        rows::waiting_times(&testbed, rounds, &mut report)?;
        files::modules(&testbed, rounds, &mut report)?;
        files::engine(&testbed, &mut report)?;
    }
    if !only_totp {
        sync::passes(&mut report)?;
    }
    marks::print(&mut report);
    let name = if only_totp { "bench-totp" } else { "bench" };
    report.write(&PathBuf::from(format!("target/{name}.json")))
}

/// Measures the directory alone.
fn measure_sync() -> Result<(), Error> {
    let mut report = Report::new(1);
    report.print_environment();
    sync::passes(&mut report)?;
    marks::print(&mut report);
    report.write(&PathBuf::from("target/bench-sync.json"))
}
