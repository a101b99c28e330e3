//! The client's calls against authy-sim, where the answer depends on Twilio's state: windows, caps,
//! keys.

use pam_authy::base::factor::Channel;
use pam_authy::base::factor::twilio::{TwilioFactor, TwilioIdentity, VerificationSid};
use pam_authy::client::http::Https;
use pam_authy::client::twilio::challenges::Decision;
use pam_authy::client::twilio::verifications::StartOptions;
use pam_authy::client::twilio::{Client, Error};
use serde_json::json;

use super::{change, client_with, deadline, sent};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::common::totp::{SECRET, oathtool};

const NUMBER: &str = "+15551234567";
pub(super) const IDENTITY: &str = "ff483d1f-f591-4898";

/// Returns status and code of a refused call.
pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> (u16, u32) {
    let error = answer.unwrap_err();
    let refusal = error.refusal().unwrap_or_else(|| panic!("{error:?}"));
    (refusal.status, refusal.code.unwrap())
}

/// Sends a code by SMS.
pub(super) fn start(client: &Client<Https>) -> Result<VerificationSid, Error> {
    let to = NUMBER.parse().unwrap();
    let options = StartOptions::default().locale("de");
    let started = client
        .verifications()
        .start(&to, Channel::Sms, &options, deadline());
    started.map(|started| started.sid)
}

pub(super) fn check(
    client: &Client<Https>,
    sid: &VerificationSid,
    code: &str,
) -> Result<(), Error> {
    let to = NUMBER.parse().unwrap();
    let code = code.parse().unwrap();
    client.verifications().check(sid, &to, &code, deadline())
}

/// Returns the code that was sent last.
pub(super) fn last_code(sim: &Sim) -> String {
    let last = sent(sim).pop().unwrap();
    last["code"].as_str().unwrap().to_owned()
}

/// Returns another code.
pub(super) fn other(code: &str) -> String {
    let number: u64 = code.parse().unwrap();
    format!("{:0width$}", (number + 1) % 1_000_000, width = code.len())
}

/// Adds an app, and returns it with the person's identity.
pub(super) fn app(sim: &Sim) -> (TwilioIdentity, TwilioFactor) {
    let body = json!({"identity": IDENTITY, "secret": SECRET});
    let made = sim.post("/phone/twilio/factors", &body);
    let sid = made["sid"].as_str().unwrap().parse().unwrap();
    (IDENTITY.parse().unwrap(), sid)
}

#[test]
fn a_second_start_sends_the_same_code_until_it_is_used_cancelled_or_ten_minutes_old() {
    let sim = Sim::start();
    let client = client_with(&sim, "main");
    let first = start(&client).unwrap();
    assert_eq!(sent(&sim)[0]["locale"], "de");
    assert_eq!(start(&client).unwrap(), first);
    let code = last_code(&sim);
    let wrong = check(&client, &first, &other(&code));
    assert!(matches!(wrong, Err(Error::Refused(_))), "{wrong:?}");
    check(&client, &first, &code).unwrap();
    assert_eq!(refused(check(&client, &first, &code)), (404, 20404));

    let second = start(&client).unwrap();
    assert_ne!(second, first);
    client.verifications().cancel(&second, deadline()).unwrap();
    assert_eq!(
        refused(check(&client, &second, &last_code(&sim))),
        (404, 20404)
    );

    let third = start(&client).unwrap();
    let code = last_code(&sim);
    change(&sim, &json!({"ahead_seconds": 601}));
    assert_eq!(refused(check(&client, &third, &code)), (404, 20404));
    let gone = client.verifications().fetch(&third, deadline());
    assert_eq!(refused(gone), (404, 20404));
    assert_ne!(start(&client).unwrap(), third);
}

#[test]
fn the_sixth_code_and_the_sixth_check_are_refused() {
    check_rows(
        [(false, (429, 60202)), (true, (404, 20404))],
        |(as_404, expected)| {
            let sim = Sim::start();
            let client = client_with(&sim, "host");
            change(
                &sim,
                &json!({"sixth_check_is_404": as_404, "check_status": 201}),
            );
            let sid = start(&client).unwrap();
            (0..4).for_each(|_| assert_eq!(start(&client).unwrap(), sid));
            assert_eq!(refused(start(&client)), (429, 60203));
            let code = last_code(&sim);
            for _ in 0..5 {
                let wrong = check(&client, &sid, &other(&code));
                assert!(matches!(wrong, Err(Error::Refused(_))), "{wrong:?}");
            }
            assert_eq!(refused(check(&client, &sid, &code)), expected);
        },
    );
}

#[test]
fn a_status_is_told_sixty_times_a_minute_and_180_times_an_hour() {
    let sim = Sim::start();
    let client = client_with(&sim, "main");
    change(&sim, &json!({"verification_seconds": 7200}));
    let sid = start(&client).unwrap();
    let fetch = || client.verifications().fetch(&sid, deadline()).map(|_| ());
    for minute in 0..3 {
        change(
            &sim,
            &json!({"verification_seconds": 7200, "ahead_seconds": minute * 61}),
        );
        (0..60).for_each(|_| fetch().unwrap());
        assert_eq!(refused(fetch()), (429, 20429));
    }
    change(
        &sim,
        &json!({"verification_seconds": 7200, "ahead_seconds": 183}),
    );
    assert_eq!(refused(fetch()), (429, 20429), "180 in an hour");
    change(
        &sim,
        &json!({"verification_seconds": 7200, "ahead_seconds": 3800}),
    );
    fetch().unwrap();
}

#[test]
fn a_wrong_code_of_an_app_is_pending_or_as_in_old_answers_refused() {
    let sim = Sim::start();
    let client = client_with(&sim, "main");
    let (identity, factor) = app(&sim);
    let create = |code: &str| {
        let code = code.parse().unwrap();
        client
            .challenges()
            .create(&identity, &factor, &code, deadline())
    };
    let right = oathtool(SECRET, 0);
    let pending = create(&other(&right)).unwrap();
    assert_eq!(pending.decision, Decision::Pending);
    let update = |code: &str| {
        let code = code.parse().unwrap();
        let calls = client.challenges();
        calls.update(&pending.sid, &identity, &factor, &code, deadline())
    };
    assert_eq!(update(&other(&right)).unwrap().decision, Decision::Pending);
    assert_eq!(
        update(&oathtool(SECRET, 0)).unwrap().decision,
        Decision::Approved
    );
    assert_eq!(refused(update(&oathtool(SECRET, 0))), (403, 60322));
    change(&sim, &json!({"wrong_code_is_403": true}));
    assert_eq!(refused(create(&other(&right))), (403, 60324));
    let listed = client.challenges().list(&identity, &factor, deadline());
    assert_eq!(listed.unwrap().len(), 2);
}

#[test]
fn a_challenge_takes_five_codes_for_five_minutes_and_an_app_has_fifty_an_hour() {
    let sim = Sim::start();
    let client = client_with(&sim, "main");
    let (identity, factor) = app(&sim);
    let wrong = "123".parse().unwrap();
    let create = || {
        client
            .challenges()
            .create(&identity, &factor, &wrong, deadline())
    };
    let first = create().unwrap();
    let update = || {
        let calls = client.challenges();
        calls.update(&first.sid, &identity, &factor, &wrong, deadline())
    };
    (0..4).for_each(|_| assert_eq!(update().unwrap().decision, Decision::Pending));
    assert_eq!(refused(update()), (429, 60308));
    change(&sim, &json!({"ahead_seconds": 301}));
    assert_eq!(refused(update()), (403, 60323));
    for _ in 1..50 {
        let _ = create().unwrap();
    }
    assert_eq!(refused(create()), (429, 60312));
    change(&sim, &json!({"ahead_seconds": 3902}));
    for _ in 0..50 {
        let _ = create().unwrap();
    }
    change(&sim, &json!({"ahead_seconds": 7800}));
    assert_eq!(refused(create()), (429, 60312), "100 in a day");
}

#[test]
fn an_app_is_created_proven_listed_and_deleted() {
    let sim = Sim::start();
    let client = client_with(&sim, "main");
    let identity: TwilioIdentity = IDENTITY.parse().unwrap();
    let calls = client.factors();
    let new = calls
        .create_app(&identity, "alice@web1", None, deadline())
        .unwrap();
    let code = oathtool(new.secret.expose(), 0);
    let wrong = other(&code).parse().unwrap();
    let verified = calls.verify(&identity, &new.sid, &wrong, deadline());
    assert!(matches!(verified, Err(Error::Refused(_))), "{verified:?}");
    for _ in 1..5 {
        let verified = calls.verify(&identity, &new.sid, &wrong, deadline());
        assert!(matches!(verified, Err(Error::Refused(_))), "{verified:?}");
    }
    let sixth = calls.verify(&identity, &new.sid, &wrong, deadline());
    assert_eq!(refused(sixth), (429, 60310));
    let new = calls
        .create_app(&identity, "alice@web2", None, deadline())
        .unwrap();
    let right = oathtool(new.secret.expose(), 0).parse().unwrap();
    let early = client
        .challenges()
        .create(&identity, &new.sid, &right, deadline());
    assert_eq!(refused(early), (403, 60318));
    calls
        .verify(&identity, &new.sid, &right, deadline())
        .unwrap();
    let listed = calls.list(&identity, deadline()).unwrap();
    let verified: Vec<_> = listed.iter().map(|factor| factor.is_verified).collect();
    assert_eq!(verified, [false, true]);
    calls.delete(&identity, &new.sid, deadline()).unwrap();
    assert_eq!(calls.list(&identity, deadline()).unwrap().len(), 1);
    // An app that is not proven within an hour is gone.
    change(&sim, &json!({"ahead_seconds": 3601}));
    assert!(calls.list(&identity, deadline()).unwrap().is_empty());
    client.entities().delete(&identity, deadline()).unwrap();
    let gone = client.entities().fetch(&identity, deadline());
    assert_eq!(refused(gone), (404, 20404));
}

#[test]
fn a_hosts_key_can_log_in_and_nothing_else() {
    check_rows([401, 403], |status| {
        let sim = Sim::start();
        let client = client_with(&sim, "host");
        change(&sim, &json!({"permission_status": status}));
        let sid = start(&client).unwrap();
        check(&client, &sid, &last_code(&sim)).unwrap();
        let (identity, factor) = app(&sim);
        let wrong = "123456".parse().unwrap();
        let calls = client.challenges();
        let pending = calls
            .create(&identity, &factor, &wrong, deadline())
            .unwrap();
        let lacks = [
            refused(calls.update(&pending.sid, &identity, &factor, &wrong, deadline())),
            refused(client.services().fetch(deadline())),
            refused(client.verifications().cancel(&sid, deadline())),
            refused(
                client
                    .factors()
                    .create_app(&identity, "x", None, deadline()),
            ),
            refused(client.entities().list(deadline())),
            refused(client.attempts().summary(None, deadline())),
            refused(client.lookup().number(NUMBER, None, false, deadline())),
        ];
        assert_eq!(lacks, [(status, 70051); 7]);
        let found = client
            .challenges()
            .fetch(&pending.sid, &identity, &factor, deadline());
        assert_eq!(found.unwrap().decision, Decision::Pending);
    });
}

#[test]
fn a_list_of_many_pages_is_read_whole() {
    let sim = Sim::start();
    let client = client_with(&sim, "main");
    for number in 0..45 {
        let identity = format!("person-{number:03}").parse().unwrap();
        client.entities().create(&identity, deadline()).unwrap();
    }
    assert_eq!(client.entities().list(deadline()).unwrap().len(), 45);
    assert_eq!(sim.count("/Entities"), 45 + 3);
}

#[test]
fn attempts_and_numbers_are_looked_up() {
    let sim = Sim::start();
    let client = client_with(&sim, "main");
    let sid = start(&client).unwrap();
    let to = NUMBER.parse().unwrap();
    let listed = client.attempts().list(None, Some(&to), deadline()).unwrap();
    assert_eq!(listed[0].verification, Some(sid));
    assert_eq!(
        client.attempts().summary(None, deadline()).unwrap().total,
        1
    );
    let lookup = client.lookup();
    let landline = lookup.number("(555) 123-4000", Some("US"), true, deadline());
    let landline = landline.unwrap();
    assert!(landline.is_landline() && landline.phone == "+15551234000".parse().ok());
    let short = lookup.number("+1415", None, false, deadline()).unwrap();
    assert_eq!(
        (short.phone, short.errors),
        (None, vec!["TOO_SHORT".to_owned()])
    );
}
