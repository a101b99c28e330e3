//! Violations that the check must catch: each is a small source with a pretended path, and goes
//! through the very function that the real files go through.

use super::check::Rule::{self, Cycles, Edges, Features, Layout, Unsafe};
use super::check::check;
use super::source::Source;

/// (what it is, files with their content, the rule, what the report must contain)
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Rule,
    &'static str,
);

const LIMITS: &str = "src/store/limits/mod.rs";
const BUCKET: &str = "src/store/limits/bucket.rs";
const REMEMBER: &str = "src/store/remember/mod.rs";
const SIMULATOR: &str = "src/bin/authy-sim/main.rs";
const AUTHYCTL: &str = "src/bin/authyctl/main.rs";

/// What `store` must not use, as the report says it.
const CLIENT: &str = "store::limits may not use client";

#[rustfmt::skip]
const IMPORTS: &[Row] = &[
    ("grouped import", &[(LIMITS, "use crate::{base::text, client::authy::Client};")], Edges, CLIENT),
    ("import over several lines", &[(LIMITS, "use crate::{\n    base::text,\n    client::{\n        authy::Client,\n    },\n};")], Edges, CLIENT),
    ("super into another layer", &[(BUCKET, "use super::super::super::client::authy::Client;")], Edges, CLIENT),
    ("self and super into another layer", &[(LIMITS, "use self::super::super::client::authy::Client;")], Edges, CLIENT),
    ("renamed import", &[(LIMITS, "use crate::{client as c};\nfn f() { c::authy::new() }")], Edges, "mod.rs:2: store::limits may not use client::authy"),
    ("renamed root of the own layer", &[(LIMITS, "use crate::store as s;\nfn f() { s::remember::find() }")], Edges, "mod.rs:2: store::limits may not use store::remember"),
    ("renamed parent", &[(BUCKET, "use super::super as up;\nfn f() { up::remember::find() }")], Edges, "store::limits may not use store::remember"),
    ("import through an imported name", &[(LIMITS, "use crate::store;\nuse store::remember::find;")], Edges, "store::limits may not use store::remember"),
    ("import without a name", &[(LIMITS, "use crate::client::http::Transport as _;")], Edges, CLIENT),
    ("import in a function", &[(LIMITS, "fn f() { if true { use crate::client::authy::Client; } }")], Edges, CLIENT),
    ("public import", &[(LIMITS, "pub(crate) use crate::client::authy::Client;")], Edges, CLIENT),
    ("raw identifier", &[(LIMITS, "use crate::r#client::authy::Client;")], Edges, CLIENT),
    ("glob", &[(LIMITS, "use crate::client::authy::*;")], Edges, CLIENT),
    ("glob of the root", &[(LIMITS, "use crate::*;\nfn f() { client::authy::new() }")], Edges, "mod.rs:2: store::limits may not use client"),
    ("glob of the root, alone", &[(LIMITS, "use crate::*;")], Edges, "may not use the root"),
    ("glob of the parent", &[("src/store/mod.rs", "pub mod limits; mod remember;"), (LIMITS, "use super::*;\nfn f() { remember::find() }")], Edges, "store::limits may not use store::remember"),
    ("glob beside another function's import", &[
        ("src/store/mod.rs", "pub mod limits; mod remember;"),
        (LIMITS, "use super::*;\nfn f() { use std::fmt as remember; }\nfn g() { remember::find() }"),
    ], Edges, "mod.rs:3: store::limits may not use store::remember"),
    ("name of the parent, through a glob", &[(LIMITS, "use crate::store as s;\nmod tests { use super::*;\n fn f() { s::remember::find() } }")], Edges, "mod.rs:3: store::limits may not use store::remember"),
    ("root under another name", &[(LIMITS, "use crate::{self as c};\nfn f() { c::client::new() }")], Edges, CLIENT),
    ("re-export of what the user may not use", &[
        ("src/store/users/mod.rs", "pub use crate::host::trusted_file::Opened;"),
        ("src/login/push.rs", "use crate::store::users::Opened;"),
    ], Edges, "login::push may not use host::trusted_file"),
    ("re-export of a module, by a glob", &[
        ("src/store/mod.rs", "pub use crate::host::*;"),
        ("src/host/mod.rs", "pub mod trusted_file;"),
        ("src/login/push.rs", "fn f() { crate::store::trusted_file::open() }"),
    ], Edges, "login::push may not use host::trusted_file"),
    ("re-export of a sibling by the parent", &[
        ("src/store/mod.rs", "mod remember;\npub(crate) use remember::find;"),
        (LIMITS, "use super::find;"),
    ], Edges, "store::limits may not use store::remember"),
    ("another name for a type", &[
        ("src/store/users/mod.rs", "pub type File = crate::host::trusted_file::Opened;"),
        ("src/login/push.rs", "use crate::store::users::File;"),
    ], Edges, "login::push may not use host::trusted_file"),
    ("re-export by what the user may not use", &[
        ("src/engine/mod.rs", "pub use crate::base::secret::Secret;"),
        ("src/login/push.rs", "use crate::engine::Secret;"),
    ], Edges, "login::push may not use engine"),
    ("re-export by the root", &[("src/lib.rs", "mod client;\npub use client::authy::Client;")], Edges, "the root of the crate may not use client"),
    ("extern crate self", &[("src/lib.rs", "extern crate self as me;"), (LIMITS, "fn f() { me::client::new() }")], Edges, CLIENT),
    ("own crate by its name", &[(LIMITS, "use ::pam_authy::client::authy::Client;")], Edges, CLIENT),
    ("import in an inline module", &[(LIMITS, "mod a { mod b { use super::super::super::super::client::authy; } }")], Edges, CLIENT),
    ("import in a test", &[(LIMITS, "#[cfg(test)] mod tests { use crate::client::authy::Client; }")], Edges, CLIENT),
];

#[rustfmt::skip]
const PATHS: &[Row] = &[
    ("expression", &[(LIMITS, "fn f() { let _ = crate::client::authy::new(); }")], Edges, CLIENT),
    ("type", &[(LIMITS, "struct S(Vec<Option<crate::client::authy::Client>>);")], Edges, CLIENT),
    ("pattern", &[(LIMITS, "fn f(x: u8) { match x { crate::client::LIMIT => {} _ => {} } }")], Edges, CLIENT),
    ("bound", &[(LIMITS, "fn f<T: crate::client::http::Transport>(_: T) {}")], Edges, CLIENT),
    ("where clause", &[(LIMITS, "fn f<T>(_: T) where T: crate::client::http::Transport {}")], Edges, CLIENT),
    ("qualified path", &[(LIMITS, "fn f() { <u8 as crate::client::http::Transport>::call() }")], Edges, CLIENT),
    ("implemented trait", &[(LIMITS, "impl crate::client::http::Transport for u8 {}")], Edges, CLIENT),
    ("generic argument", &[(LIMITS, "fn f() { g::<crate::client::authy::Client>() }")], Edges, CLIENT),
    ("struct literal", &[(LIMITS, "fn f() { crate::client::authy::Options { a: 1 }; }")], Edges, CLIENT),
    ("array length", &[(LIMITS, "static A: [u8; crate::client::LIMIT] = [0; crate::client::LIMIT];")], Edges, CLIENT),
    ("relative path", &[(LIMITS, "fn f() { super::super::client::new() }")], Edges, CLIENT),
    ("attribute", &[(LIMITS, "struct S { #[arg(value_parser = crate::client::parse)] a: u8 }")], Edges, CLIENT),
    ("derive", &[(LIMITS, "#[derive(Debug, crate::client::Wire)] struct S;")], Edges, CLIENT),
    ("serde's path in a string", &[(LIMITS, "struct S { #[serde(with = \"crate::client::wire\")] a: u8 }")], Edges, CLIENT),
    ("the same, on a condition", &[(LIMITS, "#[cfg_attr(test, serde(from = \"crate::client::Wire\"))] struct S;")], Edges, CLIENT),
    ("argument of a macro", &[(LIMITS, "fn f() { println!(\"{}\", crate::client::LIMIT); }")], Edges, CLIENT),
    ("argument deep in a macro", &[(LIMITS, "fn f() { assert!(g(|x| [x, { super::super::client::LIMIT }])); }")], Edges, CLIENT),
    ("renamed module in a macro", &[(LIMITS, "use crate::store as s;\nfn f() { println!(\"{}\", s::remember::DAYS); }")], Edges, "mod.rs:2: store::limits may not use store::remember"),
    ("range in a macro", &[(LIMITS, "fn f() { g!(0..crate::client::LIMIT); }")], Edges, CLIENT),
    ("group in a macro", &[(LIMITS, "items! { use crate::{base::text, client::{self as c}}; }")], Edges, CLIENT),
    ("group with a variable in a macro", &[(LIMITS, "macro_rules! m { ($t:ident) => { use crate::{base::$t, client::authy}; } }")], Edges, CLIENT),
    ("import in a macro, then used", &[(LIMITS, "items! { use super::super::store as s; fn f() { s::remember::find() } }")], Edges, "store::limits may not use store::remember"),
    ("inline module in a macro", &[(LIMITS, "items! { mod a { use super::super::remember::find; } }")], Edges, "store::limits may not use store::remember"),
    ("$crate", &[(LIMITS, "macro_rules! m { () => { $crate::client::authy::new() } }")], Edges, CLIENT),
    ("$crate with a group", &[(LIMITS, "macro_rules! m { () => { use $crate::{base::text, client as c}; } }")], Edges, CLIENT),
    ("path that a macro puts together", &[(LIMITS, "macro_rules! m { ($layer:ident) => { crate::$layer::authy::new() } }")], Edges, "may not use the root"),
    ("the same, from the own layer", &[(LIMITS, "macro_rules! m { ($name:ident) => { super::$name::find() } }")], Edges, "store::limits may not use store"),
    ("exported macro of another layer", &[
        ("src/client/mod.rs", "#[macro_export] macro_rules! ask { () => {} }"),
        (LIMITS, "fn f() { crate::ask!(); }"),
    ], Edges, CLIENT),
    ("macro of another layer, by macro_use", &[
        ("src/client/mod.rs", "macro_rules! ask { () => {} }"),
        (LIMITS, "fn f() { ask!(); }"),
    ], Edges, CLIENT),
    ("file that does not parse", &[(LIMITS, "fn f( {")], Edges, "does not parse"),
];

#[rustfmt::skip]
const EDGES: &[Row] = &[
    ("limits use the client", &[(LIMITS, "use crate::client::authy::Client;")], Edges, CLIENT),
    ("remember uses the client", &[(REMEMBER, "use crate::client::authy::types::AuthyId;")], Edges, "store::remember may not use client"),
    ("users use the client", &[("src/store/users/entry.rs", "use crate::client::authy::types::AuthyId;")], Edges, "store::users may not use client"),
    ("sibling that is not listed", &[(REMEMBER, "use crate::store::limits::Limits;")], Edges, "store::remember may not use store::limits"),
    ("sibling, by super", &[(REMEMBER, "use super::limits::Limits;")], Edges, "store::remember may not use store::limits"),
    ("base uses the system", &[("src/base/text.rs", "use crate::host::account;")], Edges, "base::text may not use host"),
    ("client uses trusted files", &[("src/client/http/trust.rs", "use crate::host::trusted_file;")], Edges, "client::http may not use host"),
    ("transport uses a client", &[("src/client/http/mod.rs", "use super::authy::Error;")], Edges, "client::http may not use client::authy"),
    ("one client uses the other", &[("src/client/twilio/mod.rs", "use crate::client::authy::Error;")], Edges, "client::twilio may not use client::authy"),
    ("factor uses another's client", &[("src/factor/authy.rs", "use crate::client::twilio::Error;")], Edges, "factor::authy may not use client::twilio"),
    ("factor uses another factor", &[("src/factor/decoy.rs", "use super::totp::Totp;")], Edges, "factor::decoy may not use factor::totp"),
    ("login uses a factor", &[("src/login/push.rs", "use crate::factor::authy::Authy;")], Edges, "login::push may not use factor"),
    ("login reads the user database", &[("src/login/policy.rs", "use crate::host::account::find;")], Edges, "login::policy may not use host::account"),
    ("login uses all of account", &[("src/login/policy.rs", "use crate::host::account::*;")], Edges, "login::policy may not use host::account"),
    ("module uses the login", &[("src/pam/password.rs", "use crate::login::Login;")], Edges, "pam::password may not use login"),
    ("module uses accounts", &[("src/pam/mod.rs", "use crate::host::account;")], Edges, "pam may not use host::account"),
    ("engine uses the module", &[("src/engine/session.rs", "use crate::pam::code;")], Edges, "engine::session may not use pam"),
    ("application's side uses the system", &[("src/pam_app.rs", "use crate::host::account;")], Edges, "pam_app may not use host"),
    ("authyctl uses the module", &[(AUTHYCTL, "extern crate pam_authy as p;\nfn f() { p::pam::code() }")], Edges, "bin/authyctl may not use pam"),
    ("authyctl renames the library", &[(AUTHYCTL, "use pam_authy as p;")], Edges, "bin/authyctl may not use the root"),
    ("the engine's program uses files", &[("src/bin/pam_authyd/main.rs", "use pam_authy::store::config;")], Edges, "bin/pam_authyd may not use store"),
    ("simulator uses the library", &[(SIMULATOR, "use pam_authy::base::text;")], Edges, "bin/authy-sim may not use base"),
    ("simulator uses the library in a macro", &[(SIMULATOR, "fn f() { println!(\"{}\", ::pam_authy::base::text::LIMIT); }")], Edges, "bin/authy-sim may not use base"),
    ("simulator links the library", &[(SIMULATOR, "extern crate pam_authy;")], Edges, "bin/authy-sim may not use the root"),
    ("folder that is in no layer", &[("src/newcomer/mod.rs", "")], Edges, "newcomer is in no layer"),
    ("circle of two", &[
        (LIMITS, "use crate::store::remember::find;"),
        (REMEMBER, "use crate::store::limits::Limits;"),
    ], Cycles, "store::limits → store::remember"),
    ("circle of three", &[
        ("src/host/account.rs", "use super::address::Address;"),
        ("src/host/address.rs", "fn f() { crate::host::ssh_key::parse() }"),
        ("src/host/ssh_key.rs", "use crate::host::{account::find};"),
    ], Cycles, "host::account → host::address (src/host/account.rs:1) → host::ssh_key"),
    ("circle of layers", &[
        ("src/base/text.rs", "use crate::messages::built_in::TEXTS;"),
        ("src/messages/mod.rs", "use crate::base::secret::Secret;"),
    ], Cycles, "base → messages (src/base/text.rs:1) → base"),
    ("circle that an exception allows", &[
        ("src/pam/module.rs", "use crate::store::config::Config;"),
        ("src/store/state/mod.rs", "use crate::pam::module::panicked;"),
    ], Cycles, "pam → store"),
];

#[rustfmt::skip]
const WORDS: &[Row] = &[
    ("unsafe(no_mangle)", &[(LIMITS, "#[unsafe(no_mangle)] pub extern \"C\" fn f() {}")], Unsafe, "unsafe"),
    ("no_mangle", &[(LIMITS, "#[no_mangle] pub extern \"C\" fn f() {}")], Unsafe, "#[no_mangle]"),
    ("no_mangle on a condition", &[(LIMITS, "#[cfg_attr(unix, no_mangle)] pub extern \"C\" fn f() {}")], Unsafe, "#[no_mangle]"),
    ("export_name", &[(LIMITS, "#[export_name = \"pam_sm_authenticate\"] pub fn f() {}")], Unsafe, "#[export_name]"),
    ("link_section", &[(LIMITS, "#[link_section = \".init_array\"] static F: fn() = f;")], Unsafe, "#[link_section]"),
    ("unsafe block", &[(LIMITS, "fn f() { unsafe { g() } }")], Unsafe, "mod.rs:1: unsafe"),
    ("unsafe block behind a line break", &[(LIMITS, "fn f() {\n unsafe\n{ g() } }")], Unsafe, "mod.rs:2: unsafe"),
    ("unsafe function", &[(LIMITS, "unsafe fn f() {}")], Unsafe, "unsafe"),
    ("unsafe implementation", &[(LIMITS, "unsafe impl Send for S {}")], Unsafe, "unsafe"),
    ("unsafe trait", &[(LIMITS, "unsafe trait T {}")], Unsafe, "unsafe"),
    ("extern block", &[(LIMITS, "extern \"C\" { fn getuid() -> u32; }")], Unsafe, "extern block"),
    ("extern block without an ABI", &[(LIMITS, "extern { fn getuid() -> u32; }")], Unsafe, "extern block"),
    ("unsafe in a macro's arguments", &[(LIMITS, "fn f() { assert!([unsafe { g() }] == [1]); }")], Unsafe, "unsafe"),
    ("unsafe in a macro's body", &[(LIMITS, "macro_rules! m { ($e:expr) => { unsafe { $e } } }")], Unsafe, "unsafe"),
    ("no_mangle in a macro's body", &[(LIMITS, "macro_rules! m { () => { #[no_mangle] fn f() {} } }")], Unsafe, "#[no_mangle]"),
    ("assembler", &[(LIMITS, "core::arch::global_asm!(\"nop\");")], Unsafe, "global_asm"),
    ("unsafe in another file of pam", &[("src/pam/module.rs", "fn f() { unsafe { g() } }")], Unsafe, "unsafe"),
    ("unsafe in the simulator", &[(SIMULATOR, "fn main() { unsafe { g() } }")], Unsafe, "unsafe"),
    ("missing feature", &[(LIMITS, "#[cfg(not(feature = \"admin\"))] fn f() {}")], Features, "not (feature = \"admin\")"),
    ("missing feature among others", &[(LIMITS, "#[cfg(all(unix, not(any(test, feature = \"admin\"))))] fn f() {}")], Features, "not (any"),
    ("missing feature in an expression", &[(LIMITS, "fn f() -> bool { cfg!(not(feature = \"admin\")) }")], Features, "not (feature"),
    ("missing feature in cfg_attr", &[(LIMITS, "#![cfg_attr(not(feature = \"admin\"), deny(warnings))]")], Features, "not (feature"),
    ("missing feature in a macro", &[(LIMITS, "items! { #[cfg(not(feature = \"admin\"))] fn f() {} }")], Features, "not (feature"),
    ("missing feature that is no exception", &[("src/lib.rs", "#[cfg(not(feature = \"sim\"))] fn f() {}")], Features, "not (feature"),
    ("file beside its folder", &[("src/store/limits.rs", "mod bucket;"), (BUCKET, "")], Layout, "src/store/limits.rs: belongs"),
    ("include!", &[(LIMITS, "include!(\"../../client/mod.rs\");")], Layout, "include!"),
    ("include! as an expression", &[(LIMITS, "fn f() { std::include!(\"f.in\") }")], Layout, "include!"),
    ("path attribute", &[(LIMITS, "#[path = \"elsewhere.rs\"] mod bucket;")], Layout, "#[path]"),
    ("path attribute on a condition", &[(LIMITS, "#[cfg_attr(unix, path = \"elsewhere.rs\")] mod bucket;")], Layout, "#[path]"),
    ("path attribute to another layer", &[(LIMITS, "#[path = \"../../client/authy/types.rs\"] mod types;")], Edges, CLIENT),
    ("the same, in an inline module", &[(BUCKET, "mod a { #[cfg_attr(unix, path = \"../../../../client/http/mod.rs\")] mod b; }")], Edges, CLIENT),
    ("path attribute in the simulator", &[(SIMULATOR, "#[path = \"../../base/text.rs\"] mod text;")], Edges, "bin/authy-sim may not use base"),
    ("super in a file with a path attribute", &[
        ("src/base/mod.rs", "#[path = \"deep/down.rs\"] mod inner;"),
        ("src/base/deep/down.rs", "use super::super::client::authy;"),
    ], Edges, "base::inner may not use client"),
    ("file that mounts itself", &[("src/base/mod.rs", "#[path = \"mod.rs\"] mod inner;")], Layout, "#[path]"),
    ("module of a file with a path attribute", &[
        ("src/base/mod.rs", "#[path = \"deep/down/mod.rs\"] mod inner;"),
        ("src/base/deep/down/mod.rs", "mod more;"),
        ("src/base/deep/down/more.rs", "use super::super::super::client::authy;"),
    ], Edges, "base::inner may not use client"),
];

#[test]
fn every_violation_is_caught() {
    let mut missed = Vec::new();
    for (what, files, rule, says) in [IMPORTS, PATHS, EDGES, WORDS].into_iter().flatten() {
        let found = check(&sources(files)).found;
        if !found
            .iter()
            .any(|(broken, line)| broken == rule && line.contains(says))
        {
            missed.push(format!("{what}: found {found:?}"));
        }
    }
    assert!(
        missed.is_empty(),
        "{} missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

/// The files of a row.
pub(super) fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    let source = |(path, text): &(&str, &str)| Source {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    files.iter().map(source).collect()
}
