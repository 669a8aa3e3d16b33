//! Start-up: opens the store, starts the jobs, mounts the faces, binds.

mod health;

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Instant,
};

use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Server, ServiceRequest, ServiceResponse},
    http::header::{self, ContentType},
    middleware::{DefaultHeaders, Next, from_fn},
    web,
};

use crate::{
    api::{self, openapi},
    classic,
    config::Config,
    delivery,
    domain::{fields::net::Network, ids::ServerId, machine::server::Here},
    host::{
        Host, address, open_files, place,
        sealing::{self, Sealing},
    },
    jobs,
    media::{Ffmpeg, Media, Timing, archive::Archive, ffmpeg_missing},
    ops::{
        Ops,
        channels::import::forget_left,
        clock,
        machine::first_start::{self, Welcome},
    },
    panel, player, portal,
    store::{self, Options, Store, backup, guide::GuideDb},
    wire::{
        gate::Gate,
        https::Https,
        listen::{self, Door},
        redact, timed,
        visitor::TrustedProxies,
    },
};

/// The use cases on a data folder, as the server that this program is: no other runs it yet. Its streams run once
/// `viewing` is started; they are recorded below `archive`, else below the data folder. Without a key nothing is sealed.
///
/// # Errors
/// A sentence for the operator.
pub fn use_cases(
    data: &Path,
    options: Options,
    asn_db: Option<&Path>,
    archive: Option<PathBuf>,
    sealing: Sealing,
    timing: Timing,
) -> Result<Ops, String> {
    let host = Host::open(data, asn_db, sealing)?;
    let ffmpeg = Ffmpeg::new("ffmpeg".into(), data.join("media"));
    let archive = match archive {
        Some(folder) => Archive::below(folder, false, data.to_owned()),
        None => Archive::below(data.join("archive"), true, data.to_owned()),
    };
    let media = Media::new(ffmpeg, archive, timing);
    let store = Store::open(data, options)?;
    Ok(Ops::new(
        Here(ServerId::MAIN),
        store,
        GuideDb::at(data),
        host,
        media,
        data.join(store::backup::FOLDER),
    ))
}

/// A server that is bound and ready to run.
pub struct Running {
    /// The address that was bound.
    pub address: SocketAddr,
    /// The one for HTTPS.
    pub https: Option<SocketAddr>,
    /// The use cases, for those who start a server in their own process.
    pub ops: Ops,
    /// What the first start generated, to be shown once.
    pub welcome: Option<Welcome>,
    /// That the database was upgraded, and where the backup from before is.
    pub upgraded: Option<String>,
    jobs: jobs::Running,
    live: web::Data<panel::Live>,
    server: Server,
    /// Held as long as the server runs: two servers on one folder would both run its streams.
    _lock: File,
}

/// Builds a server.
///
/// # Errors
/// A sentence for the operator.
pub async fn build(config: Config) -> Result<Running, String> {
    let lock = lock(&config.data)?;
    if let Some(kept) = backup::finish(&config.data)? {
        log::info!("a restore that was cut off is finished; what it replaced is in {}", kept.display());
    }
    let upgraded = backup::before_upgrade(&config.data, clock::now(), config.backs_up)?;
    if let Some(upgraded) = &upgraded {
        log::info!("{upgraded}");
    }
    forget_left(&config.data);
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let mut options = config.store;
    options.workers = u32::try_from(workers).unwrap_or(2) + 1;
    let timing = Timing { piece: config.archive_piece, ..Timing::default() };
    let key = config.secret_key_file.clone().unwrap_or_else(|| config.data.join(sealing::FILE));
    let sealing = Sealing::with_file(&key)?;
    let (asn_db, archive) = (config.asn_db.as_deref(), config.archive.clone());
    let ops = use_cases(&config.data, options, asn_db, archive, sealing, timing)?;
    if config.no_backup_command {
        ops.backups.forbid_commands();
    }
    let (listener, address) = bind(config.listen, "--listen")?;
    let mut doors = vec![Door { name: "http", listener, tls: None }];
    let mut https = None;
    if let Some(config) = config.https {
        let (listener, address) = bind(config.listen, "--tls-listen")?;
        let tls =
            ops.serve_certificates(config.files).await.map_err(|e| format!("cannot serve HTTPS: {e}"))?;
        doors.push(Door { name: "https", listener, tls: Some(tls) });
        https = Some(address);
    }
    let gate = gate(&ops, &config.trusted_proxies);
    // Before anything is deleted for its age.
    ops.learn_time().map_err(|e| format!("the database cannot be read: {}", e.for_operator()))?;
    let lost =
        ops.lost_secrets().map_err(|e| format!("the database cannot be read: {}", e.for_operator()))?;
    for secret in lost {
        log::warn!(
            "{secret} was sealed with another key and is not used: put the key file back, or give it again"
        );
    }
    let recognized = ops.recognize_event_log().await;
    recognized.map_err(|e| format!("the log of events cannot be read: {}", e.for_operator()))?;
    let recalled = ops.recall_ended_sessions().await;
    recalled.map_err(|e| format!("the sessions of the panel cannot be read: {}", e.for_operator()))?;
    // One that the command line does at this moment says so again with its next step.
    let cut_off = ops.note_cut_off_imports(clock::now()).await;
    cut_off.map_err(|e| format!("the database cannot be written to: {}", e.for_operator()))?;
    if let Some(why) = ffmpeg_missing() {
        log::warn!("no stream can be played: {why}");
    }
    let jobs = jobs::start(&ops);

    let faces = Faces::of(&ops, config.trusted_proxies, address.port(), https.map(|https| https.port()));
    let live = faces.live.clone();
    let application = move || {
        App::new()
            .wrap(DefaultHeaders::new().add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")))
            .wrap(from_fn(access_log))
            // Outermost: it runs first.
            .wrap(from_fn(timed::request))
            .configure(|config| faces.mount(config))
    };
    let server = listen::server(doors, &gate, workers, application);
    let server = server.map_err(|e| address::refused(config.listen, "--listen", &e))?;
    // After the port is ours: what is generated here is shown once, by a start that succeeds.
    let welcome = ops
        .first_start(config.provided)
        .await
        .map_err(|e| format!("the first start failed: {}", e.for_operator()))?;
    if let Err(error) = ops.note_port(address.port()).await {
        log::warn!("the port of this server cannot be noted: {}", error.for_operator());
    }
    if let Err(error) = backup::note_version(&config.data) {
        log::warn!("the version that serves the folder cannot be noted: {error}");
    }
    ops.viewing.start().map_err(|e| format!("the streams cannot be read: {}", e.for_operator()))?;
    Ok(Running { address, https, ops, welcome, upgraded, jobs, live, server: server.run(), _lock: lock })
}

impl Running {
    /// Serves until the handle of [`Running::server_handle`] stops it, then finishes what is queued.
    ///
    /// # Errors
    /// What the network layer says.
    pub async fn run(self) -> std::io::Result<()> {
        let outcome = self.server.await;
        self.ops.viewing.stop().await;
        self.jobs.finish().await;
        let ops = self.ops;
        actix_web::rt::task::spawn_blocking(move || ops.close()).await.map_err(std::io::Error::other)?;
        outcome
    }

    /// Ends what would never end by itself, and for which a server that stops would wait: viewers, and
    /// pages that are told what changes.
    ///
    /// # Errors
    /// A database error: the connection log is not whole then.
    pub fn dismiss(&self) -> impl Future<Output = crate::domain::Result<()>> + use<> {
        let (ops, live) = (self.ops.clone(), self.live.clone());
        async move {
            live.close();
            ops.followers.close();
            ops.viewing.end_all_sessions(ops.believed_now()).await
        }
    }

    /// The way to stop it.
    pub fn server_handle(&self) -> actix_web::dev::ServerHandle {
        self.server.handle()
    }
}

/// What the faces share between their requests: made once, for every worker.
#[derive(Clone)]
struct Faces {
    ops: web::Data<Ops>,
    proxies: web::Data<TrustedProxies>,
    playlists: web::Data<player::PlayerCache>,
    live: web::Data<panel::Live>,
    portal: web::Data<portal::PortalCache>,
    https: web::Data<Https>,
}

impl Faces {
    fn of(ops: &Ops, proxies: Vec<Network>, plain: u16, port: Option<u16>) -> Self {
        let serving = ops.clone();
        Self {
            https: web::Data::new(Https { plain, port, is_served: Box::new(move || serving.serves_https()) }),
            ops: web::Data::new(ops.clone()),
            proxies: web::Data::new(TrustedProxies(proxies)),
            playlists: web::Data::default(),
            live: web::Data::default(),
            portal: web::Data::default(),
        }
    }

    /// Mounts every face in one worker, with what it asks its requests for.
    fn mount(&self, config: &mut web::ServiceConfig) {
        config
            .app_data(self.ops.clone())
            .app_data(self.proxies.clone())
            .app_data(self.playlists.clone())
            .app_data(self.live.clone())
            .app_data(self.portal.clone())
            .app_data(self.https.clone())
            // First and by its prefix: routes are tried in turn, and those with patterns cost microseconds each.
            .service(
                web::scope("/api")
                    .route("/openapi.json", web::get().to(describe))
                    .configure(api::docs::routes)
                    .default_service(web::to(api::entry)),
            )
            .configure(health::routes)
            .route("/metrics", web::get().to(api::metrics))
            .configure(delivery::routes)
            .configure(panel::routes)
            .configure(player::routes)
            .configure(delivery::short_routes)
            .configure(portal::routes)
            .configure(classic::routes)
            .default_service(web::to(api::entry));
    }
}

/// Takes an address to listen on; with the port that it has, where any would do.
fn bind(address: SocketAddr, flag: &str) -> Result<(TcpListener, SocketAddr), String> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        let own = listener.local_addr()?;
        Ok((listener, own))
    });
    bound.map_err(|e| address::refused(address, flag, &e))
}

/// How many may connect: each takes a file, and some systems allow 1,024 unless asked.
fn gate(ops: &Ops, trusted: &[Network]) -> Gate {
    const ENOUGH: u64 = 8_192;
    let limit = open_files::raise();
    if let Some(limit) = limit.filter(|limit| *limit < ENOUGH) {
        log::warn!(
            "at most {limit} files and connections may be open: raise the hard limit to {ENOUGH} or more \
             ({})",
            open_files::REMEDY
        );
    }
    let ops = ops.clone();
    let most_of_one =
        move || usize::try_from(ops.snapshot().settings.connections_per_address.get()).unwrap_or(usize::MAX);
    Gate::new(trusted.to_vec(), Arc::new(most_of_one), limit)
}

/// Whether a command can work in the folder: there, writable, and with a clock that a first start may trust. Makes it.
///
/// # Errors
/// A sentence for the operator: what is in the way, and what to do.
pub fn prepare(data: &Path) -> Result<(), String> {
    if !data.join(store::FILE).exists() {
        first_start::trust_clock()?;
    }
    place::prepare(data, &store::FILES, store::make_private)
}

/// Locks a data folder, which is made if it is not there: a server holds it as long as it runs.
///
/// # Errors
/// A sentence for the operator.
pub fn lock(data: &Path) -> Result<File, String> {
    let folder = data.display();
    prepare(data)?;
    // The folder itself: a file in it can be taken away while it is locked.
    let lock = File::open(data).map_err(|e| format!("cannot open the folder {folder}: {e}"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(_) => Err(format!(
            "another linecard serve runs on the folder {folder}: stop it, or name another with --data"
        )),
    }
}

async fn describe() -> HttpResponse {
    // Made once: it costs milliseconds, and is for everybody.
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());
    HttpResponse::Ok().content_type(ContentType::json()).body(DOCUMENT.as_str())
}

/// One line per request, with everything blanked that could be a secret.
async fn access_log(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !log::log_enabled!(target: "access", log::Level::Info) {
        return next.call(request).await;
    }
    let started = Instant::now();
    let method = request.method().clone();
    let ops = request.app_data::<web::Data<Ops>>().cloned();
    let is_key = |segment: &str| ops.as_ref().is_some_and(|ops| ops.is_key(segment));
    let path = redact::path(request.path(), is_key);
    let peer = request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
    let response = next.call(request).await?;
    let micros = started.elapsed().as_micros();
    log::info!(target: "access", "{peer} {method} {path} {} {micros}us", response.status().as_u16());
    Ok(response)
}
