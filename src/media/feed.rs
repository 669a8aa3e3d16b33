//! What ffmpeg is given on standard input instead of an address.

use std::{
    collections::HashMap,
    convert::Infallible,
    fs::File,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use tokio::{io::AsyncWriteExt, process::ChildStdin, task::spawn_blocking};

use super::{
    multiplex::Program,
    ts::{self, PACKET},
};

/// Read of a file at once.
const PART: usize = 350 * PACKET;

/// Packets of a transport stream for ffmpeg.
pub enum Feed {
    /// A file, again and again: ffmpeg's own way back to its beginning misses the first picture.
    Loop(PathBuf),
    /// One program of a multiplex, or all that others play programs of.
    Program(Box<Program>),
}

impl Feed {
    /// Writes until ffmpeg ends or there is nothing more; then the reason is told, if there is one.
    pub async fn write(self, mut input: ChildStdin) -> String {
        match self {
            Self::Loop(path) => {
                repeat(path, &mut input).await;
                drop(input);
                std::future::pending::<Infallible>().await;
                String::new()
            }
            Self::Program(mut program) => loop {
                match program.next().await {
                    Ok(packets) => {
                        if input.write_all(&packets).await.is_err() {
                            std::future::pending::<Infallible>().await;
                        }
                    }
                    Err(why) => return why,
                }
            },
        }
    }
}

/// Opens a file below `media/`. A pipe or a device would keep whoever opens it waiting for ever.
///
/// # Errors
/// What the system says, and [`io::ErrorKind::InvalidInput`] for what is no file.
fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Whether something is there that is no file, such as a named pipe or a folder.
pub fn is_no_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// Whether a file is a transport stream of packets of 188 bytes, from its beginning.
pub fn is_transport_stream(path: &Path) -> bool {
    let mut beginning = [0; 3 * PACKET];
    let read = open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning.chunks_exact(PACKET).all(|packet| packet[0] == 0x47)
}

async fn repeat(path: PathBuf, input: &mut ChildStdin) {
    let mut turns = Turns::default();
    loop {
        let Ok(mut file) = open(&path) else { return };
        turns.begin();
        loop {
            let part = spawn_blocking(move || {
                let mut part = Vec::with_capacity(PART);
                let read = file.by_ref().take(PART as u64).read_to_end(&mut part);
                read.map(|_| (file, part))
            });
            let Ok(Ok((back, mut part))) = part.await else { return };
            file = back;
            part.truncate(part.len() / PACKET * PACKET);
            if part.is_empty() {
                break;
            }
            part.chunks_exact_mut(PACKET).for_each(|packet| turns.go_on(packet));
            if input.write_all(&part).await.is_err() {
                return;
            }
        }
    }
}

/// A leap of a track's clock within a file, in 1/90,000 second: ffmpeg is left to make the best of such a file.
const LEAP: u64 = 10 * 90_000;

/// Makes each turn of a file go on from the turn before: its packets count on, and its clocks are as much later as the longest
/// track lasts, so that no track overlaps itself.
#[derive(Default)]
pub struct Turns {
    tracks: HashMap<u16, Track>,
    /// How long one turn lasts, once one is over; `None` also for a file whose clocks leap.
    lasts: Option<u64>,
    /// How much later than in the file the clocks are.
    later: u64,
}

#[derive(Default)]
struct Track {
    /// The last number, what is added in this turn, and whether it has come in this turn.
    counter: Option<(u8, u8, bool)>,
    /// When its first and its last unit are decoded, and how long that lasts.
    units: Option<(u64, u64, u64)>,
    leaps: bool,
}

impl Turns {
    /// A turn begins.
    pub fn begin(&mut self) {
        if self.lasts.is_none() && !self.tracks.values().any(|track| track.leaps) {
            self.lasts = self.tracks.values().filter_map(Track::lasts).max();
        }
        self.later = (self.later + self.lasts.unwrap_or_default()) % ts::CLOCK;
        let counters = self.tracks.values_mut().filter_map(|track| track.counter.as_mut());
        counters.for_each(|(_, _, has_come)| *has_come = false);
    }

    /// How long a turn lasts that has come once, in milliseconds; `None` for a file whose clocks leap or say nothing.
    pub fn lasts(&self) -> Option<u64> {
        let leaps = self.tracks.values().any(|track| track.leaps);
        let lasts = self.lasts.or_else(|| self.tracks.values().filter_map(Track::lasts).max());
        lasts.filter(|_| !leaps).map(|lasts| lasts / 90)
    }

    pub fn go_on(&mut self, packet: &mut [u8]) {
        let track = self.tracks.entry(ts::pid(packet)).or_default();
        track.count(packet);
        match self.lasts {
            Some(_) => ts::delay(packet, self.later),
            None => track.time(packet),
        }
    }
}

impl Track {
    fn count(&mut self, packet: &mut [u8]) {
        let number = packet[3] & 0x0F;
        let counts = packet[3] >> 4 & 1;
        let first = (number.wrapping_sub(counts) & 0x0F, 0, false);
        let (last, added, has_come) = self.counter.get_or_insert(first);
        if !*has_come {
            (*added, *has_come) = (last.wrapping_add(counts).wrapping_sub(number) & 0x0F, true);
        }
        *last = number.wrapping_add(*added) & 0x0F;
        packet[3] = packet[3] & 0xF0 | *last;
    }

    fn time(&mut self, packet: &[u8]) {
        let Some(time) = ts::decoding_time(packet) else { return };
        self.units = Some(match self.units {
            None => (time, time, 0),
            Some((first, last, _)) => {
                let lasts = ts::elapsed(last, time);
                self.leaps |= lasts > LEAP;
                (first, time, lasts)
            }
        });
    }

    fn lasts(&self) -> Option<u64> {
        self.units.map(|(first, last, unit)| ts::elapsed(first, last) + unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_turn_counts_on_from_the_one_before() {
        let mut turns = Turns::default();
        let mut numbers = Vec::new();
        for _ in 0..3 {
            turns.begin();
            // The last packet but one has no payload, and is not counted.
            for control in [0x17, 0x18, 0x28, 0x19] {
                let mut packet = [0xFF; PACKET];
                packet[1..4].copy_from_slice(&[0x41, 0, control]);
                turns.go_on(&mut packet);
                numbers.push(packet[3] & 0x0F);
            }
        }
        assert_eq!(numbers, [7, 8, 8, 9, 10, 11, 11, 12, 13, 14, 14, 15]);
    }

    /// The head of a unit of that track that is shown and decoded at that time, with the clock before it.
    fn unit(track: u8, time: u64) -> Vec<u8> {
        let mut packet = vec![0xFF; PACKET];
        packet[..6].copy_from_slice(&[0x47, 0x41, track, 0x30, 7, 0x10]);
        packet[6..12].copy_from_slice(&[0, 0, 0, 0, 0x7E, 0]);
        packet[12..21].copy_from_slice(&[0, 0, 1, 0xC0, 0, 0, 0x80, 0xC0, 10]);
        packet[21..31].copy_from_slice(&[0x31, 0, 1, 0, 1, 0x11, 0, 1, 0, 1]);
        ts::delay(&mut packet, time);
        packet
    }

    #[test]
    fn clocks_go_on_over_turns_and_no_track_overlaps_itself() {
        let mut turns = Turns::default();
        let mut times: HashMap<u16, Vec<u64>> = HashMap::new();
        for _ in 0..3 {
            turns.begin();
            // Sound begins before the picture, and lasts longer than one more picture does.
            for (track, time) in
                [(2, 100), (1, 1_000), (2, 2_020), (1, 4_600), (2, 3_940), (2, 5_860), (1, 8_200), (2, 9_700)]
            {
                let mut packet = unit(track, time);
                assert_eq!((ts::decoding_time(&packet), ts::clock(&packet)), (Some(time), Some(time)));
                turns.go_on(&mut packet);
                let later = ts::decoding_time(&packet).unwrap();
                assert_eq!(ts::clock(&packet), Some(later), "clock and times stay together");
                times.entry(ts::pid(&packet)).or_default().push(later);
            }
        }
        for (track, times) in times {
            assert!(times.windows(2).all(|two| two[0] < two[1]), "{track}: {times:?}");
        }
        assert_eq!(turns.later, 2 * (9_700 - 100 + 3_840));
    }

    #[test]
    fn a_file_whose_clocks_leap_is_left_as_it_is() {
        let mut turns = Turns::default();
        for _ in 0..2 {
            turns.begin();
            for time in [100, 3_700, 9_000_000, 9_003_600] {
                let mut packet = unit(1, time);
                turns.go_on(&mut packet);
                assert_eq!(ts::decoding_time(&packet), Some(time));
            }
        }
    }
}
