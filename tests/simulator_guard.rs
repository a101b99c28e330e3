//! The phones and faults of the simulator, and web pages of others in a browser of this machine.

use std::process::Command;

use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Sends a request to the control address by curl, and returns the status of the answer.
fn status(sim: &Sim, method: &str, path: &str, headers: &[String]) -> u16 {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "5", "--output", "/dev/null"])
        .args(["--write-out", "%{http_code}", "--request", method])
        .arg("--insecure");
    for header in headers {
        curl.args(["--header", header]);
    }
    if method == "POST" {
        curl.args(["--data", r#"{"status":500}"#]);
    }
    let output = curl.arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.parse()
        .unwrap_or_else(|_| panic!("{}: {text:?}", sim.control()))
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
        check_rows(rows, |(host, expected)| {
            for path in [
                "/phone",
                "/phone.json",
                "/phone/twilio",
                "/requests.json",
                "/faults",
            ] {
                let path = format!("{base}{path}");
                let found = status(&sim, "GET", &path, std::slice::from_ref(&host));
                assert_eq!(found, expected, "GET {path}");
            }
            let path = format!("{base}/faults");
            let found = status(&sim, "DELETE", &path, &[host]);
            assert_eq!(found, expected, "DELETE {path}");
        });
    }
}

#[test]
fn a_change_by_a_page_of_another_origin_is_refused_and_does_nothing() {
    let sim = Sim::start();
    let own = sim.control().to_owned();
    let localhost = own.replace("127.0.0.1", "localhost");
    let rows = [
        ("http://evil.example".to_owned(), 403),
        ("null".to_owned(), 403),
        (own.replace("http:", "https:"), 403),
        ("http://127.0.0.1:1".to_owned(), 403),
        (localhost, 403),
        (own.clone(), 200),
    ];
    check_rows(rows, |(origin, expected)| {
        let origin = [format!("Origin: {origin}")];
        let path = format!("{own}/faults");
        assert_eq!(status(&sim, "POST", &path, &origin), expected);
        let armed = sim.get("/faults").as_array().unwrap().len();
        assert_eq!(armed, usize::from(expected == 200));
        assert_eq!(status(&sim, "DELETE", &path, &origin), expected);
        for path in ["/phone/users", "/phone/app", "/phone/twilio"] {
            let path = format!("{own}{path}");
            let refused = status(&sim, "POST", &path, &origin) == 403;
            assert_eq!(refused, expected == 403, "{path}");
        }
    });
    let path = format!("{own}/faults");
    assert_eq!(
        status(&sim, "POST", &path, &[]),
        200,
        "a program sends no origin"
    );
}
