//! How long a source is looked at before it is copied, and what of it is played.

use std::time::Duration;

use super::tracks::Track;
use crate::domain::channels::stream::AtEnd;

/// How a source is looked at before it is copied. Nothing is sent before it is known what the source is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// For how long.
    pub look: Look,
    /// For how long its picture needs to be looked for: key frames may be rare.
    pub picture: Look,
    /// Numbers of tracks that tell too little of themselves to be copied.
    pub without: Vec<u32>,
    /// Sounds that no transport stream carries.
    pub not_carried: Vec<Track>,
    /// The one of its programs that is played, when it has several.
    pub program: Option<u64>,
    /// It comes in the segments of a playlist.
    pub in_segments: bool,
    /// Picture and sound that belong together come up to so long after one another; zero if they come together.
    pub apart: Duration,
    /// That it is not what it says is borne for a while: it was begun anew for that a moment ago.
    pub is_borne: bool,
    /// What its operator wants.
    pub wish: Playback,
}

/// For how long a source is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// 3 seconds.
    #[default]
    Usual,
    /// A second: it was played a moment ago, and viewers wait.
    Shorter,
    /// 12 seconds.
    Longer,
    /// 65 seconds: cameras may send a key frame a minute.
    Longest,
}

/// How a source is to be played, as far as that is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Playback {
    /// Every sound is turned into AAC.
    pub audio_to_aac: bool,
    /// What happens at the end of a source that has one.
    pub at_end: AtEnd,
}

impl Probe {
    /// What to try after ffmpeg could not make out those tracks, of which the sound can be done without: to look
    /// longer, then to leave them out; `None` when both were tried. The picture of a stream's `only` source is
    /// worth waiting for.
    pub fn after(&self, unclear: &[Unclear], only: bool) -> Option<Self> {
        let has_picture = unclear.iter().any(|track| track.is_video);
        let look = match self.look {
            Look::Usual | Look::Shorter if !unclear.is_empty() => Some(Look::Longer),
            Look::Longer if has_picture && only => Some(Look::Longest),
            _ => None,
        };
        if let Some(look) = look {
            let picture = if has_picture { look } else { self.picture };
            return Some(Self { look, picture, without: Vec::new(), ..self.clone() });
        }
        let silent: Vec<u32> =
            unclear.iter().filter(|track| !track.is_video).map(|track| track.number).collect();
        (self.without.is_empty() && !silent.is_empty()).then_some(Self {
            look: self.picture,
            without: silent,
            ..self.clone()
        })
    }

    /// How long the first key frame may take, if it may take `usually` as long.
    pub fn patience(&self, usually: Duration) -> Duration {
        if self.look == Look::Longest { usually.max(Duration::from_secs(75)) } else { usually }
    }

    /// Tracks of these kinds, such as `a?`, of the program that is played.
    pub fn tracks(&self, kinds: &[&str]) -> impl Iterator<Item = String> {
        let program = self.program.map(|program| format!("p:{program}:")).unwrap_or_default();
        kinds.iter().flat_map(move |kind| ["-map".into(), format!("0:{program}{kind}")])
    }

    /// Takes out the tracks that are not played.
    pub fn leaving_out(&self) -> impl Iterator<Item = String> {
        let numbers = self.without.iter().chain(self.not_carried.iter().map(|track| &track.number));
        numbers.flat_map(|number| ["-map".into(), format!("-0:{number}?")])
    }

    /// What becomes of picture and sound.
    pub fn codecs(&self) -> impl Iterator<Item = String> {
        // Gaps stay gaps: what is lost of the sound may not shift the rest.
        let aac =
            "-c:v copy -c:s copy -c:a aac -b:a 128k -ar 48000 -ac 2 -af aresample=async=1000:first_pts=0";
        let words = if self.wish.audio_to_aac { aac } else { "-c copy" };
        words.split_whitespace().map(String::from)
    }
}

/// A track whose codec parameters ffmpeg did not find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// Its number in the source, from 0.
    pub number: u32,
    /// Whether it is picture.
    pub is_video: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unclear_source_is_looked_at_longer_and_then_without_its_sound() {
        let (picture, sound) =
            (Unclear { number: 0, is_video: true }, Unclear { number: 2, is_video: false });
        assert_eq!(Probe::default().after(&[], true), None, "it failed for another reason");
        let longer = Probe::default().after(&[picture, sound], false).unwrap();
        assert_eq!(longer, Probe { look: Look::Longer, picture: Look::Longer, ..Probe::default() });
        assert_eq!(longer.after(&[picture], false), None, "a channel is no channel without its picture");
        let without = longer.after(&[picture, sound], false).unwrap();
        assert_eq!(without.without, [2]);
        assert_eq!(without.after(&[sound], true), None);
        let longest = longer.after(&[picture], true).unwrap();
        assert_eq!((longest.look, longest.after(&[picture], true)), (Look::Longest, None));
        let chosen = Probe { program: Some(7), ..Probe::default() }.after(&[sound], true).unwrap();
        assert_eq!(chosen.program, Some(7), "it stays with its program");
    }

    #[test]
    fn each_kind_of_track_is_given_one_codec() {
        for audio_to_aac in [false, true] {
            let wish = Playback { audio_to_aac, ..Playback::default() };
            let options: Vec<String> = Probe { wish, ..Probe::default() }.codecs().collect();
            let of = |kind: &str| options.iter().filter(|option| *option == kind).count();
            for kind in ["-c:v", "-c:a", "-c:s"] {
                assert_eq!(of(kind) + of("-c"), 1, "{kind}: {options:?}");
            }
        }
    }
}
