//! totp.toml and the last steps, without the engine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::base::factor::TotpId;
use crate::store::state::test_words::map;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn parse(text: &str) -> Result<Secrets, String> {
    Secrets::parse(text, Path::new("totp.toml")).map_err(|error| error.to_string())
}

fn error_of(value: &str) -> String {
    let text = format!("[totp]\nbob = {value}\nalice = {{ secret = \"{SECRET}\" }}\n");
    let secrets = parse(&text).unwrap();
    assert!(secrets.find("alice").is_ok(), "{value}: alice is refused");
    secrets.find("bob").map(|_| ()).unwrap_err().to_string()
}

#[test]
fn an_entry_has_the_usual_settings_or_its_own() {
    let own =
        format!("{{ secret = \"{SECRET}\", digits = 8, period = 60, algorithm = \"SHA512\" }}");
    let secrets = parse(&format!(
        "[totp]\nbob = {{ secret = \"{SECRET}\" }}\n\"jane.doe\" = {own}\n"
    ));
    let secrets = secrets.unwrap();
    let settings = |name| {
        let app = secrets.find(name).unwrap();
        (app.digits(), app.period(), app.algorithm())
    };
    assert_eq!(settings("bob"), (6, 30, Algorithm::Sha1));
    assert_eq!(settings("jane.doe"), (8, 60, Algorithm::Sha512));
    assert_eq!(secrets.iter().count(), 2);
    let missing = secrets.find("Bob").unwrap_err().to_string();
    assert!(
        missing.starts_with("totp.toml: Bob has no secret there"),
        "{missing}"
    );
}

#[test]
fn an_entry_that_cannot_be_used_is_an_error_of_its_person_alone_and_names_the_line() {
    let with = |settings: &str| format!("{{ secret = \"{SECRET}\", {settings} }}");
    let long = format!("{{ secret = \"{}\" }}", "A".repeat(5000));
    let rows = [
        (
            "{ secret = \"\" }",
            "secret has 0 bytes once decoded, not 10 to 128",
        ),
        ("{ secret = \"ABC\" }", "secret is not base32"),
        (&long, "secret has 3125 bytes once decoded, not 10 to 128"),
        ("{ secret = \"0189\" }", "secret is not base32"),
        ("{ secret = 7 }", "secret must be a text in quotes"),
        ("{}", "secret is missing"),
        (
            SECRET_TEXT,
            "must be a table such as { secret = \"BASE32\" }",
        ),
        (&with("digits = 5"), "digits must be 6, 7 or 8"),
        (&with("digits = \"6\""), "digits must be 6, 7 or 8"),
        (&with("period = 121"), "period must be 15 to 120 seconds"),
        (&with("period = 30.0"), "period must be 15 to 120 seconds"),
        (&with("algorithm = \"sha1\""), "algorithm must be \"SHA1\""),
        (&with("algorithm = 1"), "algorithm must be \"SHA1\""),
        (
            &with("issuer = \"x\""),
            "has an unknown key; the keys are secret, digits, period and algorithm",
        ),
    ];
    let wrong: Vec<_> = rows
        .into_iter()
        .map(|(value, expected)| (error_of(value), format!("totp.toml:2: bob: {expected}")))
        .filter(|(error, expected)| !error.starts_with(expected.as_str()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const SECRET_TEXT: &str = "\"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"";

#[test]
fn a_mistake_in_the_form_refuses_the_whole_file_and_quotes_no_secret() {
    let entry = format!("{{ secret = \"{SECRET}\" }}");
    let rows = [
        (
            format!("bob = {entry}\n"),
            "totp.toml:1: unknown key bob; secrets belong in the table [totp]",
        ),
        ("totp = 5\n".to_owned(), "totp.toml:1: totp must be a table"),
        (
            format!("[totp]\n\njane.doe = {entry}\n"),
            "totp.toml:3: jane.doe: put the name in quotes",
        ),
        (
            format!("[totp.bob]\nsecret = \"{SECRET}\"\n"),
            "totp.toml:1: bob.secret: put the name in quotes",
        ),
        (
            format!("[totp]\nbob = {entry}\nbob = {entry}\n"),
            "totp.toml:3: ",
        ),
        (
            format!("[totp]\nbob = {{ secret = \"{SECRET}\n"),
            "totp.toml:2: ",
        ),
        (
            format!("[totp]\nbob = {{ secret = {SECRET} }}\n"),
            "totp.toml:2: ",
        ),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in rows {
        let error = parse(&text).map(|_| ()).unwrap_err();
        if !error.starts_with(expected) || error.contains(SECRET) {
            wrong.push(format!("{text:?}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_file_is_beside_the_mapping_and_only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(&folder.path().join("users.toml"));
    assert_eq!(path, folder.path().join("totp.toml"));
    assert!(Secrets::load(&path).unwrap_err().is_missing());
    fs::write(
        &path,
        format!("[totp]\nbob = {{ secret = \"{SECRET}\" }}\n"),
    )
    .unwrap();
    for (mode, is_read) in [(0o640, false), (0o604, false), (0o600, true)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(Secrets::load(&path).is_ok(), is_read, "{mode:o}");
    }
    let some = Secrets::load_some(&path, &["kim"].into()).unwrap();
    assert_eq!(some.iter().count(), 0);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = parse(&text);
        let _ = parse(&format!("[totp]\n{text}"));
        let _ = parse(&format!("[totp]\nbob = {{ {text} }}"));
    }
}

fn id(number: u8) -> TotpId {
    TotpId::new(&[number; 16])
}

struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }
    fn steps(&self) -> Steps {
        Steps::new(&self.state(), map)
    }
    fn file(&self) -> PathBuf {
        self.state().join("totp").join(id(1).to_string())
    }
}

#[test]
fn a_step_is_accepted_once_and_no_earlier_one_after_it() {
    let host = Host::new();
    let record = |times: &[u64]| host.steps().record(id(1), times).unwrap();
    assert_eq!(host.steps().last(id(1)).unwrap(), None);
    assert_eq!(record(&[60]), Recorded::New);
    assert_eq!(record(&[60]), Recorded::Used(60));
    assert_eq!(record(&[30]), Recorded::Used(60));
    assert_eq!(record(&[]), Recorded::Used(60));
    assert_eq!(record(&[60, 90, 120]), Recorded::New);
    assert_eq!(host.steps().last(id(1)).unwrap(), Some(90));
    assert_eq!(host.steps().last(id(2)).unwrap(), None);
    assert_eq!(host.steps().record(id(2), &[60]).unwrap(), Recorded::New);
}

#[test]
fn sixty_four_logins_at_once_accept_a_step_once() {
    let host = Host::new();
    let accepted = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                if host.steps().record(id(1), &[60]).unwrap() == Recorded::New {
                    accepted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(accepted.into_inner(), 1);
}

#[test]
fn a_step_that_is_forgotten_can_be_used_again() {
    let host = Host::new();
    assert!(!host.steps().reset(id(1)).unwrap());
    host.steps().record(id(1), &[6000]).unwrap();
    assert!(host.steps().reset(id(1)).unwrap());
    assert!(!host.steps().reset(id(1)).unwrap());
    assert_eq!(host.steps().record(id(1), &[60]).unwrap(), Recorded::New);
    assert!(host.file().exists());
    assert!(host.steps().forget(id(1)).unwrap());
    assert!(!host.steps().forget(id(1)).unwrap());
    assert!(!host.file().exists());
}

#[test]
fn a_damaged_file_accepts_nothing_until_it_is_forgotten() {
    let host = Host::new();
    host.steps().record(id(1), &[60]).unwrap();
    fs::write(host.file(), "damaged").unwrap();
    let error = host.steps().record(id(1), &[90]).unwrap_err();
    assert!(
        matches!(&error, crate::store::state::Failure::State(text) if text.ends_with("is damaged")),
        "{error:?}"
    );
    assert_eq!(host.steps().unreadable().unwrap().len(), 1);
    assert!(host.steps().reset(id(1)).unwrap());
    assert_eq!(host.steps().record(id(1), &[90]).unwrap(), Recorded::New);
}

#[cfg(feature = "admin")]
mod writing {
    use super::super::write::{self, Change, Error};
    use super::*;

    const FILE: &str = "# apps\n[totp]\nbob = { secret = \"GEZDGNBVGY3TQOJQ\" } # old phone\n\n# others\nkim = {}\n";

    fn app() -> Authenticator {
        Authenticator::from_base32(SECRET).unwrap()
    }

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(text: &str) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            fs::write(folder.path(), text).unwrap();
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o400)).unwrap();
            folder
        }
        fn path(&self) -> PathBuf {
            self.0.path().join("totp.toml")
        }
        fn text(&self) -> String {
            fs::read_to_string(self.path()).unwrap()
        }
    }

    #[test]
    fn comments_order_and_mode_stay() {
        let folder = Folder::with(FILE);
        let eight = app().with_digits(8).unwrap().with_period(60).unwrap();
        let eight = eight.with_algorithm(Algorithm::Sha256);
        write::set(&folder.path(), "jane.doe", &eight, false).unwrap();
        let change = write::set(&folder.path(), "bob", &app(), true).unwrap();
        let old = Authenticator::from_base32("GEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(
            change,
            Change {
                changed: true,
                previous: Some(old.id())
            }
        );
        let expected = FILE.replace("GEZDGNBVGY3TQOJQ", SECRET)
            + &format!(
                "\"jane.doe\" = {{ secret = \"{SECRET}\", digits = 8, period = 60, algorithm = \"SHA256\" }}\n"
            );
        assert_eq!(folder.text(), expected);
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400);
        assert_eq!(
            write::remove(&folder.path(), "jane.doe").unwrap(),
            Some(app().id())
        );
        assert_eq!(write::remove(&folder.path(), "kim").unwrap(), None);
        assert!(matches!(
            write::remove(&folder.path(), "kim"),
            Err(Error::Missing(_))
        ));
    }

    #[test]
    fn the_same_secret_again_changes_nothing_and_another_needs_replace() {
        let folder = Folder::with(FILE);
        let same = Authenticator::from_base32("gezd gnbv gy3t qojq").unwrap();
        let change = write::set(&folder.path(), "bob", &same, false).unwrap();
        assert!(!change.changed);
        let refused = write::set(&folder.path(), "bob", &app(), false);
        assert!(matches!(refused, Err(Error::OtherSecret(_))));
        assert_eq!(folder.text(), FILE);
        // An entry that cannot be used is repaired.
        assert!(
            write::set(&folder.path(), "kim", &app(), false)
                .unwrap()
                .changed
        );
    }

    fn index_of(path: &Path) -> PathBuf {
        path.with_extension("toml.index")
    }

    #[test]
    fn every_change_leaves_an_index_that_finds_what_the_whole_file_has() {
        let folder = Folder::with(FILE);
        let path = folder.path();
        let names = ["bob", "kim", "jane.doe", "nobody"];
        let by = |names: &[&str]| {
            let names = names.iter().copied().collect();
            let opened = trusted_file::open(&path, Access::OwnerOnly).unwrap();
            let found = index::find(&opened, &names, Form::Totp)?;
            Some(format!("{found:?}"))
        };
        let whole = || {
            let secrets = Secrets::load(&path).unwrap();
            let found: BTreeMap<_, _> = secrets.iter().collect();
            format!("{found:?}")
        };
        assert_eq!(by(&names), None, "there is no index yet");
        write::set(&path, "jane.doe", &app(), false).unwrap();
        assert_eq!(by(&names), Some(whole()));
        write::remove(&path, "kim").unwrap();
        assert_eq!(by(&names), Some(whole()));
        let mode = fs::metadata(index_of(&path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400);
        // An edit by hand makes it invalid until the next change or `authyctl index`.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, folder.text() + "al = { secret = \"x\" }\n").unwrap();
        assert_eq!(by(&names), None);
        assert!(
            Secrets::load_some(&path, &["bob"].into())
                .unwrap()
                .find("bob")
                .is_ok()
        );
        write::index(&path).unwrap();
        assert!(by(&["al"]).unwrap().contains("Invalid"));
        fs::write(index_of(&path), "damaged").unwrap();
        assert_eq!(by(&names), None);
    }

    #[test]
    fn a_missing_file_is_made_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("totp.toml");
        write::set(&path, "bob", &app(), false).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(Secrets::load(&path).unwrap().find("bob").is_ok());
    }

    #[test]
    fn many_writers_at_once_lose_no_secret() {
        let folder = Folder::with("[totp]\n");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let path = folder.path();
                scope.spawn(move || write::set(&path, &format!("u{number}"), &app(), false));
            }
        });
        assert_eq!(Secrets::load(&folder.path()).unwrap().iter().count(), 8);
    }
}
