//! What OneTouch sends to an application's own address, and whether it really comes from Authy.
//!
//! Source: Authy API, "Validating incoming requests": base64 of HMAC-SHA256, keyed with the API key,
//! over `nonce|METHOD|url|params`, in the headers `X-Authy-Signature` and `X-Authy-Signature-Nonce`.
//! `params` is the tree of the body as `a[b][]=c` pairs: sorted within each object, in their given order
//! within an array. Nothing here asks the network.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Map, Value};

use super::approvals::Decision;
use super::reply::number;
use super::types::{AuthyId, Uuid};
use crate::base::secret::Secret;

/// What came, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Callback<'a> {
    /// The address as it is configured at Authy: scheme, host and path, without query.
    pub url: &'a str,
    /// The header `X-Authy-Signature-Nonce`.
    pub nonce: &'a str,
    /// The header `X-Authy-Signature`.
    pub signature: &'a str,
    /// Everything else.
    pub params: Params<'a>,
}

/// Where the parameters stand.
#[derive(Debug, Clone, Copy)]
pub enum Params<'a> {
    /// The JSON body of a POST.
    Post(&'a [u8]),
    /// The query of a GET, without `?`, not decoded.
    Get(&'a str),
}

/// A callback that is Authy's.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the person decided; denied when its two places disagree.
    pub decision: Decision,
    /// Who decided, where said. Compare it with who was asked.
    pub authy_id: Option<AuthyId>,
    /// Which request, where said. Compare it with what was asked.
    pub uuid: Option<Uuid>,
    /// The seconds since 1970 that the nonce begins with, if it does. Refuse old ones, and a nonce that
    /// was there before: a signature alone doesn't stop a repetition.
    pub signed_at: Option<u64>,
    /// All parameters of a POST.
    pub all: Map<String, Value>,
}

/// Not a callback of Authy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The signature is none, or belongs to something else.
    #[error("the signature is wrong")]
    Signature,
    /// The body of a POST is no JSON object.
    #[error("the body is no JSON object")]
    Body,
}

impl Callback<'_> {
    /// Checks the signature with the application's API `key`, in constant time, and reads the answer.
    /// Never blocks.
    ///
    /// ```
    /// use pam_authy::client::authy::callback::{Callback, Params};
    /// use pam_authy::client::authy::approvals::Decision;
    /// use pam_authy::base::secret::Secret;
    ///
    /// let body = br#"{"authy_id":1635,"status":"approved","callback_action":"approval_request_status"}"#;
    /// let callback = Callback {
    ///     url: "https://vpn.example.test/authy/cb",
    ///     nonce: "1700000001",
    ///     signature: "+x+I7L3i+qc32xMvxRS3ZpiHApkDLb7905q2BNdPNto=",
    ///     params: Params::Post(body),
    /// };
    /// let answer = callback.verify(&Secret::new("test-api-key-0001".into()))?;
    /// assert_eq!(answer.decision, Decision::Approved);
    /// # Ok::<(), pam_authy::client::authy::callback::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// [`Invalid`]: whatever it says, act as if nothing had come.
    pub fn verify(&self, key: &Secret) -> Result<Answer, Invalid> {
        let signature = STANDARD
            .decode(self.signature.trim())
            .map_err(|_| Invalid::Signature)?;
        let all = match self.params {
            Params::Post(body) => match serde_json::from_slice(body) {
                Ok(Value::Object(object)) => object,
                Ok(_) | Err(_) => return Err(Invalid::Body),
            },
            Params::Get(query) => top_level(query),
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
        let is_signed = |params: &String| {
            let data = format!("{}|{}|{}|{params}", self.nonce, self.method(), self.url);
            hmac::verify(&key, data.as_bytes(), &signature).is_ok()
        };
        if self.canonical_forms(&all).iter().any(is_signed) {
            Ok(self.answer(all))
        } else {
            Err(Invalid::Signature)
        }
    }

    fn method(&self) -> &'static str {
        match self.params {
            Params::Post(_) => "POST",
            Params::Get(_) => "GET",
        }
    }

    /// The forms that a signer may have made of the parameters. `~` and `*` are left alone by some and
    /// encoded by others.
    fn canonical_forms(&self, all: &Map<String, Value>) -> Vec<String> {
        const KEPT: [&[u8]; 3] = [b"-_.", b"-_.~", b"-_.*"];
        match self.params {
            Params::Post(_) => KEPT.iter().map(|kept| of_object("", all, kept)).collect(),
            Params::Get(query) => std::iter::once(query.to_owned())
                .chain(KEPT.iter().map(|kept| of_query(query, kept)))
                .collect(),
        }
    }

    fn answer(&self, all: Map<String, Value>) -> Answer {
        let outer = all.get("status").and_then(Value::as_str);
        let inner = all
            .get("approval_request")
            .and_then(|request| request.get("transaction")?.get("status")?.as_str());
        let decision = match (outer, inner) {
            (Some("approved"), None | Some("approved")) => Decision::Approved,
            _ => Decision::Denied,
        };
        let seconds = self.nonce.split('.').next().unwrap_or_default();
        Answer {
            decision,
            authy_id: all
                .get("authy_id")
                .and_then(number)
                .and_then(|id| id.try_into().ok()),
            uuid: all.get("uuid").and_then(|uuid| uuid.as_str()?.parse().ok()),
            signed_at: seconds.parse().ok(),
            all,
        }
    }
}

/// The pieces of an object's members, sorted. A member without a piece (`{}`, `[]`) adds nothing.
fn of_object(prefix: &str, object: &Map<String, Value>, kept: &[u8]) -> String {
    let mut pieces: Vec<_> = object
        .iter()
        .filter_map(|(name, value)| {
            let key = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}[{name}]")
            };
            of_value(&key, value, kept)
        })
        .collect();
    pieces.sort_unstable();
    pieces.join("&")
}

fn of_value(key: &str, value: &Value, kept: &[u8]) -> Option<String> {
    let scalar = match value {
        Value::Object(object) => {
            return Some(of_object(key, object, kept)).filter(|piece| !piece.is_empty());
        }
        Value::Array(elements) => {
            let key = format!("{key}[]");
            let pieces: Vec<_> = elements
                .iter()
                .filter_map(|element| of_value(&key, element, kept))
                .collect();
            return Some(pieces.join("&")).filter(|piece| !piece.is_empty());
        }
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
    };
    Some(format!("{}={}", encode(key, kept), encode(&scalar, kept)))
}

/// The pairs of a query, decoded and encoded anew, sorted by name; equal names stay in order.
fn of_query(query: &str, kept: &[u8]) -> String {
    let mut pairs: Vec<_> = query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name), kept), encode(&decode(value), kept))
        })
        .collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    let pieces: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pieces.join("&")
}

/// The members of a query that have no brackets, and the inner status that must agree. A name that is
/// there twice could mean two things, so it means nothing.
fn top_level(query: &str) -> Map<String, Value> {
    let mut all = Map::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Value::String(decode(value));
        match decode(name).as_str() {
            "approval_request[transaction][status]" => {
                all.insert(
                    "approval_request".to_owned(),
                    serde_json::json!({"transaction": {"status": value}}),
                );
            }
            name if all.contains_key(name) => {
                all.insert(name.to_owned(), Value::Null);
            }
            name => {
                all.insert(name.to_owned(), value);
            }
        }
    }
    all
}

fn encode(text: &str, kept: &[u8]) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte == b' ' {
            out.push('+');
        } else if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn decode(text: &str) -> String {
    let hex = |digit: Option<&u8>| char::from(*digit?).to_digit(16);
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = (hex(bytes.get(at + 1)), hex(bytes.get(at + 2)));
        match (byte, pair) {
            (b'%', (Some(high), Some(low))) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const HOST: &str = "https://vpn.example.test/authy/cb";
    const V2: &str = r#"{"status":"denied","approval_request":{"transaction":{"details":{"Process ID":"42/7","to":"a+b@c.example"},"device_details":{},"flagged":false,"hidden_details":null,"message":"Log in? 50% off & more"},"logos":null},"uuid":"00000000-0000-0135-0000-000000000001"}"#;
    const V3: &str = r#"{"approval_request":{"logos":[{"res":"low","url":"https://e.example/l.png"},{"res":"default","url":"https://e.example/d.png"}]},"device":{"enabled_unlock_methods":["pin","fingerprint"],"multidevice_enabled":true}}"#;

    fn verify(key: &str, callback: Callback<'_>) -> Result<Answer, Invalid> {
        callback.verify(&Secret::new(key.into()))
    }

    fn post<'a>(url: &'a str, nonce: &'a str, body: &'a str, signature: &'a str) -> Callback<'a> {
        Callback {
            url,
            nonce,
            signature,
            params: Params::Post(body.as_bytes()),
        }
    }

    fn sign(key: &str, nonce: &str, method: &str, url: &str, params: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        STANDARD.encode(hmac::sign(
            &key,
            format!("{nonce}|{method}|{url}|{params}").as_bytes(),
        ))
    }

    #[test]
    fn the_known_vectors_of_post_are_accepted() {
        let v1 =
            r#"{"authy_id":1635,"status":"approved","callback_action":"approval_request_status"}"#;
        let ours = "test-api-key-0001";
        let vectors = [
            (
                ours,
                HOST,
                "1700000001",
                v1,
                "+x+I7L3i+qc32xMvxRS3ZpiHApkDLb7905q2BNdPNto=",
            ),
            (
                ours,
                HOST,
                "1700000002",
                V2,
                "hL0JlvkPp1/tWc9HQfZTkVUu1MjVuplqf4tXhPqJYOI=",
            ),
            (
                ours,
                HOST,
                "1700000003",
                V3,
                "oIUQ2XdlIFN0igRrihJvhU9A/WG5NUzHi+0ljZ1bEfY=",
            ),
            (
                "foo",
                "https://foo.bar/",
                "1455825429",
                r#"{"foo":{"bar":{"biz":"foo"}},"qux":"net"}"#,
                "uq/wB8AR1Acvn0wFcjm7mmBJyR11nuuMhMy6semsAO8=",
            ),
            (
                "foo",
                "https://foo.bar/",
                "1455825429",
                r#"{"foo":{"bar":{"biz":"foo bar"}},"qux":"net"}"#,
                "+fyGys+d5yNJx9SpeKZdf+N77od1t1cC/fVSWDW2+kY=",
            ),
        ];
        for (key, url, nonce, body, signature) in vectors {
            assert!(
                verify(key, post(url, nonce, body, signature)).is_ok(),
                "{body}"
            );
        }
    }

    #[test]
    fn a_flat_sort_of_two_logos_is_no_signature() {
        let flat = post(
            HOST,
            "1700000003",
            V3,
            "rZgVQL7KcIV+xaV4ftHTo0ppwhzpvTAcuFRQ2uaYvkU=",
        );
        assert_eq!(
            verify("test-api-key-0001", flat).unwrap_err(),
            Invalid::Signature
        );
    }

    #[test]
    fn anything_that_differs_is_refused() {
        let body =
            r#"{"authy_id":1635,"status":"approved","callback_action":"approval_request_status"}"#;
        let signature = "+x+I7L3i+qc32xMvxRS3ZpiHApkDLb7905q2BNdPNto=";
        let good = post(HOST, "1700000001", body, signature);
        let key = "test-api-key-0001";
        assert!(verify(key, good).is_ok());
        let changed = body.replace("1635", "1636");
        let bad = [
            Callback {
                nonce: "1700000002",
                ..good
            },
            Callback {
                url: "https://vpn.example.test/authy/cb/",
                ..good
            },
            Callback {
                signature: "",
                ..good
            },
            Callback {
                signature: "+x+I7L3i+qc32xMvxRS3ZpiHApkDLb7905q2BNdPNt",
                ..good
            },
            Callback {
                signature: "AAAA",
                ..good
            },
            Callback {
                params: Params::Post(changed.as_bytes()),
                ..good
            },
            Callback {
                params: Params::Get(""),
                ..good
            },
        ];
        for callback in bad {
            assert_eq!(
                verify(key, callback).unwrap_err(),
                Invalid::Signature,
                "{callback:?}"
            );
        }
        assert!(verify("another-key", good).is_err());
        for body in ["", "[]", "true", "{"] {
            let callback = Callback {
                params: Params::Post(body.as_bytes()),
                ..good
            };
            assert_eq!(verify(key, callback).unwrap_err(), Invalid::Body);
        }
    }

    #[test]
    fn arrays_longer_than_ten_keep_their_order() {
        let numbers: Vec<_> = (0..12).collect();
        let object = json!({"n": numbers});
        let form = of_object("", object.as_object().unwrap(), b"-_.");
        let expected: Vec<_> = (0..12).map(|n| format!("n%5B%5D={n}")).collect();
        assert_eq!(form, expected.join("&"));
    }

    #[test]
    fn a_get_is_signed_as_it_came_or_in_canonical_form() {
        let canonical = "authy_id=1635&status=approved&uuid=a-b";
        let signature = sign("key", "17.5", "GET", HOST, canonical);
        for query in [canonical, "uuid=a%2Db&status=approved&authy_id=1635"] {
            let callback = Callback {
                url: HOST,
                nonce: "17.5",
                signature: &signature,
                params: Params::Get(query),
            };
            let answer = verify("key", callback).unwrap();
            assert_eq!(answer.decision, Decision::Approved);
            assert_eq!(answer.signed_at, Some(17));
            assert_eq!(answer.authy_id, "1635".parse().ok());
        }
    }

    #[test]
    fn a_decision_that_is_said_in_two_ways_is_a_denial() {
        let body =
            r#"{"status":"approved","approval_request":{"transaction":{"status":"denied"}}}"#;
        let object: Value = serde_json::from_str(body).unwrap();
        let form = of_object("", object.as_object().unwrap(), b"-_.");
        let signature = sign("key", "1", "POST", HOST, &form);
        let answer = verify("key", post(HOST, "1", body, &signature)).unwrap();
        assert_eq!(answer.decision, Decision::Denied);

        for query in [
            "status=approved&approval_request[transaction][status]=denied",
            "status=denied&status=approved",
        ] {
            let signature = sign("key", "1", "GET", HOST, query);
            let callback = Callback {
                url: HOST,
                nonce: "1",
                signature: &signature,
                params: Params::Get(query),
            };
            assert_eq!(verify("key", callback).unwrap().decision, Decision::Denied);
        }
    }

    proptest! {
        #[test]
        fn encoding_can_be_undone(text in any::<String>()) {
            prop_assert_eq!(decode(&encode(&text, b"-_.")), text);
        }

        #[test]
        fn outside_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
            for params in [Params::Post(&body), Params::Get(&text)] {
                let callback = Callback { url: &text, nonce: &text, signature: &text, params };
                prop_assert!(verify("key", callback).is_err());
            }
        }
    }
}
