//! The preview: a stream that browsers play in the page.

use actix_web::{HttpResponse, web::Path};

use crate::{
    domain::channels::stream::Stream,
    panel::kit::{caller::Caller, error::Reply, records},
};

/// Plays until the browser goes.
pub async fn play(caller: Caller, id: Path<String>) -> Reply {
    let stream = records::find::<Stream>(&caller, &id).await?;
    let preview = caller.ops.preview(caller.actor(), stream.id).await?;
    Ok(HttpResponse::Ok().content_type("video/mp4").streaming(preview))
}
