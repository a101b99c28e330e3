//! SSH public keys by their fingerprints: which keys a login has proven, as sshd tells its stack.
//!
//! sshd puts one line for each method it has accepted into SSH_AUTH_INFO_0 of the PAM environment.
//! A certificate counts by its own public key, as `ssh-keygen -lf` shows it, so that a person who
//! gets a new certificate each day stays the same person. The text comes from sshd but is not
//! trusted: its length is limited, and only what is exactly a key counts as one. Used by
//! `login::policy` for security keys and for accounts that several people share, and by authyctl
//! for files of public keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

pub use crate::base::factor::{Fingerprint, InvalidFingerprint};

/// The longest text that is read, in bytes; a longer one has no keys.
const TEXT_LIMIT: usize = 1024 * 1024;
/// The end of a certificate's type.
const CERTIFICATE: &str = "-cert-v01@openssh.com";
/// The types of security keys.
///
/// Source: OpenSSH, PROTOCOL.u2f.
const SECURITY_KEYS: [&str; 2] = [
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    /// Its fingerprint; for a certificate, that of the key inside.
    pub fingerprint: Fingerprint,
    /// Whether it has the type of a security key. Software can make such a key too.
    pub is_security_key: bool,
}

impl PublicKey {
    /// The key of these bytes in SSH's wire format, which begin with `kind`, the type of a plain
    /// key.
    fn new(kind: &[u8], bytes: &[u8]) -> Self {
        Self {
            fingerprint: fingerprint_of(bytes),
            is_security_key: SECURITY_KEYS.iter().any(|known| known.as_bytes() == kind),
        }
    }
}

/// The fingerprint of a public key in SSH's wire format.
fn fingerprint_of(key: &[u8]) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, key).as_ref());
    Fingerprint::new(bytes)
}

/// Returns the public keys that sshd has accepted so far, in its order. Other methods are skipped;
/// `hostbased` is one of them, since its key belongs to a host and not to a person. A line that is
/// not exactly a key is skipped too.
#[must_use]
pub fn accepted_keys(auth_info: &str) -> Vec<PublicKey> {
    if auth_info.len() > TEXT_LIMIT {
        return Vec::new();
    }
    auth_info
        .split('\n')
        .filter_map(|line| {
            let mut words = line.strip_prefix("publickey ")?.split(' ');
            key(words.next()?, words.next()?)
        })
        .collect()
}

/// Returns the key of a line of a public key's file: type, base64, and a comment that does not
/// count.
#[must_use]
pub fn public_key(line: &str) -> Option<PublicKey> {
    let mut words = line.split_ascii_whitespace();
    key(words.next()?, words.next()?)
}

/// Returns a key from its type and its base64.
fn key(kind: &str, base64: &str) -> Option<PublicKey> {
    let key = STANDARD.decode(base64).ok()?;
    let mut fields = Fields(&key);
    if fields.next()? != kind.as_bytes() {
        return None;
    }
    if let Some(plain) = kind.strip_suffix(CERTIFICATE) {
        return own_key(plain, fields);
    }
    // A certificate of an unknown version is not a plain key.
    (!kind.contains("-cert-")).then(|| PublicKey::new(kind.as_bytes(), &key))
}

/// Returns the plain public key inside a certificate. After the certificate's type and a nonce come
/// the fields of the key, then everything else.
///
/// Source: OpenSSH, PROTOCOL.certkeys and PROTOCOL.u2f.
fn own_key(plain: &str, mut fields: Fields<'_>) -> Option<PublicKey> {
    let (kind, count) = match plain {
        "ssh-rsa" => (plain, 2),
        "ssh-dss" => (plain, 4),
        "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => (plain, 2),
        "ssh-ed25519" => (plain, 1),
        // The plain types of security keys have the domain too.
        "sk-ecdsa-sha2-nistp256" => ("sk-ecdsa-sha2-nistp256@openssh.com", 3),
        "sk-ssh-ed25519" => ("sk-ssh-ed25519@openssh.com", 2),
        _ => return None,
    };
    let _nonce = fields.next()?;
    let mut key = Vec::new();
    append(&mut key, kind.as_bytes())?;
    for _ in 0..count {
        append(&mut key, fields.next()?)?;
    }
    // In every certificate a serial number and a type follow, which are twelve bytes.
    (fields.0.len() >= 12).then(|| PublicKey::new(kind.as_bytes(), &key))
}

fn append(key: &mut Vec<u8>, field: &[u8]) -> Option<()> {
    key.extend(u32::try_from(field.len()).ok()?.to_be_bytes());
    key.extend(field);
    Some(())
}

/// The fields of an SSH message, each after its length (RFC 4251, `string` and `mpint`).
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use super::*;
    use proptest::prelude::*;

    /// A key and its fingerprint by ssh-keygen 9.2.
    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL7kYXC+ngCRZK6En01ngnk9ycdIA1+mMmQjNWK40nDk";

    fn keygen(arguments: &[&str], file: &Path) -> String {
        let output = Command::new("ssh-keygen")
            .args(arguments)
            .arg(file)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?} {output:?}");
        text
    }

    /// The fingerprint that `ssh-keygen -lf` shows for a file.
    fn by_keygen(file: &Path) -> Fingerprint {
        let text = keygen(&["-lf"], file);
        text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The first two words of a public key's file, as sshd writes them.
    fn line(file: &Path) -> String {
        let text = fs::read_to_string(file).unwrap();
        let mut words = text.split(' ');
        let (kind, key) = (words.next().unwrap(), words.next().unwrap());
        format!("publickey {kind} {}\n", key.trim())
    }

    fn fingerprints(auth_info: &str) -> Vec<Fingerprint> {
        let keys = accepted_keys(auth_info);
        keys.iter().map(|key| key.fingerprint).collect()
    }

    fn make(folder: &Path, kind: &str, bits: &str) -> PathBuf {
        let file = folder.join(format!("{kind}{bits}"));
        let mut arguments = vec!["-q", "-t", kind, "-N", ""];
        if !bits.is_empty() {
            arguments.extend(["-b", bits]);
        }
        arguments.push("-f");
        keygen(&arguments, &file);
        file.with_file_name(format!("{kind}{bits}.pub"))
    }

    #[test]
    #[ignore = "needs ssh-keygen"]
    fn keys_and_certificates_have_the_fingerprint_that_ssh_keygen_shows() {
        let folder = tempfile::tempdir().unwrap();
        let authority = make(folder.path(), "ed25519", "").with_extension("");
        let authority = authority.to_str().unwrap();
        let mut all = String::new();
        let mut expected = Vec::new();
        for (kind, bits) in [
            ("rsa", "2048"),
            ("ecdsa", "256"),
            ("ecdsa", "384"),
            ("ecdsa", "521"),
            ("ed25519", ""),
        ] {
            let file = match bits {
                "" => PathBuf::from(format!("{authority}.pub")),
                bits => make(folder.path(), kind, bits),
            };
            let plain = by_keygen(&file);
            assert_eq!(fingerprints(&line(&file)), [plain], "{kind} {bits}");
            keygen(&["-q", "-s", authority, "-I", "pat", "-n", "deploy"], &file);
            let stem = file.file_stem().unwrap().to_str().unwrap();
            let certificate = file.with_file_name(format!("{stem}-cert.pub"));
            assert!(line(&certificate).contains(CERTIFICATE));
            assert_eq!(fingerprints(&line(&certificate)), [plain], "{kind} {bits}");
            all += &line(&certificate);
            all += "keyboard-interactive/pam\n";
            expected.push(plain);
        }
        assert_eq!(fingerprints(&all), expected);
    }

    /// A certificate of a type that ssh-keygen makes only with a security key, or no longer.
    fn certificate(kind: &str, fields: &[&[u8]]) -> String {
        let mut key = Vec::new();
        let nonce = [7; 32];
        for field in [kind.as_bytes(), &nonce]
            .into_iter()
            .chain(fields.iter().copied())
        {
            append(&mut key, field).unwrap();
        }
        key.extend([0; 40]);
        format!("publickey {kind} {}", STANDARD.encode(key))
    }

    fn plain(kind: &str, fields: &[&[u8]]) -> String {
        let mut key = Vec::new();
        for field in [kind.as_bytes()].into_iter().chain(fields.iter().copied()) {
            append(&mut key, field).unwrap();
        }
        format!("publickey {kind} {}", STANDARD.encode(key))
    }

    #[test]
    fn certificates_of_security_keys_count_by_their_own_key() {
        let kinds: [(&str, &str, &[&[u8]]); 3] = [
            (
                "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
                "sk-ecdsa-sha2-nistp256@openssh.com",
                &[b"nistp256", &[4; 65], b"ssh:"],
            ),
            (
                "sk-ssh-ed25519-cert-v01@openssh.com",
                "sk-ssh-ed25519@openssh.com",
                &[&[9; 32], b"ssh:"],
            ),
            (
                "ssh-dss-cert-v01@openssh.com",
                "ssh-dss",
                &[&[1; 128], &[2; 20], &[3; 128], &[4; 128]],
            ),
        ];
        for (kind, own, fields) in kinds {
            let found = accepted_keys(&certificate(kind, fields));
            assert_eq!(found.len(), 1, "{kind}");
            assert_eq!(found, accepted_keys(&plain(own, fields)), "{kind}");
            assert_eq!(found[0].is_security_key, kind.starts_with("sk-"), "{kind}");
        }
    }

    #[test]
    fn a_known_key_has_its_known_fingerprint() {
        let found = fingerprints(&format!("publickey {ED25519}"));
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "SHA256:2d25u7ZmLqRXwf+er7sjWQa0/mN3GBMCRuR3akr2Gxw"
        );
    }

    #[test]
    fn other_methods_and_malformed_lines_have_no_key() {
        let (kind, key) = ED25519.split_once(' ').unwrap();
        for text in [
            String::new(),
            "password\n".into(),
            "keyboard-interactive/pam\n".into(),
            "none".into(),
            format!("hostbased {ED25519}"),
            format!("publickey/x {ED25519}"),
            format!(" publickey {ED25519}"),
            format!("publickey  {ED25519}"),
            format!("publickey\t{ED25519}"),
            format!("Publickey {ED25519}"),
            "publickey".into(),
            "publickey ".into(),
            format!("publickey {kind}"),
            format!("publickey {kind} "),
            format!("publickey ssh-rsa {key}"),
            format!("publickey {kind} {}", &key[1..]),
            format!("publickey {kind} {}", key.replace("AAAAC3", "////C3")),
            certificate("ssh-ed25519-cert-v02@openssh.com", &[&[9; 32]]),
            certificate("ssh-new-cert-v01@openssh.com", &[&[9; 32]]),
            plain("ssh-ed25519-cert-v01@openssh.com", &[&[7; 32], &[9; 32]]),
            plain("ssh-ed25519-cert-v01@openssh.com", &[]),
            format!("publickey {ED25519}\n{}", "x".repeat(TEXT_LIMIT)),
        ] {
            assert_eq!(
                fingerprints(&text),
                [],
                "{}",
                text.get(..99).unwrap_or(&text)
            );
        }
    }

    #[test]
    fn only_the_type_inside_the_key_makes_it_a_security_key() {
        let kind = "sk-ssh-ed25519@openssh.com";
        let sk = plain(kind, &[&[9; 32], b"ssh:"]);
        let is_sk = |text: &str| accepted_keys(text).iter().any(|key| key.is_security_key);
        assert!(is_sk(&sk) && is_sk(&format!("{sk} {ED25519}")));
        let (_, base64) = sk.rsplit_once(' ').unwrap();
        let wrong = [
            format!("publickey {ED25519} {kind}"),
            format!("publickey {ED25519} no-touch-required sk-ssh-ed25519@openssh.com {base64}"),
            format!("publickey ssh-ed25519 {base64}"),
            format!("publickey sk-ecdsa-sha2-nistp256@openssh.com {base64}"),
            format!("hostbased {kind} {base64}"),
            plain("sk-ssh-ed25519", &[&[9; 32], b"ssh:"]),
            plain("sk-new@openssh.com", &[&[9; 32], b"ssh:"]),
            plain("SK-SSH-ED25519@openssh.com", &[&[9; 32], b"ssh:"]),
            plain("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", &[&[9; 32]]),
            certificate("sk-ssh-ed25519-cert-v02@openssh.com", &[&[9; 32], b"ssh:"]),
        ];
        let accepted: Vec<_> = wrong.iter().filter(|text| is_sk(text)).collect();
        assert!(accepted.is_empty(), "{accepted:#?}");
    }

    #[test]
    fn a_file_of_a_public_key_has_its_key_and_a_comment() {
        for line in [ED25519.to_owned(), format!("  {ED25519}  pat@laptop\n")] {
            let found = public_key(&line).unwrap();
            assert_eq!(
                fingerprints(&format!("publickey {ED25519}")),
                [found.fingerprint]
            );
        }
        for line in [
            "",
            "pat",
            "from=\"10.0.0.1\" ssh-ed25519 AAAA",
            "ssh-ed25519 AAAA",
        ] {
            assert_eq!(public_key(line), None, "{line}");
        }
    }

    #[test]
    fn a_malformed_line_does_not_hide_the_others() {
        let text = format!("publickey ssh-rsa AAAA\npassword\npublickey {ED25519} more\n");
        assert_eq!(fingerprints(&text).len(), 1);
    }

    #[test]
    fn a_fingerprint_has_one_spelling() {
        let text = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(text.parse::<Fingerprint>().unwrap().to_string(), text);
        for wrong in [
            "",
            "SHA256:",
            "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
            "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-",
            " SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "MD5:aa:bb",
        ] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_fingerprint_is_read_as_it_is_written(bytes: [u8; 32]) {
            let print = Fingerprint::new(bytes);
            prop_assert_eq!(print.to_string().parse(), Ok(print));
        }

        #[test]
        fn a_line_with_another_character_is_never_the_same_key(at: prop::sample::Index, c: char) {
            let line = plain(SECURITY_KEYS[0], &[&[9; 32], b"ssh:"]);
            let key = accepted_keys(&line);
            prop_assert!(key.len() == 1 && key[0].is_security_key);
            let at = at.index(line.len());
            let changed = format!("{}{c}{}", &line[..at], &line[at + 1..]);
            prop_assert!(changed == line || !accepted_keys(&changed).contains(&key[0]));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text: String, bytes: Vec<u8>) {
            let _ = public_key(&text);
            let _ = accepted_keys(&text);
            let _ = accepted_keys(&format!("publickey {text}"));
            let base64 = STANDARD.encode(&bytes);
            for kind in ["ssh-rsa", "ssh-rsa-cert-v01@openssh.com"] {
                let _ = key(kind, &base64);
                let _ = own_key("ssh-rsa", Fields(&bytes));
            }
        }
    }
}
