//! Reading a backup that somebody hands in: nothing in it is trusted until its sums are compared, and nothing is written but the
//! files that its manifest names, at most as long as it says.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, File},
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use ring::digest::{Context, SHA256};
use tar::{Archive, Entry, EntryType};
use zstd::stream::read::Decoder;

use super::{
    manifest::{MANIFEST, Manifest, SUMS},
    out::hexadecimal,
    room::is_enough,
};

/// The longest manifest and list of sums, in bytes.
const LONGEST_TEXT: u64 = 256 << 10;
/// The memory that unpacking may take, as a power of two of bytes: 8 MiB.
const WINDOW: u32 = 23;
/// So much is read of the file at a time, and written of what is in it, in bytes.
const BLOCK: usize = 128 << 10;
/// Nothing but zeros stands behind the last file, and not more than this, in bytes.
const END: u64 = 1 << 20;

/// A backup that was taken apart and whose sums are right.
pub struct Unpacked {
    pub manifest: Manifest,
    /// How long the file is, in bytes, and the SHA-256 of it.
    pub bytes: u64,
    pub sha256: String,
}

/// What a backup says of itself. Only its beginning is read.
///
/// # Errors
/// A sentence for the operator: it is no backup, a newer version's, or ends too early.
pub fn manifest_of(file: &Path) -> Result<Manifest, String> {
    let opened = open(file)?;
    let read = || {
        let mut archive = Archive::new(opened);
        let mut entries = archive.entries()?.raw(true);
        head(&mut entries).map(|(manifest, _)| manifest)
    };
    read().map_err(|wrong: Wrong| wrong.of(file))
}

/// Takes a backup apart into an empty folder and compares its sums. `go_on` is told how many bytes of how many were read, about once
/// for each MiB, and ends it by saying no.
///
/// # Errors
/// A sentence for the operator.
pub fn unpack(file: &Path, into: &Path, go_on: &dyn Fn(u64, u64) -> bool) -> Result<Unpacked, String> {
    let opened = open(file)?;
    let mut archive = Archive::new(opened);
    let manifest = all(&mut archive, into, go_on).map_err(|wrong| wrong.of(file))?;
    let (bytes, sha256) = rest(archive.into_inner()).map_err(|wrong| wrong.of(file))?;
    Ok(Unpacked { manifest, bytes, sha256 })
}

/// Why a backup is none of ours, or none that can be used.
enum Wrong {
    Io(io::Error),
    /// The rest of a sentence that begins with its name.
    Refused(String),
    /// A whole sentence.
    Said(String),
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Wrong {
    fn refused(text: &str) -> Self {
        Self::Refused(text.to_owned())
    }

    fn of(self, file: &Path) -> String {
        let file = file.display();
        match self {
            Self::Said(sentence) => sentence,
            Self::Refused(rest) => format!("{file} {rest}"),
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                format!("{file} ends too early: it was not written or copied to its end. Take another backup")
            }
            Self::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                format!("there is no room to unpack {file}: {error}")
            }
            Self::Io(error) => format!("{file} is damaged or cannot be read: {error}. Take another backup"),
        }
    }
}

type Unpacker = Decoder<'static, BufReader<Summed>>;

/// The file, whose sum is made while it is read.
struct Summed {
    file: File,
    sum: Context,
    bytes: u64,
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.sum.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

fn open(file: &Path) -> Result<Unpacker, String> {
    let shown = file.display();
    let cannot_read = |e: io::Error| format!("cannot read {shown}: {e}");
    // A pipe would wait for its writer for ever.
    if !file.metadata().map_err(cannot_read)?.is_file() {
        return Err(format!("{shown} is no file"));
    }
    let summed =
        Summed { file: File::open(file).map_err(cannot_read)?, sum: Context::new(&SHA256), bytes: 0 };
    let mut packed = BufReader::with_capacity(BLOCK, summed);
    let rest = match packed.fill_buf().map_err(cannot_read)? {
        [] => "is empty",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "",
        [b'a', b'g', b'e', b'-', ..] | [b'-', b'-', b'-', b'-', b'-', ..] => {
            "is encrypted: decrypt it first (age --decrypt -i KEYFILE -o BACKUP FILE)"
        }
        [b'S', b'Q', b'L', b'i', b't', b'e', ..] => {
            "is a database and no backup: put it into an empty folder as linecard.db, and run linecard check --data FOLDER"
        }
        _ => "is no backup of Linecard",
    };
    if !rest.is_empty() {
        return Err(format!("{shown} {rest}"));
    }
    let mut unpacker = Decoder::with_buffer(packed).map_err(cannot_read)?.single_frame();
    unpacker.window_log_max(WINDOW).map_err(cannot_read)?;
    Ok(unpacker)
}

type Entries<'a> = tar::Entries<'a, Unpacker>;

/// The manifest, which is the first file, and its sum.
fn head(entries: &mut Entries<'_>) -> Result<(Manifest, String), Wrong> {
    let foreign = || Wrong::refused("is no backup of Linecard");
    let entry = entries.next().ok_or_else(foreign)?;
    // Whatever else zstd has packed is no tar.
    let entry =
        entry.map_err(|e| if e.kind() == io::ErrorKind::UnexpectedEof { e.into() } else { foreign() })?;
    if !is_file(&entry, MANIFEST) || entry.size() > LONGEST_TEXT {
        return Err(foreign());
    }
    let text = text(entry)?;
    Ok((Manifest::read(&text).map_err(Wrong::Refused)?, sum_of(&text)))
}

fn all(
    archive: &mut Archive<Unpacker>,
    into: &Path,
    go_on: &dyn Fn(u64, u64) -> bool,
) -> Result<Manifest, Wrong> {
    let mut entries = archive.entries()?.raw(true);
    let (manifest, sum) = head(&mut entries)?;
    is_enough(into, manifest.length(), "what is in the backup").map_err(Wrong::Said)?;
    let mut next = |name: &str| match entries.next() {
        Some(entry) => {
            let entry = entry?;
            let is_right = is_file(&entry, name);
            if is_right { Ok(entry) } else { Err(Wrong::refused("holds other files than its manifest says")) }
        }
        None => Err(Wrong::Io(io::ErrorKind::UnexpectedEof.into())),
    };
    let (mut sums, mut before) = (format!("{sum}  {MANIFEST}\n"), 0);
    for part in &manifest.parts {
        let entry = next(&part.name)?;
        if entry.size() != part.bytes {
            return Err(Wrong::refused("holds other files than its manifest says"));
        }
        let told = |bytes| go_on(before + bytes, manifest.length());
        let sum = put(entry, &into.join(&part.name), &told)?;
        before += part.bytes;
        let _ = writeln!(sums, "{sum}  {}", part.name);
    }
    let entry = next(SUMS)?;
    if entry.size() > LONGEST_TEXT {
        return Err(Wrong::refused("holds other files than its manifest says"));
    }
    if text(entry)? != sums.as_bytes() {
        return Err(Wrong::refused(
            "is damaged: its sums (SHA-256) are not those of what is in it. Take another backup",
        ));
    }
    if entries.next().is_some() {
        return Err(Wrong::refused("holds other files than its manifest says"));
    }
    Ok(manifest)
}

/// What stands behind the last file, and nothing may: the file's length and sum.
fn rest(mut unpacker: Unpacker) -> Result<(u64, String), Wrong> {
    let mut end = Vec::new();
    (&mut unpacker).take(END).read_to_end(&mut end)?;
    let mut packed = unpacker.finish();
    let is_all = packed.fill_buf()?.is_empty();
    if !is_all || end.len() as u64 == END || end.iter().any(|byte| *byte != 0) {
        return Err(Wrong::refused(
            "has something behind its end: it is no backup of Linecard, or a damaged one",
        ));
    }
    let Summed { sum, bytes, .. } = packed.into_inner();
    Ok((bytes, hexadecimal(sum)))
}

/// Whether it is an ordinary file of that name.
fn is_file(entry: &Entry<'_, Unpacker>, name: &str) -> bool {
    entry.header().entry_type() == EntryType::Regular && *entry.path_bytes() == *name.as_bytes()
}

fn text(entry: Entry<'_, Unpacker>) -> io::Result<Vec<u8>> {
    let (mut text, length) = (Vec::new(), entry.size());
    entry.take(LONGEST_TEXT).read_to_end(&mut text)?;
    whole(text.len() as u64, length).map(|()| text)
}

/// Writes a file that is not there yet, for its owner alone; its sum.
fn put(mut entry: Entry<'_, Unpacker>, path: &Path, go_on: &dyn Fn(u64) -> bool) -> io::Result<String> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    let (mut sum, mut bytes, mut told) = (Context::new(&SHA256), 0, 0);
    let mut block = vec![0; BLOCK];
    loop {
        let read = entry.read(&mut block)?;
        if read == 0 {
            break;
        }
        sum.update(&block[..read]);
        file.write_all(&block[..read])?;
        bytes += read as u64;
        if bytes - told >= 1 << 20 {
            told = bytes;
            if !go_on(bytes) {
                return Err(io::Error::other("it was stopped"));
            }
        }
    }
    whole(bytes, entry.size())?;
    Ok(hexadecimal(sum))
}

fn whole(found: u64, length: u64) -> io::Result<()> {
    if found == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn sum_of(bytes: &[u8]) -> String {
    let mut sum = Context::new(&SHA256);
    sum.update(bytes);
    hexadecimal(sum)
}

/// Puts what was unpacked into a folder on the disk, whatever is in it.
///
/// # Errors
/// What the system says.
pub fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync(&path)? } else { File::open(&path)?.sync_all()? }
    }
    File::open(folder)?.sync_all()
}
