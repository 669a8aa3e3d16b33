//! Sources that ffmpeg does not open itself: programs of what is read once, and files that are looped.

use std::convert::Infallible;

use tokio::process::ChildStdin;

use super::Runner;
use crate::{
    domain::channels::stream::{AtEnd, SourceUrl},
    media::feed::{self, Feed},
};

impl Runner<'_> {
    /// Waits until another stream wants a program of what this one reads for itself.
    pub(super) async fn is_to_be_shared(&self, source: &SourceUrl, is_fed: bool) {
        if is_fed || !is_read_once(source) {
            std::future::pending::<Infallible>().await;
        }
        self.multiplexes.wanted(source).await;
    }

    /// What is written into ffmpeg instead of letting it open the source.
    pub(super) fn feed(&self, source: &SourceUrl) -> Result<Option<Feed>, String> {
        let number = source.program();
        if is_read_once(source) && (number.is_some() || self.multiplexes.is_wanted(source)) {
            let program = self.multiplexes.program(self.ffmpeg, source, number)?;
            return Ok(Some(Feed::Program(Box::new(program))));
        }
        let Some(name) = source.file() else { return Ok(None) };
        let path = self.ffmpeg.file(name)?;
        if feed::is_no_file(&path) {
            return Err(format!("media/{name} is no file, but a folder, a pipe or a device"));
        }
        let is_looped = self.wanted.at_end == AtEnd::Loop && feed::is_transport_stream(&path);
        Ok(is_looped.then_some(Feed::Loop(path)))
    }
}

/// Whether all streams of programs of a source read it together: a port of UDP or SRT can be opened once only.
pub fn is_read_once(source: &SourceUrl) -> bool {
    matches!(source.scheme().as_str(), "udp" | "srt")
}

/// Feeds ffmpeg, if it is fed; why there is nothing more to feed it with.
pub async fn write(feed: Option<Feed>, input: Option<ChildStdin>) -> String {
    match (feed, input) {
        (Some(feed), Some(input)) => feed.write(input).await,
        _ => std::future::pending().await,
    }
}
