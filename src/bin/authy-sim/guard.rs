//! Who may use the phones and the faults: programs of this machine, and the simulator's own page in
//! a browser.
//!
//! These routes need no key, and a browser sends requests of any page to a loopback address. Two
//! headers tell such pages from ours. `Host` has the name in the address bar, which is the page's
//! own where its name was rebound to loopback (DNS rebinding). `Origin` has the address of the page
//! that sends a request. `listener.rs` puts [`check`] in front of the routes.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, HeaderValue, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Where the routes are served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    pub(crate) port: u16,
}

impl Place {
    /// Whether the text is this address: localhost or an address of loopback, with the port.
    fn is_host(self, text: &str) -> bool {
        let port = format!(":{}", self.port);
        let default = self.port == if self.scheme == "https" { 443 } else { 80 };
        let name = match text.strip_suffix(&port) {
            Some(name) => name,
            None if default => text,
            None => return false,
        };
        let bracketed = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        let is_loopback = match bracketed {
            Some(name) => name.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback()),
            None => name.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback()),
        };
        is_loopback || name.eq_ignore_ascii_case("localhost")
    }

    /// Whether a page of this origin may change something.
    fn is_origin(self, origin: &str, host: &str) -> bool {
        let own = origin.split_once("://");
        own.is_some_and(|(scheme, name)| scheme == self.scheme && name.eq_ignore_ascii_case(host))
    }

    /// Returns why a request is refused.
    fn refusal(self, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
        let Some(host) = only(headers, &HOST).filter(|host| self.is_host(host)) else {
            return Some("the Host header is not the address of this simulator");
        };
        let has_origin = headers.contains_key(ORIGIN);
        let is_ours = only(headers, &ORIGIN).is_some_and(|origin| self.is_origin(origin, host));
        let reads = method == Method::GET || method == Method::HEAD;
        (!reads && has_origin && !is_ours).then_some("the request comes from another web page")
    }
}

/// Returns the value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let value = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(value)
}

/// Middleware that refuses other hosts, and changes by pages of other origins, by 403.
pub(crate) async fn check(State(place): State<Place>, request: Request, next: Next) -> Response {
    let mut answer = match place.refusal(request.method(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, Json(json!({"message": why}))).into_response(),
        None => next.run(request).await,
    };
    // No page of another origin gets an answer as a script, a picture or a style.
    let headers = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in headers {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_loopback_with_the_own_port_are_the_host() {
        let place = |port, scheme| Place { scheme, port };
        let control = place(8080, "http");
        for own in [
            "localhost:8080",
            "LocalHost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "127.0.0.2:8080",
        ] {
            assert!(control.is_host(own), "{own}");
        }
        for other in [
            "",
            "localhost",
            "127.0.0.1",
            "127.0.0.1:80",
            "evil.example:8080",
            "localhost.:8080",
            "127.0.0.1.evil.example:8080",
            "localhost:8080:8080",
            "x@localhost:8080",
            "::1:8080",
            "0.0.0.0:8080",
            "192.0.2.1:8080",
            "127.1:8080",
            "[::2]:8080",
            "[127.0.0.1]:8080",
        ] {
            assert!(!control.is_host(other), "{other}");
        }
        assert!(place(80, "http").is_host("localhost"));
        assert!(place(443, "https").is_host("[::1]"));
        assert!(!place(443, "http").is_host("localhost"));
    }
}
