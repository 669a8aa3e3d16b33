//! An archive as recordings leave it, made at once: pieces of ten seconds with a key frame each second.

use std::{fs, path::Path, process::Command, sync::LazyLock};

use jiff::{Timestamp, tz::TimeZone};

/// How long a piece is, in milliseconds.
pub const PIECE: u64 = 10_000;

/// Four pieces whose clocks and counters go on from one to the next.
static PIECES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let how = "-v error -y -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine -t 40 -c:v libx264 -preset ultrafast \
               -g 25 -keyint_min 25 -sc_threshold 0 -c:a mp2 -f segment -segment_time 10 -segment_format mpegts";
    let made = Command::new("ffmpeg").args(how.split_whitespace()).arg(folder.path().join("%d.ts")).status();
    assert!(made.expect("ffmpeg").success());
    (0..4).map(|number| fs::read(folder.path().join(format!("{number}.ts"))).expect("a piece")).collect()
});

/// Unix seconds.
#[allow(clippy::disallowed_methods, reason = "recordings are of a moment ago")]
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs()
}

/// Records forty seconds of a stream, from that unix second on, of which the first piece does not join one before it.
pub fn record(data: &Path, stream: i64, from: u64) {
    for (number, bytes) in (0..).zip(PIECES.iter()) {
        let start = from * 1000 + number * PIECE;
        let moment =
            Timestamp::from_millisecond(start.cast_signed()).expect("a moment").to_zoned(TimeZone::UTC);
        let hour =
            data.join("archive").join(stream.to_string()).join(moment.strftime("%Y-%m-%d/%H").to_string());
        fs::create_dir_all(&hour).expect("a folder");
        let mark = if number == 0 { "-d" } else { "" };
        fs::write(hour.join(format!("{start}-{PIECE}{mark}.ts")), bytes).expect("a piece");
    }
}

/// How many bytes four pieces are.
pub fn recorded() -> usize {
    PIECES.iter().map(Vec::len).sum()
}
