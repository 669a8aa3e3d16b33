//! Texts as QR codes, for cameras.

use qrcode::{QrCode, render::svg};

use crate::domain::{Error, Refused, Result};

/// The code of a text, as SVG.
///
/// # Errors
/// [`Error::Refused`] for a text that is too long for one.
pub fn svg(text: &str) -> Result<String> {
    let code = QrCode::new(text).map_err(|_| Error::from(Refused::TooLongForQrCode))?;
    // Black on white in any theme: cameras want the contrast.
    let (dark, light) = (svg::Color("#000000"), svg::Color("#ffffff"));
    Ok(code.render().min_dimensions(220, 220).dark_color(dark).light_color(light).build())
}
