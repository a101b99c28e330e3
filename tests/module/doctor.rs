//! `authyctl doctor` and the mapping on a real system: real libpam, real sshd, real sudoers, a full
//! disk.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use pam_authy::pam_app::{Style, Transaction, write_stack};
use serde_json::Value;

use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::sim::Sim;
use crate::common::{install, product, rounds};

const GLOBAL: &str =
    "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\nLoginGraceTime 120\n";

/// Sets up sshd with our line in its stack, and two enrolled users.
pub(super) fn host(config: &str) -> Sim {
    let sim = Sim::start();
    fs::create_dir_all("/run/sshd").unwrap();
    assert!(
        Command::new("ssh-keygen")
            .arg("-A")
            .status()
            .unwrap()
            .success()
    );
    let stack = format!(
        "auth requisite pam_unix.so\nauth required {}\nauth required pam_permit.so\n",
        product().display()
    );
    fs::write("/etc/pam.d/sshd", stack).unwrap();
    fs::write("/etc/ssh/sshd_config", format!("{GLOBAL}{config}")).unwrap();
    fs::write(sim.path("users.toml"), "[users]\nroot = 1635\npat = 1635\n").unwrap();
    sim
}

/// Runs doctor and returns its checks.
pub(crate) fn checks(sim: &Sim, more: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .args(["doctor", "--json", "--config"])
        .arg(sim.path("config.toml"))
        .arg("--users")
        .arg(sim.path("users.toml"))
        .args(more)
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["checks"].as_array().unwrap().clone()
}

/// Returns result and message of the checks of that name, one in each line.
pub(crate) fn said(checks: &[Value], name: &str) -> String {
    let named = checks.iter().filter(|check| check["name"] == name);
    named
        .map(|check| format!("{}: {}\n", check["result"], check["message"]))
        .collect()
}

/// Runs doctor and returns its checks of sshd.
pub(super) fn sshd(sim: &Sim) -> String {
    said(&checks(sim, &[]), "sshd")
}

#[test]
#[ignore = "needs root"]
fn doctor_accepts_the_sshd_settings_of_the_readme() {
    sandboxed!();
    let sim = host("PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n");
    assert_eq!(
        sshd(&sim),
        "\"ok\": \"sshd requires the second factor of every user\"\n"
    );
}

#[test]
#[ignore = "needs root"]
fn doctor_finds_a_match_block_that_bypasses_the_code() {
    sandboxed!();
    let sim = host(
        "PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n\
         Match User pat Address 192.0.2.0/24\nAuthenticationMethods publickey\n",
    );
    let said = sshd(&sim);
    assert!(said.contains("`publickey` alone is enough"), "{said}");
    assert!(said.contains("pat from 192.0.2.1"), "{said}");
    assert!(!said.contains("pat from 127.0.0.1"), "{said}");
}

/// Each row: sshd's block for the robot, `[exempt]`, and what doctor says of it.
const ROBOTS: [(&str, &str, &str); 5] = [
    (
        "Match User robot\nAuthenticationMethods publickey\n",
        "users = [\"robot\"]",
        "\"ok\": \"`publickey` alone is enough to log in, as exempt.users \"robot\" allows \
         (robot from 127.0.0.1, robot from 192.0.2.1)",
    ),
    (
        "Match Group robots Address 192.0.2.0/24\nAuthenticationMethods publickey\n",
        "groups = [\"robots\"]",
        "\"ok\": \"`publickey` alone is enough to log in, as exempt.groups \"robots\" allows \
         (robot from 192.0.2.1)",
    ),
    (
        "Match User robot\nAuthenticationMethods publickey\n",
        "",
        "\"problem\": \"`publickey` alone is enough to log in, without the second factor (robot from",
    ),
    (
        "",
        "users = [\"robot\"]",
        "\"problem\": \"exempt.users \"robot\" applies, but sshd asks for a password, and the account \
         has a key and no password (robot)",
    ),
    (
        "Match User pat\nAuthenticationMethods publickey\n",
        "users = [\"robot\"]",
        "\"problem\": \"`publickey` alone is enough to log in, without the second factor (pat from",
    ),
];

#[test]
#[ignore = "needs root"]
fn doctor_names_a_robot_that_logs_in_by_key_alone_and_is_exempt() {
    sandboxed!();
    let settings = "PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n";
    let sim = host(settings);
    let made = "useradd pat; groupadd robots; useradd -m -s /bin/sh -G robots robot
        mkdir ~robot/.ssh && echo 'ssh-ed25519 AAAA' >~robot/.ssh/authorized_keys";
    assert!(
        Command::new("sh")
            .args(["-c", made])
            .status()
            .unwrap()
            .success()
    );
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    check_rows(ROBOTS, |(block, exempt, expected)| {
        fs::write("/etc/ssh/sshd_config", format!("{GLOBAL}{settings}{block}")).unwrap();
        let exempt = format!("{config}\n[exempt]\n{exempt}\n");
        fs::write(sim.path("config.toml"), exempt).unwrap();
        let said = sshd(&sim).replace("\\\"", "\"");
        assert!(said.contains(expected), "{said}");
        assert_eq!(
            said.contains("problem"),
            expected.contains("problem"),
            "{said}"
        );
    });
}

#[test]
#[ignore = "needs root"]
fn doctor_finds_what_locks_root_out_of_sshd() {
    sandboxed!();
    let sim = host(
        "PermitRootLogin prohibit-password\nAuthenticationMethods publickey,keyboard-interactive\n",
    );
    let said = sshd(&sim);
    assert!(said.contains("root's second factor always fails"), "{said}");
}

#[test]
#[ignore = "needs root"]
#[expect(clippy::too_many_lines, reason = "two tables")]
fn doctor_finds_each_setting_of_sshd_that_matters() {
    sandboxed!();
    // sshd uses the first value of a setting, so each row comes before the good ones.
    let rows = [
        ("UsePAM no\n", "UsePAM is off"),
        (
            "KbdInteractiveAuthentication no\nAuthenticationMethods any\n",
            "no code can be typed",
        ),
        ("AuthenticationMethods any\n", "`publickey` alone is enough"),
        (
            "AuthenticationMethods publickey\n",
            "`publickey` alone is enough",
        ),
        (
            "HostbasedAuthentication yes\nAuthenticationMethods hostbased\n",
            "`hostbased` alone is enough",
        ),
        (
            "PasswordAuthentication yes\nAuthenticationMethods password\n",
            "`password` cannot carry a code",
        ),
        ("UseDNS yes\n", "UseDNS is on"),
        (
            "LoginGraceTime 30\n",
            "LoginGraceTime 30 ends a login before deadline_seconds 90",
        ),
        (
            "PermitRootLogin forced-commands-only\n",
            "root's second factor always fails",
        ),
    ];
    let good = "PermitRootLogin yes\nAuthenticationMethods keyboard-interactive\n";
    let sim = host(good);
    check_rows(rows, |(bad, expected)| {
        fs::write("/etc/ssh/sshd_config", format!("{bad}{GLOBAL}{good}")).unwrap();
        let said = sshd(&sim);
        assert!(said.contains(expected), "{bad}{said}");
        assert!(
            said.contains("root from 127.0.0.1, root from 192.0.2.1"),
            "{bad}{said}"
        );
    });
    let blocks = [
        ("User pat", "(pat from 127.0.0.1, pat from 192.0.2.1)"),
        ("Group staff", "(pat from 127.0.0.1, pat from 192.0.2.1)"),
        (
            "Address 192.0.2.0/24",
            "(root from 192.0.2.1, pat from 192.0.2.1)",
        ),
        ("User pat Host 192.0.2.*", "(pat from 192.0.2.1)"),
    ];
    let made = Command::new("useradd")
        .args(["-G", "staff", "pat"])
        .status();
    assert!(made.unwrap().success());
    check_rows(blocks, |(block, expected)| {
        let text = format!("{GLOBAL}{good}Match {block}\nAuthenticationMethods publickey\n");
        fs::write("/etc/ssh/sshd_config", text).unwrap();
        let said = sshd(&sim);
        assert!(
            said.contains(&format!("the second factor {expected}")),
            "{block}{said}"
        );
    });
    // sshd knows the name of a host by UseDNS alone.
    let block = "Match Host localhost User root\nAuthenticationMethods publickey\n";
    check_rows([("yes", true), ("no", false)], |(dns, expected)| {
        let text = format!("{GLOBAL}UseDNS {dns}\n{good}{block}");
        fs::write("/etc/ssh/sshd_config", text).unwrap();
        let said = sshd(&sim);
        let is_found = said.contains("the second factor (root from 127.0.0.1)");
        assert_eq!(is_found, expected, "{said}");
    });
    fs::write("/etc/ssh/sshd_config", "Nonsense yes\n").unwrap();
    let said = sshd(&sim);
    assert!(
        said.contains("problem") && said.contains("Nonsense"),
        "{said}"
    );
}

/// The criterion of a Match block, lists that refuse users, and who gets in by a key alone.
const BY_KEY: [(&str, &str, &str); 6] = [
    ("User eve", "", "(eve from"),
    ("Group staff", "", "(eve from"),
    ("User eve", "DenyUsers eve\n", ""),
    ("User eve", "DenyGroups staff\n", ""),
    ("User eve", "AllowGroups sudo\n", ""),
    // The account has neither a password nor a key.
    ("User locked", "", ""),
];

#[test]
#[ignore = "needs root"]
fn doctor_finds_a_key_alone_of_an_account_without_a_second_factor() {
    sandboxed!();
    let good = "PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n";
    let sim = host(good);
    let made = Command::new("sh")
        .args([
            "-c",
            "useradd -m -s /bin/sh -G staff eve && echo eve:secret | chpasswd && useradd -s /bin/sh locked",
        ])
        .status();
    assert!(made.unwrap().success());
    check_rows(BY_KEY, |(block, lists, expected)| {
        let block = format!("Match {block}\nAuthenticationMethods publickey\n");
        let text = format!("{GLOBAL}{good}{lists}{block}");
        fs::write("/etc/ssh/sshd_config", text).unwrap();
        let said = sshd(&sim);
        if expected.is_empty() {
            assert!(!said.contains("alone is enough"), "{said}");
        } else {
            assert!(
                said.contains(&format!("second factor {expected}")),
                "{said}"
            );
        }
    });
}

/// The stack of sudo-i and that of other, where there is one, and what is said of `sudo -i`.
const OF_LOGIN: [(Option<&str>, &str, &str); 5] = [
    (
        Some("auth required pam_unix.so\n"),
        "",
        "its stack is sudo-i",
    ),
    (None, "auth required pam_unix.so\n", "its stack is other"),
    (None, "auth required pam_deny.so\n", ""),
    (Some("OURS"), "auth required pam_unix.so\n", ""),
    (None, "OURS", ""),
];

#[test]
#[ignore = "needs root"]
fn doctor_knows_which_stack_sudo_uses_where_one_is_missing() {
    sandboxed!();
    let sim = host("PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n");
    let ours = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    fs::write("/etc/pam.d/sudo", &ours).unwrap();
    check_rows(OF_LOGIN, |(login, other, expected)| {
        let _ = fs::remove_file("/etc/pam.d/sudo-i");
        if let Some(login) = login {
            fs::write("/etc/pam.d/sudo-i", login.replace("OURS", &ours)).unwrap();
        }
        fs::write("/etc/pam.d/other", other.replace("OURS", &ours)).unwrap();
        let said = said(&checks(&sim, &[]), "sudo");
        if expected.is_empty() {
            assert!(said.starts_with("\"ok\": \"sudo requires"), "{said}");
        } else {
            assert!(said.contains(expected), "{said}");
        }
    });
}

#[test]
#[ignore = "needs root"]
fn doctor_finds_every_sudoer_and_what_sudo_does_to_the_prompt() {
    sandboxed!();
    let sim = host("PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n");
    let stack = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    fs::write("/etc/pam.d/sudo", stack).unwrap();
    for how in [
        &["pat"][..],
        &["--gid", "sudo", "primary"],
        &["-G", "sudo", "member"],
        &["aliased"],
        &["skipped"],
    ] {
        assert!(
            Command::new("useradd")
                .args(how)
                .status()
                .unwrap()
                .success()
        );
    }
    let rules = "User_Alias OPS = aliased\nOPS ALL = (ALL) ALL\npat ALL = (ALL) ALL\n\
                 Defaults passwd_tries=9, passprompt_override\n";
    for (name, text) in [("ops", rules), ("old.bak", "skipped ALL = (ALL) ALL\n")] {
        let path = Path::new("/etc/sudoers.d").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    }
    assert!(Command::new("visudo").arg("-c").status().unwrap().success());

    let checks = checks(&sim, &[]);

    let sudo = said(&checks, "sudo");
    let table = [
        "/etc/sudoers.d/ops:4: passprompt_override",
        "/etc/sudoers.d/ops:4: passwd_tries=9 allows 27 codes",
        "\"problem\": \"`sudo -i` requires no second factor",
    ];
    check_rows(table, |expected| {
        assert!(sudo.contains(expected), "{sudo}");
    });
    let people = said(&checks, "people");
    check_rows(["primary", "member", "aliased"], |name| {
        let expected = format!("\"warning\": \"{name} is not enrolled and cannot use sshd, sudo");
        assert!(people.contains(&expected), "{people}");
    });
    assert!(
        people.contains("administrators who can log in: pat\""),
        "{people}"
    );
    assert!(!people.contains("skipped"), "{people}");
    assert!(said(&checks, "pam su").contains("does not use pam_authy.so"));
}

/// Pseudorandom choices, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        from[usize::try_from(self.0 >> 33).unwrap() % from.len()]
    }
}

const CONTROLS: [&str; 10] = [
    "required",
    "required",
    "requisite",
    "sufficient",
    "optional",
    "[success=1 default=ignore]",
    "[success=ok ignore=ignore default=die]",
    "[success=done default=bad]",
    "[default=1 success=ok]",
    "[success=ok default=reset]",
];

/// Writes random stacks of pam_permit and pam_deny, with our module in each of them.
fn random_stacks(folder: &Path, ours: &str, count: u32) {
    let mut numbers = Numbers(20_261_125);
    for number in 0..count {
        let mut lines = Vec::new();
        for _ in 0..numbers.pick(&["1", "2", "3"]).parse().unwrap() {
            let others = ["pam_permit.so", "pam_permit.so", "pam_deny.so"];
            lines.push(format!(
                "auth {} {}",
                numbers.pick(&CONTROLS),
                numbers.pick(&others)
            ));
        }
        let at: usize = numbers.pick(&["0", "1", "2", "3"]).parse().unwrap();
        let line = format!("auth {} {ours}", numbers.pick(&CONTROLS));
        lines.insert(at.min(lines.len()), line);
        write_stack(folder, &format!("s{number}"), &lines).unwrap();
    }
}

/// Returns whether libpam accepts the user, who types `reply` at each prompt.
fn gets_in(folder: &Path, service: &str, user: &str, reply: &str) -> bool {
    let mut answer = |_: Style, _: &str| Some(reply.to_owned());
    let mut pam = Transaction::start(service, user, folder, &mut answer).unwrap();
    pam.authenticate().name() == "PAM_SUCCESS"
}

#[test]
fn doctor_and_libpam_agree_on_who_gets_in_through_any_stack() {
    let count = rounds(120);
    let sim = Sim::start();
    let (config, users) = (sim.path("config.toml"), sim.path("users.toml"));
    let more = "[login]\nattempts = 1\nrefusal_seconds = 0\n";
    let strict = fs::read_to_string(&config).unwrap() + more;
    fs::write(&users, "[users]\nroot = 1635\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let private = tempfile::tempdir().unwrap();
    let engine = private.path().join("pam_authyd");
    install(&crate::common::engine(), &engine, 0o755);
    let stacks = folder.path();
    let line = format!(
        "{} config={} users={} engine={}",
        product().display(),
        config.display(),
        users.display(),
        engine.display()
    );
    random_stacks(stacks, &line, count);
    let pam_dir = ["--pam-dir", stacks.to_str().unwrap()];

    fs::write(&config, &strict).unwrap();
    let strict_checks = checks(&sim, &pam_dir);
    let services: Vec<_> = (0..count).map(|number| format!("s{number}")).collect();
    let with = |user: &str, reply: &dyn Fn() -> String| -> Vec<bool> {
        let each = services.iter();
        each.map(|service| gets_in(stacks, service, user, &reply()))
            .collect()
    };
    let accepted = with("root", &|| sim.token(1635));
    let refused = with("nobody-here", &|| "1234567".to_owned());
    fs::write(&config, strict.clone() + "unenrolled = \"ignore\"\n").unwrap();
    let lenient_checks = checks(&sim, &pam_dir);
    let ignored = with("nobody-here", &String::new);
    fs::write(&config, "broken").unwrap();
    let broken = with("root", &String::new);

    let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
    check_rows(services.iter().enumerate(), |(at, service)| {
        let file = fs::read_to_string(stacks.join(service)).unwrap();
        let name = format!("pam {service}");
        let says = said(&strict_checks, &name);
        let is_bypassed = says.contains("succeeds without the second factor");
        assert!(is_bypassed || !(refused[at] || broken[at]), "{file}{says}");
        assert_eq!(
            says.contains("no login succeeds"),
            !accepted[at],
            "{file}{says}"
        );
        let says = said(&lenient_checks, &name);
        assert_eq!(
            says.contains("are locked out"),
            accepted[at] && !ignored[at],
            "{file}{says}"
        );
        *kinds
            .entry((accepted[at], refused[at], ignored[at]))
            .or_default() += 1;
    });
    assert!(kinds.len() >= 5, "{kinds:?}");
}

#[test]
#[ignore = "needs root"]
fn a_full_disk_leaves_the_mapping_as_it_was() {
    sandboxed!();
    let folder = Path::new("/srv/small");
    fs::create_dir_all(folder).unwrap();
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", "size=32k,mode=0755", "tmpfs"])
        .arg(folder);
    assert!(mount.status().unwrap().success());
    let users = folder.join("users.toml");
    let before = "# people\n[users]\nalice = 1635\n";
    fs::write(&users, before).unwrap();
    // Fills the disk to the last byte.
    let _ = fs::write(folder.join("filler"), vec![0; 64 * 1024]);

    let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .args(["enroll", "bob", "--authy-id", "7", "--users"])
        .arg(&users)
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("No space left") && said.contains("users.toml"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&users).unwrap(), before);
}

/// The rules of sudo in `tests/fixtures/cases`, each with what doctor says of them.
const SUDOERS: [(&str, &[&str]); 5] = [
    (
        "pam-service",
        &[
            "\"warning\": \"/etc/sudoers.d/case:1: pam_service=sudo-mfa: `sudo` uses the stack sudo-mfa",
            "\"warning\": \"/etc/sudoers.d/case:1: pam_login_service=sudo-mfa: `sudo -i` uses the stack",
        ],
    ),
    (
        "nopasswd",
        &["\"warning\": \"/etc/sudoers.d/case:1: NOPASSWD: pat is asked for nothing"],
    ),
    (
        "targetpw",
        &[
            "\"warning\": \"/etc/sudoers.d/case:1: targetpw: the factor of the target user is asked for",
        ],
    ),
    (
        "passprompt-tab-comment",
        &["\"warning\": \"/etc/sudoers.d/case:1: passprompt_override replaces"],
    ),
    ("group-with-space", &[]),
];

#[test]
#[ignore = "needs root"]
fn doctor_reads_each_rule_of_sudo_as_sudo_itself_does() {
    sandboxed!();
    let sim = host("PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n");
    let stack = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    for service in ["sudo", "sudo-i", "sudo-mfa"] {
        fs::write(Path::new("/etc/pam.d").join(service), &stack).unwrap();
    }
    let group = Command::new("sh")
        .args([
            "-c",
            "useradd pat; useradd robin; echo 'domain admins:x:4711:robin' >>/etc/group",
        ])
        .status();
    assert!(group.unwrap().success());
    let file = Path::new("/etc/sudoers.d/case");
    let said_of = |name: &str| {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
        fs::copy(cases.join(format!("{name}.sudoers")), file).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o440)).unwrap();
        let checks = checks(&sim, &[]);
        (said(&checks, "sudo"), said(&checks, "people"))
    };
    check_rows(SUDOERS, |(name, expected)| {
        let (sudo, _) = said_of(name);
        for part in expected {
            assert!(sudo.contains(part), "{part}: {sudo}");
        }
        assert!(!expected.is_empty() || sudo.starts_with("\"ok\""), "{sudo}");
    });
    let (_, people) = said_of("group-with-space");
    assert!(people.contains("robin is not enrolled"), "{people}");

    fs::remove_file("/etc/pam.d/sudo-mfa").unwrap();
    let (sudo, _) = said_of("pam-service");
    assert!(
        sudo.contains("\"problem\": \"/etc/sudoers.d/case:1: pam_service"),
        "{sudo}"
    );

    fs::rename("/usr/bin/cvtsudoers", "/usr/bin/cvtsudoers.away").unwrap();
    let (sudo, _) = said_of("nopasswd");
    assert!(
        sudo.contains(
            "\"unknown\": \"cannot tell what sudo asks of whom: cvtsudoers is not installed"
        ),
        "{sudo}"
    );
}

/// Settings of sshd in `tests/fixtures/cases`, each with what doctor says, or that all is well.
const SSHD: [(&str, &str); 9] = [
    (
        "wrong-ok-match-address-lan",
        "\"problem\": \"`publickey` alone is enough to log in, without the second factor \
         (pat from 10.0.0.1 by /etc/ssh/sshd_config:8: Match Address 10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
    ),
    (
        "wrong-ok-password-then-kbdint",
        "\"problem\": \"`password,keyboard-interactive` cannot carry a code: it is always refused, and nobody gets in",
    ),
    ("wrong-problem-match-localport", ""),
    ("wrong-problem-root-closed", ""),
    ("wrong-problem-gssapi-and-token", ""),
    (
        "right-grace-suffix",
        "LoginGraceTime 60 ends a login before deadline_seconds 90",
    ),
    ("right-grace-zero", ""),
    ("right-group-negated", ""),
    ("right-two-kbd", ""),
];

#[test]
#[ignore = "needs root"]
fn doctor_says_what_sshd_really_did_with_each_setting() {
    sandboxed!();
    let sim = host("");
    let made = Command::new("sh")
        .args(["-c", "useradd -m pat && echo pat:secret | chpasswd"])
        .status();
    assert!(made.unwrap().success());
    check_rows(SSHD, |(name, expected)| {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
        fs::copy(
            cases.join(format!("{name}.sshd_config")),
            "/etc/ssh/sshd_config",
        )
        .unwrap();
        let said = sshd(&sim);
        if expected.is_empty() {
            assert_eq!(
                said,
                "\"ok\": \"sshd requires the second factor of every user\"\n"
            );
        } else {
            assert!(said.contains(expected), "{said}");
        }
    });
}

#[test]
#[ignore = "needs root"]
fn doctor_judges_the_stack_that_pam_service_name_names_with_the_key_before_it() {
    sandboxed!();
    let sim = host("PermitRootLogin no\nAuthenticationMethods publickey,keyboard-interactive\n");
    let ours = format!(
        "auth required {}\nauth required pam_permit.so\n",
        product().display()
    );
    fs::write("/etc/pam.d/sshd-key", ours).unwrap();
    let without = said(&checks(&sim, &[]), "pam sshd-key");
    assert!(without.contains("the code alone is enough"), "{without}");
    // Only sshd 9.8 and later take it; doctor reads the line itself.
    let config = fs::read_to_string("/etc/ssh/sshd_config").unwrap();
    fs::write("/etc/ssh/sshd_config", config + "PAMServiceName sshd-key\n").unwrap();

    let with = said(&checks(&sim, &[]), "pam sshd-key");

    assert!(with.contains("\"ok\""), "{with}");
}

/// The user, the service, rules of sudo, parts of the answer.
type Explained = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const EXPLAINED: [Explained; 9] = [
    (
        "pat",
        "sudo",
        "pat ALL=(ALL) ALL\n",
        &["pat for sudo: required"],
    ),
    (
        "pat",
        "sudo",
        "pat ALL=(ALL) NOPASSWD: ALL\n",
        &[
            "pat for sudo: not required",
            "NOPASSWD: sudo asks pat for nothing",
            "(/etc/sudoers.d/case:1)",
        ],
    ),
    (
        "root",
        "sudo",
        "pat ALL=(ALL) NOPASSWD: ALL\n",
        &[
            "root for sudo: not required",
            "sudo asks root for nothing: its uid is 0",
        ],
    ),
    (
        "pat",
        "sudo",
        "Defaults targetpw\n",
        &[
            "targetpw: sudo asks for the factor of the target user, not of pat (/etc/sudoers.d/case:1)",
        ],
    ),
    (
        "pat",
        "sudo",
        "Defaults:pat pam_service=sudo-mfa\n",
        &[
            "pat for sudo-mfa: required",
            "sudo uses the stack sudo-mfa (/etc/sudoers.d/case:1)",
        ],
    ),
    // It is for who becomes pat.
    (
        "pat",
        "sudo",
        "Defaults>pat pam_service=su\n",
        &["pat for sudo: required"],
    ),
    (
        "pat",
        "sudo",
        "Defaults pam_service=su\n",
        &[
            "pat for su: not required",
            "the stack of su does not have pam_authy.so",
        ],
    ),
    ("pat", "sshd", "", &["pat for sshd: required"]),
    (
        "robot",
        "sshd",
        "",
        &[
            "robot for sshd: not required",
            "sshd lets robot in by `publickey` alone",
        ],
    ),
];

#[test]
#[ignore = "needs root"]
fn explain_says_what_sudo_and_sshd_really_ask_of_whom() {
    sandboxed!();
    let sim = host(
        "PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n\
         Match User robot\nAuthenticationMethods publickey\n",
    );
    let stack = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    for service in ["sudo", "sudo-mfa"] {
        fs::write(Path::new("/etc/pam.d").join(service), &stack).unwrap();
    }
    let file = Path::new("/etc/sudoers.d/case");
    let explain = |user: &str, service: &str, rules: &str| {
        fs::write(file, rules).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o440)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
            .args(["explain", user, "--service", service, "--config"])
            .arg(sim.path("config.toml"))
            .arg("--users")
            .arg(sim.path("users.toml"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    check_rows(EXPLAINED, |(user, service, rules, parts)| {
        let said = explain(user, service, rules);
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
    });
}
