//! A running stream as a fragmented MP4, which browsers play by themselves: copied out of the ring by
//! an ffmpeg of its own, for the operator's eyes.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    process::{Child, ChildStdin, ChildStdout},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::{Sleep, sleep},
};

use super::{Channel, Ffmpeg, Tap, archive::Spans};

/// Previews at once.
pub const MOST: usize = 4;
/// One ends by itself after this time.
pub const LONGEST: Duration = Duration::from_mins(5);
/// How long a stream may take until it can be played.
const PATIENCE: Duration = Duration::from_secs(20);
/// Read from ffmpeg at once, in bytes.
const PART: usize = 64 << 10;

/// Codecs that browsers play out of an MP4; hevc only where the system does.
const VIDEO: [&str; 3] = ["h264", "hevc", "mpeg4"];
const AUDIO: [&str; 3] = ["aac", "opus", "mp3"];

/// Whether browsers play that codec of a picture.
pub fn plays_video(codec: &str) -> bool {
    VIDEO.contains(&codec)
}

/// Whether browsers play that codec of a sound.
pub fn plays_audio(codec: &str) -> bool {
    AUDIO.contains(&codec)
}

/// The places for previews.
#[derive(Clone)]
pub struct Previews(Arc<Semaphore>);

impl Default for Previews {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

/// One preview: the bytes of its MP4. ffmpeg ends when this is dropped.
pub struct Preview {
    output: ChildStdout,
    end: Pin<Box<Sleep>>,
    feeding: JoinHandle<()>,
    _child: Child,
    _place: OwnedSemaphorePermit,
}

impl Previews {
    /// Starts one of a stream, on the thread that will read it: ffmpeg dies with that thread.
    ///
    /// # Errors
    /// A sentence: every place is taken, the stream sends nothing, ffmpeg is missing.
    pub async fn start(&self, ffmpeg: &Ffmpeg, channel: &Arc<Channel>) -> Result<Preview, String> {
        let place = self.place()?;
        // Wanted before it is waited for: a stream on demand begins with it.
        let tap = channel.tap();
        if !channel.playable(PATIENCE).await {
            return Err("the stream is sending nothing that can be played".into());
        }
        let sound = channel.status().audio_codec;
        begin(place, ffmpeg, sound.as_deref(), |input| tokio::spawn(feed(tap, input)))
    }

    /// Starts one of what was recorded, with sound of that codec, on the thread that will read it.
    ///
    /// # Errors
    /// A sentence: every place is taken, ffmpeg is missing.
    pub fn start_recorded(
        &self,
        ffmpeg: &Ffmpeg,
        recorded: Spans,
        sound: Option<&str>,
    ) -> Result<Preview, String> {
        begin(self.place()?, ffmpeg, sound, |input| tokio::spawn(feed_recorded(recorded, input)))
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, String> {
        let place = self.0.clone().try_acquire_owned();
        place.map_err(|_| format!("{MOST} previews are already playing: close one of them first"))
    }
}

fn begin(
    place: OwnedSemaphorePermit,
    ffmpeg: &Ffmpeg,
    sound: Option<&str>,
    feed: impl FnOnce(ChildStdin) -> JoinHandle<()>,
) -> Result<Preview, String> {
    let mut child = ffmpeg.preview(sound.filter(|codec| plays_audio(codec)))?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("ffmpeg has no input or output".into());
    };
    let (feeding, end) = (feed(input), Box::pin(sleep(LONGEST)));
    Ok(Preview { output, end, feeding, _child: child, _place: place })
}

async fn feed_recorded(mut recorded: Spans, mut input: ChildStdin) {
    loop {
        let read = tokio::task::spawn_blocking(move || {
            let part = recorded.read(PART);
            (recorded, part)
        });
        let Ok((rest, Ok(part))) = read.await else { return };
        if part.is_empty() || input.write_all(&part).await.is_err() {
            return;
        }
        recorded = rest;
    }
}

async fn feed(mut tap: Tap, mut input: ChildStdin) {
    while let Some(bytes) = tap.next().await {
        if input.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

impl Stream for Preview {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.end.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        let mut buffer = vec![0; PART];
        let mut read = ReadBuf::new(&mut buffer);
        match Pin::new(&mut self.output).poll_read(context, &mut read) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            Poll::Ready(Ok(())) if read.filled().is_empty() => Poll::Ready(None),
            Poll::Ready(Ok(())) => Poll::Ready(Some(Ok(Bytes::copy_from_slice(read.filled())))),
        }
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.feeding.abort();
    }
}
