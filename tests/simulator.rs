//! The client's calls against authy-sim over TLS, where the answer depends on the simulator's
//! state: deletions, suspensions, limits, expiry, and signed callbacks.
//!
//! The tests change the state through the simulator's control address.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::client::authy::activity::Activity;
use pam_authy::client::authy::approvals::{Decision, Request};
use pam_authy::client::authy::callback::{Answer, Callback, Params};
use pam_authy::client::authy::phones::{Code, Phone, StartOptions};
use pam_authy::client::authy::tokens::{SendOptions, VerifyOptions};
use pam_authy::client::authy::types::{AuthyId, Token};
use pam_authy::client::authy::users::{NewUser, QrOptions};
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Https;
use serde_json::{Value, json};

use crate::common::sim::Sim;
use crate::common::totp::{SECRET, oathtool};

/// Returns a client with a timeout of 5 s for each request.
fn client(sim: &Sim) -> Client<Https> {
    let transport = Https::new(sim.roots(), None);
    let timeout = Duration::from_secs(5);
    Client::new(transport, &sim.url(), Secret::new(sim.key()), timeout)
}

fn deadline() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(20))
}

fn alice() -> AuthyId {
    "1635".parse().unwrap()
}

/// Verifies a token of alice.
fn verify(client: &Client<Https>, token: &str) -> Result<(), Error> {
    let token: Token = token.parse().unwrap();
    let options = VerifyOptions::default();
    client
        .tokens()
        .verify(alice(), &token, &options, deadline())
}

/// Returns Authy's error code of a refused call.
fn error_code<T: std::fmt::Debug>(answer: Result<T, Error>) -> Option<u32> {
    answer
        .unwrap_err()
        .refusal()
        .and_then(|refusal| refusal.code)
}

#[test]
fn a_deletion_is_marked_at_once_and_takes_effect_later() {
    let sim = Sim::start();
    let client = client(&sim);
    let users = client.users();
    users.delete(alice(), deadline()).unwrap();
    let status = users.status(alice(), deadline()).unwrap();
    assert!(status.account_disabled);
    verify(&client, &sim.token(1635)).unwrap();
    assert_eq!(error_code(users.delete(alice(), deadline())), Some(60127));
    // At Authy, one phone number is one person.
    let create = || {
        let cellphone = "5550100199".parse().unwrap();
        let person = NewUser::new("alice@example.com", &cellphone, "1".parse().unwrap());
        let person = person.send_install_link(true);
        users.create(&person, deadline()).unwrap()
    };
    assert_eq!(create(), alice());
    let status = users.status(alice(), deadline()).unwrap();
    assert!(!status.account_disabled);

    sim.post("/phone/app", &json!({"deletion_seconds": 0}));
    users.delete(alice(), deadline()).unwrap();
    let gone = users.status(alice(), deadline());
    assert_eq!(error_code(gone), Some(60026));
    assert_eq!(error_code(verify(&client, &sim.token(1635))), Some(60016));
    assert_eq!(create(), alice());
    verify(&client, &sim.token(1635)).unwrap();
}

#[test]
fn every_request_for_a_suspended_person_is_refused() {
    let sim = Sim::start();
    let client = client(&sim);
    sim.change(1635, &json!({"suspended": true, "registered": true}));
    let request = Request::new("Hello");
    assert_eq!(error_code(verify(&client, &sim.token(1635))), Some(60017));
    let options = SendOptions::default();
    assert_eq!(
        error_code(client.tokens().sms(alice(), &options, deadline())),
        Some(60017)
    );
    let push = client.approvals().create(alice(), &request, deadline());
    assert!(matches!(push, Err(Error::PersonRefused(_))), "{push:?}");
}

#[test]
fn sms_calls_and_onetouch_are_refused_where_they_are_disabled() {
    let sim = Sim::start();
    let client = client(&sim);
    sim.change(1635, &json!({"registered": true}));
    let off = json!({"sms_enabled": false, "calls_enabled": false, "onetouch_enabled": false});
    sim.post("/phone/app", &off);
    let (options, request) = (SendOptions::default(), Request::new("x"));
    assert_eq!(
        error_code(client.tokens().sms(alice(), &options, deadline())),
        Some(60007)
    );
    assert_eq!(
        error_code(client.tokens().call(alice(), &options, deadline())),
        Some(60006)
    );
    let push = client.approvals().create(alice(), &request, deadline());
    assert!(matches!(push, Err(Error::NotAllowed(_))), "{push:?}");
    let app = client.app().details(deadline()).unwrap();
    assert_eq!(app["sms_enabled"], false);
    sim.post("/phone/app", &json!({"suspended": true}));
    assert_eq!(error_code(client.app().details(deadline())), Some(60061));
}

#[test]
fn messages_and_wrong_tokens_beyond_the_hourly_limit_are_refused() {
    let sim = Sim::start();
    let client = client(&sim);
    let options = SendOptions::default();
    let sent = (0..20).take_while(|_| client.tokens().sms(alice(), &options, deadline()).is_ok());
    assert_eq!(sent.count(), 10);
    let sms = client.tokens().sms(alice(), &options, deadline());
    assert!(matches!(sms, Err(Error::RateLimited(_))), "{sms:?}");
    let wrong =
        (0..100).take_while(|_| matches!(verify(&client, "1111111"), Err(Error::Refused(_))));
    assert_eq!(wrong.count(), 60);
    assert_eq!(error_code(verify(&client, "1111111")), Some(60003));
}

#[test]
fn a_verification_ends_by_expiry_by_wrong_codes_and_by_the_correct_code() {
    let sim = Sim::start();
    let client = client(&sim);
    let phone = Phone {
        country_code: "1".parse().unwrap(),
        cellphone: "405-342-5699".parse().unwrap(),
    };
    let chosen: Code = "424242".parse().unwrap();
    let options = StartOptions::default().custom_code(&chosen);
    let phones = client.phones();
    let check = |text: &str| phones.check(&phone, &text.parse().unwrap(), deadline());
    let started = phones.start(&phone, &options, deadline()).unwrap();
    assert_eq!(error_code(check("0000")), Some(60022));
    check("424242").unwrap();
    let uuid = started.uuid.unwrap().parse().unwrap();
    assert_eq!(
        phones.status_of(&uuid, deadline()).unwrap().status,
        "verified"
    );
    assert_eq!(
        error_code(check("424242")),
        Some(60023),
        "a code is valid once"
    );

    phones.start(&phone, &options, deadline()).unwrap();
    for _ in 0..5 {
        assert_eq!(error_code(check("0000")), Some(60022));
    }
    assert_eq!(
        error_code(check("424242")),
        Some(60023),
        "a code is not valid after five wrong codes"
    );

    sim.post("/phone/app", &json!({"verification_seconds": 0}));
    phones.start(&phone, &options, deadline()).unwrap();
    assert_eq!(phones.status(&phone, deadline()).unwrap().status, "expired");
    assert_eq!(error_code(check("424242")), Some(60023));
}

#[test]
fn rarely_used_calls_are_answered_as_documented() {
    let sim = Sim::start();
    let client = client(&sim);
    let users = client.users();
    assert_eq!(
        error_code(users.phone_number(alice(), deadline())),
        Some(60154)
    );
    sim.post("/phone/app", &json!({"export_enabled": true}));
    let number = users.phone_number(alice(), deadline()).unwrap();
    assert_eq!(number.e164.unwrap().expose(), "+15550100199");

    sim.change(1635, &json!({"sdk_devices": [77]}));
    client.devices().delete(77, deadline()).unwrap();
    let again = client.devices().delete(77, deadline());
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");

    let data = BTreeMap::from([("why".to_owned(), "lost".to_owned())]);
    for kind in [Activity::Banned, Activity::Unbanned] {
        users
            .register_activity(alice(), kind, "192.0.2.1", &data, deadline())
            .unwrap();
    }
    let events = client.app().events(&[], 2, 1, deadline()).unwrap();
    assert_eq!(
        events["events"],
        json!([{"authy_id": 1635, "type": "unbanned"}])
    );

    users
        .update_email(alice(), "new@example.com", deadline())
        .unwrap();
    let sent_to = client.tokens().email(alice(), deadline()).unwrap();
    assert_eq!(sent_to.as_deref(), Some("new@example.com"));
    let registration = users.registration("new@example.com", deadline()).unwrap();
    assert_eq!(registration.authy_id, Some(alice()));
    assert_eq!(client.app().stats(deadline()).unwrap().total_users, Some(1));
    let info = client.phones().info(
        &Phone {
            country_code: "1".parse().unwrap(),
            cellphone: "405-342-5000".parse().unwrap(),
        },
        deadline(),
    );
    assert_eq!(info.unwrap().kind.as_deref(), Some("landline"));
}

/// Decodes the QR code in a PNG, as an authenticator app does.
fn scan(image: &[u8]) -> String {
    let mut reader = png::Decoder::new(Cursor::new(image)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    image.detect_grids()[0].decode().unwrap().1
}

/// Returns the current six-digit token for the secret in an `otpauth:` URI.
fn token_of(uri: &str) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let secret = uri
        .split("secret=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let bits = secret.chars().flat_map(|letter| {
        let value = LETTERS.find(letter).unwrap();
        (0..5).rev().map(move |at| value >> at & 1 == 1)
    });
    let bits: Vec<bool> = bits.collect();
    let byte = |bits: &[bool]| bits.iter().fold(0_u8, |all, bit| all << 1 | u8::from(*bit));
    let secret: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    let totp = totp_rs::Builder::new()
        .with_digits(6)
        .with_secret(secret)
        .build_noncompliant();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    totp.generate(now.as_secs()).to_string()
}

#[test]
fn another_authenticator_app_scans_the_qr_code_and_its_token_is_valid_once() {
    let sim = Sim::start();
    let client = client(&sim);
    let options = QrOptions::default().qr_size(400).label("alice at work");
    let answer = client
        .users()
        .secret(alice(), &options, deadline())
        .unwrap();
    let image = client.users().qr_image(&answer, deadline()).unwrap();
    let uri = scan(&image);
    assert!(
        uri.starts_with("otpauth://totp/authy-sim:alice%20at%20work?"),
        "{uri}"
    );
    let token = token_of(&uri);
    verify(&client, &token).unwrap();
    assert_eq!(error_code(verify(&client, &token)), Some(60019));
}

#[test]
fn the_app_on_the_phone_shows_the_codes_that_oathtool_computes() {
    let sim = Sim::start();
    let typed = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ";
    for (name, secret) in [("gate", "MZXW6YTBOI"), ("gate", typed)] {
        let app = json!({"name": name, "secret": secret});
        sim.post("/phone/apps", &app);
    }

    let code = oathtool(SECRET, 0);
    let shown = sim.get("/phone.json")["apps"].clone();

    assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown[0]["name"], "gate");
    assert_eq!(shown[0]["code"], json!(code));
}

/// Receives one callback, answers it with this status, and returns the whole request as text.
fn receive(listener: &TcpListener, status: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).unwrap();
        received.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= header(head, "content-length").parse().unwrap_or(0)
        {
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            return text;
        }
    }
}

/// Returns the value of a header, or an empty text.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map_or("", |(_, value)| value)
}

/// Verifies a received callback with the client's own check.
fn verify_callback(
    request: &str,
    url: &str,
    key: &str,
) -> Result<Answer, pam_authy::client::authy::callback::Invalid> {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let target = head.split(' ').nth(1).unwrap();
    let params = match target.split_once('?') {
        Some((_, query)) => Params::Get(query),
        None => Params::Post(body.as_bytes()),
    };
    let callback = Callback {
        url,
        nonce: header(head, "X-Authy-Signature-Nonce"),
        signature: header(head, "X-Authy-Signature"),
        params,
    };
    callback.verify(&Secret::new(key.to_owned()))
}

#[test]
fn signed_callbacks_by_post_and_by_get_are_accepted_by_the_client() {
    let sim = Sim::start();
    let client = client(&sim);
    sim.change(1635, &json!({"registered": true}));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/callback", listener.local_addr().unwrap());
    for (method, approve, decision) in [
        ("POST", true, Decision::Approved),
        ("GET", false, Decision::Denied),
    ] {
        sim.post(
            "/phone/app",
            &json!({"callback_url": url, "callback_method": method}),
        );
        let (shown, hidden) = (
            [("Process ID".into(), "42/7".into())],
            [("n".into(), "a+b@c".into())],
        );
        let request = Request::new("Log in? 50% off & more")
            .details(&shown)
            .hidden_details(&hidden);
        let uuid = client
            .approvals()
            .create(alice(), &request, deadline())
            .unwrap();
        let path = format!("/phone/approvals/{uuid}");
        let received = thread::scope(|scope| {
            let received = scope.spawn(|| receive(&listener, "200 OK"));
            let decided = sim.post(&path, &json!({"approve": approve}));
            assert_eq!(decided["callback"], 200, "{decided}");
            received.join().unwrap()
        });
        assert!(received.starts_with(method), "{received}");
        let answer = verify_callback(&received, &url, &sim.key()).unwrap();
        assert_eq!(answer.decision, decision);
        assert_eq!((answer.authy_id, answer.uuid), (alice(), uuid));
        assert!(verify_callback(&received, &url, "another key").is_err());
        assert!(verify_callback(&received.replace("1635", "1636"), &url, &sim.key()).is_err());
    }
}

#[test]
fn a_callback_has_device_and_signature_and_is_noted_once_it_is_answered_by_200() {
    let sim = Sim::start();
    let client = client(&sim);
    sim.change(1635, &json!({"registered": true}));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/callback", listener.local_addr().unwrap());
    sim.post("/phone/app", &json!({"callback_url": url}));
    for (status, is_notified) in [("500 Internal Server Error", false), ("200 OK", true)] {
        let request = Request::new("Hello");
        let approvals = client.approvals();
        let uuid = approvals.create(alice(), &request, deadline()).unwrap();
        let received = thread::scope(|scope| {
            let received = scope.spawn(|| receive(&listener, status));
            sim.post(
                &format!("/phone/approvals/{uuid}"),
                &json!({"approve": true}),
            );
            received.join().unwrap()
        });
        let (_, body) = received.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let signature = STANDARD
            .decode(body["signature"].as_str().unwrap())
            .unwrap();
        assert_eq!(signature.len(), 256);
        assert_eq!(body["device"]["os_type"], "iphone", "{body}");
        assert!(body["device"]["enabled_unlock_methods"].is_array());
        assert!(body["approval_request"]["app_id"].is_string(), "{body}");
        let shown = sim.get("/phone.json")["users"][0]["approvals"].clone();
        let shown = shown.as_array().unwrap().iter();
        let push = shown.clone().find(|push| push["uuid"] == uuid.to_string());
        assert_eq!(push.unwrap()["notified"], is_notified);
        assert!(verify_callback(&received, &url, &sim.key()).is_ok());
    }
}
