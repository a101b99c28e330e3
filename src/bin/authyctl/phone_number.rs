//! Parses phone numbers as people write them: `405-342-5699`, `+57 300 300 3333`, `0049…`.

use pam_authy::base::text::{mask_numbers, sanitize_to};
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::CountryCode;

use crate::error::{CommandError, ErrorKind};

/// Parses a number. `country` is the calling code where one was given; it is 1 when the number has
/// none either.
///
/// # Errors
/// The number is not valid in its country, or `country` differs from the code after `+` or `00`.
pub(crate) fn parse(text: &str, country: Option<CountryCode>) -> Result<Phone, CommandError> {
    let wrong = |why: &str| {
        CommandError::new(
            ErrorKind::Usage,
            format!("cellphone {}: {why}", sanitize_to(&mask_numbers(text), 32)),
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
            "cellphone XXX-XXX-XXX90: is not a valid number in that country"
        );
        assert!(
            read("+57 300 300 3333", Some("1"))
                .unwrap_err()
                .contains("a different country")
        );
    }
}
