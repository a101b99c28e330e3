//! The command `doctor` on stacks in a temporary folder; tests/module/doctor.rs runs it on a real
//! system.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use serde_json::{Value, json};

use super::{enrolled, run_json};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::common::{install, install_product, product};

/// Makes a folder with one stack of these lines.
fn pam_dir(service: &str, lines: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(service), lines.join("\n") + "\n").unwrap();
    folder
}

fn doctor(sim: &Sim, folder: &Path) -> (i32, Vec<Value>) {
    let how = ["doctor", "--pam-dir", folder.to_str().unwrap()];
    let (status, answer) = run_json(sim, &how, "");
    (status, answer["checks"].as_array().unwrap().clone())
}

/// Returns the worst result among the checks of that name.
fn result(checks: &[Value], name: &str) -> String {
    let all = checks.iter().filter(|check| check["name"] == name);
    let word = |check: &Value| check["result"].as_str().unwrap().to_owned();
    let mut words: Vec<_> = all.map(word).collect();
    words.sort_by_key(|word| ["ok", "warning", "problem"].iter().position(|w| w == word));
    words.pop().unwrap_or_default()
}

#[test]
fn doctor_accepts_the_stack_of_the_readme() {
    let sim = enrolled();
    let ours = format!("auth required {}", product().display());
    let folder = pam_dir(
        "login",
        &[
            "auth requisite pam_unix.so",
            &ours,
            "auth required pam_permit.so",
        ],
    );
    let (_, checks) = doctor(&sim, folder.path());
    let table = ["config", "users", "service", "clock", "pam login"];
    check_rows(table, |name| {
        assert_eq!(result(&checks, name), "ok", "{checks:#?}");
    });
}

#[test]
fn doctor_finds_a_bypass_and_a_lockout() {
    let sim = enrolled();
    let ours = format!("auth required {}", product().display());
    let folder = pam_dir("login", &["auth sufficient pam_unix.so", &ours]);
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!(
        (status, result(&checks, "pam login").as_str()),
        (1, "problem")
    );
    assert_eq!(result(&checks, "people"), "problem", "root is not enrolled");

    let folder = pam_dir(
        "i3lock",
        &[
            "auth requisite pam_unix.so",
            "auth required /no/such/pam_authy.so",
        ],
    );
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!((status, result(&checks, "module").as_str()), (1, "problem"));
    assert_eq!(
        result(&checks, "pam i3lock"),
        "problem",
        "a locker gets no engine"
    );
}

#[test]
fn doctor_distinguishes_files_service_and_key() {
    let sim = enrolled();
    let folder = pam_dir("login", &["auth required pam_unix.so"]);
    sim.fault(&json!({"status": 401, "body": "{\"error_code\":\"60001\",\"message\":\"Invalid API key\"}"}));
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!(
        (status, result(&checks, "service").as_str()),
        (1, "problem")
    );
    assert_eq!(result(&checks, "pam"), "warning", "nothing is protected");

    let config = sim.path("config.toml");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!((status, result(&checks, "config").as_str()), (1, "problem"));
}

#[test]
fn doctor_finds_an_engine_that_the_module_would_not_start() {
    let sim = enrolled();
    let programs = tempfile::tempdir().unwrap();
    let (module, engine) = install_product(programs.path());
    let check = |engine: &Path| {
        let line = format!(
            "auth required {} engine={}",
            module.display(),
            engine.display()
        );
        let folder = pam_dir("login", &["auth requisite pam_unix.so", &line]);
        let (_, checks) = doctor(&sim, folder.path());
        (result(&checks, "engine"), messages(&checks, "engine"))
    };
    let text = programs.path().join("text");
    fs::write(&text, "echo").unwrap();
    fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
    let plain = programs.path().join("plain");
    install(&engine, &plain, 0o644);
    let writable = programs.path().join("writable");
    install(&engine, &writable, 0o775);
    let missing = programs.path().join("missing");
    let table = [
        (&engine, "ok", "is installed"),
        (&missing, "problem", "No such file"),
        (&writable, "problem", "can be written by others"),
        (&plain, "problem", "not executable"),
        (&text, "problem", "no program"),
    ];
    check_rows(table, |(engine, expected, said)| {
        let (result, messages) = check(engine);
        assert_eq!(result, expected, "{messages}");
        assert!(messages.contains(said), "{messages}");
    });
}

/// Returns all messages of the checks of that name.
fn messages(checks: &[Value], name: &str) -> String {
    let named = checks.iter().filter(|check| check["name"] == name);
    named
        .map(|check| format!("{}\n", check["message"]))
        .collect()
}

#[test]
fn doctor_says_where_the_factor_is_optional() {
    let sim = enrolled();
    let line = |arguments: &str| format!("auth required {} {arguments}", product().display());
    let stack = |arguments: &str| {
        let unix = "auth requisite pam_unix.so";
        pam_dir(
            "login",
            &[unix, &line(arguments), "auth required pam_permit.so"],
        )
    };

    let (_, checks) = doctor(&sim, stack("").path());
    assert_eq!(result(&checks, "pam login"), "ok", "{checks:#?}");
    let (_, checks) = doctor(&sim, stack("nullok").path());
    assert_eq!(result(&checks, "pam login"), "warning");
    let said = messages(&checks, "pam login");
    assert!(
        said.contains("login:2: nullok makes the factor optional"),
        "{said}"
    );
    assert_eq!(
        result(&checks, "people"),
        "ok",
        "then no account is locked out"
    );

    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let table = [
        ("unenrolled", "makes the factor optional"),
        (
            "when_unavailable",
            "no factor is required while the provider is unavailable",
        ),
    ];
    check_rows(table, |(rule, expected)| {
        fs::write(
            &config,
            format!("{text}\n[service.login]\n{rule} = \"ignore\"\n"),
        )
        .unwrap();
        let (_, checks) = doctor(&sim, stack("").path());
        let said = messages(&checks, "pam login");
        assert_eq!(result(&checks, "pam login"), "warning");
        assert!(said.contains(rule) && said.contains(expected), "{said}");
    });
}

#[test]
fn doctor_warns_where_a_local_user_may_be_able_to_make_an_outage() {
    let sim = enrolled();
    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let ours = format!("auth required {}", product().display());
    let any_user = "any local user may be able to make the provider unavailable";
    // the service of the stack, the table with "ignore", whether any local user is named
    let table = [
        ("sudo", "service.sudo", true),
        ("sudo-i", "service.sudo", true),
        ("su", "service.su", true),
        ("polkit-1", "service.polkit-1", true),
        ("sudo", "login", false),
        ("sshd", "service.sshd", false),
        ("login", "service.login", false),
    ];
    check_rows(table, |(service, rules, expected)| {
        let rules = format!("{text}\n[{rules}]\nwhen_unavailable = \"ignore\"\n");
        fs::write(&config, rules).unwrap();
        let folder = pam_dir(service, &["auth requisite pam_unix.so", &ours]);
        let (_, checks) = doctor(&sim, folder.path());
        let said = messages(&checks, &format!("pam {service}"));
        assert!(said.contains("when_unavailable"), "{said}");
        assert_eq!(said.contains(any_user), expected, "{said}");
    });
}

#[test]
fn a_configuration_that_is_broken_hides_no_other_check() {
    let sim = enrolled();
    fs::write(sim.path("config.toml"), "broken").unwrap();
    let ours = format!("auth required {}", product().display());
    let folder = pam_dir("sudo", &["auth sufficient pam_unix.so", &ours]);
    fs::write(folder.path().join("sudo-i"), "auth required pam_unix.so\n").unwrap();
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!((status, result(&checks, "config").as_str()), (1, "problem"));
    assert_eq!(result(&checks, "pam sudo"), "problem");
    assert_eq!(result(&checks, "people"), "problem");
    assert!(messages(&checks, "sudo").contains("`sudo -i` requires no second factor"));
}

#[test]
fn a_large_mapping_without_its_index_is_a_warning_until_it_is_written() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let users = sim.path("users.toml");
    let many: String = (1..=1000).map(|n| format!("u{n} = {n}\n")).collect();
    fs::write(&users, format!("[users]\n{many}")).unwrap();

    let (_, checks) = doctor(&sim, folder.path());
    assert_eq!(result(&checks, "users"), "warning", "{checks:#?}");
    assert!(messages(&checks, "users").contains("its index is missing or out of date"));

    run_json(&sim, &["index"], "");
    let (_, checks) = doctor(&sim, folder.path());
    assert_eq!(result(&checks, "users"), "ok", "{checks:#?}");
}

#[test]
fn doctor_names_users_of_one_id_names_without_account_and_a_log_that_is_not_there() {
    let sim = enrolled();
    let folder = pam_dir("login", &["auth required pam_unix.so"]);
    let users = "[users]\nroot = 1635\ndaemon = 1635\nno-account-of-this-name = 7\n";
    fs::write(sim.path("users.toml"), users).unwrap();
    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let table = toml::from_str::<toml::Table>(&text).unwrap();
    let log = table["paths"]["log"].as_str().unwrap().to_owned();
    fs::write(&config, text.replace(&log, "/nowhere/log")).unwrap();

    let (_, checks) = doctor(&sim, folder.path());

    assert_eq!(result(&checks, "users"), "ok");
    let said = messages(&checks, "accounts");
    assert!(
        said.contains("daemon, root have the same authy id 1635"),
        "{said}"
    );
    assert!(said.contains("is called no-account-of-this-name"), "{said}");
    let said = messages(&checks, "log");
    let has_journal = Path::new("/run/systemd/journal/socket").exists();
    assert!(
        has_journal || said.contains("/nowhere/log: there is no log"),
        "{said}"
    );
}

#[test]
fn a_log_whose_place_a_local_user_could_take_is_a_warning() {
    let sim = enrolled();
    let folder = pam_dir("login", &["auth required pam_unix.so"]);
    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let table = toml::from_str::<toml::Table>(&text).unwrap();
    let log = table["paths"]["log"].as_str().unwrap().to_owned();
    let open = sim.path("open");
    fs::create_dir(&open).unwrap();
    let _log = UnixDatagram::bind(open.join("log")).unwrap();
    let said = |mode: u32| {
        fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
        let named = open.join("log").display().to_string();
        fs::write(&config, text.replace(&log, &named)).unwrap();
        messages(&doctor(&sim, folder.path()).1, "log")
    };
    let closed = said(0o755);
    assert!(!closed.contains("could read audit lines"), "{closed}");
    let open = said(0o777);
    assert!(
        open.contains("a local user could read audit lines, or swallow them"),
        "{open}"
    );
}

#[test]
fn a_service_whose_clients_have_one_field_is_a_warning() {
    let sim = enrolled();
    let ours = format!("auth required {}", product().display());
    let folder = pam_dir("vsftpd", &["auth requisite pam_unix.so", &ours]);
    let (_, checks) = doctor(&sim, folder.path());
    let said = messages(&checks, "pam vsftpd");
    assert!(said.contains("its clients have one field"), "{said}");
}
