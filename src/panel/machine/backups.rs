//! General Settings -> Backups: which there are, one more, what becomes of each.

use actix_web::{
    HttpResponse,
    body::SizedStream,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;
use jiff::tz::TimeZone;

use super::{
    backup_settings,
    settings::{self, BACKUPS_PATH as PATH},
};
use crate::{
    domain::{
        Error, Resource, Result,
        fields::time::UnixTime,
        ids::{BackupId, Id, parse_id},
        machine::backups::{Backup, Kind, State},
        page::{Limit, Page},
        people::rights::{self, Access},
    },
    ops::{
        Act, Look, clock,
        machine::backups::{self, Download},
    },
    panel::kit::{
        caller::{Caller, action, attachment, done},
        error::Reply,
        form::Form,
        frame::Frame,
        live::{Part, Topic, View},
        pages::ConfirmPage,
        sent::Query,
        show::{self, Moment},
        table::{Cell, Head, Listing, Pager, RowAction, Tone},
        tabs::Tabs,
    },
};

/// Backups are made while one looks.
pub const TOPIC: Topic = Topic { name: "backups", parts: |view| Box::pin(async move { parts(&view).await }) };

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/settings/backups").get(show).post(backup_settings::save))
        .service(resource("/settings/backups/new").post(start))
        .service(resource("/settings/backups/{id}/verify").post(verify))
        .service(resource("/settings/backups/{id}/download").post(download))
        .service(resource("/settings/backups/{id}/delete").get(ask).post(delete));
}

#[derive(Template)]
#[template(path = "backups.html")]
pub struct BackupsPage {
    frame: Frame,
    tabs: Tabs,
    may_write: bool,
    /// Where copies are sent, without what is secret; empty for nowhere.
    target: String,
    /// The target was sealed with another key.
    is_lost: bool,
    parts: Vec<Part>,
    /// For those who may look at the settings.
    form: Option<Form>,
}

impl BackupsPage {
    /// The page with its form, if whoever looks may see that.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub async fn of(caller: &Caller, form: Option<Form>) -> Result<Self> {
        let parts = parts(&View::of(caller, Query::default())).await?;
        Ok(Self {
            frame: caller.frame("Backups").live(&TOPIC, ""),
            tabs: settings::tabs(caller, PATH),
            may_write: caller.may_write(Resource::Backups),
            target: caller.ops.shown_backup_target(),
            is_lost: caller.ops.backup_target_is_lost(),
            parts,
            form,
        })
    }
}

async fn show(caller: Caller) -> Reply {
    caller.actor().may(Resource::Backups, Access::Read)?;
    let form = if caller.may_read(Resource::Settings) {
        Some(backup_settings::form(&caller, &settings::stored(&caller).await?))
    } else {
        None
    };
    Ok(caller.page(&BackupsPage::of(&caller, form).await?))
}

async fn parts(view: &View) -> Result<Vec<Part>> {
    let whole = Page { limit: Limit::MOST, ..Page::default() };
    let job = move |look: &Look<'_>| backups::list(look, &whole);
    let found = view.ops.read(&view.actor, action(Resource::Backups, "list"), job).await?;
    let may = May {
        write: view.actor.may(Resource::Backups, Access::Write).is_ok(),
        download: rights::allow_all(view.actor.rights()),
    };
    let zone = view.ops.snapshot().settings.time_zone.zone();
    let now = clock::now();
    let mut heads: Vec<Head> = ["Backup", "Made"].map(Head::new).into();
    heads.push(Head::numeric("Size"));
    heads.extend(["State", "Verified", "Copy", ""].map(Head::new));
    let listing = Listing {
        label: "Backups",
        heads,
        rows: found.rows.iter().map(|backup| row(backup, &may, &zone, now)).collect(),
        empty: "No backup yet. One is made each day, or when somebody starts it.".into(),
        pager: Pager { summary: show::many(found.total, "backup"), ..Pager::default() },
        ..Listing::default()
    };
    Ok(vec![Part::of("backups", &listing)])
}

/// What whoever looks may do.
struct May {
    write: bool,
    download: bool,
}

fn row(backup: &Backup, may: &May, zone: &TimeZone, now: UnixTime) -> Vec<Cell> {
    let moment = |at| Moment::of(at, zone);
    let by = match (backup.kind, backup.actor.as_str()) {
        (Kind::Schedule, _) => "by the schedule".to_owned(),
        (Kind::Person, who) => format!("by {who}"),
        (Kind::Upgrade, _) => "before an upgrade".to_owned(),
        (Kind::File, _) => "found in the folder".to_owned(),
    };
    let age = u64::try_from(now.seconds() - backup.created_at.seconds()).unwrap_or(0);
    let made = Cell::Time(Some(moment(backup.created_at)), "");
    let size = if backup.bytes > 0 { show::bytes(backup.bytes.unsigned_abs()) } else { String::new() };
    vec![
        Cell::Under(Box::new(Cell::Text(backup.name.clone())), by),
        Cell::Under(Box::new(made), format!("{} ago", show::duration(age / 60 * 60))),
        Cell::Number(size),
        state(backup),
        verified(backup, zone),
        copy(backup, zone),
        Cell::Actions(actions(backup, may)),
    ]
}

fn under(tone: Tone, text: &str, remark: &str) -> Cell {
    Cell::Under(Box::new(Cell::Badge(tone, text.into())), remark.to_owned())
}

fn state(backup: &Backup) -> Cell {
    match backup.state {
        State::Waiting => Cell::Badge(Tone::Plain, "waiting".into()),
        State::Running => Cell::Badge(Tone::Plain, "being made".into()),
        State::Made => Cell::Badge(Tone::Good, "made".into()),
        State::Failed => under(Tone::Bad, "failed", &backup.error),
        State::Missing => under(Tone::Bad, "missing", "Its file is gone from the folder."),
    }
}

fn verified(backup: &Backup, zone: &TimeZone) -> Cell {
    let at = backup.verified_at.map(|at| Cell::Time(Some(Moment::of(at, zone)), ""));
    match (at, backup.verify_error.as_str()) {
        _ if backup.wants_verify => Cell::Badge(Tone::Plain, "under way".into()),
        (None, "") => Cell::Text("not yet".into()),
        (None, why) => under(Tone::Warn, "not verified", why),
        (Some(at), "") => Cell::Many(vec![Cell::Badge(Tone::Good, "can be restored".into()), at]),
        (Some(at), why) => Cell::Many(vec![under(Tone::Bad, "cannot be restored", why), at]),
    }
}

fn copy(backup: &Backup, zone: &TimeZone) -> Cell {
    let next = |at| format!("Next: {}", Moment::of(at, zone).text);
    match (backup.sent_at, backup.send_error.as_str(), backup.next_send_at) {
        (_, why, Some(at)) if !why.is_empty() => under(Tone::Bad, "not sent", &format!("{why} {}", next(at))),
        (_, why, None) if !why.is_empty() => under(Tone::Bad, "given up", why),
        (None, _, Some(_)) => Cell::Badge(Tone::Plain, "waiting".into()),
        (None, _, None) => Cell::Text("none".into()),
        (Some(at), ..) => {
            let how = if backup.encrypted { "encrypted" } else { "not encrypted" };
            let time = Cell::Time(Some(Moment::of(at, zone)), "");
            Cell::Under(Box::new(time), format!("{}, {how}", backup.sent_to))
        }
    }
}

fn actions(backup: &Backup, may: &May) -> Vec<RowAction> {
    let path = |what: &str| format!("{PATH}/{}/{what}", backup.id.number());
    let press = |what: &str, label: &str| RowAction::Do { action: path(what), label: label.into() };
    let mut actions = Vec::new();
    if may.write && backup.state == State::Made && !backup.wants_verify {
        actions.push(press("verify", "Verify"));
    }
    if may.download && backup.state == State::Made {
        actions.push(press("download", "Download"));
    }
    if may.write {
        actions.push(RowAction::Go { href: path("delete"), label: "Delete".into() });
    }
    actions
}

async fn start(caller: Caller) -> Reply {
    caller.actor().may(Resource::Backups, Access::Write)?;
    match caller.ops.write(caller.actor().clone(), action(Resource::Backups, "new"), backups::order).await {
        Ok(_) => Ok(done(PATH, "A backup is being made: its state changes here.")),
        Err(error @ Error::Refused(_)) => Ok(done(PATH, &format!("{error}."))),
        Err(error) => Err(error.into()),
    }
}

async fn verify(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Backups, Access::Write)?;
    let id = number(&id)?;
    let job = move |act: &Act<'_>| backups::verify(act, id);
    match caller.ops.write(caller.actor().clone(), action(Resource::Backups, "verify"), job).await {
        Ok(()) => Ok(done(PATH, "The backup is being restored as a trial: what comes of it is shown here.")),
        Err(error @ Error::Refused(_)) => Ok(done(PATH, &format!("{error}."))),
        Err(error) => Err(error.into()),
    }
}

async fn ask(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Backups, Access::Write)?;
    let id = number(&id)?;
    let job = move |look: &Look<'_>| backups::info(look, id);
    let backup = caller.ops.read(caller.actor(), action(Resource::Backups, "list"), job).await?;
    let copy = if backup.sent_to.is_empty() {
        String::new()
    } else {
        format!(" The copy at {} stays.", backup.sent_to)
    };
    let page = ConfirmPage {
        frame: caller.frame(format!("Delete {}?", backup.name)),
        text: format!("The file of this backup will be deleted. This cannot be undone.{copy}"),
        action: format!("{PATH}/{}/delete", id.number()),
        submit: "Delete",
        cancel: PATH.into(),
        seen: String::new(),
        changed: false,
        barred: false,
    };
    Ok(page.shown(&caller, false))
}

async fn delete(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Backups, Access::Write)?;
    let id = number(&id)?;
    let job = move |act: &Act<'_>| backups::delete(act, id);
    caller.ops.write(caller.actor().clone(), action(Resource::Backups, "delete"), job).await?;
    Ok(done(PATH, "The backup was deleted."))
}

/// By POST, so that no address leads to it that somebody could be sent.
async fn download(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Backups, Access::Write)?;
    let id = number(&id)?;
    let opened = caller.ops.download_backup(caller.actor(), id).await?;
    let (name, bytes) = (opened.name.clone(), opened.bytes);
    let pieces = futures_util::stream::try_unfold(opened, Download::next);
    let body = SizedStream::new(bytes, Box::pin(pieces));
    let response: HttpResponse = attachment(&name, "application/zstd", body);
    Ok(response)
}

fn number(text: &str) -> Result<BackupId> {
    parse_id(text).map(BackupId).map_err(|_| Error::no_such(Resource::Backups))
}
