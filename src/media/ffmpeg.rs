//! ffmpeg's command line for each kind of source, and what its lines tell.

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

use super::{feed::Feed, tracks::Track};
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
/// So many bytes of its help are read, in so much time.
const HELP: u64 = 64 << 10;
const ANSWERS: Duration = Duration::from_secs(5);
/// A track that has fallen silent is waited for so long, instead of ten seconds: nothing is sent meanwhile.
const SILENT: Duration = Duration::from_secs(2);

/// What ffmpeg sees of the environment: it holds the API key and the password of the first start.
const KEPT: [&str; 7] = ["PATH", "LD_LIBRARY_PATH", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR"];

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
    fn tracks(&self, kinds: &[&str]) -> impl Iterator<Item = String> {
        let program = self.program.map(|program| format!("p:{program}:")).unwrap_or_default();
        kinds.iter().flat_map(move |kind| ["-map".into(), format!("0:{program}{kind}")])
    }

    fn leaving_out(&self) -> impl Iterator<Item = String> {
        let numbers = self.without.iter().chain(self.not_carried.iter().map(|track| &track.number));
        numbers.flat_map(|number| ["-map".into(), format!("-0:{number}?")])
    }

    fn codecs(&self) -> impl Iterator<Item = String> {
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
        self.spawn(&arguments, [input, Stdio::piped(), Stdio::piped()])
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
        self.spawn(&arguments, [Stdio::null(), Stdio::piped(), Stdio::piped()])
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
        self.spawn(&arguments, [Stdio::null(), Stdio::null(), Stdio::piped()])
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
        self.spawn(&arguments, [Stdio::piped(), Stdio::piped(), Stdio::null()])
    }

    /// Starts looking at the beginning of a transport stream on standard input; its lines tell what it is.
    ///
    /// # Errors
    /// As [`Ffmpeg::play`].
    pub fn describe(&self) -> Result<Child, String> {
        let words =
            "-hide_banner -nostats -loglevel level+info -f mpegts -i pipe:0 -map 0:v:0 -c copy -f null -";
        let arguments: Vec<String> = words.split_whitespace().map(String::from).collect();
        self.spawn(&arguments, [Stdio::piped(), Stdio::null(), Stdio::piped()])
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

    /// A child of a process group of its own that dies when its maker's thread does.
    /// The streams are its input, output and errors.
    fn spawn(&self, arguments: &[String], streams: [Stdio; 3]) -> Result<Child, String> {
        let [input, output, errors] = streams;
        let with = |program: &Path, leading: &[&std::ffi::OsStr]| {
            let mut command = Command::new(program);
            command.args(leading).args(arguments);
            clear_environment(&mut command);
            command.process_group(0).kill_on_drop(true);
            command
        };
        let missing = || "ffmpeg is not installed: install it, or put it on PATH".to_owned();
        if !is_there(&self.program) {
            return Err(missing());
        }
        let options = ["--no-new-privs", "--pdeathsig", "KILL", "--"].map(std::ffi::OsStr::new);
        let leading = [&options, [self.program.as_os_str()].as_slice()].concat();
        let child = with(Path::new("setpriv"), &leading).stdin(input).stdout(output).stderr(errors).spawn();
        let child =
            child.map_err(|error| format!("ffmpeg cannot be started with setpriv (util-linux): {error}"))?;
        limit(&child);
        Ok(child)
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

/// Leaves a child what it needs of the environment.
pub fn clear_environment(command: &mut Command) {
    command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
}

/// A child writes no files and leaves no memory behind, and needs few descriptors.
fn limit(child: &Child) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    // No id is that of the server itself.
    let Some(pid) = pid else { return };
    for (resource, most) in [(Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nofile, 256)] {
        // One that has ended meanwhile needs none.
        let _ = prlimit(Some(pid), resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
}

/// Whether a program could be found.
fn is_there(program: &Path) -> bool {
    if program.components().count() > 1 {
        return program.is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
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
