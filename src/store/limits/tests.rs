//! Limits with a clock that the test sets.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(1_800_000_000) };
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW.get())
}

fn pass(seconds: u64) {
    NOW.set(NOW.get() + seconds);
}

fn go_back(seconds: u64) {
    NOW.set(NOW.get() - seconds);
}

struct Host {
    parent: tempfile::TempDir,
    rules: config::Limits,
}

impl Host {
    /// Two messages of each kind per user, three per address, and a pause after three refused
    /// codes.
    fn new() -> Self {
        let sends = |number| config::Sends {
            sms: number,
            calls: number,
            pushes: number,
        };
        Self {
            parent: tempfile::tempdir().unwrap(),
            rules: config::Limits {
                per_user: sends(2),
                per_address: sends(3),
                refused_tokens: 3,
            },
        }
    }
    fn state(&self) -> PathBuf {
        self.parent.path().join("state")
    }
    fn login(&self, user: &str, address: Option<&str>) -> FileLimits {
        let address = address.map(|address| address.parse().unwrap());
        let enrolled = user != "stranger";
        FileLimits::new(&self.state(), self.rules, user, enrolled, address, now)
    }
    fn alice(&self) -> FileLimits {
        self.login("alice", Some("192.0.2.7"))
    }
    fn file(&self, folder: &str) -> PathBuf {
        let folder = self.state().join("limits").join(folder);
        let mut files = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_none()).unwrap()
    }
    fn listing(&self) -> Listing {
        list(&self.state(), &self.rules, now()).unwrap()
    }
}

fn is_limit(result: Result<(), Error>) -> bool {
    matches!(result, Err(Error::Limit { .. }))
}

fn detail(result: Result<(), Error>) -> String {
    match result {
        Err(Error::Limit { detail }) => detail,
        other => panic!("no limit: {other:?}"),
    }
}

#[test]
fn nothing_is_opened_before_the_first_count() {
    let host = Host::new();
    let _alice = host.alice();
    assert!(!host.state().exists());
}

#[test]
fn the_hourly_limit_of_a_user_counts_all_logins() {
    let host = Host::new();
    for address in ["192.0.2.7", "192.0.2.8"] {
        host.login("alice", Some(address))
            .acquire(Costly::Sms)
            .unwrap();
        pass(600);
    }
    let error = detail(host.login("alice", Some("192.0.2.9")).acquire(Costly::Sms));
    assert_eq!(
        error,
        "limits.sms_per_user = 2: no more SMS for \"alice\" within this hour; the next in 40 min"
    );
    // Other kinds and other users are not limited.
    host.alice().acquire(Costly::Push).unwrap();
    host.alice().acquire(Costly::Call).unwrap();
    host.login("bob", Some("192.0.2.7"))
        .acquire(Costly::Sms)
        .unwrap();
    pass(2399);
    assert!(is_limit(host.alice().acquire(Costly::Sms)));
    pass(1);
    host.alice().acquire(Costly::Sms).unwrap();
    assert!(is_limit(host.alice().acquire(Costly::Sms)));
}

#[test]
fn the_hourly_limit_of_an_address_counts_all_users() {
    let host = Host::new();
    for user in ["alice", "bob", "stranger"] {
        host.login(user, Some("192.0.2.7"))
            .acquire(Costly::Sms)
            .unwrap();
    }
    let error = detail(
        host.login("carol", Some("::ffff:192.0.2.7"))
            .acquire(Costly::Sms),
    );
    assert!(
        error.starts_with("limits.sms_per_address = 3: no more SMS for 192.0.2.7"),
        "{error}"
    );
    // A message that the address did not allow is not counted for the user.
    for address in ["192.0.2.8", "192.0.2.9"] {
        host.login("carol", Some(address))
            .acquire(Costly::Sms)
            .unwrap();
    }
}

#[test]
fn an_ipv6_address_counts_by_its_first_half_and_logins_without_an_address_together() {
    let host = Host::new();
    for (user, host_part) in [("a", "1"), ("b", "2"), ("c", "ffff:1")] {
        let address = format!("2001:db8:0:5::{host_part}");
        host.login(user, Some(&address))
            .acquire(Costly::Call)
            .unwrap();
        host.login(user, None).acquire(Costly::Sms).unwrap();
    }
    assert!(is_limit(
        host.login("d", Some("2001:db8:0:5:1::"))
            .acquire(Costly::Call)
    ));
    host.login("d", Some("2001:db8:0:6::1"))
        .acquire(Costly::Call)
        .unwrap();
    let error = detail(host.login("e", None).acquire(Costly::Sms));
    assert!(error.contains("for logins without an address"), "{error}");
    let addresses: Vec<_> = host
        .listing()
        .addresses
        .into_iter()
        .map(|row| row.who)
        .collect();
    assert_eq!(
        addresses,
        ["2001:db8:0:5::/64", "2001:db8:0:6::/64", "none"]
    );
}

#[test]
fn a_limit_of_zero_sends_nothing() {
    let mut host = Host::new();
    host.rules.per_user.sms = 0;
    assert!(is_limit(host.alice().acquire(Costly::Sms)));
    host.alice().acquire(Costly::Call).unwrap();
}

#[test]
fn a_message_that_was_not_sent_is_taken_back_once() {
    let host = Host::new();
    let mut alice = host.alice();
    alice.acquire(Costly::Sms).unwrap();
    pass(1);
    alice.acquire(Costly::Sms).unwrap();
    alice.release(Costly::Call);
    alice.release(Costly::Sms);
    assert_eq!(host.listing().users[0].sms, 1);
    assert_eq!(host.listing().addresses[0].sms, 1);
    alice.release(Costly::Sms);
    alice.release(Costly::Sms);
    assert!(host.listing().users.is_empty());
    // A message of another login is not taken back.
    host.alice().acquire(Costly::Sms).unwrap();
    alice.release(Costly::Sms);
    assert_eq!(host.listing().users[0].sms, 1);
}

#[test]
fn refused_codes_in_a_row_cause_a_pause_that_grows_to_fifteen_minutes() {
    let host = Host::new();
    for _ in 0..3 {
        host.alice().acquire_code().unwrap();
    }
    let mut wrong = Vec::new();
    for pause in [30, 60, 120, 240, 480, 900, 900, 900] {
        let error = detail(host.alice().acquire_code());
        pass(pause - 1);
        let before = host.login("alice", None).acquire_code();
        pass(1);
        let after = host.alice().acquire_code();
        if !error.contains("authyctl unlock \"alice\"") || !is_limit(before) || after.is_err() {
            wrong.push(format!("{pause} s: {error}, then {after:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let row = &host.listing().users[0];
    assert_eq!(
        (row.refused, row.pause),
        (11, Some(Duration::from_secs(900)))
    );
    // Pushes and other users are not limited.
    host.alice().acquire(Costly::Push).unwrap();
    host.login("bob", Some("192.0.2.7")).acquire_code().unwrap();
}

#[test]
fn an_accepted_code_forgets_the_refused_ones() {
    let host = Host::new();
    for _ in 0..2 {
        host.alice().acquire_code().unwrap();
    }
    let mut alice = host.alice();
    alice.acquire_code().unwrap();
    // A code counts as refused until it is answered.
    assert!(is_limit(host.alice().acquire_code()));
    alice.code_accepted();
    for _ in 0..3 {
        host.alice().acquire_code().unwrap();
    }
    assert!(is_limit(host.alice().acquire_code()));
}

#[test]
fn a_code_without_an_answer_takes_back_only_itself() {
    let host = Host::new();
    host.alice().acquire_code().unwrap();
    pass(10);
    let mut alice = host.alice();
    for _ in 0..5 {
        alice.acquire_code().unwrap();
        alice.release_code();
        alice.release_code();
        pass(1);
    }
    assert_eq!(host.listing().users[0].refused, 1);
    host.alice().acquire_code().unwrap();
    host.alice().acquire_code().unwrap();
    pass(30);
    // An outage does not start the pause again.
    alice.acquire_code().unwrap();
    alice.release_code();
    assert_eq!(host.listing().users[0].pause, None);
}

#[test]
fn unenrolled_names_have_the_same_limits_and_are_not_stored() {
    let host = Host::new();
    for _ in 0..3 {
        host.login("stranger", None).acquire_code().unwrap();
    }
    assert!(is_limit(host.login("stranger", None).acquire_code()));
    for _ in 0..2 {
        host.login("stranger", None).acquire(Costly::Sms).unwrap();
    }
    assert!(is_limit(host.login("stranger", None).acquire(Costly::Sms)));
    let text = fs::read_to_string(host.file("strangers")).unwrap();
    assert!(!text.contains("stranger\""), "{text}");
    assert!(unlock(&host.state(), "stranger").unwrap());
    host.login("stranger", None).acquire_code().unwrap();
}

#[test]
fn the_records_of_a_million_names_and_addresses_are_bounded() {
    let entry = BucketEntry::of_address(Some("192.0.2.7".parse().unwrap()));
    let host = Host::new();
    for number in 0..100_u64 {
        // All in one file, as an attacker could choose them.
        let mut entry = entry.clone();
        entry.key = format!("address {number}");
        let (acquired, written) = entry.change(&host.state(), number, |record| {
            record.acquire(Costly::Sms, 5, number)
        });
        acquired.unwrap().unwrap();
        written.unwrap();
    }
    let listing = list(
        &host.state(),
        &host.rules,
        UNIX_EPOCH + Duration::from_secs(100),
    )
    .unwrap();
    assert_eq!(listing.addresses.len(), bucket::CAPACITY);
    assert!(listing.addresses.iter().any(|row| row.who == "address 99"));
    assert!(listing.addresses.iter().all(|row| row.who != "address 60"));
    const { assert!(bucket::CAPACITY * 256 <= 10_000) };
    let files: std::collections::BTreeSet<_> = (0..5000_u32)
        .map(|number| BucketEntry::of_address(Some(IpAddr::V4(number.into()))).file)
        .collect();
    assert_eq!(files.len(), 256);
}

#[test]
fn a_clock_that_is_set_back_forgets_nothing_and_locks_out_no_longer_than_the_rule() {
    let host = Host::new();
    for _ in 0..2 {
        host.alice().acquire(Costly::Sms).unwrap();
    }
    for _ in 0..3 {
        host.alice().acquire_code().unwrap();
    }
    go_back(86_400 * 365);
    assert!(is_limit(host.alice().acquire(Costly::Sms)));
    assert!(is_limit(host.alice().acquire_code()));
    pass(29);
    assert!(is_limit(host.alice().acquire_code()));
    pass(1);
    host.alice().acquire_code().unwrap();
    pass(3600 - 31);
    assert!(is_limit(host.alice().acquire(Costly::Sms)));
    pass(1);
    host.alice().acquire(Costly::Sms).unwrap();
}

#[test]
fn a_message_from_before_the_clock_was_set_back_can_be_taken_back() {
    let host = Host::new();
    let mut alice = host.alice();
    alice.acquire(Costly::Sms).unwrap();
    go_back(1000);
    host.alice().acquire(Costly::Sms).unwrap();
    alice.release(Costly::Sms);
    assert_eq!(host.listing().users[0].sms, 1);
}

#[test]
fn a_damaged_newer_or_foreign_file_refuses_everything_and_unlock_repairs_it() {
    let host = Host::new();
    host.alice().acquire_code().unwrap();
    let file = host.file("users");
    let good = fs::read(&file).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let bad = [
        String::new(),
        "{".to_owned(),
        text[..text.len() - 1].to_owned(),
        text.replace("\"refused\":1", "\"refused\":-1"),
        text.replace("\"refused\"", "\"refuzed\""),
        text.replace("\"version\":1", "\"version\":2"),
        "\0".repeat(100),
    ];
    let names_the_damage = |result: &Result<(), Error>| {
        matches!(result, Err(Error::State(Failure::State(why)))
            if why.contains("damaged") || why.contains("newer version"))
    };
    let mut wrong = Vec::new();
    for content in bad {
        fs::write(&file, &content).unwrap();
        let results = [
            host.alice().acquire_code(),
            host.alice().acquire(Costly::Sms),
        ];
        // The file is left as it is, for the administrator to look at.
        let is_kept = fs::read_to_string(&file).unwrap() == content;
        let errors = host.listing().errors.len();
        if !results.iter().all(names_the_damage) || !is_kept || errors != 1 {
            wrong.push(format!("{content:?}: {results:?} {is_kept} {errors}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    fs::write(&file, &good).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        host.alice().acquire_code(),
        Err(Error::State(Failure::State(_)))
    ));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "junk").unwrap();
    assert!(unlock(&host.state(), "alice").unwrap());
    host.alice().acquire_code().unwrap();
}

#[test]
fn unlock_forgets_one_user_and_creates_no_file() {
    let host = Host::new();
    assert!(!unlock(&host.state(), "alice").unwrap());
    assert!(!host.state().exists());
    for user in ["alice", "bob"] {
        for _ in 0..3 {
            host.login(user, None).acquire_code().unwrap();
        }
    }
    assert!(unlock(&host.state(), "alice").unwrap());
    assert!(!unlock(&host.state(), "alice").unwrap());
    assert!(!unlock(&host.state(), "nobody/../else").unwrap());
    host.alice().acquire_code().unwrap();
    assert!(is_limit(host.login("bob", None).acquire_code()));
}

#[test]
fn the_listing_shows_only_what_still_counts() {
    let host = Host::new();
    assert!(host.listing().users.is_empty());
    let name = format!("a/b {}", "x".repeat(300));
    host.login(&name, None).acquire(Costly::Push).unwrap();
    host.alice().acquire(Costly::Sms).unwrap();
    pass(10);
    let listing = host.listing();
    let users: Vec<_> = listing
        .users
        .iter()
        .map(|row| (row.who.as_str(), row.sms, row.pushes))
        .collect();
    assert_eq!(users, [(name.as_str(), 0, 1), ("alice", 1, 0)]);
    pass(3600);
    assert!(host.listing().users.is_empty() && host.listing().addresses.is_empty());
}

/// A step of the test below.
#[derive(Debug, Clone, Copy)]
enum Step {
    Acquire,
    Pass(u64),
    /// The clock is set back.
    Back(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Acquire),
        3 => (0..2500_u64).prop_map(Step::Pass),
        1 => (0..100_000_u64).prop_map(Step::Back),
    ]
}

proptest! {
    #[test]
    fn no_more_than_the_limit_is_sent_in_any_hour_even_if_the_clock_is_set_back(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let (mut record, mut clock, mut real) = (Record::default(), 1_000_000_000_u64, 0_u64);
        let mut sent: Vec<u64> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(seconds) => { clock += seconds; real += seconds; }
                Step::Back(seconds) => clock -= seconds,
                Step::Acquire => {
                    record.expire(clock);
                    let within = sent.iter().filter(|at| **at + record::HOUR > real).count();
                    match record.acquire(Costly::Sms, 3, clock) {
                        Ok(()) => {
                            prop_assert!(within < 3);
                            sent.push(real);
                        }
                        Err(wait) => prop_assert!(wait <= Duration::from_secs(record::HOUR) && !wait.is_zero()),
                    }
                }
            }
        }
        // After an hour without a jump of the clock a message is allowed again.
        record.expire(clock);
        record.expire(clock + record::HOUR);
        prop_assert!(record.acquire(Costly::Sms, 3, clock + record::HOUR).is_ok());
    }

    #[test]
    fn no_pause_is_longer_than_fifteen_minutes(refused in 0_u32.., limit in 3_u32..=100, at: u64, now: u64) {
        let text = format!(r#"{{"name":null,"sms":[],"calls":[],"pushes":[],"refused":{refused},"refused_at":{at}}}"#);
        let mut record: Record = serde_json::from_str(&text).unwrap();
        record.expire(now);
        let pause = record.pause(limit, now);
        prop_assert!(pause.is_none_or(|pause| pause <= Duration::from_secs(900)));
        prop_assert!(refused >= limit || pause.is_none());
    }
}
