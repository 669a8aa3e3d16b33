//! How often a player meets the program clock, PAT and PMT: at least every tenth of a second (ISO/IEC 13818-1,
//! 2.7.2, and what tuners expect). ffmpeg ties them to pictures and frames of sound, which radio and slow cameras
//! have too seldom.

use super::ts::{self, Packet, Tables};

/// The longest time between two clocks, in 1/90,000 second.
const MOST: u64 = 9_000;
/// What is longer than this is a gap of the source or a jump of its clock, which nothing fills.
pub const GAP: u64 = 2 * 90_000;

/// Puts clocks and tables between packets that are too far apart.
#[derive(Default)]
pub struct Repetition {
    /// The last clock, and the track that carried it.
    last: Option<(u16, u64)>,
    /// The clock when tables came last.
    tables_at: Option<u64>,
}

impl Repetition {
    /// Adds a packet to the chunk, after the clocks and tables that are missing before it and are not counted yet.
    pub fn push(&mut self, chunk: &mut Vec<u8>, packet: &Packet<'_>, tables: impl Fn() -> Option<Tables>) {
        if let Some(clock) = packet.clock {
            let last = self.last.filter(|(pid, _)| *pid == packet.pid);
            let gap = last.map(|(_, last)| (last, ts::elapsed(last, clock)));
            if let Some((last, gap)) = gap.filter(|(_, gap)| *gap <= GAP) {
                let parts = gap.div_ceil(MOST);
                for part in 1..parts {
                    chunk.extend_from_slice(&ts::clock_packet(packet.pid, last + gap * part / parts, false));
                    self.add(chunk, &tables, last + gap * part / parts);
                }
                // Clocks that are near enough to each other may still have tables before every second one only.
                let since = self.tables_at.map_or(0, |at| ts::elapsed(at, clock));
                if (MOST + 1..=GAP).contains(&since) {
                    self.add(chunk, &tables, last);
                }
            }
            self.last = Some((packet.pid, clock));
        }
        chunk.extend_from_slice(packet.bytes);
        if packet.is_table {
            self.tables_at = self.last.map(|(_, clock)| clock);
        }
    }

    fn add(&mut self, chunk: &mut Vec<u8>, tables: &impl Fn() -> Option<Tables>, clock: u64) {
        let Some(tables) = tables() else { return };
        chunk.extend_from_slice(&tables);
        self.tables_at = Some(clock);
    }
}

#[cfg(test)]
mod tests {
    use super::super::ts::PACKET;
    use super::*;

    /// The first packet of a picture, with that clock.
    fn picture(clock: u64) -> Vec<u8> {
        let mut packet = ts::clock_packet(0x100, clock, false).to_vec();
        (packet[1], packet[3], packet[4]) = (0x41, 0x30, 7);
        packet
    }

    #[test]
    fn clocks_and_tables_that_are_too_far_apart_are_filled_in() {
        let mut tables = [0xFF; 2 * PACKET];
        tables[..4].copy_from_slice(&[0x47, 0x40, 0, 0x1F]);
        tables[PACKET..PACKET + 4].copy_from_slice(&[0x47, 0x50, 0, 0x1E]);
        let (mut repetition, mut chunk) = (Repetition::default(), Vec::new());
        for clock in [0, 9_000, 33_000, 33_000 + GAP + 1] {
            let bytes = picture(clock);
            let packet = Packet { bytes: &bytes, pid: 0x100, clock: Some(clock), ..Packet::default() };
            repetition.push(&mut chunk, &packet, || Some(tables));
        }
        let packets = chunk.chunks_exact(PACKET).map(|packet| {
            let pid = ts::pid(packet);
            (pid, ts::clock(packet).filter(|_| pid == 0x100))
        });
        let expected = [
            (0x100, Some(0)),
            (0x100, Some(9_000)),
            (0x100, Some(17_000)),
            (0, None),
            (0x1000, None),
            (0x100, Some(25_000)),
            (0, None),
            (0x1000, None),
            (0x100, Some(33_000)),
            (0x100, Some(33_000 + GAP + 1)),
        ];
        assert_eq!(packets.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tables_come_between_clocks_that_are_near_to_each_other() {
        let (mut repetition, mut chunk) = (Repetition::default(), Vec::new());
        let mut pat = [0xFF; PACKET];
        pat[..4].copy_from_slice(&[0x47, 0x40, 0, 0x10]);
        for clock in [0, 4_320, 9_720] {
            let bytes = picture(clock);
            let packet = Packet { bytes: &bytes, pid: 0x100, clock: Some(clock), ..Packet::default() };
            repetition.push(&mut chunk, &packet, || Some([0x47; 2 * PACKET]));
            if clock == 0 {
                repetition.push(
                    &mut chunk,
                    &Packet { bytes: &pat, is_table: true, ..Packet::default() },
                    || None,
                );
            }
        }
        let tables: Vec<bool> = chunk.chunks_exact(PACKET).map(|packet| packet[1] == 0x47).collect();
        assert_eq!(tables, [false, false, false, true, true, false]);
    }
}
