//! The identity of the server: whatever is wrong with its certificate or its protocol, no byte of a
//! request is sent, and `when_unavailable` does not matter.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Class, POLICIES, Row, Trouble, host, judge, patiently, prove, prove_each, row};
use crate::common::rows::check_rows;

#[test]
fn an_untrusted_certificate_denies_and_sees_no_byte_of_the_request() {
    let names = [
        "self-signed",
        "wrong-name",
        "expired",
        "not-yet-valid",
        "wrong-ca",
        "missing-intermediate",
    ];
    let rows: Vec<Row> = names
        .iter()
        .map(|name| {
            row(
                json!({"certificate": name, "times": 0}),
                Class::UntrustedServer,
            )
        })
        .collect();
    prove(&rows);
}

/// An `openssl s_server`, for protocols that rustls does not speak; it ends when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts it with `options` and the simulator's certificate; it writes what it reads to
    /// `output`.
    fn start(certificates: &Path, options: &[&str], output: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut server = Command::new("timeout");
        server.args(["60", "openssl", "s_server", "-accept"]);
        server.arg(format!("127.0.0.1:{port}")).args(options);
        if !options.contains(&"-nocert") {
            server.arg("-cert").arg(certificates.join("server.pem"));
            server.arg("-key").arg(certificates.join("server.key"));
        }
        let file = fs::File::create(output).unwrap();
        server
            .stdin(Stdio::piped())
            .stderr(file.try_clone().unwrap())
            .stdout(file);
        let child = server
            .spawn()
            .expect("openssl: scripts/prerequisites.sh installs it");
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                Instant::now() < until,
                "openssl {options:?} does not listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn meets_openssl(options: &[&str], class: Class, policy: &str) -> Result<String, Trouble> {
    let host = host(policy);
    let output = host.sim.path("openssl.txt");
    let server = Server::start(host.sim.folder(), options, &output);
    let host = host.elsewhere(&format!("https://127.0.0.1:{}", server.port));
    let login = host.login("alice", &["1234567"]);
    judge(&host, &login, class, policy)?;
    Ok(String::from_utf8_lossy(&fs::read(&output).unwrap()).into_owned())
}

/// Waits for the request, 3 s at most, and answers it with these bytes.
fn answer(server: &mut Server, output: &Path, bytes: &str) {
    let until = Instant::now() + Duration::from_secs(3);
    let asked = || fs::read(output).is_ok_and(|seen| seen.windows(4).any(|end| end == b"\r\n\r\n"));
    while !asked() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut input = server.child.stdin.take().unwrap();
    // An answer that is malformed at its beginning may have ended the connection already.
    let _ = input.write_all(bytes.as_bytes());
    std::thread::sleep(Duration::from_millis(1500));
}

/// Checks a login whose request is answered with these bytes.
fn meets_bytes(bytes: &str, class: Class, policy: &str) -> Result<(), Trouble> {
    let host = host(policy);
    let output = host.sim.path("openssl.txt");
    let mut server = Server::start(host.sim.folder(), &["-quiet"], &output);
    let host = host.elsewhere(&format!("https://127.0.0.1:{}", server.port));
    let login = std::thread::scope(|scope| {
        scope.spawn(|| answer(&mut server, &output, bytes));
        host.login("alice", &["1234567"])
    });
    judge(&host, &login, class, policy)
}

#[test]
fn malformed_http_that_says_yes_is_an_outage() {
    let body = super::YES;
    let length = body.len();
    let right = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
    assert_eq!(
        patiently(|| meets_bytes(&right, Class::Yes, "deny")),
        Ok(())
    );
    let first_lines = [
        "HTTP/1.1 99999999999999999999 OK",
        "HTTP/1.1 -200 OK",
        "HTTP/1.1 2OO OK",
        "HTTP/1.1",
        "HTTP/9.9 200 OK",
        "ICY 200 OK",
        "200 OK",
        "",
    ];
    let headers = [
        "Content-Length: -1",
        "Content-Length: 18446744073709551616",
        "Content-Length: 4294967297",
        "Content-Length: 0x23",
        "no colon",
        ": no name",
        "Content-Length : 35",
        "X: \u{0}\u{1b}[2J",
        "Transfer-Encoding: chunked",
    ];
    let chunks = [
        "-1",
        "FFFFFFFFFFFFFFFFF",
        "7FFFFFFFFFFFFFFF",
        "xyz",
        "23;",
        "",
    ];
    let mut answers: Vec<String> = first_lines
        .iter()
        .map(|line| format!("{line}\r\nContent-Length: {length}\r\n\r\n{body}"))
        .chain(
            headers
                .iter()
                .map(|line| format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n{body}")),
        )
        .collect();
    answers.extend(chunks.iter().map(|size| {
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{body}")
    }));
    prove_each(answers.iter().enumerate(), |(number, bytes)| {
        let policy = POLICIES[number % 2];
        patiently(|| meets_bytes(bytes, Class::Outage, policy))
            .map_err(|why| format!("{policy}: {bytes:?}: {why}"))
    });
}

#[test]
fn an_old_or_anonymous_protocol_denies_and_sees_no_byte_of_the_request() {
    let weak = "ALL:aNULL:@SECLEVEL=0";
    let protocols: [&[&str]; 5] = [
        &["-tls1_1", "-cipher", weak],
        &["-tls1", "-cipher", weak],
        &["-tls1_2", "-nocert", "-cipher", "aNULL:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0"],
    ];
    let table = protocols.map(|options| POLICIES.map(|policy| (options, policy)));
    check_rows(table.as_flattened(), |(options, policy)| {
        let seen = std::cell::RefCell::new(String::new());
        let proven = patiently(|| {
            *seen.borrow_mut() = meets_openssl(options, Class::UntrustedServer, policy)?;
            Ok(())
        });
        assert_eq!(proven, Ok(()));
        let seen = seen.into_inner();
        assert!(
            !seen.contains("GET ") && !seen.contains("X-Authy"),
            "{seen}"
        );
    });
}

/// Shows that the tests above can fail: with a modern protocol the same program reads the request,
/// and its missing answer is an outage.
#[test]
fn the_same_server_with_a_modern_protocol_reads_the_request() {
    check_rows(["-tls1_2", "-tls1_3"], |version| {
        let seen = std::cell::RefCell::new(String::new());
        let proven = patiently(|| {
            *seen.borrow_mut() = meets_openssl(&[version], Class::Outage, "deny")?;
            Ok(())
        });
        assert_eq!(proven, Ok(()), "{version}");
        let seen = seen.into_inner();
        assert!(
            seen.contains("GET /protected/json/verify/1234567/1635"),
            "{seen}"
        );
    });
}
