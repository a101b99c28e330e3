//! What is typed while a push is waited for, and what is in the data of a command: real ssh,
//! sudo and su.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::person::{End, Person, Step, code};
use super::rows::Program;
use super::world::{PASSWORD, USER, World};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

const WITH_PUSH: &str = "push = \"auto\"\n";

/// Types a command for the shell during the wait for a push, which is then approved or denied, and
/// returns whether a shell ran it.
fn runs_what_was_typed(world: &World, program: Program, answer: Step) -> bool {
    world.begin(WITH_PUSH, "");
    world.with_app();
    let marks = ["typed", "after"].map(|name| Path::new("/home").join(USER).join(name));
    for mark in &marks {
        let _ = fs::remove_file(mark);
    }
    let mut person = Person::new(world, world.shell(100, ""));
    person.run(program.command());
    person.act(&[Step::Password]);
    world.wait_for_push();
    person.run("touch typed");
    person.act(&[Step::Wait(100), answer]);
    let (end, is_asked) = match (program, answer) {
        (Program::Ssh | Program::Sudo, Step::Deny) => (End::Shows("assword", 2), true),
        (Program::Ssh, _) => (End::Shows("gate$", 1), false),
        (_, _) => (End::Shell, false),
    };
    person.screen(end);
    if is_asked {
        person.press(&["C-c"]);
        person.screen(End::Shell);
    }
    // The shell reads in order: what it got before is done by then.
    person.run("touch after");
    while !marks[1].exists() {
        person.act(&[Step::Wait(20)]);
    }
    marks[0].exists()
}

#[test]
#[ignore = "needs root"]
fn what_is_typed_during_a_push_reaches_no_shell_from_su_and_sudo() {
    sandboxed!();
    let world = World::set_up();
    let table = [
        (Program::Su, Step::Approve),
        (Program::Su, Step::Deny),
        (Program::Sudo, Step::Approve),
        (Program::Sudo, Step::Deny),
    ];
    check_rows(table, |(program, answer)| {
        assert!(!runs_what_was_typed(&world, program, answer));
    });
}

/// The line is in the client's terminal, where sshd cannot discard it. docs/ssh.md says so.
#[test]
#[ignore = "needs root"]
fn the_ssh_client_keeps_what_is_typed_during_a_push_until_a_prompt_or_the_shell() {
    sandboxed!();
    let world = World::set_up();
    check_rows(
        [(Step::Approve, true), (Step::Deny, false)],
        |(answer, is_run)| {
            assert_eq!(runs_what_was_typed(&world, Program::Ssh, answer), is_run);
        },
    );
}

/// What the person does until the command runs, with the lines of `[login]` for that and a notice
/// that is shown.
type Login = (&'static str, &'static [Step], &'static str);

const LOGINS: [Login; 3] = [
    ("", &[code("7654321"), Step::RightCode], "your last login"),
    ("", &[code("sms"), Step::SentCode], "An SMS with a code"),
    (WITH_PUSH, &[Step::Approve], "A push was sent"),
];

#[test]
#[ignore = "needs root"]
fn the_output_of_a_command_is_its_data_alone() {
    sandboxed!();
    let world = World::set_up();
    let commands = [
        "su root -c 'echo DATA' > out",
        "sudo echo DATA > out",
        "ssh gate echo DATA > out",
    ];
    let table = commands
        .into_iter()
        .flat_map(|command| LOGINS.map(|login| (command, login)));
    check_rows(table, |(command, (login, steps, notice))| {
        world.begin(login, "");
        if login == WITH_PUSH {
            world.with_app();
        }
        let mut person = Person::new(&world, world.shell(100, ""));
        person.run(command);
        person.act(&[Step::Password]);
        person.act(steps);
        let screen = person.screen(End::Shell);
        // The person sees the notice once nevertheless.
        assert!(screen.matches(notice).count() == 1, "{screen}");
        let out = fs::read_to_string(Path::new("/home").join(USER).join("out"));
        assert_eq!(out.unwrap(), "DATA\n");
    });
}

#[test]
#[ignore = "needs root"]
fn without_a_terminal_the_standard_output_is_the_data_alone() {
    sandboxed!();
    let world = World::set_up();
    let commands: [&[&str]; 2] = [
        &["sudo", "-S", "echo", "DATA"],
        &["su", "root", "-c", "echo DATA"],
    ];
    let table = commands
        .into_iter()
        .flat_map(|command| [false, true].map(|push| (command, push)));
    check_rows(table, |(command, is_push)| {
        world.begin(if is_push { WITH_PUSH } else { "" }, "");
        let mut input = format!("{PASSWORD}\n");
        if is_push {
            world.with_app();
        } else {
            input += &format!("7654321\n{}\n", world.host.sim.token(world.person()));
        }
        fs::write("/home/pat/input", input).unwrap();
        let mut run = Command::new("setsid");
        run.args(["runuser", "-u", USER, "--"]).args(command);
        run.stdin(fs::File::open("/home/pat/input").unwrap());
        let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap();
        if is_push {
            world.host.sim.decide(world.person(), true);
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "DATA\n", "{said}");
        let notice = if is_push {
            "A push was sent"
        } else {
            "not accepted"
        };
        assert!(said.contains(notice), "{said}");
    });
}
