//! The same login in narrow terminals, in a dumb one, and in other locales.

use super::person::{End, Person, Step, code};
use super::rows::Program;
use super::world::World;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

const GERMAN: &str = "language = \"de\"\nfactors = [\"token\"]\n";
/// The steps of a login in English and in German.
const STEPS: [&[Step]; 2] = [
    &[Step::Password, code("7654321"), Step::RightCode],
    &[Step::Password, Step::At("tigungscode", "7654321")],
];

/// A program, the width of the terminal, variables, lines of `[login]`, and what it shows.
type Row = (Program, u32, &'static str, &'static str, &'static str);

const TABLE: &[Row] = &[
    (Program::Su, 40, "", "", SU_40),
    (Program::Ssh, 40, "", "", SSH_40),
    (Program::Ssh, 80, "", "", SSH_80),
    (Program::Sudo, 80, "TERM=dumb", "", SUDO_DUMB),
    (Program::Ssh, 80, "TERM=dumb LANG=C", GERMAN, SSH_C),
    (Program::Ssh, 80, "LANG=C.UTF-8", GERMAN, SSH_UTF8),
    (Program::Su, 80, "LANG=C", GERMAN, SU_C),
    (Program::Sudo, 80, "LANG=C.UTF-8", GERMAN, SUDO_UTF8),
];

const SU_40: &str = "\
$ su -c id\n\
Password:\n\
Verification code (or type push, sms or\n\
call): 7654321\n\
That code was not accepted.\n\
Verification code (or type push, sms or\n\
call): 1234567\n\
Codes not accepted or pushes denied sinc\n\
e your last login: 1.\n\
uid=0(root) gid=0(root) groups=0(root)\n\
$";

const SSH_40: &str = "\
$ ssh gate\n\
(pat@gate) Password:\n\
(pat@gate) Verification code (or type pu\n\
sh, sms or call): 7654321\n\
(pat@gate) That code was not accepted.\n\
Verification code (or type push, sms or\n\
call): 1234567\n\
Codes not accepted or pushes denied sinc\n\
e your last login: 1.\n\
Codes not accepted or pushes denied sinc\n\
e your last login: 1.\n\
gate$";

const SSH_80: &str = "\
$ ssh gate\n\
(pat@gate) Password:\n\
(pat@gate) Verification code (or type push, sms or call): 7654321\n\
(pat@gate) That code was not accepted.\n\
Verification code (or type push, sms or call): 1234567\n\
Codes not accepted or pushes denied since your last login: 1.\n\
Codes not accepted or pushes denied since your last login: 1.\n\
gate$";

const SUDO_DUMB: &str = "\
$ sudo id\n\
[sudo] password for pat:\n\
Verification code (or type push, sms or call): 7654321\n\
That code was not accepted.\n\
Verification code (or type push, sms or call): 1234567\n\
Codes not accepted or pushes denied since your last login: 1.\n\
uid=0(root) gid=0(root) groups=0(root)\n\
$";

const SSH_C: &str = "\
$ ssh gate\n\
(pat@gate) Password:\n\
(pat@gate) Best\\303\\244tigungscode: 7654321\n\
(pat@gate) Der Code wurde nicht angenommen.\n\
Best\\303\\244tigungscode:";

const SSH_UTF8: &str = "\
$ ssh gate\n\
(pat@gate) Password:\n\
(pat@gate) Bestätigungscode: 7654321\n\
(pat@gate) Der Code wurde nicht angenommen.\n\
Bestätigungscode:";

const SU_C: &str = "\
$ su -c id\n\
Password:\n\
Bestätigungscode: 7654321\n\
Der Code wurde nicht angenommen.\n\
Bestätigungscode:";

const SUDO_UTF8: &str = "\
$ sudo id\n\
[sudo] password for pat:\n\
Bestätigungscode: 7654321\n\
Der Code wurde nicht angenommen.\n\
Bestätigungscode:";

#[test]
#[ignore = "needs root"]
fn each_width_terminal_and_locale_shows_prompt_and_notice() {
    sandboxed!();
    let world = World::set_up();
    check_rows(TABLE, |(program, columns, variables, login, expected)| {
        world.begin(login, "");
        let mut person = Person::new(&world, world.shell(*columns, variables));
        person.run(program.command());
        let end = match (*login == GERMAN, program) {
            (true, _) => End::Shows("tigungscode", 2),
            (false, Program::Ssh) => End::Shows("gate$", 1),
            (false, _) => End::Shell,
        };
        person.act(STEPS[usize::from(*login == GERMAN)]);
        let screen = person.screen(end);
        assert!(screen == *expected, "\n{screen}");
    });
}
