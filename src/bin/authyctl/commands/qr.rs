//! `qr`: a QR code for another authenticator app, drawn in the terminal or written to a file.

use pam_authy::base::secret::Secret;
use pam_authy::client::authy::users::QrOptions;
use png::{ColorType, Decoder, Transformations};
use serde_json::json;

use super::{authy_id, client};
use crate::cli::{Global, QrArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;
use crate::qr_code;

/// The largest number of pixels of an image that is decoded.
const PIXEL_LIMIT: usize = 4_000_000;

pub(crate) fn qr(global: &Global, args: &QrArgs) -> Result<Output, CommandError> {
    let id = authy_id(global, &args.person)?;
    let (client, deadline) = client(global)?;
    let options = QrOptions::default()
        .qr_size(args.size)
        .label(args.label.as_deref());
    let code = client.users().secret(id, &options, deadline)?;
    let members = json!({
        "qr_code": code.qr_code.expose(),
        "issuer": code.issuer,
        "label": code.label,
        "authy_id": id.number(),
    });
    let mut lines = Vec::new();
    if let Some(path) = &args.output {
        let image = client.users().qr_image(&code, deadline)?;
        qr_code::write_new(path, &image).map_err(|error| CommandError::file(path, &error))?;
        lines.push(format!(
            "{} is written; it contains the secret",
            path.display()
        ));
    } else if !global.json {
        let uri = match code.qr_code.expose() {
            uri if uri.starts_with("otpauth:") => Secret::new(uri.to_owned()),
            _ => read_code(&client.users().qr_image(&code, deadline)?)?,
        };
        lines = qr_code::draw(&uri)?;
        lines.push("scan it with the app; anyone who sees it has the secret".to_owned());
    }
    Ok(Output::new(lines, members))
}

/// Returns the text of the QR code in a PNG image.
///
/// # Errors
/// The image is not one that can be decoded, or has no QR code.
fn read_code(image: &[u8]) -> Result<Secret, CommandError> {
    let wrong = || CommandError::new(ErrorKind::Unavailable, "the image has no readable QR code");
    let mut decoder = Decoder::new(std::io::Cursor::new(image));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|_| wrong())?;
    let size = reader
        .output_buffer_size()
        .filter(|size| *size <= 4 * PIXEL_LIMIT);
    let mut buffer = vec![0; size.ok_or_else(wrong)?];
    let info = reader.next_frame(&mut buffer).map_err(|_| wrong())?;
    let step = match info.color_type {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => return Err(wrong()),
    };
    let (width, height) = (info.width as usize, info.height as usize);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        buffer.get((y * width + x) * step).copied().unwrap_or(255)
    });
    let grids = prepared.detect_grids();
    let (_, text) = grids
        .first()
        .ok_or_else(wrong)?
        .decode()
        .map_err(|_| wrong())?;
    Ok(Secret::new(text))
}
