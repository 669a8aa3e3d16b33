//! The addresses at which players ask for what is recorded (docs/catch-up.md, "What players ask").

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use url::form_urlencoded;

use super::{live, refusal};
use crate::{
    domain::{
        fields::{container::Container, time::UnixTime, token::LineToken},
        ids::{StreamId, parse_id},
        viewing::{
            admission::Rule,
            title::Title,
            window::{self, Window},
        },
    },
    ops::{
        Ops,
        viewing::{Client, Credentials, Refusal, Way},
    },
    wire::{path, visitor::Visitor},
};

/// What is asked for.
struct CatchUpRequest<'a> {
    credentials: Credentials<'a>,
    start: &'a str,
    minutes: &'a str,
    stream: StreamId,
    container: Container,
}

/// `/timeshift/U/P/MINUTES/START/ID`, `.ts`, `.m3u8`; a token stands for `U/P`.
pub async fn timeshift(request: HttpRequest, visitor: Visitor, ops: Data<Ops>) -> HttpResponse {
    let segments = path::segments(request.path());
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (credentials, [minutes, start, file]) = match segments[..] {
        ["timeshift", username, password, minutes, start, file] => {
            (Credentials::Password { username, password }, [minutes, start, file])
        }
        ["timeshift", token, minutes, start, file] if LineToken::new(token).is_ok() => {
            (Credentials::Token(token), [minutes, start, file])
        }
        _ => return refusal::response(&Refusal::NoSuchStream),
    };
    let Some((stream, container, None)) = live::parse(file, UnixTime::clamped(0)) else {
        return refusal::response(&Refusal::NoSuchStream);
    };
    answer(&request, visitor, &ops, &CatchUpRequest { credentials, start, minutes, stream, container }).await
}

/// `/streaming/timeshift.php?username&password&stream&start&duration[&extension]`.
pub async fn script(request: HttpRequest, visitor: Visitor, ops: Data<Ops>) -> HttpResponse {
    let fields: HashMap<_, _> = form_urlencoded::parse(request.query_string().as_bytes()).collect();
    let text = |name: &str| fields.get(name).map_or("", AsRef::as_ref);
    let credentials = match text("token") {
        "" => Credentials::Password { username: text("username"), password: text("password") },
        token => Credentials::Token(token),
    };
    let container = match text("extension") {
        "" => Some(Container::Ts),
        named => Container::named(named),
    };
    let (Ok(stream), Some(container)) = (parse_id(text("stream")), container) else {
        return refusal::response(&Refusal::NoSuchStream);
    };
    let (start, minutes, stream) = (text("start"), text("duration"), StreamId(stream));
    answer(&request, visitor, &ops, &CatchUpRequest { credentials, start, minutes, stream, container }).await
}

/// `/archive/TOKEN/FILE.mpg`, what a link of the portal opens: an hour of a clock, `20261129-18`, or a programme.
pub async fn file(request: HttpRequest, visitor: Visitor, ops: Data<Ops>) -> HttpResponse {
    if let Some(response) = live::not_watching(request.method()) {
        return response;
    }
    let segment = |name| request.match_info().get(name).unwrap_or_default();
    let (token, name) = (segment("token"), segment("file"));
    let from = Client { address: visitor.address, agent: visitor.agent.into() };
    let answer = async {
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        let (who, title) = ops.linked_file(token, stem, &from)?;
        live::answer(&request, &who, title, Container::Ts, &from, &ops).await
    };
    answer.await.unwrap_or_else(|refused| refusal::response(&refused))
}

async fn answer(
    request: &HttpRequest,
    visitor: Visitor,
    ops: &Ops,
    wish: &CatchUpRequest<'_>,
) -> HttpResponse {
    if let Some(response) = live::not_watching(request.method()) {
        return response;
    }
    let from = Client { address: visitor.address, agent: visitor.agent.into() };
    let answer = async {
        let who = ops.viewing.subscriber(wish.credentials, Way::Plain, &from)?;
        let start = window::start(wish.start, &ops.snapshot().settings.time_zone.zone());
        let start = start.ok_or(Refusal::Rule(Rule::Archive))?;
        let window = ops.viewing.widened(Window::of_minutes(start, wish.minutes));
        let title = Title::Archive(wish.stream, window);
        live::answer(request, &who, title, wish.container, &from, ops).await
    };
    answer.await.unwrap_or_else(|refused| refusal::response(&refused))
}

/// The window of a live address that carries one: `?utc=START&lutc=NOW`. `None` if it carries none.
///
/// # Errors
/// [`Refusal`] for one that is no moment, or that ends before it begins.
pub fn in_query(query: &str, ops: &Ops) -> Result<Option<Window>, Refusal> {
    if query.is_empty() {
        return Ok(None);
    }
    let fields: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
    let text = |name: &str| fields.get(name).map_or("", AsRef::as_ref);
    if text("utc").is_empty() {
        return Ok(None);
    }
    let zone = ops.snapshot().settings.time_zone.zone();
    let window = Window::of_utc(text("utc"), text("utcend"), text("duration"), &zone);
    window.map(Some).ok_or(Refusal::Rule(Rule::Archive))
}

/// Whether a file's name is that of a part of an archive, without its stream.
pub fn is_part(file: &str) -> bool {
    ["timeshift_abs-", "timeshift_rel-", "archive-"].iter().any(|word| file.starts_with(word))
}
