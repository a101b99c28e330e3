//! `totp check`: whether a code is right, and how far the clocks differ. Uses no code up, and
//! counts none.

use pam_authy::base::factor::Code;
use pam_authy::factor::totp::ahead_of_clock;
use serde_json::json;

use super::super::lasting;
use super::{App, app_of, is_accepted, now, offset, offset_in_words, steps};
use crate::cli::{Global, TotpCheckArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, argument_or_prompt, shown_name};

pub(super) fn check(global: &Global, args: &TotpCheckArgs) -> Result<Output, CommandError> {
    let user = args.user.as_str();
    let App { name, app, held } = app_of(global, user)?;
    let code: Code = argument_or_prompt("Code of the app: ", args.code.as_deref())?;
    let now = now()?;
    let refused = |why: String| CommandError::new(ErrorKind::Refused, why);
    if code.digits().len() != usize::from(app.digits()) {
        let digits = app.digits();
        return Err(refused(format!(
            "a code of {} has {digits} digits",
            shown_name(user)
        )));
    }
    let Some(offset) = offset(&app, &code, now) else {
        let why = "the code is wrong, also for a clock that is off by up to ten minutes".to_owned();
        return Err(refused(why).hint("is it the entry of this host in the app?"));
    };
    let words = offset_in_words(offset);
    let members = json!({"user": user, "offset_seconds": offset});
    if !is_accepted(&app, offset) {
        let error = refused(format!("no login accepts the code: {words}"));
        let hint = "set both clocks by the network; a login allows one step";
        return Err(error.with_members(members).hint(hint));
    }
    // Where the state cannot be read, the code is still right.
    let last = steps(global).ok().and_then(|steps| {
        let last = steps.last(app.id()).ok().flatten()?;
        ahead_of_clock(&name, last, now)
    });
    Ok(Output {
        warning: lasting::both(last, held),
        ..Output::new(vec![format!("the code is right: {words}")], members)
    })
}
