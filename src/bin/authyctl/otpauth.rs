//! `otpauth://totp/…` addresses, which apps read from a QR code and export.
//!
//! An address that is read comes from another program and is not trusted; no error quotes it, since it
//! contains the secret. Format: <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>

use std::fmt::Write;

use pam_authy::base::secret::Secret;
use pam_authy::store::totp::Authenticator;
use zeroize::Zeroizing;

/// The start of every address.
const SCHEME: &str = "otpauth://";

/// Whether the text looks like an address.
pub(crate) fn is_address(text: &str) -> bool {
    let start = text.get(..SCHEME.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
}

/// Returns the address of an app, for the account `user` on the host `issuer`.
pub(crate) fn write(app: &Authenticator, user: &str, issuer: &str) -> Secret {
    let (user, issuer) = (encoded(user), encoded(issuer));
    let secret = app.to_base32();
    let mut address = format!("{SCHEME}totp/{issuer}:{user}?secret=");
    address.push_str(&secret);
    // Writing to a text does not fail.
    let _ = write!(address, "&issuer={issuer}");
    let usual = Authenticator::from_bytes(app.secret().as_bytes());
    if !usual.is_ok_and(|usual| usual.is_same_as(app)) {
        let (algorithm, digits, period) = (app.algorithm(), app.digits(), app.period());
        let _ = write!(
            address,
            "&algorithm={algorithm}&digits={digits}&period={period}"
        );
    }
    Secret::new(address)
}

/// Returns the account that an address names, without the issuer; `None` where it names none.
pub(crate) fn account(text: &str) -> Option<String> {
    let (_, rest) = text.get(SCHEME.len()..)?.split_once('/')?;
    let label = decoded(rest.split('?').next().unwrap_or_default())?;
    // The account follows the issuer, if there is one.
    let account = label.rsplit(':').next().unwrap_or_default().trim();
    Some(account.to_owned())
}

/// Reads the app of an address.
///
/// # Errors
/// It is not that of a time-based app, or its secret or a setting cannot be used. The text says why and
/// quotes nothing.
pub(crate) fn read(text: &str) -> Result<Authenticator, String> {
    let rest = text.get(SCHEME.len()..).unwrap_or_default();
    let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
    if kind.eq_ignore_ascii_case("hotp") {
        return Err("is of a counter-based app (HOTP), which is not supported".to_owned());
    }
    if !is_address(text) || !kind.eq_ignore_ascii_case("totp") {
        return Err("is no otpauth://totp/ address".to_owned());
    }
    let (_, query) = rest.split_once('?').unwrap_or((rest, ""));
    app(query)
}

/// Reads the app from the parameters of an address.
fn app(query: &str) -> Result<Authenticator, String> {
    let parameter = |wanted: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| decoded(value).ok_or("has a value that is not UTF-8"))
    };
    let number = |name: &str| match parameter(name) {
        // No other text is one of the allowed numbers.
        Some(text) => Ok(Some(text?.parse::<i64>().unwrap_or(-1))),
        None => Ok::<_, &str>(None),
    };
    let secret = parameter("secret").ok_or("has no secret")?;
    let mut app = Authenticator::from_base32(&secret?).map_err(|error| error.to_string())?;
    if let Some(digits) = number("digits")? {
        app = app.with_digits(digits).map_err(|error| error.to_string())?;
    }
    if let Some(period) = number("period")? {
        app = app.with_period(period).map_err(|error| error.to_string())?;
    }
    if let Some(word) = parameter("algorithm") {
        let word = word?.to_ascii_uppercase();
        // Some programs write the name of the whole function.
        let word = word.strip_prefix("HMAC").unwrap_or(&word);
        let algorithm = word.parse();
        app = app.with_algorithm(algorithm.map_err(|_| "has an unknown algorithm")?);
    }
    Ok(app)
}

/// Writes each byte as `%XX` that could have a meaning in an address.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Reads `%XX` as bytes; a `%` without two digits stays. `None` when that is not UTF-8.
fn decoded(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn an_address_that_is_written_can_be_read() {
        let usual = Authenticator::from_base32(SECRET).unwrap();
        let other = usual.clone().with_digits(8).unwrap();
        let other = other.with_period(60).unwrap();
        let other = other.with_algorithm("SHA256".parse().unwrap());
        for app in [usual, other] {
            let address = write(&app, "jane.doe", "host ü:1");
            let read = read(address.expose()).unwrap();
            assert!(read.is_same_as(&app), "{}", address.expose());
            assert_eq!(account(address.expose()).unwrap(), "jane.doe");
        }
        let app = Authenticator::from_base32(SECRET).unwrap();
        assert_eq!(
            write(&app, "bob", "web1").expose(),
            format!("otpauth://totp/web1:bob?secret={SECRET}&issuer=web1")
        );
    }

    #[test]
    fn what_is_no_address_of_a_time_based_app_is_refused_and_not_quoted() {
        let of = |rest: &str| format!("otpauth://totp/x:bob?{rest}");
        let rows = [
            (
                format!("otpauth://hotp/bob?secret={SECRET}&counter=1"),
                "counter-based",
            ),
            (format!("https://totp/bob?secret={SECRET}"), "is no otpauth"),
            (of("issuer=x"), "has no secret"),
            (of("secret=0189"), "secret is not base32"),
            (of(&format!("secret={SECRET}&digits=9")), "digits must be"),
            (of(&format!("secret={SECRET}&period=x")), "period must be"),
            (
                of(&format!("secret={SECRET}&algorithm=MD5")),
                "unknown algorithm",
            ),
            (of("secret=%FF"), "not UTF-8"),
        ];
        let mut wrong = Vec::new();
        for (text, expected) in rows {
            let error = read(&text).map(|_| ()).unwrap_err();
            if !error.contains(expected) || error.contains(SECRET) {
                wrong.push(format!("{text}: {error}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        for text in [
            "",
            "otpauth:/",
            "otpauth://",
            "otpauth://totp",
            "é",
            "otpauth://totp/%",
        ] {
            assert!(read(text).is_err());
        }
    }
}
