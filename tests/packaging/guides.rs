//! The pages of docs/ against the product: the module writes the log lines of the troubleshooting
//! page, links lead somewhere, and the commands and configurations are accepted.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use pam_authy::store::config::Config;
use pam_authy::store::directory::Directory;
use pam_authy::store::totp::Secrets;
use pam_authy::store::users::{Entry, Mapping};
use serde_json::{Value, json};

use super::{AUTHYCTL, root, text_of};
use crate::common::host::Host;
use crate::common::product;
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Returns the log of a host, with the usual names of its files.
fn log_of(host: &Host) -> Vec<String> {
    let folder = host.sim.folder().display().to_string();
    let url = host.sim.url();
    let lines = host
        .log()
        .replace(&folder, "/etc/pam_authy")
        .replace(&url, "https://api.authy.com");
    let texts = lines.lines().filter_map(|line| line.split_once("]: "));
    // The dates of a certificate differ each day.
    texts
        .map(|(_, text)| with_process(text.split(": verification time").next().unwrap()))
        .collect()
}

/// Puts the process of the page in place of the test's.
fn with_process(line: &str) -> String {
    let Some((before, rest)) = line.split_once(" pid=") else {
        return line.to_owned();
    };
    let (_, texts) = rest.split_once(" peer=").unwrap();
    let (_, texts) = texts.split_once(' ').unwrap();
    format!("{before} pid=812 uid=0 peer=root {texts}")
}

fn quick() -> Host {
    Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n")
}

/// Logs in once for each fault of the page; returns the symptom and the log lines.
fn lines_of_each_fault() -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    let mut log_in = |symptom, host: Host| {
        host.login("alice", &["1111111"]);
        all.push((symptom, log_of(&host)));
    };
    log_in("wrong token", quick());
    let host = quick();
    host.sim.answer_verify(503, "down");
    log_in("outage", host);
    let host = quick();
    host.sim.answer_verify(
        401,
        r#"{"success":false,"message":"Invalid API key","error_code":"60001"}"#,
    );
    log_in("key", host);
    let host = quick();
    host.sim.answer_verify(
        429,
        r#"{"success":false,"message":"Too many requests","error_code":"60003"}"#,
    );
    log_in("limit", host);
    let host = quick();
    host.sim
        .fault(&json!({"times": 0, "certificate": "expired"}));
    log_in("certificate", host);
    let host = quick();
    host.sim.change(1635, &json!({"suspended": true}));
    log_in("suspended", host);
    let host = quick();
    fs::remove_file(&host.users).unwrap();
    log_in("no mapping", host);
    let host = quick();
    host.append(&host.users, "jane.doe = 5\n");
    log_in("name with a dot", host);
    let host = quick();
    host.login("mallory", &["1111111"]);
    all.push(("not enrolled", log_of(&host)));
    // The reason why config.toml cannot be read goes to /dev/log, whatever `paths.log` says.
    for (symptom, mode, mistake) in [("mode", 0o644, ""), ("mistake", 0o600, "attemps = 2\n")] {
        let host = quick();
        host.append(&host.config, mistake);
        host.chmod(&host.config, mode);
        let error = Config::load(&host.config).unwrap_err().to_string();
        let folder = host.sim.folder().display().to_string();
        let shown = error.replace(&folder, "/etc/pam_authy");
        // The line number belongs to this test's configuration.
        let shown = shown
            .split_once("unknown key")
            .map_or(shown.clone(), |(_, key)| format!("unknown key{key}"));
        all.push((symptom, vec![shown]));
    }
    all
}

/// A host whose alice has the app; `config` continues the `[login]` table.
fn with_app(config: &str) -> Host {
    let host = Host::with(&format!("[login]\nrefusal_seconds = 0\n{config}"));
    host.sim.change(1635, &json!({"registered": true}));
    host
}

/// The same for limits, pushes, shared accounts and the state folder.
fn lines_of_each_feature() -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    let host =
        Host::with("[login]\nrefusal_seconds = 0\nattempts = 4\n[limits]\nrefused_tokens = 3\n");
    host.login("alice", &["1111111"; 4]);
    // The rest of the pause varies.
    let lines = log_of(&host);
    let lines = lines.iter().map(|line| line.replace(" 29 s;", " 30 s;"));
    all.push(("paused", lines.collect()));

    let host = with_app("");
    std::thread::scope(|scope| {
        let phone = scope.spawn(|| host.sim.decide(1635, false));
        host.login("alice", &["push"]);
        phone.join().unwrap();
    });
    all.push(("push denied", log_of(&host)));
    let host = Host::with("[login]\nrefusal_seconds = 0\nfactors = [\"push\"]\nattempts = 1\n");
    host.login("alice", &[""]);
    all.push(("push without the app", log_of(&host)));

    let host = quick();
    let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    host.append(
        &host.users,
        &format!("deploy = {{ keys = {{ \"{key}\" = 1640 }} }}\n"),
    );
    host.login("deploy", &["1111111"]);
    all.push(("shared", log_of(&host)));
    let host = quick();
    let state = host.sim.path("state");
    host.chmod(&state, 0o755);
    host.login("alice", &["1111111"]);
    all.push(("state", log_of(&host)));
    let host = Host::with("[exempt]\nusers = [\"alice\"]\n");
    host.login("alice", &["1111111"]);
    all.push(("exempt", log_of(&host)));
    all
}

#[test]
fn the_log_lines_of_the_troubleshooting_page_are_real() {
    let page = text_of("docs/troubleshooting.md");
    let all = lines_of_each_fault()
        .into_iter()
        .chain(lines_of_each_feature());
    check_rows(all, |(symptom, lines)| {
        assert!(!lines.is_empty(), "{symptom}: nothing was logged");
        check_rows(lines, |line| {
            assert!(
                page.contains(&line),
                "{symptom}: this line is missing in docs/troubleshooting.md:\n{line}"
            );
        });
    });
}

/// Returns the texts of `#[error("…")]` in a source file.
fn texts_of_errors(file: &str) -> Vec<String> {
    let source = text_of(file);
    let texts = source.split("#[error(\"").skip(1);
    texts
        .map(|after| after.split_once('"').unwrap().0.to_owned())
        .collect()
}

#[test]
fn the_troubleshooting_page_explains_why_no_engine_decides() {
    let page = text_of("docs/troubleshooting.md");
    let files = [
        "src/pam/module.rs",
        "src/pam/connect.rs",
        "src/pam/service.rs",
    ];
    let texts: Vec<_> = files.into_iter().flat_map(texts_of_errors).collect();
    assert!(texts.len() >= 16, "{texts:?}");
    check_rows(texts, |text| {
        // The values in a text are other words on the page.
        let text = text.replace("{FOLDER}", "/run/pam_authy");
        for part in text.split(['{', '}']).step_by(2) {
            let part = part.trim().trim_end_matches(',');
            assert!(page.contains(part), "{part}: {text} is not explained");
        }
    });
}

/// Returns the words that can follow `reason=` in an audit line.
fn reasons() -> BTreeSet<String> {
    let source = text_of("src/base/attempt.rs");
    let words = source
        .lines()
        .filter_map(|line| line.trim().split_once(" => \""));
    words
        .filter_map(|(_, rest)| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

/// Returns the words of `Reason` alone.
fn words_of_reason() -> BTreeSet<String> {
    let source = text_of("src/base/attempt.rs");
    let of_reason = source.split_once("impl Reason {").unwrap().1;
    let of_reason = of_reason
        .split_once("\nimpl ")
        .map_or(of_reason, |(own, _)| own);
    let words = of_reason.split("=> \"").skip(1);
    words
        .map(|after| after.split_once('"').unwrap().0.to_owned())
        .collect()
}

#[test]
fn the_reference_explains_each_reason_with_a_pam_code_and_each_command() {
    let page = text_of("docs/reference.md");
    let rows = page.lines().filter(|line| line.contains("| PAM_"));
    let explained: Vec<_> = rows
        .map(|row| row.split('`').nth(1).unwrap().to_owned())
        .collect();
    let set: BTreeSet<_> = explained.iter().cloned().collect();
    assert_eq!(set, words_of_reason());
    assert_eq!(set.len(), explained.len(), "a reason is there twice");

    let (_, members) = page.split_once("| command | members").unwrap();
    let help = super::stdout_of(Command::new(AUTHYCTL).arg("--help"));
    let commands = help.split_once("Commands:\n").unwrap().1;
    let commands = commands.split_once("\n\n").unwrap().0;
    let commands = commands.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?.split_whitespace().next()?;
        (name != "help").then_some(name)
    });
    check_rows(commands, |name| {
        let is_there = ["`", " "]
            .iter()
            .any(|end| members.contains(&format!("`{name}{end}")));
        assert!(is_there, "{name} is missing");
    });
}

/// Returns every page of the documentation.
pub(super) fn pages() -> Vec<String> {
    let mut pages: Vec<_> = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ]
    .map(str::to_owned)
    .into();
    let docs = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(Result::unwrap);
    let docs = docs.map(|entry| format!("docs/{}", entry.file_name().to_string_lossy()));
    pages.extend(docs.filter(|name| name.ends_with(".md")));
    pages
}

/// Returns everything that `find` finds in the pages, each with the name of its page.
fn in_pages(find: impl Fn(&str) -> Vec<String>) -> Vec<(String, String)> {
    let of_page = |page: String| {
        let found = find(&page).into_iter();
        found.map(move |one| (page.clone(), one))
    };
    pages().into_iter().flat_map(of_page).collect()
}

#[test]
fn every_reason_that_the_pages_name_is_one_of_the_log() {
    let known = reasons();
    assert!(known.contains("wrong_code"), "{known:?}");
    let named = in_pages(|page| {
        let text = text_of(page);
        let words = text.split("reason=").skip(1).map(|after| {
            let end = after.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            after[..end.unwrap_or(after.len())].to_owned()
        });
        words.filter(|word| !word.is_empty()).collect()
    });
    check_rows(named, |(page, word)| {
        assert!(known.contains(&word), "{page}: there is no reason {word}");
    });
}

/// Returns the anchors that GitHub gives to the headings of a page.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let headings = markdown.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// Returns the targets of the links of a page.
pub(super) fn links(page: &str) -> Vec<String> {
    let text = text_of(page);
    let links = text.split("](").skip(1);
    let links = links.filter_map(|after| after.split_once(')'));
    links.map(|(link, _)| link.trim().to_owned()).collect()
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let all = in_pages(links);
    assert!(all.len() > 30, "{all:?}");
    check_rows(all, |(page, target)| {
        if target.starts_with("http") {
            assert!(target.starts_with("https://"));
            return;
        }
        let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
        let page = root().join(page);
        let path = if file.is_empty() {
            page
        } else {
            page.parent().unwrap().join(file)
        };
        assert!(path.exists(), "it leads nowhere");
        if !anchor.is_empty() {
            let there = anchors(&fs::read_to_string(&path).unwrap());
            assert!(
                there.contains(anchor),
                "there is no such heading in {there:?}"
            );
        }
    });
}

/// Returns the fenced blocks of a page that have this word after the fence, without indentation.
pub(crate) fn blocks(page: &str, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text_of(page).lines().map(str::trim) {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(text), _) => *text += &format!("{line}\n"),
            (None, Some(language)) if language == word => open = Some(String::new()),
            _ => {}
        }
    }
    found
}

/// Returns the arguments of each authyctl line in the shell examples of a page.
fn authyctl_lines(page: &str) -> Vec<String> {
    let lines = blocks(page, "sh").join("\n");
    let parts = lines
        .lines()
        .flat_map(|line| line.split('#').next().unwrap_or("").split("&&"));
    parts
        .map(|part| part.trim().trim_start_matches("sudo "))
        .filter_map(|part| part.strip_prefix("authyctl "))
        .map(|arguments| arguments.replace("\"$USER\"", "alice"))
        .collect()
}

/// No command is run: authyctl parses the command line and prints its help.
#[test]
fn every_authyctl_line_of_the_pages_is_accepted_by_authyctl() {
    let all = in_pages(authyctl_lines);
    assert!(all.len() > 20, "{all:?}");
    check_rows(all, |(page, arguments)| {
        let output = Command::new(AUTHYCTL)
            .args(arguments.split_whitespace())
            .arg("--help")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{page}: {said}");
    });
}

/// Returns the examples of a manual page that begin with a table.
fn manual_blocks(file: &str) -> Vec<String> {
    let text = text_of(file);
    let after = text.split(".nf\n").skip(1);
    after
        .filter_map(|block| Some(block.split_once(".fi")?.0.to_owned()))
        .filter(|block| block.starts_with('['))
        .collect()
}

/// Parses a block as a mapping, as people of a directory or as secrets, whose entries must all be
/// usable, or as a configuration, which gets a key where it has none.
fn parse(block: &str) -> Result<(), String> {
    if block.contains("[removed]") {
        let known = Directory::parse(block, Path::new("/var/lib/pam_authy/directory.toml"));
        let known = known.map_err(|error| error.to_string())?;
        // A name that is left out has no usable entry.
        return match known
            .iter()
            .find(|(name, entry)| matches!(entry, Entry::Invalid { .. }) && known.is_known(name))
        {
            Some((name, _)) => Err(format!("{name} is unusable")),
            None => Ok(()),
        };
    }
    if block.contains("[users]") {
        let mapping = Mapping::parse(block, Path::new("/etc/pam_authy/users.toml"));
        let mapping = mapping.map_err(|error| error.to_string())?;
        return match mapping
            .iter()
            .find(|(_, entry)| matches!(entry, Entry::Invalid { .. }))
        {
            Some((name, _)) => Err(format!("{name} is unusable")),
            None => Ok(()),
        };
    }
    if block.contains("[totp]") {
        let secrets = Secrets::parse(block, Path::new("/etc/pam_authy/totp.toml"));
        let secrets = secrets.map_err(|error| error.to_string())?;
        return match secrets.iter().find(|(_, entry)| entry.app().is_none()) {
            Some((name, _)) => Err(format!("{name} is unusable")),
            None => Ok(()),
        };
    }
    let key_file = tempfile::tempdir().unwrap();
    let text = match block.split_once("key_file = \"") {
        Some((before, after)) => {
            let path = key_file.path().join("key");
            fs::write(&path, "key").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let rest = after.split_once('"').unwrap().1;
            format!("{before}key_file = \"{}\"{rest}", path.display())
        }
        None => format!("[authy]\nkey = \"key\"\n{block}"),
    };
    let config = Config::parse(&text, Path::new("/etc/pam_authy/config.toml"));
    config.map(drop).map_err(|error| error.to_string())
}

#[test]
fn every_configuration_of_pages_and_manual_is_accepted_by_the_module() {
    let manual = "packaging/man/pam_authy.toml.5";
    let mut all = in_pages(|page| blocks(page, "toml"));
    let of_manual = manual_blocks(manual).into_iter();
    all.extend(of_manual.map(|block| (manual.to_owned(), block)));
    assert!(all.len() >= 15, "{all:?}");
    check_rows(all, |(page, block)| {
        assert_eq!(parse(&block), Ok(()), "{page}: {block}");
    });
}

/// Like a credential of systemd: a folder that only its owner may enter, and a file without write
/// permission.
#[test]
fn a_key_file_may_be_a_credential() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("ssh.service");
    fs::create_dir(&credentials).unwrap();
    let key = credentials.join("authy_key");
    fs::write(&key, "the-key").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(&credentials, fs::Permissions::from_mode(0o500)).unwrap();
    let text = format!("[authy]\nkey_file = \"{}\"\n", key.display());

    let config = Config::parse(&text, Path::new("/etc/pam_authy/config.toml")).unwrap();

    assert_eq!(config.authy.unwrap().key.expose(), "the-key");
    fs::set_permissions(&credentials, fs::Permissions::from_mode(0o700)).unwrap();
}

/// doctor evaluates each stack for every answer that its modules may give, and must find no
/// problem.
#[test]
fn no_stack_of_the_pages_locks_out_or_can_be_bypassed() {
    let sim = Sim::start();
    let all = in_pages(|page| blocks(page, "pam"));
    assert!(all.len() >= 4, "{all:?}");
    check_rows(all, |(page, block)| {
        let folder = tempfile::tempdir().unwrap();
        // Neither our module nor Duo's is installed here: of a module that is there, doctor knows
        // the name alone.
        let modules = tempfile::tempdir().unwrap();
        let duo = modules.path().join("pam_duo.so");
        fs::copy(product(), &duo).unwrap();
        let block = block
            .replace("pam_authy.so", &product().display().to_string())
            .replace("pam_duo.so", &duo.display().to_string());
        fs::write(folder.path().join("sshd"), &block).unwrap();
        let mut doctor = Command::new(AUTHYCTL);
        doctor
            .args(["--json", "doctor", "--pam-dir"])
            .arg(folder.path());
        doctor
            .arg("--config")
            .arg(sim.path("config.toml"))
            .arg("--users")
            .arg(sim.path("users.toml"));
        let answer: Value = serde_json::from_slice(&doctor.output().unwrap().stdout).unwrap();
        let checks = answer["checks"].as_array().unwrap();
        let of_stack: Vec<_> = checks
            .iter()
            .filter(|check| check["name"] == "pam sshd")
            .collect();
        assert!(!of_stack.is_empty(), "{page}: {block}");
        assert!(
            of_stack.iter().all(|check| check["result"] != "problem"),
            "{page}: {block}\n{of_stack:?}"
        );
    });
}
