//! The web page that simulates every person's phone.
//!
//! `control.rs` routes `/phone` and its two files here. The page shows untrusted text (an
//! application's messages), so its content security policy allows its own files alone and its
//! script inserts text, never HTML. No other page may show it in a frame, where a click could be
//! led to a button of it.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};

/// Returns the page, which polls /phone.json once a second.
pub(crate) async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(include_str!("phone.html")))
}

pub(crate) async fn style() -> impl IntoResponse {
    file("text/css", include_str!("phone.css"))
}

pub(crate) async fn script() -> impl IntoResponse {
    file("text/javascript", include_str!("phone.js"))
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text)
}
