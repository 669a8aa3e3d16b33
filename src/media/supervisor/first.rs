//! While a later source plays: whether the first one is back.

use std::sync::atomic::Ordering::Relaxed;

use tokio::time::{sleep, timeout};

use super::{Runner, feeding::is_read_once};
use crate::{
    domain::channels::stream::SourceUrl,
    media::{ffmpeg_line::Line, ffmpeg_log::each_line, hidden::Hidden},
};

impl Runner<'_> {
    /// On a later source: looks at the first one from time to time, more seldom each time until that has
    /// played for a while.
    pub(super) async fn first_is_back(&self, place: usize) {
        let Some(first) = self.wanted.sources.first().filter(|_| place > 0) else {
            return std::future::pending().await;
        };
        let (shortest, longest) = self.timing.look_back;
        loop {
            let looks = self.looks.load(Relaxed).min(16);
            sleep((shortest * (1 << looks)).min(longest)).await;
            self.looks.fetch_add(1, Relaxed);
            if self.answers(first).await {
                return;
            }
        }
    }

    /// Whether a source can be played now.
    async fn answers(&self, source: &SourceUrl) -> bool {
        if let Some(number) = source.program().filter(|_| is_read_once(source)) {
            let Ok(mut program) = self.multiplexes.program(self.ffmpeg, source, Some(number)) else {
                return false;
            };
            let flows = async {
                while let Ok(packets) = program.next().await {
                    if !packets.is_empty() {
                        return true;
                    }
                }
                false
            };
            return timeout(self.timing.start, flows).await.unwrap_or(false);
        }
        let mut care = self.care(source);
        loop {
            let Ok(fetching) = self.fetch.open(source, &self.wanted.request) else { return false };
            let via = fetching.as_ref().map(|fetching| fetching.address.as_str());
            let Ok(mut child) = self.ffmpeg.try_out(source, via, &care) else { return false };
            let Some(errors) = child.stderr.take() else { return false };
            let mut unclear = Vec::new();
            // Its complaints are old news; read, so that it does not wait for a reader.
            let hidden = Hidden::default();
            let lines = each_line(errors, &hidden, |line| {
                if let Line::Unclear(track) = line {
                    unclear.push(track);
                }
                true
            });
            let ended = timeout(self.timing.start, async {
                lines.await;
                child.wait().await
            });
            match (ended.await, care.after(&unclear, false)) {
                (Ok(Ok(status)), _) if status.success() => return true,
                (Ok(_), Some(next)) => care = next,
                _ => return false,
            }
        }
    }
}
