//! The rows of the table: what runs for each, in turns, so that a busy moment hits all of them alike.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Fault;
use crate::files::find_module;
use crate::login::{Cost, run};
use crate::report::Report;
use crate::world::{TOKEN, World};

/// A secret file of pam_google_authenticator; the secret is 20 bytes `A`.
pub(crate) const GOOGLE_FILE: &str = "IFAUCQKBIFAUCQKBIFAUCQKBIFAUCQKB\n\" TOTP_AUTH\n";

/// Who is measured, by the stack or program, and how the table calls it.
const PROCESSES: [(&str, &str); 9] = [
    ("permit", "pam_permit in our place"),
    ("cold", "pam_authy, warm_up = false, one CA"),
    ("warm", "pam_authy, one CA"),
    ("all", "pam_authy, the system's CA file"),
    ("many", "pam_authy, one CA, 100 000 users"),
    ("exec", "pam_exec with curl, one CA"),
    ("google", "pam_google_authenticator (no network)"),
    ("curl", "curl alone, one CA"),
    ("curl-all", "curl alone, the system's CA file"),
];

/// A login as a process of its own.
pub(crate) fn login(
    world: &World,
    service: &str,
    reply: &str,
    think: Duration,
) -> Result<Cost, Fault> {
    // Google's module needs an account that exists.
    let user = if service == "google" {
        own_name()?
    } else {
        "alice".to_owned()
    };
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--login", service])
        .arg(world.folder.path())
        .args([&user, reply, &think.as_millis().to_string()]);
    let cost = run(&mut command)?;
    match cost.said["code"].as_str() {
        Some("PAM_SUCCESS") => Ok(cost),
        code => Err(format!("{service}: {code:?}").into()),
    }
}

/// The name of whoever runs this.
pub(crate) fn own_name() -> Result<String, Fault> {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current())?;
    Ok(user.ok_or("this user id has no name")?.name)
}

/// Processor time, wall time and memory of whole processes.
pub(crate) fn processor(world: &World, rounds: usize, report: &mut Report) -> Result<(), Fault> {
    report.section(
        "Whole processes",
        "processor: user and system time of the process and its children; wall: start to end, nobody \
         thinks at the prompt; peak: most memory it held.",
    );
    let rows: Vec<_> = PROCESSES
        .into_iter()
        .filter(|(what, _)| is_here(what))
        .collect();
    let mut costs = vec![Vec::new(); rows.len()];
    // The first of each fills the caches and is not counted.
    for round in 0..=rounds {
        for ((what, _), costs) in rows.iter().zip(&mut costs) {
            let cost = match *what {
                "curl" => curl(world, "ca.pem")?,
                "curl-all" => curl(world, "ca-all.pem")?,
                "google" => login(world, what, &google_code()?, Duration::ZERO)?,
                _ => login(world, what, TOKEN, Duration::ZERO)?,
            };
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    for ((what, name), costs) in rows.iter().zip(&costs) {
        report.process(what, name, costs);
    }
    Ok(())
}

fn is_here(what: &str) -> bool {
    match what {
        "google" => find_module("pam_google_authenticator.so").is_some(),
        "exec" | "curl" | "curl-all" => Command::new("curl").arg("--version").output().is_ok(),
        _ => true,
    }
}

fn curl(world: &World, ca: &str) -> Result<Cost, Fault> {
    let line = format!("exec {}", world.curl_line(ca, TOKEN));
    let mut parts = Vec::new();
    // As a shell would split it, but without the shell's own cost.
    for (at, part) in line.trim_start_matches("exec ").split('\'').enumerate() {
        if at % 2 == 1 {
            parts.push(part.to_owned());
        } else {
            parts.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    let (program, arguments) = parts.split_first().ok_or("no command")?;
    run(Command::new(program).args(arguments))
}

/// The code that Google's app shows now (RFC 6238, 30 s, 6 digits).
fn google_code() -> Result<String, Fault> {
    let step = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 30;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[b'A'; 20]);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let digest = tag.as_ref();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into()?) & 0x7fff_ffff;
    Ok(format!("{:06}", number % 1_000_000))
}

/// What a person waits for, near the service and a hundred milliseconds away.
pub(crate) fn line(world: &World, rounds: usize, report: &mut Report) -> Result<(), Fault> {
    report.section(
        "What a person waits for",
        "prompt: from the call of pam_start, which loads the module, to the prompt; verdict: from Enter to the result. far: a round trip of 100 ms, which is the limit.",
    );
    let second = Duration::from_secs(1);
    for (what, name, service, think, rounds) in [
        (
            "near-warm",
            "near, warm_up = true",
            "warm",
            second / 5,
            rounds,
        ),
        (
            "near-cold",
            "near, warm_up = false",
            "cold",
            second / 5,
            rounds,
        ),
        (
            "near-many",
            "near, 100 000 users",
            "many",
            second / 5,
            rounds,
        ),
        ("far-warm", "far, warm_up = true", "far-warm", second, 15),
        ("far-cold", "far, warm_up = false", "far-cold", second, 15),
        (
            "far-minute",
            "far, a minute at the prompt",
            "far-warm",
            61 * second,
            5,
        ),
    ] {
        // Minutes go by together, and cost nothing while they do.
        let costs = if think > Duration::from_secs(10) {
            at_once(world, service, think, rounds)?
        } else {
            (0..rounds)
                .map(|_| login(world, service, TOKEN, think))
                .collect::<Result<_, _>>()?
        };
        report.waiting(what, name, &costs);
    }
    Ok(())
}

/// Several logins at the same time.
fn at_once(
    world: &World,
    service: &str,
    think: Duration,
    rounds: usize,
) -> Result<Vec<Cost>, Fault> {
    std::thread::scope(|scope| {
        let one = || login(world, service, TOKEN, think).map_err(|error| error.to_string());
        let all: Vec<_> = (0..rounds)
            .map(|at| {
                std::thread::sleep(Duration::from_millis(if at > 0 { 500 } else { 0 }));
                scope.spawn(one)
            })
            .collect();
        all.into_iter()
            .map(|login| Ok(login.join().map_err(|_| "a thread failed")??))
            .collect()
    })
}
