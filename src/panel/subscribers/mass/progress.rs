//! Doing a mass edit, and how far it is.

use std::time::Duration;

use actix_web::{http::StatusCode, web};
use askama::Template;

use super::{super::Kind, Asked, asked};
use crate::{
    domain::{
        Error, Refused, Resource, fields::time::UnixTime, people::rights::Access, subscribers::plan::Terms,
    },
    ops::{clock, subscribers::mass::Preview},
    panel::{
        kit::{
            caller::Caller,
            error::Reply,
            frame::Frame,
            sent::{Query, Sent},
            show,
            table::{Cell, Head, Listing},
        },
        moved,
    },
};

/// A small edit is waited for so long; a longer one is followed on its page.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Template)]
#[template(path = "mass_progress.html")]
struct ProgressPage {
    frame: Frame,
    finished: bool,
    failed: Option<String>,
    figures: Vec<(String, String)>,
    reasons: Listing,
    more_refused: Option<String>,
    list: String,
}

#[derive(Template)]
#[template(path = "mass_gone.html")]
struct GonePage {
    frame: Frame,
    audit: bool,
    list: String,
}

/// Begins it, and leads to the page that says how far it is.
pub async fn run<S: Kind>(caller: Caller, query: Query, sent: Sent) -> Reply {
    let Asked { address, edit, .. } = match asked::<S>(&caller, &query, &sent).await? {
        Ok(asked) => asked,
        Err(page) => return Ok(page),
    };
    let number = |name: &'static str| {
        let number = sent.text(name).parse::<i64>().ok().filter(|number| *number >= 0);
        number.ok_or(Error::Refused(Refused::NotPreviewed))
    };
    let mut selection = address.selection();
    selection.now = UnixTime::clamped(number("at")?.min(clock::now().seconds()));
    let terms = Terms::read(sent.text("terms"));
    let previewed = Preview { rows: number("rows")?, mark: number("mark")?, terms, ..Preview::default() };
    let (run, work) = caller.ops.begin_mass_edit::<S>(caller.actor(), selection, edit, &previewed)?;
    let work = actix_web::rt::spawn(work);
    let _ = actix_web::rt::time::timeout(PATIENCE, work).await;
    Ok(moved(&format!("/panel/{}/mass/{run}", S::PATH)))
}

/// How far it is.
pub async fn progress<S: Kind>(caller: Caller, run: web::Path<u64>) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let list = format!("/panel/{}", S::PATH);
    let Some(found) = caller.ops.mass_run(caller.actor(), *run) else {
        let audit = caller.may_read(Resource::Logs);
        let page = GonePage { frame: caller.frame("Mass edit: unknown"), audit, list };
        return Ok(caller.page_with(StatusCode::GONE, &page));
    };
    let progress = found.progress();
    let reasons = Listing {
        label: "Refused",
        heads: vec![Head::new(S::KNOWN_BY), Head::new("Why")],
        rows: progress
            .reasons
            .iter()
            .map(|(name, why)| vec![Cell::Text(name.clone()), Cell::Text(why.clone())])
            .collect(),
        ..Listing::default()
    };
    let kept = i64::try_from(progress.reasons.len()).unwrap_or(0);
    let figure = |number, text: &str| (show::number(number), text.to_owned());
    let wanted = format!("changed, of {}", show::many(progress.wanted, S::ONE));
    let mut figures = vec![
        (show::number(progress.changed), wanted),
        figure(progress.unchanged, "needed no change"),
        figure(progress.refused, "refused"),
    ];
    if progress.finished {
        figures.push(figure(progress.left_alone(), "left alone: changed since the preview"));
    }
    Ok(caller.page(&ProgressPage {
        frame: caller.frame(if progress.finished { "Mass edit: done" } else { "Mass edit: running" }),
        finished: progress.finished,
        failed: progress.failed,
        figures,
        reasons,
        more_refused: (progress.refused > kept).then(|| show::number(progress.refused - kept)),
        list,
    }))
}
