//! Every call of the client against authy-sim's state: what it remembers, refuses and forgets.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::client::authy::activity::Activity;
use pam_authy::client::authy::approvals::{Decision, Request};
use pam_authy::client::authy::callback::{Answer, Callback, Params};
use pam_authy::client::authy::phones::{Code, Phone, Start};
use pam_authy::client::authy::tokens::{SendOptions, VerifyOptions};
use pam_authy::client::authy::types::{AuthyId, Token};
use pam_authy::client::authy::users::{NewUser, Secrets};
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Https;
use serde_json::json;

use crate::common::sim::Sim;

fn client(sim: &Sim) -> Client<Https> {
    let transport = Https::new(sim.roots(), None);
    let timeout = Duration::from_secs(5);
    Client::new(transport, &sim.url(), Secret::new(sim.key()), timeout)
}

fn soon() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(20))
}

fn alice() -> AuthyId {
    "1635".parse().unwrap()
}

fn verify(client: &Client<Https>, token: &str) -> Result<(), Error> {
    let token: Token = token.parse().unwrap();
    let how = VerifyOptions::default();
    client.tokens().verify(alice(), &token, &how, soon())
}

/// Authy's number for a refusal.
fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> Option<u32> {
    answer
        .unwrap_err()
        .refusal()
        .and_then(|refusal| refusal.code)
}

#[test]
fn a_deletion_is_marked_at_once_and_takes_effect_later() {
    let sim = Sim::start();
    let client = client(&sim);
    sim.post("/phone/app", &json!({"deletion_seconds": 2}));
    client.users().delete(alice(), soon()).unwrap();
    assert!(
        client
            .users()
            .status(alice(), soon())
            .unwrap()
            .account_disabled
    );
    verify(&client, &sim.token(1635)).unwrap();
    assert_eq!(code(client.users().delete(alice(), soon())), Some(60127));
    thread::sleep(Duration::from_millis(2100));
    assert_eq!(code(client.users().status(alice(), soon())), Some(60026));
    assert_eq!(code(verify(&client, &sim.token(1635))), Some(60026));
    // The same number again is the same person.
    let person = NewUser {
        email: "alice@example.com",
        cellphone: &"5550100199".parse().unwrap(),
        country_code: "1".parse().unwrap(),
        send_install_link: true,
    };
    assert_eq!(client.users().create(&person, soon()).unwrap(), alice());
    assert!(
        !client
            .users()
            .status(alice(), soon())
            .unwrap()
            .account_disabled
    );
}

#[test]
fn somebody_who_is_suspended_gets_nothing() {
    let sim = Sim::start();
    let client = client(&sim);
    sim.change(1635, &json!({"suspended": true, "registered": true}));
    let request = Request {
        message: "Hello",
        ..Request::default()
    };
    assert_eq!(code(verify(&client, &sim.token(1635))), Some(60017));
    let how = SendOptions::default();
    assert_eq!(
        code(client.tokens().sms(alice(), &how, soon())),
        Some(60017)
    );
    let push = client.approvals().create(alice(), &request, soon());
    assert!(matches!(push, Err(Error::PersonRefused(_))), "{push:?}");
}

#[test]
fn an_application_without_sms_calls_or_onetouch_is_told_so() {
    let sim = Sim::start();
    let client = client(&sim);
    sim.change(1635, &json!({"registered": true}));
    let off = json!({"sms_enabled": false, "calls_enabled": false, "onetouch_enabled": false});
    sim.post("/phone/app", &off);
    let (how, request) = (
        SendOptions::default(),
        Request {
            message: "x",
            ..Request::default()
        },
    );
    assert_eq!(
        code(client.tokens().sms(alice(), &how, soon())),
        Some(60007)
    );
    assert_eq!(
        code(client.tokens().call(alice(), &how, soon())),
        Some(60006)
    );
    let push = client.approvals().create(alice(), &request, soon());
    assert!(matches!(push, Err(Error::NotAllowed(_))), "{push:?}");
    let app = client.app().details(soon()).unwrap();
    assert_eq!(app["sms_enabled"], false);
    sim.post("/phone/app", &json!({"suspended": true}));
    assert_eq!(code(client.app().details(soon())), Some(60061));
}

#[test]
fn too_many_messages_and_too_many_wrong_tokens_are_limited() {
    let sim = Sim::start();
    let client = client(&sim);
    let how = SendOptions::default();
    let sent = (0..20).take_while(|_| client.tokens().sms(alice(), &how, soon()).is_ok());
    assert_eq!(sent.count(), 10);
    let sms = client.tokens().sms(alice(), &how, soon());
    assert!(matches!(sms, Err(Error::RateLimited(_))), "{sms:?}");
    let wrong =
        (0..100).take_while(|_| matches!(verify(&client, "1111111"), Err(Error::Refused(_))));
    assert_eq!(wrong.count(), 60);
    assert_eq!(code(verify(&client, "1111111")), Some(60003));
}

#[test]
fn a_verification_ends_by_time_by_tries_and_by_the_right_code() {
    let sim = Sim::start();
    let client = client(&sim);
    let phone = Phone {
        country_code: "1".parse().unwrap(),
        cellphone: "405-342-5699".parse().unwrap(),
    };
    let chosen: Code = "424242".parse().unwrap();
    let how = Start {
        custom_code: Some(&chosen),
        ..Start::default()
    };
    let phones = client.phones();
    let check = |text: &str| phones.check(&phone, &text.parse().unwrap(), soon());
    let started = phones.start(&phone, &how, soon()).unwrap();
    assert_eq!(code(check("0000")), Some(60022));
    check("424242").unwrap();
    let uuid = started.uuid.unwrap().parse().unwrap();
    assert_eq!(phones.status_of(&uuid, soon()).unwrap().status, "verified");
    assert_eq!(code(check("424242")), Some(60023), "a code works once");

    phones.start(&phone, &how, soon()).unwrap();
    for _ in 0..5 {
        assert_eq!(code(check("0000")), Some(60022));
    }
    assert_eq!(
        code(check("424242")),
        Some(60023),
        "and not after five wrong ones"
    );

    sim.post("/phone/app", &json!({"verification_seconds": 0}));
    phones.start(&phone, &how, soon()).unwrap();
    assert_eq!(phones.status(&phone, soon()).unwrap().status, "expired");
    assert_eq!(code(check("424242")), Some(60023));
}

#[test]
fn what_is_rarely_asked_for_is_answered_as_documented() {
    let sim = Sim::start();
    let client = client(&sim);
    let users = client.users();
    assert_eq!(code(users.phone_number(alice(), soon())), Some(60154));
    sim.post("/phone/app", &json!({"export_enabled": true}));
    let number = users.phone_number(alice(), soon()).unwrap();
    assert_eq!(number.e164.unwrap().expose(), "+15550100199");

    sim.change(1635, &json!({"sdk_devices": [77]}));
    client.devices().delete(77, soon()).unwrap();
    let again = client.devices().delete(77, soon());
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");

    let data = BTreeMap::from([("why".to_owned(), "lost".to_owned())]);
    for kind in [Activity::Banned, Activity::Unbanned] {
        users
            .register_activity(alice(), kind, "192.0.2.1", &data, soon())
            .unwrap();
    }
    let events = client.app().events(&[], 2, 1, soon()).unwrap();
    assert_eq!(
        events["events"],
        json!([{"authy_id": 1635, "type": "unbanned"}])
    );

    users
        .update_email(alice(), "new@example.com", soon())
        .unwrap();
    let sent_to = client.tokens().email(alice(), soon()).unwrap();
    assert_eq!(sent_to.as_deref(), Some("new@example.com"));
    let registration = users.registration("new@example.com", soon()).unwrap();
    assert_eq!(registration.authy_id, Some(alice()));
    assert_eq!(client.app().stats(soon()).unwrap().total_users, Some(1));
    let info = client.phones().info(
        &Phone {
            country_code: "1".parse().unwrap(),
            cellphone: "405-342-5000".parse().unwrap(),
        },
        soon(),
    );
    assert_eq!(info.unwrap().kind.as_deref(), Some("landline"));
}

/// What the code in a PNG says, as an authenticator app reads it.
fn scan(image: &[u8]) -> String {
    let mut reader = png::Decoder::new(Cursor::new(image)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    image.detect_grids()[0].decode().unwrap().1
}

/// The six digits of now for the secret in an `otpauth:` URI.
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
        let five = LETTERS.find(letter).unwrap();
        (0..5).rev().map(move |at| five >> at & 1 == 1)
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
fn another_authenticator_app_scans_the_code_and_its_token_is_right_once() {
    let sim = Sim::start();
    let client = client(&sim);
    let how = Secrets {
        qr_size: Some(400),
        label: Some("alice at work"),
    };
    let answer = client.users().secret(alice(), &how, soon()).unwrap();
    let image = client.users().qr_image(&answer, soon()).unwrap();
    let uri = scan(&image);
    assert!(
        uri.starts_with("otpauth://totp/authy-sim:alice%20at%20work?"),
        "{uri}"
    );
    let token = token_of(&uri);
    verify(&client, &token).unwrap();
    assert_eq!(code(verify(&client, &token)), Some(60019));
}

/// Takes one callback: the whole request as text.
fn receive(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).unwrap();
        all.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= header(head, "content-length").parse().unwrap_or(0)
        {
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            return text;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map_or("", |(_, value)| value)
}

/// What our own check makes of a request that came.
fn check(
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
fn callbacks_by_post_and_by_get_are_signed_so_that_the_client_believes_them() {
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
        let request = Request {
            message: "Log in? 50% off & more",
            details: &[("Process ID".into(), "42/7".into())],
            hidden_details: &[("n".into(), "a+b@c".into())],
            ..Request::default()
        };
        let uuid = client
            .approvals()
            .create(alice(), &request, soon())
            .unwrap();
        let path = format!("/phone/approvals/{uuid}");
        let received = thread::scope(|scope| {
            let received = scope.spawn(|| receive(&listener));
            let decided = sim.post(&path, &json!({"approve": approve}));
            assert_eq!(decided["callback"], 200, "{decided}");
            received.join().unwrap()
        });
        assert!(received.starts_with(method), "{received}");
        let answer = check(&received, &url, &sim.key()).unwrap();
        assert_eq!(answer.decision, decision);
        assert_eq!((answer.authy_id, answer.uuid), (Some(alice()), Some(uuid)));
        assert!(check(&received, &url, "another key").is_err());
        assert!(check(&received.replace("1635", "1636"), &url, &sim.key()).is_err());
    }
}
