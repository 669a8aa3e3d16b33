//! One source of a stream: played with ffmpeg, run by run, until it is lost, over, or another is to be played.

use std::{
    cell::{Cell, RefCell},
    os::unix::process::ExitStatusExt,
    pin::pin,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::FusedFuture};
use tokio::{
    process::Child,
    sync::mpsc::unbounded_channel,
    time::{sleep, timeout},
};

use super::{
    Runner,
    feeding::{is_read_once, write},
};
use crate::{
    domain::channels::{
        run::Event,
        stream::{AtEnd, SourceUrl},
    },
    media::{
        Timing,
        fetch::Fetching,
        ffmpeg_log::{Heard, Known, describe, listen},
        hidden::Hidden,
        pace::{self, Pace, Pacing},
        probe::{Look, Playback, Probe, Unclear},
        reading::{Change, Reading, Stopped},
        reasons,
    },
};

/// How long ffmpeg may take to end, and to be heard to its end, once its output has.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is shorter is no film that is played again at once.
const SHORTEST: Duration = Duration::from_secs(1);

/// A source that is again, within this time, not what it was is not begun anew for it a second time.
const RECENTLY: Duration = Duration::from_mins(20);

/// How the playing of a source ended.
pub enum Ended {
    /// By itself or by a fault, after it had played for so long; zero if it gave no picture.
    Lost { lasted: Duration, was_given_up: bool, why: String },
    /// At its end, and it is not to be played again.
    Finished,
    /// The first source is back.
    FirstIsBack,
}

impl Ended {
    fn barren(why: String) -> Self {
        Self::Lost { lasted: Duration::ZERO, was_given_up: false, why }
    }
}

/// How one run of ffmpeg ended.
enum Run {
    /// For good, as far as this source goes.
    Over(Ended),
    /// The source is there, but is no longer what ffmpeg was started for.
    Changed(Change),
    /// At its end, and it is played again.
    Turned,
    /// Before it sent anything: it is made of other things than ffmpeg was told.
    Otherwise(Probe),
    /// Before it sent anything, as it could not make out those tracks.
    Unclear { tracks: Vec<Unclear>, why: String },
}

impl Runner<'_> {
    /// Plays a source, again and again while it only changes, and at its end if it is looped.
    pub(super) async fn play(
        &mut self,
        place: usize,
        source: &SourceUrl,
        look: Look,
        pacing: &mut Pacing,
    ) -> Ended {
        let mut care = Probe { look, ..self.care(source) };
        let mut changed: Option<(String, Instant)> = None;
        // Whether viewers see no restart in what is begun.
        let mut is_same = false;
        loop {
            let run = self.play_once(place, source, &care, pacing, is_same).await;
            is_same = matches!(run, Run::Turned | Run::Otherwise(_));
            match run {
                Run::Turned => {}
                Run::Changed(Change { why, without }) => {
                    log::warn!("stream {}: source {}: {why}", self.id.0, place + 1);
                    self.channel.state().log_error(format!("source {}: {why}", place + 1));
                    self.note(Event::Lost);
                    let is_again = changed
                        .replace((why.clone(), Instant::now()))
                        .is_some_and(|(before, at)| before == why && at.elapsed() < RECENTLY);
                    let without = without.map_or(Vec::new(), |track| [care.without, vec![track]].concat());
                    care = Probe { without, is_borne: is_again, ..self.care(source) };
                }
                Run::Otherwise(other) => care = other,
                Run::Unclear { tracks, why } => match care.after(&tracks, self.wanted.sources.len() == 1) {
                    Some(next) => care = next,
                    None => return Ended::barren(why),
                },
                Run::Over(ended) => return ended,
            }
        }
    }

    async fn play_once(
        &mut self,
        place: usize,
        source: &SourceUrl,
        care: &Probe,
        pacing: &mut Pacing,
        is_same: bool,
    ) -> Run {
        let begun = Instant::now();
        let heard = self.channel.state().complaints;
        self.tell_left_out(place, care);
        let fetching = match self.fetch.open(source, &self.wanted.request) {
            Ok(fetching) => fetching,
            Err(why) => return Run::Over(Ended::barren(why)),
        };
        let via = fetching.as_ref().map(|fetching| fetching.address.as_str());
        let hidden = Hidden::of(source, via);
        let begun_with = self
            .feed(source)
            .and_then(|feed| Ok((self.ffmpeg.play(source, via, care, feed.as_ref())?, feed)));
        let (mut child, feed) = match begun_with {
            Ok(both) => both,
            Err(why) => return Run::Over(Ended::barren(why)),
        };
        if self.runs.fetch_add(1, Relaxed) > 0 && !is_same {
            self.channel.state().restarts += 1;
        }
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Run::Over(Ended::barren("ffmpeg has no output".into()));
        };
        let timing = Timing { start: care.patience(self.timing.start), ..self.timing };
        let is_fed = feed.is_some();
        let feeding = write(feed, child.stdin.take());
        let comes = Cell::new(if fetching.is_some() { Pace::Unknown } else { Pace::AsItComes });
        let mapped = RefCell::default();
        let known = Known { care, fetching: fetching.as_ref(), pace: &comes, mapped: &mapped };
        let mut unclear = Vec::new();
        let (beginnings, changed) = unbounded_channel();
        let is_only = self.wanted.sources.len() == 1;
        let mut reading = Reading::new(self.channel, self.runs, self.continuity, beginnings);
        let stopped = {
            let listening =
                listen(self.channel, errors, &hidden, &mut unclear, known, self.timing.stall).fuse();
            let mut listening = pin!(listening);
            let stopped = tokio::select! {
                stopped = reading.read(output, timing, known, pacing, is_only) => stopped,
                why = feeding => Stopped::Given(why),
                Some(heard) = &mut listening => match heard {
                    Heard::Otherwise(care) => return Run::Otherwise(care),
                    Heard::Useless(why) => Stopped::Given(why),
                    Heard::Change(change) => {
                        // A table that changes all the time must leave something to watch.
                        sleep(self.timing.stall.saturating_sub(begun.elapsed())).await;
                        Stopped::Changed(Change { why: change.into(), without: None })
                    }
                },
                never = describe(self.channel, self.ffmpeg, changed) => match never {},
                longest = fragments(fetching.as_ref(), care) => {
                    return Run::Otherwise(Probe { apart: longest, in_segments: true, ..care.clone() });
                }
                () = self.is_to_be_shared(source, is_fed) => return Run::Otherwise(care.clone()),
                () = self.first_is_back(place) => return Run::Over(Ended::FirstIsBack),
            };
            match stopped {
                // What it said last may still be unread.
                Stopped::Ended if !listening.is_terminated() => match timeout(LAST_WORDS, listening).await {
                    Ok(Some(Heard::Otherwise(care))) => return Run::Otherwise(care),
                    Ok(Some(Heard::Useless(why))) => Stopped::Given(why),
                    _ => Stopped::Ended,
                },
                stopped => stopped,
            }
        };
        let entered = reading.entered;
        let (why, was_given_up) = match stopped {
            Stopped::Changed(change) => return Run::Changed(change),
            Stopped::Given(why) => (why, true),
            Stopped::Ended => {
                let (why, is_whole) = self.reason(&mut child, heard).await;
                let (length, lasted) = (reading.length(), begun.elapsed());
                let is_whole = is_whole && entered && fetching.as_ref().and_then(Fetching::trouble).is_none();
                let has_end = match comes.get() {
                    Pace::AsItComes => source.file().is_some(),
                    Pace::Film => true,
                    Pace::Unknown | Pace::MayBeLive => pace::is_film(length, lasted, reading.held),
                };
                if is_whole && has_end && care.wish.at_end == AtEnd::Stop {
                    return Run::Over(Ended::Finished);
                }
                if is_whole && has_end && length >= SHORTEST {
                    return Run::Turned;
                }
                (why, false)
            }
        };
        // Who fetched it knows best.
        let why = fetching.as_ref().and_then(Fetching::trouble).unwrap_or(why);
        if !entered && !unclear.is_empty() {
            return Run::Unclear { tracks: unclear, why };
        }
        let lasted = if entered { begun.elapsed() } else { Duration::ZERO };
        Run::Over(Ended::Lost { lasted, was_given_up, why })
    }

    /// The line of ffmpeg's that says why its output ended, unless somebody killed it.
    /// And whether it ended as it should.
    async fn reason(&self, child: &mut Child, heard: u64) -> (String, bool) {
        let status = timeout(LAST_WORDS, child.wait()).await.ok().and_then(Result::ok);
        let was_killed = status.is_some_and(|status| status.signal().is_some());
        let cause = reasons::cause(self.channel.state().errors_since(heard));
        let is_whole = status.is_some_and(|status| status.success());
        let why = match (cause.filter(|_| !was_killed), status) {
            (Some(cause), _) => cause,
            (None, Some(status)) if status.success() => "it ended".into(),
            (None, Some(status)) => format!("ffmpeg ended ({status}) and did not say why"),
            (None, None) => "ffmpeg closed its output and keeps running".into(),
        };
        (why, is_whole)
    }

    /// Says which tracks are not played.
    fn tell_left_out(&self, place: usize, care: &Probe) {
        let mut status = self.channel.state();
        for number in &care.without {
            let what =
                format!("source {}: track {number} cannot be identified: playing without it", place + 1);
            status.log_error(what);
        }
        for track in &care.not_carried {
            status.log_error(format!(
                "source {}: track {} is {}, which a transport stream cannot carry: playing without it",
                place + 1,
                track.number,
                track.codec
            ));
        }
    }

    /// How a source is begun with.
    pub(super) fn care(&self, source: &SourceUrl) -> Probe {
        Probe {
            wish: Playback { audio_to_aac: self.wanted.audio_to_aac, at_end: self.wanted.at_end },
            program: source.program().filter(|_| !is_read_once(source)),
            // Playlists go by many names, but hardly by this one; if it is one after all, it is begun anew.
            in_segments: source.is_http() && !is_named_ts(source),
            ..Probe::default()
        }
    }
}

/// Waits until it is known that a source comes in fragments of MP4, unless it was begun as such: in each of them all of
/// the sound follows all of the picture. How long they are at most.
async fn fragments(fetching: Option<&Fetching>, care: &Probe) -> Duration {
    match fetching.filter(|_| care.apart.is_zero()) {
        Some(fetching) => fetching.fragments().await,
        None => std::future::pending().await,
    }
}

/// Whether the address says that it is one transport stream.
fn is_named_ts(source: &SourceUrl) -> bool {
    source.address().split(['?', '|']).next().is_some_and(|path| path.to_ascii_lowercase().ends_with(".ts"))
}
