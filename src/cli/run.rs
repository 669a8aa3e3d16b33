//! What each command does.

use std::{io::Write as _, net::SocketAddr, time::Duration};

use super::{AdminCommand, ApiKeyCommand, Command, Data, ImportCommand, WhitelistCommand, import};
use crate::{
    app,
    config::Config,
    domain::{
        Error, Field, Given, Resource, Written,
        fields::{
            net::Network,
            text::{Name, NewPassword},
            time::{Expiry, UnixTime},
        },
        ids::{ApiKeyId, BouquetId, GroupId, Id, parse_id},
        page::{Limit, Page, Rows, Start},
        people::{
            actor::Actor,
            admin::AdminChange,
            api_key::{ApiKeyChange, KeyText},
        },
    },
    host::sealing::Sealing,
    ops::{
        Action, Ops,
        channels::import::{Import, Into},
        machine::first_start::{self, Provided, Welcome},
        people::{
            admins::{self, Selector},
            api_keys,
            passwords::Whose,
            whitelist,
        },
        random,
    },
    store::{FILE, Options, Store, Sync},
};

/// Runs a command; an error is a sentence for the operator.
pub async fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Serve {
            data,
            listen,
            trusted_proxies,
            asn_db,
            archive,
            secret_key_file,
            archive_piece,
            batch,
            unsafe_sync,
        } => {
            let sync = if unsafe_sync { Sync::Normal } else { Sync::Full };
            let store = Options { batch, sync, ..Options::default() };
            let (data, provided) = (data.data, provided()?);
            let archive_piece = Duration::from_secs(archive_piece);
            serve(Config {
                listen,
                data,
                trusted_proxies,
                asn_db,
                secret_key_file,
                archive,
                archive_piece,
                provided,
                store,
            })
            .await
        }
        Command::Healthcheck { listen } => healthcheck(listen).await,
        Command::ApiKey(command) => api_key(command).await,
        Command::Whitelist(command) => change_whitelist(command).await,
        Command::Admin(command) => admin(command).await,
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
        Command::ConfirmClock { data } => {
            let ops = open_existing(&data).await?;
            ops.confirm_clock(Actor::COMMAND_LINE).await.map_err(say)?;
            ops.close();
            print("the clock was confirmed; a running server applies that within a minute")
        }
    }
}

async fn serve(config: Config) -> Result<(), String> {
    // First of all: whoever reads that we listen may already send one.
    let terminated = terminated().map_err(|e| format!("cannot listen to signals: {e}"))?;
    let running = app::build(config).await?;
    let welcome = running.welcome.as_ref().map(|welcome| greeting(welcome) + "\n").unwrap_or_default();
    announce(format!("{welcome}Linecard is listening on http://{}", running.address)).await;
    let handle = running.server_handle();
    let dismissed = running.dismiss();
    actix_web::rt::spawn(async move {
        terminated.await;
        log::info!("stopping");
        // Together: the log may have to wait for another program. Viewers are cut before either waits.
        let (dismissed, ()) = futures_util::future::join(dismissed, handle.stop(true)).await;
        if let Err(error) = dismissed {
            log::warn!("the connection log: {error}");
        }
    });
    running.run().await.map_err(|e| e.to_string())
}

/// SIGTERM from a container or service manager, or SIGINT from a keyboard: caught from the call on,
/// waited for by the future.
fn terminated() -> std::io::Result<impl Future<Output = ()>> {
    use actix_web::rt::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        futures_util::future::select(Box::pin(term.recv()), Box::pin(interrupt.recv())).await;
    })
}

async fn healthcheck(listen: SocketAddr) -> Result<(), String> {
    let mut address = listen;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    let client = awc::Client::builder().timeout(Duration::from_secs(5)).finish();
    let response = client.get(format!("http://{address}/healthz")).send().await;
    match response {
        Ok(response) if response.status().is_success() => print("ok"),
        Ok(response) => Err(format!("the server at {address} is not healthy: {}", response.status())),
        Err(error) => Err(format!("no server answers at {address}: {error}")),
    }
}

async fn api_key(command: ApiKeyCommand) -> Result<(), String> {
    match command {
        ApiKeyCommand::Create { data, name, scope, address, expires_at } => {
            let ops = open(&data).await?;
            let key = random::api_key().map_err(say)?;
            let secret = key.clone();
            let change = ApiKeyChange {
                name: Given::Value(name),
                scope: Given::Value(scope),
                addresses: Given::Value(address),
                expires_at: Given::Value(Expiry(expires_at)),
                ..ApiKeyChange::default()
            };
            let done = ops.write(Actor::COMMAND_LINE, api_keys::CREATE, move |act| {
                api_keys::create(act, change.clone(), &key)
            });
            done.await.map_err(say)?;
            ops.close();
            print(secret.reveal())
        }
        ApiKeyCommand::List { data } => {
            let ops = open_existing(&data).await?;
            let all = Page { limit: Limit::MOST, ..Page::default() };
            let read = ops
                .read(&Actor::COMMAND_LINE, api_keys::CREATE, move |look| api_keys::list(look, &all))
                .await;
            print("id\tname\tscope\taddresses\texpires_at\tlast_used_at")?;
            for api_keys::ApiKeyRow { key, last_used_at } in read.map_err(say)?.rows {
                let scope: Vec<String> = key.record.scope.iter().map(ToString::to_string).collect();
                let addresses: Vec<String> = key.record.addresses.iter().map(ToString::to_string).collect();
                let (id, name) = (key.id.number(), key.record.name.as_str());
                let (ends, used) = (moment(key.record.expires_at.0), moment(last_used_at));
                print(&format!(
                    "{id}\t{name}\t{}\t{}\t{ends}\t{used}",
                    scope.join(","),
                    addresses.join(",")
                ))?;
            }
            ops.close();
            Ok(())
        }
        ApiKeyCommand::Revoke { data, key } => {
            let ops = open_existing(&data).await?;
            let which = match parse_id(&key) {
                Ok(id) => api_keys::Selector::Id(ApiKeyId(id)),
                Err(_) => api_keys::Selector::Name(Name::new(&key).map_err(|rule| rule.to_string())?),
            };
            let done =
                ops.write(Actor::COMMAND_LINE, api_keys::REVOKE, move |act| api_keys::revoke(act, &which));
            let id = done.await.map_err(say)?;
            ops.close();
            print(&format!("revoked key {}", id.number()))
        }
    }
}

async fn change_whitelist(command: WhitelistCommand) -> Result<(), String> {
    match command {
        WhitelistCommand::Add { data, address, note } => {
            let ops = open(&data).await?;
            let done = ops.write(Actor::COMMAND_LINE, whitelist::ADD, move |act| {
                whitelist::add(act, address, note.as_ref())
            });
            done.await.map_err(say)?;
            ops.close();
            print(&format!("{address} may use the Server API"))
        }
        WhitelistCommand::List { data } => {
            let ops = open_existing(&data).await?;
            let entries =
                ops.read(&Actor::COMMAND_LINE, whitelist::ADD, whitelist::list).await.map_err(say)?;
            for entry in entries {
                print(&format!("{}\t{}", entry.address, entry.note))?;
            }
            ops.close();
            Ok(())
        }
        WhitelistCommand::Remove { data, address } => {
            let ops = open_existing(&data).await?;
            let done =
                ops.write(Actor::COMMAND_LINE, whitelist::REMOVE, move |act| whitelist::remove(act, address));
            done.await.map_err(say)?;
            ops.close();
            print(&format!("{address} may no longer use the Server API"))
        }
    }
}

async fn admin(command: AdminCommand) -> Result<(), String> {
    let action = |name| Action { resource: Resource::Administrators, name };
    match command {
        AdminCommand::Create { data, username, email, group } => {
            let ops = open(&data).await?;
            let (password, shown) = password()?;
            let mut change = AdminChange {
                username: Given::Value(username),
                email: Given::Value(email),
                group_id: Given::Value(GroupId(group)),
                must_change_password: Given::Value(shown.is_some()),
                ..AdminChange::default()
            };
            let whose = Whose::after(None, &change);
            change.password = Given::Value(ops.hash_chosen("password", password, &whose).await.map_err(say)?);
            let done =
                ops.write(Actor::COMMAND_LINE, action("new"), move |act| admins::create(act, change.clone()));
            done.await.map_err(say)?;
            ops.close();
            shown.map_or(Ok(()), |password| print(&password))
        }
        AdminCommand::List { data } => {
            let ops = open_existing(&data).await?;
            let mut page = Page { limit: Limit::MOST, ..Page::default() };
            print("id\tusername\temail\tgroup\treseller\tdisabled")?;
            loop {
                let asked = page.clone();
                let read = ops
                    .read(&Actor::COMMAND_LINE, action("list"), move |look| admins::list(look, &asked))
                    .await;
                let Rows { rows, .. } = read.map_err(say)?;
                let Some(last) = rows.last() else { break };
                page.start = Start::After(last.admin.id.number());
                for admins::AdminRow { admin, group, reseller, .. } in rows {
                    let (id, record) = (admin.id.number(), admin.record);
                    let (name, email) = (record.username.as_str(), record.email.as_str());
                    let reseller = reseller.unwrap_or_default();
                    print(&format!(
                        "{id}\t{name}\t{email}\t{group}\t{reseller}\t{}",
                        u8::from(record.disabled)
                    ))?;
                }
            }
            ops.close();
            Ok(())
        }
        AdminCommand::Password { data, username } => {
            let ops = open_existing(&data).await?;
            let (password, shown) = password()?;
            let who = Selector::Username(username);
            let asked = who.clone();
            let listed = ops
                .read(&Actor::COMMAND_LINE, action("password"), move |look| admins::info(look, &asked))
                .await
                .map_err(say)?;
            let whose = Whose::of(&listed.admin.record);
            let hash = ops.hash_chosen("password", password, &whose).await.map_err(say)?;
            // What is printed is good for one login.
            let change = AdminChange {
                password: Given::Value(hash),
                must_change_password: Given::Value(shown.is_some()),
                ..AdminChange::default()
            };
            let done = ops.write(Actor::COMMAND_LINE, action("password"), move |act| {
                admins::update(act, &who, change.clone())
            });
            done.await.map_err(say)?;
            ops.close();
            shown.map_or(Ok(()), |password| print(&password))
        }
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

/// Opens the folder, and makes what the first start makes: a server may also be prepared before it
/// ever runs.
async fn open(data: &Data) -> Result<Ops, String> {
    let (sealing, timing) = (Sealing::default(), crate::media::Timing::default());
    let ops = app::use_cases(&data.data, Options::default(), None, None, sealing, timing)?;
    if let Some(welcome) = ops.first_start(provided()?).await.map_err(say)? {
        // Standard output belongs to the command itself.
        let _ = writeln!(std::io::stderr(), "{}", greeting(&welcome));
    }
    Ok(ops)
}

/// Opens a folder that has a database.
async fn open_existing(data: &Data) -> Result<Ops, String> {
    existing(data)?;
    open(data).await
}

/// Whether a folder has a database: a mistyped one is named, not filled.
fn existing(data: &Data) -> Result<(), String> {
    let folder = data.data.display();
    match std::fs::metadata(data.data.join(FILE)) {
        Err(_) => Err(format!("there is no {FILE} in {folder}: name the folder with --data")),
        // What a copy leaves that found no room.
        Ok(found) if found.len() == 0 => {
            Err(format!("{FILE} in {folder} is empty: restore a backup, or name another folder with --data"))
        }
        Ok(_) => Ok(()),
    }
}

/// What the environment provides for the first start.
fn provided() -> Result<Provided, String> {
    let allow = variable("LINECARD_API_ALLOW").map(|list| {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(String::from);
        let entries: Vec<String> = entries.collect();
        if entries.is_empty() {
            return Err("it contains no address: nobody could call".into());
        }
        Vec::<Network>::parse(&Written::List(entries))
    });
    Ok(Provided {
        password: parsed("LINECARD_ADMIN_PASSWORD", NewPassword::new)?,
        api_key: parsed("LINECARD_API_KEY", KeyText::new)?,
        allow: allow.transpose().map_err(|rule| format!("LINECARD_API_ALLOW: {rule}"))?,
    })
}

/// The password of the environment, or a generated one to be shown.
fn password() -> Result<(NewPassword, Option<String>), String> {
    match parsed("LINECARD_ADMIN_PASSWORD", NewPassword::new)? {
        Some(password) => Ok((password, None)),
        None => random::password().map(|(password, text)| (password, Some(text))).map_err(say),
    }
}

fn parsed<T>(
    name: &str,
    parse: impl Fn(&str) -> Result<T, crate::domain::Rule>,
) -> Result<Option<T>, String> {
    variable(name).map(|text| parse(&text)).transpose().map_err(|rule| format!("{name}: {rule}"))
}

/// An empty variable is one that is not set, as for the arguments.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn greeting(welcome: &Welcome) -> String {
    let password = welcome.password.as_deref().unwrap_or("as given in LINECARD_ADMIN_PASSWORD");
    let key = welcome.api_key.as_ref().map_or("as given in LINECARD_API_KEY", KeyText::reveal);
    let allowed: Vec<String> = welcome.whitelist.iter().map(ToString::to_string).collect();
    format!(
        "First start: write these down, they are not shown again.\n  administrator  {}\n  password       {password}\n  \
         API key        {key}\n  API whitelist  {}",
        first_start::ADMIN,
        allowed.join(", ")
    )
}

fn moment(time: Option<UnixTime>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| time.seconds().to_string())
}

/// Prints what a start has to say. Whether somebody reads it does not keep the server from serving.
async fn announce(text: String) {
    let (printed, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || printed.send(print(&text)));
    let trouble = match tokio::time::timeout(Duration::from_secs(5), told).await {
        Ok(Ok(Ok(()))) => return,
        Ok(Ok(Err(error))) => error,
        Ok(Err(_)) => "standard output cannot be written to".into(),
        Err(_) => "nobody reads standard output".into(),
    };
    log::warn!(
        "{trouble}: the address and the first password are printed there (linecard admin password makes a new one)"
    );
}

/// Whoever has read enough, such as `head`, is no reason to fail.
fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        _ => Ok(()),
    }
}

fn say(error: Error) -> String {
    match &error {
        Error::Database(fault) => {
            format!("{error}, unless the disk refused that as well ({})", fault.detail)
        }
        _ => error.to_string(),
    }
}
