//! Fetches sources of http and https, and hands them to ffmpeg over the loopback.
//!
//! So certificates of everything that belongs to a source are verified, its headers and cookies go along, its
//! passwords stand in no command line, and where redirects and playlists may lead is decided in one place.

mod addresses;
mod client;
mod connect;
mod content;
mod cookies;
mod follow;
mod login;
pub mod mp4;
mod numbering;
pub mod playlist;
mod serve;
mod source;
mod tls;

use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use rand::{TryRng, rngs::SysRng};
use tokio::sync::oneshot;
use url::Url;

use crate::domain::channels::{source_request::SourceRequest, stream::SourceUrl};
use source::Source;

/// A playlist is told for a minute after it failed; then its segments have to come.
const BRIDGED: Duration = Duration::from_secs(70);

/// The sources that are fetched now.
#[derive(Clone)]
pub struct Fetch(Arc<Shared>);

struct Shared {
    /// Where ffmpeg finds them.
    port: Result<u16, String>,
    sources: Mutex<HashMap<String, Arc<Source>>>,
    /// Fetching ends when this is dropped.
    _ending: oneshot::Sender<()>,
}

/// A source that is fetched until this is dropped.
pub struct Fetching {
    fetch: Fetch,
    token: String,
    source: Arc<Source>,
    /// Where ffmpeg finds it.
    pub address: String,
}

impl Fetch {
    /// Starts a thread of its own for all sources.
    pub fn start() -> Self {
        let (ending, ended) = oneshot::channel();
        let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?.port(), listener))
        });
        let (port, listener) = match listener {
            Ok((port, listener)) => (Ok(port), Some(listener)),
            Err(error) => (Err(format!("http sources cannot be fetched: {error}")), None),
        };
        let shared = Arc::new(Shared { port, sources: Mutex::default(), _ending: ending });
        if let Some(listener) = listener {
            let weak = Arc::downgrade(&shared);
            let thread = std::thread::Builder::new().name("sources".into());
            if let Err(error) = thread.spawn(move || run(listener, weak, ended)) {
                log::error!("http sources cannot be fetched: {error}");
            }
        }
        Self(shared)
    }

    /// Begins to fetch a source; `None` for one of another scheme.
    ///
    /// # Errors
    /// A sentence about what is missing.
    pub fn open(&self, source: &SourceUrl, request: &SourceRequest) -> Result<Option<Fetching>, String> {
        if !source.is_http() {
            return Ok(None);
        }
        let mut request = request.clone();
        let home = Url::parse(request.take_suffix(source.address())).map_err(|error| error.to_string())?;
        let port = self.0.port.clone()?;
        let mut bits = [0; 16];
        SysRng.try_fill_bytes(&mut bits).map_err(|error| format!("no random bytes: {error}"))?;
        let token = format!("{:032x}", u128::from_ne_bytes(bits));
        let base = format!("http://127.0.0.1:{port}/{token}");
        let address = format!("{base}/0");
        let source = Arc::new(Source::new(home, request, base));
        self.sources().insert(token.clone(), source.clone());
        Ok(Some(Fetching { fetch: self.clone(), token, source, address }))
    }

    fn sources(&self) -> MutexGuard<'_, HashMap<String, Arc<Source>>> {
        self.0.sources.lock()
    }
}

impl Fetching {
    /// What went wrong last, in words, if nothing went well since.
    pub fn trouble(&self) -> Option<String> {
        self.source.trouble()
    }

    /// Why none of its segments is to be had, in words, if that is plain.
    pub fn refusal(&self) -> Option<String> {
        self.source.refusal()
    }

    /// Whether it is one body whose length was told.
    pub fn has_end(&self) -> bool {
        self.source.has_end()
    }

    /// Whether it is one body of which any part can be asked for.
    pub fn is_seekable(&self) -> bool {
        self.source.is_seekable()
    }

    /// Waits until a playlist of it names fragments of MP4; how long they are at most.
    pub async fn fragments(&self) -> Duration {
        self.source.fragments().await
    }

    /// How long it may be silent without being gone: segments come at once, and then none for a while. Where no
    /// other source could take over, a playlist that fails is worth waiting for.
    pub fn patience(&self, usual: Duration, is_only: bool) -> Duration {
        if is_only && self.source.is_bridged() {
            return usual.max(BRIDGED);
        }
        usual.max((self.source.pause() * 3).min(Duration::from_mins(1)))
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.fetch.sources().remove(&self.token);
    }
}

fn run(listener: TcpListener, shared: Weak<Shared>, ended: oneshot::Receiver<()>) {
    let serving = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            // Without descriptors there is nothing to accept for a while.
            let Ok((socket, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Some(shared) = shared.upgrade() else { return Ok(()) };
            let find = move |token: &str| Fetch(shared).sources().get(token).cloned();
            tokio::spawn(serve::serve(socket, find));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let served: std::io::Result<()> = runtime.and_then(|runtime| {
        runtime.block_on(async {
            tokio::select! {
                served = serving => served,
                _ = ended => Ok(()),
            }
        })
    });
    if let Err(error) = served {
        log::error!("http sources can no longer be fetched: {error}");
    }
}
