//! The beginnings of coded pictures and sound, as far as a change of the source shows in them: start codes and
//! the kind of what follows them (ISO/IEC 13818-2, 14496-10 and 23008-2). Nothing is decoded here.

/// What follows each start code, up to the next one or the end.
fn units(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(data);
    std::iter::from_fn(move || {
        let unit = rest?;
        rest = after_start_code(unit);
        let end = rest.map_or(unit.len(), |next| unit.len() - next.len() - 3);
        Some(unit.get(..end).unwrap_or_default())
    })
}

fn after_start_code(data: &[u8]) -> Option<&[u8]> {
    let at = data.windows(3).position(|three| three == [0, 0, 1])?;
    data.get(at + 3..)
}

/// What says how the pictures that follow are coded, their size above all, as it stands in the first
/// packet of a key frame: H.264's and H.265's sequence parameters, MPEG-2's sequence header.
pub fn parameters<'d>(codec: &str, data: &'d [u8]) -> Option<&'d [u8]> {
    let is_one = |unit: &&[u8]| match (codec, unit.first()) {
        ("h264", Some(kind)) => kind & 0x1F == 7,
        ("hevc", Some(kind)) => kind >> 1 & 0x3F == 33,
        ("mpeg2video", Some(kind)) => *kind == 0xB3,
        _ => false,
    };
    let found = units(data).find(is_one)?;
    // The size and the rate of pictures; bit rates and matrices change without anybody's notice.
    Some(if codec == "mpeg2video" { found.get(..5)? } else { found })
}

/// Everything that a decoder needs before the first slice, as it stands in the first packet of a key frame: the
/// parameter sets of H.264 and H.265, with their start codes.
pub fn parameter_sets(codec: &str, data: &[u8]) -> Vec<u8> {
    let is_one = |unit: &&[u8]| match (codec, unit.first()) {
        ("h264", Some(kind)) => matches!(kind & 0x1F, 7 | 8),
        ("hevc", Some(kind)) => matches!(kind >> 1 & 0x3F, 32..=34),
        _ => false,
    };
    units(data).filter(is_one).flat_map(|unit| [&[0, 0, 1], unit].concat()).collect()
}

/// How many units no encoder of that codec sends: the source goes on with another codec, which
/// ffmpeg, as it copies, does not notice.
pub fn foreign(codec: &str, data: &[u8]) -> usize {
    units(data)
        .enumerate()
        .filter(|(place, unit)| match (codec, *unit) {
            // MPEG-2's headers; kinds that nobody sends, as the slices and parameters of others look;
            // and what cannot be unimportant.
            ("h264", [kind, ..]) => {
                kind & 0x80 != 0
                    || matches!(kind & 0x1F, 0 | 2..=4)
                    || kind & 0x60 == 0 && matches!(kind & 0x1F, 5 | 7 | 8)
            }
            // An odd kind would be one of the upper half of its layers.
            ("hevc", [kind, ..]) => kind & 0x81 != 0,
            // A picture begins with a header, and not with a slice.
            ("mpeg2video", [kind, ..]) => *place == 0 && (0x01..=0xAF).contains(kind),
            _ => false,
        })
        .count()
}

/// Whether a frame of that codec of sound could begin so.
pub fn is_sound(codec: &str, data: &[u8]) -> bool {
    match (codec, data) {
        ("aac", [first, second, ..]) => *first == 0xFF && second & 0xF0 == 0xF0,
        ("mp2" | "mp3", [first, second, ..]) => *first == 0xFF && second & 0xE0 == 0xE0,
        ("aac_latm", [first, second, ..]) => *first == 0x56 && second & 0xE0 == 0xE0,
        ("ac3" | "eac3", [first, second, ..]) => matches!((first, second), (0x0B, 0x77) | (0x77, 0x0B)),
        _ => true,
    }
}

/// Which of the sounds of MPEG a frame is: tables have one type for all of them.
pub fn mpeg_layer(data: &[u8]) -> &'static str {
    if data.get(1).is_some_and(|second| second >> 1 & 3 == 1) { "mp3" } else { "mp2" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H264: &[u8] =
        &[0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 0x67, 0x64, 0, 0x1F, 7, 0, 0, 1, 0x68, 0xEB, 0, 0, 1, 0x65, 0x88];
    const HEVC: &[u8] =
        &[0, 0, 0, 1, 0x40, 1, 0xC, 0, 0, 1, 0x42, 1, 1, 1, 0, 0, 1, 0x44, 1, 0xC0, 0, 0, 1, 0x26, 1];
    const MPEG2: &[u8] = &[0, 0, 1, 0xB3, 0x14, 0, 0xB4, 0x13, 9, 9, 0, 0, 1, 0xB8, 0, 0, 0, 1, 0, 0];

    #[test]
    fn parameters_are_found_between_their_start_codes() {
        assert_eq!(parameters("h264", H264), Some([0x67, 0x64, 0, 0x1F, 7].as_slice()));
        assert_eq!(parameters("hevc", HEVC), Some([0x42, 1, 1, 1].as_slice()));
        assert_eq!(parameters("mpeg2video", MPEG2), Some([0xB3, 0x14, 0, 0xB4, 0x13].as_slice()));
        assert_eq!(parameters("h264", &[0, 0, 1]), None);
        assert_eq!(parameters("vc1", H264), None);
        assert_eq!(parameter_sets("h264", H264), [0, 0, 1, 0x67, 0x64, 0, 0x1F, 7, 0, 0, 1, 0x68, 0xEB]);
        assert_eq!(parameter_sets("hevc", HEVC).len(), 3 * 3 + 3 + 4 + 3);
        assert_eq!(parameter_sets("mpeg2video", MPEG2), [0; 0]);
    }

    #[test]
    fn another_codec_shows_and_the_own_does_not() {
        let codecs = [("h264", H264), ("hevc", HEVC), ("mpeg2video", MPEG2)];
        for (codec, own) in codecs {
            for (other, data) in codecs {
                assert_eq!(foreign(codec, data) > 0, other != codec, "{other} as {codec}");
            }
            assert_eq!(foreign(codec, own), 0);
        }
        assert_eq!(foreign("vc1", H264), 0);
        // A slice of MPEG-2 that looks like a key frame of H.264.
        assert_eq!(foreign("h264", &[0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 5, 0x12]), 1);
        assert_eq!(foreign("h264", &[0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 0x02, 0x01]), 1, "a slice of H.265");
    }

    #[test]
    fn frames_of_sound_begin_with_their_mark() {
        let frames: [(&str, &[u8]); 4] = [
            ("aac", &[0xFF, 0xF1]),
            ("mp2", &[0xFF, 0xFD]),
            ("ac3", &[0x0B, 0x77]),
            ("aac_latm", &[0x56, 0xE0]),
        ];
        for (codec, frame) in frames {
            assert!(is_sound(codec, frame) && !is_sound(codec, &[0x21, 0x11]), "{codec}");
        }
        assert!(!is_sound("aac", &[0x0B, 0x77]) && !is_sound("ac3", &[0xFF, 0xF1]));
        assert!(is_sound("opus", &[0x7F, 0xE0]));
        assert_eq!([[0xFF, 0xFB], [0xFF, 0xFD]].map(|frame| mpeg_layer(&frame)), ["mp3", "mp2"]);
    }
}
