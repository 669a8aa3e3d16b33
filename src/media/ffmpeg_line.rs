//! One line of what ffmpeg says, and what it tells.

use super::{hidden::Hidden, probe::Unclear, tracks::Track};

/// What a line of ffmpeg's tells.
#[derive(Debug, PartialEq)]
pub enum Line {
    /// A program of the source, such as a variant of an HLS playlist, whose tracks are listed next;
    /// `None` before tracks that belong to no program.
    Program(Option<u64>),
    /// The whole source was listed.
    Listed,
    /// A track of the source, or of what is made of it.
    Track(Track),
    /// A track of the source is copied, or converted, as the next one of what is made of it.
    Mapped(u32),
    /// It was not found out how a track is coded.
    Unclear(Unclear),
    /// The source's length is known.
    Finite,
    /// It is a playlist of HLS.
    Playlist,
    /// It is an MP4.
    Mp4,
    /// A picture or sound has come that was not there before.
    NewTrack,
    /// What comes as AAC is none, and is thrown away.
    NoAac,
    /// Something went wrong; without what is secret in URLs.
    Complaint(String),
    /// Nothing of interest.
    Other,
}

impl Line {
    /// Reads one.
    pub fn of(text: &str, hidden: &Hidden) -> Self {
        if let Some((_, track)) = text.split_once("[warning] Could not find codec parameters for stream ")
            && let Some((number, kind)) = track.split_once(" (")
            && let Ok(number) = number.parse()
        {
            return Self::Unclear(Unclear { number, is_video: kind.starts_with("Video") });
        }
        if ["[warning] New video stream ", "[warning] New audio stream "].iter().any(|new| text.contains(new))
        {
            return Self::NewTrack;
        }
        if text.starts_with("[info] Input #0, hls,") {
            return Self::Playlist;
        }
        if text.starts_with("[info] Input #0, mov,") {
            return Self::Mp4;
        }
        if let Some(length) = text.strip_prefix("[info]   Duration: ") {
            let is_known = !length.starts_with("N/A") && !length.starts_with("00:00:00.00");
            return if is_known { Self::Finite } else { Self::Other };
        }
        // ffmpeg mends that by itself, and says so for each packet.
        if text.contains("[warning] Non-monotonous DTS") {
            return Self::Other;
        }
        if text.contains("[error] AAC bitstream not in ADTS format") {
            return Self::NoAac;
        }
        if let Some(program) = text.strip_prefix("[info]   Program ")
            && let Some(Ok(number)) = program.split_whitespace().next().map(str::parse)
        {
            return Self::Program(Some(number));
        }
        if text.starts_with("[info]   No Program") {
            return Self::Program(None);
        }
        let next = ["[info] Output #", "[info] Stream mapping:", "[error] Output file #0 does not contain"];
        if next.iter().any(|next| text.starts_with(next)) {
            return Self::Listed;
        }
        if let Some((number, _)) =
            text.strip_prefix("[info]   Stream #0:").and_then(|text| text.split_once(" -> #0:"))
            && let Ok(number) = number.parse()
        {
            return Self::Mapped(number);
        }
        let severe = ["[error] ", "[fatal] ", "[panic] ", "[warning] "];
        if let Some((at, level)) = severe.iter().find_map(|level| text.find(level).map(|at| (at, level))) {
            let message = format!("{}{}", &text[..at], &text[at + level.len()..]);
            return Self::Complaint(without_secrets(&hidden.cut(message.trim())));
        }
        text.strip_prefix("[info] ").and_then(Track::of).map_or(Self::Other, Self::Track)
    }
}

/// The line with every URL cut to its scheme and host: the rest may hold passwords and tokens.
fn without_secrets(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        // A quote may be part of a URL: only what ends the word may be none of it.
        let word = after.split(char::is_whitespace).next().unwrap_or_default();
        let end = word.trim_end_matches(['\'', '"', ':', ',', ';', ')', ']']).len();
        let (url, following) = after.split_at(end);
        let host = url.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        shown.push_str(host);
        if host.len() < url.len() {
            shown.push_str("/***");
        }
        rest = following;
    }
    shown.push_str(rest);
    shown.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_of_tracks_and_what_went_wrong() {
        let line = "[info]   Stream #0:1[0x101]: Audio: aac (LC), 44100 Hz";
        assert!(matches!(Line::of(line, &Hidden::default()), Line::Track(track) if track.codec == "aac"));
        assert_eq!(Line::of("[info]   Stream #0:3 -> #0:0 (copy)", &Hidden::default()), Line::Mapped(3));
        assert_eq!(
            Line::of("[tcp @ 0x55] [error] Connection to tcp://10.0.0.1:80 failed", &Hidden::default()),
            Line::Complaint("[tcp @ 0x55] Connection to tcp://10.0.0.1:80 failed".into())
        );
    }

    #[test]
    fn lines_tell_of_programs() {
        for (line, told) in [
            ("[info]   Program 0 ", Line::Program(Some(0))),
            ("[info]   Program 1101 Cinema", Line::Program(Some(1101))),
            ("[info]   No Program", Line::Program(None)),
            ("[info]       title           : Program 3", Line::Other),
            ("[info] Output #0, mpegts, to 'pipe:1':", Line::Listed),
            ("[info] Stream mapping:", Line::Listed),
            ("[error] Output file #0 does not contain any stream", Line::Listed),
            ("[info]   Duration: 00:00:12.03, start: 1.4", Line::Finite),
            ("[info] Input #0, hls, from 'http://127.0.0.1:1/x/0':", Line::Playlist),
            ("[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'http://127.0.0.1:1/x/0':", Line::Mp4),
            ("[info]   Duration: N/A, start: 1.4", Line::Other),
            ("[info]   Duration: 00:00:00.00, start: 0.0", Line::Other),
        ] {
            assert_eq!(Line::of(line, &Hidden::default()), told, "{line}");
        }
    }

    #[test]
    fn lines_tell_of_tracks_that_are_unclear_or_new() {
        let line = "[mpegts @ 0x5] [warning] Could not find codec parameters for stream 1 (Audio: mp3 (mp3float) ([3][0][0][0] / 0x0003), 0 channels, fltp): unspecified frame size";
        let sound = Unclear { number: 1, is_video: false };
        assert_eq!(Line::of(line, &Hidden::default()), Line::Unclear(sound));
        let line = "[mpegts @ 0x5] [warning] New audio stream 0:3 at pos:847316 and DTS:1.4s";
        assert_eq!(Line::of(line, &Hidden::default()), Line::NewTrack);
        let line = "[mpegts @ 0x5] [error] AAC bitstream not in ADTS format and extradata missing";
        assert_eq!(Line::of(line, &Hidden::default()), Line::NoAac);
    }

    #[test]
    fn what_is_secret_in_a_url_does_not_show() {
        for (line, shown) in [
            (
                "http://user:pass@h.example/a/b.ts: Connection refused",
                "http://h.example/***: Connection refused",
            ),
            ("to 'http://h/it's'a\"token': 403", "to 'http://h/***': 403"),
            ("'https://h/live/u/p/1.ts?token=x' failed", "'https://h/***' failed"),
            ("rtmp://h:1935/app/key", "rtmp://h:1935/***"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_secrets(line), shown);
        }
    }
}
