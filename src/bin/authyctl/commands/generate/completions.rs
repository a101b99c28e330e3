//! The completion scripts, and in them the names of users and of PAM services.
//!
//! clap_complete knows commands, options and files. The hints of the arguments tell zsh what a user
//! is; what is missing for the other shells is added here from the same declarations.

use clap::builder::ValueHint;
use clap::{Arg, Command};
use clap_complete::Shell;

use super::subcommands;

/// What names an argument has, beyond what clap can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Users,
    Services,
}

/// The arguments that are users, by their name in the declarations.
const USERS: [&str; 3] = ["user", "accept", "forget"];
/// Those that are PAM services.
const SERVICES: [&str; 1] = ["service"];
/// A hint that no argument has: it marks services for zsh.
const MARK: ValueHint = ValueHint::Hostname;

/// Returns the script of `shell` for the declarations `command`.
pub(super) fn script(shell: Shell, command: Command) -> String {
    let mut command = with_hints(command);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "authyctl", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Bash => bash(&script, &command),
        Shell::Zsh => script.replace("_hosts", "_files -W \"(/etc/pam.d /usr/lib/pam.d)\""),
        Shell::Fish => script + &fish(&command),
        _ => script,
    }
}

/// Returns what names `argument` of the command takes. `--service` of `init` is one of Twilio.
fn names(command: &str, argument: &Arg) -> Option<Names> {
    let id = argument.get_id().as_str();
    if USERS.contains(&id) {
        Some(Names::Users)
    } else if SERVICES.contains(&id) && command != "init" {
        Some(Names::Services)
    } else {
        None
    }
}

fn with_hints(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|argument| match names(&name, &argument) {
        Some(Names::Users) => argument.value_hint(ValueHint::Username),
        Some(Names::Services) => argument.value_hint(MARK),
        None => argument,
    });
    command.mut_subcommands(with_hints)
}

/// The arguments with names of all commands: the command, the option or nothing for the first
/// argument without one, and the names.
fn arguments(command: &Command) -> Vec<(String, Option<String>, Names)> {
    let mut found = Vec::new();
    for (full, inner) in subcommands("authyctl", command) {
        let name = full.trim_start_matches("authyctl ").to_owned();
        for argument in inner.get_arguments() {
            if let Some(names) = names(inner.get_name(), argument) {
                let option = argument.get_long().map(|long| format!("--{long}"));
                found.push((name.clone(), option, names));
            }
        }
    }
    found
}

/// The rows of [`arguments`] with these names, joined as patterns of `case`.
fn patterns(command: &Command, wanted: Names) -> (String, String) {
    let mut positional = Vec::new();
    let mut options = Vec::new();
    for (name, option, names) in arguments(command) {
        match option {
            _ if names != wanted => {}
            Some(option) => options.push(format!("*\"{name} \"*\"{option}\"")),
            None => positional.push(format!("\"{name}\"")),
        }
    }
    (positional.join("|"), options.join("|"))
}

/// Wraps the function of clap: names of users and services are offered where the words before them
/// say that one comes.
fn bash(script: &str, command: &Command) -> String {
    let (users, user_options) = patterns(command, Names::Users);
    let (services, service_options) = patterns(command, Names::Services);
    let wrapper = format!(
        r#"
# The words before the one to complete say whether that is a user or a service.
_authyctl_names() {{
    _authyctl "$@"
    local cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[*]:1:COMP_CWORD-1}} word plain="" names=""
    [[ $cur == -* ]] && return
    for word in $before; do
        [[ $word == -* ]] || plain+=" $word"
    done
    case "$before" in
        {user_options}) names=users ;;
        {service_options}) names=services ;;
        *)
            case "${{plain# }}" in
                {users}) names=users ;;
                {services}) names=services ;;
            esac
            ;;
    esac
    case "$names" in
        users) COMPREPLY=( $(compgen -u -- "$cur") ) ;;
        services)
            COMPREPLY=( $(compgen -G "/etc/pam.d/$cur*"; compgen -G "/usr/lib/pam.d/$cur*") )
            COMPREPLY=( "${{COMPREPLY[@]##*/}}" )
            ;;
    esac
}}

"#
    );
    match script.find("\nif [[ \"${BASH_VERSINFO[0]}\"") {
        Some(end) => {
            let (functions, registration) = script.split_at(end);
            let registration = registration.replace("-F _authyctl ", "-F _authyctl_names ");
            format!(
                "{functions}{wrapper}{}",
                registration.trim_start_matches('\n')
            )
        }
        None => script.to_owned(),
    }
}

/// The lines for arguments without an option; fish is told nothing about them.
fn fish(command: &Command) -> String {
    let mut lines = String::new();
    for (name, option, names) in arguments(command) {
        let names = match names {
            Names::Users => "__fish_complete_users",
            Names::Services => "path basename /etc/pam.d/* /usr/lib/pam.d/*",
        };
        let seen: Vec<_> = name
            .split(' ')
            .map(|word| format!("__fish_seen_subcommand_from {word}"))
            .collect();
        let seen = seen.join("; and ");
        let what = match option {
            Some(option) => format!("-l {} -x", option.trim_start_matches("--")),
            None => "-f".to_owned(),
        };
        lines += &format!("complete -c authyctl -n \"{seen}\" {what} -a \"({names})\"\n");
    }
    lines
}
