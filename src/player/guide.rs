//! `xmltv.php`: the programme guide. It names the channels; programmes come
//! when the product has them.

use std::{collections::HashSet, fmt::Write as _, io::Write as _};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data, Payload},
};
use flate2::{Compression, write::GzEncoder};

use super::{
    PlayerCache, etag,
    request::{self, PlayerRequest},
};
use crate::{
    domain::channels::catalogue::Channel,
    ops::{
        channels::catalogue::{BouquetSet, Cached, Weighed, bouquets_of},
        clock,
    },
};

/// The guide of every set of bouquets.
#[derive(Default)]
pub struct Guides(Cached<BouquetSet, Guide>);

/// A guide as it is sent.
struct Guide {
    text: Bytes,
    packed: Bytes,
    tag: header::EntityTag,
}

/// Answers the guide, packed as a file if `gzip=1` is asked, or on its way if the player allows that.
pub async fn get(request: HttpRequest, payload: Payload, kept: Data<PlayerCache>) -> HttpResponse {
    match answer(&request, payload, &kept.guides).await {
        Ok(response) | Err(response) => response,
    }
}

async fn answer(
    request: &HttpRequest,
    payload: Payload,
    guides: &Guides,
) -> Result<HttpResponse, HttpResponse> {
    let asked = PlayerRequest::read(request, payload).await?;
    let who = asked.subscriber().map_err(|refusal| request::refused(&refusal))?;
    if !who.subscription.is_active(clock::now()) {
        return Err(request::empty(StatusCode::FORBIDDEN));
    }
    let set = bouquets_of(&who);
    let guide = guides.0.get(asked.ops.viewing.catalogue(), set.clone(), || {
        asked.ops.viewing.channels_in(set).map(|channels| Guide::of(&channels))
    });
    let guide = guide.map_err(|error| request::refused(&error.into()))?;
    let tag = header::ETag(guide.tag.clone());
    if etag::is_held(request, &tag) {
        return Ok(request::answer(StatusCode::NOT_MODIFIED).insert_header(tag).finish());
    }
    let mut response = request::answer(StatusCode::OK);
    response.insert_header(tag).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if asked.text("gzip") == "1" {
        let name = "attachment; filename=\"epg.xml.gz\"";
        response.content_type("application/octet-stream").insert_header((header::CONTENT_DISPOSITION, name));
        return Ok(response.body(guide.packed.clone()));
    }
    response.content_type("application/xml; charset=utf-8").insert_header((header::VARY, "Accept-Encoding"));
    if allows_gzip(request) {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Ok(response.body(guide.packed.clone()));
    }
    Ok(response.body(guide.text.clone()))
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

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // A vector takes whatever is written to it.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

impl Weighed for Guide {
    fn bytes(&self) -> usize {
        self.text.len() + self.packed.len()
    }
}

impl Guide {
    fn of(channels: &[Channel]) -> Self {
        let text = written(channels);
        let tag = etag::of(&[text.as_bytes()]);
        Self { packed: packed(&text).into(), text: text.into(), tag }
    }
}

/// Channels without a guide id are left out: nothing could refer to them. Several streams of one
/// channel share one entry.
fn written(channels: &[Channel]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!DOCTYPE tv SYSTEM \"xmltv.dtd\">\n\
         <tv generator-info-name=\"Linecard\">\n",
    );
    let mut named = HashSet::new();
    for channel in channels.iter().filter(|channel| !channel.guide_id.is_empty()) {
        if !named.insert(&channel.guide_id) {
            continue;
        }
        let (id, name) = (xml(&channel.guide_id), xml(&channel.name));
        // Writing to a text cannot fail.
        let _ = write!(text, "  <channel id=\"{id}\">\n    <display-name>{name}</display-name>\n");
        if !channel.logo.is_empty() {
            let _ = writeln!(text, "    <icon src=\"{}\"/>", xml(&channel.logo));
        }
        text.push_str("  </channel>\n");
    }
    text.push_str("</tv>\n");
    text
}

/// Control characters have no place in XML 1.0, escaped or not.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_what_they_are() {
        assert_eq!(xml("A & <B> \"c\"\u{0}\n שלום 🎬"), "A &amp; &lt;B&gt; &quot;c&quot; שלום 🎬");
    }
}
