//! MP4 and M4A as files: where their index is (ISO/IEC 14496-12, 4.2).

/// Whether a file that begins like that has its index behind its pictures and sounds: it is played only by who can go
/// back in it.
pub fn index_is_last(mut bytes: &[u8]) -> bool {
    if bytes.get(4..8) != Some(b"ftyp") {
        return false;
    }
    while let [a, b, c, d, kind @ ..] = bytes {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
        match kind.first_chunk() {
            Some(b"mdat") => return true,
            Some(b"moov" | b"moof" | b"sidx" | b"styp") => return false,
            // What is shorter than its own head is of a length that is told elsewhere.
            Some(_) if length >= 8 => bytes = bytes.get(length..).unwrap_or_default(),
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_boxes_tells_where_the_index_is() {
        let file = |kinds: &[&[u8; 4]]| {
            let boxes = kinds.iter().map(|kind| [&[0, 0, 0, 12], kind.as_slice(), &[0; 4]].concat());
            boxes.collect::<Vec<_>>().concat()
        };
        for (kinds, is_last) in [
            ([b"ftyp", b"free", b"mdat"], true),
            ([b"ftyp", b"moov", b"mdat"], false),
            ([b"ftyp", b"sidx", b"mdat"], false),
            ([b"mdat", b"ftyp", b"moov"], false),
        ] {
            assert_eq!(index_is_last(&file(&kinds)), is_last, "{kinds:?}");
        }
        assert!(!index_is_last(b"\0\0\0\x0cftyp\0\0\0\0\0\0\0\x01"));
        assert!(!index_is_last(&[0xFF; 600]) && !index_is_last(b""));
    }
}
