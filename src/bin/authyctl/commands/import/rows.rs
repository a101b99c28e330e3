//! Reads the rows of an import file: each with its line, and the person or why it cannot be read.

use pam_authy::base::factor;
use pam_authy::base::reply::RecoveryCode;
use pam_authy::base::text;
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::{AuthyId, CountryCode};
use pam_authy::store::totp::Authenticator;

use super::content;
use crate::{otpauth, phone_number};

/// A row of a file, whatever program wrote it.
#[derive(Debug)]
pub(super) struct ImportRow {
    /// The line in the file, if it has several people.
    pub(super) line: Option<usize>,
    /// The user; empty where the row names none.
    pub(super) user: String,
    /// The factors to add, or why the row is left out.
    pub(super) factors: Result<RowFactors, String>,
}

/// The factors of a row.
#[derive(Debug, Default)]
pub(super) struct RowFactors {
    pub(super) person: RowPerson,
    /// The number for codes of Twilio Verify.
    pub(super) phone: Option<factor::Phone>,
    /// An app whose codes this host checks.
    pub(super) app: Option<ImportedApp>,
}

/// An app of another program.
#[derive(Debug)]
pub(super) struct ImportedApp {
    pub(super) app: Authenticator,
    /// Codes for emergencies, which become recovery codes.
    pub(super) emergency: Vec<RecoveryCode>,
}

impl From<Authenticator> for ImportedApp {
    fn from(app: Authenticator) -> Self {
        Self {
            app,
            emergency: Vec::new(),
        }
    }
}

impl From<ImportedApp> for RowFactors {
    fn from(app: ImportedApp) -> Self {
        Self {
            app: Some(app),
            ..Self::default()
        }
    }
}

/// The person of a row, at Authy.
#[derive(Debug, Default)]
pub(super) enum RowPerson {
    /// Nothing is said of Authy.
    #[default]
    Unnamed,
    Id(AuthyId),
    New {
        email: String,
        phone: Phone,
    },
}

/// Reads all rows of a file.
///
/// # Errors
/// The file lacks a column.
pub(super) fn read(text: &str) -> Result<Vec<ImportRow>, String> {
    if is_authy_ssh(text) {
        Ok(authy_ssh(text))
    } else {
        csv(text)
    }
}

/// Whether this is a configuration of authy-ssh, or an authorized_keys file that it has edited.
fn is_authy_ssh(text: &str) -> bool {
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    let settings = [
        "user=",
        "api_key=",
        "banner=",
        "default_verify_action=",
        "command=",
    ];
    first.is_some_and(|line| settings.iter().any(|start| line.starts_with(start)))
}

fn authy_ssh(text: &str) -> Vec<ImportRow> {
    let mut rows = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate() {
        let (user, factors) = match line.split_once('=') {
            Some(("user", entry)) => authy_ssh_user(entry),
            // `authy-ssh protect` puts the id of a person before a key of a shared account.
            Some(("command", _)) => {
                let why = "belongs to one key of a shared account: enroll it with --ssh-key";
                (String::new(), Err(why.to_owned()))
            }
            _ => continue,
        };
        rows.push(ImportRow {
            line: Some(number + 1),
            user,
            factors,
        });
    }
    rows
}

/// Parses `name:id`.
fn authy_ssh_user(entry: &str) -> (String, Result<RowFactors, String>) {
    let Some((user, id)) = entry.rsplit_once(':') else {
        return (String::new(), Err("is not written user=NAME:ID".to_owned()));
    };
    let factors = user_name(user).and_then(|_| {
        Ok(RowFactors {
            person: RowPerson::Id(id.trim().parse().map_err(|_| bad_id())?),
            ..RowFactors::default()
        })
    });
    (user.to_owned(), factors)
}

/// Where a CSV file has its columns.
struct Columns {
    user: usize,
    id: Option<usize>,
    new: Option<(usize, usize)>,
    phone: Option<usize>,
    secret: Option<usize>,
    country: Option<usize>,
}

impl Columns {
    fn find(headers: &csv::StringRecord, text: &str) -> Result<Self, String> {
        let column = |name: &str| headers.iter().position(|header| header == name);
        let columns = Self {
            user: column("user").ok_or_else(|| content::without_user(text))?,
            id: column("authy_id"),
            new: column("email").zip(column("cellphone")),
            phone: column("phone"),
            secret: column("totp_secret"),
            country: column("country_code"),
        };
        let has_factor = columns.id.is_some()
            || columns.new.is_some()
            || columns.phone.or(columns.secret).is_some();
        if !has_factor {
            return Err(
                "the first line names neither `authy_id` nor `email` and `cellphone` nor `phone` nor \
                 `totp_secret`"
                    .to_owned(),
            );
        }
        Ok(columns)
    }

    /// The factors of a row.
    fn factors(&self, record: &csv::StringRecord) -> Result<RowFactors, String> {
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        user_name(cell(Some(self.user)))?;
        let country = country(cell(self.country))?;
        let app = app(cell(self.secret))?;
        let phone = phone(cell(self.phone), country)?;
        let (email, cellphone) = match self.new {
            Some((email, cellphone)) => (cell(Some(email)), cell(Some(cellphone))),
            None => ("", ""),
        };
        let has_other = app.is_some() || phone.is_some();
        let person = match cell(self.id) {
            // A row with another factor need not say anything of Authy.
            "" if email.is_empty() && (has_other || self.new.is_none() && self.id.is_none()) => {
                RowPerson::Unnamed
            }
            "" if self.new.is_some() => new_person(email, cellphone, country)?,
            id => RowPerson::Id(id.parse().map_err(|_| bad_id())?),
        };
        if matches!(person, RowPerson::Unnamed) && !has_other {
            return Err("names no factor".to_owned());
        }
        Ok(RowFactors {
            person,
            phone,
            app: app.map(Into::into),
        })
    }
}

fn csv(text: &str) -> Result<Vec<ImportRow>, String> {
    // With CRLF, the reader counts one line too few.
    let text = text.replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let columns = Columns::find(&headers, &text)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let row = match record {
            Ok(record) => ImportRow {
                line: record.position().map(|place| to_line(place.line())),
                user: record.get(columns.user).unwrap_or_default().to_owned(),
                factors: columns.factors(&record),
            },
            Err(error) => ImportRow {
                line: error.position().map(|place| to_line(place.line())),
                user: String::new(),
                factors: Err("has a different number of columns than the first line".to_owned()),
            },
        };
        rows.push(row);
    }
    Ok(rows)
}

/// Reads a calling code.
fn country(code: &str) -> Result<Option<CountryCode>, String> {
    let parsed = (!code.is_empty()).then(|| code.parse());
    parsed
        .transpose()
        .map_err(|_| "country_code is not a calling code such as 1 or 351".to_owned())
}

/// Reads the number for codes of Twilio. One without its country must have a column `country_code`:
/// a code that goes to another country's number is a code for a stranger.
fn phone(text: &str, country: Option<CountryCode>) -> Result<Option<factor::Phone>, String> {
    let bare: String = text.chars().filter(|c| !" -.()/".contains(*c)).collect();
    let international = bare.strip_prefix("00").or_else(|| bare.strip_prefix('+'));
    let number = match (international, country) {
        _ if text.is_empty() => return Ok(None),
        (Some(digits), country) => {
            let fits = country.is_none_or(|code| digits.starts_with(&code.to_string()));
            if !fits {
                return Err("phone belongs to a different country than country_code".to_owned());
            }
            format!("+{digits}")
        }
        (None, Some(code)) => {
            let phone = phone_number::parse(text, Some(code));
            // The message of a cellphone at Authy is for this column too.
            let phone = phone.map_err(|error| error.message.replacen("cellphone", "phone", 1))?;
            format!("+{}{}", phone.country_code, phone.cellphone.digits())
        }
        (None, None) => {
            return Err(
                "phone has no country: write it as +15551234567, or add country_code".into(),
            );
        }
    };
    let phone = number
        .parse()
        .map_err(|_| "phone is not written as +15551234567".to_owned())?;
    Ok(Some(phone))
}

/// Reads the secret of an app, in base 32 or as an `otpauth://` address.
fn app(secret: &str) -> Result<Option<Authenticator>, String> {
    if secret.is_empty() {
        return Ok(None);
    }
    let app = if otpauth::is_address(secret) {
        otpauth::read(secret)
    } else {
        Authenticator::from_base32(secret).map_err(|error| error.to_string())
    };
    app.map(Some).map_err(|why| format!("totp_secret: {why}"))
}

fn new_person(
    email: &str,
    cellphone: &str,
    country: Option<CountryCode>,
) -> Result<RowPerson, String> {
    if !email.contains('@') {
        return Err("email is not an e-mail address".to_owned());
    }
    Ok(RowPerson::New {
        email: email.to_owned(),
        phone: phone_number::parse(cellphone, country).map_err(|error| error.message)?,
    })
}

pub(super) fn user_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 256 || text::has_control(text) {
        return Err("user is not a valid account name".to_owned());
    }
    Ok(text.to_owned())
}

fn bad_id() -> String {
    "authy_id is not an integer from 1 to 9223372036854775807".to_owned()
}

fn to_line(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(factors: &RowFactors) -> String {
        let person = match &factors.person {
            RowPerson::Unnamed => String::new(),
            RowPerson::Id(id) => format!(" {id}"),
            RowPerson::New { email, phone } => {
                format!(
                    " {email} +{} {}",
                    phone.country_code,
                    phone.cellphone.digits()
                )
            }
        };
        let phone = factors.phone.as_ref();
        let phone = phone.map_or(String::new(), |phone| format!(" {phone}"));
        let app = factors.app.as_ref();
        let app = app.map_or(String::new(), |app| format!(" app {}", app.app.digits()));
        person + &phone + &app
    }

    fn shown(text: &str) -> Vec<String> {
        let rows = read(content::text(text.as_bytes()).unwrap()).unwrap();
        rows.into_iter()
            .map(|row| {
                let line = row.line.unwrap();
                match row.factors {
                    Ok(factors) => format!("{line} {}{}", row.user, one(&factors)),
                    Err(why) => format!("{line} ! {why}"),
                }
            })
            .collect()
    }

    #[test]
    fn csv_is_read_with_bom_quotes_and_crlf() {
        let text = "\u{feff}user,email,cellphone,country_code\r\n\"jane.doe\",j@x.test,\"300 300 3333\",57\r\nbob,b@x.test,405-342-5699,\r\n";
        assert_eq!(
            shown(text),
            [
                "2 jane.doe j@x.test +57 3003003333",
                "3 bob b@x.test +1 4053425699"
            ]
        );
    }

    #[test]
    fn a_bad_row_is_named_by_its_line_and_the_others_stay() {
        let text = "user,authy_id\nalice,1635\n,1\nbob,x\ncarol\n\"d\ne\",7\nerin,0\nfrank,1640\n";
        let rows = shown(text);
        assert_eq!(rows.first().unwrap(), "2 alice 1635");
        assert_eq!(rows.last().unwrap(), "9 frank 1640");
        assert_eq!(
            rows.iter().filter(|row| row.contains('!')).count(),
            5,
            "{rows:?}"
        );
    }

    #[test]
    fn a_column_that_is_missing_is_named() {
        assert!(read("name,authy_id\n").unwrap_err().contains("`user`"));
        assert!(read("user,email\n").unwrap_err().contains("`authy_id`"));
        assert!(read("").unwrap_err().contains("`user`"));
        let error = content::text(b"user,authy_id\nx,1\n\xFF\n").unwrap_err();
        assert!(error.contains("line 3"), "{error}");
    }

    #[test]
    fn a_row_may_have_an_app_with_or_without_a_person_at_authy() {
        let secret = "GEZDGNBVGY3TQOJQ";
        let text = format!(
            "user,authy_id,totp_secret\nbob,,{secret}\nal,5,otpauth://totp/al?secret={secret}&digits=8\n\
             kim,7,\npat,,\njo,,0189\n"
        );
        assert_eq!(
            shown(&text),
            [
                "2 bob app 6",
                "3 al 5 app 8",
                "4 kim 7",
                "5 ! authy_id is not an integer from 1 to 9223372036854775807",
                "6 ! totp_secret: secret is not base32: letters A to Z and digits 2 to 7",
            ]
        );
    }

    #[test]
    fn a_row_may_have_a_number_which_must_say_its_country() {
        let text = "user,authy_id,phone,country_code\n\
                    al,5,+1 (555) 123-4567,\nbob,,0049 1512 3456789,\nkim,,405-342-5600,1\n\
                    pat,,405-342-5600,\njo,,+15551234567,44\nsue,,+1555,\nrob,,,\nhal,,405-342-560,1\n";
        assert_eq!(
            shown(text),
            [
                "2 al 5 +15551234567",
                "3 bob +4915123456789",
                "4 kim +14053425600",
                "5 ! phone has no country: write it as +15551234567, or add country_code",
                "6 ! phone belongs to a different country than country_code",
                "7 ! phone is not written as +15551234567",
                "8 ! authy_id is not an integer from 1 to 9223372036854775807",
                "9 ! phone 405-342-560: is not a valid number in that country",
            ]
        );
        let alone = shown("user,phone\nal,+15551234567\nrob,\n");
        assert_eq!(alone, ["2 al +15551234567", "3 ! names no factor"]);
    }

    #[test]
    fn an_authy_ssh_configuration_is_read_and_shared_keys_are_told_apart() {
        let text = "banner=Welcome\napi_key=0123\ndefault_verify_action=disable\nuser=alice:1635\nuser=bad\nuser=bob:0\n";
        assert_eq!(
            shown(text),
            [
                "4 alice 1635",
                "5 ! is not written user=NAME:ID",
                "6 ! authy_id is not an integer from 1 to 9223372036854775807"
            ]
        );
        let keys = "command=\"/usr/local/bin/authy-ssh login 1635\" ssh-ed25519 AAAA\n";
        assert!(shown(keys).first().unwrap().contains("shared account"));
    }
}
