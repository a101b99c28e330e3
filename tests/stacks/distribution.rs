//! The stacks of a distribution: enabled, tried through libpam with a stand-in for each module,
//! disabled again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::promise::{OUR_ANSWERS, broken};
use super::{System, contents};
use crate::common::logins::{STAND_INS, Script, module};
use crate::common::numbers::Numbers;

/// Sets of answers that are tried with each stack.
const OUTCOMES: usize = 80;
const OURS: usize = STAND_INS - 1;
/// Codes other than success that `required` and its like take for an acceptance.
const OTHERWISE: [i32; 1] = [12];

/// The files of a system, by their paths without the root.
pub(super) type Tree = BTreeMap<String, Vec<u8>>;

/// Reads the files of a folder as those of /etc/pam.d.
pub(super) fn tree(folder: &Path) -> Tree {
    let files = contents(folder).into_iter();
    files
        .map(|(path, content)| {
            let name = path.strip_prefix(folder).unwrap().display();
            (format!("etc/pam.d/{name}"), content)
        })
        .collect()
}

/// Enables `service` on a system with these files, and checks the promise and that `pam disable`
/// gives back every byte. Returns the new stack.
pub(super) fn check(tree: &Tree, is_debian: bool, service: &str) -> String {
    let system = System::new(is_debian);
    install(&system, tree);
    let before = contents(&system.path("etc"));

    let output = system.pam(&["enable", service]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{service}: {said}");
    let new = fs::read(system.path("etc/pam.d").join(service)).unwrap();
    try_out(&system, tree, service);

    let output = system.pam(&["disable", service]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{service}: {said}");
    assert!(
        contents(&system.path("etc")) == before,
        "{service}: disable gives back every byte"
    );
    String::from_utf8_lossy(&new).into_owned()
}

/// Writes the files; one that contains just the name of its neighbour is a symbolic link.
pub(super) fn install(system: &System, tree: &Tree) {
    for (name, content) in tree {
        let path = system.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let target = String::from_utf8_lossy(content);
        let neighbour = Path::new(name).with_file_name(target.as_ref());
        if tree.contains_key(neighbour.to_str().unwrap()) {
            symlink(target.as_ref(), path).unwrap();
        } else {
            fs::write(path, content).unwrap();
        }
    }
}

/// Logs in through the stack as it was and as it is, with random answers of all modules.
fn try_out(system: &System, tree: &Tree, service: &str) {
    let mut stand_ins = StandIns::default();
    for folder in ["old", "new"] {
        fs::create_dir_all(system.libpam().join(folder)).unwrap();
    }
    for name in tree.keys().filter(|name| name.contains("pam.d/")) {
        let old = &tree[name];
        let path = system.path(name);
        let (file, new) = (
            Path::new(name).file_name().unwrap(),
            fs::read(&path).unwrap(),
        );
        let old = if path.is_symlink() { &new } else { old };
        for (folder, content) in [("old", old), ("new", &new)] {
            let folder = system.libpam().join(folder);
            fs::write(folder.join(file), stand_ins.lines(content, &folder)).unwrap();
        }
    }
    // A copy of a file of the distribution is new.
    let own = fs::read(system.path("etc/pam.d").join(service)).unwrap();
    let folder = system.libpam().join("new");
    fs::write(folder.join(service), stand_ins.lines(&own, &folder)).unwrap();
    for folder in ["old", "new"] {
        let include = format!(
            "auth include {}/{folder}/{service}\n",
            system.libpam().display()
        );
        fs::write(
            system.libpam().join(folder.to_owned() + "-" + service),
            include,
        )
        .unwrap();
    }
    compare(system, service, &stand_ins);
}

fn compare(system: &System, service: &str, stand_ins: &StandIns) {
    let mut numbers = Numbers::new(7);
    let mut scripts = Vec::new();
    for _ in 0..OUTCOMES {
        let ours = numbers.pick(&OUR_ANSWERS);
        // Long stacks let in only where nearly everything succeeds.
        let refusals = numbers.pick(&[1, 6]);
        let codes = |numbers: &mut Numbers| -> Vec<i32> {
            let others = &[7, 7, 9, 10, 12, 25];
            let code = |_| {
                if numbers.below(12) < refusals {
                    numbers.pick(others)
                } else {
                    0
                }
            };
            (0..OURS).map(code).chain([ours]).collect()
        };
        let authenticate = codes(&mut numbers);
        let setcred = (0..OURS)
            .map(|_| numbers.pick(&[0, 0, 0, 17]))
            .chain([0])
            .collect();
        for folder in ["old", "new"] {
            scripts.push(Script {
                service: format!("{folder}-{service}"),
                authenticate: authenticate.clone(),
                setcred: Vec::clone(&setcred),
            });
        }
    }
    let logins = system.log_in(&scripts);
    let mut let_in = 0;
    for (pair, scripts) in logins.chunks(2).zip(scripts.chunks(2)) {
        let answer = scripts[0].authenticate[OURS];
        let_in += usize::from(pair[0].authenticate.code == 0);
        // Root becomes another user by su without being asked, as before.
        let root = stand_ins.names.get("pam_rootok.so");
        let old = &pair[0].authenticate;
        if ["su", "chsh"].contains(&service) && old.code == 0 && old.called.last() == root {
            let (old, new) = (&pair[0], &pair[1]);
            assert_eq!(
                old.authenticate, new.authenticate,
                "{service}: root is not asked"
            );
            let is_kept = old.setcred.code != 0 || new.setcred.code == 0;
            let called = old.setcred.called == new.setcred.called;
            assert!(is_kept && called, "{service}: root is not asked: {pair:?}");
            continue;
        }
        let wrong = broken(&pair[0], &pair[1], OURS, answer, &OTHERWISE);
        assert!(
            wrong.is_none(),
            "{service}: {wrong:?}: {:?} {pair:?}",
            scripts[0]
        );
    }
    assert!(let_in > 0, "{service}: {let_in} of the logins got in");
}

/// The stand-in of each module, by its name and arguments.
#[derive(Default)]
struct StandIns {
    names: BTreeMap<String, usize>,
}

impl StandIns {
    /// Returns the auth lines of a file with stand-ins, and with includes from `folder`.
    fn lines(&mut self, content: &[u8], folder: &Path) -> String {
        let text = String::from_utf8_lossy(content);
        let comment = |line: &&str| !line.trim_start().starts_with('#');
        let lines: String = text
            .lines()
            .filter(comment)
            .map(|line| format!("{line}\n"))
            .collect();
        let joined = lines.replace("\\\n", " ");
        let lines = joined.lines();
        lines.filter_map(|line| self.line(line, folder)).collect()
    }

    fn line(&mut self, line: &str, folder: &Path) -> Option<String> {
        let line = line.split('#').next()?;
        let (kind, rest) = line.trim().split_once(char::is_whitespace)?;
        let folder = folder.display();
        if kind == "@include" {
            return Some(format!("auth include {folder}/{}\n", rest.trim()));
        }
        if !kind.trim_start_matches('-').eq_ignore_ascii_case("auth") {
            return None;
        }
        let rest = rest.trim_start();
        let end = match rest.strip_prefix('[') {
            Some(_) => rest.find(']')? + 1,
            None => rest.find(char::is_whitespace)?,
        };
        let (control, module_and_arguments) = rest.split_at(end);
        let words: Vec<_> = module_and_arguments.split_whitespace().collect();
        let name = words.join(" ");
        Some(match (control, words[0].rsplit('/').next()?) {
            ("include" | "substack", _) => format!("auth {control} {folder}/{name}\n"),
            (_, "pam_permit.so" | "pam_deny.so") => format!("auth {control} {name}\n"),
            (_, file) => {
                let next = self.names.len();
                let number = if file == "pam_authy.so" {
                    OURS
                } else {
                    *self.names.entry(name).or_insert(next)
                };
                format!("auth {control} {} {number}\n", module().display())
            }
        })
    }
}
