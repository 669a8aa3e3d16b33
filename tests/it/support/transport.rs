//! A check of transport streams that knows nothing of the program's own reading of them.

use std::collections::BTreeMap;

/// The length of a packet.
const PACKET: usize = 188;

/// What a stretch of a transport stream is like; times in milliseconds of the program clock.
#[derive(Debug, Default)]
pub struct Transport {
    /// Between two clocks at most.
    pub clocks: u64,
    /// Between two PATs, and between two PMTs, at most.
    pub tables: u64,
    /// Key frames, as their packets say.
    pub keys: usize,
    /// Pictures and frames of sound that were looked at.
    pub units: usize,
    /// Those that are pictures.
    pub pictures: usize,
    /// Those whose decoding time lies before the clock that came with them.
    pub late: usize,
    /// The longest time by which one is ahead of that clock.
    pub ahead: u64,
    /// Clocks that were announced as new.
    pub announced: usize,
    /// Packets that were missing or came twice, clocks and times that went back unannounced, tables that changed under
    /// one version.
    pub breaks: Vec<String>,
}

impl Transport {
    /// Looks at a stretch that begins with a packet.
    pub fn of(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        let mut clock: Option<u64> = None;
        let mut pmt_pid = None;
        let (mut counters, mut said_by) = (BTreeMap::new(), BTreeMap::new());
        let mut tables: BTreeMap<u16, u64> = BTreeMap::new();
        let mut decoded_at: BTreeMap<u16, u64> = BTreeMap::new();
        for (number, packet) in bytes.chunks_exact(PACKET).enumerate() {
            assert_eq!(packet[0], 0x47, "packet {number}");
            let pid = u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]);
            let (begins, has_payload) = (packet[1] & 0x40 != 0, packet[3] & 0x10 != 0);
            let field = if packet[3] & 0x20 != 0 { &packet[5..5 + usize::from(packet[4])] } else { &[] };
            let is_new = field.first().is_some_and(|flags| flags & 0x80 != 0);
            if field.first().is_some_and(|flags| flags & 0x10 != 0) {
                let base = field[1..6].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)) >> 7;
                if is_new {
                    found.announced += 1;
                    tables.clear();
                    decoded_at.clear();
                } else if let Some(last) = clock {
                    match base.checked_sub(last) {
                        Some(step) => found.clocks = found.clocks.max(step / 90),
                        None => found.breaks.push(format!("packet {number}: the clock goes back")),
                    }
                }
                clock = Some(base);
            }
            let counter = packet[3] & 0x0F;
            if let Some(last) = counters.insert(pid, counter) {
                let expected = (last + u8::from(has_payload)) & 0x0F;
                if counter != expected {
                    found
                        .breaks
                        .push(format!("packet {number} of {pid:#x}: {counter} instead of {expected}"));
                }
            }
            let data = &packet[4 + if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 }..];
            let is_marked = begins && field.first().is_some_and(|flags| flags & 0x40 != 0);
            found.keys += usize::from(is_marked && matches!(data, [0, 0, 1, 0xE0..=0xEF, ..]));
            if pid == 0 || Some(pid) == pmt_pid {
                let end = data.len().min(4 + (usize::from(data[2] & 0x0F) << 8 | usize::from(data[3])));
                let (version, said) = (data[6] >> 1 & 0x1F, [&data[1..6], &data[7..end - 4]].concat());
                if let Some((before, other)) = said_by.insert(pid, (version, said.clone()))
                    && (before == version) != (other == said)
                {
                    found
                        .breaks
                        .push(format!("packet {number}: version {version} of {pid:#x} after {before}"));
                }
                if pid == 0 {
                    pmt_pid = Some(u16::from(data[11] & 0x1F) << 8 | u16::from(data[12]));
                }
                if let Some(now) = clock
                    && let Some(last) = tables.insert(pid, now)
                {
                    found.tables = found.tables.max(now.saturating_sub(last) / 90);
                }
            } else if let (true, Some(now), [0, 0, 1, id, _, _, _, flags, _, times @ ..]) =
                (begins, clock, data)
                && flags & 0x80 != 0
            {
                let decoded = time(&times[if flags & 0x40 != 0 { 5 } else { 0 }..]);
                found.units += 1;
                found.pictures += usize::from(id & 0xF0 == 0xE0);
                if let Some(last) = decoded_at.insert(pid, decoded).filter(|last| *last >= decoded) {
                    let back = last - decoded;
                    found
                        .breaks
                        .push(format!("packet {number} of {pid:#x}: decoded {back} ticks before the last"));
                }
                match decoded.checked_sub(now) {
                    Some(ahead) => found.ahead = found.ahead.max(ahead / 90),
                    None => found.late += 1,
                }
            }
        }
        found
    }
}

/// A time of 33 bits with a set bit after each part of it.
fn time(bytes: &[u8]) -> u64 {
    let bits: Vec<u64> = bytes[..5].iter().map(|byte| u64::from(*byte)).collect();
    (bits[0] >> 1 & 7) << 30 | bits[1] << 22 | (bits[2] >> 1) << 15 | bits[3] << 7 | bits[4] >> 1
}
