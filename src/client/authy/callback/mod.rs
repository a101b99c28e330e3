//! Checks the signature of the callbacks that OneTouch sends to an application's own URL, and reads
//! them. For programs that use the crate. A callback is not trusted until its signature is checked.
//!
//! Source: Authy API, "Validating incoming requests": base64 of HMAC-SHA256, keyed with the API
//! key, over `nonce|METHOD|url|params`, in the headers `X-Authy-Signature` and
//! `X-Authy-Signature-Nonce`. `params` is the tree of the parameters as `a[b][]=c` pairs, sorted
//! within each object, and in the given order within an array. Nothing here uses the network.

mod canonical;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Map, Value};

use canonical::{canonical_object, canonical_query, decode};

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
#[non_exhaustive]
pub enum Params<'a> {
    /// The JSON body of a POST.
    Post(&'a [u8]),
    /// The undecoded query of a GET, without `?`.
    Get(&'a str),
}

/// The content of a callback whose signature is valid.
#[derive(Debug, Clone)]
#[non_exhaustive]
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
#[non_exhaustive]
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

#[cfg(test)]
mod tests;
