//! Reads the rows of an import file: each with its line, and the person or why it cannot be read.

use pam_authy::base::text;
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::store::totp::Authenticator;

use super::content;
use crate::{otpauth, phone_number};

/// A person to enroll.
#[derive(Debug)]
pub(super) struct ImportRow {
    pub(super) user: String,
    pub(super) person: RowPerson,
    /// An app whose codes this host checks.
    pub(super) app: Option<Authenticator>,
}

/// The person of a row, at Authy.
#[derive(Debug)]
pub(super) enum RowPerson {
    /// Nothing is said of Authy.
    Unnamed,
    Id(AuthyId),
    New {
        email: String,
        phone: Phone,
    },
}

/// The number of a line, and its row or why that is invalid.
pub(super) type Numbered = (usize, Result<ImportRow, String>);

/// Reads all rows of a file.
///
/// # Errors
/// The file lacks a column.
pub(super) fn read(text: &str) -> Result<Vec<Numbered>, String> {
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

fn authy_ssh(text: &str) -> Vec<Numbered> {
    let mut rows = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate() {
        let row = match line.split_once('=') {
            Some(("user", entry)) => Some(authy_ssh_user(entry)),
            // `authy-ssh protect` puts the id of a person before a key of a shared account.
            Some(("command", _)) => Some(Err(
                "belongs to one key of a shared account: enroll it with --ssh-key".to_owned(),
            )),
            _ => None,
        };
        rows.extend(row.map(|row| (number + 1, row)));
    }
    rows
}

/// Parses `name:id`.
fn authy_ssh_user(entry: &str) -> Result<ImportRow, String> {
    let (user, id) = entry
        .rsplit_once(':')
        .ok_or("is not written user=NAME:ID")?;
    Ok(ImportRow {
        user: user_name(user)?,
        person: RowPerson::Id(id.trim().parse().map_err(|_| bad_id())?),
        app: None,
    })
}

fn csv(text: &str) -> Result<Vec<Numbered>, String> {
    // With CRLF, the reader counts one line too few.
    let text = text.replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let user = column("user").ok_or_else(|| content::without_user(&text))?;
    let id = column("authy_id");
    let new = column("email").zip(column("cellphone"));
    let secret = column("totp_secret");
    if id.is_none() && new.is_none() && secret.is_none() {
        let why =
            "the first line names neither `authy_id` nor `email` and `cellphone` nor `totp_secret`";
        return Err(why.into());
    }
    let country = column("country_code");
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                rows.push((
                    to_line(line),
                    Err("has a different number of columns than the first line".to_owned()),
                ));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let row = user_name(cell(Some(user))).and_then(|user| {
            let app = app(cell(secret))?;
            let email = cell(new.map(|(email, _)| email));
            let person = match (cell(id), new) {
                // A row with a secret need not say anything of Authy.
                ("", _) if app.is_some() && email.is_empty() => RowPerson::Unnamed,
                ("", Some((_, cellphone))) => {
                    new_person(email, cell(Some(cellphone)), cell(country))?
                }
                (id, _) => RowPerson::Id(id.parse().map_err(|_| bad_id())?),
            };
            Ok(ImportRow { user, person, app })
        });
        rows.push((to_line(line), row));
    }
    Ok(rows)
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

fn new_person(email: &str, cellphone: &str, country: &str) -> Result<RowPerson, String> {
    let country = match country {
        "" => None,
        code => Some(
            code.parse()
                .map_err(|_| "country_code is not a calling code such as 1 or 351")?,
        ),
    };
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

    /// The digits of the app in a row.
    fn with(app: Option<Authenticator>) -> String {
        app.map_or(String::new(), |app| format!(" app {}", app.digits()))
    }

    fn shown(text: &str) -> Vec<String> {
        let rows = read(content::text(text.as_bytes()).unwrap()).unwrap();
        rows.into_iter()
            .map(|(line, row)| match row {
                Ok(ImportRow {
                    user,
                    person: RowPerson::Id(id),
                    app,
                }) => format!("{line} {user} {id}{}", with(app)),
                Ok(ImportRow {
                    user,
                    person: RowPerson::Unnamed,
                    app,
                }) => format!("{line} {user}{}", with(app)),
                Ok(ImportRow {
                    user,
                    person: RowPerson::New { email, phone },
                    ..
                }) => {
                    format!(
                        "{line} {user} {email} +{} {}",
                        phone.country_code,
                        phone.cellphone.digits()
                    )
                }
                Err(why) => format!("{line} ! {why}"),
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
