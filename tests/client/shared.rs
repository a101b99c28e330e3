//! Clients that several threads use at the same time.

use std::thread;

use pam_authy::base::deadline::Deadline;
use pam_authy::client::http::{Https, Roots};
use pam_authy::client::{authy, twilio};
use serde_json::json;

use super::{alice, client, soon};
use crate::common::sim::Sim;

const fn is_shared_between_threads<T: Send + Sync + 'static>() {}

const _: () = {
    is_shared_between_threads::<authy::Client<Https>>();
    is_shared_between_threads::<authy::Error>();
    is_shared_between_threads::<twilio::Client<Https>>();
    is_shared_between_threads::<twilio::Error>();
    is_shared_between_threads::<Https>();
    is_shared_between_threads::<Roots>();
    is_shared_between_threads::<Deadline>();
};

/// Makes `COUNT` requests at once, each on a thread.
fn at_once<R: Send>(ask: impl Fn() -> R + Sync) -> Vec<R> {
    const COUNT: usize = 8;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..COUNT).map(|_| scope.spawn(&ask)).collect();
        let results = threads.into_iter().map(|thread| thread.join().unwrap());
        results.collect()
    })
}

#[test]
fn one_client_answers_many_threads_at_once() {
    let sim = Sim::start();
    let client = client(&sim);
    client.preconnect(soon());
    for _ in 0..2 {
        let found = at_once(|| {
            client
                .users()
                .status(alice(), soon())
                .map(|status| status.authy_id)
        });
        let failed: Vec<_> = found
            .iter()
            .filter(|id| !matches!(id, Ok(id) if *id == alice()))
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}

#[test]
fn a_5xx_of_the_service_is_an_error_with_its_status_code_and_text() {
    let sim = Sim::start();
    let body = json!({"message": "Down for maintenance", "error_code": "60052", "success": false});
    sim.fault(&json!({"status": 503, "body": body.to_string()}));

    let error = client(&sim).users().status(alice(), soon()).unwrap_err();

    assert!(error.is_unavailable(), "{error:?}");
    assert_eq!((error.status(), error.code()), (Some(503), Some(60052)));
    let expected = "Authy is unavailable: Down for maintenance (HTTP 503, code 60052)";
    assert_eq!(error.to_string(), expected);
}
