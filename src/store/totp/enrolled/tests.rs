//! enrolled.toml: how logins and `authyctl` change it, and for which person it counts.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;
use crate::base::factor::Person;
use crate::host::lock;
use crate::store::totp::{Apps, AtPrompt, Held, Query};
use crate::store::users::{self, Entry as UserEntry};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const OTHER: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// 2026-11-27T12:00:00Z.
const SINCE: u64 = 1_795_780_800;
const DAY: u64 = 24 * 60 * 60;

/// A host: its state folder, and its mapping.
struct Host(TempDir);

impl Host {
    fn new() -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        fs::create_dir(host.state()).unwrap();
        fs::set_permissions(host.state(), fs::Permissions::from_mode(0o700)).unwrap();
        host.map("alice = 1635\n");
        host
    }
    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }
    fn users(&self) -> PathBuf {
        self.0.path().join("users.toml")
    }
    fn map(&self, entries: &str) {
        fs::write(self.users(), format!("[users]\n{entries}")).unwrap();
        fs::set_permissions(self.users(), fs::Permissions::from_mode(0o644)).unwrap();
    }
    fn text(&self) -> String {
        fs::read_to_string(path(&self.state())).unwrap()
    }
    /// Writes the file as a person at an editor does.
    fn write(&self, text: &str) {
        fs::write(path(&self.state()), text).unwrap();
        fs::set_permissions(path(&self.state()), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fn add(&self, name: &str, secret: &str, factors: &[&str]) -> Result<Added, Error> {
        add(&self.state(), name, &app(secret), &enrolled(factors))
    }
    /// What the app of alice means for her login this many seconds after it was enrolled.
    fn apps(&self, after: u64) -> (Apps, Person) {
        let mut entry = users::find(&self.users(), "alice").unwrap().entry;
        let query = Query {
            state: &self.state(),
            user: "alice",
            hold: Duration::from_secs(DAY),
            now: UNIX_EPOCH + Duration::from_secs(SINCE + after),
        };
        let apps = Apps::with_enrolled(&self.users(), &mut entry, &query);
        let person = match entry {
            UserEntry::Enrolled(person) => person,
            _ => Person::default(),
        };
        (apps, person)
    }
    /// The same in a word.
    fn standing(&self, after: u64) -> String {
        let (apps, person) = self.apps(after);
        let app = match apps.enrolled() {
            AtPrompt::None => "none".to_owned(),
            AtPrompt::Held(held) => format!("held until +{}", held.until - SINCE),
            AtPrompt::Counts(_) => "counts".to_owned(),
            AtPrompt::Unreadable(why) => format!("unreadable: {why}"),
        };
        let accepted = apps.of_person(&person).map(|app| app.is_some());
        let offered = apps.may_enroll(&self.users(), &person, "alice");
        format!("{app}, codes {accepted:?}, offered {offered}")
    }
}

fn app(secret: &str) -> Authenticator {
    Authenticator::from_base32(secret).unwrap()
}

fn enrolled(factors: &[&str]) -> Enrolled {
    Enrolled {
        since: SINCE,
        factors: factors.iter().map(|one| (*one).to_owned()).collect(),
    }
}

#[test]
fn an_app_is_added_removed_and_found_by_its_index_and_the_rest_of_the_file_stays() {
    let host = Host::new();
    let added = host.add("alice", SECRET, &["authy_id=1635"]).unwrap();
    assert_eq!(added, Added::New);
    let line = format!(
        "\"alice\" = {{ secret = \"{SECRET}\", since = 2026-11-27T12:00:00Z, factors = [\"authy_id=1635\"] }}\n"
    );
    assert!(host.text().ends_with(&format!("[totp]\n{line}")));
    let mode = path(&host.state()).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    host.write(&(host.text() + "# mine\n"));
    host.add("o\"k \\ü", OTHER, &[]).unwrap();
    let names = BTreeSet::from(["o\"k \\ü", "alice"]);
    let found = Secrets::load_form(&path(&host.state()), &names, Form::Enrolled).unwrap();
    assert!(found.places.is_empty(), "not by the index");
    assert_eq!(found.iter().count(), 2);
    assert!(host.text().contains(&format!("{line}# mine\n")));

    let removed = remove(&host.state(), "alice").unwrap();
    assert_eq!(removed, Some(Some(app(SECRET).id())));
    assert!(!host.text().contains("alice") && host.text().contains("# mine\n"));
    assert_eq!(remove(&host.state(), "alice").unwrap(), None);
    assert!(find(&host.state(), "o\"k \\ü").unwrap().is_some());
}

#[test]
fn of_two_logins_one_enrolls_its_app_and_another_person_replaces_it() {
    let host = Host::new();
    let both: Vec<_> = std::thread::scope(|scope| {
        let host = &host;
        let one = |secret| scope.spawn(move || host.add("alice", secret, &["authy_id=1635"]));
        let both = [one(SECRET), one(OTHER)];
        both.map(|one| one.join().unwrap().unwrap()).into()
    });
    assert!(both.contains(&Added::New) && both.contains(&Added::Present));
    assert_eq!(host.text().matches("alice").count(), 1);
    let added = host.add("alice", OTHER, &["authy_id=7"]).unwrap();
    assert_eq!(added, Added::New);
    assert_eq!(host.text().matches("alice").count(), 1);
    assert!(host.text().contains(OTHER) && !host.text().contains(SECRET));
}

#[test]
fn factors_are_taken_in_while_an_old_one_still_matches() {
    let host = Host::new();
    let record = |factors: &[&str]| {
        let factors: Vec<_> = factors.iter().map(|one| (*one).to_owned()).collect();
        record_factors(&host.state(), "alice", &factors).unwrap();
        host.text()
    };
    host.write(&format!(
        "[totp]\nalice = {{ secret = \"{SECRET}\", digits = 8, since = 2026-11-27T12:00:00Z, factors = [\"a\"] }}\n"
    ));
    let before = host.text();
    assert_eq!(record(&["a"]), before);
    assert_eq!(record(&["x"]), before);
    assert!(record(&["a", "b"]).contains("digits = 8, period = 30, algorithm = \"SHA1\", since"));
    assert!(record(&["b"]).contains("factors = [\"b\"]"));
}

#[test]
fn a_file_that_is_not_valid_or_not_trusted_is_not_changed() {
    let entry = format!("{{ secret = \"{SECRET}\", since = 2026-11-27T12:00:00Z }}");
    let rows = [
        "[totp".to_owned(),
        "[other]\n".to_owned(),
        format!("totp = {{ bob = {entry}, kim = {entry} }}\n"),
        "[totp]\nbob.x = 1\n".to_owned(),
        "\u{1}".to_owned(),
    ];
    let mut wrong = Vec::new();
    for text in rows {
        let host = Host::new();
        host.write(&text);
        let outcome = (host.add("alice", SECRET, &[]).is_err(), host.text() == text);
        if outcome != (true, true) {
            wrong.push((text, outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The line of one is that of the other.
    let host = Host::new();
    let both = format!("totp = {{ bob = {entry}, kim = {entry} }}\n");
    host.write(&both);
    assert!(remove(&host.state(), "bob").is_err() && host.text() == both);

    let host = Host::new();
    fs::write(host.0.path().join("elsewhere"), "").unwrap();
    symlink(host.0.path().join("elsewhere"), path(&host.state())).unwrap();
    assert!(host.add("alice", SECRET, &[]).is_err());
    for name in ["", "a\nb", &"x".repeat(257)] {
        assert!(matches!(
            Host::new().add(name, SECRET, &[]),
            Err(Error::Form { .. })
        ));
    }
}

#[test]
fn a_writer_that_is_stopped_delays_a_login_for_a_second_and_no_longer() {
    let host = Host::new();
    let lock = host.state().join("enrolled.toml.lock");
    let held = lock::acquire_at(&lock, Duration::ZERO).unwrap();
    let start = Instant::now();
    assert!(check_writable(&host.state(), "alice").is_err());
    assert!(host.add("alice", SECRET, &[]).is_err());
    assert!(start.elapsed() < Duration::from_secs(4));
    drop(held);
    check_writable(&host.state(), "alice").unwrap();
    assert!(!path(&host.state()).exists(), "a check changes nothing");
    assert!(
        remove(&host.0.path().join("none"), "alice")
            .unwrap()
            .is_none()
    );
    assert!(!host.0.path().join("none").exists());
}

#[test]
fn an_app_counts_after_its_hold_for_the_person_who_enrolled_it() {
    let host = Host::new();
    let none = "none, codes Ok(false), offered true";
    assert_eq!(host.standing(0), none);
    host.add("alice", SECRET, &["authy_id=1635"]).unwrap();
    let held = "held until +86400, codes Ok(false), offered false";
    let counts = "counts, codes Ok(true), offered false";
    assert_eq!(host.standing(0), held);
    assert_eq!(host.standing(DAY - 1), held);
    assert_eq!(host.standing(DAY), counts);
    let (apps, person) = host.apps(DAY);
    assert_eq!(person.totp.as_deref(), Some("alice"));
    assert!(person.stored_ids().len() == 2 && apps.new_factors().is_none());

    host.map("alice = { authy_id = 1635, phone = \"+15551234567\" }\n");
    assert_eq!(host.standing(DAY), counts);
    let (apps, _) = host.apps(DAY);
    let factors = apps.new_factors().unwrap();
    assert_eq!(factors, ["authy_id=1635", "phone=+15551234567"]);

    host.map("alice = 7\n");
    assert_eq!(host.standing(DAY), none);
    let sharing = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    host.map(&format!(
        "alice = {{ keys = {{ \"{sharing}\" = 1635 }} }}\n"
    ));
    assert_eq!(host.standing(DAY), "none, codes Ok(false), offered false");
    host.map("alice = \"x\"\n");
    assert_eq!(host.standing(DAY), "none, codes Ok(false), offered false");
}

#[test]
fn a_clock_that_was_set_back_makes_no_app_count_sooner() {
    let host = Host::new();
    host.add("alice", SECRET, &[]).unwrap();
    let query = |now| Query {
        state: Path::new(""),
        user: "alice",
        hold: Duration::from_secs(DAY),
        now,
    };
    for now in [UNIX_EPOCH, UNIX_EPOCH - Duration::from_secs(5)] {
        let mut entry = users::find(&host.users(), "alice").unwrap().entry;
        let state = host.state();
        let query = Query {
            state: &state,
            ..query(now)
        };
        let apps = Apps::with_enrolled(&host.users(), &mut entry, &query);
        let expected = Held {
            since: SINCE,
            until: SINCE + DAY,
        };
        assert!(matches!(apps.enrolled(), AtPrompt::Held(held) if *held == expected));
    }
}

#[test]
fn a_secret_of_totp_toml_has_precedence() {
    let host = Host::new();
    host.add("alice", SECRET, &[]).unwrap();
    let own = host.0.path().join("totp.toml");
    let write = |text: &str| {
        fs::write(&own, text).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write(&format!("[totp]\nalice = {{ secret = \"{OTHER}\" }}\n"));
    assert_eq!(host.standing(DAY), "none, codes Ok(false), offered false");
    host.map("alice = { authy_id = 1635, totp = true }\n");
    let (apps, person) = host.apps(DAY);
    assert_eq!(
        apps.of_person(&person).unwrap().unwrap().id(),
        app(OTHER).id()
    );
    // An entry that promises a secret which totp.toml does not have.
    write("[totp]\n");
    assert_eq!(host.standing(DAY), "counts, codes Ok(true), offered false");
    assert!(host.standing(0).contains("held until +86400, codes Err("));
    fs::set_permissions(&own, fs::Permissions::from_mode(0o644)).unwrap();
    let standing = host.standing(DAY);
    let is_error = standing.starts_with("unreadable: ") && standing.contains("codes Err(");
    assert!(is_error, "{standing}");
    fs::remove_file(&own).unwrap();
    host.map("alice = 1635\n");
    assert_eq!(host.standing(DAY), "counts, codes Ok(true), offered false");
}

#[test]
fn what_cannot_be_used_does_not_count_and_is_named_without_the_secret() {
    let rows = [
        (
            "{ secret = \"GEZDGNBVGY3TQOJQ\" }",
            ":2: alice: since must be",
        ),
        (
            "{ secret = \"GEZDGNBVGY3TQOJQ\", since = 2026-11-27T12:00:00+01:00 }",
            ":2: alice: since must be",
        ),
        (
            "{ secret = \"GEZDGNBVGY3TQOJQ\", since = 2026-11-27 }",
            ":2: alice: since must be",
        ),
        (
            "{ secret = \"GEZDGNBVGY3TQOJQ\", since = 1795780800 }",
            ":2: alice: since must be",
        ),
        (
            "{ secret = \"GEZDGNBVGY3TQOJQ\", since = 2026-11-27T12:00:00Z, factors = [1] }",
            ":2: alice: factors must be",
        ),
        (
            "{ secret = \"GEZD\", since = 2026-11-27T12:00:00Z }",
            "bytes once decoded",
        ),
        (
            "{ since = 2026-11-27T12:00:00Z, until = 1 }",
            "period, algorithm, since and factors",
        ),
    ];
    let mut wrong = Vec::new();
    for (value, expected) in rows {
        let host = Host::new();
        host.write(&format!("[totp]\nalice = {value}\n"));
        let standing = host.standing(DAY);
        let is_right = standing.starts_with("unreadable: ")
            && standing.contains(expected)
            && standing.ends_with(", codes Ok(false), offered false")
            && !standing.contains("GEZD");
        if !is_right {
            wrong.push((value, standing));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let host = Host::new();
    host.add("alice", SECRET, &[]).unwrap();
    fs::set_permissions(path(&host.state()), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(host.standing(DAY).starts_with("unreadable: "));
    // A secret of totp.toml has no time.
    let text = "[totp]\nbob = { secret = \"GEZDGNBVGY3TQOJQ\", since = 2026-11-27T12:00:00Z }\n";
    let secrets = Secrets::parse(text, Path::new("totp.toml")).unwrap();
    assert!(secrets.find("bob").is_err());
}
