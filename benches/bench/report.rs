//! The table on the terminal, target/bench.json, and the marks that are to be met.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::Fault;
use crate::login::Cost;

/// Collects the rows as they come and prints them.
pub(crate) struct Report {
    rounds: usize,
    all: Map<String, Value>,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn median_of(costs: &[Cost], name: &str) -> f64 {
    median(
        costs
            .iter()
            .filter_map(|cost| cost.said[name].as_f64())
            .collect(),
    )
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let said = output.map_or_else(|_| Vec::new(), |output| output.stdout);
    let said = String::from_utf8_lossy(&said).into_owned();
    said.lines().next().unwrap_or("not there").trim().to_owned()
}

impl Report {
    pub(crate) fn new(rounds: usize) -> Self {
        Self {
            rounds,
            all: Map::new(),
        }
    }

    /// Machine and date, without which figures say nothing.
    pub(crate) fn say_where(&mut self) {
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
        self.all.insert("machine".into(), machine);
        println!(
            "Every figure is the median of its rounds, which take turns; one run, one machine."
        );
    }

    pub(crate) fn section(&self, title: &str, how_to_read: &str) {
        println!("\n{title}\n  {how_to_read}");
    }

    /// A row of the first section.
    pub(crate) fn process(&mut self, what: &str, name: &str, costs: &[Cost]) {
        let processor = median(costs.iter().map(|cost| cost.processor_ms).collect());
        let wall = median(costs.iter().map(|cost| cost.wall_ms).collect());
        let peak = median_of(costs, "peak_mb");
        let row = json!({"processor_ms": processor, "wall_ms": wall,
            "peak_mb": if peak.is_nan() { Value::Null } else { peak.into() }});
        self.all.insert(what.to_owned(), row);
        let peak = if peak.is_nan() {
            "-".to_owned()
        } else {
            format!("{peak:.1} MB")
        };
        println!("  {name:<40} processor {processor:6.2} ms   wall {wall:6.2} ms   peak {peak:>8}");
    }

    /// A row of the second.
    pub(crate) fn waiting(&mut self, what: &str, name: &str, costs: &[Cost]) {
        let (prompt, verdict) = (
            median_of(costs, "prompt_ms"),
            median_of(costs, "verdict_ms"),
        );
        self.all.insert(
            what.to_owned(),
            json!({"prompt_ms": prompt, "verdict_ms": verdict}),
        );
        println!("  {name:<40} prompt {prompt:8.2} ms   verdict {verdict:7.2} ms");
    }

    /// A row of the third.
    pub(crate) fn file(
        &mut self,
        what: &str,
        path: &Path,
        bytes: u64,
        libraries: &[String],
        loads: Vec<f64>,
    ) {
        let (load, megabytes) = (median(loads), bytes as f64 / 1e6);
        self.all.insert(
            format!("file-{what}"),
            json!({"bytes": bytes, "load_ms": load, "libraries": libraries}),
        );
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "  {name:<28} {megabytes:5.2} MB   load {load:5.2} ms   {} libraries: {}",
            libraries.len(),
            libraries.join(" ")
        );
    }

    fn number(&self, row: &str, member: &str) -> f64 {
        self.all
            .get(row)
            .and_then(|row| row[member].as_f64())
            .unwrap_or(f64::NAN)
    }

    /// What the figures have to reach, and whether they do in this run.
    pub(crate) fn marks(&mut self) {
        let n = |row, member| self.number(row, member);
        let over = |row, member| n(row, member) - n("permit", member);
        let marks = [
            (
                "processor time, part of curl's, one CA",
                n("warm", "processor_ms") / n("curl", "processor_ms"),
                0.5,
            ),
            (
                "processor time, part of curl's, the system's CA file",
                n("all", "processor_ms") / n("curl-all", "processor_ms"),
                0.5,
            ),
            (
                "processor time, part of pam_exec with curl",
                n("warm", "processor_ms") / n("exec", "processor_ms"),
                0.5,
            ),
            ("to the prompt, ms", n("far-warm", "prompt_ms"), 20.0),
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
                "loading over pam_permit's, ms",
                n("file-warm", "load_ms") - n("file-permit", "load_ms"),
                0.5,
            ),
            ("memory over pam_permit's, MB", over("all", "peak_mb"), 4.0),
            (
                "100 000 users rather than 10: processor time, ms",
                n("many", "processor_ms") - n("warm", "processor_ms"),
                5.0,
            ),
            (
                "100 000 users rather than 10: memory, MB",
                n("many", "peak_mb") - n("warm", "peak_mb"),
                4.0,
            ),
        ];
        println!("\nMarks");
        let mut met = Vec::new();
        for (name, value, mark) in marks {
            let word = if value <= mark { "met" } else { "missed" };
            println!("  {name:<56} {value:7.2} of {mark:6.1}   {word}");
            met.push(json!({"name": name, "value": value, "mark": mark, "met": value <= mark}));
        }
        self.all.insert("marks".into(), met.into());
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Fault> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, serde_json::to_string_pretty(&self.all)? + "\n")?;
        println!("\nAll of it is in {}.", path.display());
        Ok(())
    }
}
