//! Code that the check must not report: what only looks like a violation, and what the rules allow.

use super::check::check;
use super::violations::sources;

/// (what it is, files with their content)
type Row = (&'static str, &'static [(&'static str, &'static str)]);

const LIMITS: &str = "src/store/limits/mod.rs";
const POLICY: &str = "src/login/policy.rs";
const SIMULATOR: &str = "src/bin/authy-sim/main.rs";

#[rustfmt::skip]
const LOOKALIKES: &[Row] = &[
    ("string", &[(LIMITS, "const A: &str = \"use crate::client::authy::Client;\";")]),
    ("raw string", &[(LIMITS, "const A: &str = r#\"crate::client::new(); unsafe { }\"#;")]),
    ("string in a macro", &[(LIMITS, "fn f() { println!(\"crate::client::{}\", 1); }")]),
    ("comment", &[(LIMITS, "// use crate::client::authy;\n/* unsafe { crate::client::x() } */")]),
    ("doc comment", &[(LIMITS, "//! [`crate::client`]\n/// use pam_authy::client::authy;\nfn f() {}")]),
    ("doc attribute", &[(LIMITS, "#[doc = \"crate::client::x\"] fn f() {}")]),
    ("reason of an attribute", &[(LIMITS, "#[expect(dead_code, reason = \"crate::client::x\")] fn f() {}")]),
    ("message of an attribute", &[(LIMITS, "#[error(\"crate::client::x\")] struct S;")]),
    ("serde's other strings", &[(LIMITS, "struct S { #[serde(rename = \"client\", default = \"standard\")] a: u8 }")]),
    ("own module with a layer's name", &[(LIMITS, "mod client { pub fn new() {} }\nfn f() { client::new(); self::client::new() }")]),
    ("own module in a function", &[(LIMITS, "fn f() { mod client { pub fn new() {} } client::new() }")]),
    ("own module beside a glob", &[
        ("src/lib.rs", "mod store; mod client;"),
        (LIMITS, "mod client { pub fn new() {} }\nmod tests { use super::*; fn f() { client::new() } }"),
    ]),
    ("own type with a layer's name", &[(LIMITS, "enum client { New }\nfn f() { client::New; }")]),
    ("own function with a layer's name", &[(LIMITS, "fn client() {}\nfn f() { client() }")]),
    ("variable, field, method, lifetime", &[(LIMITS, "fn f<'client>(client: &'client S) { client.client.client::<u8>(); }")]),
    ("the same in a macro", &[(LIMITS, "fn f() { g!(client.store::<u8>(), a.client, 'client: loop {}) }")]),
    ("variable with a sibling's name", &[
        ("src/store/mod.rs", "mod limits; mod remember;"),
        (LIMITS, "use super::*;\nfn f(remember: u8) { g!(remember); g(remember) }"),
    ]),
    ("variable of macro_rules", &[(LIMITS, "macro_rules! m { ($client:ident, $t:ty) => { $client::new(); <$t>::new() } }")]),
    ("variant that a macro names", &[(LIMITS, "enum E { A }\nmacro_rules! m { ($v:ident) => { E::$v } }")]),
    ("crate with a layer's name", &[(LIMITS, "use ::client::new;\nuse host::name;\nfn f() { store::open() }")]),
    ("module of std with a module's name", &[(LIMITS, "use std::process;\nfn f() { process::exit(1) }")]),
    ("visibility", &[(LIMITS, "pub(crate) fn f() {}\npub(super) fn g() {}\npub(in crate::store) fn h() {}")]),
    ("visibility in a macro", &[(LIMITS, "macro_rules! m { () => { pub(crate) fn f() {} pub(super) fn g() {} } }")]),
    ("the simulator's own modules", &[
        (SIMULATOR, "mod client; mod store;\nuse crate::client::Client;\nfn main() { store::open() }"),
        ("src/bin/authy-sim/client.rs", "use crate::store::Store;\nuse super::store;"),
        ("src/bin/authy-sim/store.rs", "use crate::client;"),
    ]),
    ("lints about unsafe code", &[(LIMITS, "#![deny(unsafe_code)]\n#[expect(unsafe_code, reason = \"unsafe\")] mod a {}")]),
    ("names like unsafe", &[(LIMITS, "fn is_unsafe(no_mangle: u8) -> &'static str { \"unsafe\" }")]),
    ("function for C", &[(LIMITS, "extern \"C\" fn f() {}\ntype F = extern \"C\" fn();")]),
    ("other conditions", &[(LIMITS, "#[cfg(not(test))] fn f() {}\n#[cfg(all(feature = \"admin\", not(windows)))] fn g() {}")]),
    ("function with the name not", &[(LIMITS, "fn f() { g!(not(feature == 1)) }")]),
    ("text of a file", &[(LIMITS, "const A: &str = include_str!(\"mod.rs\");\nconst B: &[u8] = include_bytes!(\"mod.rs\");")]),
    ("other things called path", &[(LIMITS, "#[arg(path = 1)] struct S;\nfn f(path: u8) { let path = 1; }")]),
    ("folder with a longer name", &[("src/store/state.rs", ""), ("src/store/state_tests/mod.rs", "")]),
];

#[rustfmt::skip]
const ALLOWED: &[Row] = &[
    ("listed layer", &[(LIMITS, "use crate::base::text;\nuse crate::{host::trusted_file::{self, Access}};")]),
    ("listed sibling", &[(LIMITS, "use crate::store::state::Folder;\nfn f() { super::config::read() }")]),
    ("listed item", &[(POLICY, "use crate::host::account::Spelling;\nfn f() { crate::host::account::Spelling::new() }")]),
    ("member of what is listed", &[(POLICY, "use crate::host::{address::Network, ssh_key};")]),
    ("own module, by all names", &[(LIMITS, "mod bucket;\nuse crate::store::limits::bucket::Bucket;\nuse bucket as b;\nuse super::limits;")]),
    ("layer's root and its members", &[
        ("src/login/mod.rs", "mod push;\nuse push::Pushes;\npub struct Dialog;"),
        ("src/login/push.rs", "use super::Dialog;\nuse crate::login;\nuse super::*;"),
    ]),
    ("re-export of what the user may use", &[
        ("src/store/config/mod.rs", "pub use crate::base::attempt::SendMode;"),
        (POLICY, "use crate::store::config::SendMode;"),
    ]),
    ("factor::connect joins them all", &[("src/factor/connect.rs", "use super::{authy, decoy, totp, twilio};\nuse crate::{base::deadline, client::http, store::addresses};")]),
    ("the module and its engine", &[("src/pam/module.rs", "use crate::{host::socket::Channel, protocol::FromEngine};")]),
    ("unsafe code in a file for it", &[("src/pam/ffi.rs", "unsafe extern \"C\" { fn f(); }\nfn g() { unsafe { f() } }")]),
    ("authyctl", &[("src/bin/authyctl/main.rs", "use pam_authy::{client::authy::Client, engine::audit, pam_app::Transaction};")]),
    ("the engine's program", &[("src/bin/pam_authyd/main.rs", "fn main() { pam_authy::engine::listen::run() }")]),
    ("root that declares", &[("src/lib.rs", "pub mod base;\nmod pam;\n#[cfg(feature = \"admin\")] pub mod pam_app;")]),
    ("no circle: two users of one", &[
        (LIMITS, "use crate::store::state::Folder;"),
        ("src/store/recovery/mod.rs", "use crate::store::state::Folder;"),
    ]),
];

#[test]
fn harmless_code_is_not_reported() {
    let mut reported = Vec::new();
    for (what, files) in [LOOKALIKES, ALLOWED].into_iter().flatten() {
        let found = check(&sources(files)).found;
        if !found.is_empty() {
            reported.push(format!("{what}: {found:?}"));
        }
    }
    assert!(
        reported.is_empty(),
        "{} reported:\n{}",
        reported.len(),
        reported.join("\n")
    );
}
