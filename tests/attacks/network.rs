//! A network of a test's own, in which a user may take every port without harm to this machine.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set in the test that runs in its own network.
const MARK: &str = "PAM_AUTHY_TEST_NETWORK";

/// The local ports that the kernel hands out in that network. Fewer than the usual 28,000 spare
/// time; a user may take those as well.
const PORTS: std::ops::Range<u16> = 40000..40256;

/// Returns true in a network of the test's own. Outside, runs the test `name` in one, which must
/// succeed, and returns false.
pub(super) fn is_own(name: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let status = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            name,
            "--include-ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(MARK, "1")
        .status()
        .unwrap();
    assert!(status.success());
    false
}

/// Sets that network up: loopback, an interface that looks like one to the world, few local ports,
/// and a name server that knows `localhost`, which no file knows any more. It fails while the
/// returned flag is set.
pub(super) fn set_up() -> Arc<AtomicBool> {
    for words in [
        "link set lo up",
        "link add world type veth peer name far",
        "address add 192.0.2.1/24 dev world",
        "link set far up",
        "link set world up",
    ] {
        let status = Command::new("ip").args(words.split(' ')).status().unwrap();
        assert!(status.success(), "ip {words}");
    }
    let range = format!("{} {}", PORTS.start, PORTS.end - 1);
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", range).unwrap();
    fs::write("/etc/hosts", "").unwrap();
    fs::write("/etc/resolv.conf", "nameserver 127.0.0.1\n").unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&fails);
    std::thread::spawn(move || serve_names(&socket, &seen));
    fails
}

/// Answers each question for an IPv4 address with 127.0.0.1, and each other one with no record.
fn serve_names(socket: &UdpSocket, fails: &AtomicBool) {
    let mut query = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut query) {
        let question = &query[12..length];
        // RFC 1035 §4.1.2: labels up to an empty one, then type and class.
        let end = question.iter().position(|byte| *byte == 0).unwrap() + 5;
        let fails = fails.load(Ordering::Relaxed);
        let is_a = !fails && question[end - 4..end - 2] == [0, 1];
        let mut answer = query[..2].to_vec();
        // Recursion available, and NOERROR or SERVFAIL.
        answer.extend([
            0x81,
            0x80 | if fails { 2 } else { 0 },
            0,
            1,
            0,
            u8::from(is_a),
            0,
            0,
            0,
            0,
        ]);
        answer.extend(&question[..end]);
        if is_a {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        let _ = socket.send_to(&answer, client);
    }
}

/// Takes all UDP ports that are free.
pub(super) fn take_ports() -> Vec<UdpSocket> {
    PORTS
        .filter_map(|port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).ok())
        .collect()
}
