//! The grammar of a reply: what a person may type at the prompt.
//!
//! Everything typed is untrusted. Only what this file recognizes is used: a code, a recovery code,
//! or one of the words `push`, `sms` and `call`. Called by `login`, which decides what a reply does
//! and whether it is the system password.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::factor::{Channel, Code};
use super::text;

/// What a person typed.
#[derive(Debug)]
pub enum Reply {
    /// Digits in the form of a code.
    Code(Code),
    /// A text in the form of a recovery code.
    Recovery(RecoveryCode),
    /// The word `sms` or `call`.
    Send(Channel),
    /// The word `push`, or Enter where it means the same.
    Push,
    /// Anything else.
    Unusable,
}

/// The replies that a prompt accepts. Words are compared without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grammar {
    /// A code.
    pub codes: bool,
    /// A recovery code.
    pub recovery: bool,
    /// The word `push`.
    pub push: bool,
    /// Enter alone means `push`.
    pub enter_pushes: bool,
    /// The word `sms`.
    pub sms: bool,
    /// The word `call`.
    pub call: bool,
}

impl Grammar {
    /// Classifies `typed`. A reply with a control character is unusable: the dummy password that
    /// sshd passes on for a user who may not log in has some.
    #[must_use]
    pub fn classify(self, typed: &str) -> Reply {
        let is = |word| typed.eq_ignore_ascii_case(word);
        if text::has_control(typed) {
            Reply::Unusable
        } else if (self.enter_pushes && typed.is_empty()) || (self.push && is("push")) {
            Reply::Push
        } else if self.sms && is("sms") {
            Reply::Send(Channel::Sms)
        } else if self.call && is("call") {
            Reply::Send(Channel::Call)
        } else {
            self.classify_code(typed)
        }
    }

    fn classify_code(self, typed: &str) -> Reply {
        match (typed.parse(), typed.parse()) {
            (Ok(code), _) if self.codes => Reply::Code(code),
            (Err(_), Ok(code)) if self.recovery => Reply::Recovery(code),
            _ => Reply::Unusable,
        }
    }
}

/// The digits of Crockford's base 32, without I, L, O and U.
///
/// Source: <https://www.crockford.com/base32.html>
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A recovery code: 80 bits, typed as 16 base-32 characters in either case, with dashes and spaces
/// anywhere. It cannot be confused with a code, which has at most 12 digits. Wiped when dropped.
pub struct RecoveryCode(Zeroizing<[u8; Self::BYTES]>);

/// The text is not 16 characters of base 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a recovery code is 16 letters and digits, such as 3v8k-m2zq-70xd-w9ht")]
pub struct InvalidRecoveryCode;

impl RecoveryCode {
    /// How many random bytes a code has.
    pub const BYTES: usize = 10;
    /// How many characters a code has, five bits each.
    const LENGTH: usize = 16;

    /// The code with these bytes.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; Self::BYTES]>) -> Self {
        Self(bytes)
    }

    /// The code of 8 digits that another program made for emergencies, such as google-authenticator;
    /// `None` for any other text. It has few possible values, so who types it must be counted like
    /// one who types a code.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let is_code = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        bytes
            .iter_mut()
            .zip(digits.bytes())
            .for_each(|(to, from)| *to = from);
        is_code.then_some(Self(bytes))
    }

    /// The bytes. Keep them out of logs and files; store a keyed hash of them instead.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The code as it is shown: four groups of four lower-case characters.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let bits = Zeroizing::new(
            self.bytes()
                .iter()
                .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte)),
        );
        let mut text = Zeroizing::new(String::with_capacity(Self::LENGTH + 3));
        for position in 0..Self::LENGTH {
            if position > 0 && position % 4 == 0 {
                text.push('-');
            }
            let shift = 5 * (Self::LENGTH - 1 - position);
            let digit = DIGITS
                .get((*bits >> shift & 31) as usize)
                .copied()
                .unwrap_or(b'0');
            text.push(char::from(digit.to_ascii_lowercase()));
        }
        text
    }
}

impl FromStr for RecoveryCode {
    type Err = InvalidRecoveryCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bits = Zeroizing::new(0_u128);
        let mut length = 0;
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            length += 1;
            if length > Self::LENGTH {
                return Err(InvalidRecoveryCode);
            }
            *bits = *bits << 5 | u128::from(value(c).ok_or(InvalidRecoveryCode)?);
        }
        if length < Self::LENGTH {
            return Err(InvalidRecoveryCode);
        }
        let all = Zeroizing::new(bits.to_be_bytes());
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        for (to, from) in bytes
            .iter_mut()
            .zip(all.iter().skip(all.len() - Self::BYTES))
        {
            *to = *from;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The value of a digit; a letter that looks like a digit counts as that digit.
fn value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let value = DIGITS.iter().position(|digit| char::from(*digit) == c)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Grammar = Grammar {
        codes: true,
        recovery: true,
        push: true,
        enter_pushes: true,
        sms: true,
        call: true,
    };

    fn kind(grammar: Grammar, typed: &str) -> &'static str {
        match grammar.classify(typed) {
            Reply::Code(_) => "code",
            Reply::Recovery(_) => "recovery",
            Reply::Send(Channel::Sms) => "sms",
            Reply::Send(Channel::Call) => "call",
            Reply::Push => "push",
            Reply::Unusable => "unusable",
        }
    }

    #[test]
    fn a_reply_is_recognized_only_where_the_prompt_accepts_it() {
        let rows = [
            (
                "1234567",
                "code",
                Grammar {
                    codes: false,
                    ..ALL
                },
            ),
            (
                "3v8k-m2zq-70xd-w9ht",
                "recovery",
                Grammar {
                    recovery: false,
                    ..ALL
                },
            ),
            ("SMS", "sms", Grammar { sms: false, ..ALL }),
            ("call", "call", Grammar { call: false, ..ALL }),
            ("Push", "push", Grammar { push: false, ..ALL }),
            (
                "",
                "push",
                Grammar {
                    enter_pushes: false,
                    ..ALL
                },
            ),
        ];
        let mut wrong = Vec::new();
        for (typed, expected, without) in rows {
            if kind(ALL, typed) != expected {
                wrong.push(format!("{typed:?} is {}", kind(ALL, typed)));
            }
            if kind(without, typed) != "unusable" {
                wrong.push(format!("{typed:?} is accepted where it is not offered"));
            }
        }
        for typed in ["12", "push ", "sms\n", "1234567\r", "pushes"] {
            if kind(ALL, typed) != "unusable" {
                wrong.push(format!("{typed:?} is {}", kind(ALL, typed)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn only_eight_digits_are_the_code_of_another_program() {
        let code = RecoveryCode::from_digits("27719617").unwrap();
        assert_eq!(code.bytes(), b"27719617\0\0");
        for text in ["", "2771961", "277196170", "2771961x", "２７"] {
            assert!(RecoveryCode::from_digits(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_recovery_code_that_is_shown_can_be_parsed(bytes: [u8; RecoveryCode::BYTES]) {
            let shown = RecoveryCode::new(Zeroizing::new(bytes)).to_text();
            prop_assert_eq!(shown.len(), 19);
            let read: RecoveryCode = shown.parse().unwrap();
            prop_assert_eq!(read.bytes(), bytes);
        }
    }
}
