//! What is counted, and where.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::store::state::test_words::map;

fn host() -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let text = format!(
        "[paths]\nstate = {state:?}\n[service.cockpit]\nattempts = 1\n[service.a_b]\nattempts = 1\n"
    );
    let config = Config::parse(&text, Path::new("config.toml")).unwrap();
    (folder, config)
}

fn outcome(verdict: Verdict, reason: Reason, factor: Option<Factor>) -> Outcome {
    Outcome {
        factor,
        ..Outcome::new(verdict, reason)
    }
}

fn rows(config: &Config) -> Vec<String> {
    let listing = list(&config.paths.state).unwrap();
    assert!(listing.errors.is_empty(), "{listing:?}");
    let row = |count: &Count| {
        let factor = count.factor.unwrap_or("-");
        format!(
            "{} {} {} {factor} {}",
            count.service, count.verdict, count.reason, count.number
        )
    };
    listing.counts.iter().map(row).collect()
}

#[test]
fn each_verdict_counts_by_service_reason_and_factor() {
    let (_folder, config) = host();
    assert_eq!(rows(&config), Vec::<String>::new());
    let push = outcome(Verdict::Accepted, Reason::PushApproved, Some(Factor::Push));
    let exempt = outcome(Verdict::Ignored, Reason::Exempt, None);
    let used_up = outcome(
        Verdict::AttemptsExhausted,
        Reason::WrongCode,
        Some(Factor::Token),
    );
    let refused = outcome(Verdict::Refused, Reason::WrongCode, Some(Factor::Token));
    for (service, outcome) in [
        ("sshd", &push),
        ("sshd", &push),
        ("cockpit", &exempt),
        ("sshd", &used_up),
        ("sshd", &refused),
    ] {
        count(&config, service, outcome, map).unwrap();
    }
    let expected = [
        "cockpit ignored exempt - 1",
        "sshd accepted push_approved push 2",
        "sshd refused wrong_code token 2",
    ];
    assert_eq!(rows(&config), expected);
}

#[test]
fn services_that_any_program_can_name_share_one_file_of_4096_bytes() {
    let (_folder, config) = host();
    let panic = outcome(Verdict::Panicked, Reason::Panic, None);
    let long = "a".repeat(300);
    for service in [
        "../x",
        "",
        "a_b",
        "Sshd",
        "whatever",
        long.as_str(),
        "other",
    ] {
        count(&config, service, &panic, map).unwrap();
    }
    assert_eq!(rows(&config), ["other error panic - 7"]);
    let file = config.paths.state.join("verdicts/other");
    assert_eq!(fs::metadata(file).unwrap().len(), 4096);
}

#[test]
fn every_verdict_reason_and_factor_has_a_number_of_its_own() {
    let mut keys = BTreeSet::new();
    let mut wrong = Vec::new();
    for verdict in VERDICT_WORDS {
        for reason in REASONS {
            for factor in FACTORS.map(Some).into_iter().chain([None]) {
                let key = key(&outcome(verdict, reason, factor));
                let found = shown("sshd", key << COUNT_BITS | 7).unwrap();
                let words = (found.verdict, found.reason, found.factor, found.number);
                let factor = factor.map(Factor::as_str);
                if !keys.insert(key) || words != (verdict.as_str(), reason.as_str(), factor, 7) {
                    wrong.push(found);
                }
            }
        }
    }
    assert!(wrong.is_empty() && !keys.contains(&0), "{wrong:#?}");
}

#[test]
fn a_file_that_is_full_or_damaged_or_a_count_at_its_end_changes_nothing_else() {
    let (_folder, config) = host();
    let exempt = outcome(Verdict::Ignored, Reason::Exempt, None);
    count(&config, "sshd", &exempt, map).unwrap();
    let file = config.paths.state.join("verdicts/sshd");
    let mut bytes = fs::read(&file).unwrap();
    let last = key(&exempt) << COUNT_BITS | COUNT;
    bytes[8..16].copy_from_slice(&last.to_ne_bytes());
    for word in bytes[16..].chunks_mut(8) {
        word.copy_from_slice(&(0xfff_u64 << COUNT_BITS | 1).to_ne_bytes());
    }
    fs::write(&file, &bytes).unwrap();
    count(&config, "sshd", &exempt, map).unwrap();
    let other = outcome(Verdict::Accepted, Reason::Remembered, None);
    count(&config, "sshd", &other, map).unwrap();
    assert_eq!(fs::read(&file).unwrap(), bytes);
    assert_eq!(rows(&config), [format!("sshd ignored exempt - {COUNT}")]);
    fs::write(&file, "x".repeat(4096)).unwrap();
    assert!(count(&config, "sshd", &exempt, map).is_err());
    assert_eq!(list(&config.paths.state).unwrap().errors.len(), 1);
}

#[test]
fn a_folder_that_others_can_read_is_not_used() {
    let (_folder, config) = host();
    let exempt = outcome(Verdict::Ignored, Reason::Exempt, None);
    count(&config, "sshd", &exempt, map).unwrap();
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(config.paths.state.join("verdicts"), mode).unwrap();
    assert!(count(&config, "sshd", &exempt, map).is_err());
    assert!(list(&config.paths.state).is_err());
}
