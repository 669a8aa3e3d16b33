//! Multipart bodies with files in them: what `body` refuses.

use actix_multipart::{Multipart, MultipartError};
use actix_web::{HttpRequest, http::header::CONTENT_LENGTH, web::Payload};
use futures_util::StreamExt;

use super::body::BodyError;

/// One part of a form.
pub struct Part {
    /// The field's name.
    pub name: String,
    /// Its bytes; those of a file that was not chosen are none.
    pub bytes: Vec<u8>,
}

/// Reads a form with files, of at most `most` bytes in all.
///
/// # Errors
/// [`BodyError`].
pub async fn read(request: &HttpRequest, payload: Payload, most: usize) -> Result<Vec<Part>, BodyError> {
    let malformed = || BodyError::Malformed("the multipart body is not well formed".into());
    let broken = |error| match error {
        MultipartError::Payload(error) => BodyError::ended(&error),
        _ => malformed(),
    };
    let length =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > most) {
        return Err(BodyError::TooLarge);
    }
    let mut multipart = Multipart::new(request.headers(), payload);
    let mut parts = Vec::new();
    let mut read = 0;
    while let Some(part) = multipart.next().await {
        let mut part = part.map_err(broken)?;
        let name = part.name().map(str::to_owned).ok_or_else(malformed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(broken)?;
            read += chunk.len();
            if read > most {
                return Err(BodyError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        parts.push(Part { name, bytes });
    }
    Ok(parts)
}
