//! Where in a stream viewers are let in.

use std::time::{Duration, Instant};

use super::ts::{self, PACKET, Packet};

/// Radio can be begun with at any sound; once in a while is enough.
const RADIO: Duration = Duration::from_millis(500);
/// Where key frames are rarer than that, viewers are let in with any picture: players show what they can of it.
const RARE: Duration = Duration::from_secs(20);
/// Once in so long.
const BETWEEN: Duration = Duration::from_secs(2);

/// The places so far.
pub struct Entries {
    last: Option<Instant>,
    key: Instant,
    picture: Instant,
    /// What decoders need before a picture that is no key frame, as the last key frame had it.
    sets: Vec<u8>,
}

impl Entries {
    /// Of a stream that begins now.
    pub fn new(now: Instant) -> Self {
        Self { last: None, key: now, picture: now, sets: Vec::new() }
    }

    /// Whether viewers are let in at a packet.
    pub fn admit(&mut self, packet: &Packet<'_>, has_video: bool, now: Instant) -> bool {
        if packet.opens {
            self.picture = now;
        }
        let since = self.last.map(|last| now.duration_since(last));
        let admits = if packet.begins && has_video {
            self.key = now;
            self.sets.clone_from(&packet.sets);
            true
        } else if packet.begins {
            since.is_none_or(|since| since >= RADIO)
        } else {
            let is_rare = packet.opens && now.duration_since(self.key) >= RARE;
            is_rare && since.is_some_and(|since| since >= BETWEEN)
        };
        if admits {
            self.last = Some(now);
        }
        admits
    }

    /// What viewers need before a packet that they are let in at, beside the tables.
    pub fn before(&self, packet: &Packet<'_>) -> Option<[u8; PACKET]> {
        let is_needed = !packet.begins && !self.sets.is_empty();
        is_needed.then(|| ts::data_packet(packet.pid, &self.sets)).flatten()
    }

    /// Goes on after a time in which nothing was taken: that no picture came then tells nothing of the source. How long ago
    /// the last key frame came is another matter: a film that is held back spends nearly all its time so.
    pub fn go_on_after(&mut self, pause: Duration) {
        self.picture += pause;
    }

    /// How long no picture has come, or no sound where there is no picture.
    pub fn without_picture(&self, now: Instant) -> Duration {
        now.duration_since(self.picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 4] = [0x47, 0x01, 0x00, 0x15];

    fn key() -> Packet<'static> {
        Packet { bytes: &BYTES, begins: true, opens: true, sets: vec![0, 0, 1, 0x67], ..Packet::default() }
    }

    fn picture() -> Packet<'static> {
        Packet { bytes: &BYTES, opens: true, ..Packet::default() }
    }

    #[test]
    fn viewers_are_let_in_at_any_picture_once_key_frames_are_rare() {
        let begun = Instant::now();
        let mut entries = Entries::new(begun);
        let mut admits = |packet: &Packet<'_>, second| {
            let admits = entries.admit(packet, true, begun + Duration::from_secs(second));
            (admits, entries.before(packet).is_some_and(|_| admits))
        };
        assert_eq!(admits(&picture(), 0), (false, false), "nothing can be shown before the first");
        assert_eq!(admits(&picture(), 30), (false, false));
        assert_eq!(admits(&key(), 31), (true, false));
        assert_eq!(admits(&picture(), 50), (false, false));
        assert_eq!(admits(&picture(), 51), (true, true), "with what decoders need");
        assert_eq!(admits(&picture(), 52), (false, false));
        assert_eq!(admits(&picture(), 53), (true, true));
        assert_eq!(admits(&Packet { bytes: &BYTES, ..Packet::default() }, 60), (false, false));
        assert_eq!(admits(&key(), 61), (true, false));
        assert_eq!(admits(&picture(), 63), (false, false));
        assert_eq!(entries.without_picture(begun + Duration::from_secs(70)), Duration::from_secs(7));
    }

    #[test]
    fn key_frames_are_rare_also_where_what_comes_is_held_back() {
        let begun = Instant::now();
        let mut entries = Entries::new(begun);
        assert!(entries.admit(&key(), true, begun));
        let mut admitted = Vec::new();
        for second in 1..=23 {
            entries.go_on_after(Duration::from_millis(950));
            if entries.admit(&picture(), true, begun + Duration::from_secs(second)) {
                admitted.push(second);
            }
        }
        assert_eq!(admitted, [20, 22]);
        entries.go_on_after(Duration::from_secs(30));
        assert_eq!(entries.without_picture(begun + Duration::from_secs(55)), Duration::from_secs(2));
    }

    #[test]
    fn radio_is_begun_with_twice_a_second() {
        let begun = Instant::now();
        let mut entries = Entries::new(begun);
        let at = |milliseconds| begun + Duration::from_millis(milliseconds);
        let admitted = [0, 100, 500, 900, 1000].map(|now| entries.admit(&key(), false, at(now)));
        assert_eq!(admitted, [true, false, true, false, true]);
    }
}
