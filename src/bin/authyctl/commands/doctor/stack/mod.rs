//! What doctor says about a stack with our module.
//!
//! `answers` knows what each module can answer, `outcomes` follows every answer with the model of
//! libpam in `commands::stack`, and `verdict` says what is wrong. `other_types` looks at account and
//! session lines.

mod answers;
mod other_types;
mod outcomes;
mod verdict;

use crate::commands::stack::{Handler, is_our_module};

pub(crate) use answers::is_first_factor;
pub(crate) use other_types::other_types;
pub(crate) use verdict::{Judgement, lets_in};

/// Returns the lines that call our module.
pub(crate) fn our_lines(list: &[Handler]) -> Vec<&Handler> {
    list.iter().filter(|line| is_ours(line)).collect()
}

/// Returns the line of a service's stack through which a login can succeed without our module's
/// consent.
pub(crate) fn bypass(service: &str, list: &[Handler]) -> Option<String> {
    let judgement = Judgement {
        service,
        list,
        may_ignore: false,
        token_in_password: false,
        has_key: true,
    };
    judgement.bypass()
}

/// Whether a line calls our module.
pub(crate) fn is_ours(line: &Handler) -> bool {
    line.module().is_some_and(is_our_module)
}
