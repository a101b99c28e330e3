//! Logins by codes in real sshd: remembered ones, and accounts that several people share.

use super::super::sshd::{PASSWORD, PASSWORD_FIRST, Sshd, USER, is_inside};
use super::{ONE_ATTEMPT, assert_audit};
use crate::authyctl::run_json;
use crate::common::provider::{Person, with_each_provider};
use crate::common::sandbox::sandboxed;

#[test]
#[ignore = "needs root"]
fn a_second_ssh_login_is_remembered_until_it_is_forgotten() {
    sandboxed!();
    let remember = "[remember]\nseconds = 300\nservices = [\"sshd-under-test\"]\n";
    with_each_provider(|provider| {
        let host = provider.host(&format!("{ONE_ATTEMPT}{remember}"));
        let sshd = Sshd::start(host, PASSWORD_FIRST, "keyboard-interactive");
        let pat = Person::enrolled(provider, &sshd.host, USER);
        assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[&pat.code()])));

        assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[])), "not asked again");
        let remembered = "verdict=accepted reason=remembered";
        assert_audit(&sshd.host, &[&pat.accepted(1), remembered]);
        let password = sshd.ssh(USER, "wrong horse", &[]);
        assert!(!is_inside(&password), "the password is still asked for");

        let (status, answer) = run_json(&sshd.host.sim, &["forget", USER], "");
        assert_eq!(status, 0, "{answer}");
        let wrong = sshd.ssh(USER, PASSWORD, &[provider.wrong_code()]);
        assert!(!is_inside(&wrong), "asked again");
        assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[&pat.code()])));
    });
}

#[test]
#[ignore = "needs root"]
fn the_key_tells_which_person_of_a_shared_account_is_asked() {
    sandboxed!();
    with_each_provider(|provider| {
        let host = provider.host(ONE_ATTEMPT);
        let sshd = Sshd::start(host, "", "publickey,keyboard-interactive");
        sshd.make_keys(&["other"]);
        sshd.authorize(&["user", "other"]);
        let [kim, pat] = [("kim", 1), ("pat", 2)]
            .map(|(name, number)| Person::new(provider, &sshd.host, name, number));
        let keys = format!(
            "{{ keys = {{ \"{}\" = {}, \"{}\" = {} }} }}",
            sshd.fingerprint("user"),
            kim.entry_in_shared(),
            sshd.fingerprint("other"),
            pat.entry_in_shared()
        );
        sshd.host.set_line(&sshd.host.users, USER, &keys);
        let logs_in = |code: &str| is_inside(&sshd.ssh(USER, "", &[code]));

        let of_pat = pat.code();
        assert!(logs_in(&kim.code()) && !logs_in(&of_pat));
        sshd.use_key("other");
        assert!(logs_in(&of_pat) && !logs_in(&kim.code()));

        let [of_kim, of_pat] = [kim, pat].map(|one| [one.accepted(1), one.refused(1)]);
        let lines = [&of_kim[0], &of_kim[1], &of_pat[0], &of_pat[1]].map(String::as_str);
        assert_audit(&sshd.host, &lines);
    });
}
