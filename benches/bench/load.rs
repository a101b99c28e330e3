//! The service under load: 200 logins that begin at once, and what a thousand leave in the listener.
//!
//! Each of the 200 is of another person, whose code is typed as soon as the prompt is there.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Error;
use crate::report::Report;
use crate::rows::login;
use crate::service::Service;
use crate::testbed::{CODE, Testbed};
use crate::totp;

/// How many logins begin at once.
const AT_ONCE: u16 = 200;
/// How many logins the listener's memory is measured over.
const MANY: usize = 1000;
/// What a login may take more than its share of the processors, in seconds.
const MORE: f64 = 0.5;

/// Measures the rows of the service, where there is one.
///
/// # Errors
/// If a login does not end with PAM_SUCCESS.
pub(crate) fn load(testbed: &Testbed, report: &mut Report) -> Result<(), Error> {
    let Some(service) = &testbed.service else {
        return Ok(());
    };
    report.section(
        "The service under load",
        "200 logins at once: from the first start of a process to the last verdict; limit: 200 times \
         the processor time of one login, by the number of processors, and half a second. authy-sim \
         runs on the same processors, and its time is added to the limit.",
    );
    for (id, label, alone) in [
        ("once-authy", "200 logins at once, Authy", "served"),
        (
            "once-totp",
            "200 logins at once, an app on this host",
            "app-served",
        ),
    ] {
        at_once(testbed, id, label, alone, report)?;
    }
    memory(testbed, service, report)
}

/// Runs the logins at once.
fn at_once(
    testbed: &Testbed,
    id: &str,
    label: &str,
    alone: &str,
    report: &mut Report,
) -> Result<(), Error> {
    let codes: Vec<_> = (0..AT_ONCE)
        .map(|number| match id {
            "once-totp" => totp::code(&key(number)),
            _ => Ok(CODE.to_owned()),
        })
        .collect::<Result<_, _>>()?;
    let simulator = simulator_ms(testbed)?;
    let begun = Instant::now();
    let logins = codes.iter().enumerate().map(|(number, code)| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--login", id]).arg(testbed.folder.path());
        command.args([&format!("user{number:06}"), code, "0"]);
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
        piped.spawn()
    });
    let logins: Vec<_> = logins.collect::<Result<_, _>>()?;
    let mut accepted = 0;
    for login in logins {
        let output = login.wait_with_output()?;
        let said: Value = serde_json::from_slice(&output.stdout)?;
        accepted += u32::from(said["code"] == "PAM_SUCCESS");
    }
    let wall = begun.elapsed().as_secs_f64();
    let simulator = simulator_ms(testbed)? - simulator;
    let processors = thread::available_parallelism()?.get() as f64;
    let one = report.number(alone, "processor_ms");
    let limit = (f64::from(AT_ONCE) * one + simulator) / processors / 1e3 + MORE;
    println!("  {label:<44} {accepted} accepted in {wall:5.2} s   limit {limit:5.2} s");
    report.record(
        id,
        json!({"accepted": accepted, "wall_s": wall, "limit_s": limit}),
    );
    if accepted < u32::from(AT_ONCE) {
        return Err(format!("{label}: {accepted} were accepted").into());
    }
    Ok(())
}

/// Returns the processor time of authy-sim so far, in milliseconds, in steps of ten.
fn simulator_ms(testbed: &Testbed) -> Result<f64, Error> {
    let text = fs::read_to_string(format!("/proc/{}/stat", testbed.sim.id()))?;
    // utime and stime, the 14th and 15th field; the name may have spaces (proc_pid_stat(5)).
    let (_, fields) = text.rsplit_once(')').ok_or("no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    Ok(ticks.map(str::parse::<f64>).sum::<Result<f64, _>>()? * 10.0)
}

/// Measures the listener before and after many logins.
fn memory(testbed: &Testbed, service: &Service, report: &mut Report) -> Result<(), Error> {
    let state = || -> Result<_, Error> {
        service.processor_ms()?;
        Ok((service.memory_kb()?, service.descriptors()?))
    };
    let before = state()?;
    for _ in 0..MANY {
        login(testbed, "served", CODE, Duration::ZERO)?;
    }
    let after = state()?;
    println!(
        "  {:<44} {} KB, {} descriptors; after {MANY} logins {} KB, {} descriptors",
        "the listener", before.0, before.1, after.0, after.1
    );
    report.record(
        "listener",
        json!({"memory_kb": [before.0, after.0], "descriptors": [before.1, after.1]}),
    );
    Ok(())
}

/// The key of a person's app: no two people have the same, since a code is counted for its secret.
fn key(number: u16) -> [u8; 20] {
    let mut key = [b'A'; 20];
    key[..2].copy_from_slice(&number.to_be_bytes());
    key
}

/// Writes the files of the people who log in at once: each has the service Authy in `authy.users`,
/// and an app in the folder `once`.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write_people(testbed: &Testbed) -> Result<(), Error> {
    fs::create_dir(testbed.path("once"))?;
    let (mut authy, mut apps) = (String::from("[users]\n"), String::from("[users]\n"));
    let mut secrets = String::from("[totp]\n");
    for number in 0..AT_ONCE {
        let name = format!("user{number:06}");
        authy.push_str(&format!("{name} = {}\n", 3000 + u32::from(number)));
        apps.push_str(&format!("{name} = {{ totp = true }}\n"));
        let secret = totp::base32(&key(number));
        secrets.push_str(&format!("{name} = {{ secret = \"{secret}\" }}\n"));
    }
    fs::write(testbed.path("authy.users"), authy)?;
    fs::write(testbed.path("once/users.toml"), apps)?;
    testbed.write_secret("once/totp.toml", &secrets)?;
    testbed.index("authy.users")?;
    testbed.index("once/users.toml")
}
