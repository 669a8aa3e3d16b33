//! The data folder that a command works in.

use std::io::Write as _;

use super::{Data, environment::provided, output::say};
use crate::{
    app,
    domain::people::api_key::KeyText,
    host::sealing::Sealing,
    ops::{
        Ops, clock,
        machine::first_start::{self, Welcome},
    },
    store::{FILE, Options, backup},
};

/// Opens the folder, and makes what the first start makes: a server may also be prepared before it
/// ever runs.
pub async fn open(data: &Data) -> Result<Ops, String> {
    app::prepare(&data.data)?;
    settle(data)?;
    if let Some(upgraded) = backup::before_upgrade(&data.data, clock::now(), !data.no_upgrade_backup)? {
        // Standard output belongs to the command itself.
        let _ = writeln!(std::io::stderr(), "{upgraded}");
    }
    let (sealing, timing) = (Sealing::default(), crate::media::Timing::default());
    let ops = app::use_cases(&data.data, Options::default(), None, None, sealing, timing)?;
    if let Some(welcome) = ops.first_start(provided()?).await.map_err(say)? {
        // Standard output belongs to the command itself.
        let _ = writeln!(std::io::stderr(), "{}", greeting(&welcome));
    }
    Ok(ops)
}

/// Opens a folder that has a database.
pub async fn open_existing(data: &Data) -> Result<Ops, String> {
    existing(data)?;
    open(data).await
}

/// Whether a folder has a database: a mistyped one is named, not filled.
pub fn existing(data: &Data) -> Result<(), String> {
    settle(data)?;
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

/// Finishes a restore that was cut off, if there is one.
fn settle(data: &Data) -> Result<(), String> {
    if !backup::is_unfinished(&data.data) {
        return Ok(());
    }
    let _lock = app::lock(&data.data)?;
    let _ = backup::finish(&data.data)?;
    Ok(())
}

/// What the first start tells, once.
pub fn greeting(welcome: &Welcome) -> String {
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
