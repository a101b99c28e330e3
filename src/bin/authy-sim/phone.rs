//! The web page that simulates every person's phone.
//!
//! `control.rs` routes `/phone` here. The page shows untrusted text (an application's messages), so
//! its content security policy allows no other origin and its script inserts text, never HTML.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse};

/// Returns the page, which polls /phone.json once a second.
pub(crate) async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
    let headers = [
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(include_str!("phone.html")))
}
