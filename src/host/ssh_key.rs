//! SSH public keys by their fingerprints: which keys a login has proven, as sshd tells its stack.
//!
//! sshd puts one line for each method it has accepted into SSH_AUTH_INFO_0 of the PAM environment.
//! A certificate counts by its own public key, as `ssh-keygen -lf` shows it, so that a person who
//! gets a new certificate each day stays the same person. The text comes from sshd but is not
//! trusted: its length is limited, and only what is exactly a key counts as one. Used by
//! `login::policy` for accounts that several people share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

pub use crate::base::factor::Fingerprint;

/// The longest text that is read, in bytes; a longer one has no keys.
const TEXT_LIMIT: usize = 1024 * 1024;
/// The end of a certificate's type.
const CERTIFICATE: &str = "-cert-v01@openssh.com";

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
pub fn fingerprints(auth_info: &str) -> Vec<Fingerprint> {
    if auth_info.len() > TEXT_LIMIT {
        return Vec::new();
    }
    auth_info
        .split('\n')
        .filter_map(|line| {
            let mut words = line.strip_prefix("publickey ")?.split(' ');
            fingerprint(words.next()?, words.next()?)
        })
        .collect()
}

/// Returns the fingerprint of a key from its type and its base64.
fn fingerprint(kind: &str, base64: &str) -> Option<Fingerprint> {
    let key = STANDARD.decode(base64).ok()?;
    let mut fields = Fields(&key);
    if fields.next()? != kind.as_bytes() {
        return None;
    }
    if let Some(plain) = kind.strip_suffix(CERTIFICATE) {
        return own_key(plain, fields).map(|key| fingerprint_of(&key));
    }
    // A certificate of an unknown version is not a plain key.
    (!kind.contains("-cert-")).then(|| fingerprint_of(&key))
}

/// Returns the plain public key inside a certificate. After the certificate's type and a nonce come
/// the fields of the key, then everything else.
///
/// Source: OpenSSH, PROTOCOL.certkeys and PROTOCOL.u2f.
fn own_key(plain: &str, mut fields: Fields<'_>) -> Option<Vec<u8>> {
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
    (fields.0.len() >= 12).then_some(key)
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
            let found = fingerprints(&certificate(kind, fields));
            assert_eq!(found.len(), 1, "{kind}");
            assert_eq!(found, fingerprints(&plain(own, fields)), "{kind}");
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
        fn no_text_makes_the_reader_panic(text: String, bytes: Vec<u8>) {
            let _ = fingerprints(&text);
            let _ = fingerprints(&format!("publickey {text}"));
            let base64 = STANDARD.encode(&bytes);
            for kind in ["ssh-rsa", "ssh-rsa-cert-v01@openssh.com"] {
                let _ = fingerprint(kind, &base64);
                let _ = own_key("ssh-rsa", Fields(&bytes));
            }
        }
    }
}
