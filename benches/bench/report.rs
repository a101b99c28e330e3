//! The report: the table on the terminal, and target/bench.json.

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
    /// The ids of the whole processes that are not printed yet, in order.
    processes: Vec<String>,
}

fn median(values: Vec<f64>) -> f64 {
    quantile(values, 2)
}

/// The value that `quarters` quarters of the others do not exceed; NaN without values.
fn quantile(mut values: Vec<f64>, quarters: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = values.len() * quarters / 4;
    values.get(at).copied().unwrap_or(f64::NAN)
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
            processes: Vec::new(),
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

    /// Adds a row of whole processes.
    pub(crate) fn add_process(&mut self, id: &str, label: &str, costs: &[Cost]) {
        let processor: Vec<_> = costs.iter().map(|cost| cost.processor_ms).collect();
        let wall = costs.iter().map(|cost| cost.wall_ms).collect();
        self.rows.insert(
            id.to_owned(),
            json!({
                "label": label,
                "processor_ms": median(processor.clone()),
                "quartiles_ms": [quantile(processor.clone(), 1), quantile(processor, 3)],
                "wall_ms": median(wall),
                "peak_mb": median_of(costs, "peak_mb"),
                "engine_peak_mb": median_of(costs, "engine_peak_mb"),
            }),
        );
        self.processes.push(id.to_owned());
    }

    /// Prints the whole processes that are not printed yet: `permit` is the row of pam_permit, and
    /// `unit` the row that counts as 1, with its name.
    pub(crate) fn print_processes(&mut self, permit: &str, (unit, name): (&str, &str)) {
        println!(
            "  {:<36} {:>9}  {:<15} {:>7} {:>8}  {:>7} {:>7}",
            "",
            "processor",
            "(quartiles)",
            format!("/{name}"),
            "wall",
            "peak",
            "below"
        );
        for id in std::mem::take(&mut self.processes) {
            let number = |member| self.number(&id, member);
            let quartile = |at: usize| {
                self.rows[&id]["quartiles_ms"][at]
                    .as_f64()
                    .unwrap_or(f64::NAN)
            };
            let above = |id: &str| {
                let is_login = !id.starts_with("curl");
                let base = is_login.then(|| self.number(permit, "processor_ms"));
                self.number(id, "processor_ms") - base.unwrap_or(0.0)
            };
            let megabytes = |member| match number(member) {
                // A program without this measurement, or nothing below the application.
                mb if mb.is_nan() || mb == 0.0 => "-".to_owned(),
                mb => format!("{mb:.1} MB"),
            };
            println!(
                "  {:<36} {:6.2} ms  ({:5.2} - {:5.2}) {:7.2} {:5.2} ms  {:>7} {:>7}",
                self.rows[&id]["label"].as_str().unwrap_or(&id),
                number("processor_ms"),
                quartile(0),
                quartile(1),
                above(&id) / above(unit),
                number("wall_ms"),
                megabytes("peak_mb"),
                megabytes("engine_peak_mb"),
            );
        }
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
        dlopens: Vec<f64>,
    ) {
        let (load, dlopen) = (median(loads), median(dlopens));
        self.rows.insert(
            format!("file-{id}"),
            json!({"bytes": bytes, "load_ms": load, "dlopen_ms": dlopen, "libraries": libraries}),
        );
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "  {name:<28} {bytes:>9} bytes   load {load:5.2} ms   dlopen {dlopen:5.3} ms   {} libraries: {}",
            libraries.len(),
            libraries.join(" ")
        );
    }

    /// Adds the engine's row to the third section; its memory is that of a login.
    pub(crate) fn add_engine(&mut self, bytes: u64, libraries: &[String]) {
        let peak = self.number("warm", "engine_peak_mb");
        self.rows.insert(
            "file-engine".to_owned(),
            json!({"bytes": bytes, "peak_mb": peak, "libraries": libraries}),
        );
        println!(
            "  {:<28} {bytes:>9} bytes   peak {peak:5.2} MB in a login with one CA   {} libraries: {}",
            "pam_authyd",
            libraries.len(),
            libraries.join(" ")
        );
    }

    /// Returns a figure of a row; NaN if it is missing.
    pub(crate) fn number(&self, row: &str, member: &str) -> f64 {
        self.rows
            .get(row)
            .and_then(|row| row[member].as_f64())
            .unwrap_or(f64::NAN)
    }

    /// Records what is no row of the sections above.
    pub(crate) fn record(&mut self, id: &str, value: Value) {
        self.rows.insert(id.to_owned(), value);
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
