//! Sources of the guide: how they fare, and a button that refreshes them.

use actix_web::web::{Path, ServiceConfig, resource};
use askama::Template;
use jiff::{tz, tz::TimeZone};

use super::tabs;
use crate::{
    domain::{Resource, Result, Stored, guide::source::GuideSource, people::rights::Access},
    ops::guide::sources::{self, ShownSource},
    panel::kit::{
        caller::{Caller, action, done},
        error::Reply,
        form::{Choice, Input, Section, Widget},
        frame::Frame,
        live::{Part, Topic, View},
        records::{self, About, Shown},
        sent::Query,
        show::{self, Moment},
        table::{Cell, Head, Listing, Pager, RowAction, Tone},
        tabs::Tabs,
    },
};

/// Where it is.
pub const PATH: &str = "/panel/guide/sources";

/// Refreshes end while one looks.
pub const TOPIC: Topic =
    Topic { name: "guide-sources", parts: |view| Box::pin(async move { parts(&view).await }) };

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/guide/sources").get(page))
        .service(resource("/guide/sources/{id}/refresh").post(refresh))
        .configure(records::mount_forms::<GuideSource>);
}

impl Shown for GuideSource {
    const PATH: &'static str = "guide/sources";
    const ONE: &'static str = "guide source";
    const MANY: &'static str = "Guide sources";
    const ABOUT: &'static str = "Where programmes come from: XMLTV files, fetched from the Internet or put into the folder guide of the data folder. \
         Channels are matched with streams by themselves where that is sure.";

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn heads() -> Vec<Head> {
        let mut heads: Vec<Head> = ["Source", "Refreshed", "State", "Last success"].map(Head::new).into();
        heads.extend([Head::numeric("Channels"), Head::numeric("Programmes"), Head::new("")]);
        heads
    }

    fn cells(row: &Stored<Self>, _: &About) -> Vec<Cell> {
        let source = &row.record;
        let name = Cell::Link { href: Self::href(row.id), text: source.name.as_str().into() };
        let often = match source.refresh_hours.get() {
            0 => "by hand".into(),
            hours => format!("every {hours} h"),
        };
        vec![Cell::Under(Box::new(name), source.url.shown()), Cell::Text(often)]
    }

    fn sections(_: &About) -> Vec<Section> {
        let zones = tz::db().available().map(|name| Choice::new(&name, name.as_str())).collect();
        let inputs = vec![
            Input::text("name", "Name").required(),
            Input::text("url", "Address").required().wide().help(
                "Of an XMLTV file, http or https, plain or packed as gz, xz or zip; or guide/NAME for a file in the folder guide of the data \
                 folder.",
            ),
            Input::new("refresh_hours", "Refresh interval (hours)", Widget::Number(0))
                .help("0: only when somebody asks."),
            Input::new("position", "Position", Widget::Number(0))
                .help("Of two sources with the same channel, the one with the lower position is used."),
            Input::new("shift_minutes", "Shift in minutes", Widget::Number(-1440))
                .help("Shows its programmes this much later; below 0 earlier."),
            Input::new("assumed_zone", "Assumed time zone", Widget::Choice(zones))
                .help("For times without a time zone."),
            Input::new("enabled", "Enabled", Widget::Flag),
        ];
        vec![Section { legend: "Guide source", inputs }]
    }
}

#[derive(Template)]
#[template(path = "guide_sources.html")]
struct Sources {
    frame: Frame,
    tabs: Tabs,
    about: &'static str,
    parts: Vec<Part>,
}

async fn page(caller: Caller, query: Query) -> Reply {
    let parts = parts(&View::of(&caller, query)).await?;
    let frame = caller.frame(GuideSource::MANY).live(&TOPIC, "");
    Ok(caller.page(&Sources { frame, tabs: tabs(PATH), about: GuideSource::ABOUT, parts }))
}

async fn parts(view: &View) -> Result<Vec<Part>> {
    let list = action(Resource::GuideSources, "list");
    let found = view.ops.read(&view.actor, list, sources::list_in_order).await?;
    let zone = view.ops.snapshot().settings.time_zone.zone();
    let may_write = view.actor.may(Resource::GuideSources, Access::Write).is_ok();
    let refreshing = view.ops.guide_refreshes();
    let row = |source: &ShownSource| row(source, refreshing.contains(&source.row.id), may_write, &zone);
    let listing = Listing {
        label: GuideSource::MANY,
        links: records::links::<GuideSource>(may_write),
        heads: GuideSource::heads(),
        rows: found.iter().map(row).collect(),
        empty: "No sources yet: players show no programmes.".into(),
        pager: Pager { summary: show::many(found.len(), "source"), ..Pager::default() },
        ..Listing::default()
    };
    Ok(vec![Part::of("list", &listing)])
}

fn row(source: &ShownSource, refreshing: bool, may_write: bool, zone: &TimeZone) -> Vec<Cell> {
    let (row, health) = (&source.row, &source.health);
    let mut cells = GuideSource::cells(row, &About::none(zone.clone()));
    let badge = |tone, text: &str| Cell::Badge(tone, text.into());
    cells.push(match (row.record.enabled, refreshing, health.last_error.as_str(), health.last_success_at) {
        (false, ..) => badge(Tone::Plain, "disabled"),
        (_, true, ..) => badge(Tone::Plain, "refreshing"),
        (_, _, "", None) => badge(Tone::Plain, "not read yet"),
        (_, _, "", Some(_)) => badge(Tone::Good, "ok"),
        (_, _, why, _) => Cell::Under(Box::new(badge(Tone::Bad, "failed")), why.into()),
    });
    cells.push(Cell::Time(health.last_success_at.map(|at| Moment::of(at, zone)), "never"));
    cells.extend([health.channels, health.programmes].map(|count| Cell::Number(show::number(count))));
    let mut actions = records::actions::<GuideSource>(row.id, may_write);
    if may_write && row.record.enabled && !refreshing {
        let action = format!("{}/refresh", GuideSource::href(row.id));
        actions.insert(0, RowAction::Do { action, label: "Refresh".into() });
    }
    cells.push(Cell::Actions(actions));
    cells
}

async fn refresh(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::GuideSources, Access::Write)?;
    let source = records::find::<GuideSource>(&caller, &id).await?;
    let job = move |act: &crate::ops::Act<'_>| sources::refresh(act, Some(source.id));
    caller.ops.write(caller.actor().clone(), action(Resource::GuideSources, "refresh"), job).await?;
    let name = source.record.name.as_str();
    Ok(done(PATH, &format!("{name} is being refreshed: its state changes here when that is done.")))
}
