//! Why a directory was not read, and why one of its servers is of no use.

use ldap3::LdapResult;
use pam_authy::base::text;

/// Why one server did not give the list of people.
#[derive(Debug)]
pub(super) enum Failure {
    /// It cannot be reached, does not answer, is lost in the middle or is another than it should
    /// be. The next server may do better.
    Unreachable(String),
    /// It refuses the bind.
    BindRefused(String),
    /// It answers with less than the whole list, or says that it will.
    Incomplete(String),
    /// Something on this host is wrong.
    Local(String),
}

/// Why the directory was not read. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No server was of use: each with the reason.
    #[error("no server of the directory can be used: {}", .0.join("; "))]
    NoServer(Vec<String>),
    /// A server refused the bind.
    #[error("{0}: the bind is refused: {1}")]
    BindRefused(String, String),
    /// A server did not give the whole list.
    #[error("{0}: {1}")]
    Incomplete(String, String),
    /// Something on this host is wrong.
    #[error("{0}")]
    Local(String),
}

/// The longest text of a server that is shown, in characters.
const SHOWN: usize = 200;

/// Describes the result of an operation: its code, in words where it is a usual one, and what the
/// server says.
pub(super) fn describe(result: &LdapResult) -> String {
    let words = match result.rc {
        3 => "the time limit of the server is exceeded",
        4 => "the size limit of the server is exceeded",
        7 => "the server does not know this kind of bind",
        10 => "the server refers to another one",
        11 => "an administrative limit of the server is exceeded",
        13 => "the server requires encryption",
        32 => "the entry does not exist",
        34 => "the distinguished name is not valid",
        48 => "the server does not allow this kind of bind",
        49 => "name or password is wrong",
        50 => "access is denied",
        51 => "the server is busy",
        52 => "the server is not available",
        53 => "the server is not willing to do that",
        _ => "the server reports an error",
    };
    let said = text::sanitize_to(result.text.trim(), SHOWN);
    let said = if said.is_empty() {
        said
    } else {
        format!(": {said}")
    };
    format!("{words} (result code {}){said}", result.rc)
}
