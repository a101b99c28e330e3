//! Checks the signature of the callbacks that OneTouch sends to an application's own URL, and reads
//! them. For programs that use the crate. A callback is not trusted until its signature is checked.
//!
//! Source: Authy API, "Validating incoming requests": base64 of HMAC-SHA256, keyed with the API
//! key, over `nonce|METHOD|url|params`, in the headers `X-Authy-Signature` and
//! `X-Authy-Signature-Nonce`. `params` is the tree of the parameters as `a[b][]=c` pairs, sorted
//! within each object, and in the given order within an array. Nothing here uses the network.
//!
//! That text says nothing of some differences: `{"a":{"b":1}}` and `{"a[b]":1}` have the same one, and
//! so a person who may pass a signed callback on could hide its decision. So no name may be empty or
//! have brackets, but for those of a query that are a path. Further differences that the signature
//! leaves open change nothing that is read here: whether a value is a text or a number, empty
//! objects and arrays, and which members of an array's objects belong together.

mod canonical;
mod names;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Map, Value};

use canonical::{canonical_object, canonical_query};

use super::approvals::Decision;
use super::reply::number;
use super::types::{AuthyId, Uuid};
use crate::base::secret::Secret;
use crate::client::http::json;

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
    /// The person who decided.
    pub authy_id: AuthyId,
    /// The request.
    pub uuid: Uuid,
    /// The seconds since 1970 at the beginning of the nonce, if there are any. Refuse old callbacks
    /// and a nonce that was used before: the signature alone does not prevent replays.
    pub signed_at: Option<u64>,
    /// All parameters. Arrays of a GET have only those elements that are texts.
    pub all: Map<String, Value>,
}

impl Answer {
    /// Returns the answer unless it is about a person other than `id`, or a request other than
    /// `uuid`.
    ///
    /// # Errors
    /// [`Invalid::Another`] if it is.
    pub fn belonging_to(self, id: AuthyId, uuid: &Uuid) -> Result<Self, Invalid> {
        if self.authy_id == id && self.uuid == *uuid {
            Ok(self)
        } else {
            Err(Invalid::Another)
        }
    }
}

/// Why a callback is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// The signature is malformed or does not match.
    #[error("the signature is wrong")]
    Signature,
    /// The body of a POST is not a JSON object, or one with a repeated member.
    #[error("the body is not a JSON object")]
    Body,
    /// A name is empty, repeated or has brackets, so that the signature does not bind the structure.
    #[error("a parameter has a name that can be read in two ways")]
    Names,
    /// The id of the person or of the request is missing.
    #[error("the callback does not name the person and the request")]
    Ids,
    /// It is about another person or request.
    #[error("the callback is about another person or request")]
    Another,
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
    /// // The person who was asked, and the request that `approvals().create` returned.
    /// let (id, uuid) = ("1635".parse()?, "00000000-1111-0135-2222-333333333333".parse()?);
    /// let body = br#"{"authy_id":1635,"status":"approved","callback_action":"approval_request_status",
    ///     "uuid":"00000000-1111-0135-2222-333333333333"}"#;
    /// let callback = Callback {
    ///     url: "https://vpn.example.test/authy/cb",
    ///     nonce: "1700000001",
    ///     signature: "gOP93jyRwB2nIEKqIWhoS0EGUVFzK1pjCvSXjYMd98k=",
    ///     params: Params::Post(body),
    /// };
    /// let answer = callback.verify(&Secret::new("test-api-key-0001".into()))?;
    /// let answer = answer.belonging_to(id, &uuid)?;
    /// assert_eq!(answer.decision, Decision::Approved);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Invalid`] if the callback is not Authy's, or not whole. Ignore such a callback.
    pub fn verify(&self, key: &Secret) -> Result<Answer, Invalid> {
        let signature = STANDARD
            .decode(self.signature.trim())
            .map_err(|_| Invalid::Signature)?;
        let body = match self.params {
            Params::Post(body) => Some(json::object(body).ok_or(Invalid::Body)?),
            Params::Get(_) => None,
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
        let is_signed = |params: &String| {
            let data = format!("{}|{}|{}|{params}", self.nonce, self.method(), self.url);
            hmac::verify(&key, data.as_bytes(), &signature).is_ok()
        };
        // With a `|` in the nonce, the same text could be signed for another URL.
        if self.nonce.contains('|') || !self.canonical_forms(body.as_ref()).iter().any(is_signed) {
            return Err(Invalid::Signature);
        }
        let all = match (self.params, body) {
            (Params::Get(query), _) => names::tree(query).ok_or(Invalid::Names)?,
            (Params::Post(_), Some(body)) if names::are_plain(&body) => body,
            (Params::Post(_), _) => return Err(Invalid::Names),
        };
        self.answer(all)
    }

    fn method(&self) -> &'static str {
        match self.params {
            Params::Post(_) => "POST",
            Params::Get(_) => "GET",
        }
    }

    /// Returns the forms of the parameters that the signer may have used, since some signers encode
    /// `~` and `*` and others do not.
    fn canonical_forms(&self, body: Option<&Map<String, Value>>) -> Vec<String> {
        const UNESCAPED: [&[u8]; 3] = [b"-_.", b"-_.~", b"-_.*"];
        match self.params {
            Params::Post(_) => UNESCAPED
                .iter()
                .filter_map(|unescaped| Some(canonical_object("", body?, unescaped)))
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

    fn answer(&self, all: Map<String, Value>) -> Result<Answer, Invalid> {
        let outer = all.get("status").and_then(Value::as_str);
        let inner = all
            .get("approval_request")
            .and_then(|request| request.get("transaction")?.get("status")?.as_str());
        let decision = match (outer, inner) {
            (Some("approved"), None | Some("approved")) => Decision::Approved,
            _ => Decision::Denied,
        };
        let id = all.get("authy_id").and_then(number);
        let uuid = all.get("uuid").and_then(Value::as_str);
        let seconds = self.nonce.split('.').next().unwrap_or_default();
        Ok(Answer {
            decision,
            authy_id: id.and_then(|id| id.try_into().ok()).ok_or(Invalid::Ids)?,
            uuid: uuid
                .and_then(|uuid| uuid.parse().ok())
                .ok_or(Invalid::Ids)?,
            signed_at: seconds.parse().ok(),
            all,
        })
    }
}

#[cfg(test)]
mod tests;
