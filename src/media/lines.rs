//! What ffmpeg says while it runs, line by line.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::ChildStderr,
    sync::mpsc::UnboundedReceiver,
    time::timeout,
};

use super::{
    channel::Channel,
    ffmpeg::{Ffmpeg, Line, Unclear},
};

/// The longest line that is looked at, in bytes.
const LINE: u64 = 4096;
/// The time that the description of a picture may take.
const DESCRIBE: Duration = Duration::from_secs(5);

/// Reads ffmpeg's lines as long as it runs, or until one tells that the source has changed, and how.
/// Sound that was no AAC from the beginning, within `settled`, is broken; later it has changed.
pub async fn listen(
    channel: &Channel,
    errors: ChildStderr,
    unclear: &mut Vec<Unclear>,
    settled: Duration,
) -> &'static str {
    let begun = Instant::now();
    let (mut change, mut is_broken) = (None, false);
    each_line(errors, |line| {
        match line {
            Line::Picture { resolution } => channel.state().resolution = Some(resolution),
            Line::Complaint(complaint) => channel.state().complain(complaint),
            Line::Unclear(track) => unclear.push(track),
            Line::NewTrack => change = Some("it has a new track"),
            Line::NoAac if begun.elapsed() < settled => is_broken = true,
            Line::NoAac if !is_broken => change = Some("its sound is no longer aac"),
            Line::NoAac | Line::Other => {}
        }
        change.is_none()
    })
    .await;
    match change {
        Some(change) => change,
        None => std::future::pending().await,
    }
}

/// Has pictures described whose parameters changed, one after the other: what is shown of them is new then.
pub async fn describe(
    channel: &Channel,
    ffmpeg: &Ffmpeg,
    mut beginnings: UnboundedReceiver<Bytes>,
) -> Infallible {
    while let Some(beginning) = beginnings.recv().await {
        let Ok(mut child) = ffmpeg.describe() else { continue };
        let (Some(mut input), Some(errors)) = (child.stdin.take(), child.stderr.take()) else { continue };
        let tell = async move {
            // What it does not want to read it need not.
            let _ = input.write_all(&beginning).await;
        };
        let hear = each_line(errors, |line| {
            if let Line::Picture { resolution } = line {
                channel.state().resolution = Some(resolution);
            }
            true
        });
        let _ = timeout(DESCRIBE, async { tokio::join!(tell, hear) }).await;
    }
    std::future::pending().await
}

/// Reads ffmpeg's lines to their end, or until one is enough.
pub async fn each_line(errors: ChildStderr, mut goes_on: impl FnMut(Line) -> bool) {
    let mut lines = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut lines).take(LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) if !goes_on(Line::of(&String::from_utf8_lossy(&line))) => return,
            Ok(_) => {}
        }
    }
}
