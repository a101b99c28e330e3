//! Logins by a security key, and those whose rules accept nothing else.

use super::*;

#[test]
fn a_proven_key_asks_nothing_and_says_what_was_refused_before() {
    let mut script = Script::texts(&[]).rules(|rules| rules.push = SendMode::Auto);
    script.is_proven = true;
    script.limits.refused = 2;
    let ran = script.run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::SecurityKey, 0));
    assert_eq!(ran.outcome.factor, Some(Factor::SecurityKey));
    assert!(ran.prompts.is_empty() && ran.sent.is_empty());
    assert_eq!(ran.counted, ["note refused", "code accepted"]);
    assert_eq!(ran.accepted_by_code, Some(false));
    let notice = ran.outcome.last_notice.unwrap();
    assert!(notice.contains('2'), "{notice}");
}

/// With `token_in_password` one reply is read, but not from who has proven a key.
#[test]
fn a_proven_key_is_enough_where_password_and_code_are_one_reply() {
    let mut script = Script::texts(&[]).rules(|rules| rules.token_in_password = true);
    script.is_proven = true;
    let ran = script.run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::SecurityKey, 0));
    assert!(ran.prompts.is_empty());
}

#[test]
fn without_its_only_factor_a_login_is_refused_alike_for_everyone() {
    let only_keys = || {
        let mut script =
            Script::texts(&[]).rules(|rules| rules.factors = vec![Factor::SecurityKey]);
        script.recovery = Some(vec![]);
        script
    };
    let [enrolled, unenrolled] = [only_keys().run(), only_keys().unenrolled().run()];
    assert_eq!(enrolled.result(), (Verdict::Refused, Reason::NoKey, 0));
    let refused = (Verdict::Refused, Reason::Unenrolled, 0);
    assert_eq!(unenrolled.result(), refused);
    assert_eq!(enrolled.outcome.last_notice, unenrolled.outcome.last_notice);
    assert!(enrolled.outcome.last_notice.is_some());
    assert!(enrolled.prompts.is_empty() && enrolled.took == unenrolled.took);
}
