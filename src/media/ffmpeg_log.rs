//! What ffmpeg says while it runs, line by line.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
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

use crate::media::{
    channel::Channel,
    fetch::Fetching,
    ffmpeg::{Ffmpeg, SILENCE},
    ffmpeg_line::Line,
    hidden::Hidden,
    pace::Pace,
    probe::{Probe, Unclear},
    tracks::{Kind, Listing, Track},
};

/// The longest line that is looked at, in bytes.
const LINE: u64 = 4096;
/// More tracks that cannot be made out are not remembered: no transport stream has as many.
const TRACKS: usize = 1000;
/// The time that the description of a picture may take.
const DESCRIBE: Duration = Duration::from_secs(5);
/// Of an MP4 that can only be read on and on, fragments play so long at most.
const FRAGMENT: Duration = Duration::from_secs(6);

/// This many broken frames of AAC within this time are no damage of a segment: something else comes in its place.
const STRIKES: (usize, Duration) = (5, Duration::from_secs(10));
/// For so long a source is not begun anew again for what it was begun anew for a moment ago.
const BORNE: Duration = Duration::from_mins(15);
/// More tracks are not played.
const MOST_TRACKS: usize = 64;
/// The tracks of what ffmpeg makes have numbers from here on.
const FIRST_PID: u16 = 0x100;

/// What fails sooner was refused: nobody waited for it.
const AT_ONCE: Duration = Duration::from_secs(2);
/// What fails later was not refused, nor left without an answer, when it connected.
const CONNECTED: Duration = Duration::from_secs(10);

/// What makes a source be begun anew, or given up.
pub enum Heard {
    /// It has changed, and how.
    Change(&'static str),
    /// It is made of other things than it was begun for.
    Otherwise(Probe),
    /// Nothing of it can be played, for this reason.
    Useless(String),
}

/// What is known of the source that ffmpeg reads.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// What it was begun with.
    pub care: &'a Probe,
    /// Where it is fetched, if it is.
    pub fetching: Option<&'a Fetching>,
    /// How it comes, which its listing tells.
    pub pace: &'a Cell<Pace>,
    /// The tracks of the source that are played, in the order of what ffmpeg makes of them.
    pub mapped: &'a RefCell<Vec<u32>>,
}

impl Known<'_> {
    /// Whether it need not be, in a run since `begun`, what it says it is.
    pub fn is_borne(&self, begun: Instant) -> bool {
        self.care.is_borne && begun.elapsed() < BORNE
    }

    /// The number in the source of a track of what ffmpeg makes of it.
    pub fn number_of(&self, pid: u16) -> Option<u32> {
        self.mapped.borrow().get(usize::from(pid.checked_sub(FIRST_PID)?)).copied()
    }
}

/// Reads ffmpeg's lines as long as it runs, or until one tells that the source is to be begun anew; `None` at
/// their end. Sound that was no AAC from the beginning, within `settled`, is broken; later it has changed.
pub async fn listen(
    channel: &Channel,
    errors: ChildStderr,
    hidden: &Hidden,
    unclear: &mut Vec<Unclear>,
    known: Known<'_>,
    settled: Duration,
) -> Option<Heard> {
    let begun = Instant::now();
    let (mut heard, mut is_broken, mut is_listed) = (None, false, false);
    let mut strikes: VecDeque<Instant> = VecDeque::new();
    let mut listing = Listing::default();
    each_line(errors, hidden, |line| {
        match line {
            Line::Program(program) if !is_listed => listing.program(program),
            Line::Finite => listing.is_finite = true,
            Line::Playlist => listing.is_playlist = true,
            Line::Mp4 if known.fetching.is_some_and(|fetching| !fetching.is_seekable()) => {
                listing.apart = FRAGMENT;
            }
            Line::Listed if !is_listed => {
                is_listed = true;
                if let Some(fetching) = known.fetching {
                    listing.is_finite |= fetching.has_end();
                    known.pace.set(listing.pace());
                }
                heard = match listing.care(known.care) {
                    Ok(other) => (other != *known.care).then_some(Heard::Otherwise(other)),
                    Err(why) => Some(Heard::Useless(why)),
                };
            }
            Line::Track(track) => {
                tell_size(channel, &track);
                if !is_listed {
                    listing.track(track);
                }
            }
            // Who fetches it says the same better, and once.
            Line::Complaint(complaint) if known.fetching.is_some() && is_of_fetching(&complaint) => {}
            Line::Complaint(complaint) => channel.state().log_error(silence(complaint, begun.elapsed())),
            Line::Unclear(track) if unclear.len() < TRACKS => unclear.push(track),
            Line::NewTrack => heard = Some(Heard::Change("it has a new track")),
            Line::NoAac if begun.elapsed() < settled => is_broken = true,
            Line::NoAac if !is_broken && !known.is_borne(begun) => {
                strikes.push_back(Instant::now());
                strikes.retain(|at| at.elapsed() < STRIKES.1);
                if strikes.len() >= STRIKES.0 {
                    heard = Some(Heard::Change("its audio is no longer aac"));
                }
            }
            Line::Mapped(number) if known.mapped.borrow().len() < MOST_TRACKS => {
                known.mapped.borrow_mut().push(number);
            }
            Line::Mapped(_) => {}
            Line::Program(_) | Line::Listed | Line::Unclear(_) | Line::NoAac | Line::Mp4 | Line::Other => {}
        }
        heard.is_none()
    })
    .await;
    heard
}

/// Whether ffmpeg only says that it did not get something from the fetcher.
fn is_of_fetching(complaint: &str) -> bool {
    (complaint.starts_with("[http @") && complaint.contains("HTTP error"))
        || (complaint.starts_with("[hls @") && complaint.contains("Failed to open segment"))
        || complaint.contains("Server returned ")
}

/// ffmpeg calls a wait for packets in vain an error of the system.
fn silence(complaint: String, waited: Duration) -> String {
    let connection =
        complaint.split_once("[srt @ ").and_then(|(_, rest)| rest.split_once("] Connection to srt://"));
    if let Some((_, rest)) = connection.filter(|_| complaint.ends_with(" failed: Input/output error")) {
        let host = rest.split(['/', ' ']).next().unwrap_or_default();
        return if waited < AT_ONCE {
            format!("[srt] {host} refuses the connection: perhaps passphrase or streamid are others")
        } else {
            format!("[srt] nobody answers at {host}")
        };
    }
    // What came of the connection was said before.
    if complaint.starts_with("srt://") && waited < CONNECTED {
        return complaint;
    }
    let is_of_packets = ["udp://", "rtp://", "srt://"].iter().any(|scheme| complaint.contains(scheme));
    match complaint.strip_suffix("Input/output error") {
        Some(before) if is_of_packets && waited >= AT_ONCE => {
            format!("{before}nothing arrived within {} seconds", waited.min(SILENCE).as_secs())
        }
        _ => complaint,
    }
}

/// The size of a picture is shown.
fn tell_size(channel: &Channel, track: &Track) {
    if let Some(resolution) = track.resolution.filter(|_| track.kind == Kind::Picture) {
        channel.state().resolution = Some(resolution);
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
        let hidden = Hidden::default();
        let hear = each_line(errors, &hidden, |line| {
            if let Line::Track(track) = line {
                tell_size(channel, &track);
            }
            true
        });
        let _ = timeout(DESCRIBE, async { tokio::join!(tell, hear) }).await;
    }
    std::future::pending().await
}

/// Reads ffmpeg's lines, complaints without what is hidden, to their end or until one is enough.
pub async fn each_line(errors: ChildStderr, hidden: &Hidden, mut goes_on: impl FnMut(Line) -> bool) {
    let mut lines = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut lines).take(LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) if !goes_on(Line::of(&String::from_utf8_lossy(&line), hidden)) => return,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_for_packets_in_vain_is_called_that() {
        let told = |line: &str, seconds| silence(line.to_owned(), Duration::from_secs(seconds));
        let silent = "udp://127.0.0.1/***: Input/output error";
        assert_eq!(told(silent, 15), "udp://127.0.0.1/***: nothing arrived within 15 seconds");
        assert_eq!(told(silent, 7200), "udp://127.0.0.1/***: nothing arrived within 15 seconds");
        let refused = "[srt @ 0x5] Connection to srt://127.0.0.1:5/*** failed: Input/output error";
        assert!(told(refused, 0).starts_with("[srt] 127.0.0.1:5 refuses the connection: "));
        assert_eq!(told(refused, 3), "[srt] nobody answers at 127.0.0.1:5");
        let after = "srt://127.0.0.1:5/***: Input/output error";
        assert_eq!(told(after, 3), after);
        assert!(told(after, 16).ends_with("nothing arrived within 15 seconds"));
        assert_eq!(
            told("http://127.0.0.1/***: Input/output error", 15),
            "http://127.0.0.1/***: Input/output error"
        );
    }

    #[test]
    fn what_the_hand_over_of_a_fetched_source_answers_is_no_complaint() {
        for line in [
            "[http @ 0x5] HTTP error 502 Bad Gateway",
            "http://127.0.0.1/***: Server returned 5XX Server Error reply",
            "[hls @ 0x5] Failed to open segment 3 of playlist 0",
        ] {
            assert!(is_of_fetching(line), "{line}");
        }
        assert!(!is_of_fetching("[mpegts @ 0x5] Packet corrupt"));
    }
}
