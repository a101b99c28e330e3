//! `make bench`: what a login costs, beside what else could stand in its place, in one run.
//!
//! Each login is a process of its own: this program again, as `bench --login …`, which calls libpam with
//! a private stack (no file in /etc) as pamtester does and tells what it measured. The service is
//! authy-sim; a relay on loopback stands for a long line. Prints a table and writes target/bench.json.
//!
//! Usage: `bench MODULE [ROUNDS]`; ROUNDS is 40 when left out.

mod files;
mod login;
#[path = "../../tests/common/relay.rs"]
#[expect(dead_code, reason = "the tests ask a relay more than the bench does")]
mod relay;
mod report;
mod rows;
mod world;

use std::path::PathBuf;

use report::Report;
use world::World;

type Fault = Box<dyn std::error::Error>;

fn main() -> Result<(), Fault> {
    // cargo adds `--bench`.
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--login", service, folder, user, reply, think_ms] => {
            login::one(service, folder, user, reply, think_ms.parse()?)
        }
        [module] => measure(module.into(), 40),
        [module, rounds] => measure(module.into(), rounds.parse()?),
        _ => Err("usage: bench MODULE [ROUNDS]".into()),
    }
}

fn measure(module: PathBuf, rounds: usize) -> Result<(), Fault> {
    let world = World::new(&module.canonicalize()?)?;
    let mut report = Report::new(rounds);
    report.say_where();
    rows::processor(&world, rounds, &mut report)?;
    rows::line(&world, rounds, &mut report)?;
    files::modules(&world, rounds, &mut report)?;
    report.marks();
    report.write(&PathBuf::from("target/bench.json"))
}
