//! What a person sees of a new app, and what its first code changes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::store::state::test_words::map;

/// 2026-11-27T12:00:00Z.
const NOW: u64 = 1_795_780_800;
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn enrollment(state: &Path) -> PromptEnrollment {
    let users = state.with_file_name("users.toml");
    fs::write(&users, "[users]\nalice = 1635\n").unwrap();
    PromptEnrollment {
        state: state.to_owned(),
        people: People::without_directory(&users),
        users,
        user: "alice".to_owned(),
        host: "server1.example.com".to_owned(),
        factors: vec!["authy_id=1635".to_owned()],
        hold: Duration::from_secs(60),
        steps: Steps::new(state, map),
        now,
        app: None,
        stored: None,
        notes: Vec::new(),
    }
}

/// The code of an app at this time.
fn code(app: &Authenticator, time: u64) -> Code {
    (0..1_000_000)
        .map(|number| format!("{number:06}").parse::<Code>().unwrap())
        .find(|code| !matching_times(app, code, time, 0).is_empty())
        .unwrap()
}

/// Reads a drawing as an app does, where each module is `across` characters and each character
/// `down` modules.
#[cfg(feature = "admin")]
fn read(drawing: &str, across: usize, down: usize) -> String {
    const SCALE: usize = 6;
    let lines: Vec<Vec<char>> = drawing.lines().map(|line| line.chars().collect()).collect();
    let (width, height) = (lines[0].len() / across, lines.len() * down);
    let is_light = |x: usize, y: usize| {
        let shown = lines[y / down].get(x * across).copied().unwrap_or(' ');
        match shown {
            '█' | '#' => true,
            '▀' => y.is_multiple_of(2),
            '▄' => !y.is_multiple_of(2),
            _ => false,
        }
    };
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, |x, y| {
            if is_light(x / SCALE, y / SCALE) {
                255
            } else {
                0
            }
        });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "no QR code in\n{drawing}");
    grids[0].decode().unwrap().1
}

#[cfg(feature = "admin")]
#[test]
fn both_drawings_are_read_as_the_address_and_are_as_wide_as_promised() {
    let app = Authenticator::from_base32(SECRET).unwrap();
    let rows = [
        ("pat", "srv1", "pat@srv1"),
        ("alice", "server1.example.com", "alice@server1.example.com"),
        (
            "alice",
            "server1.a-long-name-of-a-department.example.com",
            "alice@server1",
        ),
        (
            "a-long-name-of-a-service-account",
            "server1.example.com",
            "a-long-name-of-a-service",
        ),
        (&"ü".repeat(40), &"x".repeat(64), &"%C3%BC".repeat(5)),
    ];
    let mut wrong = Vec::new();
    for (user, host, name) in rows {
        let expected = format!("otpauth://totp/{name}?secret={SECRET}");
        for (drawing, across, down) in [(Drawing::HalfBlocks, 1, 2), (Drawing::Ascii, 2, 1)] {
            let shown = shown(&app, drawing, user, host);
            let (lines, secret) = shown.expose().rsplit_once('\n').unwrap();
            let width = lines
                .lines()
                .map(|line| line.chars().count())
                .max()
                .unwrap();
            let said = read(lines, across, down);
            let is_ascii = drawing == Drawing::Ascii && shown.expose().is_ascii();
            let limit = if drawing == Drawing::Ascii { 78 } else { 39 };
            assert_eq!(secret, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
            if said != expected || width > limit || is_ascii != (drawing == Drawing::Ascii) {
                wrong.push((user.to_owned(), said, width));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        !shown(&app, Drawing::None, "alice", "x")
            .expose()
            .contains('\n')
    );
}

#[test]
fn a_right_first_code_is_used_up_and_stores_the_app_and_a_wrong_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut enrollment = enrollment(&state);
    assert_eq!(
        enrollment.confirm(&"123456".parse().unwrap()),
        Confirmed::Failed
    );
    assert!(enrollment.is_possible());
    enrollment.begin(Drawing::None).unwrap();
    let app = enrollment.app.clone().unwrap();
    let right = code(&app, NOW);
    for wrong in ["1234567", "123", "000000"] {
        let wrong: Code = wrong.parse().unwrap();
        if wrong.digits() != right.digits() {
            assert_eq!(enrollment.confirm(&wrong), Confirmed::Wrong);
        }
    }
    assert!(enrolled::load(&state).is_err_and(|error| error.is_missing()));
    assert!(!state.join("totp").exists() && !state.join("limits").exists());

    assert_eq!(enrollment.confirm(&right), Confirmed::Stored(NOW + 60));
    let held = Held {
        since: NOW,
        until: NOW + 60,
    };
    assert_eq!(enrollment.stored, Some(held));
    let stored = enrolled::load(&state).unwrap();
    assert_eq!(stored.find("alice").unwrap().id(), app.id());
    let used = Steps::new(&state, map)
        .record(app.id(), &[NOW / 30 * 30])
        .unwrap();
    assert!(
        matches!(used, Recorded::Used(_)),
        "the first code works twice"
    );
}

#[test]
fn a_state_folder_that_cannot_be_written_is_noted_and_nothing_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::write(&state, "").unwrap();
    let mut enrollment = enrollment(&state);
    assert!(!enrollment.is_possible());
    enrollment.begin(Drawing::None).unwrap();
    let right = code(&enrollment.app.clone().unwrap(), NOW);
    assert_eq!(enrollment.confirm(&right), Confirmed::Failed);
    let notes = enrollment.notes;
    assert!(
        notes.len() == 2
            && notes[0].starts_with("no app was enrolled at the prompt for \"alice\": "),
        "{notes:?}"
    );
}

#[test]
fn an_app_of_another_login_stays_and_the_step_of_this_one_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    let mut both = [enrollment(&state), enrollment(&state)];
    let results = both.each_mut().map(|one| {
        one.begin(Drawing::Ascii).unwrap();
        let right = code(one.app.as_ref().unwrap(), NOW);
        one.confirm(&right)
    });
    assert_eq!(results, [Confirmed::Stored(NOW + 60), Confirmed::Failed]);
    let [first, second] = both;
    let stored = enrolled::load(&state).unwrap();
    assert_eq!(stored.find("alice").unwrap().id(), first.app.unwrap().id());
    let last = Steps::new(&state, map).last(second.app.unwrap().id());
    assert_eq!(last.unwrap(), None);
    assert_eq!(second.notes.len(), 1);
}
