//! What the server does by itself, and how that goes.

use actix_web::web::{ServiceConfig, resource};
use askama::Template;
use jiff::tz::TimeZone;

use crate::{
    domain::{
        Result,
        machine::job::{JobReport, Rhythm},
    },
    panel::{
        kit::{
            caller::Caller,
            error::Reply,
            frame::Frame,
            live::{Part, Topic, View},
            sent::Query,
            show::{self, Moment},
            table::{Cell, Head, Listing, Pager, Tone},
            tabs::Tabs,
        },
        machine::settings::{self, JOBS_PATH},
    },
};

/// Every job runs again and again.
pub const TOPIC: Topic = Topic { name: "jobs", parts: |view| Box::pin(async move { parts(&view).await }) };

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/settings/jobs").get(page));
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct Jobs {
    frame: Frame,
    tabs: Tabs,
    parts: Vec<Part>,
}

async fn page(caller: Caller, query: Query) -> Reply {
    let parts = parts(&View::of(&caller, query)).await?;
    let frame = caller.frame("Background jobs").live(&TOPIC, "");
    Ok(caller.page(&Jobs { frame, tabs: settings::tabs(&caller, JOBS_PATH), parts }))
}

async fn parts(view: &View) -> Result<Vec<Part>> {
    let jobs = view.ops.job_reports(&view.actor).await?;
    let zone = view.ops.snapshot().settings.time_zone.zone();
    let listing = Listing {
        label: "Background jobs",
        heads: ["Job", "Runs", "State", "Last run", "Took", "Next run", "Last error"].map(Head::new).into(),
        rows: jobs.iter().map(|job| row(job, &zone)).collect(),
        pager: Pager { summary: show::many(jobs.len(), "job"), ..Pager::default() },
        ..Listing::default()
    };
    Ok(vec![Part::of("jobs", &listing)])
}

fn row(job: &JobReport, zone: &TimeZone) -> Vec<Cell> {
    let moment = |time| Moment::of(time, zone);
    let error = match &job.last_error {
        Some((at, why)) => Cell::Under(Box::new(Cell::Time(Some(moment(*at)), "")), why.clone()),
        None => Cell::Time(None, "none"),
    };
    vec![
        Cell::Under(Box::new(Cell::Text(job.name.into())), job.about.into()),
        Cell::Text(rhythm(job.rhythm)),
        state(job),
        Cell::Time(job.last.map(|(at, _)| moment(at)), "none yet"),
        Cell::Text(job.last.map(|(_, took)| show::brief(took)).unwrap_or_default()),
        Cell::Time(job.next.map(moment), ""),
        error,
    ]
}

fn rhythm(rhythm: Rhythm) -> String {
    match rhythm {
        Rhythm::Every { period, .. } if period.as_secs() == 1 => "every second".into(),
        Rhythm::Every { period, .. } => format!("every {}", show::duration(period.as_secs())),
        Rhythm::EachMinute => "at every full minute".into(),
        Rhythm::Always => "all the time".into(),
        Rhythm::OnDemand => "when somebody starts it".into(),
    }
}

fn state(job: &JobReport) -> Cell {
    let (tone, text) = match (job.failed, job.running_since, job.last) {
        (true, ..) => (Tone::Bad, "failed"),
        (false, Some(_), _) => (Tone::Good, "running"),
        (false, None, Some(_)) => (Tone::Good, "waiting"),
        (false, None, None) => (Tone::Plain, "not run yet"),
    };
    let badge = Cell::Badge(tone, text.into());
    match job.progress {
        Some((done, of)) => {
            Cell::Under(Box::new(badge), format!("{} of {}", show::number(done), show::number(of)))
        }
        None => badge,
    }
}
