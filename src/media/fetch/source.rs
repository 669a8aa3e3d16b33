//! One source under way: what ffmpeg asks for, and what it is answered.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::watch, time::sleep};
use url::Url;

use super::{
    addresses::Addresses,
    content,
    follow::{Asker, Failure, Got},
    mp4,
    numbering::Numbering,
    playlist::{self, Kind, Line, Media, Playlist},
};
use crate::domain::channels::source_request::SourceRequest;

/// This many segments in a row that are refused for good are taken for all of them.
const REFUSED: usize = 3;
/// A playlist that cannot be had for so long is gone; meanwhile ffmpeg is told the last one again.
const OUTAGE: Duration = Duration::from_mins(1);
/// A segment is asked for again after each of these pauses.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];
/// Servers that have to name a length name one like that for what has none.
const ENDLESS: u64 = 1 << 40;
/// The status of an answer without a body, whatever the server calls it.
const EMPTY: u16 = 204;
/// This many bytes tell what a body is.
const TELLING: usize = 512;

/// One source under way.
pub struct Source {
    asker: Asker,
    /// Where ffmpeg finds what belongs to it.
    base: String,
    state: Mutex<State>,
    /// How long fragments of MP4 are at most, in seconds, once a playlist names some; 0 before.
    fragments: watch::Sender<u64>,
}

struct State {
    addresses: Addresses,
    lists: HashMap<u32, List>,
    trouble: Option<String>,
    /// That of the keys: segments may come all the same.
    key_trouble: Option<String>,
    /// It is no playlist, and its length was told.
    has_end: bool,
    /// Any part of it can be asked for.
    is_seekable: bool,
    /// The longest segment that may come, in seconds; 0 if it has none.
    target: u64,
    /// Segments that were refused for good, one after the other.
    refused: usize,
}

/// A playlist that was told.
#[derive(Default)]
struct List {
    /// Where its address led, and is asked as long as that is answered: tokens and sessions stand there.
    led_to: Option<Url>,
    told: Option<(String, Instant)>,
    advanced_at: Option<Instant>,
    /// It was asked for and has not come since; ffmpeg is told the last one meanwhile.
    is_awaited: bool,
    numbering: Numbering,
    /// That of segments whose address has none.
    ending: Option<&'static str>,
}

/// What ffmpeg is answered.
pub enum Reply {
    List(String),
    /// A body, of which the beginning was read already.
    Body(Got, Bytes),
}

impl Source {
    /// The source of that address; ffmpeg finds it below `base`.
    pub fn new(home: Url, request: SourceRequest, base: String) -> Self {
        let addresses = Addresses::of(home.clone());
        let state = State {
            addresses,
            lists: HashMap::new(),
            trouble: None,
            key_trouble: None,
            has_end: false,
            is_seekable: false,
            refused: 0,
            target: 0,
        };
        let fragments = watch::Sender::default();
        Self { asker: Asker::new(home, request), base, state: Mutex::new(state), fragments }
    }

    /// What went wrong last, if nothing went well since.
    pub fn trouble(&self) -> Option<String> {
        let state = self.state();
        state.key_trouble.clone().or_else(|| state.trouble.clone())
    }

    /// Whether it is one body whose length was told.
    pub fn has_end(&self) -> bool {
        self.state().has_end
    }

    /// Whether it is one body of which any part can be asked for.
    pub fn is_seekable(&self) -> bool {
        self.state().is_seekable
    }

    /// The time between two segments at most; zero if it comes without a break.
    pub fn pause(&self) -> Duration {
        Duration::from_secs(self.state().target)
    }

    /// Waits until a playlist names fragments of MP4; how long they are at most.
    pub async fn fragments(&self) -> Duration {
        let told = self.fragments.subscribe().wait_for(|seconds| *seconds > 0).await.map(|seconds| *seconds);
        Duration::from_secs(told.unwrap_or_default())
    }

    /// Whether a playlist that was there a moment ago cannot be had now, and is still hoped for.
    pub fn is_bridged(&self) -> bool {
        let is_recent = |list: &List| list.told.as_ref().is_some_and(|(_, at)| at.elapsed() < OUTAGE);
        self.state().lists.values().any(|list| list.is_awaited && is_recent(list))
    }

    /// Why none of its segments is to be had, once several were refused for good and none has come since.
    pub fn refusal(&self) -> Option<String> {
        let state = self.state();
        state.trouble.clone().filter(|_| state.refused >= REFUSED)
    }

    /// Answers a request of ffmpeg's for what stands under a number.
    ///
    /// # Errors
    /// A [`Failure`], which is noted too.
    pub async fn answer(&self, number: u32, range: Option<&str>) -> Result<Reply, Failure> {
        let unknown = || Failure { status: Some(404), why: "it was asked for something unknown".into() };
        let (url, kind) = self.state().addresses.get(number).ok_or_else(unknown)?;
        let answer = match (kind, range) {
            (Kind::List, None) => self.list(number, &url).await,
            _ => self.part(&url, kind, range).await,
        };
        if let Ok(Reply::Body(got, _)) = &answer
            && number == 0
        {
            let mut state = self.state();
            state.has_end = got.answer.body.length().is_some_and(|length| length < ENDLESS);
            state.is_seekable = got.answer.status == 206 || got.answer.gives_ranges();
        }
        match &answer {
            Ok(_) if kind == Kind::Key => self.state().key_trouble = None,
            Err(failure) if kind == Kind::Key => {
                self.state().key_trouble = Some(format!("the key of its segments: {}", failure.why));
            }
            Ok(_) if kind != Kind::List || range.is_some() => {
                let mut state = self.state();
                (state.trouble, state.refused) = (None, 0);
            }
            Err(failure) if matches!(kind, Kind::Segment | Kind::Map) => {
                let mut state = self.state();
                state.trouble = Some(format!("its segments: {}", failure.why));
                state.refused += usize::from(is_final(failure));
            }
            Ok(_) => {}
            Err(failure) => self.note(failure.why.clone()),
        }
        answer
    }

    /// Notes what went wrong.
    pub fn note(&self, why: String) {
        self.state().trouble = Some(why);
    }

    /// A body was read to its end.
    pub fn done(&self, got: Got) {
        self.asker.keep(&got.url, got.answer.body);
    }

    /// Goes on with a body that broke off, from that byte to that one or its end.
    ///
    /// # Errors
    /// A [`Failure`]: the rest is not to be had.
    pub async fn rest(&self, number: u32, from: u64, to: Option<u64>) -> Result<Got, Failure> {
        let gone = || Failure { status: None, why: "the source hung up in the middle of its answer".into() };
        let (url, kind) = self.state().addresses.get(number).ok_or_else(gone)?;
        let to = to.map(|to| to.to_string()).unwrap_or_default();
        let Reply::Body(mut got, _) = self.part(&url, kind, Some(&format!("bytes={from}-{to}"))).await?
        else {
            return Err(gone());
        };
        let range = got.answer.header("content-range").unwrap_or_default();
        match got.answer.status {
            206 if range.starts_with(&format!("bytes {from}-")) => Ok(got),
            // From its beginning again.
            200 if kind != Kind::List && to.is_empty() => {
                let mut left = from;
                while left > 0 {
                    let most = usize::try_from(left).unwrap_or(usize::MAX);
                    let part = got.answer.body.part(most).await?.ok_or_else(gone)?;
                    left -= part.len() as u64;
                }
                Ok(got)
            }
            _ => Err(gone()),
        }
    }

    /// Whether what broke off may be gone on with: it has an end, or is a part of something.
    pub fn may_go_on(&self, number: u32) -> bool {
        let state = self.state();
        state.addresses.get(number).is_some_and(|(_, kind)| kind != Kind::List || state.has_end)
    }

    /// A file whose index is at its end needs a server that gives ranges of it.
    async fn has_ranges(&self, url: &Url, got: &mut Got, begun: &[u8]) -> Result<(), Failure> {
        if got.answer.gives_ranges() || !mp4::index_is_last(begun) {
            return Ok(());
        }
        match self.asker.get(url, Some("bytes=0-1")).await {
            Ok(part) if part.answer.status == 206 => {
                got.answer.allow_ranges();
                Ok(())
            }
            _ => Err("this file has its index at its end, and the server does not support range requests: remux it with ffmpeg \
                      -movflags +faststart, or put it into media/"
                .to_owned()
                .into()),
        }
    }

    /// A segment or key, or further bytes of a file.
    async fn part(&self, url: &Url, kind: Kind, range: Option<&str>) -> Result<Reply, Failure> {
        let mut pauses = PAUSES.iter();
        loop {
            let failure = match self.asker.get(url, range).await {
                Ok(mut got) => match instead(&mut got, kind).await {
                    Ok(begun) => return Ok(Reply::Body(got, begun)),
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            match pauses.next() {
                Some(pause) if may_pass(&failure, kind) => sleep(*pause).await,
                _ => {
                    // Its token may have run out: the lists are asked for at their own address again.
                    self.state().lists.values_mut().for_each(|list| list.led_to = None);
                    return Err(failure);
                }
            }
        }
    }

    /// A playlist, or the whole source if it is none.
    async fn list(&self, number: u32, url: &Url) -> Result<Reply, Failure> {
        let led_to = self.state().lists.get_mut(&number).and_then(|list| {
            list.is_awaited = true;
            list.led_to.clone()
        });
        let fetched = match &led_to {
            Some(there) => match self.fetch(there).await {
                Ok(fetched) => Ok(fetched),
                Err(_) => self.fetch(url).await,
            },
            None => self.fetch(url).await,
        };
        let told = match fetched {
            Ok(Fetched::Other(mut got, begun)) if number == 0 => {
                self.has_ranges(url, &mut got, &begun).await?;
                self.state().trouble = None;
                return Ok(Reply::Body(got, begun));
            }
            Ok(Fetched::Other(..)) => Err("the source names a playlist that is not one".to_owned().into()),
            Ok(Fetched::List(playlist, from)) => Ok(self.tell(number, url, playlist, from).await),
            Err(failure) => Err(failure),
        };
        match told {
            Ok(text) => Ok(Reply::List(text)),
            Err(failure) => {
                let mut state = self.state();
                let kept = state.lists.get_mut(&number).and_then(|list| {
                    list.led_to = None;
                    list.told.as_ref().filter(|(_, at)| at.elapsed() < OUTAGE).map(|(text, _)| text.clone())
                });
                let text = kept.ok_or_else(|| failure.clone())?;
                state.trouble = Some(failure.why);
                Ok(Reply::List(text))
            }
        }
    }

    async fn fetch(&self, url: &Url) -> Result<Fetched, Failure> {
        let mut got = self.asker.get(url, None).await?;
        let begun = beginning(&mut got).await?;
        if !content::is_playlist(&begun) {
            return match content::not_a_stream(&begun) {
                Some(what) => Err(what.to_owned().into()),
                None => Ok(Fetched::Other(got, begun)),
            };
        }
        let text = got.answer.body.whole(begun, playlist::LENGTH).await?;
        let text = String::from_utf8_lossy(&text);
        let playlist = Playlist::read(text.trim_start_matches('\u{feff}'), &got.url)?;
        let Got { url, answer } = got;
        self.asker.keep(&url, answer.body);
        Ok(Fetched::List(playlist, url))
    }

    /// Writes a playlist anew for ffmpeg.
    async fn tell(&self, number: u32, url: &Url, playlist: Playlist, from: Url) -> String {
        let ending = match &playlist {
            Playlist::Master(_) => "",
            Playlist::Media(media) => self.ending(number, media).await,
        };
        let now = Instant::now();
        let mut state = self.state();
        let State { addresses, lists, target, .. } = &mut *state;
        let list = lists.entry(number).or_default();
        list.led_to = Some(from).filter(|from| from != url);
        let mut address = |url: &Url, kind: Kind| {
            let number = addresses.number(url, kind);
            let ending = match kind {
                Kind::List => "m3u8",
                Kind::Segment => content::told_ending(url).unwrap_or(ending),
                Kind::Map => "mp4",
                Kind::Key => "key",
            };
            format!("{}/{number}.{ending}", self.base)
        };
        let text = match playlist {
            Playlist::Master(lines) => {
                let mut text = String::new();
                for line in lines {
                    text += &match line {
                        Line::Plain(line) => line,
                        Line::Around(before, url, after) => before + &address(&url, Kind::List) + &after,
                    };
                    text.push('\n');
                }
                text
            }
            Playlist::Media(media) => {
                *target = (*target).max(media.target);
                if media.has_map() {
                    self.fragments.send_replace(media.target);
                }
                let numbered = list.numbering.number(&media, now);
                let text = match &numbered {
                    Some(numbered) => media.write(numbered.from, numbered.first, numbered.breaks_at, address),
                    None => media.write(0, 0, None, address),
                };
                if numbered.is_some_and(|numbered| numbered.has_advanced) {
                    list.advanced_at = Some(now);
                }
                let patience = Duration::from_secs(media.target.saturating_mul(2).max(4));
                if list.advanced_at.is_some_and(|at| now.duration_since(at) > patience) {
                    // What it led to stands still: perhaps it leads elsewhere now.
                    list.led_to = None;
                }
                addresses.forget(media.segments.len());
                text
            }
        };
        list.told = Some((text.clone(), now));
        list.is_awaited = false;
        text
    }

    /// The ending of segments whose address tells none: the beginning of one is looked at, once.
    async fn ending(&self, number: u32, media: &Media) -> &'static str {
        let known = self.state().lists.get(&number).and_then(|list| list.ending);
        let unclear = media.segments.iter().rfind(|segment| content::told_ending(&segment.url).is_none());
        let ending = match (known, unclear) {
            (Some(ending), _) => ending,
            (None, Some(segment)) if !media.has_map() => match self.asker.get(&segment.url, None).await {
                Ok(mut got) => {
                    let begun = beginning(&mut got).await.unwrap_or_default();
                    if begun.is_empty() {
                        return "ts";
                    }
                    content::ending_of(got.answer.header("content-type").unwrap_or_default(), &begun)
                }
                Err(_) => return "ts",
            },
            _ => "ts",
        };
        self.state().lists.entry(number).or_default().ending = Some(ending);
        ending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

enum Fetched {
    List(Playlist, Url),
    Other(Got, Bytes),
}

/// What has come of a body that may be none, or calls itself a page; nothing of any other. A provider that wants a login, has
/// seen too many viewers, or has lost a segment answers with one in its place.
async fn instead(got: &mut Got, kind: Kind) -> Result<Bytes, Failure> {
    let length = got.answer.body.length();
    if kind != Kind::List && length == Some(0) {
        return Err(Failure { status: Some(EMPTY), why: "an empty answer came instead".into() });
    }
    let kind_told = got.answer.header("content-type").unwrap_or_default();
    let calls_itself_page = kind_told.to_ascii_lowercase().starts_with("text/html");
    if kind != Kind::Segment || (length.is_some() && !calls_itself_page) {
        return Ok(Bytes::new());
    }
    let begun = beginning(got).await?;
    if begun.is_empty() {
        return Err(Failure { status: Some(EMPTY), why: "an empty answer came instead".into() });
    }
    if calls_itself_page && content::is_page(&begun) {
        return Err(Failure {
            status: Some(got.answer.status),
            why: "a web page (HTML) came instead".into(),
        });
    }
    Ok(begun)
}

/// Whether asking again is of no use.
fn is_final(failure: &Failure) -> bool {
    failure.status.is_some_and(|status| status < 500 && status != 429)
}

/// Whether it may be there in a moment. What a list names may reach the server that was asked later than the list.
fn may_pass(failure: &Failure, kind: Kind) -> bool {
    failure.status.is_none_or(|status| match status {
        404 | EMPTY => kind != Kind::List,
        status => status >= 500 || status == 429,
    })
}

/// The first bytes of a body, as many as tell what it is.
async fn beginning(got: &mut Got) -> Result<Bytes, String> {
    let mut begun = BytesMut::new();
    while begun.len() < TELLING {
        let Some(part) = got.answer.body.next().await? else { break };
        begun.extend_from_slice(&part);
        // A stream that trickles need not be waited for.
        let is_file = begun.get(4..8) == Some(b"ftyp");
        if begun.len() >= 16 && !is_file && !matches!(begun.first(), Some(b'<' | b'#' | b'I' | 0xef)) {
            break;
        }
    }
    Ok(begun.freeze())
}
