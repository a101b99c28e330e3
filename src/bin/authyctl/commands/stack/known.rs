//! Modules with an answer that the line alone determines, and how our own module is recognized.

use super::control::Code;
use super::read::{Handler, Kind, Module};

/// Whether a module is ours.
pub(crate) fn is_our_module(module: &Module) -> bool {
    // libpam looks for a name with a carriage return, and finds no module; it is meant to be ours.
    module.name.trim_end() == "pam_authy.so"
}

/// Returns the answers to `authenticate` and `setcred` of a handler that always gives the same. A
/// missing file makes no fixed answer, since the module may be installed later.
pub(crate) fn fixed_answer(handler: &Handler) -> Option<(Code, Code)> {
    match &handler.kind {
        Kind::Broken(_) => Some((Code::PERM_DENIED, Code::PERM_DENIED)),
        Kind::Module(module) => match module.name.as_str() {
            "pam_permit.so" => Some((Code::SUCCESS, Code::SUCCESS)),
            "pam_deny.so" => Some((Code::AUTH_ERR, Code::CRED_ERR)),
            _ => None,
        },
        Kind::Substack => None,
    }
}
