//! What a person reads: real ssh, sudo and su in a real terminal, compared with docs/screens.md.
//!
//! The screens are recorded inside the sandbox and compared outside, where the page can be written.

mod apps;
mod enroll;
mod page;
mod patterns;
mod person;
mod rows;
mod table;
mod terminals;
mod typed;
mod world;

use std::process::Command;

use pam_authy::base::language::{Language, Message};
use pam_authy::messages::built_in;
use serde_json::{Value, json};

use crate::common::rows::check_rows;
use crate::common::sandbox;
use crate::common::test_name;
use crate::packaging::docs::section;
use crate::packaging::{root, text_of};
pub(crate) use enroll::read_qr;
use person::Person;
use rows::{Program, Row};
use world::World;

/// What begins a recorded screen in the output of the test in the sandbox.
const MARK: &str = "recorded screen: ";

/// The width of the recorded terminal, which is that of the pages.
const COLUMNS: u32 = 120;

/// All rows.
fn all() -> impl Iterator<Item = &'static Row> {
    table::ALL.iter().chain(apps::ALL)
}

/// Records the screen of one row.
fn record(world: &World, row: &Row) -> String {
    world.begin(row.login, row.tables);
    (row.before)(world);
    let terminal = match row.program {
        Program::Enroll => world.root_shell(COLUMNS),
        _ => world.shell(COLUMNS, ""),
    };
    let mut person = Person::new(world, terminal);
    person.run(row.program.command());
    person.act(row.steps);
    person.screen(row.end)
}

/// Records the screens of one program inside the sandbox, and compares them outside.
fn compare(program: Program, test: &str) {
    let rows = || all().filter(|row| row.program == program);
    if sandbox::is_inside() {
        let world = World::set_up();
        check_rows(rows(), |row| {
            let screen = record(&world, row);
            println!("\n{MARK}{}", json!([row.heading, screen]));
        });
        return;
    }
    let printed = sandbox::run(test);
    let text = printed.as_ref().unwrap_or_else(|why| why);
    let recorded = text.lines().filter_map(|line| line.strip_prefix(MARK));
    let recorded: Vec<Value> = recorded
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    check_rows(&recorded, |row| {
        page::check(row[0].as_str().unwrap(), row[1].as_str().unwrap());
    });
    assert_eq!(recorded.len(), rows().count(), "{text}");
}

#[test]
#[ignore = "needs root"]
fn ssh_shows_what_the_page_shows() {
    compare(Program::Ssh, test_name!());
}

#[test]
#[ignore = "needs root"]
fn sudo_shows_what_the_page_shows() {
    compare(Program::Sudo, test_name!());
}

#[test]
#[ignore = "needs root"]
fn su_shows_what_the_page_shows() {
    compare(Program::Su, test_name!());
}

#[test]
#[ignore = "needs root"]
fn authyctl_shows_what_the_page_shows() {
    compare(Program::Enroll, test_name!());
}

#[test]
fn the_page_has_one_screen_for_each_row_and_no_other() {
    let rows: Vec<_> = all().map(|row| row.heading.to_owned()).collect();
    let mut on_page = page::headings();
    for row in &rows {
        let at = on_page.iter().position(|heading| heading == row);
        on_page.swap_remove(at.unwrap_or_else(|| panic!("{row} is not on the page")));
    }
    assert!(on_page.is_empty(), "no row records {on_page:?}");
}

/// The pictures of recorded texts; a further one is of a screen of the page.
const PICTURES: [&str; 2] = ["enable", "enroll"];

/// Returns the texts of an SVG, without the marks inside them.
fn texts_of(picture: &str) -> Vec<String> {
    let elements = picture.split("<text ").skip(1);
    elements
        .map(|element| {
            let (_, content) = element.split_once('>').unwrap();
            let (content, _) = content.split_once("</text>").unwrap();
            let content = content.replace("<tspan class=\"typed\">", "");
            let content = content.replace("</tspan>", "");
            content
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
        })
        .collect()
}

#[test]
fn each_picture_shows_the_screen_that_was_recorded() {
    let recorded = PICTURES.map(|name| (name, text_of(&format!("docs/pictures/{name}.txt"))));
    let login = [("login", page::screen(apps::PICTURE))];
    check_rows(login.into_iter().chain(recorded), |(name, screen)| {
        let picture = text_of(&format!("docs/pictures/{name}.svg"));
        let is_text = |line: &&str| !line.is_empty() && !line.contains(['█', '▀', '▄']);
        let lines: Vec<_> = screen.lines().filter(is_text).collect();
        assert_eq!(texts_of(&picture), lines, "scripts/picture.py draws it");
        assert!(picture.len() < 20_000, "{} bytes", picture.len());
    });
    let mut script = Command::new(root().join("scripts/picture.py"));
    let output = script.arg("--check").output().expect("python3");
    assert!(output.status.success(), "{output:?}");
}

/// Rows of the page whose refusal is seen by no person of a host: there is no such account, or
/// authyctl refuses.
const UNSEEN: [&str; 2] = ["the user name contains", "`authyctl pam enable`"];

#[test]
fn each_row_of_what_happens_when_links_to_the_screen_where_a_person_sees_one() {
    let page = text_of("docs/behaviour.md");
    let rows = section(&page, "What happens when").filter(|line| line.starts_with("| "));
    check_rows(rows.skip(1), |row| {
        let cells: Vec<_> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [when, then, seen, _tests] = cells[..] else {
            panic!("the row has {} cells", cells.len());
        };
        // docs::guides follows the links.
        let links = seen.matches("](screens.md#").count();
        assert!(links > 0 || seen == "–", "{seen}");
        let is_seen = then.contains("refused") || then.contains("prompt");
        let is_unseen = UNSEEN.iter().any(|start| when.starts_with(start));
        assert!(links > 0 || is_unseen || !is_seen, "{then}");
    });
}

#[test]
fn each_text_that_the_page_for_users_quotes_is_one_of_the_module() {
    let page = text_of("docs/for-users.md");
    let quoted: Vec<_> = page.split("**\"").skip(1).collect();
    assert!(quoted.len() >= 10, "{quoted:?}");
    check_rows(quoted, |after| {
        let (text, _) = after.split_once("\"**").expect("the end of a quote");
        let mut texts = Message::ALL
            .iter()
            .map(|message| built_in(*message, Language::En));
        assert!(texts.any(|one| one.contains(text)), "{text}");
    });
}
