//! What was recorded of a stream, played from any moment.

use actix_web::{HttpResponse, web::Path};
use askama::Template;

use crate::{
    domain::{Error, channels::stream::Stream, viewing::window},
    panel::kit::{
        caller::Caller,
        error::Reply,
        frame::Frame,
        records::{self, Shown},
        sent::Query,
    },
};

#[derive(Template)]
#[template(path = "stream_archive.html")]
struct ArchivePage {
    frame: Frame,
    href: String,
    /// From when and until when something is recorded; nothing is without it.
    reach: Option<(String, String)>,
    at: String,
    /// Why the moment that was chosen cannot be played.
    wrong: Option<&'static str>,
    /// The address that plays it, once a moment was chosen of which something is recorded.
    source: String,
}

/// The page: a moment is chosen, and played.
pub async fn show(caller: Caller, id: Path<String>, query: Query) -> Reply {
    let stream = records::find::<Stream>(&caller, &id).await?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let text = query.text("at").trim();
    let at = window::start(text, &zone);
    let viewing = &caller.ops.viewing;
    let reach = viewing.oldest(stream.id).zip(viewing.newest(stream.id));
    let href = Stream::href(stream.id);
    let (source, wrong) = match at {
        None => (String::new(), query.has("at").then_some("A date and a time")),
        Some(at) if caller.ops.has_recorded_preview(stream.id, at) => {
            (format!("{href}/archive.mp4?at={}", at.seconds()), None)
        }
        Some(_) => (String::new(), Some("Nothing of that moment is recorded: choose another one")),
    };
    Ok(caller.page(&ArchivePage {
        frame: caller.frame(format!("What was recorded of {}", stream.record.name.as_str())),
        reach: reach.map(|(from, to)| (from.named(&zone), to.named(&zone))),
        at: text.to_owned(),
        wrong,
        source,
        href,
    }))
}

/// Plays from a moment on, until the browser goes.
pub async fn play(caller: Caller, id: Path<String>, query: Query) -> Reply {
    let stream = records::find::<Stream>(&caller, &id).await?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let at = window::start(query.text("at"), &zone);
    let at = at.ok_or_else(|| Error::invalid("at", "a moment"))?;
    let preview = caller.ops.preview_recorded(caller.actor(), stream.id, at).await?;
    Ok(HttpResponse::Ok().content_type("video/mp4").streaming(preview))
}
