//! `linecard import m3u`

use std::{fmt::Write as _, io::Read, path::Path, sync::Arc};

use crate::{
    domain::people::actor::Actor,
    ops::{
        Ops,
        channels::import::{Done, Import, List, Plan, Reading, is_address},
    },
};

/// Bytes of a file that are read at once.
const PIECE: usize = 1 << 20;
/// Entries that cannot be taken and are shown one by one.
const SHOWN: usize = 50;

/// Imports a list, or only says what that would do; and whether that went as it was wanted.
pub async fn m3u(
    ops: &Ops,
    file: &str,
    how: impl FnOnce(Arc<List>) -> Import,
    dry_run: bool,
) -> Result<(String, Result<(), String>), String> {
    let is_address = is_address(file);
    // An address may hold a password; what is wrong with it names its host.
    let named = |error: &dyn std::fmt::Display| {
        if is_address { error.to_string() } else { format!("{file}: {error}") }
    };
    let list =
        if is_address { ops.fetch_list(file).await.map_err(rule) } else { read(Path::new(file)).await };
    let list = Arc::new(list.map_err(|error| named(&error))?);
    let import = how(list.clone());
    let plan =
        ops.plan_import(&Actor::COMMAND_LINE, import.clone()).await.map_err(|error| error.to_string())?;
    let mut text = left_out(&list, &plan);
    if list.candidates.is_empty() {
        return Ok((text, Err(named(&"nothing in it can be imported"))));
    }
    if dry_run {
        for (count, what) in Done::planned(&list, &plan).counts() {
            let _ = writeln!(text, "{count} {what}");
        }
        text.push_str("nothing was changed: --dry-run\n");
        return Ok((text, Ok(())));
    }
    drop(plan);
    let done = ops.import(&Actor::COMMAND_LINE, import, |_| {}).await;
    let done = done.map_err(|error| format!("nothing was imported: {error}"))?;
    for (count, what) in did(&done) {
        let _ = writeln!(text, "{count} {what}");
    }
    let stopped = done.stopped.as_ref().map(|why| {
        let (after, of) = done.progress;
        format!("it ended early, after {after} of {of} streams; what is listed above stays done: {why}")
    });
    Ok((text, stopped.map_or(Ok(()), Err)))
}

async fn read(file: &Path) -> Result<List, String> {
    let mut source = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let mut reading = Reading::default();
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let piece_of = (&mut source).take(PIECE as u64).read_to_end(&mut piece);
        if piece_of.map_err(|error| error.to_string())? == 0 {
            break;
        }
        reading = reading.more(piece).await.map_err(rule)?;
    }
    reading.done().await.map_err(rule)
}

/// Only the rule: which file it is about is said before it.
fn rule(error: crate::domain::Error) -> String {
    match error {
        crate::domain::Error::Invalid { rule, .. } => rule.into_owned(),
        error => error.to_string(),
    }
}

/// What of the list was not taken as it stands, each kind once, and the first entries that cannot be taken at all.
fn left_out(list: &List, plan: &Plan) -> String {
    let mut text = String::new();
    for (line, name, rule) in list.refused.iter().take(SHOWN) {
        let _ = writeln!(text, "line {line}: {name}: {rule}");
    }
    if list.refused_count > SHOWN {
        for (reason, seen) in list.refusals.iter() {
            let _ =
                writeln!(text, "{} cannot be imported, first on line {}: {reason}", seen.count, seen.first);
        }
    }
    for (what, seen) in plan.left_out(list).iter() {
        let _ = writeln!(text, "{} x {what}, first on line {}", seen.count, seen.first);
    }
    text
}

fn did(done: &Done) -> Vec<(usize, &'static str)> {
    let mut counts = done.counts().to_vec();
    for (count, what) in
        [(done.in_bouquet, "added to the bouquet"), (done.gone, "deleted by somebody meanwhile")]
    {
        if count > 0 {
            counts.push((count, what));
        }
    }
    counts
}
