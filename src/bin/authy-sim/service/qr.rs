//! API call for a secret of another authenticator app, and the QR code that such an app scans.
//!
//! `service/mod.rs` routes the call here; `control.rs` routes the image's address, which needs no
//! API key.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, QrCode};

use super::{PathId, SimState, with_person};
use crate::answer::{Answer, Failure, respond};
use crate::ordered::ordered;
use crate::params::Params;
use crate::state::Sim;

/// Default width and height of the image, in pixels.
const DEFAULT_SIZE: usize = 300;
/// Width of the white margin in modules, as the QR code standard requires.
const MARGIN: usize = 4;

pub(super) async fn secret(State(sim): SimState, Path(id): PathId, params: Params) -> Response {
    respond(answer_secret(&sim, &id, &params))
}

fn answer_secret(sim: &Sim, id: &str, params: &Params) -> Answer {
    let size = match params.text("qr_size").filter(|size| !size.is_empty()) {
        Some(size) => size.parse().ok().filter(|size| (50..=2000).contains(size)),
        None => Some(DEFAULT_SIZE),
    };
    let Some(size) = size else {
        return Err(Failure::new(400, 60122, "QR code could not be generated"));
    };
    let label = params.text("label").filter(|label| !label.is_empty());
    with_person(sim, id, |person| {
        let label = label.unwrap_or_else(|| person.email.clone());
        let uri = person.add_other_app(&label);
        let code = URL_SAFE_NO_PAD.encode(uri);
        Ok(ordered! {
            "qr_code": format!("{}/qr/{size}-{code}.png", sim.url()),
            "label": label,
            "issuer": "authy-sim",
            "success": true,
        })
    })
}

/// Returns the image of a QR code. Its address contains the whole content, so no state is needed.
pub(crate) async fn image(Path(code): Path<String>) -> Response {
    match draw(&code) {
        Some(png) => {
            let headers = [(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "no-store")];
            (headers, png).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Draws the image `SIZE-CONTENT.png` with the content in base64; `None` if the name is malformed.
fn draw(code: &str) -> Option<Vec<u8>> {
    let (size, code) = code.strip_suffix(".png")?.split_once('-')?;
    let size: usize = size.parse().ok().filter(|size| *size <= 2000)?;
    let code = QrCode::new(URL_SAFE_NO_PAD.decode(code).ok()?).ok()?;
    let modules = code.width() + 2 * MARGIN;
    let scale = (size / modules).max(1);
    let width = modules * scale;
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(MARGIN).filter(|at| *at < code.width());
        inside(x / scale)
            .zip(inside(y / scale))
            .is_some_and(|at| code[at] == Color::Dark)
    };
    let pixels: Vec<u8> = (0..width * width)
        .map(|at| {
            if is_dark(at % width, at / width) {
                0
            } else {
                255
            }
        })
        .collect();
    let mut png = Vec::new();
    let side = u32::try_from(width).ok()?;
    let mut encoder = Encoder::new(&mut png, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    drop(writer);
    Some(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_name_gives_a_png_and_a_malformed_name_gives_none() {
        let code = URL_SAFE_NO_PAD.encode("otpauth://totp/x?secret=ABC");
        assert!(
            draw(&format!("300-{code}.png"))
                .unwrap()
                .starts_with(b"\x89PNG")
        );
        for bad in ["", "x.png", "300-!.png", "99999999-AA.png", "-.png"] {
            assert!(draw(bad).is_none(), "{bad}");
        }
    }
}
