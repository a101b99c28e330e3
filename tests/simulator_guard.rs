//! The phones and faults of the simulator, and web pages of others in a browser of this machine; and
//! what the simulator does while no request arrives.

use std::fs;
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Sends a request to each of these addresses by curl, and returns the statuses of the answers.
fn statuses(method: &str, addresses: &[String], headers: &[String]) -> Vec<u16> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--max-time", "5"])
        .args(["--write-out", "%{http_code} ", "--request", method]);
    for header in headers {
        curl.args(["--header", header]);
    }
    if method == "POST" {
        curl.args(["--data", r#"{"status":500}"#]);
    }
    for address in addresses {
        curl.args(["--output", "/dev/null", address]);
    }
    let output = curl.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let statuses = text.split_whitespace();
    statuses.map(|status| status.parse().unwrap()).collect()
}

/// A name that was first that of the page's own server, and then points to loopback.
#[test]
fn another_host_than_loopback_with_the_port_is_refused() {
    let sim = Sim::start();
    for base in [sim.control().to_owned(), sim.url()] {
        let port = base.rsplit(':').next().unwrap().to_owned();
        let rows = [
            (format!("Host: localhost:{port}"), 200),
            (format!("Host: 127.0.0.1:{port}"), 200),
            (format!("Host: [::1]:{port}"), 200),
            (format!("Host: evil.example:{port}"), 403),
            (format!("Host: 127.0.0.1.evil.example:{port}"), 403),
            ("Host: localhost".to_owned(), 403),
            ("Host: localhost:1".to_owned(), 403),
            ("Host;".to_owned(), 403),
        ];
        let paths = [
            "phone",
            "phone.json",
            "phone/twilio",
            "requests.json",
            "faults",
        ];
        let all = paths.map(|path| format!("{base}/{path}"));
        check_rows(rows, |(host, expected)| {
            let host = [host];
            assert_eq!(statuses("GET", &all, &host), [expected; 5]);
            assert_eq!(statuses("DELETE", &all[4..], &host), [expected]);
        });
    }
}

#[test]
fn a_change_by_a_page_of_another_origin_is_refused_and_does_nothing() {
    let sim = Sim::start();
    let own = sim.control().to_owned();
    let rows = [
        ("http://evil.example".to_owned(), 403),
        ("null".to_owned(), 403),
        (own.replace("http:", "https:"), 403),
        ("http://127.0.0.1:1".to_owned(), 403),
        (own.replace("127.0.0.1", "localhost"), 403),
        (own.clone(), 200),
    ];
    let faults = [format!("{own}/faults")];
    check_rows(rows, |(origin, expected)| {
        let origin = [format!("Origin: {origin}")];
        assert_eq!(statuses("POST", &faults, &origin), [expected]);
        let armed = sim.get("/faults").as_array().unwrap().len();
        assert_eq!(armed, usize::from(expected == 200));
        assert_eq!(statuses("DELETE", &faults, &origin), [expected]);
        let others = ["/phone/users", "/phone/app", "/phone/twilio"];
        let others = others.map(|path| format!("{own}{path}"));
        let found = statuses("POST", &others, &origin);
        let refused: Vec<_> = found.iter().map(|status| *status == 403).collect();
        assert_eq!(refused, [expected == 403; 3], "{found:?}");
    });
    let by_a_program = statuses("POST", &faults, &[]);
    assert_eq!(by_a_program, [200], "a program sends no origin");
}

/// A fault that keeps the server from accepting connections is no reason to try without a pause.
#[test]
fn an_idle_simulator_and_one_without_descriptors_take_no_processor_time() {
    let sim = Sim::start();
    let ticks = || -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/stat", sim.pid())).unwrap();
        let (_, rest) = text.rsplit_once(") ").unwrap();
        let fields: Vec<_> = rest.split(' ').collect();
        let times = fields[11..13].iter();
        times.map(|field| field.parse::<u64>().unwrap()).sum()
    };
    let used = || {
        let before = ticks();
        thread::sleep(Duration::from_millis(600));
        ticks() - before
    };
    // One that does not rest takes 60, of 10 ms each, on an idle machine.
    assert!(used() < 12, "while it is idle");
    let pid = sim.pid().to_string();
    let mut prlimit = Command::new("prlimit");
    let limit = prlimit.args(["--pid", &pid, "--nofile=3"]).status();
    assert!(limit.unwrap().success());
    let address = sim.control().trim_start_matches("http://").to_owned();
    let waiting = [(); 4].map(|()| TcpStream::connect(&address).unwrap());
    assert!(used() < 12, "while {} connections wait", waiting.len());
}
