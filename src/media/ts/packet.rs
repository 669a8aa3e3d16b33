//! One packet: its track, its clock, and when what it carries is to be decoded.

/// The length of a packet.
pub const PACKET: usize = 188;
/// Each packet begins with it.
pub const SYNC: u8 = 0x47;
/// The program clock runs at 90 kHz and wraps after 33 bits.
pub const CLOCK: u64 = 1 << 33;

/// How much later the second clock is, over a wrap too; in 1/90,000 second.
pub fn elapsed(from: u64, to: u64) -> u64 {
    (to + CLOCK - from) % CLOCK
}

/// The adaptation field, without its length.
pub fn adaptation(packet: &[u8]) -> &[u8] {
    let has = packet[3] & 0x20 != 0;
    let length = usize::from(packet[4]);
    if has { packet.get(5..5 + length).unwrap_or_default() } else { &[] }
}

/// What follows the header and the adaptation field.
pub fn payload(packet: &[u8]) -> &[u8] {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
