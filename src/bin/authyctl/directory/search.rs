//! Reads all entries below `directory.base`, page by page (RFC 2696).
//!
//! A list counts only when the server says of every page that it is complete. No referral is
//! followed; one in the result means that entries are missing here, so it is a failure.

use std::time::Instant;

use ldap3::asn1::{PL, StructureTag};
use ldap3::controls::{Control, ControlType, PagedResults, RawControl};
use ldap3::{LdapConn, LdapResult, ResultEntry, Scope};
use pam_authy::base::text;
use pam_authy::store::config::Directory;

use super::ber;
use super::connect::failed;
use super::error::{Failure, describe};

/// How many entries a page has.
const PAGE: i32 = 500;
/// How many entries are read at most; a mapping of 256 MiB has fewer people.
const ENTRY_LIMIT: usize = 5_000_000;
/// How many pages without an entry may follow each other. A server may send some.
const EMPTY_PAGES: usize = 1000;
/// The control by which Active Directory keeps to its own part of the tree, instead of referring
/// to other ones. Other servers would leave out what they refer to, and say nothing.
///
/// Source: Microsoft, MS-ADTS 3.1.1.3.4.1.4, `LDAP_SERVER_DOMAIN_SCOPE_OID`.
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";

/// An entry of the directory, as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawEntry {
    pub(super) dn: String,
    /// Each attribute with its values; one may be there twice.
    pub(super) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// Passes every entry that the filter selects to `each`, with these attributes.
pub(super) fn search(
    connection: &mut LdapConn,
    directory: &Directory,
    attributes: &[String],
    mut each: impl FnMut(RawEntry),
) -> Result<(), Failure> {
    let (mut cookie, mut count, mut empty_pages) = (Vec::new(), 0, 0);
    loop {
        let before = count;
        let is_first = cookie.is_empty();
        let result = page(connection, directory, attributes, cookie, |entry| {
            count += 1;
            each(entry);
        })?;
        if count > ENTRY_LIMIT {
            let why = format!("it has more than {ENTRY_LIMIT} entries");
            return Err(Failure::Incomplete(why));
        }
        empty_pages = if count == before { empty_pages + 1 } else { 0 };
        if empty_pages > EMPTY_PAGES {
            return Err(Failure::Incomplete("its pages do not end".to_owned()));
        }
        match next(&result, is_first)? {
            Some(next) => cookie = next,
            None => return Ok(()),
        }
    }
}

/// Reads one page, and returns its result, which is a success.
fn page(
    connection: &mut LdapConn,
    directory: &Directory,
    attributes: &[String],
    cookie: Vec<u8>,
    mut each: impl FnMut(RawEntry),
) -> Result<LdapResult, Failure> {
    let timeout = directory.timeout;
    let until = Instant::now() + timeout;
    let lost = |error| failed(&error, timeout);
    let (base, filter) = (&directory.base, &directory.filter);
    let mut stream = connection
        .with_timeout(timeout)
        .with_controls(controls(directory, cookie))
        .streaming_search(base, Scope::Subtree, filter, attributes)
        .map_err(lost)?;
    while let Some(found) = stream.next().map_err(lost)? {
        // Answers that trickle in start the time-out of `ldap3` anew each time.
        if Instant::now() > until {
            let why = format!("no whole page within {} s", timeout.as_secs());
            return Err(Failure::Unreachable(why));
        }
        if let Some(entry) = read(found)? {
            each(entry);
        }
    }
    let result = stream.result();
    match result.rc {
        0 => Ok(result),
        51 | 52 => Err(Failure::Unreachable(describe(&result))),
        10 => Err(refers(result.refs.first())),
        _ => Err(Failure::Incomplete(describe(&result))),
    }
}

fn controls(directory: &Directory, cookie: Vec<u8>) -> Vec<RawControl> {
    let mut controls = vec![PagedResults { size: PAGE, cookie }.into()];
    // That names are not told apart by case is what marks Active Directory.
    if directory.folds_case {
        controls.push(RawControl {
            ctype: DOMAIN_SCOPE.to_owned(),
            crit: false,
            val: None,
        });
    }
    controls
}

/// Returns the cookie of the next page; `None`: that was the last one.
fn next(result: &LdapResult, is_first: bool) -> Result<Option<Vec<u8>>, Failure> {
    let mut controls = result.ctrls.iter();
    let paged = controls.find_map(|control| match control {
        Control(Some(ControlType::PagedResults), raw) => Some(raw),
        _ => None,
    });
    let Some(raw) = paged else {
        // A server without pages has sent everything. One with pages says which is the last.
        return if is_first { Ok(None) } else { Err(malformed()) };
    };
    let cookie = raw.val.as_deref().and_then(ber::cookie);
    let cookie = cookie.ok_or_else(malformed)?;
    Ok((!cookie.is_empty()).then_some(cookie))
}

/// Reads a message of the result. Nothing, where it is one that says nothing of the list.
fn read(found: ResultEntry) -> Result<Option<RawEntry>, Failure> {
    if found.is_intermediate() {
        return Ok(None);
    }
    if found.is_ref() {
        let urls = children(found.0).and_then(|urls| urls.into_iter().find_map(octets));
        let url = urls.map(|url| String::from_utf8_lossy(&url).into_owned());
        return Err(refers(url.as_ref()));
    }
    entry(found.0).map(Some).ok_or_else(malformed)
}

fn refers(url: Option<&String>) -> Failure {
    let url = url.map_or_else(|| "another server".to_owned(), |url| text::sanitize(url));
    Failure::Incomplete(format!(
        "a part of the tree is elsewhere, at {url}, and referrals are not followed"
    ))
}

fn malformed() -> Failure {
    Failure::Incomplete("the answer is malformed".to_owned())
}

/// Reads an entry (RFC 4511, 4.5.2): its name, and for each attribute its type and values.
fn entry(tag: StructureTag) -> Option<RawEntry> {
    let mut parts = children(tag)?.into_iter();
    let dn = octets(parts.next()?)?;
    let attributes = children(parts.next()?)?.into_iter().map(|attribute| {
        let mut parts = children(attribute)?.into_iter();
        let name = String::from_utf8(octets(parts.next()?)?).ok()?;
        let values = children(parts.next()?)?.into_iter().map(octets);
        Some((name, values.collect::<Option<_>>()?))
    });
    Some(RawEntry {
        dn: String::from_utf8_lossy(&dn).into_owned(),
        attributes: attributes.collect::<Option<_>>()?,
    })
}

fn children(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(children) => Some(children),
        PL::P(_) => None,
    }
}

fn octets(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(octets) => Some(octets),
        PL::C(_) => None,
    }
}
