//! The QR code and the secret of an app that is added at the prompt of real ssh, in narrow
//! terminals and other locales: the drawing is read from the screen as an app reads it.

use super::person::{Person, Step, secret_on};
use super::rows::Program;
use super::world::World;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

const OFFERS: &str = "enroll_totp = \"offer\"\n";

/// Reads the QR code of these lines, whose modules are so many characters wide, and of which each
/// line has so many rows.
fn read_drawn(lines: &[&str], across: usize, rows: usize) -> Option<String> {
    const SCALE: usize = 6;
    let lines: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    let width = lines.iter().map(Vec::len).max()? / across;
    let is_light = |x: usize, y: usize| {
        let c = lines[y / rows].get(x * across).copied().unwrap_or(' ');
        let is_upper = y.is_multiple_of(rows);
        c == '█' || c == '#' || (c == '▀' && is_upper) || (c == '▄' && !is_upper)
    };
    let size = (width * SCALE, lines.len() * rows * SCALE);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(size.0, size.1, |x, y| {
        if is_light(x / SCALE, y / SCALE) {
            255
        } else {
            0
        }
    });
    let grids = image.detect_grids();
    Some(grids.first()?.decode().ok()?.1)
}

/// Reads the QR code of these lines, which are drawn with half blocks.
pub(crate) fn read_qr(lines: &[&str]) -> Option<String> {
    read_drawn(lines, 1, 2)
}

/// The lines of a screen that are a drawing.
fn drawn<'a>(screen: &'a str, marks: &[char]) -> Vec<&'a str> {
    let lines = screen.lines();
    lines.filter(|line| line.contains(marks)).collect()
}

/// What a person reads on a screen of this width, after this word: the address in the drawing.
fn read(screen: &str, word: &str) -> Option<String> {
    match word {
        "qr" => read_qr(&drawn(screen, &['█', '▀', '▄'])),
        _ => read_drawn(&drawn(screen, &['#']), 2, 1),
    }
}

/// The width, the locale, the word that is typed, and whether the drawing can be read.
type Row = (u32, &'static str, &'static str, bool);

const TABLE: &[Row] = &[
    (80, "LANG=C.UTF-8", "qr", true),
    (40, "LANG=C.UTF-8", "qr", true),
    (80, "LANG=C.UTF-8", "ascii", true),
    (80, "LANG=C", "ascii", true),
    // Half blocks become numbers in C, and the wide drawing is broken into lines of 40.
    (80, "LANG=C", "qr", false),
    (40, "LANG=C", "ascii", false),
    (40, "LANG=C", "key", false),
    (40, "LANG=C.UTF-8", "key", false),
];

#[test]
#[ignore = "needs root"]
fn each_width_and_locale_has_a_drawing_or_a_secret_that_can_be_used() {
    sandboxed!();
    let world = World::set_up();
    check_rows(TABLE, |(columns, locale, word, is_readable)| {
        world.begin(OFFERS, "");
        let mut person = Person::new(&world, world.shell(*columns, locale));
        person.run(Program::Ssh.command());
        // A line of 40 columns breaks the prompt, so that less of it is waited for.
        person.act(&[
            Step::Password,
            Step::RightCode,
            Step::At("qr, ascii or key to", word),
        ]);
        let screen = person.wait_to_read("new app");
        let secret = secret_on(&screen).expect("the secret on a line of its own");
        assert!(secret.len() <= 40, "{secret}");
        let said = read(&screen, word);
        assert_eq!(said.is_some(), *is_readable, "\n{screen}");
        if let Some(said) = said {
            let secret = secret.replace(' ', "");
            assert!(said.ends_with(&format!("?secret={secret}")), "{said}");
            assert!(said.starts_with("otpauth://totp/pat"), "{said}");
        }
        let drawn: Vec<_> = drawn(&screen, &['█', '▀', '▄', '#']);
        if *is_readable {
            let limit = if *word == "qr" { 20 } else { 39 };
            assert!(drawn.len() <= limit, "{} lines\n{screen}", drawn.len());
        }
        // The secret alone is enough in each of them.
        person.act(&[Step::NewAppCode]);
        person.wait_to_read("gate$");
        assert_eq!(
            world.authyctl(&["totp", "list"])["secrets"][0]["user"],
            "pat"
        );
    });
}
