//! Lists that do not come as a whole: a server that is lost, a limit, a referral, a base that is not
//! there. Each changes nothing.

use std::fs;

use super::host::{SyncHost, names};
use super::proxy;
use super::slapd::{BASE, READER, Slapd, people, person};

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_server_that_is_lost_at_any_byte_changes_nothing() {
    let slapd = Slapd::with(&people(1000));
    let host = SyncHost::of(&slapd, &slapd.ldaps());
    host.synced();
    slapd.add("new", "pamAuthyId: 9");
    let (_, tls_port) = slapd.ports();
    for bytes in [1, 700, 1500, 2500, 20_000, 60_000, 90_000] {
        let port = proxy::cutting(tls_port, bytes);
        let config = fs::read_to_string(host.path("config.toml")).unwrap();
        let cut = format!("ldaps://127.0.0.1:{port}");
        host.replace(&slapd.ldaps(), &cut);
        host.fails(3, "was lost");
        host.write("config.toml", &config, 0o600);
    }
    assert_eq!(names(&host.synced(), "added"), ["new"]);
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_list_that_the_server_cuts_short_is_no_list() {
    let limit = format!("limits dn.exact=\"{READER}\" size=400 size.prtotal=700");
    let slapd = Slapd::configured(&people(1000), &limit);
    SyncHost::of(&slapd, &slapd.ldaps()).fails(3, "size limit of the server is exceeded");
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_referral_is_named_and_not_followed() {
    let (port, heard) = proxy::answering(b"");
    let referral = format!(
        "\ndn: ou=elsewhere,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\n\
         ou: elsewhere\nref: ldap://127.0.0.1:{port}/{BASE}\n"
    );
    let slapd = Slapd::with(&(person("alice", "pamAuthyId: 1") + &referral));
    let host = SyncHost::of(&slapd, &slapd.ldaps());
    host.fails(
        3,
        &format!("a part of the tree is elsewhere, at ldap://127.0.0.1:{port}"),
    );
    assert!(heard.lock().unwrap().is_empty());
    // Below a base without it there is a whole list.
    host.replace(&format!("\"{BASE}\""), &format!("\"ou=people,{BASE}\""));
    assert_eq!(names(&host.synced(), "added"), ["alice"]);
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_base_that_is_not_there_or_may_not_be_read_changes_nothing() {
    let slapd = Slapd::with(&people(2));
    let host = SyncHost::of(&slapd, &slapd.ldaps());
    host.synced();
    let base = format!("base = \"{BASE}\"");
    for other in ["ou=gone,dc=example,dc=com", "dc=other", "no name"] {
        let wrong = format!("base = \"{other}\"");
        host.replace(&base, &wrong);
        host.fails(3, "(result code ");
        host.replace(&wrong, &base);
    }
    // As this name there is nothing to be seen.
    host.replace(READER, &format!("uid=u0,ou=people,{BASE}"));
    host.write("password", "own", 0o600);
    host.fails(3, "the entry does not exist (result code 32)");
}
