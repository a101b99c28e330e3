//! The screens of people with an app whose codes the host checks, on a host without any service.
//! The headings are those of docs/screens.md.

use super::person::{Step, code};
use super::rows::{Program, Row, row};
use super::world::{USER, World};
use Step::{At, FirstCode, HostCode, NewAppCode, Password, RightCode};

/// What the prompt that offers an app has.
const OFFER: &str = "Enter for not now";
/// The rules that offer one.
const OFFERS: &str = "enroll_totp = \"offer\"\n";

/// The row that docs/pictures/login.svg shows.
pub(super) const PICTURE: &str = "An app whose codes the host checks";

pub(super) const ALL: &[Row] = &[
    row("You get such an app", Program::Enroll, &[FirstCode]).before(|world| {
        world.no_service();
        world.map("");
    }),
    row(
        PICTURE,
        Program::Ssh,
        &[
            Password,
            HostCode,
            At("gate$", "sudo id"),
            Password,
            HostCode,
        ],
    )
    .before(World::app_here)
    .shows("gate$", 2),
    row(
        "You add an app at the prompt",
        Program::Ssh,
        &[Password, RightCode, At(OFFER, "ascii"), NewAppCode],
    )
    .login(OFFERS)
    .shows("gate$", 1),
    row(
        "You add no app at the prompt",
        Program::Ssh,
        &[Password, RightCode, At(OFFER, "")],
    )
    .login(OFFERS)
    .shows("gate$", 1),
    row(
        "The first code of an app that you add is wrong",
        Program::Ssh,
        &[
            Password,
            RightCode,
            At(OFFER, "key"),
            At("of the new app", "000000"),
            At("of the new app", ""),
        ],
    )
    .login(OFFERS)
    .shows("gate$", 1),
    row(
        "An app was added and does not count yet",
        Program::Sudo,
        &[Password, RightCode],
    )
    .before(World::add_app),
    row(
        "A code of such an app is wrong",
        Program::Su,
        &[Password, code("000000"), HostCode],
    )
    .before(World::app_here),
    row(
        "A code of such an app is used twice",
        Program::Sudo,
        &[Password, HostCode],
    )
    .before(|world| {
        world.app_here();
        world.use_codes_up();
    })
    .shows("Verification code", 2),
    row(
        "Too many wrong codes of such an app",
        Program::Sudo,
        &[Password, HostCode],
    )
    .login("attempts = 10\n")
    .tables("[limits]\nrefused_tokens = 100\n")
    .before(|world| {
        world.app_here();
        for _ in 0..5 {
            world.host.login(USER, &["000000"; 10]);
        }
    })
    .shows("Verification code", 2),
];
