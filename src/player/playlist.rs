//! `get.php`: playlists.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    http::{StatusCode, header},
    web::{Bytes, Data, Payload},
};

use super::{
    PlayerCache, etag,
    request::{self, PlayerRequest},
    template::Template,
};
use crate::wire::fetching::{Fetch, Fetching};
use crate::{
    domain::fields::container::Container,
    ops::{
        channels::catalogue::{BouquetSet, Cached, bouquets_of},
        clock,
        viewing::{Credentials, RecordedDays, Subscriber},
    },
};

/// It is sent in pieces of this many bytes, about.
const PIECE: usize = 64 << 10;

/// Playlists of every set of bouquets, and who is fetching one.
#[derive(Default)]
pub struct Playlists {
    made: Cached<(BouquetSet, Container, bool, RecordedDays), Template>,
    fetching: Arc<Fetching>,
}

/// Answers a playlist, or the status that says why not: 401, 403, 429.
pub async fn get(request: HttpRequest, payload: Payload, kept: Data<PlayerCache>) -> HttpResponse {
    match answer(&request, payload, &kept.playlists).await {
        Ok(response) | Err(response) => response,
    }
}

async fn answer(
    request: &HttpRequest,
    payload: Payload,
    playlists: &Playlists,
) -> Result<HttpResponse, HttpResponse> {
    let asked = PlayerRequest::read(request, payload).await?;
    let who = asked.subscriber().map_err(|refusal| request::refused(&refusal))?;
    if !who.subscription.is_active(clock::now()) {
        return Err(request::empty(StatusCode::FORBIDDEN));
    }
    let with_attributes = match asked.text("type").to_ascii_lowercase().as_str() {
        "" | "m3u_plus" => true,
        "m3u" => false,
        _ => return Err(unknown("type is m3u_plus or m3u")),
    };
    let form = match asked.text("output").to_ascii_lowercase().as_str() {
        "" => Some(Container::Ts),
        output => Container::named(output),
    };
    let form = form.ok_or_else(|| unknown("output is ts, mpegts, hls or m3u8"))?;
    let fetch =
        playlists.fetching.begin(who.viewer).ok_or_else(|| request::empty(StatusCode::TOO_MANY_REQUESTS))?;
    let filling = filling(&asked, &who, playlists, form, with_attributes).await?;
    let Filling { template, head, address } = &filling;
    let tag = etag::of(&[template.digest(), head.as_bytes(), address.as_bytes()]);
    if etag::is_held(request, &tag) {
        return Ok(request::answer(StatusCode::NOT_MODIFIED).insert_header(header::ETag(tag)).finish());
    }
    let kind = if with_attributes { "_plus" } else { "" };
    let file = format!("attachment; filename=\"playlist_{}{kind}.m3u\"", who.name);
    Ok(request::answer(StatusCode::OK)
        .content_type("audio/x-mpegurl")
        .insert_header((header::CONTENT_DISPOSITION, file))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header(header::ETag(tag))
        .body(Body { filling, next: Some(0), has_begun: false, _fetch: fetch }))
}

/// A playlist of a set of bouquets, and what one viewer's copy of it says besides.
struct Filling {
    template: Arc<Template>,
    head: String,
    /// Of the streams, up to their ids.
    address: String,
}

async fn filling(
    asked: &PlayerRequest,
    who: &Subscriber,
    playlists: &Playlists,
    form: Container,
    with_attributes: bool,
) -> Result<Filling, HttpResponse> {
    let (viewing, set) = (&asked.ops.viewing, bouquets_of(who));
    let recorded = viewing.recorded_days(who).map_err(|error| request::refused(&error.into()))?;
    let key = (set.clone(), form, with_attributes, recorded.clone());
    let ops = asked.ops.clone();
    let make = move || {
        let channels = ops.viewing.channels_in(set);
        channels.map(|channels| Template::playlist(&channels, form, with_attributes, &recorded))
    };
    let template = playlists.made.get_beside(|| viewing.catalogue(), key, make).await;
    let template = template.map_err(|error| request::refused(&error.into()))?;
    let (url, name) = (asked.origin.url(), &who.name);
    let (query, path) = match asked.credentials() {
        Credentials::Password { password, .. } => {
            (format!("username={name}&password={password}"), format!("{name}/{password}"))
        }
        Credentials::Token(token) => (format!("token={token}"), token.to_owned()),
    };
    let head = if with_attributes {
        format!("#EXTM3U url-tvg=\"{url}/xmltv.php?{query}\"\n")
    } else {
        "#EXTM3U\n".to_owned()
    };
    Ok(Filling { template, head, address: format!("{url}/live/{path}/") })
}

fn unknown(rule: &'static str) -> HttpResponse {
    request::answer(StatusCode::BAD_REQUEST)
        .content_type("text/plain; charset=utf-8")
        .body(format!("{rule}\n"))
}

/// A playlist that is filled in as it is sent, and counts as being fetched until then.
struct Body {
    filling: Filling,
    /// Where it goes on.
    next: Option<usize>,
    has_begun: bool,
    _fetch: Fetch,
}

impl MessageBody for Body {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        let Filling { template, head, address } = &self.filling;
        BodySize::Sized((head.len() + template.length(address)) as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = &mut *self;
        let Some(from) = this.next else { return Poll::Ready(None) };
        let mut text = String::with_capacity(PIECE + PIECE / 8);
        if !std::mem::replace(&mut this.has_begun, true) {
            text.push_str(&this.filling.head);
        }
        this.next = this.filling.template.write(from, &this.filling.address, &mut text, PIECE);
        Poll::Ready(Some(Ok(text.into())))
    }
}
