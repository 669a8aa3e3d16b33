//! `linecard rollback`

use std::{
    fs::File,
    io::{self, BufRead, BufWriter, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{Data, folder, output::print};
use crate::{
    app,
    domain::fields::time::UnixTime,
    ops::clock,
    panel::kit::csv,
    store::backup::{Rollback, Since},
};

/// Goes back to the database from before the last upgrade, once that was confirmed.
pub fn run(data: &Data, list: Option<PathBuf>, yes: bool) -> Result<(), String> {
    folder::existing(data)?;
    let _lock = app::lock(&data.data)?;
    let rollback = Rollback::of(&data.data)?;
    let Since { audit, ledger } = rollback.since;
    print(&format!(
        "the backup {} has schema {} and was made {}; the database has schema {}.\nsince then {audit} rows of the audit trail and {ledger} rows \
         of the ledger were written: they are not in the backup, nor is what they tell of",
        rollback.file.display(),
        rollback.manifest.schema,
        UnixTime::clamped(rollback.manifest.made_at),
        rollback.schema
    ))?;
    if let Some(list) = list {
        write(&rollback, &list)?;
        print(&format!("these rows are in {}", list.display()))?;
    }
    if !yes {
        confirm()?;
    }
    let version = rollback.version();
    let kept = rollback.carry_out(&data.data, clock::now())?;
    let kept = kept.map(|kept| format!("\nthe newer one is kept in {}", kept.display())).unwrap_or_default();
    print(&format!(
        "the database from before the upgrade is in its place.{kept}\nnow install {version}, and start that: this one would upgrade the database \
         again"
    ))
}

fn confirm() -> Result<(), String> {
    if !io::stdin().is_terminal() {
        return Err(
            "nothing was changed: there is no terminal to ask at. Say --yes to go back without being asked"
                .into(),
        );
    }
    print("Type yes to put the backup in the place of the database:")?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|e| format!("nothing was changed: {e}"))?;
    if answer.trim() == "yes" { Ok(()) } else { Err("nothing was changed".into()) }
}

/// The rows as a CSV file, for its owner alone.
fn write(rollback: &Rollback, list: &Path) -> Result<(), String> {
    let cannot_write = |e: io::Error| format!("cannot write {}: {e}", list.display());
    let file = File::options().write(true).create_new(true).mode(0o600).open(list).map_err(cannot_write)?;
    let mut file = BufWriter::new(file);
    let mut put = |rows: Vec<Vec<String>>| {
        let text = csv::rows(rows).map_err(|e| e.to_string())?;
        file.write_all(&text).map_err(cannot_write)
    };
    put(vec![Rollback::HEADS.map(str::to_owned).into()])?;
    rollback.rows(&mut put)?;
    file.into_inner().map_err(|e| cannot_write(e.into_error()))?.sync_all().map_err(cannot_write)
}
