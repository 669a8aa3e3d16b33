//! What a backup says of itself.

use serde_json::{Value, json};

use crate::{
    domain::guide::source::GuideAddress,
    store::{self, engine::schema, guide},
};

/// The format of the file that this program writes.
const FORMAT: u64 = 1;
/// Names in the file.
pub const MANIFEST: &str = "manifest.json";
pub const SUMS: &str = "SHA256SUMS";
pub const KEY: &str = "linecard.key";
/// The most files that are in one.
const MOST: usize = 1_000;
/// The longest key file, in bytes.
pub const LONGEST_KEY: u64 = 4_096;

/// A file in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in the data folder.
    pub name: String,
    /// How long it is, in bytes.
    pub bytes: u64,
}

/// What stands at the beginning of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The version of the program that wrote it.
    pub program: String,
    /// The version of the program that served the database last; empty if that is not known.
    pub served_by: String,
    /// The version of the database's schema.
    pub schema: usize,
    /// When it was made, in unix seconds.
    pub made_at: i64,
    /// The log of events, and the highest number that it had given.
    pub log_id: String,
    pub last_event: i64,
    /// The highest numbers of the audit trail and the ledger that were given.
    pub last_audit: i64,
    pub last_ledger: i64,
    /// How many there were.
    pub lines: i64,
    pub mags: i64,
    pub resellers: i64,
    /// What is in it, in this order.
    pub parts: Vec<Part>,
}

impl Manifest {
    /// Bytes of all files in it.
    pub fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).fold(0, u64::saturating_add)
    }

    /// Whether a file is in it.
    pub fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.name == name)
    }

    /// Whether the key of sealed secrets is in it, in clear.
    pub fn has_key(&self) -> bool {
        self.has(KEY)
    }

    /// Whether the programme guide is in it.
    pub fn has_guide(&self) -> bool {
        self.has(guide::FILE)
    }

    /// As it stands in the file.
    pub fn text(&self) -> String {
        let parts: Vec<Value> =
            self.parts.iter().map(|part| json!({ "name": part.name, "bytes": part.bytes })).collect();
        let manifest = json!({
            "linecard_backup": FORMAT,
            "program": self.program,
            "served_by": self.served_by,
            "schema": self.schema,
            "made_at": self.made_at,
            "log_id": self.log_id,
            "last_event": self.last_event,
            "last_audit": self.last_audit,
            "last_ledger": self.last_ledger,
            "lines": self.lines,
            "mags": self.mags,
            "resellers": self.resellers,
            "files": parts,
        });
        format!("{manifest:#}\n")
    }

    /// Reads one, and refuses what this program does not write.
    ///
    /// # Errors
    /// The rest of a sentence that begins with the name of the file.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let foreign = || "is no backup of Linecard: its manifest cannot be read".to_owned();
        let value: Value = serde_json::from_slice(text).map_err(|_| foreign())?;
        let number = |name: &str| value.get(name).and_then(Value::as_i64).filter(|number| *number >= 0);
        let word = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let format = value.get("linecard_backup").and_then(Value::as_u64).ok_or_else(foreign)?;
        let schema = number("schema").and_then(|number| usize::try_from(number).ok()).ok_or_else(foreign)?;
        let program = word("program");
        if format > FORMAT || schema > schema::VERSION {
            return Err(format!(
                "was made by a newer Linecard ({program}, schema {schema}; this one knows up to {}): install that version \
                 first",
                schema::VERSION
            ));
        }
        let parts = value.get("files").and_then(Value::as_array).ok_or_else(foreign)?;
        let parts: Option<Vec<Part>> = parts.iter().map(part).collect();
        let parts = parts.filter(|parts| is_possible(parts)).ok_or_else(foreign)?;
        Ok(Self {
            program,
            served_by: word("served_by"),
            schema,
            made_at: number("made_at").unwrap_or_default(),
            log_id: word("log_id"),
            last_event: number("last_event").unwrap_or_default(),
            last_audit: number("last_audit").unwrap_or_default(),
            last_ledger: number("last_ledger").unwrap_or_default(),
            lines: number("lines").unwrap_or_default(),
            mags: number("mags").unwrap_or_default(),
            resellers: number("resellers").unwrap_or_default(),
            parts,
        })
    }
}

fn part(value: &Value) -> Option<Part> {
    Some(Part { name: value.get("name")?.as_str()?.to_owned(), bytes: value.get("bytes")?.as_u64()? })
}

/// Whether these are files that a backup has: the database first, each once, and none outside of the data folder.
fn is_possible(parts: &[Part]) -> bool {
    let is_own = |name: &str| GuideAddress::new(name).is_ok_and(|address| address.file().is_some());
    let is_known = |part: &Part| match part.name.as_str() {
        store::FILE | guide::FILE => true,
        KEY => part.bytes <= LONGEST_KEY,
        name => is_own(name),
    };
    let mut names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    parts.len() <= MOST
        && names.len() == parts.len()
        && parts.first().is_some_and(|part| part.name == store::FILE)
        && parts.iter().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Manifest {
        let part = |name: &str| Part { name: name.into(), bytes: 3 };
        Manifest {
            program: "0.1.0".into(),
            schema: 1,
            parts: ["linecard.db", "guide.db", "guide/a/b.xml", "linecard.key"].map(part).into(),
            ..Manifest::default()
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_names_out_of_the_folder_are_refused() {
        let whole = one();
        assert_eq!(Manifest::read(whole.text().as_bytes()), Ok(whole));
        for name in [
            "../linecard.db",
            "/etc/passwd",
            "guide/../x",
            "guide/.x",
            "http://a.example/x",
            "linecard.db",
            "linecard.db-wal",
            "media/film.ts",
        ] {
            let mut other = one();
            other.parts.push(Part { name: name.into(), bytes: 3 });
            let why = Manifest::read(other.text().as_bytes()).unwrap_err();
            assert!(why.contains("is no backup of Linecard"), "{name}: {why}");
        }
        let mut newer = one();
        newer.schema = schema::VERSION + 1;
        let why = Manifest::read(newer.text().as_bytes()).unwrap_err();
        assert!(why.contains("was made by a newer Linecard"), "{why}");
        let newer = one().text().replace("\"linecard_backup\": 1", "\"linecard_backup\": 2");
        assert!(Manifest::read(newer.as_bytes()).unwrap_err().contains("newer"));
        for text in ["", "[]", "{}", "null", "{\"linecard_backup\": 1}"] {
            assert!(Manifest::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
