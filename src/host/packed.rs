//! A file as it was before it was packed: gzip, xz or zip by its first bytes, or plain.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::{
    Crc,
    bufread::{DeflateDecoder, MultiGzDecoder},
};
use liblzma::{
    bufread::XzDecoder,
    stream::{CONCATENATED, Stream},
};
use rustix::fs::{Advice, fadvise};

/// The memory that unpacking may take, in bytes: the dictionary of `xz -9`, and a little.
const MEMORY: u64 = 80 << 20;
/// So much is read of a file at a time, in bytes.
const BLOCK: usize = 64 << 10;
/// The most of a zip's table of contents that is looked at, in bytes.
const CONTENTS: u64 = 1 << 20;

/// Opens a file for reading what is packed in it. Of a zip that is its first XML file, or its first file.
///
/// # Errors
/// What the system says, and zips in which nothing can be read.
pub fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    // A pipe would wait for its writer for ever.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = File::open(path)?;
    // More is read ahead: whoever waits for the disk less often is nicer to the others. It is no more than advice.
    let _ = fadvise(&file, 0, None, Advice::Sequential);
    let mut first = [0; 6];
    let length = read_up_to(&mut file, &mut first)?;
    file.rewind()?;
    Ok(match first.get(..length).unwrap_or_default() {
        [0x1f, 0x8b, ..] => Box::new(Members {
            unpacked: MultiGzDecoder::new(BufReader::with_capacity(BLOCK, file)),
            has_begun: false,
        }),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let stream = Stream::new_stream_decoder(MEMORY, CONCATENATED).map_err(io::Error::other)?;
            Box::new(XzDecoder::new_stream(BufReader::with_capacity(BLOCK, file), stream))
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] => unzipped(file)?,
        _ => Box::new(file),
    })
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

/// What is in a gzip file, whatever else stands behind it.
struct Members<R> {
    unpacked: MultiGzDecoder<R>,
    has_begun: bool,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.unpacked.read(buffer) {
            // Zeros that fill a block, for instance: no further member begins there.
            Err(error) if self.has_begun && error.to_string() == "invalid gzip header" => Ok(0),
            read => {
                self.has_begun = true;
                read
            }
        }
    }
}

/// A file of a zip, whose checksum is looked at when it ends.
struct Checked<R> {
    unpacked: R,
    sum: Crc,
    /// As the table of contents has it: there it stands even of what was written into a pipe.
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacked.read(buffer)?;
        self.sum.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.sum.sum() != self.expected {
            return Err(io::Error::other("what is in the zip is not what its checksum says"));
        }
        Ok(read)
    }
}

/// One file of a zip, as its table of contents has it.
struct Entry {
    is_xml: bool,
    method: u16,
    sum: u32,
    packed: u64,
    offset: u64,
}

fn unzipped(mut file: File) -> io::Result<Box<dyn Read>> {
    let entries = contents(&mut file)?;
    let chosen = entries.iter().find(|entry| entry.is_xml).or_else(|| entries.first());
    let entry = chosen.ok_or_else(|| io::Error::other("the zip holds no file"))?;
    let mut header = [0; 30];
    file.seek(SeekFrom::Start(entry.offset))?;
    file.read_exact(&mut header)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(damaged());
    }
    let skipped = u64::from(short(&header, 26)) + u64::from(short(&header, 28));
    file.seek(SeekFrom::Start(entry.offset + 30 + skipped))?;
    let packed = BufReader::with_capacity(BLOCK, file.take(entry.packed));
    match entry.method {
        0 => Ok(Box::new(Checked { unpacked: packed, sum: Crc::new(), expected: entry.sum })),
        8 => {
            let unpacked = DeflateDecoder::new(packed);
            Ok(Box::new(Checked { unpacked, sum: Crc::new(), expected: entry.sum }))
        }
        _ => Err(io::Error::other("the zip is packed by a method that is not known")),
    }
}

/// The files in a zip's table of contents, which stands at its end.
fn contents(file: &mut File) -> io::Result<Vec<Entry>> {
    let length = file.seek(SeekFrom::End(0))?;
    // A comment of at most 64 KiB may follow.
    let tail = length.min(22 + (64 << 10));
    let mut end = vec![0; usize::try_from(tail).unwrap_or(0)];
    file.seek(SeekFrom::Start(length - tail))?;
    file.read_exact(&mut end)?;
    let at = end.windows(4).rposition(|bytes| bytes == b"PK\x05\x06").ok_or_else(damaged)?;
    let end = end.get(at..at + 22).ok_or_else(damaged)?;
    let (size, offset) = (u64::from(long(end, 12)), u64::from(long(end, 16)));
    let mut table = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(size.min(CONTENTS)).read_to_end(&mut table)?;

    let mut entries = Vec::new();
    let mut rest = table.as_slice();
    while let Some(head) = rest.get(..46).filter(|head| head.starts_with(b"PK\x01\x02")) {
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(short(head, at)));
        let Some(title) = rest.get(46..46 + name) else { break };
        let title = title.to_ascii_lowercase();
        if !title.ends_with(b"/") {
            entries.push(Entry {
                is_xml: title.ends_with(b".xml") || title.ends_with(b".xmltv"),
                method: short(head, 10),
                sum: long(head, 16),
                packed: u64::from(long(head, 20)),
                offset: u64::from(long(head, 42)),
            });
        }
        rest = rest.get(46 + name + extra + comment..).unwrap_or_default();
    }
    Ok(entries)
}

fn damaged() -> io::Error {
    io::Error::other("the zip is damaged")
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]))
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | u32::from(short(bytes, at + 2)) << 16
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpacked(bytes: &[u8]) -> io::Result<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut text = String::new();
        open(file.path())?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn gz(text: &str) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }

    /// A zip of those files, name, method, what is in it and that packed; sums and sizes stand at the end only, as programs that
    /// write into a pipe do.
    fn zip(files: &[(&str, u16, &[u8], &[u8])]) -> Vec<u8> {
        let (mut zip, mut table) = (Vec::new(), Vec::new());
        for (name, method, plain, packed) in files {
            let mut sum = Crc::new();
            sum.update(plain);
            let offset = u32::try_from(zip.len()).unwrap();
            let [length, size] = [name.len(), packed.len()].map(|n| u32::try_from(n).unwrap());
            zip.extend(b"PK\x03\x04\x14\0\x08\0");
            zip.extend(method.to_le_bytes());
            zip.extend([0; 16]);
            zip.extend(length.to_le_bytes());
            zip.extend(name.bytes());
            zip.extend(*packed);
            table.extend(b"PK\x01\x02\x14\0\x14\0\x08\0");
            table.extend(method.to_le_bytes());
            table.extend([0; 4]);
            table.extend(sum.sum().to_le_bytes());
            table.extend(size.to_le_bytes());
            table.extend([0; 4]);
            table.extend(length.to_le_bytes());
            table.extend([0; 10]);
            table.extend(offset.to_le_bytes());
            table.extend(name.bytes());
        }
        let [size, offset] = [table.len(), zip.len()].map(|n| u32::try_from(n).unwrap());
        zip.extend(&table);
        zip.extend(b"PK\x05\x06\0\0\0\0\0\0\0\0");
        zip.extend(size.to_le_bytes());
        zip.extend(offset.to_le_bytes());
        zip.extend([0; 2]);
        zip
    }

    #[test]
    fn the_packing_is_told_by_the_first_bytes() {
        assert_eq!(unpacked(b"<tv/>").unwrap(), "<tv/>");
        assert_eq!(unpacked(b"").unwrap(), "");
        let two = [gz("<tv>"), gz("</tv>")].concat();
        assert_eq!(unpacked(&two).unwrap(), "<tv></tv>", "a gzip of several members");
        let mut xz = Vec::new();
        liblzma::bufread::XzEncoder::new(&b"<tv/>"[..], 6).read_to_end(&mut xz).unwrap();
        assert_eq!(unpacked(&xz).unwrap(), "<tv/>");
        let mut deflated = Vec::new();
        flate2::bufread::DeflateEncoder::new(&b"<tv/>"[..], flate2::Compression::fast())
            .read_to_end(&mut deflated)
            .unwrap();
        let files: [(&str, u16, &[u8], &[u8]); 3] = [
            ("folder/", 0, b"", b""),
            ("readme.txt", 0, b"no", b"no"),
            ("Guide.XML", 8, b"<tv/>", &deflated),
        ];
        assert_eq!(unpacked(&zip(&files)).unwrap(), "<tv/>");
        assert_eq!(unpacked(&zip(&files[..2])).unwrap(), "no");
    }

    #[test]
    fn what_is_broken_is_an_error_and_never_more() {
        let whole = gz("<tv></tv>");
        assert!(unpacked(&whole[..whole.len() - 9]).is_err());
        let whole = zip(&[("a.xml", 0, b"<tv/>", b"<tv/>")]);
        assert_eq!(unpacked(&whole).unwrap(), "<tv/>");
        let other = zip(&[("a.xml", 0, b"<tv/>", b"<tx/>")]);
        assert!(unpacked(&other).unwrap_err().to_string().contains("checksum"));
        // The sum of an empty file is 0; nothing else may say so.
        assert_eq!(unpacked(&zip(&[("a.xml", 0, b"", b"")])).unwrap(), "");
        assert!(unpacked(&zip(&[("a.xml", 0, b"", b"<tv/>")])).is_err());
        for length in 4..whole.len() {
            let _ = unpacked(&whole[..length]);
            let mut bent = whole.clone();
            bent[length] ^= 0xff;
            let _ = unpacked(&bent);
        }
        assert!(unpacked(&zip(&[])).unwrap_err().to_string().contains("no file"));
        assert!(unpacked(&zip(&[("a.xml", 99, b"x", b"x")])).is_err());
        assert!(open(Path::new("/dev/null")).is_err());
    }
}
