//! What ffmpeg is given on standard input instead of an address.

use std::{
    collections::HashMap,
    convert::Infallible,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use tokio::{io::AsyncWriteExt, process::ChildStdin, task::spawn_blocking};

use super::{multiplex::Program, ts::PACKET};

/// Read of a file at once.
const PART: usize = 350 * PACKET;

/// Packets of a transport stream for ffmpeg.
pub enum Feed {
    /// A file, again and again: ffmpeg's own way back to its beginning misses the first picture.
    Loop(PathBuf),
    /// One program of a multiplex.
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

/// Whether a file is a transport stream of packets of 188 bytes, from its beginning.
pub fn is_transport_stream(path: &Path) -> bool {
    let mut beginning = [0; 3 * PACKET];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning.chunks_exact(PACKET).all(|packet| packet[0] == 0x47)
}

async fn repeat(path: PathBuf, input: &mut ChildStdin) {
    let mut counters = Counters::default();
    loop {
        let Ok(mut file) = File::open(&path) else { return };
        counters.begin();
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
            part.chunks_exact_mut(PACKET).for_each(|packet| counters.renumber(packet));
            if input.write_all(&part).await.is_err() {
                return;
            }
        }
    }
}

/// Makes the packets of each turn count on from those of the turn before.
#[derive(Default)]
struct Counters {
    /// Of each track: the last number, what is added in this turn, and whether it has come in this turn.
    tracks: HashMap<u16, (u8, u8, bool)>,
}

impl Counters {
    fn begin(&mut self) {
        self.tracks.values_mut().for_each(|(_, _, has_come)| *has_come = false);
    }

    fn renumber(&mut self, packet: &mut [u8]) {
        let pid = u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]);
        let number = packet[3] & 0x0F;
        let counts = packet[3] >> 4 & 1;
        let first = (number.wrapping_sub(counts) & 0x0F, 0, false);
        let (last, added, has_come) = self.tracks.entry(pid).or_insert(first);
        if !*has_come {
            (*added, *has_come) = (last.wrapping_add(counts).wrapping_sub(number) & 0x0F, true);
        }
        *last = number.wrapping_add(*added) & 0x0F;
        packet[3] = packet[3] & 0xF0 | *last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_turn_counts_on_from_the_one_before() {
        let mut counters = Counters::default();
        let mut numbers = Vec::new();
        for _ in 0..3 {
            counters.begin();
            // The last packet but one has no payload, and is not counted.
            for control in [0x17, 0x18, 0x28, 0x19] {
                let mut packet = [0xFF; PACKET];
                packet[1..4].copy_from_slice(&[0x41, 0, control]);
                counters.renumber(&mut packet);
                numbers.push(packet[3] & 0x0F);
            }
        }
        assert_eq!(numbers, [7, 8, 8, 9, 10, 11, 11, 12, 13, 14, 14, 15]);
    }
}
