//! The page of one line or MAG.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{
    super::{
        guide,
        kit::{
            caller::Caller,
            error::Reply,
            frame::Frame,
            qr,
            records::About,
            show::{self, Moment},
            table::{Cell, Head, Listing, RowAction},
        },
    },
    At, Kind, Link, NAMES,
    actions::Fix,
    find,
    logs::{self, HistoryOf},
    words,
};
use crate::{
    domain::{
        Error, Refused, Resource, Result, Stored,
        fields::{
            text::{Email, Reference},
            time::UnixTime,
        },
        ids::Id,
        subscribers::subscription::Subscription,
        viewing::{admission::Verdict, title::Title},
    },
    ops::{
        Ops, clock,
        viewing::{Subscriber, connections::Connection, explain::Question},
    },
};

/// Rows of each log on the page itself.
const LATEST: u32 = 5;

#[derive(Template)]
#[template(path = "subscriber.html")]
struct SubscriberPage {
    frame: Frame,
    /// Its own address.
    href: String,
    buttons: Vec<RowAction>,
    state: Cell,
    verdict: String,
    credentials: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, Cell)>,
    links: Vec<Link>,
    open: Listing,
    may_kick_all: bool,
    refusals: Listing,
    ended: Listing,
    audit: Option<Listing>,
}

/// The page.
pub async fn show<S: Kind>(caller: Caller, id: At) -> Reply
where
    Subscriber: From<Stored<S>>,
{
    let row = find::<S>(&caller, &id)?;
    let about = About::ask(&caller, NAMES).await?;
    let explained = caller.ops.explain_by_id::<S>(caller.actor(), row.id, Question::default()).await?;
    let sold = row.record.subscription();
    let href = S::href(row.id);
    let may_write = caller.may_write(S::RESOURCE);
    let now = clock::now();
    let audit = if caller.may_read(Resource::Logs) {
        Some(logs::listing::<S>(&caller, row.id, HistoryOf::Audit, None, LATEST).await?)
    } else {
        None
    };
    Ok(caller.page(&SubscriberPage {
        frame: caller.frame(row.record.name()),
        buttons: buttons(&caller, &row, &href, may_write),
        state: words::badge(sold, now),
        verdict: verdict(&explained.verdicts),
        credentials: row.record.credentials(),
        facts: facts(&caller, &row, &about, now),
        links: caller.origin.as_ref().map(|origin| row.record.links(origin)).unwrap_or_default(),
        may_kick_all: may_write && explained.connections.len() > 1,
        open: open(&caller.ops, &explained.connections, &about, &href, may_write)?,
        refusals: logs::listing::<S>(&caller, row.id, HistoryOf::Refusals, None, LATEST).await?,
        ended: logs::listing::<S>(&caller, row.id, HistoryOf::Connections, None, LATEST).await?,
        audit,
        href,
    }))
}

/// What can be done with it.
fn buttons<S: Kind>(caller: &Caller, row: &Stored<S>, href: &str, may_write: bool) -> Vec<RowAction> {
    let (sold, seen) = (row.record.subscription(), row.updated_at.seconds());
    let go = |path: &str, label: &str| RowAction::Go { href: format!("{href}/{path}"), label: label.into() };
    let press = |fix: Fix| RowAction::Do {
        action: format!("{href}/do/{}?seen={seen}", fix.name()),
        label: fix.label().into(),
    };
    let ways = S::ways(caller).into_iter().map(|(path, label)| go(path, label));
    if !may_write {
        return ways.filter(|_| S::RESOURCE == Resource::Mag).collect();
    }
    let mut buttons = vec![go("edit", "Edit"), go("extend", "Extend")];
    buttons.extend(ways);
    buttons.push(press(if sold.disabled { Fix::Enable } else { Fix::Disable }));
    if caller.actor().may_ban().is_ok() {
        buttons.push(press(if sold.banned { Fix::Unban } else { Fix::Ban }));
    }
    buttons.push(go("delete", "Delete"));
    buttons
}

/// Whether it may watch, in a sentence: the first rule that says no, or that none does.
fn verdict(verdicts: &[Verdict]) -> String {
    match verdicts.iter().find(|verdict| !verdict.passes) {
        Some(refusing) => format!("It cannot watch. {}", refusing.words),
        None => "It can watch.".into(),
    }
}

fn facts<S: Kind>(
    caller: &Caller,
    row: &Stored<S>,
    about: &About,
    now: UnixTime,
) -> Vec<(&'static str, Cell)> {
    let sold = row.record.subscription();
    let time = |at| Cell::Time(Some(Moment::of(at, &about.zone)), "");
    let named = |resource, id: Option<i64>, none: &str| {
        Cell::Text(id.map_or(none, |id| about.name(resource, id)).to_owned())
    };
    let plan = sold.subscription_plan_id.map(Id::number);
    let mut facts = vec![("Plan", named(Resource::SubscriptionPlans, plan, "none"))];
    if caller.reseller().is_none() {
        facts.push(("Reseller", named(Resource::Resellers, sold.reseller_id.map(Id::number), "none")));
    }
    facts.extend([("Ends", ends(sold, about, now)), ("Connections", limit(sold))]);
    let own = about.list(Resource::Bouquets, &sold.bouquets);
    facts.extend(some("Own bouquets", own));
    facts.extend(some("Addresses", listed(&sold.allowed_ips)));
    let players: Vec<&str> = sold.allowed_user_agents.iter().map(|pattern| pattern.as_str()).collect();
    facts.extend(some("Players", players.join(", ")));
    let forms: Vec<&str> = sold.allowed_outputs.iter().map(|form| words::form(*form)).collect();
    facts.extend(some("Formats", forms.join(", ")));
    if !sold.catchup {
        facts.push(("Catch-up", Cell::Text("not allowed".into())));
    }
    if sold.isp_lock {
        let bound =
            sold.isp_asn.map_or("bound when it first watches".into(), |asn| format!("AS{}", asn.get()));
        facts.push(("Network provider", Cell::Text(bound)));
    }
    if caller.reseller().is_none() && sold.server_id.is_some() {
        facts.push(("Server", named(Resource::Servers, sold.server_id.map(Id::number), "")));
    }
    facts.extend(some("Reference", text(sold.reference.as_ref().map(Reference::as_str))));
    facts.extend(some("E-mail", text(sold.email.as_ref().map(Email::as_str))));
    if sold.email.is_some() && !sold.reminders {
        facts.push(("Reminders", Cell::Text("none are sent".into())));
    }
    facts.extend(some("Notes", sold.notes.as_str().to_owned()));
    facts.extend([("Created", time(row.created_at)), ("Changed", time(row.updated_at))]);
    facts
}

fn some(name: &'static str, text: String) -> Option<(&'static str, Cell)> {
    (!text.is_empty()).then_some((name, Cell::Text(text)))
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn listed(networks: &[crate::domain::fields::net::Network]) -> String {
    let texts: Vec<String> = networks.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn ends(sold: &Subscription, about: &About, now: UnixTime) -> Cell {
    let end = words::end(sold, &about.zone);
    let Some(at) = sold.expire_date.0 else { return end };
    let seconds = at.seconds() - now.seconds();
    let away = show::duration(seconds.unsigned_abs());
    let away = if seconds > 0 { format!("in {away}") } else { format!("{away} ago") };
    Cell::Many(vec![end, Cell::Text(format!("({away})"))])
}

fn limit(sold: &Subscription) -> Cell {
    Cell::Text(match sold.max_allowed_connections.get() {
        0 => "no limit".into(),
        limit => show::number(limit),
    })
}

/// The connections that are open.
fn open(ops: &Ops, open: &[Connection], about: &About, href: &str, may_kick: bool) -> Result<Listing> {
    let now = clock::now();
    let row = |open: &Connection| {
        let seconds = u64::try_from(now.seconds() - open.started_at.seconds()).unwrap_or(0);
        let mut cells = vec![
            Cell::Under(Box::new(Cell::Text(open.title_name.to_string())), on_now(ops, open.title, now)?),
            Cell::Code(open.address.to_string()),
            Cell::Text(open.agent.to_string()),
            Cell::Text(words::form(open.container).into()),
            Cell::Time(Some(Moment::of(open.started_at, &about.zone)), ""),
            Cell::Text(show::duration(seconds)),
            Cell::Number(show::bytes(open.bytes_sent)),
        ];
        if may_kick {
            let action = format!("{href}/kick?connection={}", open.id.0);
            cells.push(Cell::Actions(vec![RowAction::Do { action, label: "Kick".into() }]));
        }
        Ok(cells)
    };
    let mut heads: Vec<Head> =
        ["Stream", "Address", "Player", "Format", "Since", "Duration"].map(Head::new).into();
    heads.push(Head::numeric("Sent"));
    if may_kick {
        heads.push(Head::new(""));
    }
    Ok(Listing {
        label: "Watching now",
        heads,
        rows: open.iter().map(row).collect::<Result<_>>()?,
        empty: "Nobody is watching.".into(),
        ..Listing::default()
    })
}

/// What a channel shows and what comes next; empty if the guide does not know.
fn on_now(ops: &Ops, title: Title, now: UnixTime) -> Result<String> {
    match title {
        Title::Live(stream) => guide::in_words(ops, stream, now),
        Title::Archive(..) => Ok(String::new()),
    }
}

/// A link as a QR code.
pub async fn qr<S: Kind>(caller: Caller, at: web::Path<(String, usize)>) -> Reply {
    let (id, place) = at.into_inner();
    let row = find::<S>(&caller, &id)?;
    let origin = caller.origin.as_ref().ok_or(Refused::NoHost).map_err(Error::from)?;
    let links = row.record.links(origin);
    let link = links.get(place).ok_or(Error::no_such(S::RESOURCE))?;
    let image = qr::svg(&link.url)?;
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(image))
}
