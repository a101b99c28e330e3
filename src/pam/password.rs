//! What leaves the module of a reply: never the system password.
//!
//! A reply that equals PAM_AUTHTOK, or has a control character (sshd's dummy password does), is
//! unusable. Where a question asks for password and code in one reply (`token_in_password`), the
//! password part becomes PAM_AUTHTOK for the modules that follow, and only what parses as a code, a
//! word or a recovery code is sent. Everything typed is untrusted. Called by `module`.

use crate::base::factor::Code;
use crate::base::reply::{Grammar, Reply};
use crate::base::secret::Secret;
use crate::base::text;

/// Every reply that some engine may accept.
const ANY: Grammar = Grammar {
    codes: true,
    recovery: true,
    push: true,
    enter_pushes: false,
    sms: true,
    call: true,
};

/// The longest reply that is sent, in bytes; libpam's own limit (PAM_MAX_RESP_SIZE) is 512.
const MAX_REPLY: usize = 1024;

/// Returns what of `typed` may be sent as the reply to a question for a code; `known` is
/// PAM_AUTHTOK.
pub(super) fn usable(typed: Option<Secret>, known: Option<&Secret>) -> Option<Secret> {
    typed.filter(|typed| {
        let typed = typed.expose();
        let is_known = known.is_some_and(|known| !typed.is_empty() && known.expose() == typed);
        !is_known && !text::has_control(typed) && typed.len() <= MAX_REPLY
    })
}

/// Splits `combined` into the password and the reply: at the last comma, if a reply follows it, or
/// else before as many digits as the only length of codes says. Otherwise all of it is the password
/// and there is no reply. This is also so for the digits alone, which may be a password, and for
/// `known`, the password that an earlier module has read already.
pub(super) fn split(
    combined: &Secret,
    known: Option<&Secret>,
    lengths: &[u8],
) -> (Secret, Option<Secret>) {
    let text = combined.expose();
    let is_known = known.is_some_and(|known| known.expose() == text);
    if is_known || text::has_control(text) {
        return (combined.clone(), None);
    }
    let secret = |text: &str| Secret::new(text.to_owned());
    if let Some((password, reply)) = text.rsplit_once(',')
        && !reply.is_empty()
        && !matches!(ANY.classify(reply), Reply::Unusable)
    {
        return (secret(password), Some(secret(reply)));
    }
    if let [length] = lengths
        && let Some((password, digits)) = before_digits(text, usize::from(*length))
    {
        return (secret(password), Some(secret(digits)));
    }
    (combined.clone(), None)
}

/// Splits a text that ends with a code of `length` digits, and is longer.
fn before_digits(text: &str, length: usize) -> Option<(&str, &str)> {
    let at = text.len().checked_sub(length)?;
    let (password, digits) = text.split_at_checked(at)?;
    (!password.is_empty() && digits.parse::<Code>().is_ok()).then_some((password, digits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_reply_that_equals_the_password_or_has_a_control_character_is_not_sent() {
        // What was typed, PAM_AUTHTOK, whether the reply is sent.
        let rows = [
            (Some("1234567"), None, true),
            (Some("1234567"), Some("hunter2"), true),
            (Some("1234567"), Some("1234567"), false),
            (Some(""), Some(""), true),
            (Some(""), Some("hunter2"), true),
            (Some("\u{8}\n\r\u{7f}INCORRECT"), None, false),
            (Some("123456\u{9b}"), None, false),
            (None, None, false),
        ];
        let wrong: Vec<_> = rows
            .into_iter()
            .filter(|(typed, known, sent)| {
                let known = known.map(secret);
                usable(typed.map(secret), known.as_ref()).is_some() != *sent
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(usable(Some(secret(&"1".repeat(MAX_REPLY + 1))), None).is_none());
    }

    #[test]
    fn password_and_reply_are_split_at_the_last_comma_or_before_the_digits() {
        // What was typed, the lengths of codes, the password, the reply.
        let rows: [(&str, &[u8], &str, Option<&str>); 16] = [
            ("hunter2,1234567", &[7], "hunter2", Some("1234567")),
            ("hunter2,123456", &[7], "hunter2", Some("123456")),
            ("hun,ter2,push", &[], "hun,ter2", Some("push")),
            ("hunter2,SMS", &[6, 7], "hunter2", Some("SMS")),
            (
                "hunter2,3v8k-m2zq-70xd-w9ht",
                &[7],
                "hunter2",
                Some("3v8k-m2zq-70xd-w9ht"),
            ),
            ("hunter21234567", &[7], "hunter2", Some("1234567")),
            ("hunter2123456", &[6], "hunter2", Some("123456")),
            ("hunter2123456", &[6, 7], "hunter2123456", None),
            ("hunter2123456", &[], "hunter2123456", None),
            ("1234567", &[7], "1234567", None),
            ("123456", &[7], "123456", None),
            (",1234567", &[7], "", Some("1234567")),
            ("hunter2,", &[7], "hunter2,", None),
            ("hunter2,word", &[7], "hunter2,word", None),
            ("a,b1234567", &[7], "a,b", Some("1234567")),
            ("hunter2\n1234567", &[7], "hunter2\n1234567", None),
        ];
        let mut wrong = Vec::new();
        for (typed, lengths, password, reply) in rows {
            let (left, right) = split(&secret(typed), None, lengths);
            if (left.expose(), right.as_ref().map(Secret::expose)) != (password, reply) {
                wrong.push((typed, lengths, left.expose().to_owned()));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
        let typed = secret("hunter21234567");
        assert!(split(&typed, Some(&typed), &[7]).1.is_none(), "known");
    }

    proptest! {
        #[test]
        fn what_leaves_the_module_is_a_code_a_word_or_a_recovery_code(
            text in "[a-z,0-9é]{0,24}",
            lengths in proptest::collection::vec(4_u8..12, 0..3),
        ) {
            let (password, reply) = split(&secret(&text), None, &lengths);
            prop_assert!(text.starts_with(password.expose()));
            if let Some(reply) = reply {
                prop_assert!(text.ends_with(reply.expose()));
                prop_assert!(!matches!(ANY.classify(reply.expose()), Reply::Unusable));
            }
        }
    }
}
