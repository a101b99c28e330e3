//! The report: the table on the terminal, target/bench.json, and the marks.
//!
//! A mark is a limit that a figure should not exceed. A missed mark is printed and does not fail
//! the run.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::Error;
use crate::login::Cost;

/// Prints each row when it is added, and collects all of them.
pub(crate) struct Report {
    rounds: usize,
    rows: Map<String, Value>,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Returns the median of one measurement; NaN if no process printed it.
fn median_of(costs: &[Cost], name: &str) -> f64 {
    median(
        costs
            .iter()
            .filter_map(|cost| cost.output[name].as_f64())
            .collect(),
    )
}

/// Returns the first line of a program's output, or `not installed`.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let stdout = output.map_or_else(|_| Vec::new(), |output| output.stdout);
    let text = String::from_utf8_lossy(&stdout).into_owned();
    text.lines()
        .next()
        .unwrap_or("not installed")
        .trim()
        .to_owned()
}

impl Report {
    pub(crate) fn new(rounds: usize) -> Self {
        Self {
            rounds,
            rows: Map::new(),
        }
    }

    /// Prints and records the machine and the date, without which figures mean nothing.
    pub(crate) fn print_environment(&mut self) {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
            .unwrap_or("unknown");
        let machine = json!({
            "date": first_line("date", &["-u", "+%Y-%m-%d"]),
            "processor": model,
            "processors": std::thread::available_parallelism().map_or(0, usize::from),
            "kernel": first_line("uname", &["-sr"]),
            "system": first_line("sh", &["-c", ". /etc/os-release && echo $PRETTY_NAME"]),
            "curl": first_line("curl", &["--version"]),
            "rounds": self.rounds,
        });
        for (name, value) in machine.as_object().into_iter().flatten() {
            println!("{name:>12}  {}", value.to_string().trim_matches('"'));
        }
        self.rows.insert("machine".into(), machine);
        println!("Every figure is the median of its rounds, in one run on one machine.");
    }

    /// Prints the heading of a section.
    pub(crate) fn section(&self, title: &str, how_to_read: &str) {
        println!("\n{title}\n  {how_to_read}");
    }

    /// Adds a row of the first section, whole processes.
    pub(crate) fn add_process(&mut self, id: &str, label: &str, costs: &[Cost]) {
        let processor = median(costs.iter().map(|cost| cost.processor_ms).collect());
        let wall = median(costs.iter().map(|cost| cost.wall_ms).collect());
        let peak = median_of(costs, "peak_mb");
        let row = json!({"processor_ms": processor, "wall_ms": wall,
            "peak_mb": if peak.is_nan() { Value::Null } else { peak.into() }});
        self.rows.insert(id.to_owned(), row);
        let peak = if peak.is_nan() {
            "-".to_owned()
        } else {
            format!("{peak:.1} MB")
        };
        println!(
            "  {label:<40} processor {processor:6.2} ms   wall {wall:6.2} ms   peak {peak:>8}"
        );
    }

    /// Adds a row of the second section, waiting times.
    pub(crate) fn add_waiting(&mut self, id: &str, label: &str, costs: &[Cost]) {
        let (prompt, verdict) = (
            median_of(costs, "prompt_ms"),
            median_of(costs, "verdict_ms"),
        );
        self.rows.insert(
            id.to_owned(),
            json!({"prompt_ms": prompt, "verdict_ms": verdict}),
        );
        println!("  {label:<40} prompt {prompt:8.2} ms   verdict {verdict:7.2} ms");
    }

    /// Adds a row of the third section, modules as files.
    pub(crate) fn add_file(
        &mut self,
        id: &str,
        path: &Path,
        bytes: u64,
        libraries: &[String],
        loads: Vec<f64>,
    ) {
        let (load, megabytes) = (median(loads), bytes as f64 / 1e6);
        self.rows.insert(
            format!("file-{id}"),
            json!({"bytes": bytes, "load_ms": load, "libraries": libraries}),
        );
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "  {name:<28} {megabytes:5.2} MB   load {load:5.2} ms   {} libraries: {}",
            libraries.len(),
            libraries.join(" ")
        );
    }

    /// Returns a figure of a row; NaN if it is missing, which misses every mark.
    fn number(&self, row: &str, member: &str) -> f64 {
        self.rows
            .get(row)
            .and_then(|row| row[member].as_f64())
            .unwrap_or(f64::NAN)
    }

    /// Prints and records the marks, and whether this run meets them.
    pub(crate) fn print_marks(&mut self) {
        let n = |row, member| self.number(row, member);
        let above_permit = |row, member| n(row, member) - n("permit", member);
        let marks = [
            (
                "processor time as a share of curl's, one CA",
                n("warm", "processor_ms") / n("curl", "processor_ms"),
                0.5,
            ),
            (
                "processor time as a share of curl's, system's CA file",
                n("all", "processor_ms") / n("curl-all", "processor_ms"),
                0.5,
            ),
            (
                "processor time as a share of pam_exec with curl",
                n("warm", "processor_ms") / n("exec", "processor_ms"),
                0.5,
            ),
            ("start to prompt, ms", n("far-warm", "prompt_ms"), 20.0),
            (
                "Enter to verdict with a round trip of 100 ms, ms",
                n("far-warm", "verdict_ms"),
                110.0,
            ),
            (
                "the same after a minute at the prompt, ms",
                n("far-minute", "verdict_ms"),
                110.0,
            ),
            ("size of the module, MB", n("file-warm", "bytes") / 1e6, 2.0),
            (
                "load time above pam_permit's, ms",
                n("file-warm", "load_ms") - n("file-permit", "load_ms"),
                0.5,
            ),
            (
                "memory above pam_permit's, MB",
                above_permit("all", "peak_mb"),
                4.0,
            ),
            (
                "100 000 users instead of 10: processor time, ms",
                n("many", "processor_ms") - n("warm", "processor_ms"),
                5.0,
            ),
            (
                "100 000 users instead of 10: memory, MB",
                n("many", "peak_mb") - n("warm", "peak_mb"),
                4.0,
            ),
        ];
        println!("\nMarks");
        let mut results = Vec::new();
        for (name, value, mark) in marks {
            let result = if value <= mark { "met" } else { "missed" };
            println!("  {name:<56} {value:7.2} of {mark:6.1}   {result}");
            results.push(json!({"name": name, "value": value, "mark": mark, "met": value <= mark}));
        }
        self.rows.insert("marks".into(), results.into());
    }

    /// Writes all rows as JSON to `path`.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, serde_json::to_string_pretty(&self.rows)? + "\n")?;
        println!("\nAll figures are in {}.", path.display());
        Ok(())
    }
}
