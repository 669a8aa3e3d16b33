//! What a source is made of, as ffmpeg lists it, and what of it is played.

use std::time::Duration;

use super::{pace::Pace, probe::Probe};

/// More tracks and programs are not remembered: no transport stream has as many.
const MOST: usize = 1000;
/// Pictures that a transport stream carries.
const PICTURES: [&str; 9] =
    ["h264", "hevc", "mpeg2video", "mpeg1video", "mpeg4", "vvc", "cavs", "dirac", "vc1"];
/// Sounds that it carries.
const SOUNDS: [&str; 11] =
    ["aac", "aac_latm", "mp1", "mp2", "mp3", "ac3", "eac3", "dts", "truehd", "opus", "s302m"];

/// What a track is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A moving picture.
    Picture,
    /// A still one, such as the cover of a record.
    Cover,
    /// Sound.
    Sound,
}

/// A track of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its number in the source, from 0.
    pub number: u32,
    pub kind: Kind,
    /// Its codec, as ffmpeg calls it; `none` or `unknown` if that was not found out.
    pub codec: String,
    /// Width and height of a picture.
    pub resolution: Option<(u32, u32)>,
}

impl Track {
    /// Reads a line that lists one, such as `Stream #0:1[0x101](eng): Audio: aac (LC), 44100 Hz`.
    pub fn of(text: &str) -> Option<Self> {
        let (number, about) = text.trim_start().strip_prefix("Stream #0:")?.split_once(": ")?;
        let number = number.split(['[', '(']).next()?.parse().ok()?;
        let (kind, about) = about.split_once(": ")?;
        let kind = match kind {
            "Audio" => Kind::Sound,
            "Video" if about.contains("(attached pic)") || about.contains("(still image)") => Kind::Cover,
            "Video" => Kind::Picture,
            _ => return None,
        };
        let codec = about.split([' ', ',']).next()?.chars().take(32).collect();
        let resolution = about.split([',', ' ']).find_map(|word| {
            let (width, height) = word.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        });
        Some(Self { number, kind, codec, resolution: resolution.filter(|size| *size != (0, 0)) })
    }

    /// Whether a transport stream can carry it. What nobody could make out is tried.
    fn is_carried(&self) -> bool {
        let carried: &[&str] = if self.kind == Kind::Sound { &SOUNDS } else { &PICTURES };
        matches!(self.codec.as_str(), "none" | "unknown") || carried.contains(&self.codec.as_str())
    }
}

/// What ffmpeg lists of a source before it begins.
#[derive(Default)]
pub struct Listing {
    programs: Vec<u64>,
    /// The one whose tracks follow.
    current: Option<u64>,
    /// Each with the program below which it stands.
    tracks: Vec<(Option<u64>, Track)>,
    /// Whether its length is known: it has an end.
    pub is_finite: bool,
    /// Whether it is a playlist.
    pub is_playlist: bool,
    /// How long after one another its picture and sound come.
    pub apart: Duration,
}

impl Listing {
    /// The tracks of this program follow; `None` before tracks that belong to no program.
    pub fn program(&mut self, program: Option<u64>) {
        self.current = program;
        self.programs.extend(program.filter(|_| self.programs.len() < MOST));
    }

    /// A track of the source.
    pub fn track(&mut self, track: Track) {
        if self.tracks.len() < MOST {
            self.tracks.push((self.current, track));
        }
    }

    /// How it is to be played, after it was begun with that care.
    ///
    /// # Errors
    /// A sentence: nothing of it can be played, and why.
    pub fn care(&self, begun: &Probe) -> Result<Probe, String> {
        let program = match begun.program {
            Some(program) if !self.programs.contains(&program) => return Err(self.no_program(program)),
            None if self.programs.len() > 1 => self.first_with_a_picture(),
            chosen => chosen,
        };
        let played = |(of, track): &&(Option<u64>, Track)| {
            track.kind != Kind::Cover && (program.is_none() || *of == program)
        };
        let tracks: Vec<&Track> = self.tracks.iter().filter(played).map(|(_, track)| track).collect();
        let sounds = || tracks.iter().filter(|track| track.kind == Kind::Sound);
        let picture = tracks.iter().find(|track| track.kind == Kind::Picture);
        if let Some(picture) = picture.filter(|picture| !picture.is_carried()) {
            return Err(format!("its video is {}, which a transport stream cannot carry", picture.codec));
        }
        let silent: Vec<Track> = if begun.wish.audio_to_aac {
            Vec::new()
        } else {
            sounds().filter(|sound| !sound.is_carried()).map(|sound| (*sound).clone()).collect()
        };
        match silent.first() {
            Some(sound) if picture.is_none() && silent.len() == sounds().count() => Err(format!(
                "its audio is {}, which a transport stream cannot carry: switch audio_to_aac on",
                sound.codec
            )),
            _ if tracks.is_empty() => Err("it has neither video nor audio".into()),
            _ => {
                let in_segments = begun.in_segments || self.is_playlist;
                let apart = begun.apart.max(self.apart);
                Ok(Probe { program, not_carried: silent, in_segments, apart, ..begun.clone() })
            }
        }
    }

    /// The pace at which what is fetched is sent.
    pub fn pace(&self) -> Pace {
        match (self.is_finite, self.is_playlist) {
            (true, _) => Pace::Film,
            (false, true) => Pace::AsItComes,
            (false, false) => Pace::MayBeLive,
        }
    }

    /// That of the first picture; of radio, the first.
    fn first_with_a_picture(&self) -> Option<u64> {
        let picture = self.tracks.iter().find(|(_, track)| track.kind == Kind::Picture);
        picture.map_or_else(|| self.programs.first().copied(), |(program, _)| *program)
    }

    fn no_program(&self, wanted: u64) -> String {
        let programs: Vec<String> = self.programs.iter().take(50).map(u64::to_string).collect();
        if programs.is_empty() {
            return format!("it has no program {wanted}, and no others");
        }
        format!("it has no program {wanted}; its programs are {}", programs.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::probe::Playback;

    fn listing(lines: &[&str]) -> Listing {
        let mut listing = Listing::default();
        for line in lines {
            match line.strip_prefix("Program ") {
                Some(number) => listing.program(number.parse().ok()),
                None => listing.track(Track::of(line).unwrap()),
            }
        }
        listing
    }

    const PICTURE: &str =
        "Stream #0:0[0x100]: Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p, 320x180, 25 fps";
    const COVER: &str = "Stream #0:1: Video: mjpeg (Baseline), yuvj420p(pc), 200x200, 90k tbr (attached pic)";
    const ALAW: &str = "Stream #0:1[0x2](und): Audio: pcm_alaw (alaw / 0x77616C61), 8000 Hz, mono, s16";
    const MP3: &str = "Stream #0:2: Audio: mp3, 44100 Hz, mono";

    #[test]
    fn lines_list_tracks() {
        let sound = Track { number: 1, kind: Kind::Sound, codec: "pcm_alaw".into(), resolution: None };
        assert_eq!(Track::of(ALAW), Some(sound));
        assert_eq!(Track::of(PICTURE).unwrap().resolution, Some((320, 180)));
        assert_eq!(Track::of(COVER).unwrap().kind, Kind::Cover);
        for line in ["Stream #0:0 -> #0:0 (copy)", "Stream #0:2: Data: none", "Stream #0:x: Video: h264", ""]
        {
            assert_eq!(Track::of(line), None, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_carried_is_left_out_or_named() {
        let begun = Probe::default();
        let care = listing(&[PICTURE, ALAW, MP3]).care(&begun).unwrap();
        assert_eq!(care.not_carried.iter().map(|track| track.number).collect::<Vec<_>>(), [1]);
        assert_eq!(listing(&[MP3, COVER]).care(&begun), Ok(begun.clone()), "a cover is no picture");
        let vp8 = listing(&["Stream #0:0: Video: vp8, yuv420p, 320x180", MP3]).care(&begun);
        assert!(vp8.unwrap_err().contains("video is vp8"));
        assert!(listing(&[ALAW]).care(&begun).unwrap_err().contains("audio is pcm_alaw"));
        let turned =
            Probe { wish: Playback { audio_to_aac: true, ..Playback::default() }, ..Probe::default() };
        assert_eq!(listing(&[PICTURE, ALAW]).care(&turned), Ok(turned));
        assert!(listing(&[COVER]).care(&begun).unwrap_err().contains("neither video nor audio"));
    }

    #[test]
    fn what_has_an_end_is_sent_at_its_pace() {
        let pace = |is_finite, is_playlist| Listing { is_finite, is_playlist, ..Listing::default() }.pace();
        assert_eq!((pace(true, false), pace(true, true)), (Pace::Film, Pace::Film));
        assert_eq!((pace(false, false), pace(false, true)), (Pace::MayBeLive, Pace::AsItComes));
    }

    #[test]
    fn one_program_of_several_is_played() {
        let lines = ["Program 7", MP3, "Program 9", PICTURE, ALAW];
        let care = listing(&lines).care(&Probe::default()).unwrap();
        assert_eq!((care.program, care.not_carried.len()), (Some(9), 1));
        let chosen = listing(&lines).care(&Probe { program: Some(7), ..Probe::default() }).unwrap();
        assert_eq!((chosen.program, chosen.not_carried.len()), (Some(7), 0));
        let wrong = listing(&lines).care(&Probe { program: Some(8), ..Probe::default() }).unwrap_err();
        assert_eq!(wrong, "it has no program 8; its programs are 7, 9");
    }
}
