//! What is wrong with a stack that holds our module: who would be locked out, and who would get in.
//!
//! The stack is evaluated for every answer that its modules may give. A first factor accepts a right
//! password and refuses a wrong one; modules whose answer can't be known may answer either way.

use super::evaluate::{AUTH_ERR, Code, Control, Entry, IGNORE, SUCCESS, evaluate};
use super::stack::{Module, modules};
use super::{Check, Level};

/// Modules that check a password or what stands for one.
const FIRST_FACTORS: [&str; 9] = [
    "pam_unix.so",
    "pam_sss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
    "pam_systemd_home.so",
    "pam_kanidm.so",
    "pam_himmelblau.so",
    "pam_lsass.so",
];
/// Modules that say nothing of who it is.
const HELPERS: [&str; 16] = [
    "pam_env.so",
    "pam_faildelay.so",
    "pam_nologin.so",
    "pam_cap.so",
    "pam_motd.so",
    "pam_mail.so",
    "pam_limits.so",
    "pam_group.so",
    "pam_umask.so",
    "pam_gnome_keyring.so",
    "pam_kwallet5.so",
    "pam_securetty.so",
    "pam_selinux.so",
    "pam_keyinit.so",
    "pam_warn.so",
    "pam_loginuid.so",
];
/// The most modules of unknown answer that are tried both ways.
const UNKNOWN_LIMIT: usize = 6;
/// How our module refuses.
const REFUSALS: [Code; 6] = [
    AUTH_ERR,
    "maxtries",
    "authinfo_unavail",
    "service_err",
    "conv_err",
    "abort",
];

/// How a first factor refuses: a wrong password, a name that it does not know, a directory that is away.
const WRONG_PASSWORD: [Code; 3] = [AUTH_ERR, "user_unknown", "authinfo_unavail"];

/// What is known of a login while a stack is evaluated.
#[derive(Clone, Copy)]
struct World {
    ours: Code,
    /// Which of the first factors knows the password; none when it is wrong.
    accepting: Option<usize>,
    /// How the others refuse.
    refusal: Code,
    /// A bit for each module of unknown answer.
    unknown: usize,
}

/// How one evaluation went.
struct Run<'a> {
    code: Code,
    /// Our module was asked.
    asked: bool,
    /// The line that was asked last.
    last: Option<(&'a Control, &'a Module)>,
}

/// All ways in which one stack can go.
pub(super) struct Stack<'a> {
    service: &'a str,
    entries: &'a [Entry<Module>],
    /// Our module may answer `ignore` here.
    ignorable: bool,
    /// The token stands behind the password, so that our line comes first.
    token_in_password: bool,
}

impl<'a> Stack<'a> {
    /// `ignorable` says that the configuration or the line lets somebody pass without a factor.
    pub(super) fn new(service: &'a str, entries: &'a [Entry<Module>], ignorable: bool) -> Self {
        Self {
            service,
            entries,
            ignorable,
            token_in_password: false,
        }
    }

    /// The same where the token stands behind the password: then our module is asked before anybody has
    /// looked at the password, and that is meant.
    pub(super) fn with_token_in_password(mut self, on: bool) -> Self {
        self.token_in_password = on;
        self
    }

    /// Whether a password, or what stands for one, is asked for.
    pub(super) fn has_first_factor(&self) -> bool {
        self.first_factors() > 0
    }

    fn first_factors(&self) -> usize {
        self.count(is_first_factor)
    }

    fn count(&self, which: impl Fn(&Module) -> bool) -> usize {
        modules(self.entries)
            .iter()
            .filter(|(_, module)| which(module))
            .count()
    }

    fn run(&self, world: World) -> Run<'_> {
        let (mut factor, mut unknown) = (0, 0);
        let (mut asked, mut last) = (false, None);
        let code = evaluate(self.entries, &mut |module: &Module| {
            last = Some(module.place.clone());
            if module.is_ours() {
                asked = true;
                return world.ours;
            }
            if is_first_factor(module) {
                factor += 1;
                let accepts = world.accepting == Some(factor - 1);
                return if accepts { SUCCESS } else { world.refusal };
            }
            fixed(module).unwrap_or_else(|| {
                unknown += 1;
                answer(world.unknown >> (unknown - 1) & 1 == 1)
            })
        });
        let all = modules(self.entries);
        Run {
            code,
            asked,
            last: all
                .into_iter()
                .find(|(_, module)| Some(&module.place) == last.as_ref()),
        }
    }

    fn worlds(&self, ours: Code, right: bool) -> Vec<World> {
        let unknown = self.count(|module| {
            !module.is_ours() && !is_first_factor(module) && fixed(module).is_none()
        });
        let ways = 1 << unknown.min(UNKNOWN_LIMIT);
        let accepting: Vec<_> = match (right, self.first_factors()) {
            (true, count) if count > 0 => (0..count).map(Some).collect(),
            _ => vec![None],
        };
        let world = |accepting, refusal, unknown| World {
            ours,
            accepting,
            refusal,
            unknown,
        };
        let mut worlds = Vec::new();
        for accepting in accepting {
            for refusal in WRONG_PASSWORD {
                worlds.extend((0..ways).map(|unknown| world(accepting, refusal, unknown)));
            }
        }
        worlds
    }

    fn can_pass(&self, ours: Code, right: bool) -> bool {
        self.worlds(ours, right)
            .into_iter()
            .any(|world| self.run(world).code == SUCCESS)
    }

    /// Everything that is wrong; one `ok` when nothing is.
    pub(super) fn checks(&self) -> Vec<Check> {
        let (name, pam) = (self.service, format!("pam {}", self.service));
        let faults = self.faults();
        if faults.is_empty() {
            let message = format!("{name}: password and token are both needed");
            return vec![Check::new(&pam, Level::Ok, message)];
        }
        let check =
            |(level, what, hint)| Check::new(&pam, level, format!("{name}: {what}")).hint(hint);
        faults.into_iter().map(check).collect()
    }

    /// What is wrong, and what to do about it.
    fn faults(&self) -> Vec<(Level, String, &'static str)> {
        let mut found = Vec::new();
        let mut say = |level, what: &str, hint| found.push((level, what.to_owned(), hint));
        if let Some(reason) = self.goes_round() {
            say(
                Level::Problem,
                &format!("somebody gets in whom Authy refused: {reason}"),
                "our line is `auth required pam_authy.so`, and no `sufficient` or jump leads past it",
            );
        }
        if !self.can_pass(SUCCESS, true) {
            say(
                Level::Problem,
                "nobody gets in, with a right password and a right token either",
                "end the stack with `auth required pam_permit.so`, and see where its jumps lead",
            );
        }
        if self.has_first_factor() && self.can_pass(SUCCESS, false) {
            say(
                Level::Problem,
                "a token alone lets in, with a wrong password",
                "make the line of the password `requisite`",
            );
        }
        if self.ignorable && self.can_pass(IGNORE, true) != self.can_pass(SUCCESS, true) {
            say(
                Level::Problem,
                "whoever is let pass without a factor is locked out: all modules answer ignore",
                "end the stack with `auth required pam_permit.so`",
            );
        }
        if self.ignorable && self.has_first_factor() && self.can_pass(IGNORE, false) {
            say(
                Level::Problem,
                "whoever is let pass without a factor gets in with a wrong password",
                "make the line of the password `requisite`, and put pam_permit.so behind it only",
            );
        }
        if self.has_first_factor() && self.strangers_reach_us() && !self.token_in_password {
            say(
                Level::Warning,
                "a wrong password still comes to the second factor, so strangers can cause SMS",
                "make the line of the password `requisite`",
            );
        }
        found
    }

    /// Whether somebody with a wrong password is asked for a token.
    fn strangers_reach_us(&self) -> bool {
        self.worlds(AUTH_ERR, false)
            .into_iter()
            .any(|world| self.run(world).asked)
    }

    /// Why somebody passes although our module refused them or was not asked.
    fn goes_round(&self) -> Option<String> {
        let passes = REFUSALS.into_iter().find_map(|refusal| {
            self.worlds(refusal, true)
                .into_iter()
                .find(|world| self.run(*world).code == SUCCESS)
        })?;
        let run = self.run(passes);
        let all = modules(self.entries);
        let (control, module) = match run.last {
            Some(last) if !run.asked => last,
            _ => *all.iter().find(|(_, module)| module.is_ours())?,
        };
        Some(if run.asked {
            format!("{}: the control flag is `{}`", module.place, control.text)
        } else {
            format!(
                "{}: `{} {}` ends the stack before our line",
                module.place, control.text, module.name
            )
        })
    }
}

/// Whether a module checks a password or what stands for one.
pub(super) fn is_first_factor(module: &Module) -> bool {
    FIRST_FACTORS.contains(&module.name.as_str())
}

fn answer(accepts: bool) -> Code {
    if accepts { SUCCESS } else { AUTH_ERR }
}

/// The answer of a module of which it is known.
fn fixed(module: &Module) -> Option<Code> {
    let name = module.name.as_str();
    match name {
        _ if HELPERS.contains(&name) => Some(IGNORE),
        "pam_permit.so" | "pam_localuser.so" | "pam_usertype.so" | "pam_shells.so" => Some(SUCCESS),
        "pam_deny.so" | "pam_rootok.so" | "pam_fprintd.so" => Some(AUTH_ERR),
        "pam_faillock.so" if module.has("authfail") => Some(AUTH_ERR),
        "pam_faillock.so" => Some(SUCCESS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::stack::read;
    use super::*;
    use std::path::{Path, PathBuf};

    fn fixtures(system: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/pam.d")
            .join(system)
    }

    fn worst(folder: &Path, service: &str, ignorable: bool) -> Vec<(Level, String)> {
        let entries = read(folder, service).unwrap();
        Stack::new(service, &entries, ignorable)
            .checks()
            .into_iter()
            .map(|check| (check.level, check.message))
            .collect()
    }

    /// What is said of a stack of these lines.
    fn said(lines: &[&str], ignorable: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), lines.join("\n")).unwrap();
        let all = worst(folder.path(), "x", ignorable);
        all.into_iter().map(|(_, message)| message + "\n").collect()
    }

    const UNIX: &str = "auth requisite pam_unix.so";
    const OURS: &str = "auth required pam_authy.so";
    const PERMIT: &str = "auth required pam_permit.so";

    #[test]
    fn the_stacks_of_the_readme_are_right() {
        for ignorable in [false, true] {
            assert!(said(&[UNIX, OURS, PERMIT], ignorable).contains("both needed"));
            assert!(said(&[OURS, PERMIT], ignorable).contains("both needed"));
        }
    }

    #[test]
    fn a_sufficient_password_before_us_is_a_way_round() {
        let said = said(&["auth sufficient pam_unix.so", OURS], false);
        assert!(
            said.contains("whom Authy refused") && said.contains("sufficient pam_unix.so"),
            "{said}"
        );
    }

    #[test]
    fn a_wrong_control_flag_is_a_way_round() {
        for control in ["optional", "sufficient", "[success=ok default=ignore]"] {
            let said = said(
                &[UNIX, &format!("auth {control} pam_authy.so"), PERMIT],
                false,
            );
            assert!(said.contains("the control flag is"), "{control}: {said}");
        }
    }

    #[test]
    fn a_missing_permit_locks_out_whoever_passes_without_a_factor() {
        assert!(said(&[OURS], true).contains("all modules answer ignore"));
        assert!(said(&[OURS], false).contains("both needed"));
    }

    #[test]
    fn a_required_password_lets_strangers_cause_sms() {
        let said = said(&["auth required pam_unix.so", OURS, PERMIT], false);
        assert!(said.contains("strangers can cause SMS"), "{said}");
    }

    #[test]
    fn an_optional_password_makes_the_token_enough() {
        let said = said(&["auth optional pam_unix.so", OURS], false);
        assert!(said.contains("a token alone lets in"), "{said}");
    }

    #[test]
    fn a_password_that_an_unknown_name_skips_makes_the_token_enough() {
        for control in [
            "[success=ok user_unknown=ignore default=die]",
            "[success=ok authinfo_unavail=ignore default=die]",
        ] {
            let said = said(&[&format!("auth {control} pam_sss.so"), OURS], false);
            assert!(said.contains("a token alone lets in"), "{control}: {said}");
        }
    }

    #[test]
    fn a_permit_in_the_wrong_place_is_found() {
        let before = said(&["auth sufficient pam_permit.so", OURS], false);
        assert!(before.contains("whom Authy refused"), "{before}");
        let jumped = "auth [success=1 default=ignore] pam_permit.so";
        let over = said(&[UNIX, jumped, OURS, PERMIT], false);
        assert!(over.contains("whom Authy refused"), "{over}");
        let last = said(&[UNIX, OURS, "auth sufficient pam_permit.so"], false);
        assert!(last.contains("both needed"), "{last}");
        let optional = "auth optional pam_authy.so";
        let weak = said(&[UNIX, PERMIT, optional], false);
        assert!(weak.contains("the control flag is `optional`"), "{weak}");
    }

    #[test]
    fn a_deny_that_is_always_met_locks_everybody_out() {
        assert!(
            said(&[UNIX, OURS, "auth requisite pam_deny.so"], false).contains("nobody gets in")
        );
    }

    #[test]
    fn the_stacks_of_distributions_are_understood() {
        for (system, expected) in [
            ("debian", "both needed"),
            ("arch", "both needed"),
            // `sufficient` lines of an included file end the stack before us.
            ("fedora", "whom Authy refused"),
            ("fedora-fixed", "both needed"),
        ] {
            let all = worst(&fixtures(system), "sshd", false);
            assert!(
                all.iter().any(|(_, message)| message.contains(expected)),
                "{system}: {all:?}"
            );
        }
    }
}
