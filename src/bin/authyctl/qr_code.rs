//! Draws a QR code: in the terminal, or as an image that only its owner can read.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use pam_authy::base::secret::Secret;
use qrcode::render::unicode::Dense1x2;
use qrcode::{Color, QrCode};

use crate::error::{CommandError, ErrorKind};
use crate::output::has_colours;

/// The blank modules around a code, and the pixels of a module in an image.
const MARGIN: usize = 4;
const SCALE: usize = 8;

/// Draws the text in half blocks, light modules in the colour of the text. On a terminal with colours
/// that is white on black, so that any background will do; elsewhere it is right for light text on
/// a dark background, as most terminals have, and apps read the reverse too.
pub(crate) fn draw(text: &Secret) -> Result<Vec<String>, CommandError> {
    let code = code(text)?;
    let drawn = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    let has_colours = has_colours(&io::stdout());
    let coloured = |line: &str| format!("\x1b[97;40m{line}\x1b[0m");
    let plain = |line: &str| line.to_owned();
    let lines = drawn.lines();
    Ok(lines
        .map(|line| {
            if has_colours {
                coloured(line)
            } else {
                plain(line)
            }
        })
        .collect())
}

/// Writes the text as a PNG image into a new file with mode 0600.
pub(crate) fn write_png(path: &Path, text: &Secret) -> Result<(), CommandError> {
    let image = png(text)?;
    write_new(path, &image).map_err(|error| CommandError::file(path, &error))
}

/// Writes a new file that only its owner can read.
///
/// # Errors
/// The file exists already, or cannot be written.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn png(text: &Secret) -> Result<Vec<u8>, CommandError> {
    let code = code(text)?;
    let (colours, modules) = (code.to_colors(), code.width());
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(MARGIN).filter(|at| *at < modules);
        let index = inside(x / SCALE).zip(inside(y / SCALE));
        let colour = index.and_then(|(x, y)| colours.get(y * modules + x));
        colour == Some(&Color::Dark)
    };
    let size = (modules + 2 * MARGIN) * SCALE;
    let pixels = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    let pixels: Vec<u8> = pixels
        .map(|(x, y)| if is_dark(x, y) { 0 } else { 255 })
        .collect();
    let failed = |error: png::EncodingError| CommandError::local(error);
    let side = u32::try_from(size).unwrap_or(u32::MAX);
    let mut image = Vec::new();
    let mut encoder = png::Encoder::new(&mut image, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(image)
}

fn code(text: &Secret) -> Result<QrCode, CommandError> {
    QrCode::new(text.expose()).map_err(|_| {
        CommandError::new(ErrorKind::Unavailable, "the text is too long for a QR code")
    })
}
