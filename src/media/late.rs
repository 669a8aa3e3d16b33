//! Sound that comes after the clock has passed it: ffmpeg sends the last that it gathered so, at its end. Players of a
//! stream that goes on take it for a fault, so it is kept back until what follows shows that this is not the end. What
//! comes so after a gap of the source is dropped, and what comes before the clock has gone over the gap waits for that.

use super::ts::{self, Packet};

/// What is later than this belongs to another clock, in 1/90,000 second.
const LATEST: u64 = 5 * 90_000;
/// The most bytes that are kept back.
const MOST: usize = 350 * ts::PACKET;
/// The clock has gone over a gap when it goes on by more at once, in 1/90,000 second: a fifth of one.
const GAP: u64 = 18_000;
/// What is to be decoded so much later than the clock, in 1/90,000 second, is from behind a gap.
const AHEAD: u64 = 90_000;
/// What was gathered before a gap is at most so much older than what comes after it: ffmpeg makes up for longer gaps.
const OLDEST: u64 = 40 * 90_000;

/// What is kept back.
#[derive(Default)]
pub struct Late {
    packets: Vec<u8>,
    /// Tracks whose last unit is kept.
    tracks: Vec<u16>,
    /// What is kept as the clock has not come to it, and tracks whose last unit is.
    early: Vec<u8>,
    early_tracks: Vec<u16>,
    /// Where the clock went on after the last gap, and tracks whose last unit belongs before that: it is dropped.
    after_gap: Option<u64>,
    dropped: Vec<u16>,
}

impl Late {
    /// Notes how the clock goes on. What is late after a gap, such as a segment that is lost, was gathered before it, and
    /// its time is over.
    pub fn go_on(&mut self, latest: u64, clock: u64) {
        if ts::elapsed(latest, clock) > GAP {
            self.after_gap = Some(clock);
            self.packets.clear();
        }
    }

    /// Keeps a packet if its unit is late, by the stream's latest clock, or drops it; whether it did.
    pub fn keeps(&mut self, packet: &Packet<'_>, clock: Option<u64>) -> bool {
        if let Some(decoded) = ts::decoding_time(packet.bytes) {
            let late = clock.map_or(0, |clock| ts::elapsed(decoded, clock));
            self.tracks.retain(|pid| *pid != packet.pid);
            self.early_tracks.retain(|pid| *pid != packet.pid);
            self.dropped.retain(|pid| *pid != packet.pid);
            let ahead = clock.map_or(0, |clock| ts::elapsed(clock, decoded));
            let before_gap = self.after_gap.map_or(0, |clock| ts::elapsed(decoded, clock));
            if (1..OLDEST).contains(&before_gap) {
                self.dropped.push(packet.pid);
            } else if (1..LATEST).contains(&late) {
                self.tracks.push(packet.pid);
            } else if (AHEAD..OLDEST).contains(&ahead) {
                self.early_tracks.push(packet.pid);
            }
        }
        if packet.clock.is_some() {
            return false;
        }
        if self.dropped.contains(&packet.pid) {
            return true;
        }
        let has_room = self.packets.len() + self.early.len() < MOST;
        let kept = if self.tracks.contains(&packet.pid) {
            &mut self.packets
        } else if self.early_tracks.contains(&packet.pid) {
            &mut self.early
        } else {
            return false;
        };
        if has_room {
            kept.extend_from_slice(packet.bytes);
        }
        has_room
    }

    /// What was kept and goes before a packet that is not: a clock shows that the stream goes on, and the packets of
    /// a track stay in their order.
    pub fn before(&mut self, packet: &Packet<'_>) -> Vec<u8> {
        let of_track = |kept: &[u8]| kept.chunks_exact(ts::PACKET).any(|kept| ts::pid(kept) == packet.pid);
        let mut before = Vec::new();
        if packet.clock.is_some() || of_track(&self.packets) {
            before.append(&mut self.packets);
        }
        if of_track(&self.early) {
            before.append(&mut self.early);
        }
        before
    }

    /// What was kept and goes behind a packet that is not: its clock has come to it.
    pub fn behind(&mut self, packet: &Packet<'_>) -> Vec<u8> {
        if packet.clock.is_some() { std::mem::take(&mut self.early) } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of sound that begins a unit with that time.
    fn sound(time: u8) -> [u8; ts::PACKET] {
        let mut packet = [0xFF; ts::PACKET];
        packet[..4].copy_from_slice(&[0x47, 0x41, 1, 0x10]);
        packet[4..18].copy_from_slice(&[0, 0, 1, 0xC0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, time << 1 | 1]);
        packet
    }

    #[test]
    fn what_is_late_after_a_gap_is_dropped() {
        let of = |bytes| Packet { bytes, pid: 0x101, ..Packet::default() };
        let (early, tardy) = (sound(120), sound(40));
        let clock = GAP + 100;
        for (latest, is_dropped) in [(99, true), (101, false)] {
            let mut late = Late::default();
            late.go_on(latest, clock);
            assert!(late.keeps(&of(&tardy), Some(clock)));
            let goes_on = Packet { clock: Some(clock + 1), ..of(&early) };
            assert_eq!(late.before(&goes_on).is_empty(), is_dropped, "{latest}");
        }
    }

    #[test]
    fn what_comes_from_behind_a_gap_waits_for_the_clock() {
        let mut late = Late::default();
        let picture = [0xFF; ts::PACKET];
        let after_gap = u64::from(120_u8);
        let of = |bytes| Packet { bytes, pid: 0x101, ..Packet::default() };
        // Its time is 120, and the clock is a second and more before that, over a wrap.
        let early = sound(120);
        let before_gap = ts::CLOCK + after_gap - AHEAD;
        assert!(!late.keeps(&of(&early), Some(before_gap + 1)) && late.keeps(&of(&early), Some(before_gap)));
        let clock = Packet { bytes: &picture, pid: 0x100, clock: Some(100), ..Packet::default() };
        late.go_on(before_gap, 100);
        assert!(!late.keeps(&clock, Some(100)) && late.before(&clock).is_empty());
        assert_eq!(late.behind(&clock), early);
    }

    #[test]
    fn what_is_late_is_kept_until_the_stream_goes_on() {
        let mut late = Late::default();
        let of = |bytes| Packet { bytes, pid: 0x101, ..Packet::default() };
        let (early, tardy) = (sound(60), sound(40));
        assert!(!late.keeps(&of(&early), Some(50)));
        assert!(late.keeps(&of(&tardy), Some(50)));
        let mut rest = tardy;
        rest[1] = 1;
        assert!(late.keeps(&of(&rest), Some(50)), "the rest of the unit");
        let picture = Packet { bytes: &rest, pid: 0x100, ..Packet::default() };
        assert!(!late.keeps(&picture, Some(50)) && late.before(&picture).is_empty());
        let clock = Packet { clock: Some(51), ..picture };
        assert_eq!(late.before(&clock), [tardy, rest].concat());
        assert!(late.keeps(&of(&tardy), Some(50)) && !late.keeps(&of(&early), Some(50)));
        assert_eq!(late.before(&of(&early)), tardy, "a track stays in its order");
    }
}
