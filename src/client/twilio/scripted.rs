//! A transport that answers from a list and records the requests, for tests.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::*;
use crate::client::http;

/// Returns its answers in order. A request after the last answer fails the test.
#[derive(Debug)]
pub(crate) struct Scripted {
    answers: RefCell<VecDeque<Result<(u16, String), http::Error>>>,
    asked: RefCell<Vec<String>>,
}

impl Transport for Scripted {
    fn send(&self, request: &Request<'_>) -> Result<Response, http::Error> {
        let line = format!("{:?} {}", request.method, request.url.expose());
        self.asked.borrow_mut().push(match request.body {
            Some(Body::Form(body)) => format!("{line} form {}", body.expose()),
            Some(Body::Json(body)) => format!("{line} {}", body.expose()),
            None => line,
        });
        let answer = self.answers.borrow_mut().pop_front();
        let (status, body) = answer.expect("an answer is left")?;
        Ok(Response {
            status,
            body: body.into_bytes(),
            retry_after_seconds: None,
            date: None,
        })
    }
}

/// Creates a client whose service returns `answers`.
pub(crate) fn client(answers: &[(u16, &str)]) -> Client<Scripted> {
    let answers = answers
        .iter()
        .map(|(status, body)| Ok((*status, (*body).to_owned())));
    with(answers.collect())
}

/// Creates a client whose service returns `answers`, or gives none.
pub(crate) fn with(answers: Vec<Result<(u16, String), http::Error>>) -> Client<Scripted> {
    let transport = Scripted {
        answers: RefCell::new(answers.into()),
        asked: RefCell::default(),
    };
    Client::new(
        transport,
        "https://verify.test",
        sid("VA").parse().unwrap(),
        &sid("SK").parse().unwrap(),
        &Secret::new("key-secret".into()),
        Duration::from_secs(8),
    )
}

impl Client<Scripted> {
    /// Returns the requests in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.transport.asked.borrow().clone()
    }
}

/// Returns a SID with this prefix.
pub(crate) fn sid(prefix: &str) -> String {
    format!("{prefix}{}", "0a".repeat(16))
}

/// Returns another one.
pub(crate) fn other_sid(prefix: &str) -> String {
    format!("{prefix}{}", "0b".repeat(16))
}

/// Returns a deadline that no test reaches.
pub(crate) fn later() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(60))
}
