//! Three hosts with one directory: people come and go with the next sync of each, what changes is
//! held, and the directory's death changes nothing. Real logins, through the product.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::host::names;
use super::slapd::{BASE, PASSWORD, READER, Slapd, change_of, people, person};
use crate::authyctl::run_json;
use crate::common::host::Host;

const BOB: u64 = 1636;
const CAROL: u64 = 1637;
const THIEF: u64 = 1638;

/// A host whose alice is in users.toml, and whose other people are in the directory.
fn host(slapd: &Slapd) -> Host {
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    for id in [BOB, CAROL, THIEF] {
        let email = format!("{id}@example.com");
        let phone = json!({"authy_id": id, "email": email});
        host.sim.post("/phone/users", &phone);
    }
    let ca = host.sim.path("directory.pem");
    let password = host.sim.path("directory");
    fs::copy(slapd.path("ca.pem"), &ca).unwrap();
    fs::write(&password, PASSWORD).unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let (ca, password) = (ca.display(), password.display());
    let url = slapd.starttls();
    host.append(
        &host.config,
        &format!(
            "[directory]\nurl = \"{url}\"\nca_file = \"{ca}\"\nbase = \"{BASE}\"\n\
             preset = \"inetorgperson\"\nbind_dn = \"{READER}\"\npassword_file = \"{password}\"\n\
             timeout_seconds = 30\n[directory.attributes]\nauthy_id = \"pamAuthyId\"\n"
        ),
    );
    host
}

fn sync(host: &Host, arguments: &[&str]) -> Value {
    let (status, object) = run_json(&host.sim, &[&["sync"], arguments].concat(), "");
    assert_eq!(status, 0, "{object}");
    object
}

/// Whether a user gets in with the code of this person.
fn logs_in(host: &Host, user: &str, id: u64) -> bool {
    let code = host.sim.token(id);
    let login = host.login(user, &[&code]);
    assert_ne!(login.code, "PAM_SERVICE_ERR", "{login:?}");
    login.code == "PAM_SUCCESS"
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn people_of_a_directory_log_in_on_three_hosts_until_they_leave_it() {
    let mut slapd = Slapd::with(&(people(20) + &person("bob", "pamAuthyId: 1636")));
    let hosts = [(); 3].map(|()| host(&slapd));

    // Before the first sync only the people of users.toml get in.
    for host in &hosts {
        assert!(logs_in(host, "alice", 1635));
        assert_ne!(
            host.login("bob", &[&host.sim.token(BOB)]).code,
            "PAM_SUCCESS"
        );
        assert_eq!(names(&sync(host, &[]), "added").len(), 21);
        assert!(logs_in(host, "bob", BOB));
        assert!(!logs_in(host, "bob", CAROL), "the code of another person");
    }

    // A new person can log in after the next sync of each host.
    slapd.add("carol", "pamAuthyId: 1637");
    let [first, second, third] = &hosts;
    assert!(!logs_in(first, "carol", CAROL));
    assert_eq!(names(&sync(first, &[]), "added"), ["carol"]);
    assert!(logs_in(first, "carol", CAROL) && !logs_in(second, "carol", CAROL));
    for host in [second, third] {
        sync(host, &[]);
        assert!(logs_in(host, "carol", CAROL));
    }

    // A removed one cannot, from then on.
    slapd.remove("bob");
    assert!(logs_in(first, "bob", BOB));
    for host in &hosts {
        assert_eq!(names(&sync(host, &[]), "removed"), ["bob"]);
        assert!(!logs_in(host, "bob", BOB));
    }

    // A thief with the password of carol writes an id of their own into her entry: it does not count.
    let dn = format!("uid=carol,ou=people,{BASE}");
    let change = change_of("carol", "pamAuthyId", &["1638"]);
    assert!(slapd.change_as(&dn, "own", &change).status.success());
    for host in &hosts {
        assert_eq!(names(&sync(host, &[]), "held"), ["carol"]);
        assert!(!logs_in(host, "carol", THIEF) && logs_in(host, "carol", CAROL));
    }

    // Where the administrator accepts it, it does, and what the person before had made ends.
    for host in &hosts {
        let (status, object) = run_json(&host.sim, &["recovery", "generate", "carol"], "");
        assert_eq!(status, 0, "{object}");
    }
    assert_eq!(
        names(&sync(first, &["--accept", "carol"]), "accepted"),
        ["carol"]
    );
    assert!(logs_in(first, "carol", THIEF) && !logs_in(first, "carol", CAROL));
    assert!(logs_in(second, "carol", CAROL));
    let left =
        |host: &Host| run_json(&host.sim, &["recovery", "left", "carol"], "").1["left"].clone();
    assert_eq!((left(first), left(second)), (json!(0), json!(10)));

    // The death of the directory changes nothing, and no login waits for it.
    slapd.stop();
    for host in &hosts {
        let (status, object) = run_json(&host.sim, &["sync"], "");
        assert_eq!(status, 3, "{object}");
        assert!(logs_in(host, "alice", 1635) && !logs_in(host, "bob", BOB));
    }
    assert!(logs_in(first, "carol", THIEF) && logs_in(third, "carol", CAROL));
}
