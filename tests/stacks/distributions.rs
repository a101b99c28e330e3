//! The stacks that distributions ship or write: each service is enabled, tried through libpam with
//! a stand-in for each module, and disabled again.

use std::path::Path;

use super::System;
use super::distribution::{Tree, check, install, tree};
use crate::common::rows::check_rows;

/// The files of Debian and Ubuntu, with their auth lines and some others.
const DEBIAN: [(&str, &str); 11] = [
    (
        "common-account",
        "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\naccount requisite pam_deny.so\naccount required pam_permit.so\n",
    ),
    (
        "common-session",
        "session [default=1] pam_permit.so\nsession required pam_unix.so\n",
    ),
    (
        "common-password",
        "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n",
    ),
    (
        "sshd",
        "# PAM configuration for the Secure Shell service\n@include common-auth\naccount    required     pam_nologin.so\n@include common-account\nsession    required     pam_loginuid.so\n@include common-session\n@include common-password\n",
    ),
    (
        "sudo",
        "#%PAM-1.0\nsession    required   pam_limits.so\nsession    required   pam_env.so readenv=1 user_readenv=0\n\n@include common-auth\n@include common-account\n@include common-session\n",
    ),
    (
        "sudo-i",
        "#%PAM-1.0\nsession    required   pam_limits.so\n\n@include common-auth\n@include common-account\n@include common-session",
    ),
    (
        "su",
        "auth       sufficient pam_rootok.so\n# auth       required   pam_wheel.so\nsession       required   pam_env.so readenv=1\n@include common-auth\n@include common-account\n@include common-session\n",
    ),
    (
        "su-l",
        "#%PAM-1.0\nauth\t\tinclude\t\tsu\naccount\t\tinclude\t\tsu\nsession\t\toptional\tpam_keyinit.so force revoke\nsession\t\tinclude\t\tsu\n",
    ),
    (
        "login",
        "auth       optional   pam_faildelay.so  delay=3000000\nauth       requisite  pam_nologin.so\n@include common-auth\nauth       optional   pam_group.so\nsession    required   pam_limits.so\n@include common-account\n@include common-session\n@include common-password\n",
    ),
    (
        "gdm-password",
        "#%PAM-1.0\nauth    requisite       pam_nologin.so\nauth\trequired\tpam_succeed_if.so user != root quiet_success\n@include common-auth\nauth    optional        pam_gnome_keyring.so\n@include common-account\n",
    ),
    (
        "chsh",
        "auth       required   pam_shells.so\nauth\t\tsufficient\tpam_rootok.so\n@include common-auth\n@include common-account\n@include common-session\n",
    ),
];

/// What pam-auth-update, or an administrator, makes of Debian's common-auth.
const COMMON_AUTH: [&str; 6] = [
    "auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\nauth\toptional\t\t\tpam_cap.so \n",
    "auth\t[success=2 default=ignore]\tpam_unix.so nullok\nauth\t[success=1 default=ignore]\tpam_sss.so use_first_pass\nauth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\nauth\toptional\t\t\tpam_cap.so \n",
    "auth\t[success=2 default=ignore]\tpam_fprintd.so max-tries=1 timeout=10 # debug\nauth\t[success=1 default=ignore]\tpam_unix.so nullok try_first_pass\nauth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\nauth\toptional\t\t\tpam_cap.so \n",
    "auth\t[success=3 default=ignore]\tpam_krb5.so minimum_uid=1000\nauth\t[success=2 default=ignore]\tpam_unix.so nullok try_first_pass\nauth\t[success=1 default=ignore]\tpam_winbind.so krb5_auth krb5_ccache_type=FILE cached_login try_first_pass\nauth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\nauth\toptional\t\t\tpam_ecryptfs.so unwrap\n",
    // The CIS benchmark.
    "auth required pam_faillock.so preauth\nauth [success=1 default=ignore] pam_unix.so nullok\nauth [default=die] pam_faillock.so authfail\nauth sufficient pam_faillock.so authsucc\nauth requisite pam_deny.so\nauth required pam_permit.so\nauth optional pam_cap.so\n",
    "auth    requisite       pam_faillock.so preauth audit\nauth    [success=3 default=ignore]      pam_unix.so nullok\nauth    [success=2 default=ignore]      pam_ldap.so minimum_uid=1000 use_first_pass\nauth    [success=1 default=ignore]      pam_systemd_home.so\nauth    requisite       pam_faillock.so authfail\nauth    required        pam_permit.so\n",
];

fn pam_d(files: &[(&str, &str)]) -> Tree {
    let files = files.iter();
    files
        .map(|(name, text)| (format!("etc/pam.d/{name}"), text.as_bytes().to_vec()))
        .collect()
}

#[test]
fn the_stacks_of_debian_and_ubuntu_are_enabled_with_every_module() {
    let services = ["sshd", "sudo", "su", "login", "gdm-password", "chsh"];
    let table = COMMON_AUTH
        .iter()
        .flat_map(|auth| services.map(|service| (*auth, service)));
    check_rows(table, |(auth, service)| {
        let mut tree = pam_d(&DEBIAN);
        tree.insert("etc/pam.d/common-auth".to_owned(), auth.as_bytes().to_vec());
        check(&tree, true, service);
    });
}

/// The lines of authselect's profile sssd, each with the feature that it needs, or with `!` those
/// that it is left out with.
const SSSD: [(&str, &str); 17] = [
    ("", "required pam_env.so"),
    ("", "required pam_faildelay.so delay=2000000"),
    ("with-faillock", "required pam_faillock.so preauth silent"),
    (
        "with-smartcard-required",
        "[success=1 default=ignore] pam_succeed_if.so service notin login:gdm:xdm:kdm quiet use_uid",
    ),
    (
        "with-smartcard-required",
        "[success=done ignore=ignore default=die] pam_sss.so require_cert_auth ignore_authinfo_unavail",
    ),
    ("with-fingerprint", "sufficient pam_fprintd.so"),
    ("with-pam-u2f", "sufficient pam_u2f.so cue nouserok"),
    ("with-pam-u2f-2fa", "required pam_u2f.so cue nouserok"),
    (
        "",
        "[default=1 ignore=ignore success=ok] pam_usertype.so isregular",
    ),
    (
        "!with-smartcard",
        "[default=1 ignore=ignore success=ok] pam_localuser.so",
    ),
    (
        "with-smartcard",
        "[default=2 ignore=ignore success=ok] pam_localuser.so",
    ),
    (
        "with-smartcard",
        "[success=done authinfo_unavail=ignore user_unknown=ignore ignore=ignore default=die] pam_sss.so try_cert_auth",
    ),
    ("", "sufficient pam_unix.so nullok"),
    (
        "",
        "[default=1 ignore=ignore success=ok] pam_usertype.so isregular",
    ),
    ("", "sufficient pam_sss.so forward_pass"),
    ("with-faillock", "required pam_faillock.so authfail"),
    ("", "required pam_deny.so"),
];
/// Those of the profile local, or minimal.
const LOCAL: [(&str, &str); 8] = [
    ("", "required pam_env.so"),
    ("", "required pam_faildelay.so delay=2000000"),
    ("with-faillock", "required pam_faillock.so preauth silent"),
    ("with-fingerprint", "sufficient pam_fprintd.so"),
    ("with-pam-u2f-2fa", "required pam_u2f.so cue"),
    ("", "sufficient pam_unix.so nullok"),
    ("with-faillock", "required pam_faillock.so authfail"),
    ("", "required pam_deny.so"),
];
/// Those of the profile winbind.
const WINBIND: [(&str, &str); 9] = [
    ("", "required pam_env.so"),
    ("with-faillock", "required pam_faillock.so preauth silent"),
    ("with-fingerprint", "sufficient pam_fprintd.so"),
    ("", "[default=1 ignore=ignore success=ok] pam_localuser.so"),
    ("", "sufficient pam_unix.so nullok"),
    (
        "",
        "[default=1 ignore=ignore success=ok] pam_usertype.so isregular",
    ),
    ("", "sufficient pam_winbind.so krb5_auth use_first_pass"),
    ("with-faillock", "required pam_faillock.so authfail"),
    ("", "required pam_deny.so"),
];
/// The services of RHEL 8 to 10 and Fedora.
const RHEL: [(&str, &str); 9] = [
    (
        "postlogin",
        "session     optional                   pam_umask.so silent\nsession     [success=1 default=ignore] pam_succeed_if.so service !~ gdm* service !~ su* quiet\n",
    ),
    (
        "sshd",
        "#%PAM-1.0\nauth       substack     password-auth\nauth       include      postlogin\naccount    required     pam_sepermit.so\naccount    include      password-auth\nsession    include      postlogin\n",
    ),
    (
        "sudo",
        "#%PAM-1.0\nauth       include      system-auth\naccount    include      system-auth\nsession    include      system-auth\n",
    ),
    (
        "sudo-i",
        "#%PAM-1.0\nauth       include      sudo\naccount    include      sudo\nsession    optional     pam_keyinit.so force revoke\nsession    include      sudo\n",
    ),
    (
        "su",
        "#%PAM-1.0\nauth\t\trequired\tpam_env.so\nauth\t\tsufficient\tpam_rootok.so\n# auth\t\tsufficient\tpam_wheel.so trust use_uid\nauth\t\tsubstack\tsystem-auth\nauth\t\tinclude\t\tpostlogin\naccount\t\tinclude\t\tsystem-auth\n",
    ),
    (
        "su-l",
        "#%PAM-1.0\nauth\t\tinclude\t\tsu\naccount\t\tinclude\t\tsu\n",
    ),
    (
        "login",
        "#%PAM-1.0\nauth       substack     system-auth\nauth       include      postlogin\naccount    required     pam_nologin.so\n",
    ),
    (
        "remote",
        "#%PAM-1.0\nauth       required     pam_securetty.so\nauth       substack     password-auth\nauth       include      postlogin\n",
    ),
    (
        "gdm-password",
        "auth     [success=done ignore=ignore default=bad] pam_selinux_permit.so\nauth        substack      password-auth\nauth        optional      pam_gnome_keyring.so\nauth        include       postlogin\n",
    ),
];

/// Returns what authselect makes of a profile.
fn profile(lines: &[(&str, &str)], features: &[&str]) -> Vec<u8> {
    let is_wanted = |needs: &str| match needs.strip_prefix('!') {
        Some(other) => !features.contains(&other),
        None => needs.is_empty() || features.contains(&needs),
    };
    let wanted = lines.iter().filter(|(needs, _)| is_wanted(needs));
    let mut text: String = wanted
        .map(|(_, line)| format!("auth        {line}\n"))
        .collect();
    text.push_str("\naccount     required   pam_unix.so\nsession     required   pam_unix.so\n");
    text.into_bytes()
}

#[test]
fn the_stacks_of_authselect_with_each_feature_are_enabled_with_every_module() {
    let features: [&[&str]; 9] = [
        &[],
        &["with-faillock"],
        &["with-fingerprint"],
        &["with-pam-u2f"],
        &["with-pam-u2f-2fa"],
        &["with-smartcard"],
        &["with-smartcard", "with-smartcard-required"],
        &["with-faillock", "with-fingerprint", "with-smartcard"],
        &[
            "with-faillock",
            "with-fingerprint",
            "with-pam-u2f",
            "with-pam-u2f-2fa",
        ],
    ];
    let services = ["sshd", "sudo", "su", "login", "remote", "gdm-password"];
    let profiles = [
        ("sssd", &SSSD[..]),
        ("local", &LOCAL),
        ("winbind", &WINBIND),
    ];
    let mut table = Vec::new();
    for (number, features) in features.iter().enumerate() {
        for (at, (name, _)) in profiles.iter().enumerate() {
            // Each pair of profile and feature once with sshd, and once with another service.
            let other = services[1 + (number + at) % (services.len() - 1)];
            table.extend([(*name, *features, "sshd"), (*name, *features, other)]);
        }
    }
    check_rows(table, |(name, features, service)| {
        let lines = profiles.iter().find(|(known, _)| *known == name).unwrap().1;
        let mut tree = pam_d(&RHEL);
        for file in ["system-auth", "password-auth"] {
            tree.insert(format!("etc/pam.d/{file}"), profile(lines, features));
        }
        check(&tree, false, service);
    });
}

/// Arch, with the lines of pambase, and Gentoo's services that include them.
const ARCH: [(&str, &str); 4] = [
    (
        "su",
        "#%PAM-1.0\nauth            sufficient      pam_rootok.so\nauth            required        pam_unix.so\naccount         required        pam_unix.so\nsession         required        pam_unix.so\n",
    ),
    (
        "sudo",
        "#%PAM-1.0\nauth\t\tinclude\t\tsystem-auth\naccount\t\tinclude\t\tsystem-auth\nsession\t\tinclude\t\tsystem-auth\n",
    ),
    (
        "system-local-login",
        "#%PAM-1.0\nauth      include   system-login\naccount   include   system-login\n",
    ),
    (
        "login",
        "#%PAM-1.0\nauth       requisite    pam_nologin.so\nauth       include      system-local-login\naccount    include      system-local-login\n",
    ),
];

fn fixture(system: &str) -> Tree {
    tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join(system))
}

/// Without the lines that the fixture has for doctor.
fn without_ours(mut tree: Tree) -> Tree {
    for content in tree.values_mut() {
        let text = String::from_utf8_lossy(content).into_owned();
        let kept = text
            .lines()
            .filter(|line| !line.contains("pam_authy.so") && !line.contains("pam_permit.so"));
        *content = kept
            .map(|line| format!("{line}\n"))
            .collect::<String>()
            .into_bytes();
    }
    tree
}

#[test]
fn the_stacks_of_arch_alpine_gentoo_and_nixos_are_enabled_with_every_module() {
    let mut arch = without_ours(fixture("tests/fixtures/pam.d/arch"));
    arch.extend(pam_d(&ARCH));
    let mut alpine = fixture("tests/fixtures/cases/right-alpine.pam.d");
    alpine.extend(pam_d(&[
        ("su", "auth\t\tsufficient\tpam_rootok.so\nauth\t\tinclude\t\tbase-auth\naccount\t\tinclude\t\tbase-account\n"),
        ("doas", "#%PAM-1.0\nauth\t\tinclude\t\tbase-auth\naccount\t\tinclude\t\tbase-account\n"),
    ]));
    let mut gentoo = fixture("tests/fixtures/cases/right-gentoo.pam.d");
    gentoo.extend(pam_d(&[
        ("su", "auth       sufficient\tpam_rootok.so\nauth       include\t\tsystem-auth\naccount    include\t\tsystem-auth\n"),
        ("login", "auth       required\tpam_securetty.so\nauth       include\tsystem-login\naccount    include\tsystem-login\n"),
    ]));
    let mut nixos = fixture("tests/fixtures/cases/right-nixos.pam.d");
    nixos.extend(pam_d(&[
        ("su", "auth sufficient pam_rootok.so # rootok (order 10200)\nauth required pam_faillock.so # faillock (order 10400)\nauth sufficient pam_u2f.so cue # u2f (order 11200)\nauth optional pam_unix.so likeauth # unix-early (order 11700)\nauth sufficient pam_unix.so likeauth try_first_pass # unix (order 12900)\nauth required pam_deny.so # deny (order 13700)\naccount required pam_unix.so\n"),
        ("login", "auth optional pam_unix.so likeauth # unix-early (order 11700)\nauth optional pam_kwallet5.so # kwallet\nauth requisite pam_oath.so window=5 usersfile=/etc/users.oath digits=6\nauth sufficient pam_fprintd.so # fprintd\nauth sufficient pam_unix.so likeauth try_first_pass # unix (order 12900)\nauth required pam_deny.so # deny (order 13700)\naccount required pam_unix.so\n"),
    ]));
    let table = [
        ("arch", &arch, "sshd"),
        ("arch", &arch, "sudo"),
        ("arch", &arch, "su"),
        ("arch", &arch, "login"),
        ("alpine", &alpine, "sshd"),
        ("alpine", &alpine, "su"),
        ("alpine", &alpine, "doas"),
        ("gentoo", &gentoo, "sshd"),
        ("gentoo", &gentoo, "su"),
        ("gentoo", &gentoo, "login"),
        ("nixos", &nixos, "sshd"),
        ("nixos", &nixos, "su"),
        ("nixos", &nixos, "login"),
    ];
    check_rows(table, |(_, tree, service)| {
        check(tree, false, service);
    });
}

/// The files of openSUSE Tumbleweed: the distribution's in /usr/lib/pam.d.
fn tumbleweed() -> Tree {
    let mut tree = pam_d(&[
        ("common-auth", "common-auth-pc"),
        (
            "common-auth-pc",
            "#%PAM-1.0\nauth\trequired\tpam_env.so\t\nauth\toptional\tpam_gnome_keyring.so\nauth\trequired\tpam_unix.so\ttry_first_pass \n",
        ),
        ("common-account", "common-account-pc"),
        (
            "common-account-pc",
            "account\trequired\tpam_unix.so\ttry_first_pass \n",
        ),
    ]);
    let vendor = [
        (
            "sshd",
            "#%PAM-1.0\nauth        requisite   pam_nologin.so\nauth        include     common-auth\naccount     requisite   pam_nologin.so\naccount     include     common-account\n",
        ),
        (
            "su",
            "#%PAM-1.0\nauth     sufficient     pam_rootok.so\nauth     include        common-auth\naccount  sufficient     pam_rootok.so\naccount  include        common-account\n",
        ),
        (
            "polkit-1",
            "#%PAM-1.0\n\nauth       include      common-auth\naccount    include      common-account\n",
        ),
    ];
    tree.extend(
        vendor.map(|(name, text)| (format!("usr/lib/pam.d/{name}"), text.as_bytes().to_vec())),
    );
    tree
}

#[test]
fn a_stack_of_the_distribution_is_copied_before_it_is_changed_and_disable_removes_the_copy() {
    check_rows(["sshd", "su", "polkit-1"], |service| {
        let new = check(&tumbleweed(), false, service);
        assert!(
            new.starts_with(&format!(
                "# pam_authy: a copy of /usr/lib/pam.d/{service}, sha256 "
            )),
            "{new}"
        );
    });
}

#[test]
fn refresh_takes_over_again_what_a_distribution_has_changed() {
    let (auth, copy) = ("etc/pam.d/common-auth-pc", "usr/lib/pam.d/sshd");
    check_rows([auth, copy], |changed| {
        let system = System::new(false);
        install(&system, &tumbleweed());
        let output = system.pam(&["enable", "sshd"]);
        assert!(output.status.success(), "{output:?}");
        let nothing = system.pam(&["refresh"]);
        assert!(
            String::from_utf8_lossy(&nothing.stdout).contains("no file that was taken over"),
            "{nothing:?}"
        );
        let mut text = tumbleweed()[changed].clone();
        text.extend_from_slice(b"auth required pam_new.so\n");
        std::fs::write(system.path(changed), text).unwrap();

        let output = system.pam(&["refresh"]);

        assert!(output.status.success(), "{output:?}");
        let stack = std::fs::read_to_string(system.path("etc/pam.d/sshd")).unwrap();
        assert!(stack.contains("pam_new.so"), "{stack}");
        let fresh = System::new(false);
        install(&fresh, &tumbleweed());
        std::fs::write(
            fresh.path(changed),
            std::fs::read(system.path(changed)).unwrap(),
        )
        .unwrap();
        assert!(fresh.pam(&["enable", "sshd"]).status.success());
        assert_eq!(
            stack,
            std::fs::read_to_string(fresh.path("etc/pam.d/sshd")).unwrap()
        );
        assert!(system.pam(&["disable", "sshd"]).status.success());
        assert!(!system.path("etc/pam.d/sshd").exists());
    });
}
