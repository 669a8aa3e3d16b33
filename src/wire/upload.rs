//! Multipart bodies with files in them: what `body` refuses. A file comes in pieces and is kept nowhere as a whole.

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{HttpRequest, http::header::CONTENT_LENGTH, web::Payload};
use futures_util::StreamExt;

use super::body::BodyError;

/// Small pieces are gathered until they are so long.
const PIECE: usize = 256 << 10;

/// A form with files, on its way in.
pub struct Parts {
    multipart: Multipart,
    left: usize,
}

/// One part of a form.
pub struct Part<'p> {
    /// The field's name.
    pub name: String,
    /// `None` at its end: a field must not be asked again then.
    field: Option<Field>,
    left: &'p mut usize,
}

impl Parts {
    /// The parts of a form of at most `most` bytes in all.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] for one that says that it is longer.
    pub fn of(request: &HttpRequest, payload: Payload, most: usize) -> Result<Self, BodyError> {
        let length = request.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > most) {
            return Err(BodyError::TooLarge);
        }
        Ok(Self { multipart: Multipart::new(request.headers(), payload), left: most })
    }

    /// The next part; the one before it must have been read.
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn next(&mut self) -> Result<Option<Part<'_>>, BodyError> {
        let Some(field) = self.multipart.next().await else { return Ok(None) };
        let field = field.map_err(broken)?;
        let name = field.name().map(str::to_owned).ok_or_else(malformed)?;
        Ok(Some(Part { name, field: Some(field), left: &mut self.left }))
    }
}

impl Part<'_> {
    /// The next bytes; none of a file that was not chosen.
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, BodyError> {
        let mut piece = Vec::new();
        while piece.len() < PIECE
            && let Some(field) = &mut self.field
        {
            let Some(chunk) = field.next().await else {
                self.field = None;
                break;
            };
            let chunk = chunk.map_err(broken)?;
            *self.left = self.left.checked_sub(chunk.len()).ok_or(BodyError::TooLarge)?;
            piece.extend_from_slice(&chunk);
        }
        Ok((!piece.is_empty()).then_some(piece))
    }
}

fn broken(error: MultipartError) -> BodyError {
    match error {
        MultipartError::Payload(error) => BodyError::ended(&error),
        _ => malformed(),
    }
}

fn malformed() -> BodyError {
    BodyError::Malformed("the multipart body is not well formed".into())
}
