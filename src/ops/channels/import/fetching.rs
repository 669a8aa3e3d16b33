//! A list that is fetched from its address, by the rule for every address that people type.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::List;
use crate::{
    domain::{Error, Result},
    host::{
        background,
        fetch::{self, Limits, Validators},
    },
    ops::{Ops, blocking, random},
};

/// The folder of lists on their way, below the data folder.
const FOLDER: &str = "import.fetched";
/// The most bytes of an address.
const ADDRESS: usize = 8_192;
/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;
/// How much one list may take: as much as one that is uploaded, and the time that somebody waits for a page.
const LIMITS: Limits = Limits {
    bytes: 64 << 20,
    redirects: 5,
    connect: Duration::from_secs(15),
    silence: Duration::from_secs(30),
    whole: Duration::from_secs(90),
};

/// A list on its way: its file goes and its fetch ends with it.
struct Fetched {
    file: PathBuf,
    stop: Arc<AtomicBool>,
}

impl Drop for Fetched {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = fs::remove_file(&self.file);
    }
}

/// Whether a text is meant as the address of a list.
pub fn is_address(text: &str) -> bool {
    let has = |scheme: &str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    has("http://") || has("https://")
}

impl Ops {
    /// Fetches a list from an http or https address and reads it. Loopback and private networks may be reached only with the
    /// setting `fetch_local`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what is wrong with the address, the answer or the list; [`Error::Busy`] while as many lists are read
    /// as may be at once.
    pub async fn fetch_list(&self, address: &str) -> Result<List> {
        if !is_address(address) || address.len() > ADDRESS {
            return Err(Error::invalid("url", "the address begins with http:// or https://"));
        }
        let turn = self.lists.fetches.try_acquire().map_err(|_| Error::Busy)?;
        let file = self.guide.data().join(FOLDER).join(random::token()?);
        let fetched = Fetched { file, stop: Arc::default() };
        let (address, local) = (address.to_owned(), self.snapshot().settings.fetch_local);
        let (file, stop) = (fetched.file.clone(), fetched.stop.clone());
        let work = move || fetch::to_file(&address, &Validators::default(), local, &file, &LIMITS, &stop);
        let answer = background::run("import", background::AWAITED, work).await.ok_or(Error::Busy)?;
        drop(turn);
        answer.map_err(|why| Error::invalid("url", why))?;
        let mut reading = self.read_list()?;
        let opened = File::open(&fetched.file);
        let mut file = opened.map_err(|error| Error::invalid("url", error.to_string()))?;
        loop {
            let (piece, rest) = blocking(move || (piece(&mut file), file)).await;
            let piece = piece.map_err(|error| Error::invalid("url", error.to_string()))?;
            if piece.is_empty() {
                return reading.done().await;
            }
            (reading, file) = (reading.more(piece).await?, rest);
        }
    }
}

fn piece(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut piece = Vec::new();
    file.take(PIECE).read_to_end(&mut piece)?;
    Ok(piece)
}

/// Deletes what a server that was killed left of lists on their way.
pub fn forget_left(data: &Path) {
    let _ = fs::remove_dir_all(data.join(FOLDER));
}
