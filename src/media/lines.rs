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
    ffmpeg::{Care, Ffmpeg, Line, Unclear},
};

/// The longest line that is looked at, in bytes.
const LINE: u64 = 4096;
/// More tracks that cannot be made out are not remembered: no transport stream has as many.
const TRACKS: usize = 1000;
/// The time that the description of a picture may take.
const DESCRIBE: Duration = Duration::from_secs(5);

/// What makes a source be begun anew.
pub enum Heard {
    /// It has changed, and how.
    Change(&'static str),
    /// It has several programs; this is the one to play.
    Several(u64),
}

/// The programs of a source, as they are listed.
#[derive(Default)]
struct Programs {
    count: usize,
    listing: Option<u64>,
    has_picture: bool,
    /// That of the first picture; of radio, the first.
    chosen: Option<u64>,
}

impl Programs {
    fn list(&mut self, program: Option<u64>) {
        self.listing = program;
        if program.is_some() {
            self.count += 1;
            self.chosen = self.chosen.or(program);
        }
    }

    fn picture(&mut self) {
        if !self.has_picture {
            self.has_picture = true;
            self.chosen = self.listing;
        }
    }

    fn one_of_several(&self) -> Option<u64> {
        self.chosen.filter(|_| self.count > 1)
    }
}

/// Reads ffmpeg's lines as long as it runs, or until one tells that the source is to be begun anew.
/// Sound that was no AAC from the beginning, within `settled`, is broken; later it has changed.
pub async fn listen(
    channel: &Channel,
    errors: ChildStderr,
    unclear: &mut Vec<Unclear>,
    care: &Care,
    settled: Duration,
) -> Heard {
    let begun = Instant::now();
    let (mut heard, mut is_broken) = (None, false);
    let mut programs = Programs::default();
    each_line(errors, |line| {
        match line {
            Line::Program(program) => programs.list(program),
            Line::Listed if !care.has_program() => heard = programs.one_of_several().map(Heard::Several),
            Line::Picture { resolution } => {
                programs.picture();
                channel.state().resolution = Some(resolution);
            }
            Line::Complaint(complaint) => channel.state().complain(complaint),
            Line::Unclear(track) if unclear.len() < TRACKS => unclear.push(track),
            Line::NewTrack => heard = Some(Heard::Change("it has a new track")),
            Line::NoAac if begun.elapsed() < settled => is_broken = true,
            Line::NoAac if !is_broken => heard = Some(Heard::Change("its sound is no longer aac")),
            Line::Listed | Line::Unclear(_) | Line::NoAac | Line::Other => {}
        }
        heard.is_none()
    })
    .await;
    match heard {
        Some(heard) => heard,
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
