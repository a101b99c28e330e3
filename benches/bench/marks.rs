//! The marks: limits that figures should not exceed. A missed mark is printed and does not fail the
//! run.

use serde_json::{Value, json};

use crate::report::Report;

/// What is compared with a limit.
struct Mark {
    name: &'static str,
    /// The figure and the limit where the module starts an engine; NaN for what was not measured.
    spawn: (f64, f64),
    /// The same by the service; `None` where it makes no difference.
    service: Option<(f64, f64)>,
}

/// Prints and records the marks, and whether this run meets them.
pub(crate) fn print(report: &mut Report) {
    println!("\nMarks{:52} {:<28} by the service", "", "engine started");
    let mut results = Vec::new();
    for mark in marks(report) {
        let ways = [("spawn", Some(mark.spawn)), ("service", mark.service)];
        let mut line = format!("  {:<54}", mark.name);
        let mut is_measured = false;
        for (way, figure) in ways {
            // Of what was not measured there is no figure.
            let Some((value, limit)) = figure.filter(|(value, _)| !value.is_nan()) else {
                line.push_str(&format!(" {:28}", ""));
                continue;
            };
            is_measured = true;
            let is_met = value <= limit;
            let word = if is_met { "met" } else { "missed" };
            line.push_str(&format!(" {value:8.3} of {limit:7.2} {word:<8}"));
            results.push(
                json!({"name": mark.name, "way": way, "value": value, "mark": limit, "met": is_met}),
            );
        }
        if is_measured {
            println!("{}", line.trim_end());
        }
    }
    report.record("marks", Value::from(results));
}

fn marks(report: &Report) -> Vec<Mark> {
    let mut marks = Vec::from(processor_time(report));
    marks.extend(waiting(report));
    marks.extend(files(report));
    marks.extend(sync(report));
    marks
}

/// What of a figure of the first section is not pam_permit's.
fn above_permit(report: &Report, row: &str, member: &str) -> f64 {
    report.number(row, member) - report.number("permit", member)
}

fn processor_time(report: &Report) -> [Mark; 5] {
    let n = |row, member| report.number(row, member);
    let of_curl = |row, curl| above_permit(report, row, "processor_ms") / n(curl, "processor_ms");
    let of_app = |row| n(row, "processor_ms") - n("app-permit", "processor_ms");
    let of_google = |row| of_app(row) / of_app("app-google");
    [
        Mark {
            name: "processor time above pam_permit's, curl's = 1",
            spawn: (of_curl("warm", "curl"), 0.30),
            service: Some((of_curl("served", "curl"), 0.17)),
        },
        Mark {
            name: "the same, with the system's CA file",
            spawn: (of_curl("all", "curl-all"), 0.30),
            service: Some((of_curl("served-all", "curl-all"), 0.17)),
        },
        Mark {
            name: "an app on this host, pam_google_authenticator = 1",
            spawn: (of_google("app-totp"), 3.0),
            service: Some((of_google("app-served"), 1.5)),
        },
        Mark {
            name: "100 000 users instead of 10: processor time, ms",
            spawn: (n("many", "processor_ms") - n("warm", "processor_ms"), 5.0),
            service: None,
        },
        Mark {
            name: "1 000 000 people of a directory: processor time, ms",
            spawn: (n("people", "processor_ms") - n("warm", "processor_ms"), 5.0),
            service: None,
        },
    ]
}

fn waiting(report: &Report) -> [Mark; 5] {
    let n = |row, member| report.number(row, member);
    let at_once = |row| Some((n(row, "wall_s"), n(row, "limit_s")));
    [
        Mark {
            name: "start to prompt, ms",
            spawn: (n("far-warm", "prompt_ms"), 3.0),
            service: Some((n("far-served", "prompt_ms"), 3.0)),
        },
        Mark {
            name: "Enter to verdict with a round trip of 100 ms, ms",
            spawn: (n("far-warm", "verdict_ms"), 105.0),
            service: Some((n("far-served", "verdict_ms"), 105.0)),
        },
        Mark {
            name: "the same after a minute at the prompt, ms",
            spawn: (n("far-minute", "verdict_ms"), 105.0),
            service: Some((n("far-served-minute", "verdict_ms"), 105.0)),
        },
        Mark {
            name: "200 logins at once, the service Authy, s",
            spawn: (f64::NAN, f64::NAN),
            service: at_once("once-authy"),
        },
        Mark {
            name: "200 logins at once, an app on this host, s",
            spawn: (f64::NAN, f64::NAN),
            service: at_once("once-totp"),
        },
    ]
}

fn files(report: &Report) -> [Mark; 5] {
    let n = |row, member| report.number(row, member);
    let engine = "engine_peak_mb";
    [
        (
            "size of the module, MB",
            n("file-warm", "bytes") / 1e6,
            0.35,
        ),
        (
            "dlopen of the module, ms",
            n("file-warm", "dlopen_ms"),
            0.15,
        ),
        (
            "memory that the module adds to the application, MB",
            above_permit(report, "all", "peak_mb"),
            0.35,
        ),
        (
            "100 000 users instead of 10: engine's memory, MB",
            n("many", engine) - n("warm", engine),
            4.0,
        ),
        (
            "1 000 000 people of a directory: engine's memory, MB",
            n("people", engine) - n("warm", engine),
            4.0,
        ),
    ]
    .map(|(name, value, limit)| Mark {
        name,
        spawn: (value, limit),
        service: None,
    })
}

fn sync(report: &Report) -> [Mark; 2] {
    [
        (
            "sync of 100 000 people, the first pass, s",
            "sync-first",
            20.0,
        ),
        ("the same without a change, s", "sync-unchanged", 10.0),
    ]
    .map(|(name, row, limit)| Mark {
        name,
        spawn: (report.number(row, "wall_s"), limit),
        service: None,
    })
}
