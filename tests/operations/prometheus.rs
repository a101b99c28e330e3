//! The examples for Prometheus and Grafana: alert rules and dashboard use figures that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::metrics::{busy_host, fleet_host, names, printed, promtool};

const FOLDER: &str = "packaging/examples/prometheus";

fn read(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(FOLDER).join(name)).unwrap()
}

/// The names of our figures in a text.
fn figures(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let words = words.filter(|word| word.starts_with("pam_authy_"));
    words.map(str::to_owned).collect()
}

/// The queries of the dashboard.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    targets
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn rules_and_dashboard_use_figures_that_metrics_prints_or_documents() {
    let mut known = names(&printed(&busy_host()));
    known.extend(names(&printed(&fleet_host())));
    // Only with apps that were enrolled at the prompt.
    known.insert("pam_authy_prompt_apps".to_owned());
    let page = fs::read_to_string("docs/operations.md").unwrap();
    let rules = figures(&read("pam_authy.rules.yml"));
    let queries = figures(&queries().join("\n"));
    assert!(
        rules.len() > 8 && queries.len() > 10,
        "{rules:?} {queries:?}"
    );
    let unknown: Vec<_> = rules
        .union(&queries)
        .filter(|name| !known.contains(*name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let missing: Vec<_> = known
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "docs/operations.md: {missing:?}");
    // And the page names none that there is not.
    let unknown: Vec<_> = figures(&page)
        .into_iter()
        .filter(|name| !known.contains(name))
        .collect();
    assert!(unknown.is_empty(), "docs/operations.md: {unknown:?}");
}

#[test]
#[ignore = "needs promtool: scripts/peers.sh prometheus"]
fn promtool_accepts_the_rules_and_each_fires_on_its_trouble_alone() {
    for arguments in [
        ["check", "rules", "pam_authy.rules.yml"],
        ["test", "rules", "pam_authy.test.yml"],
    ] {
        let output = promtool()
            .args(arguments)
            .current_dir(FOLDER)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let rules = read("pam_authy.rules.yml");
    let tests = read("pam_authy.test.yml");
    let alerts = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let untested: Vec<_> = alerts
        .filter(|alert| tests.matches(&format!("alertname: {alert},")).count() != 1)
        .filter(|alert| !tests.contains(&format!("alertname=\"{alert}\"")))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
#[ignore = "needs promtool: scripts/peers.sh prometheus"]
fn promtool_accepts_each_query_of_the_dashboard() {
    let folder = tempfile::tempdir().unwrap();
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (number, query) in queries().iter().enumerate() {
        let query = query.replace("$instance", ".*");
        rules += &format!("      - record: query:{number}\n        expr: '{query}'\n");
    }
    let path = folder.path().join("rules.yml");
    fs::write(&path, rules).unwrap();
    let output = promtool()
        .args(["check", "rules"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
