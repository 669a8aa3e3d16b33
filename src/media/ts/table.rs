//! Tables of programs and of tracks.

use std::ops::Range;

use super::packet::{PACKET, payload};

/// A PAT and a PMT.
pub type Tables = [u8; 2 * PACKET];
/// The number of a table of programs, and of a table of tracks.
pub const PAT: u8 = 0x00;
pub const PMT: u8 = 0x02;

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

/// The number of bytes that follow, as sections and descriptors have it: 12 bits.
pub fn length(high: u8, low: u8) -> usize {
    usize::from(high & 0x0F) << 8 | usize::from(low)
}

/// Whether a stream type is a picture, and the name of its codec as ffmpeg has it; `None` if it is neither picture nor sound.
pub fn codec(kind: u8, descriptors: &[u8]) -> Option<(bool, &'static str)> {
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
