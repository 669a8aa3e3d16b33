//! MPEG transport streams (ISO/IEC 13818-1), as far as fan-out needs them: packets, tables, key
//! frames, the clock. What is read here is ffmpeg's own output, which marks every key frame.

mod packet;
mod table;

use super::nal;

pub use packet::{CLOCK, PACKET, clock, clock_packet, data_packet, decoding_time, delay, elapsed, pid};
pub use table::{PAT, PMT, Tables, checksum, set_version, table};

use packet::{SYNC, adaptation, payload};
use table::{codec, length};

/// This many units of another codec, less the pictures that have none, are no accident.
const STRANGE_PICTURES: usize = 10;
/// Nor are this many packets of sound, which make a few seconds.
const STRANGE_SOUNDS: usize = 20;
/// A codec by its stream type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elementary {
    /// Its track.
    pub pid: u16,
    /// Whether it is a picture.
    pub is_video: bool,
    /// The codec's name as ffmpeg has it.
    pub codec: &'static str,
    /// Whether anything of it has come since [`Scanner::listen`].
    pub heard: bool,
    /// Whether anything that came was of that codec.
    pub is_true: bool,
    /// How much has come lately that is no such codec.
    strange: usize,
}

/// One packet of the stream and what it means.
#[derive(Debug, Default)]
pub struct Packet<'b> {
    /// Its 188 bytes.
    pub bytes: &'b [u8],
    /// Its track or table.
    pub pid: u16,
    /// The program clock, if it carries that, in 1/90,000 second.
    pub clock: Option<u64>,
    /// Whether it belongs to the PAT or the PMT.
    pub is_table: bool,
    /// Whether a player can begin with it.
    pub begins: bool,
    /// Whether it begins a picture, or sound where there is no picture.
    pub opens: bool,
    /// If it begins a picture: how that is coded, as [`nal::parameters`] has it.
    pub parameters: Option<&'b [u8]>,
    /// If it begins a key frame: what decoders need before it, as [`nal::parameter_sets`] has it.
    pub sets: Vec<u8>,
}

/// Reads a stream packet by packet.
#[derive(Default)]
pub struct Scanner {
    /// The beginning of a packet whose rest has not come.
    partial: Vec<u8>,
    pat: Option<[u8; PACKET]>,
    pmt: Option<[u8; PACKET]>,
    pmt_pid: Option<u16>,
    clock_pid: Option<u16>,
    /// What `elementary` was read from.
    map: Vec<u8>,
    elementary: Vec<Elementary>,
    clock: Option<u64>,
    skipped: usize,
}

impl Scanner {
    /// Takes bytes in, and hands out every whole packet.
    pub fn feed(&mut self, mut bytes: &[u8], mut take: impl FnMut(&mut Self, &Packet<'_>)) {
        if !self.partial.is_empty() {
            let missing = (PACKET - self.partial.len()).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.partial.len() < PACKET {
                return;
            }
            let packet = std::mem::take(&mut self.partial);
            self.packet(&packet, &mut take);
        }
        while bytes.len() >= PACKET {
            if bytes[0] == SYNC {
                let (packet, rest) = bytes.split_at(PACKET);
                self.packet(packet, &mut take);
                bytes = rest;
            } else {
                let next = bytes.iter().position(|byte| *byte == SYNC).unwrap_or(bytes.len());
                self.skipped += next;
                bytes = &bytes[next..];
            }
        }
        // What is kept begins like a packet, or small pieces would never be in step again.
        let next = bytes.iter().position(|byte| *byte == SYNC).unwrap_or(bytes.len());
        self.skipped += next;
        self.partial.extend_from_slice(&bytes[next..]);
    }

    /// Bytes that belonged to no packet.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The latest PAT and PMT: what a player needs before anything else. `None` until both came.
    pub fn tables(&self) -> Option<Tables> {
        let mut tables = [0; 2 * PACKET];
        tables[..PACKET].copy_from_slice(self.pat.as_ref()?);
        tables[PACKET..].copy_from_slice(self.pmt.as_ref()?);
        Some(tables)
    }

    /// What the stream is made of.
    pub fn elementary(&self) -> &[Elementary] {
        &self.elementary
    }

    /// The part of the stream that has not been what the tables promise for a while.
    pub fn strange(&self) -> Option<&Elementary> {
        let most = |part: &Elementary| if part.is_video { STRANGE_PICTURES } else { STRANGE_SOUNDS };
        self.elementary.iter().find(|part| part.strange >= most(part))
    }

    /// From now on, notes anew which parts of the stream come.
    pub fn listen(&mut self) {
        self.elementary.iter_mut().for_each(|part| part.heard = false);
    }

    /// The latest program clock, in units of 1/90,000 second.
    pub fn clock(&self) -> Option<u64> {
        self.clock
    }

    /// The track that carries the clock, as the tables say.
    pub fn clock_pid(&self) -> Option<u16> {
        self.clock_pid
    }

    fn packet(&mut self, packet: &[u8], take: &mut impl FnMut(&mut Self, &Packet<'_>)) {
        let pid = pid(packet);
        let begins_unit = packet[1] & 0x40 != 0;
        if begins_unit && pid == 0 {
            self.read_pat(packet);
        } else if begins_unit && Some(pid) == self.pmt_pid {
            self.read_pmt(packet);
        }
        let flags = adaptation(packet).first().copied().unwrap_or(0);
        let clock = clock(packet);
        self.clock = clock.or(self.clock);
        let is_table = pid == 0 || Some(pid) == self.pmt_pid;
        let opens = begins_unit && self.is_entry(pid);
        let begins = opens && flags & 0x40 != 0;
        let parameters = if begins_unit { self.unit(pid, packet) } else { None };
        let sets = if begins { self.sets(pid, packet) } else { Vec::new() };
        take(self, &Packet { bytes: packet, pid, clock, is_table, begins, opens, parameters, sets });
    }

    /// A picture or a frame of sound begins: looks whether it is of the codec that the tables promise.
    fn unit<'b>(&mut self, pid: u16, packet: &'b [u8]) -> Option<&'b [u8]> {
        let part = self.elementary.iter_mut().find(|part| part.pid == pid)?;
        part.heard = true;
        let [0, 0, 1, _, _, _, _, _, header, data @ ..] = payload(packet) else { return None };
        let data = data.get(usize::from(*header)..)?;
        if !part.is_video {
            part.strange = if nal::is_sound(part.codec, data) { 0 } else { part.strange + 1 };
            part.is_true |= part.strange == 0;
            if part.strange == 0 && matches!(part.codec, "mp2" | "mp3") {
                part.codec = nal::mpeg_layer(data);
            }
            return None;
        }
        let foreign = nal::foreign(part.codec, data);
        part.is_true |= foreign == 0;
        part.strange = match foreign {
            0 => part.strange.saturating_sub(1),
            units => part.strange + units,
        };
        nal::parameters(part.codec, data)
    }

    fn sets(&self, pid: u16, packet: &[u8]) -> Vec<u8> {
        let part = self.elementary.iter().find(|part| part.pid == pid && part.is_video);
        let [0, 0, 1, _, _, _, _, _, header, data @ ..] = payload(packet) else { return Vec::new() };
        let data = data.get(usize::from(*header)..).unwrap_or_default();
        // The last unit of the packet may go on in the next; that is none of these, which come first.
        part.map(|part| nal::parameter_sets(part.codec, data)).unwrap_or_default()
    }

    /// Players begin with a picture, or with sound where there is no picture.
    fn is_entry(&self, pid: u16) -> bool {
        let has_video = self.elementary.iter().any(|part| part.is_video);
        self.tables().is_some()
            && self.elementary.iter().any(|part| part.pid == pid && part.is_video == has_video)
    }

    fn read_pat(&mut self, packet: &[u8]) {
        let Some(section) = table(packet, PAT) else { return };
        let programs = section.get(8..).unwrap_or_default().chunks_exact(4);
        let Some(program) = programs.into_iter().find(|program| program[0] != 0 || program[1] != 0) else {
            return;
        };
        self.pmt_pid = Some(u16::from(program[2] & 0x1F) << 8 | u16::from(program[3]));
        self.pat = packet.try_into().ok();
    }

    fn read_pmt(&mut self, packet: &[u8]) {
        let Some(section) = table(packet, PMT) else { return };
        self.pmt = packet.try_into().ok();
        if self.map == section {
            return;
        }
        self.map = section.to_vec();
        let [.., clock_high, clock_low, high, low] = *section.get(..12).unwrap_or_default() else { return };
        self.clock_pid = Some(u16::from(clock_high & 0x1F) << 8 | u16::from(clock_low));
        let mut rest = section.get(12 + length(high, low)..).unwrap_or_default();
        let mut elementary = Vec::new();
        while let [kind, high_pid, low_pid, high, low, after @ ..] = rest {
            let Some((descriptors, next)) = after.split_at_checked(length(*high, *low)) else { break };
            let pid = u16::from(high_pid & 0x1F) << 8 | u16::from(*low_pid);
            if let Some((is_video, codec)) = codec(*kind, descriptors) {
                elementary.push(Elementary {
                    pid,
                    is_video,
                    codec,
                    heard: false,
                    is_true: false,
                    strange: 0,
                });
            }
            rest = next;
        }
        self.elementary = elementary;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_possible_truncation, reason = "bytes are cut out of numbers here")]

    use super::*;
    use proptest::prelude::*;

    /// A packet that carries nothing but what is given.
    fn packet(pid: u16, begins_unit: bool, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![SYNC, (pid >> 8) as u8 | u8::from(begins_unit) << 6, pid as u8, 0x10];
        packet.extend_from_slice(payload);
        packet.resize(PACKET, 0xFF);
        packet
    }

    fn tables(streams: &[(u8, u16)]) -> Vec<u8> {
        let mut pat = vec![0, 0x00, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 1, 0xF0, 0x00];
        pat.extend([0; 4]);
        let mut entries = vec![];
        for (kind, pid) in streams {
            entries.extend([*kind, 0xE0 | (pid >> 8) as u8, *pid as u8, 0xF0, 0]);
        }
        let mut pmt = vec![0, 0x02, 0xB0, 13 + entries.len() as u8, 0, 1, 0xC1, 0, 0, 0xE1, 0x00, 0xF0, 0];
        pmt.extend(entries);
        pmt.extend([0; 4]);
        [packet(0, true, &pat), packet(0x1000, true, &pmt)].concat()
    }

    /// A packet with a clock that says that a player may begin.
    fn key(pid: u16, clock: u64) -> Vec<u8> {
        let mut packet = packet(pid, true, &[]);
        packet[3] = 0x30;
        let field = [
            7,
            0x50,
            (clock >> 25) as u8,
            (clock >> 17) as u8,
            (clock >> 9) as u8,
            (clock >> 1) as u8,
            ((clock & 1) << 7) as u8,
        ];
        packet[4..11].copy_from_slice(&field);
        packet
    }

    fn begins(scanner: &mut Scanner, bytes: &[u8]) -> Vec<bool> {
        let mut found = vec![];
        scanner.feed(bytes, |_, packet| found.push(packet.begins));
        found
    }

    #[test]
    fn a_player_begins_with_a_key_frame_after_the_tables() {
        let mut scanner = Scanner::default();
        assert_eq!(begins(&mut scanner, &key(0x100, 1)), [false], "no tables yet");
        let stream = [
            tables(&[(0x1B, 0x100), (0x0F, 0x101)]),
            key(0x100, 90_000),
            key(0x101, 5),
            packet(0x100, true, &[]),
        ];
        assert_eq!(begins(&mut scanner, &stream.concat()), [false, false, true, false, false]);
        let codecs: Vec<_> = scanner.elementary().iter().map(|part| part.codec).collect();
        assert_eq!(codecs, ["h264", "aac"]);
        assert_eq!(scanner.tables().unwrap().as_slice(), tables(&[(0x1B, 0x100), (0x0F, 0x101)]));
    }

    #[test]
    fn radio_begins_with_sound() {
        let mut scanner = Scanner::default();
        let stream = [tables(&[(0x03, 0x101)]), key(0x101, 5)].concat();
        assert_eq!(begins(&mut scanner, &stream), [false, false, true]);
        assert_eq!(scanner.clock(), Some(5));
    }

    #[test]
    fn a_stream_cut_anywhere_reads_the_same() {
        let stream = [tables(&[(0x1B, 0x100)]), key(0x100, 7), packet(0x100, false, &[1, 2, 3])].concat();
        let whole = begins(&mut Scanner::default(), &stream);
        for cut in 0..stream.len() {
            let mut scanner = Scanner::default();
            let mut parts = begins(&mut scanner, &stream[..cut]);
            parts.extend(begins(&mut scanner, &stream[cut..]));
            assert_eq!(parts, whole, "cut at {cut}");
        }
    }

    #[test]
    fn rubbish_is_skipped_and_counted() {
        let mut scanner = Scanner::default();
        let stream = [vec![0; 1000], tables(&[(0x1B, 0x100)]), key(0x100, 7)].concat();
        assert_eq!(begins(&mut scanner, &stream).last(), Some(&true));
        assert_eq!(scanner.skipped(), 1000);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_never_pile_up(parts in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(SYNC), Just(0_u8), any::<u8>()], 0..600), 0..20)) {
            let mut scanner = Scanner::default();
            for part in parts {
                scanner.feed(&part, |_, packet| assert_eq!(packet.bytes.len(), PACKET));
                prop_assert!(scanner.partial.len() < PACKET);
            }
        }
    }
}
