//! `explain`: what a login would require of a user, and which line of which file says so.
//!
//! `route` says first whether a login comes to our module at all: what the settings of sshd and
//! sudo say, and what is in the stack. The answer then comes from `policy::RequirementQuery`, which
//! the module uses as well.

mod reason;
mod replies;
mod route;

use std::path::PathBuf;
use std::time::SystemTime;

use pam_authy::base::attempt::Attempt;
use pam_authy::base::factor::{Factor, Person};
use pam_authy::base::utc;
use pam_authy::factor::connect;
use pam_authy::host::account;
use pam_authy::login::policy::{Requirement, RequirementQuery};
use pam_authy::store::config::{Config, Fallback, Login, Provider, SendMode};
use pam_authy::store::former;
use pam_authy::store::totp::{Apps, AtPrompt, Unusable};
use pam_authy::store::users::Entry;
use serde_json::json;

use self::reason::{place, reason, source};
use self::route::{OurLine, Route, Unasked};
use super::{doctor, find_with_enrolled, limits};
use crate::cli::{ExplainArgs, Global};
use crate::error::CommandError;
use crate::output::{Output, shown_name};

pub(crate) fn explain(global: &Global, args: &ExplainArgs) -> Result<Output, CommandError> {
    let route = route::find(args)?;
    if let Some(unasked) = &route.unasked {
        return Ok(not_asked(args, &route, unasked));
    }
    let global = &with_files_of(route.ours.as_ref(), global);
    let config = Config::load(&global.config)?;
    let service = route.service.as_str();
    let mut rules = config.login(service);
    let nullok = route.ours.as_ref().filter(|line| line.has_nullok);
    if nullok.is_some() {
        rules.unenrolled = Fallback::Ignore;
    }
    let (found, apps) = find_with_enrolled(global, &config, &rules, &args.user)?;
    rules.push = push_of(&found.entry).unwrap_or(rules.push);
    let requirement = requirement(args, service, &config, &found.entry, &rules)?;
    let is_required = !matches!(
        requirement,
        Requirement::Exempt(_) | Requirement::NotEnrolledAllowed | Requirement::NotEnrolledYet(_)
    );
    let user = shown_name(&args.user);
    let (reason, file, line) = match nullok {
        Some(ours) if requirement == Requirement::NotEnrolledAllowed => {
            let reason = format!("{user} is not enrolled, and nullok allows that");
            (reason, ours.place.file.clone(), Some(ours.place.line))
        }
        _ => {
            let reason = match unusable_app(&requirement, &apps) {
                Some(why) => format!("every login of {user} is refused: {why}"),
                None => reason(&requirement, &found.entry, &user, &rules),
            };
            let (file, line) = source(global, &config, service, &requirement, &found);
            (reason, file, line)
        }
    };

    let mut lines = vec![
        title(args, service, is_required),
        format!("{reason} ({})", place(&file, line)),
    ];
    lines.extend(enrolled_line(apps.enrolled()));
    let notes = notes(global, &route);
    lines.extend(notes.iter().cloned());
    let is_shared = matches!(found.entry, Entry::Shared(_));
    if is_required && (is_shared || matches!(requirement, Requirement::Person { .. })) {
        lines.extend(login_lines(global, &config, &rules, service, &requirement));
        lines.extend(limits::describe(
            &config,
            &args.user,
            &found.entry.stored_ids(),
        ));
    }
    let members = json!({
        "user": args.user,
        "service": service,
        "required": is_required,
        "reason": reason,
        "file": file,
        "line": line,
        "notes": notes,
    });
    Ok(Output::new(lines, members))
}

fn title(args: &ExplainArgs, service: &str, is_required: bool) -> String {
    let from = args
        .rhost
        .map_or(String::new(), |rhost| format!(" from {rhost}"));
    let answer = if is_required {
        "required"
    } else {
        "not required"
    };
    let user = shown_name(&args.user);
    format!("second factor of {user} for {service}{from}: {answer}")
}

/// What else is known of the login, and what doctor finds wrong with its stack.
fn notes(global: &Global, route: &Route) -> Vec<String> {
    let problems = doctor::problems_of(global, &route.files, &route.service);
    let problems = problems
        .iter()
        .map(|why| format!("doctor finds a problem: {why}"));
    route.notes.iter().cloned().chain(problems).collect()
}

/// The files that our line of the stack names instead of the usual ones.
fn with_files_of(ours: Option<&OurLine>, global: &Global) -> Global {
    let named = |path: Option<&PathBuf>, usual: &PathBuf| path.unwrap_or(usual).clone();
    Global {
        config: named(ours.and_then(|line| line.config.as_ref()), &global.config),
        users: named(ours.and_then(|line| line.users.as_ref()), &global.users),
        ..global.clone()
    }
}

/// Who is asked, and for which replies.
fn login_lines(
    global: &Global,
    config: &Config,
    rules: &Login,
    service: &str,
    requirement: &Requirement,
) -> Vec<String> {
    let Requirement::Person { person, .. } = requirement else {
        return replies::describe(config, &global.config, rules, service, false);
    };
    if let Some(line) = no_key_line(rules, person) {
        return vec![line];
    }
    let has_totp = person.totp.is_some();
    let asked = asked_line(config, rules, person).into_iter();
    asked
        .chain(replies::describe(
            config,
            &global.config,
            rules,
            service,
            has_totp,
        ))
        .collect()
}

/// Which provider is asked about a person who is at both.
fn asked_line(config: &Config, rules: &Login, person: &Person) -> Option<String> {
    let asked = |preferred| {
        let mut rules = rules.clone();
        rules.provider = preferred;
        connect::provider(config, &rules, person)
    };
    if asked(Some(Provider::Authy)) == asked(Some(Provider::Twilio)) {
        return None;
    }
    let name = match asked(rules.provider)? {
        Provider::Authy => "Authy",
        Provider::Twilio => "Twilio",
    };
    Some(format!("{name} is asked (login.provider)"))
}

/// Where nothing but security keys is accepted, a person without one has no login.
fn no_key_line(rules: &Login, person: &Person) -> Option<String> {
    let only_keys = rules
        .factors
        .iter()
        .all(|factor| *factor == Factor::SecurityKey);
    (only_keys && person.security_keys.is_empty()).then(|| {
        "login.factors has nothing but security keys, and the entry has none: every login is refused"
            .to_owned()
    })
}

/// What an app that was enrolled at the prompt means for the login.
fn enrolled_line(app: &AtPrompt) -> Option<String> {
    match app {
        AtPrompt::None => None,
        AtPrompt::Counts(_) => Some("an app that was enrolled at the prompt counts".to_owned()),
        AtPrompt::Held(held) => Some(format!(
            "an app was enrolled at the prompt on {}, and counts from {}",
            utc::shown(held.since),
            utc::shown(held.until)
        )),
        AtPrompt::Unreadable(_) => app.note(),
    }
}

/// The login does not come to our module.
fn not_asked(args: &ExplainArgs, route: &Route, unasked: &Unasked) -> Output {
    let user = shown_name(&args.user);
    let mut lines = vec![
        format!(
            "second factor of {user} for {}: not required",
            route.service
        ),
        format!("{} ({})", unasked.reason, unasked.place()),
    ];
    lines.extend(route.notes.iter().cloned());
    let members = json!({
        "user": args.user,
        "service": route.service,
        "required": false,
        "reason": unasked.reason,
        "file": unasked.file,
        "line": unasked.line,
        "notes": route.notes,
    });
    Output::new(lines, members)
}

/// Returns why the secret of the person's app cannot be used, if it would be checked.
fn unusable_app(requirement: &Requirement, apps: &Apps) -> Option<Unusable> {
    match requirement {
        Requirement::Person {
            person, skipped, ..
        } if !skipped.iter().any(|skipped| skipped.key == "totp") => apps.of_person(person).err(),
        _ => None,
    }
}

/// Returns what a login requires, by the function that the module uses.
fn requirement(
    args: &ExplainArgs,
    service: &str,
    config: &Config,
    entry: &Entry,
    rules: &Login,
) -> Result<Requirement, CommandError> {
    let user = args.user.as_str();
    let attempt = Attempt {
        user: user.to_owned(),
        service: service.to_owned(),
        rhost: args.rhost.map(|rhost| rhost.to_string()),
        address: args.rhost.map(|rhost| rhost.to_canonical()),
        ..Attempt::default()
    };
    let query = RequirementQuery {
        attempt: &attempt,
        subject: user,
        exempt: &config.exempt,
        unenrolled: rules.unenrolled,
        enroll_by: rules.enroll_by(SystemTime::now()),
        providers: connect::providers(config, &config.login(service)),
    };
    query.requirement(
        |groups| account::group_of(user, groups).map_err(CommandError::local),
        || Ok(entry.clone()),
        || account::spelling(user).map_err(CommandError::local),
        || Ok(former::was_enrolled(&config.paths.state, user)?),
    )
}

/// Returns when these people get a push, if their entry says so.
fn push_of(entry: &Entry) -> Option<SendMode> {
    match entry {
        Entry::Enrolled(person) => person.push,
        Entry::Shared(shared) => shared.push,
        Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => None,
    }
}
