//! Doing what a preview showed.

use std::time::Duration;

use super::super::{super::kit::error::Reply, Kind, batches};
use crate::{
    domain::{Error, Refused, people::rights::Access},
    ops::subscribers::previews,
    panel::{
        kit::{
            caller::{Caller, action},
            sent::Sent,
        },
        moved,
    },
};

/// A small edit is waited for so long; a longer one is followed on its page.
const PATIENCE: Duration = Duration::from_secs(2);

/// The field with the number of the preview.
pub const PREVIEW: &str = "preview";

/// Orders it, and leads to the page that says how far it is. A form that is sent twice orders one batch.
pub async fn run<S: Kind>(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let preview = sent.text(PREVIEW).parse().map_err(|_| Error::from(Refused::NotPreviewed))?;
    let seen = caller.ops.seen_preview::<S>(caller.actor(), preview)?;
    let job = move |act: &crate::ops::Act<'_>| Ok((previews::order_seen::<S>(act, &seen)?, ()));
    let made = caller.make(&sent, action(S::RESOURCE, "bulk"), job).await?;
    let _ = actix_web::rt::time::timeout(PATIENCE, caller.ops.run_batches()).await;
    Ok(moved(&batches::href(made.id)))
}
