//! Lists of apps: the users file of oath-toolkit (`users.oath`), and `otpauth://` addresses, one on
//! a line.
//!
//! What is read comes from other programs and is not trusted; no error quotes a secret.

use pam_authy::store::totp::Authenticator;
use zeroize::Zeroizing;

use super::rows::{ImportRow, ImportedApp, user_name};
use crate::otpauth;

/// Reads the rows of a list; `None` when the text is no list of apps.
pub(super) fn read(text: &str) -> Option<Vec<ImportRow>> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let first = lines.clone().next()?.1;
    let read: fn(&str) -> Named = if otpauth::is_address(first) {
        address
    } else if is_oath(first) {
        oath
    } else {
        return None;
    };
    let row = |(number, line)| {
        let (user, app) = read(line);
        let app = user_name(&user).and(app).map(ImportedApp::from);
        ImportRow {
            line: Some(number),
            user,
            factors: app.map(Into::into),
        }
    };
    Some(lines.by_ref().map(row).collect())
}

/// A user, and the app or why it is left out.
type Named = (String, Result<Authenticator, String>);

/// Reads an address; the account in it is the user.
fn address(line: &str) -> Named {
    let user = otpauth::account(line).unwrap_or_default();
    (user, otpauth::read(line))
}

/// Whether this is a line of a users file of oath-toolkit.
fn is_oath(line: &str) -> bool {
    let kind = line.split_whitespace().next().unwrap_or_default();
    let kind = kind.split('/').next().unwrap_or_default();
    kind.eq_ignore_ascii_case("HOTP")
}

/// Reads `HOTP/T30/6 USER PIN HEX …`.
///
/// Source: oath-toolkit, `liboath/usersfile.c`.
fn oath(line: &str) -> Named {
    let mut fields = line.split_whitespace();
    let kind = fields.next().unwrap_or_default();
    let user = fields.next().unwrap_or_default().to_owned();
    let (pin, secret) = (fields.next(), fields.next());
    let app = || {
        let (digits, period) = oath_kind(kind)?;
        if pin != Some("-") {
            return Err("has a PIN, which is not supported".to_owned());
        }
        let bytes = unhex(secret.unwrap_or_default()).ok_or("secret is not hexadecimal")?;
        let app = Authenticator::from_bytes(&bytes);
        let app = app.and_then(|app| app.with_digits(digits)?.with_period(period));
        app.map_err(|error| error.to_string())
    };
    (user, app())
}

/// Reads the digits and the period of a kind such as `HOTP/T30/6`.
fn oath_kind(kind: &str) -> Result<(i64, i64), String> {
    let mut parts = kind.split('/').skip(1);
    let moving = parts.next().unwrap_or("E");
    let Some(period) = moving.strip_prefix(['T', 't']) else {
        return Err("is counter-based (HOTP), which is not supported".to_owned());
    };
    let digits = parts.next().unwrap_or("6");
    let number = |text: &str| text.parse().unwrap_or(-1);
    Ok((number(digits), number(period)))
}

fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<_>> = digits.chunks(2).map(byte).collect();
    bytes.map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "3132333435363738393031323334353637383930";
    const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn shown(text: &str) -> Vec<String> {
        let rows = read(text).unwrap();
        rows.into_iter()
            .map(|row| {
                let line = row.line.unwrap();
                let user = row.user;
                match row.factors {
                    Ok(factors) => {
                        let app = factors.app.unwrap().app;
                        let (digits, period) = (app.digits(), app.period());
                        let secret = app.to_base32().as_str() == BASE32;
                        format!("{line} {user} {digits} {period} {secret}")
                    }
                    Err(why) => format!("{line} {user}: {why}"),
                }
            })
            .collect()
    }

    #[test]
    fn time_based_lines_of_oath_toolkit_are_read_and_all_others_are_named() {
        let text = format!(
            "# people\n\nHOTP/T30\tbob\t-\t{HEX}\nHOTP/T60/8 jane.doe - {HEX} 7 123456 2026-01-01T00:00:00L\n\
             HOTP kim - {HEX}\nHOTP/E/6 kim - {HEX}\nHOTP/T30/6 pat 1234 {HEX}\nHOTP/T30 al - 31x2\n\
             HOTP/T30/9 al - {HEX}\nHOTP/T30 al -\nnonsense\n"
        );
        assert_eq!(
            shown(&text),
            [
                "3 bob 6 30 true",
                "4 jane.doe 8 60 true",
                "5 kim: is counter-based (HOTP), which is not supported",
                "6 kim: is counter-based (HOTP), which is not supported",
                "7 pat: has a PIN, which is not supported",
                "8 al: secret is not hexadecimal",
                "9 al: digits must be 6, 7 or 8",
                "10 al: secret has 0 bytes once decoded, not 10 to 128",
                "11 : user is not a valid account name",
            ]
        );
    }

    #[test]
    fn addresses_are_read_for_the_account_that_they_name() {
        let text = format!(
            "otpauth://totp/web1:bob?secret={BASE32}&issuer=web1\n\
             otpauth://totp/jane.doe%40example.com?secret={BASE32}&digits=8\n\
             otpauth://hotp/kim?secret={BASE32}&counter=1\notpauth://totp/?secret={BASE32}\n"
        );
        assert_eq!(
            shown(&text),
            [
                "1 bob 6 30 true",
                "2 jane.doe@example.com 8 30 true",
                "3 kim: is of a counter-based app (HOTP), which is not supported",
                "4 : user is not a valid account name",
            ]
        );
    }

    #[test]
    fn other_files_are_no_lists() {
        for text in ["", "user,totp_secret\n", "user=alice:1635\n", "# HOTP\n"] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text: String) {
            let _ = read(&text);
            let _ = read(&format!("HOTP/{text}"));
            let _ = read(&format!("otpauth://{text}"));
        }
    }
}
