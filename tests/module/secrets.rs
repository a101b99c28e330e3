//! Secrets in the memory of the application after a login: neither the key nor the code may be left
//! there.

use std::fs::File;
use std::os::unix::fs::FileExt;

use serde_json::json;

use crate::common::application::{Running, command};
use crate::common::host::Host;
use crate::common::rows::check_rows;

/// Finds a text in the memory of a process; returns for each place the line of /proc/PID/maps and
/// the bytes around it.
fn found_in_memory(pid: &str, text: &str) -> Vec<String> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = Vec::new();
    let mut bytes = 0;
    for line in maps.lines().filter(|line| line.contains(" r")) {
        let (range, _) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let parse = |hex| u64::from_str_radix(hex, 16).unwrap();
        let (start, end) = (parse(start), parse(end));
        let mut buffer = vec![0; usize::try_from(end - start).unwrap()];
        // The kernel's own pages are unreadable.
        let Ok(length) = memory.read_at(&mut buffer, start) else {
            continue;
        };
        bytes += length;
        let windows = buffer[..length].windows(text.len()).enumerate();
        for (at, _) in windows.filter(|(_, window)| *window == text.as_bytes()) {
            let around = &buffer[at.saturating_sub(40)..(at + text.len() + 40).min(length)];
            found.push(format!("{line}: {:?}", String::from_utf8_lossy(around)));
        }
    }
    assert!(
        bytes > 1 << 20,
        "only {bytes} bytes of memory could be read"
    );
    found
}

#[test]
fn neither_key_nor_code_is_in_the_memory_of_a_process_after_the_login() {
    type Prepare = fn(&Host);
    let endings: [(&str, Prepare); 5] = [
        ("accepted", |_| ()),
        ("refused", |host| {
            host.sim.fault(
                &json!({"status": 401, "body": r#"{"success":false,"error_code":"60020"}"#}),
            );
        }),
        ("cut", |host| host.sim.fault(&json!({"cut_after": 20}))),
        ("false identity", |host| {
            host.sim.fault(&json!({"certificate": "expired"}))
        }),
        ("broken mapping", |host| host.append(&host.users, "x")),
    ];
    check_rows(endings, |(ending, prepare)| {
        let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
        prepare(&host);
        let (key, token) = (host.sim.key(), host.sim.token(1635));
        let mut running = Running::start(command(&host, "alice", &[], &["-w"]));
        if ending != "broken mapping" {
            running.reply(&token);
        }
        let pid = running.wait_for("waiting ");

        let (keys, tokens) = (found_in_memory(&pid, &key), found_in_memory(&pid, &token));

        running.finish();
        assert!(
            keys.is_empty(),
            "{ending}: {} times the key:\n{}",
            keys.len(),
            keys.join("\n")
        );
        assert!(
            tokens.is_empty(),
            "{ending}: {} times the code:\n{}",
            tokens.len(),
            tokens.join("\n")
        );
    });
}

/// Shows that the search can find something: this process has the key in its memory.
#[test]
fn the_search_of_a_memory_image_finds_what_is_there() {
    let host = Host::new();
    let key = host.sim.key();
    let pid = std::process::id().to_string();
    assert!(!found_in_memory(&pid, &key).is_empty());
}
