//! Stacks as administrators write them by hand, with what a distribution's own have not: lines that
//! continue, capital letters, jumps over substacks, `trust` for a group, a factor of another maker.

use super::distribution::{Tree, check};
use crate::common::rows::check_rows;

const COMMON_AUTH: &str = "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n";
/// authselect's sssd with faillock, smart cards and GSSAPI, as FreeIPA's client selects it.
const SYSTEM_AUTH: &str = "\
auth required pam_env.so
auth required pam_faildelay.so delay=2000000
auth required pam_faillock.so preauth silent
auth sufficient pam_sss_gss.so
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth [default=2 ignore=ignore success=ok] pam_localuser.so
auth [success=done authinfo_unavail=ignore user_unknown=ignore ignore=ignore default=die] pam_sss.so try_cert_auth
auth sufficient pam_unix.so nullok
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth sufficient pam_sss.so forward_pass
auth required pam_faillock.so authfail
auth optional pam_gnome_keyring.so only_if=login auto_start
auth required pam_deny.so
";
/// ALT's choice between two substacks.
const SUBSTACKS: &str = "\
auth [success=4 perm_denied=ignore default=die] pam_localuser.so
auth [success=1 default=bad] pam_succeed_if.so uid >= 500 quiet
auth [default=1] pam_permit.so
auth substack sss-only
auth [default=1] pam_permit.so
auth substack local-only
auth required pam_env.so
";

/// What is special, whether the host is Debian, the stack, whether it is taken over.
const STACKS: [(&str, bool, &str, bool); 9] = [
    (
        "lines that continue, around an account line",
        true,
        "auth required \\\n  pam_env.so \\\n  readenv=1\nauth [success=1 \\\n   default=ignore] pam_unix.so\n\
         auth requisite pam_deny.so\naccount required pam_unix.so\n-auth [success=1 default=ignore] pam_x.so\n\
         auth sufficient pam_u2f.so\nauth required pam_permit.so\n",
        true,
    ),
    (
        "an include that continues, a comment between",
        true,
        "auth sufficient \\\n# between\n   pam_u2f.so \\\n   cue\n@include \\\n  common-auth\n",
        true,
    ),
    (
        "capital letters",
        false,
        "AUTH Required pam_env.so\nauth SUFFICIENT pam_unix.so\nauth REQUIRED pam_deny.so\n",
        true,
    ),
    (
        "su with a group that needs no password",
        false,
        "auth required pam_env.so\nauth sufficient pam_rootok.so\nauth sufficient pam_wheel.so trust use_uid\n\
         auth required pam_wheel.so use_uid\nauth substack system-auth\n",
        true,
    ),
    ("jumps over substacks", false, SUBSTACKS, true),
    (
        "another second factor, which may be missing",
        true,
        "@include common-auth\nauth sufficient pam_google_authenticator.so nullok\nauth requisite pam_deny.so\n",
        true,
    ),
    (
        "another second factor that always counts",
        true,
        "@include common-auth\nauth requisite pam_duo.so\n",
        false,
    ),
    (
        "a network without another factor",
        true,
        "auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf\n\
         auth required pam_google_authenticator.so\n@include common-auth\n",
        true,
    ),
    (
        "radius, or else the password",
        false,
        "auth required pam_env.so\nauth [success=done default=ignore] pam_radius_auth.so\n\
         auth requisite pam_unix.so use_first_pass\n",
        true,
    ),
];

#[test]
fn stacks_that_administrators_write_are_enabled_with_every_module() {
    check_rows(STACKS, |(what, is_debian, stack, is_taken_over)| {
        let service = if what.starts_with("su ") { "su" } else { "x" };
        let files = [
            (service, stack),
            ("common-auth", COMMON_AUTH),
            ("system-auth", SYSTEM_AUTH),
            ("sss-only", "auth required pam_sss.so\n"),
            ("local-only", "auth required pam_tcb.so shadow fork\n"),
        ];
        let tree: Tree = files
            .iter()
            .map(|(name, text)| (format!("etc/pam.d/{name}"), text.as_bytes().to_vec()))
            .collect();
        let new = check(&tree, is_debian, service);
        assert_eq!(new.contains("#pam_authy was# "), is_taken_over, "{new}");
    });
}
