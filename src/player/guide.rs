//! `xmltv.php`: the programme guide of a line's channels. The programmes of each channel are written and packed once, and
//! every guide that holds the channel is put together from them on its way, so that no guide is in memory as a whole.

use std::{collections::HashMap, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web::{Bytes, Data, Payload},
};
use futures_util::{Stream, stream};
use sha2::{Digest, Sha256};

use super::{
    PlayerCache, etag,
    packed::{self, Part, Sum},
    parts::{Edition, Parts},
    request::{self, PlayerRequest},
};
use crate::wire::fetching::{Fetch, Fetching};
use crate::{
    domain::{Result, channels::catalogue::Channel, guide::xmltv, ids::StreamId},
    ops::{
        Ops,
        channels::catalogue::{BouquetSet, Cached, Weighed, bouquets_of},
        clock,
    },
    wire::pieces,
};

/// Pieces of an answer are gathered to this many bytes.
const PIECE: usize = 64 << 10;

/// What guides are put together from, and who is fetching one.
#[derive(Default)]
pub struct Guides {
    heads: Cached<BouquetSet, Head>,
    pub(super) parts: Parts,
    fetching: Arc<Fetching>,
}

/// What a set of bouquets decides of its guide.
struct Head {
    /// The channels, as they are named in front.
    part: Part,
    /// Whose programmes follow.
    channels: Vec<GuideChannel>,
    /// SHA-256 of all that.
    digest: Vec<u8>,
}

/// A channel of a guide.
pub(super) struct GuideChannel {
    /// Its id in the guide.
    pub guide_id: Arc<str>,
    /// The streams that have that id: the programmes are those of the first one that has any.
    pub streams: Vec<StreamId>,
}

impl Weighed for Head {
    fn bytes(&self) -> usize {
        let of = |channel: &GuideChannel| {
            size_of::<GuideChannel>() + channel.guide_id.len() + 32 + 8 * channel.streams.len()
        };
        self.part.bytes.len() + self.channels.iter().map(of).sum::<usize>()
    }
}

impl Head {
    /// Channels without a guide id are left out: nothing could refer to them. Several streams of one channel share one entry.
    fn of(channels: &[Channel]) -> Self {
        let mut listed: indexmap::IndexMap<&str, (&Channel, Vec<StreamId>)> = indexmap::IndexMap::new();
        for channel in channels.iter().filter(|channel| !channel.guide_id.is_empty()) {
            listed.entry(&channel.guide_id).or_insert((channel, Vec::new())).1.push(channel.id);
        }
        let text = xmltv::head(listed.values().map(|(channel, _)| *channel));
        let mut digest = Sha256::new();
        digest.update(text.as_bytes());
        for (_, streams) in listed.values() {
            for stream in streams {
                digest.update(stream.0.to_le_bytes());
            }
            digest.update([0; 8]);
        }
        Self {
            part: Part::of(&text),
            channels: listed
                .into_iter()
                .map(|(guide_id, (_, streams))| GuideChannel { guide_id: guide_id.into(), streams })
                .collect(),
            digest: digest.finalize().to_vec(),
        }
    }
}

/// Answers the guide, packed as a file if `gzip=1` is asked, or on its way if the player allows that.
pub async fn get(request: HttpRequest, payload: Payload, kept: Data<PlayerCache>) -> HttpResponse {
    match answer(&request, payload, &kept).await {
        Ok(response) | Err(response) => response,
    }
}

async fn answer(
    request: &HttpRequest,
    payload: Payload,
    kept: &Data<PlayerCache>,
) -> Result<HttpResponse, HttpResponse> {
    let asked = PlayerRequest::read(request, payload).await?;
    let who = asked.subscriber().map_err(|refusal| request::refused(&refusal))?;
    if !who.subscription.is_active(clock::now()) {
        return Err(request::empty(StatusCode::FORBIDDEN));
    }
    let set = bouquets_of(&who);
    let guides = &kept.guides;
    let edition = Edition::now(&asked.ops);
    let (ops, of) = (asked.ops.clone(), set.clone());
    let make = move || ops.viewing.channels_in(of).map(|channels| Head::of(&channels));
    let head = guides.heads.get_beside(|| asked.ops.viewing.catalogue(), set, make).await;
    let head = head.map_err(|error| request::refused(&error.into()))?;
    let tag = header::ETag(etag::of(&[&head.digest, edition.to_string().as_bytes()]));
    if etag::is_held(request, &tag) {
        return Ok(request::answer(StatusCode::NOT_MODIFIED).insert_header(tag).finish());
    }
    let fetch = guides.fetching.begin(who.viewer);
    let fetch = fetch.ok_or_else(|| request::empty(StatusCode::TOO_MANY_REQUESTS))?;
    let as_file = asked.text("gzip") == "1";
    let is_packed = as_file || allows_gzip(request);
    let mut response = request::answer(StatusCode::OK);
    response.insert_header(tag).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if as_file {
        let name = "attachment; filename=\"epg.xml.gz\"";
        response.content_type("application/octet-stream").insert_header((header::CONTENT_DISPOSITION, name));
    } else {
        let vary = (header::VARY, "Accept-Encoding");
        response.content_type("application/xml; charset=utf-8").insert_header(vary);
        if is_packed {
            response.insert_header((header::CONTENT_ENCODING, "gzip"));
        }
    }
    if *request.method() == Method::HEAD {
        return Ok(pieces::answer(response, request.version(), stream::empty()));
    }
    let sending = Sending {
        ops: asked.ops.clone(),
        kept: kept.clone(),
        head,
        is_packed,
        next: 0,
        ahead: HashMap::new(),
        sum: Sum::default(),
        has_begun: false,
        has_ended: false,
        _fetch: fetch,
    };
    Ok(pieces::answer(response, request.version(), sending.pieces()))
}

fn allows_gzip(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|value| {
        value.split(',').any(|one| {
            let (name, weight) = one.split_once(';').unwrap_or((one, ""));
            name.trim().eq_ignore_ascii_case("gzip")
                && !weight.replace(' ', "").starts_with("q=0;")
                && weight.trim() != "q=0"
        })
    })
}

/// A guide on its way.
struct Sending {
    ops: Data<Ops>,
    kept: Data<PlayerCache>,
    head: Arc<Head>,
    is_packed: bool,
    /// The channel whose programmes are next.
    next: usize,
    /// Parts that were made and wait for their turn, because there was no room to keep them.
    ahead: HashMap<StreamId, Part>,
    sum: Sum,
    has_begun: bool,
    has_ended: bool,
    _fetch: Fetch,
}

impl Sending {
    fn pieces(self) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
        stream::unfold(self, |mut sending| async move {
            let piece = sending.piece().await?;
            if piece.is_err() {
                sending.has_ended = true;
            }
            Some((piece, sending))
        })
    }

    /// The next bytes; `None` after the last ones.
    async fn piece(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        if self.has_ended {
            return None;
        }
        let mut piece = Vec::with_capacity(PIECE + PIECE / 2);
        if !self.has_begun {
            self.has_begun = true;
            if self.is_packed {
                piece.extend_from_slice(packed::HEAD);
            }
            let head = self.head.part.clone();
            self.add(&mut piece, &head);
        }
        while piece.len() < PIECE && self.next < self.head.channels.len() {
            match self.part().await {
                Ok(part) => self.add(&mut piece, &part),
                Err(error) => return Some(Err(std::io::Error::other(error.to_string()))),
            }
            self.next += 1;
        }
        if piece.len() < PIECE {
            self.has_ended = true;
            self.add(&mut piece, &Part::of(xmltv::END));
            if self.is_packed {
                piece.extend(self.sum.end());
            }
        }
        Some(Ok(piece.into()))
    }

    fn add(&mut self, piece: &mut Vec<u8>, part: &Part) {
        if self.is_packed {
            self.sum.add(part);
            piece.extend_from_slice(&part.bytes);
        } else {
            piece.extend(part.plain());
        }
    }

    /// The programmes of the next channel.
    async fn part(&mut self) -> Result<Part> {
        let head = self.head.clone();
        let channels = &head.channels[self.next..];
        let mut part = Part::of("");
        for stream in &channels[0].streams {
            let parts = &self.kept.guides.parts;
            let kept =
                self.ahead.remove(stream).or_else(|| parts.get(&self.ops, *stream, &channels[0].guide_id));
            part = if let Some(part) = kept {
                part
            } else {
                self.ahead = parts.make(&self.ops, *stream, channels).await?;
                self.ahead.remove(stream).unwrap_or(part)
            };
            if !part.bytes.is_empty() {
                break;
            }
        }
        Ok(part)
    }
}
