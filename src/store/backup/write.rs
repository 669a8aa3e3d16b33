//! Writing a backup: what goes into it, and how.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use ring::digest::{Context, SHA256};
use rusqlite::Connection;
use tar::{Builder, EntryType, Header};
use zstd::stream::write::Encoder;

use super::{
    manifest::{KEY, LONGEST_KEY, MANIFEST, Manifest, Part, SUMS},
    moment::Moment,
    out::{Out, hexadecimal},
    room::{LEFT, folder_of, free, is_enough, size},
    served_by,
};
use crate::{
    domain::{fields::time::UnixTime, guide::source::GuideAddress},
    store::{
        self,
        engine::schema::{self, Known, Strange},
        guide,
    },
};

/// How hard zstd tries: at 1 it keeps up with the disk (docs/performance.md).
const LEVEL: i32 = 1;
/// Room that is asked for before anything is written: this part of what is to be packed.
const PACKED: u64 = 4;
/// The log may grow to so many bytes meanwhile, or to the length of the database if that is more: 1 GiB.
const LONGEST_LOG: u64 = 1 << 30;

/// What goes into a backup besides the database.
#[derive(Clone, Debug)]
pub struct What {
    /// When it is made.
    pub made_at: UnixTime,
    /// Whether the programme guide goes with it: guide.db, and the files below `guide/` that its sources name.
    pub guide: bool,
    /// The file of the key that secrets in the database are sealed with, if that goes with it: in clear.
    pub key: Option<PathBuf>,
}

impl What {
    /// The database alone.
    pub fn database(made_at: UnixTime) -> Self {
        Self { made_at, guide: false, key: None }
    }
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Summary {
    /// What the backup says of itself: version, schema, place in the log of events, counts, files.
    pub manifest: Manifest,
    /// How long the file is, in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file, hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
    /// How long SQLite's log had become at the end, in bytes: it is not emptied while a backup is written.
    pub log_bytes: u64,
}

/// Writes a backup of the data folder to a file that is not there yet, with a server at work or without one. It is consistent as of
/// the moment at which it begins, and is there as a whole or not at all. `go_on` is told how many bytes of how many were packed, about
/// once for each MiB, and ends it by saying no. It runs on the thread that calls it, and never waits for who writes.
///
/// # Errors
/// A sentence for the operator.
pub fn write(
    folder: &Path,
    into: &Path,
    what: &What,
    go_on: &dyn Fn(u64, u64) -> bool,
) -> Result<Summary, String> {
    let file = folder.join(store::FILE);
    if !file.exists() {
        return Err(format!(
            "there is no {} in {}: name the folder with --data",
            store::FILE,
            folder.display()
        ));
    }
    let mut database = Moment::of(&file)?;
    let schema = match schema::identify(database.conn()) {
        Ok(Known::Version(version)) => version,
        Ok(Known::New) => return Err(format!("{} is empty: there is nothing to back up", file.display())),
        Err(Strange::Refused(why)) => return Err(format!("cannot use {}: {why}", file.display())),
        Err(Strange::Sqlite(error)) => return Err(format!("cannot read {}: {error}", file.display())),
    };
    let mut guide = guide_of(folder, what)?;
    let files = small_files(folder, what, database.conn())?;
    let part = |name: &str, bytes| Part { name: name.to_owned(), bytes };
    let mut parts = vec![part(store::FILE, database.length())];
    parts.extend(guide.iter().map(|guide| part(guide::FILE, guide.length())));
    for (name, path) in &files {
        let length = File::open(path).and_then(|file| file.metadata()).map(|found| found.len());
        parts.push(part(name, length.map_err(|e| format!("cannot read {}: {e}", path.display()))?));
    }
    let manifest = Manifest { parts, ..about(database.conn(), schema, folder, what.made_at) };
    is_enough(folder_of(into), manifest.length() / PACKED, &format!("the backup {}", into.display()))?;

    let out = Out::begin(into)?;
    let mut archive = Archive::begin(out, manifest.clone(), go_on).map_err(|e| cannot_write(into, &e))?;
    let parts = manifest.parts.iter();
    let packed = parts.clone().try_for_each(|part| match (part.name.as_str(), &mut guide) {
        (store::FILE, _) => archive.moment(part, &mut database, folder),
        (guide::FILE, Some(guide)) => archive.moment(part, guide, folder),
        (name, _) => {
            let path = files.iter().find(|(known, _)| known == name).map(|(_, path)| path);
            let path = path.ok_or_else(|| io::Error::other("a file without a place"))?;
            archive.add(part, File::open(path)?.take(part.bytes), &|| Ok(()))
        }
    });
    packed.map_err(|e| cannot_write(into, &e))?;
    let log_bytes = database.log_length()();
    let (bytes, sha256) = archive.finish().map_err(|e| cannot_write(into, &e))?;
    Ok(Summary { manifest, bytes, sha256, log_bytes })
}

fn cannot_write(into: &Path, error: &io::Error) -> String {
    let into = into.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!(
                "there is no room for the backup {into}: at least {} stay free, and nothing was written",
                size(LEFT)
            )
        }
        _ => format!("the backup {into} was not written: {error}"),
    }
}

/// The guide, if it is wanted and there is one.
fn guide_of(folder: &Path, what: &What) -> Result<Option<Moment>, String> {
    let file = folder.join(guide::FILE);
    let is_there = what.guide && file.metadata().is_ok_and(|found| found.len() > 0);
    is_there.then(|| Moment::of(&file)).transpose()
}

/// The key and the files of the guide that go with it: their names in the backup, and where they are.
fn small_files(folder: &Path, what: &What, conn: &Connection) -> Result<Vec<(String, PathBuf)>, String> {
    let mut files = Vec::new();
    if let Some(key) = &what.key {
        let length =
            key.metadata().map_err(|e| format!("cannot read the key file {}: {e}", key.display()))?;
        if !length.is_file() || length.len() > LONGEST_KEY {
            return Err(format!("{} is no key file", key.display()));
        }
        files.push((KEY.to_owned(), key.clone()));
    }
    if what.guide {
        let named = own_sources(conn).unwrap_or_default();
        // A file that a link leads out of the folder to is none of it, and one that is missing is missed by the source itself.
        let is_own = |name: &String| {
            let real = folder.join(name).canonicalize().ok();
            let root = folder.join("guide").canonicalize().ok();
            real.zip(root).is_some_and(|(real, root)| real.starts_with(root) && real.is_file())
        };
        files.extend(named.into_iter().filter(is_own).map(|name| (name.clone(), folder.join(name))));
    }
    Ok(files)
}

/// The files of the data folder that sources of the guide name.
fn own_sources(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut ask =
        conn.prepare("SELECT DISTINCT url FROM guide_sources WHERE url LIKE 'guide/%' LIMIT 900")?;
    let named = ask.query_map([], |row| row.get::<_, String>(0))?;
    let is_file = |name: &String| GuideAddress::new(name).is_ok_and(|address| address.file().is_some());
    Ok(named.flatten().filter(is_file).collect())
}

/// What the database says; what a schema of former times does not have is nothing.
fn about(conn: &Connection, schema: usize, folder: &Path, made_at: UnixTime) -> Manifest {
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or_default();
    let given = |table: &str| number(&format!("SELECT seq FROM sqlite_sequence WHERE name = '{table}'"));
    Manifest {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        served_by: served_by::last(folder),
        schema,
        made_at: made_at.seconds(),
        log_id: conn.query_row("SELECT log_id FROM event_log", [], |row| row.get(0)).unwrap_or_default(),
        last_event: given("events"),
        last_audit: given("audit_log"),
        last_ledger: given("ledger"),
        lines: number("SELECT rows FROM row_counts WHERE name = 'lines'"),
        mags: number("SELECT rows FROM row_counts WHERE name = 'mags'"),
        resellers: number("SELECT count(*) FROM resellers"),
        parts: Vec::new(),
    }
}

/// The file while it is packed.
struct Archive<'a> {
    tar: Builder<Encoder<'static, Out>>,
    manifest: Manifest,
    sums: String,
    packed: u64,
    go_on: &'a dyn Fn(u64, u64) -> bool,
}

impl<'a> Archive<'a> {
    fn begin(out: Out, manifest: Manifest, go_on: &'a dyn Fn(u64, u64) -> bool) -> io::Result<Self> {
        let mut packer = Encoder::new(out, LEVEL)?;
        packer.include_checksum(true)?;
        let mut archive = Self { tar: Builder::new(packer), manifest, sums: String::new(), packed: 0, go_on };
        let text = archive.manifest.text();
        archive.add(
            &Part { name: MANIFEST.into(), bytes: text.len() as u64 },
            text.as_bytes(),
            &|| Ok(()),
        )?;
        Ok(archive)
    }

    /// Adds a database as of its moment, as long as its log does not grow without a bound.
    fn moment(&mut self, part: &Part, moment: &mut Moment, folder: &Path) -> io::Result<()> {
        let longest = LONGEST_LOG.max(moment.length());
        let log = moment.log_length();
        self.add(part, &mut *moment, &|| {
            let length = log();
            if length > longest {
                return Err(io::Error::other(format!(
                    "the log of the database has grown to {} meanwhile, because more is written than can be packed: try again when \
                     less is written",
                    size(length)
                )));
            }
            if length > LEFT && free(folder).is_some_and(|free| free < LEFT) {
                return Err(io::Error::other(format!(
                    "the log of the database has grown to {} meanwhile, and the disk is nearly full",
                    size(length)
                )));
            }
            Ok(())
        })?;
        if !moment.holds() {
            let name = &part.name;
            return Err(io::Error::other(format!(
                "{name} was changed by another program while it was read: try again"
            )));
        }
        moment.end();
        Ok(())
    }

    /// Adds a file; `watch` is asked about once for each MiB whether to go on.
    fn add(&mut self, part: &Part, content: impl Read, watch: &dyn Fn() -> io::Result<()>) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_path(&part.name)?;
        header.set_size(part.bytes);
        header.set_mode(0o600);
        header.set_mtime(self.manifest.made_at.unsigned_abs());
        header.set_entry_type(EntryType::Regular);
        header.set_cksum();
        let (all, go_on) = (self.manifest.length(), self.go_on);
        let mut content = Seen {
            content,
            sum: Context::new(&SHA256),
            bytes: 0,
            watch,
            told: 0,
            before: self.packed,
            all,
            go_on,
        };
        self.tar.append(&header, &mut content)?;
        if content.bytes != part.bytes {
            return Err(io::Error::other(format!("{} has become shorter meanwhile", part.name)));
        }
        self.packed += if part.name == MANIFEST { 0 } else { part.bytes };
        let _ = writeln!(self.sums, "{}  {}", hexadecimal(content.sum), part.name);
        Ok(())
    }

    fn finish(mut self) -> io::Result<(u64, String)> {
        let sums = std::mem::take(&mut self.sums);
        self.add(&Part { name: SUMS.into(), bytes: sums.len() as u64 }, sums.as_bytes(), &|| Ok(()))?;
        self.tar.into_inner()?.finish()?.finish()
    }
}

/// A file that is read: its sum, and who is asked on the way.
struct Seen<'a, R> {
    content: R,
    sum: Context,
    bytes: u64,
    watch: &'a dyn Fn() -> io::Result<()>,
    told: u64,
    before: u64,
    all: u64,
    go_on: &'a dyn Fn(u64, u64) -> bool,
}

impl<R: Read> Read for Seen<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.sum.update(&buffer[..read]);
        self.bytes += read as u64;
        if self.bytes - self.told >= 1 << 20 {
            self.told = self.bytes;
            (self.watch)()?;
            if !(self.go_on)(self.before + self.bytes, self.all) {
                return Err(io::Error::other("it was stopped"));
            }
        }
        Ok(read)
    }
}
