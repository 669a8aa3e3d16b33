//! Who failed too often and is blocked, and letting in again.

use std::time::Duration;

use actix_web::web::{ServiceConfig, resource};
use askama::Template;

use crate::{
    domain::{
        Resource,
        people::{
            lockout::{Limits, Offender, Tally},
            rights::Access,
        },
    },
    ops::people::lockouts::Face,
    panel::{
        kit::{
            caller::{Caller, action, done},
            error::Reply,
            frame::Frame,
            sent::Query,
            show,
            table::{Cell, Head, Listing, Pager, RowAction, Tone},
            tabs::Tabs,
        },
        machine::settings::{self, SECURITY_PATH},
    },
};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/settings/security").get(show))
        .service(resource("/settings/security/unblock").post(unblock));
}

#[derive(Template)]
#[template(path = "security.html")]
struct Page {
    frame: Frame,
    tabs: Tabs,
    rules: Vec<String>,
    blocks: Listing,
}

/// Rows on one page.
const ROWS: usize = 100;

/// Those who are blocked stand first, by whoever has to wait longest.
async fn show(caller: Caller, query: Query) -> Reply {
    caller.actor().may(Resource::Security, Access::Read)?;
    let may_write = caller.may_write(Resource::Security);
    let all = Face::ALL.into_iter().flat_map(|face| {
        let tallies = caller.ops.lockouts.tallies(face);
        tallies.into_iter().map(move |tally| (face, tally))
    });
    let mut all: Vec<(Face, Tally)> = all.collect();
    all.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.blocked));
    let from = query.text("from").parse::<usize>().unwrap_or(0);
    let turn = |from: usize| format!("{SECURITY_PATH}?from={from}");
    let blocks = Listing {
        heads: vec![
            Head::new("Who"),
            Head::new("Where"),
            Head::numeric("Failures"),
            Head::new("State"),
            Head::new(""),
        ],
        rows: all.iter().skip(from).take(ROWS).map(|(face, tally)| row(*face, tally, may_write)).collect(),
        empty: "No recent failures.".into(),
        pager: Pager {
            summary: if all.is_empty() { String::new() } else { show::many(all.len(), "entry") },
            previous: (from > 0).then(|| turn(from.saturating_sub(ROWS))),
            next: (from.saturating_add(ROWS) < all.len()).then(|| turn(from + ROWS)),
        },
        ..Listing::default()
    };
    let rules = Face::ALL.iter().map(|face| rule(*face, caller.ops.lockouts.limits(*face))).collect();
    let frame = caller.frame("Security");
    Ok(caller.page(&Page { frame, tabs: settings::tabs(&caller, SECURITY_PATH), rules, blocks }))
}

fn row(face: Face, tally: &Tally, may_write: bool) -> Vec<Cell> {
    let (kind, who) = match &tally.offender {
        offender @ (Offender::Address(_) | Offender::Network(..)) => {
            ("address", Cell::Code(offender.to_string()))
        }
        Offender::Name(name) => ("username", Cell::Text(format!("username {name}"))),
    };
    let value = tally.offender.to_string();
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let state = match tally.blocked {
        Some(left) => Cell::Badge(Tone::Bad, format!("blocked for another {}", whole(left))),
        None => Cell::Badge(Tone::Plain, "not blocked".into()),
    };
    let unblock = RowAction::Do {
        action: format!("{SECURITY_PATH}/unblock?{kind}={value}"),
        label: if tally.blocked.is_some() { "Unblock" } else { "Clear" }.into(),
    };
    vec![
        who,
        Cell::Text(place(face).into()),
        Cell::Number(show::number(tally.failures.into())),
        state,
        Cell::Actions(if may_write { vec![unblock] } else { Vec::new() }),
    ]
}

fn place(face: Face) -> &'static str {
    match face {
        Face::Api => "Server API: wrong keys",
        Face::Classic => "Classic API: wrong passwords",
        Face::Player => "Players: wrong credentials",
        Face::Stray => "Players: no credentials, or ambiguous addresses",
        Face::Portal => "MAG portal: refused boxes",
        Face::Panel => "Panel: wrong passwords",
    }
}

fn rule(face: Face, limits: Limits) -> String {
    if limits.most == 0 {
        return format!("{}: no limit", place(face));
    }
    let (window, block) = (whole(limits.window), whole(limits.block));
    format!("{}: after {} within {window} blocked for {block}", place(face), limits.most)
}

/// Whoever waits so long has waited long enough.
fn whole(left: Duration) -> String {
    show::duration(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

async fn unblock(caller: Caller, query: Query) -> Reply {
    caller.actor().may(Resource::Security, Access::Write)?;
    let offender =
        Offender::from_address(query.text("address")).unwrap_or_else(|| query.text("username").into());
    let (ops, who) = (caller.ops.clone(), offender.clone());
    let job = move |act: &crate::ops::Act<'_>| ops.lockouts.unblock(act, &who);
    caller.ops.write(caller.actor().clone(), action(Resource::Security, "unblock"), job).await?;
    Ok(done(SECURITY_PATH, &format!("{offender} is no longer blocked.")))
}
