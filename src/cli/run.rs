//! What each command does.

use std::{io::Write as _, net::SocketAddr, time::Duration};

use actix_web::rt::signal::unix::{Signal, SignalKind, signal};

use super::{
    Command, Data, ImportCommand, admin, alive, api_key, backup, doctor,
    environment::provided,
    folder::{existing, greeting, open, open_existing},
    import, manual,
    output::{announce, print, say},
    rollback, whitelist,
};
use crate::{
    app,
    config::Config,
    domain::{ids::BouquetId, people::actor::Actor},
    host::{manager, probe},
    ops::{
        Ops,
        channels::import::{Import, Into},
    },
    store::{Options, Store, Sync},
};

/// Runs a command; an error is a sentence for the operator.
pub async fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Serve {
            data,
            listen,
            https,
            trusted_proxies,
            asn_db,
            archive,
            secret_key_file,
            no_backup_command,
            archive_piece,
            batch,
            unsafe_sync,
        } => {
            let sync = if unsafe_sync { Sync::Normal } else { Sync::Full };
            let store = Options { batch, sync, ..Options::default() };
            let (data, backs_up, provided) = (data.data, !data.no_upgrade_backup, provided()?);
            let archive_piece = Duration::from_secs(archive_piece);
            serve(Config {
                listen,
                https: https.config()?,
                data,
                trusted_proxies,
                asn_db,
                secret_key_file,
                archive,
                archive_piece,
                no_backup_command,
                provided,
                backs_up,
                store,
            })
            .await
        }
        Command::Healthcheck { listen } => healthcheck(listen).await,
        Command::ApiKey(command) => api_key::run(command).await,
        Command::Whitelist(command) => whitelist::run(command).await,
        Command::Admin(command) => admin::run(command).await,
        Command::Import(ImportCommand::M3u {
            data,
            file,
            dry_run,
            duplicates,
            bouquet,
            new_bouquet,
            always_on,
        }) => {
            let into = match (bouquet, new_bouquet) {
                (Some(id), _) => Into::Bouquet(BouquetId(id)),
                (None, Some(name)) => Into::New(name),
                (None, None) => Into::Nothing,
            };
            let ops = open_existing(&data).await?;
            let told = import::m3u(
                &ops,
                &file,
                |list| Import { list, duplicates, into, on_demand: !always_on },
                dry_run,
            );
            let (told, outcome) = told.await?;
            ops.close();
            print(told.trim_end())?;
            outcome
        }
        Command::Demo { data } => {
            let ops = open(&data).await?;
            // Standard output belongs to what was made.
            let tell = |step: &str| drop(writeln!(std::io::stderr(), "{step}"));
            let told = ops.demo(&data.data, tell).await.map_err(say)?;
            ops.close();
            print(&told)
        }
        Command::Check { data } => check(&data),
        Command::Backup { data, file, with_guide, with_key, secret_key_file } => {
            backup::write(&data, file, with_guide, with_key, secret_key_file).await
        }
        Command::Verify { file, scratch } => backup::verify(file, scratch).await,
        Command::Restore { data, file, even_damaged } => backup::restore(&data, file, even_damaged).await,
        Command::Rollback { data, list, yes } => rollback::run(&data, list, yes),
        Command::Doctor { data, listen, archive, secret_key_file, https, bundle } => {
            let certificates = https.config()?.map(|https| https.files).unwrap_or_default();
            let patient = doctor::Patient { data: data.data, listen, archive, secret_key_file, certificates };
            doctor::run(patient, bundle.as_deref()).await
        }
        Command::Manual { folder } => manual::write(&folder),
        Command::ConfirmClock { data } => {
            let ops = open_existing(&data).await?;
            ops.confirm_clock(Actor::COMMAND_LINE).await.map_err(say)?;
            ops.close();
            print("the clock was confirmed; a running server applies that within a minute")
        }
    }
}

/// SIGXFSZ.
const FILE_TOO_LARGE: i32 = 25;

async fn serve(config: Config) -> Result<(), String> {
    // First of all: whoever reads that we listen may already send one.
    let (terminated, hung_up) = signals().map_err(|e| format!("cannot listen to signals: {e}"))?;
    let running = app::build(config).await?;
    let welcome = running.welcome.as_ref().map(|welcome| greeting(welcome) + "\n").unwrap_or_default();
    let upgraded = running.upgraded.as_ref().map(|upgraded| format!("{upgraded}\n")).unwrap_or_default();
    let https = running.https.map(|address| format!("HTTPS is on https://{address}\n")).unwrap_or_default();
    let listens = format!("Linecard is listening on http://{}", running.address);
    announce(upgraded + &welcome + &https + &listens).await;
    manager::ready(&listens);
    actix_web::rt::spawn(alive::keep_telling(running.ops.clone(), running.address));
    actix_web::rt::spawn(look_when_told(running.ops.clone(), hung_up));
    let handle = running.server_handle();
    let dismissed = running.dismiss();
    actix_web::rt::spawn(async move {
        terminated.await;
        log::info!("stopping");
        manager::stopping();
        // Together: the log may have to wait for another program. Viewers are cut before either waits.
        let (dismissed, ()) = futures_util::future::join(dismissed, handle.stop(true)).await;
        if let Err(error) = dismissed {
            log::warn!("the connection log: {error}");
        }
    });
    running.run().await.map_err(|e| e.to_string())
}

/// SIGTERM from a container or service manager, or SIGINT from a keyboard: caught from the call on,
/// waited for by the future. SIGHUP is caught as well.
fn signals() -> std::io::Result<(impl Future<Output = ()>, Signal)> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // Whoever waits for it or not: a file that may not grow further (ulimit -f) is an error of that write, not the end.
    let _ = signal(SignalKind::from_raw(FILE_TOO_LARGE))?;
    let terminated = async move {
        futures_util::future::select(Box::pin(term.recv()), Box::pin(interrupt.recv())).await;
    };
    Ok((terminated, signal(SignalKind::hangup())?))
}

/// Certificates that were replaced are served from the signal on, rather than a minute later.
async fn look_when_told(ops: Ops, mut hung_up: Signal) {
    while hung_up.recv().await.is_some() {
        log::info!("SIGHUP: the certificates are looked at");
        ops.look_at_certificates().await;
    }
}

async fn healthcheck(listen: SocketAddr) -> Result<(), String> {
    let address = probe::from_here(listen);
    match probe::status(address, "/healthz", Duration::from_secs(5)).await? {
        200..300 => print("ok"),
        status => Err(format!("the server at {address} is not healthy: it answers with status {status}")),
    }
}

fn check(data: &Data) -> Result<(), String> {
    existing(data)?;
    // Too damaged to be worked with: what can be read of it may still tell how much of it is.
    let (problems, opened) = Store::examine(&data.data);
    if opened.is_ok() && problems.is_empty() {
        return print("the database is whole: integrity, references, ledger and counts are right");
    }
    for problem in &problems {
        print(problem)?;
    }
    opened?;
    Err(match problems.len() {
        1 => "1 problem found".into(),
        many => format!("{many} problems found"),
    })
}
