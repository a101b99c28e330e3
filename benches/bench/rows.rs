//! The rows of two sections: whole processes, and what a person waits for.
//!
//! The rows of the first section take turns in each round, so that a busy moment of the machine
//! affects all of them alike. Rows whose program is not installed are left out.

use std::process::Command;
use std::time::Duration;

use crate::Error;
use crate::login::{Cost, run};
use crate::report::Report;
use crate::testbed::{CODE, Testbed};

/// The rows of the first section: the id, which names the stack or the program, and the label.
const PROCESSES: [(&str, &str); 12] = [
    ("permit", "pam_permit instead of pam_authy"),
    ("cold", "pam_authy, warm_up = false, one CA"),
    ("warm", "pam_authy, one CA"),
    ("served", "the same by the service"),
    ("all", "pam_authy, the system's CA file"),
    ("served-all", "the same by the service"),
    ("many", "pam_authy, one CA, 100 000 users"),
    ("people", "pam_authy, 1 000 000 in a directory"),
    ("first", "first edition, one CA"),
    ("exec", "pam_exec with curl, one CA"),
    ("curl", "curl alone, one CA"),
    ("curl-all", "curl alone, the system's CA file"),
];

/// The rows of the second section: the id, the label, the stack, and for how many seconds the person
/// thinks.
const WAITING: [(&str, &str, &str, f64); 11] = [
    ("near-warm", "near, warm_up = true", "warm", 0.2),
    ("near-served", "near, by the service", "served", 0.2),
    ("near-cold", "near, warm_up = false", "cold", 0.2),
    ("near-many", "near, 100 000 users", "many", 0.2),
    ("near-first", "near, first edition", "first", 0.2),
    ("far-warm", "far, warm_up = true", "far-warm", 1.0),
    ("far-served", "far, by the service", "far-served", 1.0),
    ("far-cold", "far, warm_up = false", "far-cold", 1.0),
    ("far-first", "far, first edition", "far-first", 1.0),
    (
        "far-minute",
        "far, a minute at the prompt",
        "far-warm",
        61.0,
    ),
    (
        "far-served-minute",
        "the same by the service",
        "far-served",
        61.0,
    ),
];

/// Runs one login in a separate process; the person takes `think` to answer a prompt.
///
/// # Errors
/// If the login does not end with PAM_SUCCESS.
pub(crate) fn login(
    testbed: &Testbed,
    service: &str,
    reply: &str,
    think: Duration,
) -> Result<Cost, Error> {
    // Google's module needs an account that exists.
    let user = if service == "google" {
        current_user()?
    } else {
        "alice".to_owned()
    };
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--login", service])
        .arg(testbed.folder.path())
        .args([&user, reply, &think.as_millis().to_string()]);
    // Of one that waits only the times are used, and others may run meanwhile.
    let is_measured = service.contains("served") && think.is_zero();
    let served_ms = || match testbed.service.as_ref().filter(|_| is_measured) {
        Some(service) => service.processor_ms(),
        None => Ok(0.0),
    };
    let before = served_ms()?;
    let mut cost = run(&mut command)?;
    cost.processor_ms += served_ms()? - before;
    match cost.output["code"].as_str() {
        Some("PAM_SUCCESS") => Ok(cost),
        code => Err(format!("{service}: {code:?}").into()),
    }
}

/// Returns the name of the user who runs the bench.
pub(crate) fn current_user() -> Result<String, Error> {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current())?;
    Ok(user.ok_or("this user id has no name")?.name)
}

/// Measures processor time, wall time and memory of whole processes.
pub(crate) fn whole_processes(
    testbed: &Testbed,
    rounds: usize,
    report: &mut Report,
) -> Result<(), Error> {
    report.section(
        "Whole processes",
        "processor: user and system time of the process, its children and its engine, or of the service; /curl: what of it \
         is above pam_permit's, curl's = 1; wall: start to end, with an immediate answer to the prompt; \
         peak: the most memory that the application used, and the largest process below it.",
    );
    let rows: Vec<_> = PROCESSES
        .into_iter()
        .filter(|(id, _)| is_installed(testbed, id))
        .collect();
    let mut costs = vec![Vec::new(); rows.len()];
    // The first round fills the caches and does not count.
    for round in 0..=rounds {
        for ((id, _), costs) in rows.iter().zip(&mut costs) {
            let cost = match *id {
                "curl" => curl(testbed, "ca.pem")?,
                "curl-all" => curl(testbed, "ca-all.pem")?,
                _ => login(testbed, id, CODE, Duration::ZERO)?,
            };
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    for ((id, label), costs) in rows.iter().zip(&costs) {
        report.add_process(id, label, costs);
    }
    report.print_processes("permit", ("curl", "curl"));
    Ok(())
}

/// Whether the program or module of a row is installed.
fn is_installed(testbed: &Testbed, id: &str) -> bool {
    match id {
        "first" | "near-first" | "far-first" => testbed.has_first_edition,
        id if id.contains("served") => testbed.service.is_some(),
        "exec" | "curl" | "curl-all" => Command::new("curl").arg("--version").output().is_ok(),
        _ => true,
    }
}

/// Sends the verify request by curl.
fn curl(testbed: &Testbed, ca: &str) -> Result<Cost, Error> {
    let line = format!("exec {}", testbed.curl_line(ca, CODE));
    let mut parts = Vec::new();
    // Split the line as a shell would, without the cost of a shell.
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

/// Measures what a person waits for, near the service and with a round trip of 100 ms.
pub(crate) fn waiting_times(
    testbed: &Testbed,
    rounds: usize,
    report: &mut Report,
) -> Result<(), Error> {
    report.section(
        "What a person waits for",
        "prompt: from the call of pam_start, which loads the module, to the prompt; verdict: from Enter \
         to the result. far: with a round trip of 100 ms, which is the lower limit of the verdict.",
    );
    for (id, label, service, seconds) in WAITING {
        let think = Duration::from_secs_f64(seconds);
        let rounds = match think.as_secs() {
            0 => rounds,
            1 => 15,
            _ => 5,
        };
        if !is_installed(testbed, id) {
            continue;
        }
        // Logins that wait for a minute run at the same time, since waiting takes no processor
        // time.
        let costs = if think > Duration::from_secs(10) {
            login_in_parallel(testbed, service, think, rounds)?
        } else {
            (0..rounds)
                .map(|_| login(testbed, service, CODE, think))
                .collect::<Result<_, _>>()?
        };
        report.add_waiting(id, label, &costs);
    }
    Ok(())
}

/// Runs `rounds` logins at the same time, started 500 ms apart.
fn login_in_parallel(
    testbed: &Testbed,
    service: &str,
    think: Duration,
    rounds: usize,
) -> Result<Vec<Cost>, Error> {
    std::thread::scope(|scope| {
        let one = || login(testbed, service, CODE, think).map_err(|error| error.to_string());
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
