//! The table of the screens. The headings are those of docs/screens.md.

use std::fs;

use serde_json::json;

use super::person::{Step, code};
use super::rows::{Program, Row, row};
use super::world::{PASSWORD, USER, World};
use Step::{Approve, Both, Deny, Password, PushCode, Recovery, RightCode, See, SentCode, Wait};

const WRONG: Step = code("7654321");

pub(super) const ALL: &[Row] = &[
    row("The code is right", Program::Ssh, &[Password, RightCode]).shows("gate$", 1),
    row(
        "The code is wrong",
        Program::Sudo,
        &[Password, WRONG, RightCode],
    ),
    row(
        "Nothing was typed, or no code",
        Program::Su,
        &[Password, code(""), code("123 4567"), RightCode],
    ),
    row(
        "The password was typed in place of the code",
        Program::Sudo,
        &[Password, code(PASSWORD), RightCode],
    ),
    row(
        "Three codes were wrong, in ssh",
        Program::Ssh,
        &[Password, WRONG, WRONG, WRONG],
    )
    .shows("'s password", 1),
    row(
        "Three codes were wrong, in sudo",
        Program::Sudo,
        &[Password, WRONG, WRONG, WRONG],
    )
    .shows("assword", 2),
    row(
        "Three codes were wrong, in su",
        Program::Su,
        &[Password, WRONG, WRONG, WRONG],
    ),
    row(
        "You ask for an SMS",
        Program::Ssh,
        &[Password, code("sms"), SentCode],
    )
    .shows("gate$", 1),
    row(
        "You ask for a call",
        Program::Su,
        &[Password, code("call"), SentCode],
    ),
    row(
        "You ask for an SMS and have the app",
        Program::Sudo,
        &[Password, code("sms"), RightCode],
    )
    .before(World::with_app),
    row(
        "The SMS cannot be sent",
        Program::Su,
        &[Password, code("sms"), RightCode],
    )
    .before(|world| {
        let fault = json!({"match": {"path": "/sms/"}, "times": 0, "status": 503, "body": ""});
        world.host.sim.fault(&fault);
    }),
    row(
        "Too many SMS, calls or pushes were sent",
        Program::Su,
        &[Password, code("sms"), RightCode],
    )
    .tables("[limits]\nsms_per_user = 0\n"),
    row(
        "You ask for a push and approve it",
        Program::Sudo,
        &[Password, code("push"), Approve],
    )
    .before(World::with_app),
    row(
        "You approve a push that comes by itself",
        Program::Ssh,
        &[Password, Approve],
    )
    .login("push = \"auto\"\n")
    .before(World::with_app)
    .shows("gate$", 1),
    row(
        "You do not have the app for a push",
        Program::Su,
        &[Password, code("push"), RightCode],
    ),
    row(
        "The push cannot be sent",
        Program::Su,
        &[Password, code("push"), RightCode],
    )
    .before(|world| {
        world.with_app();
        let path = json!({"path": "/approval_requests"});
        world
            .host
            .sim
            .fault(&json!({"match": path, "times": 0, "status": 503, "body": ""}));
    }),
    row(
        "You deny the push, in ssh",
        Program::Ssh,
        &[Password, code("push"), Deny],
    )
    .before(World::with_app)
    .shows("assword", 2),
    row(
        "You deny the push, in sudo",
        Program::Sudo,
        &[Password, code("push"), Deny],
    )
    .before(World::with_app)
    .shows("assword", 2),
    row(
        "The push waits for you",
        Program::Ssh,
        &[
            Password,
            code(""),
            See("Not approved yet."),
            Approve,
            code(""),
        ],
    )
    .login("push = \"auto\"\n")
    .before(World::with_app)
    .shows("gate$", 1),
    row(
        "The push is not answered in time",
        Program::Su,
        &[Password, code("push"), RightCode],
    )
    .login("push_seconds = 10\n")
    .before(World::with_app),
    row(
        "The push shows a code",
        Program::Sudo,
        &[Password, code("push"), Approve, PushCode],
    )
    .login("push_code = true\n")
    .before(World::with_app),
    row(
        "The code of the push is wrong",
        Program::Su,
        &[
            Password,
            code("push"),
            Approve,
            Step::At("Code shown in the push", "12"),
            RightCode,
        ],
    )
    .login("push_code = true\n")
    .before(World::with_app),
    row(
        "Only a push is accepted",
        Program::Su,
        &[Password, Step::At("Press Enter", ""), Approve],
    )
    .login("factors = [\"push\"]\n")
    .before(World::with_app),
    row(
        "You take too long",
        Program::Sudo,
        &[Password, Wait(5_500), RightCode],
    )
    .login("deadline_seconds = 5\n")
    .shows("assword", 2),
    row(
        "The service cannot be reached, in ssh",
        Program::Ssh,
        &[Password, RightCode],
    )
    .before(World::without_service)
    .shows("assword", 2),
    row(
        "The service cannot be reached, in sudo",
        Program::Sudo,
        &[Password, RightCode],
    )
    .before(World::without_service)
    .shows("assword", 2),
    row(
        "The service cannot be reached, and you are let in",
        Program::Ssh,
        &[Password, RightCode],
    )
    .login("when_unavailable = \"ignore\"\n")
    .before(World::without_service)
    .shows("gate$", 1),
    row(
        "The service does not prove its identity",
        Program::Su,
        &[Password, RightCode],
    )
    .before(|world| {
        let fault = json!({"times": 0, "certificate": "expired"});
        world.host.sim.fault(&fault);
    }),
    row(
        "Your account at the service is suspended",
        Program::Su,
        &[Password, RightCode],
    )
    .before(|world| {
        let suspended = json!({"suspended": true});
        world.host.sim.change(world.person(), &suspended);
    }),
    row(
        "The service accepts no more requests",
        Program::Ssh,
        &[Password, RightCode],
    )
    .shows("'s password", 1)
    .before(|world| {
        world
            .host
            .sim
            .answer_verify(429, "{\"error_code\": \"60003\"}")
    }),
    row("Too many wrong codes", Program::Ssh, &[Password, RightCode])
        .tables("[limits]\nrefused_tokens = 3\n[recovery]\nservices = [\"sshd\"]\n")
        .before(|world| world.refuse_codes(3))
        .shows("Verification code", 2),
    row(
        "Codes were wrong since your last login",
        Program::Sudo,
        &[Password, RightCode],
    )
    .before(|world| world.refuse_codes(2)),
    row(
        "A recovery code",
        Program::Su,
        &[Password, Recovery("root")],
    )
    .tables("[recovery]\nservices = [\"su\"]\n"),
    row(
        "A recovery code while the service is down",
        Program::Ssh,
        &[Password, RightCode, Password, Recovery(USER)],
    )
    .tables("[recovery]\nservices = [\"sshd\"]\n")
    .before(World::without_service)
    .shows("gate$", 1),
    row(
        "You are not enrolled",
        Program::Su,
        &[Password, code("123456"), WRONG, WRONG],
    )
    .before(|world| world.map("")),
    row("You need no second factor yet", Program::Ssh, &[Password])
        .before(World::lets_in_for_thirty_days),
    row("This host is not set up, in ssh", Program::Ssh, &[Password])
        .login("attemps = 2\n")
        .shows("assword", 2),
    row(
        "This host is not set up, in sudo",
        Program::Sudo,
        &[Password],
    )
    .before(|world| world.map(&format!("{USER} = \"no id\"\n"))),
    row("No engine answers", Program::Su, &[Password])
        .before(|_| fs::remove_file("/usr/libexec/pam_authy/pam_authyd").unwrap()),
    row(
        "A shared account without your key",
        Program::Ssh,
        &[Password],
    )
    .before(|world| {
        let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        world.map(&format!("{USER} = {{ keys = {{ \"{key}\" = 1640 }} }}\n"));
    })
    .shows("assword", 2),
    row("Only a security key is accepted", Program::Ssh, &[Password])
        .login("factors = [\"security-key\"]\n")
        .shows("assword", 2),
    row(
        "Notices in the prompt",
        Program::Ssh,
        &[Password, WRONG, RightCode],
    )
    .login("notices = \"prompt\"\n")
    .shows("gate$", 1),
    row("Password and code in one line", Program::Su, &[Both])
        .login("token_in_password = true\n")
        .before(|world| {
            world.stack(
                "su",
                "requisite",
                "auth required pam_unix.so try_first_pass\n",
            )
        }),
];
