//! MPEG transport streams (ISO/IEC 13818-1), as far as fan-out needs them: packets, tables, key
//! frames, the clock. What is read here is ffmpeg's own output, which marks every key frame.

use std::ops::Range;

use super::nal;

/// So many units of another codec, less the pictures that have none, are no accident.
const STRANGE_PICTURES: usize = 10;
/// Nor are so many packets of sound, which make a few seconds.
const STRANGE_SOUNDS: usize = 20;
/// The length of a packet.
pub const PACKET: usize = 188;
/// A PAT and a PMT.
pub type Tables = [u8; 2 * PACKET];
const SYNC: u8 = 0x47;
/// The number of a table of programs, and of a table of tracks.
pub const PAT: u8 = 0x00;
pub const PMT: u8 = 0x02;
/// The program clock runs at 90 kHz and wraps after 33 bits.
pub const CLOCK: u64 = 1 << 33;

/// A codec by its stream type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elementary {
    pid: u16,
    /// Whether it is a picture.
    pub is_video: bool,
    /// The codec's name as ffmpeg has it.
    pub codec: &'static str,
    /// Whether anything of it has come since [`Scanner::listen`].
    pub heard: bool,
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
        self.partial.extend_from_slice(bytes);
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
        if packet[0] != SYNC {
            self.skipped += PACKET;
            return;
        }
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
            if part.strange == 0 && matches!(part.codec, "mp2" | "mp3") {
                part.codec = nal::mpeg_layer(data);
            }
            return None;
        }
        part.strange = match nal::foreign(part.codec, data) {
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
                elementary.push(Elementary { pid, is_video, codec, heard: false, strange: 0 });
            }
            rest = next;
        }
        self.elementary = elementary;
    }
}

/// How much later the second clock is, over a wrap too; in 1/90,000 second.
pub fn elapsed(from: u64, to: u64) -> u64 {
    (to + CLOCK - from) % CLOCK
}

fn length(high: u8, low: u8) -> usize {
    usize::from(high & 0x0F) << 8 | usize::from(low)
}

/// The adaptation field, without its length.
fn adaptation(packet: &[u8]) -> &[u8] {
    let has = packet[3] & 0x20 != 0;
    let length = usize::from(packet[4]);
    if has { packet.get(5..5 + length).unwrap_or_default() } else { &[] }
}

/// What follows the header and the adaptation field.
fn payload(packet: &[u8]) -> &[u8] {
    let skip = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
    packet.get(skip..).unwrap_or_default()
}

/// The program clock of a packet that carries it: 33 bits, which follow the flags.
pub fn clock(packet: &[u8]) -> Option<u64> {
    let [flags, base @ ..] = adaptation(packet) else { return None };
    let base = base.get(..5).filter(|_| flags & 0x10 != 0)?;
    let bits = base.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    Some(bits >> 7)
}

/// When the unit that begins in the packet is to be decoded, if it says so, in 1/90,000 second.
pub fn decoding_time(packet: &[u8]) -> Option<u64> {
    let [0, 0, 1, _, _, _, _, flags, _, times @ ..] = payload(packet) else { return None };
    let begins_unit = packet[1] & 0x40 != 0 && flags & 0x80 != 0;
    let time = if flags & 0x40 != 0 { times.get(5..)? } else { times };
    begins_unit.then(|| time.first_chunk().map(|time| time_of(*time)))?
}

/// Makes all that a packet says of time later by so much, in 1/90,000 second.
pub fn delay(packet: &mut [u8], by: u64) {
    if let Some(clock) = clock(packet) {
        let base = (clock + by) % CLOCK;
        // 33 bits behind length and flags; the bits that follow in the last byte stay.
        let bits = base << 7 | u64::from(packet[10] & 0x7F);
        packet[6..11].copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    let start = PACKET.min(packet.len()) - payload(packet).len();
    if packet[1] & 0x40 == 0 || !has_times(payload(packet)) {
        return;
    }
    let flags = packet[start + 7];
    let places = [(0x80, start + 9), (0x40, start + 14)];
    for (_, place) in places.into_iter().filter(|(flag, _)| flags & flag != 0) {
        if let Some(time) = packet.get_mut(place..).and_then(|rest| rest.first_chunk_mut::<5>()) {
            *time = timestamp(time[0] & 0xF0, (time_of(*time) + by) % CLOCK);
        }
    }
}

/// Whether a unit begins there whose header may say times: not one of padding or of private data without a header.
fn has_times(unit: &[u8]) -> bool {
    matches!(unit, [0, 0, 1, 0xBD | 0xC0..=0xEF | 0xFD, _, _, flags, _, _, ..] if flags >> 6 == 2)
}

/// Three parts of 3, 15 and 15 bits, a set bit after each.
fn time_of(bytes: [u8; 5]) -> u64 {
    let bits = bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    (bits >> 33 & 7) << 30 | (bits >> 17 & 0x7FFF) << 15 | bits >> 1 & 0x7FFF
}

fn timestamp(prefix: u8, time: u64) -> [u8; 5] {
    let bits = u64::from(prefix) << 32
        | (time >> 30 & 7) << 33
        | (time >> 15 & 0x7FFF) << 17
        | (time & 0x7FFF) << 1
        | 0x1_0001_0001;
    let mut bytes = [0; 5];
    bytes.copy_from_slice(&bits.to_be_bytes()[3..]);
    bytes
}

/// A packet of that track, not counted yet, that carries only a clock; whether that is a new one is said.
pub fn clock_packet(pid: u16, clock: u64, is_new: bool) -> [u8; PACKET] {
    let [high, low] = pid.to_be_bytes();
    let flags = 0x10 | u8::from(is_new) << 7;
    let mut packet = [0xFF; PACKET];
    packet[..6].copy_from_slice(&[SYNC, high & 0x1F, low, 0x20, 183, flags]);
    // The base, six bits that are set, and nothing of the 27 MHz.
    packet[6..12].copy_from_slice(&((clock % CLOCK) << 15 | 0x7E00).to_be_bytes()[2..]);
    packet
}

/// A packet of that track, not counted yet, with data of a picture that belongs to no moment; `None` where it does not
/// fit into one.
pub fn data_packet(pid: u16, data: &[u8]) -> Option<[u8; PACKET]> {
    // A header without times, of as much data as follows.
    let length = u8::try_from(data.len() + 3).ok()?;
    let head = [0, 0, 1, 0xE0, 0, length, 0x80, 0, 0];
    let stuffing = (PACKET - 6).checked_sub(head.len() + data.len())?;
    let [high, low] = pid.to_be_bytes();
    let mut packet = [0xFF; PACKET];
    let field = u8::try_from(stuffing + 1).ok()?;
    packet[..6].copy_from_slice(&[SYNC, high & 0x1F | 0x40, low, 0x30, field, 0]);
    packet[6 + stuffing..][..head.len()].copy_from_slice(&head);
    packet[PACKET - data.len()..].copy_from_slice(data);
    Some(packet)
}

/// The track or table that a packet belongs to.
pub fn pid(packet: &[u8]) -> u16 {
    u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2])
}

/// The section of that table that begins in the packet, without its checksum. ffmpeg's tables fit
/// into one packet.
pub fn table(packet: &[u8], table: u8) -> Option<&[u8]> {
    packet.get(section(packet, table)?)
}

/// Gives the section of that table another version.
pub fn set_version(packet: &mut [u8], table: u8, version: u8) {
    let Some(place) = section(packet, table) else { return };
    let Some(section) = packet.get_mut(place.clone()).filter(|section| section.len() > 5) else { return };
    section[5] = section[5] & 0xC1 | (version & 0x1F) << 1;
    let sum = checksum(section).to_be_bytes();
    if let Some(end) = packet.get_mut(place.end..place.end + sum.len()) {
        end.copy_from_slice(&sum);
    }
}

/// Where the section of that table is, without its checksum.
fn section(packet: &[u8], table: u8) -> Option<Range<usize>> {
    let begins_unit = packet[1] & 0x40 != 0 && packet[3] & 0x10 != 0;
    let payload = PACKET.checked_sub(payload(packet).len()).filter(|_| begins_unit)?;
    let begin = payload + 1 + usize::from(*packet.get(payload)?);
    let whole = 3 + length(*packet.get(begin + 1)?, *packet.get(begin + 2)?);
    let has_room = begin + whole <= packet.len();
    (packet[begin] == table && has_room).then_some(())?;
    Some(begin..begin + whole.checked_sub(4)?)
}

/// The checksum of sections (annex A).
pub fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            if sum & 1 << 31 == 0 { sum << 1 } else { sum << 1 ^ 0x04C1_1DB7 }
        })
    })
}

fn codec(kind: u8, descriptors: &[u8]) -> Option<(bool, &'static str)> {
    Some(match kind {
        0x01 => (true, "mpeg1video"),
        0x02 => (true, "mpeg2video"),
        0x10 => (true, "mpeg4"),
        0x1B => (true, "h264"),
        0x24 => (true, "hevc"),
        0x33 => (true, "vvc"),
        0x42 => (true, "cavs"),
        0xD1 => (true, "dirac"),
        0xEA => (true, "vc1"),
        0x03 | 0x04 => (false, "mp2"),
        0x0F => (false, "aac"),
        0x11 => (false, "aac_latm"),
        0x81 => (false, "ac3"),
        0x87 => (false, "eac3"),
        0x82 | 0x8A => (false, "dts"),
        0x83 => (false, "truehd"),
        0x06 => match descriptors.first()? {
            0x6A => (false, "ac3"),
            0x7A => (false, "eac3"),
            0x7F => (false, "opus"),
            _ if descriptors.windows(4).any(|word| word == b"AC-3") => (false, "ac3"),
            _ if descriptors.windows(4).any(|word| word == b"Opus") => (false, "opus"),
            _ if descriptors.windows(4).any(|word| word == b"BSSD") => (false, "s302m"),
            0x7B => (false, "dts"),
            _ => return None,
        },
        _ => return None,
    })
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

    #[test]
    fn data_before_a_picture_is_a_packet_of_its_track() {
        for length in [1, 100, 173] {
            let data = vec![7; length];
            let made = data_packet(0x100, &data).unwrap();
            assert_eq!((made[1], made[2], made[3]), (0x41, 0x00, 0x30));
            let [0, 0, 1, 0xE0, 0, told, 0x80, 0, 0, rest @ ..] = payload(&made) else { panic!("{made:?}") };
            assert_eq!((usize::from(*told), rest), (length + 3, data.as_slice()));
        }
        assert_eq!(data_packet(0x100, &[7; 174]), None);
    }

    #[test]
    fn the_clock_wraps() {
        assert_eq!(elapsed(CLOCK - 10, 20), 30);
        assert_eq!(elapsed(10, 100), 90);
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
