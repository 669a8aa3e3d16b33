//! What was found as one file, to be sent with a question.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use flate2::{Compression, write::GzEncoder};

use crate::domain::fields::time::UnixTime;

/// Writes texts under their names as a `.tar.gz` that only its owner can read; a file that is there already stays.
pub fn write(file: &Path, texts: &[(&str, String)], now: UnixTime) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("cannot write {}: {error}", file.display());
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(cannot)?;
    let mut packed = GzEncoder::new(made, Compression::default());
    for (name, text) in texts {
        packed.write_all(&header(name, text.len(), now)).map_err(cannot)?;
        packed.write_all(text.as_bytes()).map_err(cannot)?;
        packed.write_all(&vec![0; text.len().next_multiple_of(BLOCK) - text.len()]).map_err(cannot)?;
    }
    packed.write_all(&[0; 2 * BLOCK]).map_err(cannot)?;
    packed.finish().and_then(|made| made.sync_all()).map_err(cannot)
}

const BLOCK: usize = 512;

/// The block before a file: POSIX ustar. The names are ours, and short.
fn header(name: &str, length: usize, now: UnixTime) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, "linecard-doctor/");
    put(16, name);
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{length:011o}\0"));
    put(136, &format!("{:011o}\0", now.seconds().max(0)));
    // The sum is made as if spaces stood in its place.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\0");
    put(263, "00");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
