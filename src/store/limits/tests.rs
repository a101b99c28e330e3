//! Limits with a clock that the test sets.

use std::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use proptest::prelude::*;

use super::entry::{CAPACITY, Entry};
use super::slot::{REFUSED, Row as Kind};
use super::word::{Bucket, PauseRule, Streak};
use super::*;
use crate::base::factor::twilio::Challenges;
use crate::base::factor::{ErrorKind, HostCodes, Progress};
use crate::store::state::test_words::map;
use crate::store::state::{MapWords, Words};

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
                sms_per_host: 100,
                refused_tokens: 3,
            },
        }
    }
    fn state(&self) -> PathBuf {
        self.parent.path().join("state")
    }
    fn login(&self, user: &str, address: Option<&str>) -> FileLimits {
        self.with_factors(user, address, &[])
    }
    fn with_factors(&self, user: &str, address: Option<&str>, factors: &[&str]) -> FileLimits {
        let login = LimitedLogin {
            user,
            enrolled: user != "stranger",
            receives: !["stranger", "app-alone"].contains(&user),
            factors: factors.iter().map(|id| (*id).to_owned()).collect(),
            address: address.map(|address| address.parse().unwrap()),
            uid: 1000,
        };
        FileLimits::new(&self.state(), self.rules, login, map, now)
    }
    fn unlock(&self, user: &str) -> bool {
        unlock(&self.state(), user, &[], map, now()).unwrap()
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

/// Words of which another login changes the refused codes between the read and the exchange.
struct Raced(Box<dyn Words>);

thread_local! {
    /// The other login, once.
    static OTHER: RefCell<Option<FileLimits>> = const { RefCell::new(None) };
}

impl Words for Raced {
    fn load(&self, index: usize) -> u64 {
        self.0.load(index)
    }

    fn compare_exchange(&self, index: usize, old: u64, new: u64) -> Result<(), u64> {
        // The file begins with a word of its own.
        if index == REFUSED + 1
            && let Some(mut other) = OTHER.take()
        {
            other.acquire_code().unwrap();
        }
        self.0.compare_exchange(index, old, new)
    }
}

#[test]
fn two_codes_that_are_counted_at_the_same_instant_count_as_two() {
    let host = Host::new();
    OTHER.set(Some(host.alice()));
    let login = LimitedLogin {
        user: "alice",
        enrolled: true,
        receives: true,
        factors: Vec::new(),
        address: None,
        uid: 1000,
    };
    let raced: MapWords = |file, words| Ok(Box::new(Raced(map(file, words)?)));
    let mut limits = FileLimits::new(&host.state(), host.rules, login, raced, now);
    limits.acquire_code().unwrap();
    assert_eq!(host.listing().users[0].refused, 2);
}

#[test]
fn a_login_counts_on_when_the_state_folder_is_removed_meanwhile() {
    let host = Host::new();
    let mut limits = host.alice();
    limits.acquire_code().unwrap();
    fs::remove_dir_all(host.state()).unwrap();
    limits.acquire_code().unwrap();
    assert_eq!(host.listing().users[0].refused, 1);
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
        "limits.sms_per_user = 2: no more SMS for \"alice\" within this hour; the next in 45 min"
    );
    // Other kinds and other users are not limited.
    host.alice().acquire(Costly::Push).unwrap();
    host.alice().acquire(Costly::Call).unwrap();
    host.login("bob", Some("192.0.2.7"))
        .acquire(Costly::Sms)
        .unwrap();
    // A message counts until an hour after the end of its five minutes.
    pass(2699);
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
fn an_ipv6_address_counts_by_its_first_half_and_a_login_without_an_address_by_uid() {
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
    assert!(
        error.contains("for logins of uid 1000 without an address"),
        "{error}"
    );
    let addresses: Vec<_> = host
        .listing()
        .addresses
        .into_iter()
        .map(|row| row.who)
        .collect();
    assert_eq!(
        addresses,
        ["2001:db8:0:5::/64", "2001:db8:0:6::/64", "uid:1000"]
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
    alice.code_accepted(true);
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
    let bytes = fs::read(host.file("strangers")).unwrap();
    assert!(!bytes.windows(8).any(|part| part == b"stranger"));
    assert!(host.unlock("stranger"));
    host.login("stranger", None).acquire_code().unwrap();
}

#[test]
fn the_records_of_a_million_names_and_addresses_are_bounded() {
    let entry = Entry::of_address(Some("192.0.2.7".parse().unwrap()), 0);
    let host = Host::new();
    for number in 0..100_u64 {
        // All in one file, as an attacker could choose them.
        let mut entry = entry.clone();
        entry.key = number << 20 | 1;
        let time = 1_800_000_000 + number;
        let slot = entry.claim(&host.state(), map, time).unwrap();
        let counted = slot.acquire(Costly::Sms.into(), 5, &|| time).unwrap();
        assert!(counted.is_some());
        // What the former key had counted is not the next one's.
        assert!(slot.acquire(Costly::Sms.into(), 1, &|| time).is_err());
    }
    let found = |number: u64| {
        let mut entry = entry.clone();
        entry.key = number << 20 | 1;
        entry.find(&host.state(), map).unwrap().is_some()
    };
    assert_eq!((0..100).filter(|number| found(*number)).count(), CAPACITY);
    assert!(found(99) && found(61) && !found(60));
    const { assert!(CAPACITY * 256 <= 10_000) };
    let files: std::collections::BTreeSet<_> = (0..5000_u32)
        .map(|number| Entry::of_address(Some(IpAddr::V4(number.into())), 0).file)
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
    pass(300 + 1);
    host.alice().acquire(Costly::Sms).unwrap();
}

/// A process that is stopped between the clock and the exchange would otherwise date back what
/// others counted meanwhile, and so end their pause or their hour early.
#[test]
fn a_process_with_a_late_clock_dates_back_nothing_that_others_have_counted() {
    let host = Host::new();
    host.alice().acquire(Costly::Sms).unwrap();
    let slot = Entry::of_user("alice", true);
    let slot = slot.find(&host.state(), map).unwrap().unwrap();
    let late = seconds(now());
    let stopped = Cell::new(true);
    // The clock is read, then the process is stopped for 20 minutes while another one counts.
    let clock = || {
        if stopped.replace(false) {
            pass(1200);
            host.alice().acquire(Costly::Sms).unwrap();
            return late;
        }
        seconds(now())
    };
    assert!(slot.acquire(Costly::Sms.into(), 2, &clock).is_err());
    pass(3599);
    // The other one's message still counts.
    host.alice().acquire(Costly::Sms).unwrap();
    assert!(is_limit(host.alice().acquire(Costly::Sms)));
}

#[test]
fn a_damaged_newer_or_foreign_file_refuses_everything_and_unlock_repairs_it() {
    let host = Host::new();
    host.alice().acquire_code().unwrap();
    let file = host.file("users");
    let good = fs::read(&file).unwrap();
    let head = u64::from_ne_bytes(good[..8].try_into().unwrap());
    let with_head = |head: u64| [&head.to_ne_bytes(), &good[8..]].concat();
    let bad = [
        b"{".to_vec(),
        b"{\"version\":1,\"body\":{}}".to_vec(),
        good[..good.len() - 1].to_vec(),
        good[..8].to_vec(),
        [&good[..], b"\0"].concat(),
        with_head(head + 1),
        with_head(head - 1),
        with_head(head ^ 1 << 63),
        vec![0; good.len() + 1],
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
        let is_kept = fs::read(&file).unwrap() == content;
        let errors = host.listing().errors.len();
        if !results.iter().all(names_the_damage) || !is_kept || errors != 1 {
            wrong.push(format!(
                "{} bytes: {results:?} {is_kept} {errors}",
                content.len()
            ));
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
    assert!(host.unlock("alice"));
    host.alice().acquire_code().unwrap();
}

#[test]
fn unlock_forgets_one_user_and_creates_no_file() {
    let host = Host::new();
    assert!(!host.unlock("alice"));
    assert!(!host.state().exists());
    for user in ["alice", "bob"] {
        for _ in 0..3 {
            host.login(user, None).acquire_code().unwrap();
        }
    }
    assert!(host.unlock("alice"));
    assert!(!host.unlock("alice"));
    assert!(!host.unlock("nobody/../else"));
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
    pass(3900);
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
        let host = Host::new();
        let slot = Entry::of_host().claim(&host.state(), map, 0).unwrap();
        let (clock, mut real) = (Cell::new(1_000_000_000_u64), 0_u64);
        let acquire = || slot.acquire(Costly::Sms.into(), 3, &|| clock.get());
        let mut sent: Vec<u64> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(seconds) => { clock.set(clock.get() + seconds); real += seconds; }
                Step::Back(seconds) => clock.set(clock.get() - seconds),
                Step::Acquire => {
                    let within = sent.iter().filter(|at| **at + 3600 > real).count();
                    match acquire() {
                        Ok(_) => {
                            prop_assert!(within < 3);
                            sent.push(real);
                        }
                        Err(wait) => prop_assert!(wait <= Duration::from_secs(3900) && !wait.is_zero()),
                    }
                }
            }
        }
        // After an hour without a jump of the clock a message is allowed again.
        let _ = acquire();
        clock.set(clock.get() + 3900);
        prop_assert!(acquire().is_ok());
    }

    #[test]
    fn no_pause_is_longer_than_fifteen_minutes(word: u64, limit in 3_u32..=100, now: u64) {
        let streak = Streak::unpack(word, 0);
        let pause = streak.pause(PauseRule::refused(limit), now);
        prop_assert!(pause.is_none_or(|pause| pause <= Duration::from_secs(900)));
        prop_assert!(u32::from(streak.number) >= limit || pause.is_none());
    }

    #[test]
    fn a_word_says_what_was_packed_and_nothing_to_another_key(word: u64, tag: u16) {
        let streak = Streak::unpack(word, tag);
        prop_assert_eq!(Streak::unpack(streak.pack(tag), tag), streak);
        prop_assert_eq!(Streak::unpack(streak.pack(tag), tag ^ 1), Streak::default());
        let bucket = Bucket::unpack(word, tag);
        prop_assert_eq!(Bucket::unpack(bucket.pack(tag), tag), bucket);
        prop_assert_eq!(Bucket::unpack(bucket.pack(tag), tag ^ 1), Bucket::default());
    }
}

#[test]
fn a_file_whose_creator_was_killed_is_completed() {
    let host = Host::new();
    host.alice().acquire_code().unwrap();
    let file = host.file("users");
    for length in [0, 1, 100] {
        fs::write(&file, vec![0; length]).unwrap();
        assert!(host.listing().errors.is_empty());
        host.alice().acquire_code().unwrap();
        assert_eq!(host.listing().users[0].refused, 1, "{length}");
    }
}

#[test]
fn the_host_sends_a_limited_number_of_sms_and_unenrolled_users_take_none() {
    let mut host = Host::new();
    host.rules.sms_per_host = 2;
    host.rules.per_address.sms = 9;
    for user in ["stranger", "app-alone", "alice", "bob"] {
        host.login(user, None).acquire(Costly::Sms).unwrap();
    }
    let error = detail(host.login("carol", Some("192.0.2.7")).acquire(Costly::Sms));
    assert!(
        error.starts_with("limits.sms_per_host = 2: no more SMS for this host"),
        "{error}"
    );
    // Users to whom nothing is sent see no difference.
    for user in ["stranger", "app-alone"] {
        assert!(is_limit(host.login(user, None).acquire(Costly::Sms)));
    }
    // What the host did not allow is not counted for the user and the address.
    let listing = host.listing();
    assert!(listing.users.iter().all(|row| row.who != "carol"));
    assert!(listing.addresses.iter().all(|row| row.who != "192.0.2.7"));
    host.login("carol", None).acquire(Costly::Call).unwrap();
}

#[test]
fn a_refused_code_of_one_user_pauses_another_user_with_the_same_factor() {
    let host = Host::new();
    let login = |user, factors: &[&str]| host.with_factors(user, None, factors);
    for _ in 0..3 {
        login("alice", &["authy_id=1", "phone=2"])
            .acquire_code()
            .unwrap();
    }
    assert!(is_limit(login("bob", &["phone=2"]).acquire_code()));
    assert!(is_limit(login("alice", &["authy_id=7"]).acquire_code()));
    login("bob", &["authy_id=7"]).acquire_code().unwrap();
    let of_user = |factors: &[&str]| {
        let factors: Vec<_> = factors.iter().map(|id| (*id).to_owned()).collect();
        of_user(&host.state(), &host.rules, "carol", &factors, now()).unwrap()
    };
    assert!(of_user(&["phone=2"]).is_some_and(|row| row.pause.is_some()));
    assert!(of_user(&["phone=3"]).is_none());
    // A pause of one factor counts nothing for the others.
    assert!(is_limit(
        login("carol", &["phone=3", "phone=2"]).acquire_code()
    ));
    assert!(of_user(&["phone=3"]).is_none());
    let factors = ["phone=2".to_owned()];
    assert!(unlock(&host.state(), "bob", &factors, map, now()).unwrap());
    login("bob", &["phone=2"]).acquire_code().unwrap();
}

#[test]
fn an_accepted_code_takes_back_no_later_refusal() {
    let host = Host::new();
    let factors = ["authy_id=1"];
    let login = || host.with_factors("alice", None, &factors);
    let mut slow = login();
    slow.acquire_code().unwrap();
    let mut quick = login();
    quick.acquire_code().unwrap();
    quick.code_accepted(true);
    assert!(host.listing().users.is_empty());
    login().acquire_code().unwrap();
    login().acquire_code().unwrap();
    // It knows only what was counted before its own code.
    slow.code_accepted(true);
    assert_eq!(host.listing().users[0].refused, 2);
    slow.code_accepted(true);
    slow.release_code();
    assert_eq!(host.listing().users[0].refused, 2);
    // Nor does a recovery code or a push.
    let mut noted = login();
    noted.note_refused();
    login().acquire_code().unwrap();
    noted.code_accepted(true);
    assert_eq!(host.listing().users[0].refused, 1);
}

#[test]
fn an_acceptance_says_how_many_were_refused_before_it_by_whatever_it_is() {
    let host = Host::new();
    let refuse = |login: &mut FileLimits| login.acquire_code().unwrap();
    let mut code = host.alice();
    (0..3).for_each(|_| refuse(&mut code));
    assert_eq!(
        code.code_accepted(true),
        2,
        "the last one is the accepted one"
    );
    let mut push = host.alice();
    refuse(&mut push);
    push.acquire(Costly::Push).unwrap();
    assert_eq!(push.code_accepted(false), 1);
    let mut recovery = host.alice();
    refuse(&mut recovery);
    recovery.note_refused();
    assert_eq!(recovery.code_accepted(false), 1);
    assert_eq!(host.alice().code_accepted(false), 0);
}

/// Another person's codes are not theirs, though they share the account.
#[test]
fn in_a_shared_account_an_acceptance_says_what_was_refused_of_this_person() {
    let host = Host::new();
    let mut kim = host.with_factors("deploy", None, &["authy_id=1"]);
    (0..2).for_each(|_| kim.acquire_code().unwrap());
    let mut lee = host.with_factors("deploy", None, &["authy_id=2"]);
    lee.acquire_code().unwrap();
    assert_eq!(lee.code_accepted(true), 0);
}

#[test]
fn codes_without_an_answer_are_taken_back_in_any_order() {
    let host = Host::new();
    let mut logins: Vec<_> = (0..3).map(|_| host.alice()).collect();
    for login in &mut logins {
        login.acquire_code().unwrap();
    }
    for login in logins.iter_mut().rev() {
        login.release_code();
    }
    assert!(host.listing().users.is_empty());
    // One that another login's success has forgotten is not taken back again.
    let (mut lost, mut accepted) = (host.alice(), host.alice());
    lost.acquire_code().unwrap();
    accepted.acquire_code().unwrap();
    accepted.code_accepted(true);
    host.alice().acquire_code().unwrap();
    lost.release_code();
    assert_eq!(host.listing().users[0].refused, 1);
}

#[test]
fn a_denied_push_counts_as_refused_and_stops_pushes_for_a_time_that_doubles() {
    let mut host = Host::new();
    host.rules.per_user.pushes = 1000;
    host.rules.per_address.pushes = 1000;
    let login = |user| host.with_factors(user, None, &["authy_id=1"]);
    let mut wrong = Vec::new();
    for (number, pause) in [60, 120, 240, 480, 960, 1920, 3600, 3600]
        .into_iter()
        .enumerate()
    {
        let mut alice = login("alice");
        alice.acquire(Costly::Push).unwrap();
        alice.push_denied();
        let refused = host.listing().users[0].refused as usize;
        // The person has the same phone as another user.
        pass(pause - 1);
        let before = [login("alice"), login("bob")].map(|mut login| login.acquire(Costly::Push));
        pass(1);
        if refused != number + 1 || !before.iter().all(|result| is_limit(result.clone())) {
            wrong.push(format!("{pause} s: {refused}, {before:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // An approved push ends it, and a denial that comes later counts.
    let (mut alice, mut other) = (login("alice"), login("alice"));
    alice.acquire(Costly::Push).unwrap();
    other.acquire(Costly::Push).unwrap();
    other.push_denied();
    alice.push_approved();
    let error = detail(login("alice").acquire(Costly::Push));
    assert_eq!(
        error,
        "1 denied pushes in a row: no push for \"alice\" for 60 s; authyctl unlock \"alice\" ends the pause"
    );
    // Other kinds are sent.
    login("alice").acquire(Costly::Sms).unwrap();
    assert!(host.unlock("alice"));
    let factors = ["authy_id=1".to_owned()];
    assert!(unlock(&host.state(), "alice", &factors, map, now()).unwrap());
    login("alice").acquire(Costly::Push).unwrap();
}

#[test]
fn what_is_counted_in_a_file_that_was_removed_meanwhile_is_counted_again() {
    let host = Host::new();
    let entry = Entry::of_user("alice", true);
    let slot = entry.claim(&host.state(), map, 0).unwrap();
    forget(&host.state(), Some("alice"), &[]).unwrap();
    assert_eq!(slot.acquire(Costly::Sms.into(), 5, &|| 0), Ok(None));
    assert_eq!(slot.refuse(Kind::Refused, None, &|| 0), Ok(None));
    assert!(entry.find(&host.state(), map).unwrap().is_none());
}

#[test]
fn forget_ends_the_counts_of_a_person_and_prepare_makes_the_files() {
    let host = Host::new();
    let factors = ["authy_id=1".to_owned()];
    prepare(&host.state(), "alice", &factors, map, now()).unwrap();
    assert!(host.file("users").exists() && host.file("factors").exists());
    host.with_factors("alice", None, &["authy_id=1"])
        .acquire_code()
        .unwrap();
    host.login("bob", None).acquire_code().unwrap();
    forget(&host.state(), Some("alice"), &factors).unwrap();
    assert_eq!(host.listing().users.len(), 1);
    let left = of_user(&host.state(), &host.rules, "alice", &factors, now());
    assert_eq!(left.unwrap(), None);
    forget(&host.state(), Some("alice"), &factors).unwrap();
}

/// Otherwise a person who guesses with a helper that logs in now and then would have any number.
#[test]
fn codes_checked_on_this_host_are_at_most_fifty_refused_ones_a_day_whatever_was_accepted() {
    let host = Host::new();
    let alice = || host.with_factors("alice", None, &["authy_id=1"]);
    for number in 0..50 {
        let mut login = alice();
        login.acquire_host_code().unwrap();
        if number % 10 == 0 {
            login.code_accepted(true);
        }
        // A code that was accepted does not count.
        let mut accepted = alice();
        accepted
            .acquire_host_code()
            .unwrap_or_else(|_| assert_eq!(number, 49));
        accepted.release_host_code();
        accepted.release_host_code();
        pass(600);
    }
    let error = alice().acquire_host_code().unwrap_err();
    assert!(
        error.kind == ErrorKind::Paused
            && error.detail.starts_with("50 refused codes within a day"),
        "{error:?}"
    );
    let factors = ["authy_id=1".to_owned()];
    let shown = || of_user(&host.state(), &host.rules, "alice", &factors, now());
    let row = shown().unwrap().unwrap();
    assert!(row.app_pause.is_some() && row.pause.is_none(), "{row:?}");
    // Codes that a provider checks are counted apart.
    alice().acquire_code().unwrap();
    pass(86_400 - 50 * 600 - 1);
    let kind = alice().acquire_host_code().unwrap_err().kind;
    assert_eq!(kind, ErrorKind::Paused);
    pass(3600 + 1);
    alice().acquire_host_code().unwrap();
    assert!(unlock(&host.state(), "alice", &factors, map, now()).unwrap());
    (0..50).for_each(|_| alice().acquire_host_code().unwrap());
}

#[test]
fn an_app_at_twilio_has_fifty_challenges_an_hour_and_a_hundred_a_day() {
    let host = Host::new();
    let app = format!("twilio_factor=YF{}", "0".repeat(32));
    let mut alice = host.with_factors("alice", None, &["phone=+15551234567", &app]);
    for _ in 0..50 {
        alice.acquire_challenge().unwrap();
    }
    let renamed = || host.with_factors("alicia", None, &[&app]);
    let paused = renamed().acquire_challenge().unwrap_err();
    assert_eq!(paused.kind, ErrorKind::Paused);
    let text = "50 logins by the app at Twilio within an hour: no code of the app of \"alicia\" is checked for 65 min";
    assert_eq!(
        (paused.detail.as_str(), paused.progress),
        (text, Progress::NotSent)
    );
    // What was not counted is not taken back, and what was sent stays.
    renamed().release_challenge();
    assert!(renamed().acquire_challenge().is_err());
    host.unlock("alice");
    assert!(
        renamed().acquire_challenge().is_err(),
        "Twilio does not unlock"
    );
    alice.release_challenge();
    renamed().acquire_challenge().unwrap();
    assert!(renamed().acquire_challenge().is_err());

    pass(2 * 3600);
    (0..50).for_each(|_| renamed().acquire_challenge().unwrap());
    pass(2 * 3600);
    let paused = renamed().acquire_challenge().unwrap_err();
    assert!(
        paused
            .detail
            .starts_with("100 logins by the app at Twilio within a day: "),
        "{paused:?}"
    );
    // What the day refuses does not count for the hour.
    for _ in 0..60 {
        let paused = renamed().acquire_challenge().unwrap_err();
        assert!(paused.detail.contains("within a day: "), "{paused:?}");
    }
    pass(24 * 3600);
    renamed().acquire_challenge().unwrap();
}

#[test]
fn an_sms_or_call_is_known_for_ten_minutes_to_each_user_of_the_person() {
    let host = Host::new();
    let login = |user, factors: &[&str]| {
        let mut login = host.with_factors(user, None, factors);
        // As a login that is about to be asked.
        login.acquire_code().unwrap();
        login.release_code();
        login
    };
    assert!(!login("alice", &["authy_id=1"]).sent_lately());
    assert!(
        host.with_factors("carol", None, &["authy_id=3"])
            .sent_lately(),
        "what cannot be read may have been sent"
    );
    login("alice", &["authy_id=1"])
        .acquire(Costly::Push)
        .unwrap();
    assert!(!login("alice", &["authy_id=1"]).sent_lately());
    for what in [Costly::Sms, Costly::Call] {
        login("alice", &["authy_id=1", "phone=2"])
            .acquire(what)
            .unwrap();
        let users = [
            ("alice", "authy_id=1"),
            ("bob", "authy_id=1"),
            ("bob", "phone=2"),
        ];
        for (user, factor) in users {
            assert!(
                login(user, &[factor]).sent_lately(),
                "{what:?} {user} {factor}"
            );
        }
        assert!(!login("bob", &["authy_id=7"]).sent_lately());
        pass(600);
        assert!(login("alice", &["authy_id=1"]).sent_lately());
        // The rest of its five minutes.
        pass(300);
        assert!(!login("alice", &["authy_id=1"]).sent_lately());
        assert!(!login("bob", &["phone=2"]).sent_lately());
    }
    let mut not_sent = login("alice", &["authy_id=1"]);
    pass(3600);
    not_sent.acquire(Costly::Sms).unwrap();
    not_sent.release(Costly::Sms);
    assert!(!login("alice", &["authy_id=1"]).sent_lately());
}
