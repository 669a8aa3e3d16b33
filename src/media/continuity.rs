//! What goes on from one run of ffmpeg to the next (ISO/IEC 13818-1): to who watches through, the runs are one stream.
//! Its packets count on, tables that say something else have another version, and a new clock is announced.

use std::collections::HashMap;

use super::ts::{self, PACKET, Tables};

/// Of what was sent so far.
#[derive(Default)]
pub struct Continuity {
    /// The counter of the last packet of each track or table.
    counters: HashMap<u16, u8>,
    pat: Version,
    pmt: Version,
}

/// A table as ffmpeg wrote it last, and which one of them it is.
#[derive(Default)]
struct Version {
    section: Vec<u8>,
    number: u8,
}

impl Continuity {
    /// Tables, and the first clock of a run, for what is sent already; nothing before the very first run.
    pub fn join(&self, tables: &Tables, clock: Option<(u16, u64)>) -> Vec<u8> {
        if self.counters.is_empty() {
            return Vec::new();
        }
        let mut packets = tables.to_vec();
        if let Some((pid, clock)) = clock {
            packets.extend_from_slice(&ts::clock_packet(pid, clock, true));
        }
        packets
    }

    /// Makes the packets that are sent next go on from those before.
    pub fn go_on(&mut self, packets: &mut [u8]) {
        for packet in packets.chunks_exact_mut(PACKET) {
            self.version(packet);
            let counts = packet[3] >> 4 & 1;
            let last = self.counters.get(&ts::pid(packet));
            let counter = last.map_or(packet[3], |last| last.wrapping_add(counts)) & 0x0F;
            packet[3] = packet[3] & 0xF0 | counter;
            self.counters.insert(ts::pid(packet), counter);
        }
    }

    /// Makes packets that only those get who begin here go before the packets that are sent next.
    pub fn go_before(&mut self, packets: &mut [u8]) {
        for packet in packets.chunks_exact_mut(PACKET) {
            self.version(packet);
            if let Some(last) = self.counters.get(&ts::pid(packet)) {
                packet[3] = packet[3] & 0xF0 | last;
            }
        }
    }

    fn version(&mut self, packet: &mut [u8]) {
        let (table, version) =
            if ts::pid(packet) == 0 { (ts::PAT, &mut self.pat) } else { (ts::PMT, &mut self.pmt) };
        if let Some(section) = ts::table(packet, table) {
            if version.section != section {
                version.number = (version.number + u8::from(!version.section.is_empty())) & 0x1F;
                version.section = section.to_vec();
            }
            ts::set_version(packet, table, version.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(packets: &[u8]) -> Vec<u8> {
        packets.chunks_exact(PACKET).map(|packet| packet[3] & 0x0F).collect()
    }

    /// A PMT of one track of that kind, with a counter of its own.
    fn pmt(kind: u8) -> [u8; PACKET] {
        let mut packet = [0xFF; PACKET];
        packet[..5].copy_from_slice(&[0x47, 0x50, 0, 0x17, 0]);
        packet[5..17].copy_from_slice(&[2, 0xB0, 18, 0, 1, 0xC1, 0, 0, 0xE1, 0, 0xF0, 0]);
        packet[17..22].copy_from_slice(&[kind, 0xE1, 0, 0xF0, 0]);
        packet
    }

    fn version(packet: &[u8]) -> u8 {
        assert_eq!(ts::checksum(&packet[5..26]), 0, "a checksum makes the whole come to nothing");
        packet[10] >> 1 & 0x1F
    }

    #[test]
    fn packets_of_every_run_count_on() {
        let packet = |control: u8| {
            let mut packet = [0xFF; PACKET];
            packet[..5].copy_from_slice(&[0x47, 1, 0, control, 7]);
            packet
        };
        let mut continuity = Continuity::default();
        // A packet without a payload is not counted.
        let mut first = [packet(0x1E), packet(0x2E), packet(0x1F), packet(0x10)].concat();
        continuity.go_on(&mut first);
        assert_eq!(counters(&first), [14, 14, 15, 0]);
        let mut before = packet(0x15).to_vec();
        continuity.go_before(&mut before);
        let mut second = [packet(0x35), packet(0x16)].concat();
        continuity.go_on(&mut second);
        assert_eq!((counters(&before), counters(&second)), (vec![0], vec![1, 2]));
    }

    #[test]
    fn tables_that_say_something_else_have_another_version() {
        let mut continuity = Continuity::default();
        let mut versions = Vec::new();
        for kind in [0x1B, 0x1B, 0x24, 0x24, 0x1B] {
            let mut packet = pmt(kind);
            continuity.go_on(&mut packet);
            versions.push(version(&packet));
        }
        assert_eq!(versions, [0, 0, 1, 1, 2]);
    }

    #[test]
    fn a_new_clock_is_announced_to_those_who_know_another() {
        let tables = [[0x47; PACKET], [0x47; PACKET]].concat().try_into().unwrap();
        let mut continuity = Continuity::default();
        assert!(continuity.join(&tables, Some((0x100, 5))).is_empty(), "nobody has seen anything");
        continuity.go_on(&mut pmt(0x1B));
        let packets = continuity.join(&tables, Some((0x100, 5)));
        let clock = &packets[2 * PACKET..];
        assert_eq!((ts::pid(clock), ts::clock(clock), clock[5] & 0x80), (0x100, Some(5), 0x80));
        assert_eq!(continuity.join(&tables, None).len(), 2 * PACKET);
    }
}
