//! Unreachable services: a closed port, a host that does not answer, no route, a silent DNS server.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use nix::sys::socket::{Backlog, listen};

use super::{Class, POLICIES, Trouble, host, judge, patiently};
use crate::common::application::{command, run};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

/// Checks a login against the unreachable service at `url`, with each policy.
fn is_an_outage(url: &str) {
    check_rows(POLICIES, |policy| {
        let proven = patiently(|| {
            let host = host(policy).elsewhere(url);
            let login = host.login("alice", &["1234567"]);
            judge(&host, &login, Class::Outage, policy)?;
            match host.sim.get("/requests.json")["connections"].as_u64() {
                Some(0) => Ok(()),
                _ => Err(Trouble::Wrong("another host was asked".into())),
            }
        });
        assert_eq!(proven, Ok(()), "{policy}: {url}");
    });
}

#[test]
fn a_closed_port_is_an_outage() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    is_an_outage(&format!("https://{closed}"));
}

/// A full backlog drops each further SYN, like a host that is switched off.
#[test]
fn a_host_that_answers_no_syn_is_an_outage_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A second listen(2) changes the backlog.
    listen(&listener, Backlog::new(0).unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fillers = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        fillers.push(stream);
        assert!(fillers.len() < 100, "the backlog does not fill");
    }
    is_an_outage(&format!("https://{address}"));
}

#[test]
fn a_name_that_does_not_resolve_is_an_outage() {
    is_an_outage("https://authy.invalid");
}

#[test]
#[ignore = "needs root"]
fn a_dns_that_never_answers_is_an_outage_in_time() {
    sandboxed!();
    let silent = UdpSocket::bind("127.0.0.77:53").unwrap();
    std::fs::remove_file("/etc/resolv.conf").ok();
    std::fs::write("/etc/resolv.conf", "nameserver 127.0.0.77\n").unwrap();
    is_an_outage("https://api.authy.example");
    // A look-up that cannot be cancelled ends with its engine: the application has no thread of it.
    let host = host("ignore").elsewhere("https://api.authy.example");
    let start = Instant::now();
    let said = run(command(&host, "alice", &[], &["-r", "3"]), &["1234567"; 9]);
    assert_eq!(
        (said.codes(), said.status),
        (vec![6; 3], Some(0)),
        "{said:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(8), "{said:?}");
    assert!(said.is_unchanged(), "{said:?}");
    let mut buffer = [0; 512];
    silent.set_nonblocking(true).unwrap();
    assert!(
        silent.recv(&mut buffer).is_ok(),
        "the name was looked up there"
    );
}

#[test]
#[ignore = "needs root"]
fn no_route_is_an_outage_and_no_network_is_none() {
    check_rows(POLICIES, |policy| {
        let host = host(policy);
        let said = run(command(&host, "alice", &[], &["-n", "down"]), &["1234567"]);
        let (code, start) = Class::Outage.outcome(policy);
        assert_eq!(said.names(), [code], "{policy}");
        assert_eq!(host.audit().len(), 1);
        assert!(host.audit()[0].starts_with(start), "{:?}", host.audit());
        assert!(host.log().contains("unreachable"), "{}", host.log());

        // A sandbox of the application without a network is no outage of the service.
        let alone = self::host(policy);
        let said = run(
            command(&alone, "alice", &[], &["-n", "alone"]),
            &["1234567"],
        );
        assert_eq!(said.names(), ["PAM_SERVICE_ERR"], "{policy}");
        let audit = alone.audit();
        assert!(
            audit[0].starts_with("verdict=error reason=process"),
            "{audit:?}"
        );
    });
}
