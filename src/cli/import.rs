//! `linecard import m3u`

use std::{fmt::Write as _, path::Path, sync::Arc};

use crate::{
    domain::{Resource, actor::Actor},
    ops::{
        Doing, Ops,
        import::{self, Entry, Fate, Import, Plan},
    },
};

const DOING: Doing = Doing { resource: Resource::Streams, action: "import" };

/// Imports a list, or only says what that would do.
pub async fn m3u(
    ops: &Ops,
    file: &Path,
    how: impl FnOnce(Arc<Vec<Entry>>) -> Import,
    dry_run: bool,
) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let entries = import::read(&bytes).map_err(|error| format!("{}: {error}", file.display()))?;
    let import = how(Arc::new(entries));
    if dry_run {
        let read = ops.read(&Actor::COMMAND_LINE, DOING, move |read| import::plan(read, &import));
        let plan = read.await.map_err(|error| error.to_string())?;
        return Ok(format!("{}nothing was changed: --dry-run", told(&plan)));
    }
    let done = ops.write(Actor::COMMAND_LINE, DOING, move |act| import::apply(act, &import));
    let done = done.await.map_err(|error| format!("nothing was imported: {error}"))?;
    let mut text = told(&done.plan);
    if done.in_bouquet > 0 {
        let _ = writeln!(text, "{} put into the bouquet", done.in_bouquet);
    }
    Ok(text)
}

/// The figures, and every entry that cannot be taken.
fn told(plan: &Plan) -> String {
    let mut text = String::new();
    for (line, name, rule) in &plan.refused {
        let _ = writeln!(text, "line {line}: {name}: {rule}");
    }
    for (count, what) in [
        (plan.new.len(), "new streams"),
        (plan.categories.len(), "new categories"),
        (plan.count(|fate| fate == Fate::SourceAdded), "sources added to streams that are there"),
        (plan.count(|fate| matches!(fate, Fate::Updated(_))), "streams updated"),
        (plan.count(|fate| matches!(fate, Fate::Skipped(_))), "there already"),
        (plan.refused.len(), "cannot be taken"),
    ] {
        let _ = writeln!(text, "{count} {what}");
    }
    text
}
