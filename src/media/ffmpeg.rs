//! ffmpeg's command line for each kind of source.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};

use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
    time::timeout,
};

use super::{
    child::{clear_environment, spawn},
    feed::Feed,
    probe::{Look, Probe},
};
use crate::domain::channels::stream::{AtEnd, SourceUrl};

/// Containers that a file below `media/` may have. Playlists are not among them: they name other files.
const FILE_FORMATS: &str =
    "mpegts,mpeg,mpegvideo,mov,mp4,matroska,webm,avi,flv,asf,ogg,h264,hevc,mp3,aac,ac3,flac,wav";
/// Those of what is fetched. Of lists only HLS is among them, whose addresses are ours; MPEG-DASH would lead anywhere.
const FETCHED_FORMATS: &str = "hls,mpegts,mpeg,mpegvideo,mov,mp4,matroska,webm,avi,flv,live_flv,asf,ogg,h264,hevc,mp3,aac,\
                               ac3,eac3,dts,loas,flac,wav,aiff,nut,nsv,mpjpeg,mjpeg,webvtt";
/// Silence of a source for so long is an end of it, as far as ffmpeg can tell by itself.
pub const SILENCE: Duration = Duration::from_secs(15);
/// The same in microseconds, as its options have it.
const SILENCE_MICROS: &str = "15000000";
/// This many bytes of its help are read, in so much time.
const HELP: u64 = 64 << 10;
const ANSWERS: Duration = Duration::from_secs(5);
/// A track that has fallen silent is waited for so long, instead of ten seconds: nothing is sent meanwhile.
const SILENT: Duration = Duration::from_secs(2);

/// How ffmpeg is run.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    /// The program; found on PATH unless it is a path.
    pub program: PathBuf,
    /// Where files of sources lie: the data folder's `media/`.
    pub folder: PathBuf,
    /// Whether it can drop packets by their size, as it can since version 5; asked once.
    drops: OnceLock<bool>,
}

impl Ffmpeg {
    /// That program, and the folder of the files that it plays.
    pub fn new(program: PathBuf, folder: PathBuf) -> Self {
        Self { program, folder, drops: OnceLock::new() }
    }

    /// Starts copying a source, as an MPEG transport stream, onto standard output. One of http or https is fetched
    /// for it, and read at the address `via`.
    ///
    /// # Errors
    /// A sentence about what is missing.
    pub fn play(
        &self,
        source: &SourceUrl,
        via: Option<&str>,
        care: &Probe,
        feed: Option<&Feed>,
    ) -> Result<Child, String> {
        let mut arguments = match feed {
            Some(feed) => fed(feed, care),
            None => self.input(source, via, care)?,
        };
        // Files often have subtitles that no transport stream can carry; V is no cover of a record.
        let kinds: &[&str] = if source.file().is_some() { &["V:0?", "a?"] } else { &["V:0?", "a?", "s?"] };
        arguments.extend(care.tracks(kinds));
        arguments.extend(care.leaving_out());
        arguments.extend(care.codecs());
        if source.file().is_none() && self.drops() {
            // What is left of a frame where a segment breaks off: one byte would end the run. A file that is looped
            // would have no sound from its second turn on.
            arguments.extend(["-bsf:a", "noise=drop=lt(size\\,2)"].map(String::from));
        }
        let output = [
            // Longer leaps of the clock are made up for; where picture and sound leap by a little less and a little more
            // than that, one of them is lost. So it is no multiple of what segments last.
            "-dts_delta_threshold",
            "31.5",
            "-f",
            "mpegts",
            // The clock runs so much ahead of what is to be decoded; half of it is gathered of sound.
            "-muxdelay",
            "0.3",
            // Tables come with the clocks, which are up to 0.1 s apart.
            "-pat_period",
            "0.06",
            "-flush_packets",
            "1",
            "-max_interleave_delta",
            &(care.apart + SILENT).as_micros().to_string(),
            "pipe:1",
        ];
        arguments.extend(output.map(String::from));
        let input = if feed.is_some() { Stdio::piped() } else { Stdio::null() };
        spawn(&self.program, &arguments, [input, Stdio::piped(), Stdio::piped()])
    }

    /// Starts reading a source onto standard output as it is.
    ///
    /// # Errors
    /// As [`Ffmpeg::play`].
    pub fn raw(&self, source: &SourceUrl) -> Result<Child, String> {
        let mut arguments = common(&Probe::default(), flags(&Probe::default()));
        arguments.extend(["-f", "data"].map(String::from));
        arguments.extend(network(source).iter().map(|word| (*word).to_owned()));
        arguments.extend(["-i".into(), source.address().to_owned()]);
        arguments.extend("-map 0 -c copy -f data pipe:1".split(' ').map(String::from));
        spawn(&self.program, &arguments, [Stdio::null(), Stdio::piped(), Stdio::piped()])
    }

    /// Where a file below `media/` lies.
    ///
    /// # Errors
    /// A sentence: it is not there, or outside.
    pub fn file(&self, name: &str) -> Result<PathBuf, String> {
        inside(&self.folder, name)
    }

    /// Starts reading two seconds of a source, to see whether it is there; success is its exit code.
    ///
    /// # Errors
    /// As [`Ffmpeg::play`].
    pub fn try_out(&self, source: &SourceUrl, via: Option<&str>, care: &Probe) -> Result<Child, String> {
        let mut arguments = self.input(source, via, care)?;
        arguments.extend(["-map", "0:V?", "-map", "0:a?"].map(String::from));
        arguments.extend(care.leaving_out());
        arguments.extend(["-c", "copy", "-t", "2", "-f", "null", "-"].map(String::from));
        spawn(&self.program, &arguments, [Stdio::null(), Stdio::null(), Stdio::piped()])
    }

    /// Starts making a fragmented MP4 on standard output of the transport stream on standard input, with its
    /// sound if that has a codec that browsers play. Its complaints go nowhere: they are those of the stream.
    ///
    /// # Errors
    /// As [`Ffmpeg::play`].
    pub fn preview(&self, sound: Option<&str>) -> Result<Child, String> {
        let sound = match sound {
            // Its headers move from each frame to the beginning.
            Some("aac") => "-map 0:a:0? -bsf:a aac_adtstoasc",
            Some(_) => "-map 0:a:0?",
            None => "-an",
        };
        let input = "-hide_banner -nostats -loglevel quiet -fflags +genpts+discardcorrupt+nobuffer \
                     -probesize 1000000 -analyzeduration 1000000 -f mpegts -i pipe:0 -map 0:v:0?";
        let output = "-c copy -f mp4 -movflags delay_moov+default_base_moof+frag_keyframe -frag_duration 500000 \
                      -flush_packets 1 pipe:1";
        let words = input.split_whitespace().chain(sound.split_whitespace()).chain(output.split_whitespace());
        let arguments: Vec<String> = words.map(String::from).collect();
        spawn(&self.program, &arguments, [Stdio::piped(), Stdio::piped(), Stdio::null()])
    }

    /// Starts looking at the beginning of a transport stream on standard input; its lines tell what it is.
    ///
    /// # Errors
    /// As [`Ffmpeg::play`].
    pub fn describe(&self) -> Result<Child, String> {
        let words =
            "-hide_banner -nostats -loglevel level+info -f mpegts -i pipe:0 -map 0:v:0 -c copy -f null -";
        let arguments: Vec<String> = words.split_whitespace().map(String::from).collect();
        spawn(&self.program, &arguments, [Stdio::piped(), Stdio::null(), Stdio::piped()])
    }

    /// Asks it once what it can do, before the first stream begins. One that is not there, hangs or prints anything else can
    /// do less until the server starts again.
    pub async fn learn(&self) {
        let mut command = Command::new(&self.program);
        command.args(["-hide_banner", "-h", "bsf=noise"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        clear_environment(&mut command);
        let told = async {
            let mut child = command.spawn().ok()?;
            let mut told = Vec::new();
            child.stdout.take()?.take(HELP).read_to_end(&mut told).await.ok()?;
            Some(told)
        };
        let told = timeout(ANSWERS, told).await.ok().flatten().unwrap_or_default();
        let _ = self.drops.set(String::from_utf8_lossy(&told).contains("-drop "));
    }

    fn drops(&self) -> bool {
        self.drops.get().copied().unwrap_or(false)
    }

    /// Options that a source of its kind needs. The lists of protocols keep a stream or playlist that
    /// came from elsewhere from opening files of this machine.
    fn input(&self, source: &SourceUrl, via: Option<&str>, care: &Probe) -> Result<Vec<String>, String> {
        let mut arguments = common(care, flags(care));
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        if source.file().is_some() {
            add(&["-re"]);
            if care.wish.at_end == AtEnd::Loop {
                add(&["-stream_loop", "-1"]);
            }
        }
        let url = if let Some(name) = source.file() {
            add(&["-protocol_whitelist", "file", "-format_whitelist", FILE_FORMATS]);
            format!("file:{}", self.file(name)?.display())
        } else {
            add(network(source));
            via.unwrap_or(source.address()).to_owned()
        };
        arguments.extend(["-i".into(), url]);
        Ok(arguments)
    }
}

/// Options of every run.
fn common(care: &Probe, flags: &str) -> Vec<String> {
    let looking = match care.look {
        Look::Usual => "-analyzeduration 3000000 -probesize 5000000",
        Look::Shorter => "-analyzeduration 1000000 -probesize 5000000",
        Look::Longer => "-analyzeduration 12000000 -probesize 50000000",
        Look::Longest => "-analyzeduration 65000000 -probesize 100000000",
    };
    let words = "-nostdin -hide_banner -nostats -loglevel level+info -fflags";
    words.split(' ').chain([flags]).chain(looking.split(' ')).map(String::from).collect()
}

/// What ffmpeg does with packets. In a playlist a counter that begins anew is that of the next segment, and no damage;
/// elsewhere a packet that does not follow the one before belongs to a picture that is not whole.
fn flags(care: &Probe) -> &'static str {
    if care.in_segments { "+genpts" } else { "+genpts+discardcorrupt" }
}

/// Options of a source that is not a file.
fn network(source: &SourceUrl) -> &'static [&'static str] {
    match source.scheme().as_str() {
        // Whoever fetches it for ffmpeg gives up sooner.
        "http" | "https" => &[
            "-protocol_whitelist",
            "http,tcp,crypto",
            "-format_whitelist",
            FETCHED_FORMATS,
            "-rw_timeout",
            "60000000",
        ],
        "rtmp" | "rtmps" => &["-protocol_whitelist", "rtmp,rtmps,tcp,tls", "-rw_timeout", SILENCE_MICROS],
        "rtsp" => {
            &["-protocol_whitelist", "rtsp,rtp,udp,tcp", "-rtsp_transport", "tcp", "-timeout", SILENCE_MICROS]
        }
        "srt" => &["-protocol_whitelist", "srt", "-timeout", SILENCE_MICROS],
        "rtp" => &["-protocol_whitelist", "rtp,udp"],
        _ => &[
            "-protocol_whitelist",
            "udp",
            "-timeout",
            SILENCE_MICROS,
            "-fifo_size",
            "50000",
            "-overrun_nonfatal",
            "1",
        ],
    }
}

/// Options of packets on standard input.
fn fed(feed: &Feed, care: &Probe) -> Vec<String> {
    let mut arguments = common(care, flags(care));
    if matches!(feed, Feed::Loop(_)) {
        arguments.push("-re".into());
    }
    arguments.extend("-protocol_whitelist pipe -f mpegts -i pipe:0".split(' ').map(String::from));
    arguments
}

/// The path of a file below the folder; symbolic links may not lead out of it.
fn inside(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let missing = |error: std::io::Error| format!("media/{name} cannot be opened: {error}");
    let file = folder.join(name).canonicalize().map_err(missing)?;
    let folder = folder.canonicalize().map_err(missing)?;
    if file.starts_with(&folder) {
        Ok(file)
    } else {
        Err(format!("media/{name} is outside the folder media/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_must_lie_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let media = folder.path().join("media");
        std::fs::create_dir(&media).unwrap();
        std::fs::write(media.join("a.ts"), "x").unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", media.join("link.ts")).unwrap();
        std::os::unix::fs::symlink("a.ts", media.join("alias.ts")).unwrap();
        assert!(inside(&media, "a.ts").is_ok());
        assert!(inside(&media, "alias.ts").is_ok());
        assert!(inside(&media, "link.ts").unwrap_err().contains("outside"));
        assert!(inside(&media, "../secret").unwrap_err().contains("outside"));
        assert!(inside(&media, "none.ts").is_err());
    }
}
