//! Persons with an app on this host and nothing at Authy, on a host whose prompts offer a push, an
//! SMS and a call for others: they cannot be told from unenrolled users, and take nothing from
//! those who receive something.

use std::time::{Duration, SystemTime};

use pam_authy::pam_app::Item;
use pam_authy::store::config;
use pam_authy::store::limits::{self, Row};

use super::totp::enroll_bob;
use crate::common::host::{Host, Login};
use crate::common::rows::check_rows;
use crate::common::totp::{SECRET, oathtool};

/// Bob has an app on this host alone, mallory is unenrolled, and alice is at Authy.
const BOB: (&str, &str) = ("bob", "192.0.2.7");
const MALLORY: (&str, &str) = ("mallory", "192.0.2.8");
const ALICE: (&str, &str) = ("alice", "192.0.2.9");

/// How much longer one login may take than the other on a busy machine.
const JITTER: Duration = Duration::from_millis(700);

const QUICK: &str = "refusal_seconds = 0\n";
const WRONG: &str = "000000";

/// A name, rules of the login, and what both of them type.
const ROWS: [(&str, &str, &[&str]); 13] = [
    ("an SMS", QUICK, &["sms", WRONG, WRONG, WRONG]),
    ("a call", QUICK, &["call", WRONG, WRONG, WRONG]),
    ("SMS again", QUICK, &["sms", "SMS", "sms", "sms"]),
    ("both", QUICK, &["call", "sms", WRONG, "call", WRONG]),
    (
        "padded",
        "refusal_seconds = 1\n",
        &["sms", "call", WRONG, WRONG, WRONG],
    ),
    ("a push", QUICK, &["push", "", WRONG, "sms", WRONG, WRONG]),
    (
        "a push at once",
        "refusal_seconds = 0\npush = \"auto\"\n",
        &["sms", WRONG, WRONG, WRONG],
    ),
    (
        "an SMS at once",
        "refusal_seconds = 0\nsms = \"auto\"\n",
        &["sms", "call", WRONG, WRONG],
    ),
    (
        "no SMS",
        "refusal_seconds = 0\nsms = \"never\"\n",
        &["sms", "call", WRONG, WRONG],
    ),
    (
        "no word",
        "refusal_seconds = 0\nfactors = [\"token\"]\n",
        &["sms", "push", WRONG],
    ),
    ("other lengths", QUICK, &["0000000", "00000000", "nonsense"]),
    (
        "recovery",
        QUICK,
        &["k3vq-8m2p-x7rd-9w4h", "sms", WRONG, WRONG],
    ),
    (
        "a small limit",
        "refusal_seconds = 0\n[limits]\nsms_per_user = 1\ncalls_per_address = 1\n",
        &["sms", "call", WRONG, WRONG, WRONG],
    ),
];

fn host(rules: &str) -> Host {
    let host = Host::with(&format!("[login]\n{rules}"));
    enroll_bob(&host, "bob = { totp = true }\n");
    host
}

fn login(host: &Host, (user, address): (&str, &str), replies: &[&str]) -> Login {
    host.login_with(user, replies, &[(Item::RHost, address)])
}

/// What was counted: SMS, calls, pushes and refused codes, and whether there is a pause.
type Counts = (usize, usize, usize, u32, bool);

fn counts(row: Option<&Row>) -> Option<Counts> {
    row.map(|row| {
        let sent = (row.sms, row.calls, row.pushes);
        (sent.0, sent.1, sent.2, row.refused, row.pause.is_some())
    })
}

/// Returns the counts of bob and mallory, as users and by their addresses.
fn counted(host: &Host) -> [[Option<Counts>; 2]; 2] {
    let rules = config::Limits::default();
    let listing = limits::list(&host.sim.path("state"), &rules, SystemTime::now()).unwrap();
    let of = |rows: &[Row], who| counts(rows.iter().find(|row| row.who == who));
    [
        [of(&listing.users, BOB.0), of(&listing.addresses, BOB.1)],
        [
            counts(listing.strangers.first()),
            of(&listing.addresses, MALLORY.1),
        ],
    ]
}

#[test]
fn words_of_a_person_with_an_app_alone_are_answered_and_counted_as_for_the_unenrolled() {
    check_rows(ROWS, |(name, rules, replies)| {
        let host = host(rules);
        host.stack_folder();
        let rounds = if name.contains("push") { 1 } else { 3 };
        for round in 1..=rounds {
            let (known, unknown) = std::thread::scope(|scope| {
                let known = scope.spawn(|| login(&host, BOB, replies));
                let unknown = login(&host, MALLORY, replies);
                (known.join().unwrap(), unknown)
            });
            assert_eq!(
                (known.code, &known.seen),
                (unknown.code, &unknown.seen),
                "round {round}"
            );
            let differ = known.took.abs_diff(unknown.took);
            assert!(differ < JITTER, "{:?}, {:?}", known.took, unknown.took);
        }
        let [known, unknown] = counted(&host);
        assert_eq!(known, unknown);
        assert!(known[0].is_some(), "each row has a code that is refused");
        assert_eq!(host.sim.requests(), [""; 0]);
    });
}

#[test]
fn a_person_with_an_app_alone_takes_no_sms_of_the_host() {
    let host = host("refusal_seconds = 0\nattempts = 1\n[limits]\nsms_per_host = 2\n");
    let ask = |who| {
        let seen = login(&host, who, &["sms", "000000"]).seen;
        seen.into_iter()
            .any(|(_, text)| text.contains("SMS with a code was sent"))
    };
    for who in [BOB, MALLORY, BOB, MALLORY, BOB] {
        assert!(ask(who), "{who:?}");
    }

    assert_eq!([ask(ALICE), ask(ALICE), ask(ALICE)], [true, true, false]);

    // The limit of the host shows alike, and the app still works.
    assert_eq!([ask(BOB), ask(MALLORY)], [false, false]);
    assert_eq!(host.sim.count("/sms/"), 2);
    let code = oathtool(SECRET, 0);
    assert_eq!(login(&host, BOB, &["sms", &code]).code, "PAM_SUCCESS");
}
