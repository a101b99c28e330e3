//! Checks the signature of the callbacks that OneTouch sends to an application's own URL, and reads
//! them. For programs that use the crate. A callback is not trusted until its signature is checked.
//!
//! Source: Authy API, "Validating incoming requests": base64 of HMAC-SHA256, keyed with the API
//! key, over `nonce|METHOD|url|params`, in the headers `X-Authy-Signature` and
//! `X-Authy-Signature-Nonce`. `params` is the tree of the parameters as `a[b][]=c` pairs, sorted
//! within each object, and in the given order within an array. Nothing here uses the network.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Map, Value};

use super::approvals::Decision;
use super::reply::number;
use super::types::{AuthyId, Uuid};
use crate::base::secret::Secret;

/// A callback as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Callback<'a> {
    /// The URL as it is configured at Authy: scheme, host and path, without the query.
    pub url: &'a str,
    /// The header `X-Authy-Signature-Nonce`.
    pub nonce: &'a str,
    /// The header `X-Authy-Signature`.
    pub signature: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

/// The parameters of a callback.
#[derive(Debug, Clone, Copy)]
pub enum Params<'a> {
    /// The JSON body of a POST.
    Post(&'a [u8]),
    /// The undecoded query of a GET, without `?`.
    Get(&'a str),
}

/// The content of a callback whose signature is valid.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The decision of the person. It is denied if the two statuses of the callback disagree.
    pub decision: Decision,
    /// The person who decided, if Authy sent their id. Compare it with the person who was asked.
    pub authy_id: Option<AuthyId>,
    /// The request, if Authy sent its id. Compare it with the id of the request that was created.
    pub uuid: Option<Uuid>,
    /// The seconds since 1970 at the beginning of the nonce, if there are any. Refuse old callbacks
    /// and a nonce that was used before: the signature alone does not prevent replays.
    pub signed_at: Option<u64>,
    /// All parameters of a POST; of a GET those without brackets, and the inner status.
    pub all: Map<String, Value>,
}

/// Why a callback is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The signature is malformed or does not match.
    #[error("the signature is wrong")]
    Signature,
    /// The body of a POST is not a JSON object.
    #[error("the body is not a JSON object")]
    Body,
}

impl Callback<'_> {
    /// Checks the signature with the application's API `key` in constant time, and reads the
    /// answer. Never blocks.
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
    /// [`Invalid`] if the callback is not Authy's. Ignore such a callback.
    pub fn verify(&self, key: &Secret) -> Result<Answer, Invalid> {
        let signature = STANDARD
            .decode(self.signature.trim())
            .map_err(|_| Invalid::Signature)?;
        let all = match self.params {
            Params::Post(body) => match serde_json::from_slice(body) {
                Ok(Value::Object(object)) => object,
                Ok(_) | Err(_) => return Err(Invalid::Body),
            },
            Params::Get(query) => query_members(query),
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

    /// Returns the forms of the parameters that the signer may have used, since some signers encode
    /// `~` and `*` and others do not.
    fn canonical_forms(&self, all: &Map<String, Value>) -> Vec<String> {
        const UNESCAPED: [&[u8]; 3] = [b"-_.", b"-_.~", b"-_.*"];
        match self.params {
            Params::Post(_) => UNESCAPED
                .iter()
                .map(|unescaped| canonical_object("", all, unescaped))
                .collect(),
            Params::Get(query) => std::iter::once(query.to_owned())
                .chain(
                    UNESCAPED
                        .iter()
                        .map(|unescaped| canonical_query(query, unescaped)),
                )
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

/// Returns the pairs of an object's members, sorted. A member without a pair (`{}`, `[]`) adds
/// nothing.
fn canonical_object(prefix: &str, object: &Map<String, Value>, unescaped: &[u8]) -> String {
    let mut pairs: Vec<_> = object
        .iter()
        .filter_map(|(name, value)| {
            let key = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}[{name}]")
            };
            canonical_value(&key, value, unescaped)
        })
        .collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// Returns the pairs of one value; `None` if it has none.
fn canonical_value(key: &str, value: &Value, unescaped: &[u8]) -> Option<String> {
    let scalar = match value {
        Value::Object(object) => {
            return Some(canonical_object(key, object, unescaped)).filter(|pair| !pair.is_empty());
        }
        Value::Array(elements) => {
            let key = format!("{key}[]");
            let pairs: Vec<_> = elements
                .iter()
                .filter_map(|element| canonical_value(&key, element, unescaped))
                .collect();
            return Some(pairs.join("&")).filter(|pair| !pair.is_empty());
        }
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
    };
    Some(format!(
        "{}={}",
        encode(key, unescaped),
        encode(&scalar, unescaped)
    ))
}

/// Returns the pairs of a query, decoded and encoded again, sorted by name. Pairs with the same
/// name keep their order.
fn canonical_query(query: &str, unescaped: &[u8]) -> String {
    let mut members: Vec<_> = query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                encode(&decode(name), unescaped),
                encode(&decode(value), unescaped),
            )
        })
        .collect();
    members.sort_by(|one, other| one.0.cmp(&other.0));
    let pairs: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Returns the members of a query without brackets, and the inner status, which must agree with the
/// outer one. A name that is given twice is ambiguous and becomes null.
fn query_members(query: &str) -> Map<String, Value> {
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

/// Form-encodes all but letters, digits and `unescaped`; a space becomes `+`.
fn encode(text: &str, unescaped: &[u8]) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte == b' ' {
            out.push('+');
        } else if byte.is_ascii_alphanumeric() || unescaped.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Reverses [`encode`]. Keeps a `%` without two hexadecimal digits after it.
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

    const KEY: &str = "test-api-key-0001";
    const HOST: &str = "https://vpn.example.test/authy/cb";
    const V1: &str =
        r#"{"authy_id":1635,"status":"approved","callback_action":"approval_request_status"}"#;
    const V1_SIGNATURE: &str = "+x+I7L3i+qc32xMvxRS3ZpiHApkDLb7905q2BNdPNto=";
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

    fn get<'a>(nonce: &'a str, query: &'a str, signature: &'a str) -> Callback<'a> {
        Callback {
            url: HOST,
            nonce,
            signature,
            params: Params::Get(query),
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
        let foo = "https://foo.bar/";
        let mut refused = vec![
            (KEY, HOST, "1700000001", V1, V1_SIGNATURE),
            (
                KEY,
                HOST,
                "1700000002",
                V2,
                "hL0JlvkPp1/tWc9HQfZTkVUu1MjVuplqf4tXhPqJYOI=",
            ),
            (
                KEY,
                HOST,
                "1700000003",
                V3,
                "oIUQ2XdlIFN0igRrihJvhU9A/WG5NUzHi+0ljZ1bEfY=",
            ),
            (
                "foo",
                foo,
                "1455825429",
                r#"{"foo":{"bar":{"biz":"foo"}},"qux":"net"}"#,
                "uq/wB8AR1Acvn0wFcjm7mmBJyR11nuuMhMy6semsAO8=",
            ),
            (
                "foo",
                foo,
                "1455825429",
                r#"{"foo":{"bar":{"biz":"foo bar"}},"qux":"net"}"#,
                "+fyGys+d5yNJx9SpeKZdf+N77od1t1cC/fVSWDW2+kY=",
            ),
        ];
        refused.retain(|(key, url, nonce, body, signature)| {
            verify(key, post(url, nonce, body, signature)).is_err()
        });
        assert!(refused.is_empty(), "{refused:#?}");
    }

    #[test]
    fn a_signature_over_sorted_array_elements_is_refused() {
        let sorted = post(
            HOST,
            "1700000003",
            V3,
            "rZgVQL7KcIV+xaV4ftHTo0ppwhzpvTAcuFRQ2uaYvkU=",
        );
        assert_eq!(verify(KEY, sorted).unwrap_err(), Invalid::Signature);
    }

    #[test]
    fn a_callback_that_differs_from_the_signed_one_is_refused() {
        let good = post(HOST, "1700000001", V1, V1_SIGNATURE);
        assert!(verify(KEY, good).is_ok());
        assert!(verify("another-key", good).is_err());
        let changed = V1.replace("1635", "1636");
        let with_signature = |signature| Callback { signature, ..good };
        let with_params = |params| Callback { params, ..good };
        let mut failed = vec![
            Callback {
                nonce: "1700000002",
                ..good
            },
            Callback {
                url: "https://vpn.example.test/authy/cb/",
                ..good
            },
            with_signature(""),
            with_signature("+x+I7L3i+qc32xMvxRS3ZpiHApkDLb7905q2BNdPNt"),
            with_signature("AAAA"),
            with_params(Params::Post(changed.as_bytes())),
            with_params(Params::Get("")),
        ];
        failed.retain(|callback| verify(KEY, *callback).err() != Some(Invalid::Signature));
        assert!(failed.is_empty(), "{failed:#?}");
    }

    #[test]
    fn a_body_that_is_not_a_json_object_is_refused() {
        let mut failed = vec!["", "[]", "true", "{"];
        failed.retain(|body| {
            let callback = post(HOST, "1700000001", body, V1_SIGNATURE);
            verify(KEY, callback).err() != Some(Invalid::Body)
        });
        assert!(failed.is_empty(), "{failed:?}");
    }

    #[test]
    fn arrays_longer_than_ten_keep_their_order() {
        let numbers: Vec<_> = (0..12).collect();
        let object = json!({"n": numbers});
        let form = canonical_object("", object.as_object().unwrap(), b"-_.");
        let expected: Vec<_> = (0..12).map(|n| format!("n%5B%5D={n}")).collect();
        assert_eq!(form, expected.join("&"));
    }

    #[test]
    fn a_get_is_accepted_as_received_or_in_canonical_form() {
        let canonical = "authy_id=1635&status=approved&uuid=a-b";
        let signature = sign("key", "17.5", "GET", HOST, canonical);
        let mut failed = vec![canonical, "uuid=a%2Db&status=approved&authy_id=1635"];
        failed.retain(|query| {
            let answer = verify("key", get("17.5", query, &signature));
            let read = answer.map(|answer| (answer.decision, answer.signed_at, answer.authy_id));
            read != Ok((Decision::Approved, Some(17), "1635".parse().ok()))
        });
        assert!(failed.is_empty(), "{failed:?}");
    }

    #[test]
    fn contradictory_decisions_of_a_post_are_a_denial() {
        let body =
            r#"{"status":"approved","approval_request":{"transaction":{"status":"denied"}}}"#;
        let object: Value = serde_json::from_str(body).unwrap();
        let form = canonical_object("", object.as_object().unwrap(), b"-_.");
        let signature = sign("key", "1", "POST", HOST, &form);
        let answer = verify("key", post(HOST, "1", body, &signature)).unwrap();
        assert_eq!(answer.decision, Decision::Denied);
    }

    #[test]
    fn contradictory_decisions_of_a_get_are_a_denial() {
        let mut failed = vec![
            "status=approved&approval_request[transaction][status]=denied",
            "status=denied&status=approved",
        ];
        failed.retain(|query| {
            let signature = sign("key", "1", "GET", HOST, query);
            let answer = verify("key", get("1", query, &signature));
            answer.map(|answer| answer.decision) != Ok(Decision::Denied)
        });
        assert!(failed.is_empty(), "{failed:?}");
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(text in any::<String>()) {
            prop_assert_eq!(decode(&encode(&text, b"-_.")), text);
        }

        #[test]
        fn arbitrary_input_is_refused_without_a_panic(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            text in any::<String>(),
        ) {
            for params in [Params::Post(&body), Params::Get(&text)] {
                let callback = Callback { url: &text, nonce: &text, signature: &text, params };
                prop_assert!(verify("key", callback).is_err());
            }
        }
    }
}
