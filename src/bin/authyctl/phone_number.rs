//! Parses phone numbers as people write them: `405-342-5699`, `+57 300 300 3333`, `0049…`.

use pam_authy::base::factor;
use pam_authy::base::text::{mask_numbers, sanitize_to};
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::CountryCode;

use crate::error::{CommandError, ErrorKind};

/// Parses a number that an administrator has typed, so that errors show all of it. `country` is the calling code where one was given; it is 1 when the number has
/// none either.
///
/// # Errors
/// The number is not valid in its country, or `country` differs from the code after `+` or `00`.
pub(crate) fn parse(text: &str, country: Option<CountryCode>) -> Result<Phone, CommandError> {
    let wrong = |why: &str| {
        CommandError::new(
            ErrorKind::Usage,
            format!("cellphone {}: {why}", sanitize_to(text, 32)),
        )
        .hint("a number is written 405-342-5699 with --country-code 1, or +1 405 342 5699")
    };
    let bare: String = text.chars().filter(|c| !" -.()/".contains(*c)).collect();
    let international = bare.strip_prefix("00").or_else(|| bare.strip_prefix('+'));
    let full = match international {
        Some(rest) => format!("+{rest}"),
        None => format!("+{}{bare}", country.unwrap_or_default()),
    };
    let number = phonenumber::parse(None, &full).map_err(|_| wrong("is not a phone number"))?;
    let code: CountryCode = number
        .code()
        .value()
        .to_string()
        .parse()
        .map_err(|_| wrong("has no country code"))?;
    if country.is_some_and(|given| given != code) {
        return Err(wrong("belongs to a different country than --country-code"));
    }
    if !phonenumber::is_valid(&number) {
        return Err(wrong("is not a valid number in that country"));
    }
    let cellphone = number
        .national()
        .to_string()
        .parse()
        .map_err(|_| wrong("is not a cellphone"))?;
    Ok(Phone {
        country_code: code,
        cellphone,
    })
}

/// Returns the number in the form of E.164. `country` (ISO 3166) is that of numbers without `+` and
/// `00`. `(0)` behind the code of a country is skipped.
///
/// # Errors
/// The reason: it is no number, not valid in its country, or its country is unknown.
pub(crate) fn e164(text: &str, country: Option<&str>) -> Result<factor::Phone, String> {
    let wrong = |why: &str| format!("{} {why}", sanitize_to(&mask_numbers(text), 32));
    let is_separator = |c: char| c.is_whitespace() || "-\u{2010}\u{2011}.()/".contains(c);
    let is_international = ["+", "00"]
        .iter()
        .any(|start| text.trim_start().starts_with(start));
    let text = if is_international {
        text.replacen("(0)", "", 1)
    } else {
        text.to_owned()
    };
    let bare: String = text.chars().filter(|c| !is_separator(*c)).collect();
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("is not a phone number"));
    }
    let full = match bare.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => bare,
    };
    let country = match country {
        _ if full.starts_with('+') => None,
        Some(code) => Some(code.parse().map_err(|_| wrong("has no known country"))?),
        None => return Err(wrong("has no + and directory.default_country is not set")),
    };
    let number = phonenumber::parse(country, &full).map_err(|_| wrong("is not a phone number"))?;
    if !phonenumber::is_valid(&number) {
        return Err(wrong("is not a valid number in its country"));
    }
    let number = number.format().mode(phonenumber::Mode::E164).to_string();
    number.parse().map_err(|_| wrong("is not a phone number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, country: Option<&str>) -> Result<String, String> {
        parse(text, country.map(|code| code.parse().unwrap()))
            .map(|phone| format!("+{} {}", phone.country_code, phone.cellphone.digits()))
            .map_err(|error| error.message)
    }

    #[test]
    fn numbers_are_parsed_as_people_write_them() {
        assert_eq!(read("405-342-5699", None).unwrap(), "+1 4053425699");
        assert_eq!(read("(405) 342.5699", Some("1")).unwrap(), "+1 4053425699");
        assert_eq!(read("+57 300 300 3333", None).unwrap(), "+57 3003003333");
        assert_eq!(read("300 300 3333", Some("57")).unwrap(), "+57 3003003333");
        assert_eq!(read("0049 1512 3456789", None).unwrap(), "+49 15123456789");
        assert_eq!(
            read("+49 1512 3456789", Some("49")).unwrap(),
            "+49 15123456789"
        );
    }

    #[test]
    fn invalid_numbers_are_refused_and_named() {
        for text in [
            "",
            "x",
            "12",
            "405-342-569",
            "+999 1234567",
            "405-342-5699-1234",
            "+",
        ] {
            assert!(
                read(text, None).unwrap_err().starts_with("cellphone "),
                "{text}"
            );
        }
        assert_eq!(
            read("405-342-56990", None).unwrap_err(),
            "cellphone 405-342-56990: is not a valid number in that country"
        );
        assert!(
            read("+57 300 300 3333", Some("1"))
                .unwrap_err()
                .contains("a different country")
        );
    }

    #[test]
    fn numbers_of_a_directory_become_e164_with_a_default_country() {
        let rows = [
            ("+1 405 342 5699", None, "+14053425699"),
            ("+49 (0)30 901820", None, "+4930901820"),
            ("0049 (0) 30 / 901820", None, "+4930901820"),
            ("+49 (0)1512 3456789", Some("US"), "+4915123456789"),
            ("030 901820", Some("DE"), "+4930901820"),
            ("(0)30 901820", Some("DE"), "+4930901820"),
            ("(030) 90 18-20", Some("DE"), "+4930901820"),
            ("(405)\u{a0}342\u{2011}5699", Some("US"), "+14053425699"),
            ("06 698 1234", Some("IT"), "+39066981234"),
        ];
        let wrong: Vec<_> = rows
            .iter()
            .map(|(text, country, expected)| (e164(text, *country), expected))
            .filter(|(found, expected)| {
                found.as_ref().map(ToString::to_string) != Ok((**expected).to_owned())
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn what_is_no_number_of_a_directory_is_refused_and_masked() {
        let rows = [
            ("", Some("DE")),
            ("+", None),
            ("none", Some("DE")),
            ("030 901820", None),
            ("+49 30", None),
            ("+999 1234567", None),
            ("+1 405 342 5699 ext. 5", None),
            ("+1 405 342 5699, +1 405 342 5698", None),
            ("4053425699", Some("XX")),
            ("+1 405 342 569", Some("US")),
            ("+1\u{660}405 342 5699", Some("US")),
        ];
        for (text, country) in rows {
            let why = e164(text, country).unwrap_err();
            assert!(
                !why.contains("3425699") && !why.contains("342 5699"),
                "{why}"
            );
        }
    }
}
