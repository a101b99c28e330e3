//! What doctor says of who can log in over ssh at all, with real sshd: passwords, keys, shells,
//! lists of users and groups, networks that a Match line leaves out, other stacks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::doctor::{checks, host, said, sshd};
use crate::common::product;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

const PASSWORD: &str = "AuthenticationMethods keyboard-interactive\n";
const KEY: &str = "AuthenticationMethods publickey,keyboard-interactive\n";
const NO_PASSWORD: &str = "\"problem\": \"an administrator has a key and no password";
const NO_KEY: &str = "\"problem\": \"an administrator has a password and no key";
const NEITHER: &str = "\"problem\": \"an administrator has neither a password nor a key";
const UNTOLD_KEY: &str = "\"unknown\": \"cannot tell whether an administrator has a key";

fn shell(script: &str) {
    let status = Command::new("sh").args(["-ec", script]).status().unwrap();
    assert!(status.success(), "{script}");
}

/// Commands before doctor runs, sshd's settings, what doctor says of the administrator pat; empty
/// where it finds nothing.
type Row = (&'static str, String, &'static str);

fn rows() -> Vec<Row> {
    let with = |more: &str, methods: &str| format!("{more}{methods}");
    let key = "mkdir -p ~pat/.ssh; echo 'ssh-ed25519 AAAA' >~pat/.ssh/authorized_keys";
    let both = "echo pat:secret | chpasswd; mkdir -p ~pat/.ssh; echo 'ssh-ed25519 AAAA' >~pat/.ssh/authorized_keys";
    let password = "echo pat:secret | chpasswd";
    vec![
        ("true", with("", PASSWORD), NEITHER),
        (key, with("", PASSWORD), NO_PASSWORD),
        (both, with("", PASSWORD), ""),
        (password, with("", KEY), NO_KEY),
        (
            "passwd -l pat; mkdir -p ~pat/.ssh; echo '# none' >~pat/.ssh/authorized_keys",
            with("", PASSWORD),
            NEITHER,
        ),
        // A shell that ends at once, and lists that leave the account out: no one is locked out.
        ("usermod -s /usr/sbin/nologin pat", with("", PASSWORD), ""),
        (key, with("DenyUsers pat\n", PASSWORD), ""),
        (key, with("AllowUsers root other\n", PASSWORD), ""),
        (key, with("AllowUsers pat\n", PASSWORD), NO_PASSWORD),
        (key, with("DenyGroups staff\n", PASSWORD), ""),
        (key, with("AllowGroups daemon\n", PASSWORD), ""),
        (
            key,
            with("AllowGroups daemon staff\n", PASSWORD),
            NO_PASSWORD,
        ),
        // Keys elsewhere.
        (
            "echo pat:secret | chpasswd; mkdir -p /etc/keys; echo 'ssh-ed25519 AAAA' >/etc/keys/pat",
            with("AuthorizedKeysFile /etc/keys/%u\n", KEY),
            "",
        ),
        (
            "echo pat:secret | chpasswd; mkdir -p /etc/keys; echo 'ssh-ed25519 AAAA' >/etc/keys/other",
            format!("{KEY}Match User pat\nAuthorizedKeysFile /etc/keys/%u\n"),
            NO_KEY,
        ),
        (
            password,
            with(
                "AuthorizedKeysCommand /bin/true\nAuthorizedKeysCommandUser nobody\n",
                KEY,
            ),
            UNTOLD_KEY,
        ),
        (
            password,
            with(
                "AuthorizedKeysCommand /bin/true\nAuthorizedKeysCommandUser nobody\n",
                PASSWORD,
            ),
            "",
        ),
    ]
}

/// Each row is about a new account.
#[test]
#[ignore = "needs root"]
fn doctor_knows_with_what_an_administrator_can_log_in() {
    sandboxed!();
    let sim = host("");
    fs::write("/etc/sudoers.d/pat", "pat ALL=(ALL) ALL\n").unwrap();
    fs::set_permissions("/etc/sudoers.d/pat", fs::Permissions::from_mode(0o440)).unwrap();
    let good = fs::read_to_string("/etc/ssh/sshd_config").unwrap();
    let with_password = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    check_rows(rows(), |(script, config, expected)| {
        shell("! id pat >/dev/null 2>&1 || userdel -rf pat; rm -rf /etc/keys");
        shell("useradd -m -s /bin/sh -G staff pat");
        shell(script);
        let is_with_key = config.contains(KEY.trim());
        let stack = with_password.replace("auth requisite pam_unix.so\n", "");
        let stack = if is_with_key { &stack } else { &with_password };
        fs::write("/etc/pam.d/sshd", stack).unwrap();
        let config = format!("PermitRootLogin no\n{good}{config}");
        fs::write("/etc/ssh/sshd_config", config).unwrap();

        let said = sshd(&sim);

        if expected.is_empty() {
            let sound = "\"ok\": \"sshd requires the second factor of every user\"\n";
            assert_eq!(said, sound);
        } else {
            assert!(
                said.contains(expected) && said.contains("(pat from"),
                "{said}"
            );
        }
    });
}

/// Root is enrolled, and sshd is closed to root.
#[test]
#[ignore = "needs root"]
fn an_enrolled_administrator_to_whom_sshd_is_closed_saves_nobody() {
    sandboxed!();
    let sim = host("");
    shell("useradd -m -s /bin/sh -G sudo pat; echo pat:secret | chpasswd");
    let good = fs::read_to_string("/etc/ssh/sshd_config").unwrap();
    let shut = "\"problem\": \"no administrator whom sshd lets in is enrolled, only root\"";
    let free = "\"ok\": \"administrators who can log in: ";
    let none = "\"warning\": \"sshd lets no administrator in: ";
    let table = [
        ("root = 1635", "PermitRootLogin no\n", shut),
        ("root = 1635", "PermitRootLogin prohibit-password\n", shut),
        ("root = 1635", "PermitRootLogin yes\n", free),
        ("root = 1635", "PermitRootLogin no\nDenyUsers pat\n", none),
        ("pat = 1635", "PermitRootLogin no\nDenyGroups sudo\n", none),
        ("pat = 1635", "PermitRootLogin no\n", free),
    ];
    check_rows(table, |(entry, config, expected)| {
        fs::write(sim.path("users.toml"), format!("[users]\n{entry}\n")).unwrap();
        fs::write("/etc/ssh/sshd_config", format!("{config}{good}{PASSWORD}")).unwrap();
        let said = said(&checks(&sim, &[]), "people");
        assert!(said.contains(expected), "{said}");
    });
    shell("chage -E 1 pat");
    let said = said(&checks(&sim, &[]), "people");
    assert!(said.contains(none), "{said}");
}

#[test]
#[ignore = "needs root"]
fn a_missing_module_among_the_account_lines_is_a_problem_with_its_place() {
    sandboxed!();
    let sim = host("");
    let stack = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    let with_account = |lines: &str| {
        fs::write("/etc/pam.d/sshd", format!("{stack}{lines}")).unwrap();
        said(&checks(&sim, &[]), "pam sshd")
    };
    let problem = "\"problem\": \"sshd: no login gets past the account lines: /etc/pam.d/sshd:";
    let sound = with_account("account required pam_unix.so\n");
    assert!(!sound.contains("problem"), "{sound}");
    let missing = with_account("account required pam_no_such.so\n");
    assert!(missing.contains(problem), "{missing}");
    let optional =
        with_account("account optional pam_no_such.so\naccount required pam_permit.so\n");
    assert!(!optional.contains("problem"), "{optional}");
}

/// The network that a block leaves out by `!` has the settings outside of the block.
#[test]
#[ignore = "needs root"]
fn doctor_asks_about_a_network_that_a_match_line_leaves_out() {
    sandboxed!();
    let sim = host("");
    let good = fs::read_to_string("/etc/ssh/sshd_config").unwrap();
    let table = [
        ("*,!10.0.0.0/8", "from 10.0.0.1"),
        ("!192.168.*,*", "from 192.168.1.1"),
        ("*,!fd00::/8", "from fd00::1"),
    ];
    check_rows(table, |(addresses, expected)| {
        let config = format!(
            "PermitRootLogin no\n{good}Match Address {addresses}\n\
             AuthenticationMethods keyboard-interactive\n\
             Match All\nAuthenticationMethods publickey\n"
        );
        fs::write("/etc/ssh/sshd_config", config).unwrap();
        let said = sshd(&sim);
        assert!(
            said.contains("`publickey` alone is enough") && said.contains(expected),
            "{said}"
        );
    });
}

/// sshd 9.8 and later name their stack; an older one is made to say so here.
fn name_the_stack(condition: &str, service: &str) {
    fs::rename("/usr/sbin/sshd", "/usr/sbin/sshd.real").unwrap();
    let script = format!(
        "#!/bin/sh\n/usr/sbin/sshd.real \"$@\" || exit\n\
         case \"$*\" in *{condition}*) echo pamservicename {service} ;; *) echo pamservicename sshd ;; esac\n"
    );
    fs::write("/usr/sbin/sshd", script).unwrap();
    fs::set_permissions("/usr/sbin/sshd", fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
#[ignore = "needs root"]
fn a_login_of_sshd_through_a_stack_without_our_line_is_a_problem() {
    sandboxed!();
    let sim = host(&format!("PermitRootLogin no\n{PASSWORD}"));
    fs::write("/etc/pam.d/sshd-open", "auth required pam_unix.so\n").unwrap();
    name_the_stack("user=pat", "Sshd-Open");

    let open = sshd(&sim);

    let expected = "\"problem\": \"sshd uses the stack sshd-open, which requires no second factor \
                    (pat from 127.0.0.1, pat from 192.0.2.1)";
    assert!(open.contains(expected), "{open}");
    let stack = format!(
        "auth requisite pam_unix.so\nauth required {}\nauth required pam_permit.so\n",
        product().display()
    );
    fs::write("/etc/pam.d/sshd-open", stack).unwrap();
    let closed = sshd(&sim);
    assert!(closed.starts_with("\"ok\""), "{closed}");
}

/// The service that a socket starts makes the folder, and the first boot the keys.
#[test]
#[ignore = "needs root"]
fn an_sshd_that_has_not_run_yet_is_no_problem_but_not_known() {
    sandboxed!();
    let sim = host(&format!("PermitRootLogin no\n{PASSWORD}"));
    let table = [
        (
            "rmdir /run/sshd",
            "\"unknown\": \"cannot ask sshd: sshd -T: Missing privilege separation directory",
        ),
        (
            "mkdir /run/sshd; rm /etc/ssh/ssh_host_*",
            "\"unknown\": \"cannot ask sshd: sshd -T: sshd: no hostkeys available",
        ),
        (
            "ssh-keygen -A; echo Nonsense >>/etc/ssh/sshd_config",
            "\"problem\": \"sshd -T: /etc/ssh/sshd_config",
        ),
    ];
    check_rows(table, |(script, expected)| {
        shell(script);
        let said = sshd(&sim);
        assert!(said.starts_with(expected), "{said}");
    });
}

/// As on openSUSE, where sshd reads that file; the test makes this one read it, too.
#[test]
#[ignore = "needs root"]
fn match_lines_in_the_settings_of_the_distribution_are_known() {
    sandboxed!();
    let sim = host(&format!(
        "PermitRootLogin no\n{PASSWORD}Match Address 10.0.0.0/8\nAuthenticationMethods publickey\n"
    ));
    shell(
        "mkdir -p /usr/etc/ssh; mv /etc/ssh/sshd_config /usr/etc/ssh; mv /usr/sbin/sshd /usr/sbin/sshd.real",
    );
    let script = "#!/bin/sh\nexec /usr/sbin/sshd.real -f /usr/etc/ssh/sshd_config \"$@\"\n";
    fs::write("/usr/sbin/sshd", script).unwrap();
    fs::set_permissions("/usr/sbin/sshd", fs::Permissions::from_mode(0o755)).unwrap();

    let said = sshd(&sim);

    assert!(
        said.contains("`publickey` alone") && said.contains("by /usr/etc/ssh/sshd_config:"),
        "{said}"
    );
}

#[test]
#[ignore = "needs root"]
fn a_state_folder_on_a_read_only_file_system_is_a_problem() {
    sandboxed!();
    let sim = host(&format!("PermitRootLogin no\n{PASSWORD}"));
    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let table = toml::from_str::<toml::Table>(&text).unwrap();
    let state = table["paths"]["state"].as_str().unwrap();
    fs::create_dir_all("/srv/ro").unwrap();
    shell(
        "mount -t tmpfs -o mode=0700 tmpfs /srv/ro; mkdir -m 700 /srv/ro/state; mount -o remount,ro /srv/ro",
    );
    for folder in ["/srv/ro/state", "/srv/ro/missing"] {
        fs::write(&config, text.replace(state, folder)).unwrap();
        let said = said(&checks(&sim, &[]), "state");
        assert!(
            said.contains("\"problem\"") && said.contains("the file system is read-only"),
            "{folder}: {said}"
        );
    }
}
