//! One program out of a transport stream of many (ISO/IEC 13818-1, 2.4.4).

use std::collections::BTreeSet;

use super::ts::{PACKET, checksum};

const SYNC: u8 = 0x47;
/// A section of PAT or PMT is no longer, in bytes.
const SECTION: usize = 1024;

/// Lets the packets of one program pass, with a PAT that names no other.
pub struct Filter {
    program: u64,
    pat: Section,
    pmt: Section,
    pmt_pid: Option<u16>,
    /// The tracks of the program and their clock.
    tracks: BTreeSet<u16>,
    counter: u8,
    /// The beginning of a packet whose rest has not come.
    partial: Vec<u8>,
}

impl Filter {
    pub fn new(program: u64) -> Self {
        Self {
            program,
            pat: Section::default(),
            pmt: Section::default(),
            pmt_pid: None,
            tracks: BTreeSet::new(),
            counter: 0,
            partial: Vec::new(),
        }
    }

    /// The packets of the program among those bytes.
    ///
    /// # Errors
    /// The numbers of the programs that there are, when this one is not among them.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Vec<u64>> {
        let mut passed = Vec::new();
        self.partial.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.partial);
        let mut rest = bytes.as_slice();
        while let Some((packet, after)) = rest.split_at_checked(PACKET) {
            if packet[0] == SYNC {
                self.packet(packet, &mut passed)?;
                rest = after;
            } else {
                rest = &rest[rest.iter().position(|byte| *byte == SYNC).unwrap_or(rest.len())..];
            }
        }
        self.partial = rest.to_vec();
        Ok(passed)
    }

    fn packet(&mut self, packet: &[u8], passed: &mut Vec<u8>) -> Result<(), Vec<u64>> {
        let pid = u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]);
        if pid == 0 {
            if let Some(section) = self.pat.packet(packet) {
                self.read_pat(&section)?;
                passed.extend(self.own_pat().into_iter().flatten());
            }
        } else if Some(pid) == self.pmt_pid {
            if let Some(section) = self.pmt.packet(packet) {
                self.read_pmt(&section);
            }
            passed.extend_from_slice(packet);
        } else if self.tracks.contains(&pid) {
            passed.extend_from_slice(packet);
        }
        Ok(())
    }

    fn read_pat(&mut self, section: &[u8]) -> Result<(), Vec<u64>> {
        let [0x00, _, _, _, _, _, _, last, programs @ ..] = section else { return Ok(()) };
        let programs = programs.chunks_exact(4).map(|program| {
            (
                u64::from(program[0]) << 8 | u64::from(program[1]),
                u16::from(program[2] & 0x1F) << 8 | u16::from(program[3]),
            )
        });
        match programs.clone().find(|(number, _)| *number == self.program) {
            Some((_, pid)) if self.pmt_pid != Some(pid) => {
                self.pmt_pid = Some(pid);
                self.pmt = Section::default();
                self.tracks.clear();
            }
            // A table of several sections may name it in another.
            None if *last == 0 => {
                return Err(programs.map(|(number, _)| number).filter(|number| *number != 0).collect());
            }
            _ => {}
        }
        Ok(())
    }

    fn read_pmt(&mut self, section: &[u8]) {
        let [0x02, _, _, high, low, _, _, _, clock_high, clock_low, info_high, info_low, rest @ ..] = section
        else {
            return;
        };
        if u64::from(*high) << 8 | u64::from(*low) != self.program {
            return;
        }
        let pid = |high: u8, low: u8| u16::from(high & 0x1F) << 8 | u16::from(low);
        let mut tracks = BTreeSet::from([pid(*clock_high, *clock_low)]);
        let mut rest = rest.get(length(*info_high, *info_low)..).unwrap_or_default();
        while let [_, high, low, info_high, info_low, after @ ..] = rest {
            tracks.insert(pid(*high, *low));
            rest = after.get(length(*info_high, *info_low)..).unwrap_or_default();
        }
        self.tracks = tracks;
    }

    /// A PAT of this program only.
    fn own_pat(&mut self) -> Option<[u8; PACKET]> {
        let [.., program_high, program_low] = self.program.to_be_bytes();
        let [pid_high, pid_low] = self.pmt_pid?.to_be_bytes();
        let mut packet = [0xFF; PACKET];
        packet[..5].copy_from_slice(&[SYNC, 0x40, 0, 0x10 | self.counter, 0]);
        let section = [0, 0xB0, 13, 0, 1, 0xC1, 0, 0, program_high, program_low, 0xE0 | pid_high, pid_low];
        packet[5..17].copy_from_slice(&section);
        packet[17..21].copy_from_slice(&checksum(&section).to_be_bytes());
        self.counter = (self.counter + 1) & 0x0F;
        Some(packet)
    }
}

/// Gathers a section out of the packets that it is spread over.
#[derive(Default)]
struct Section(Vec<u8>);

impl Section {
    /// Takes a packet; the section without its checksum, when it is whole.
    fn packet(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let skip = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
        let payload = packet.get(skip..).filter(|_| packet[3] & 0x10 != 0)?;
        if packet[1] & 0x40 != 0 {
            let (pointer, rest) = payload.split_first()?;
            self.0 = rest.get(usize::from(*pointer)..)?.to_vec();
        } else if !self.0.is_empty() {
            self.0.extend_from_slice(payload);
        }
        let whole = 3 + length(*self.0.get(1)?, *self.0.get(2)?);
        if whole > SECTION {
            self.0.clear();
        }
        let section = self.0.get(..whole.checked_sub(4)?).filter(|_| self.0.len() >= whole)?.to_vec();
        self.0.clear();
        Some(section)
    }
}

fn length(high: u8, low: u8) -> usize {
    usize::from(high & 0x0F) << 8 | usize::from(low)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_possible_truncation, reason = "bytes are cut out of numbers here")]

    use super::*;
    use proptest::prelude::*;

    fn packet(pid: u16, begins: bool, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![SYNC, (pid >> 8) as u8 | u8::from(begins) << 6, pid as u8, 0x10];
        packet.extend_from_slice(payload);
        packet.resize(PACKET, 0xFF);
        packet
    }

    /// A PAT of this many programs, 101 and up, over as many packets as it takes.
    fn pat(count: u16) -> Vec<u8> {
        let length = 9 + 4 * count;
        let mut section = vec![0, 0, 0xB0 | (length >> 8) as u8, length as u8, 0, 1, 0xC1, 0, 0];
        for number in 101..101 + count {
            section.extend([0, number as u8, 0xE1, number as u8]);
        }
        section.extend([0; 4]);
        let mut parts = section.chunks(PACKET - 4);
        let first = packet(0, true, parts.next().unwrap());
        parts.fold(first, |packets, part| [packets, packet(0, false, part)].concat())
    }

    /// The PMT of a program with one track.
    fn pmt(number: u8) -> Vec<u8> {
        let section =
            [0, 2, 0xB0, 18, 0, number, 0xC1, 0, 0, 0xE2, number, 0xF0, 0, 0x1B, 0xE2, number, 0xF0, 0];
        packet(0x100 + u16::from(number), true, &[&section[..], &[0; 4]].concat())
    }

    #[test]
    fn one_program_passes_with_a_pat_of_its_own() {
        let track = |number: u8| packet(0x200 + u16::from(number), false, &[number]);
        let stream =
            [pat(80), pmt(101), pmt(150), track(101), track(150), packet(0x1FFF, false, &[])].concat();
        let mut filter = Filter::new(150);
        let mut passed = vec![];
        stream.chunks(100).for_each(|part| passed.extend(filter.feed(part).unwrap()));
        assert_eq!(passed[PACKET..], [pmt(150), track(150)].concat());
        assert_eq!(passed[5..17], [0, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 150, 0xE1, 150]);
        assert_eq!(checksum(&passed[5..21]), 0, "a checksum makes the whole come to nothing");
    }

    #[test]
    fn a_program_that_is_missing_is_told_with_those_there_are() {
        assert_eq!(Filter::new(7).feed(&pat(2)), Err(vec![101, 102]));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_never_pile_up(parts in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(SYNC), Just(0_u8), any::<u8>()], 0..600), 0..20)) {
            let mut filter = Filter::new(1);
            for part in parts {
                let _ = filter.feed(&part);
                prop_assert!(filter.partial.len() < PACKET && filter.pat.0.len() <= SECTION + PACKET);
            }
        }
    }
}
