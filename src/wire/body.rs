//! A request's body as a tree of fields, in any of the three ways in which callers send it.

use std::{io, time::Duration};

use actix_multipart::Multipart;
use actix_web::{
    HttpRequest,
    error::PayloadError,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
    },
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;
use indexmap::IndexMap;

use super::form::{Malformed, Node, Tree, parse_form, parse_json};

/// The most bytes that a body may have: 1 MiB.
pub const MOST: usize = 1 << 20;

/// Why a body cannot be taken.
pub enum BodyError {
    /// More than [`MOST`] bytes.
    TooLarge,
    /// It did not come in time (`wire::timed`).
    Late,
    /// It cannot be read; what and where.
    Malformed(String),
}

impl BodyError {
    /// Why a body ended early.
    pub fn ended(error: &PayloadError) -> Self {
        match error {
            PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::Late,
            _ => Self::Malformed("the body ended before it was whole".into()),
        }
    }
}

impl From<Malformed> for BodyError {
    fn from(Malformed(why): Malformed) -> Self {
        Self::Malformed(why)
    }
}

/// Reads a body by its Content-Type; without one it is a form, as PHP has it.
///
/// # Errors
/// [`BodyError`].
pub async fn read(request: &HttpRequest, payload: Payload) -> Result<IndexMap<String, Node>, BodyError> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let length = header(CONTENT_LENGTH).parse::<u64>().unwrap_or(0);
    if length > MOST as u64 {
        return Err(BodyError::TooLarge);
    }
    if !matches!(header(CONTENT_ENCODING), "" | "identity") {
        return Err(BodyError::Malformed("send it as it is, without Content-Encoding".into()));
    }
    let kind = header(CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => Ok(parse_json(&whole(payload).await?)?),
        // Apart: what it holds meanwhile is large, and hardly any call is one.
        "multipart/form-data" => Box::pin(multipart(request, payload)).await,
        "application/x-www-form-urlencoded" | "" => {
            let body = whole(payload).await?;
            // curl -d sends JSON under this name unless told.
            if body.trim_ascii_start().starts_with(b"{") {
                return Err(BodyError::Malformed(
                    "it looks like JSON: send Content-Type: application/json".into(),
                ));
            }
            Ok(parse_form(&body)?)
        }
        _ => Err(BodyError::Malformed(
            "Content-Type must be application/x-www-form-urlencoded, multipart/form-data or application/json"
                .into(),
        )),
    }
}

/// The fields of the query and of the body, as the APIs take them; the body's win. What is named so is never taken out of the query:
/// queries stand in the logs of every proxy.
///
/// # Errors
/// The status and the sentence of a request that cannot be read.
pub async fn query_and_body(
    request: &HttpRequest,
    payload: Payload,
    not_in_query: Option<&str>,
) -> Result<IndexMap<String, Node>, (StatusCode, String)> {
    let malformed =
        |what, why| (StatusCode::BAD_REQUEST, format!("The request cannot be read: {what}: {why}"));
    let query = parse_form(request.query_string().as_bytes());
    let mut fields = query.map_err(|Malformed(why)| malformed("query", why))?;
    if let Some(name) = not_in_query {
        fields.shift_remove(name);
    }
    let body = read(request, payload).await.map_err(|error| match error {
        BodyError::Late => malformed("body", "it did not come in time".into()),
        BodyError::TooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, "The body is over 1 MiB: send less at once".into())
        }
        BodyError::Malformed(why) => malformed("body", why),
    })?;
    if fields.is_empty() {
        return Ok(body);
    }
    fields.extend(body);
    Ok(fields)
}

/// For so long a body is awaited of whoever is blocked: it may be of somebody who goes on.
const HURRIED: Duration = Duration::from_secs(1);

/// A body of somebody who is blocked, if it comes at once.
///
/// # Errors
/// [`BodyError`].
pub async fn at_once<T>(body: impl Future<Output = Result<T, BodyError>>) -> Result<T, BodyError> {
    actix_web::rt::time::timeout(HURRIED, body).await.unwrap_or(Err(BodyError::Late))
}

/// The bytes of a body.
///
/// # Errors
/// [`BodyError`].
pub async fn whole(mut payload: Payload) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| BodyError::ended(&error))?;
        if first.len() + body.len() + chunk.len() > MOST {
            return Err(BodyError::TooLarge);
        }
        // Most come in one piece, which needs no copy.
        if first.is_empty() && body.is_empty() {
            first = chunk;
        } else {
            body.extend_from_slice(&std::mem::take(&mut first));
            body.extend_from_slice(&chunk);
        }
    }
    Ok(if body.is_empty() { first } else { body.freeze() })
}

async fn multipart(request: &HttpRequest, payload: Payload) -> Result<IndexMap<String, Node>, BodyError> {
    let broken = |_| BodyError::Malformed("the multipart body is not well formed".into());
    // The size is counted here and not by the parser, so that the headers of parts count too.
    let body = whole(payload).await?;
    let stream = futures_util::stream::iter([Ok::<_, actix_web::error::PayloadError>(body)]);
    let mut parts = Multipart::new(request.headers(), stream);
    let mut tree = Tree::new();
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(broken)?;
        let name = part.name().map(str::to_owned);
        let name =
            name.ok_or_else(|| BodyError::Malformed("a part of the multipart body has no name".into()))?;
        // The parser would cut the value to that length without a word.
        if part.headers().contains_key(CONTENT_LENGTH) {
            return Err(BodyError::Malformed("a part must not have a Content-Length of its own".into()));
        }
        if part.content_disposition().is_some_and(|about| about.get_filename().is_some()) {
            return Err(BodyError::Malformed("files cannot be sent here".into()));
        }
        let mut value = Vec::new();
        while let Some(chunk) = part.next().await {
            value.extend_from_slice(&chunk.map_err(broken)?);
        }
        let value =
            String::from_utf8(value).map_err(|_| BodyError::Malformed("a part is not UTF-8".into()))?;
        tree.insert(&name, value)?;
    }
    Ok(tree.root())
}
