//! Everything that is watched now, and ending it.

use std::collections::BTreeMap;

use actix_web::web::{ServiceConfig, resource};

use crate::{
    domain::{
        Error, Resource, Result,
        fields::{container::Container, time::UnixTime},
        ids::{Id, StreamId, parse_id},
        people::{actor::Actor, rights::Access},
        subscribers::{line::Line, mag::Mag},
        viewing::{
            session::{SessionId, Viewer},
            title::TitleKind,
        },
    },
    ops::{Ops, clock, viewing::connections::Connection},
    panel::{
        kit::{
            caller::{Caller, done},
            error::Reply,
            form::Choice,
            live::{Part, Topic, View},
            pages::{ConfirmPage, ListPage},
            sent::{Query, Sent},
            show::{self, Moment},
            table::{Cell, Filter, Head, Listing, Pager, RowAction, Rows, Ticked},
        },
        moved,
        subscribers::{Kind, ended_words, form_words},
    },
};

/// Rows come and go.
pub const TOPIC: Topic =
    Topic { name: "connections", parts: |view| Box::pin(async move { parts(&view).await }) };

/// What stands there without rows.
const EMPTY: &str = "Nobody is watching.";
/// Connections on one page.
const ROWS: usize = 100;
/// Streams to choose from: those with the most viewers.
const STREAMS: usize = 200;

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/connections").get(list))
        .service(resource("/connections/do").post(kick_ticked))
        .service(resource("/connections/kick").get(ask_kick_all).post(kick_all));
}

/// What the address of the list says.
struct Address {
    search: String,
    stream: String,
    form: String,
    from: usize,
}

impl Address {
    fn read(query: &Query) -> Self {
        let text = |name| query.text(name).trim().to_owned();
        let from = query.text("from").parse().unwrap_or(0);
        Self { search: text("search"), stream: text("stream"), form: text("form"), from }
    }

    fn query(&self, from: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let from = if from == 0 { String::new() } else { from.to_string() };
        for (name, value) in
            [("search", &self.search), ("stream", &self.stream), ("form", &self.form), ("from", &from)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// Whether it means that connection.
    fn means(&self, open: &Connection) -> bool {
        let text = self.search.to_lowercase();
        let holds = |name: &str| name.to_lowercase().contains(&text);
        let found = text.is_empty()
            || holds(&open.subscriber)
            || holds(&open.title_name)
            || holds(&open.agent)
            || holds(&open.address.to_string());
        let stream = parse_id(&self.stream).ok().is_none_or(|id| open.title.stream() == StreamId(id));
        let form = Container::named(&self.form).is_none_or(|form| open.container == form);
        found && stream && form
    }
}

async fn list(caller: Caller, query: Query) -> Reply {
    let address = Address::read(&query);
    let open = caller.ops.connections_for(caller.actor()).await?;
    let filters = filters(&address, &open);
    let targets = targets(&address, open);
    let may_kick = may_kick(caller.actor());
    let mut heads: Vec<Head> = ["Who", "Stream", "Address", "Player", "Format"].map(Head::new).into();
    heads.extend([Head::new("Since"), Head::numeric("Sent"), Head::numeric("Rate"), Head::new("")]);
    let turn = |from: usize| format!("/panel/connections?{}", address.query(from));
    let rows = rows(&caller.ops, caller.actor(), &address, &targets);
    let listing = Listing {
        search: Some(address.search.clone()),
        search_hint: "Who, stream, address, player",
        filters,
        heads,
        rows,
        empty: EMPTY.into(),
        pager: Pager {
            summary: summary(targets.len()),
            previous: (address.from > 0).then(|| turn(address.from.saturating_sub(ROWS))),
            next: (address.from + ROWS < targets.len()).then(|| turn(address.from + ROWS)),
        },
        label: "Open connections",
        flows: true,
        ticked: may_kick.then(|| Ticked {
            action: "/panel/connections/do".into(),
            back: turn(address.from),
            buttons: vec![Choice::new("kick", "Kick"), Choice::new("all", "Kick all listed")],
            choice: None,
        }),
        ..Listing::default()
    };
    let frame = caller.frame("Connections").live(&TOPIC, &address.query(address.from));
    Ok(caller.page(&ListPage { frame, about: "", listing }))
}

async fn parts(view: &View) -> Result<Vec<Part>> {
    let address = Address::read(&view.query);
    let targets = targets(&address, view.ops.connections_for(&view.actor).await?);
    let rows = Rows { rows: rows(&view.ops, &view.actor, &address, &targets), empty: EMPTY.into() };
    Ok(vec![Part::of("rows", &rows), Part::of("rows-summary", &Cell::Text(summary(targets.len())))])
}

/// Those that the address means, the newest first.
fn targets(address: &Address, mut open: Vec<Connection>) -> Vec<Connection> {
    open.retain(|open| address.means(open));
    open.reverse();
    open
}

fn may_kick(actor: &Actor) -> bool {
    check_kick(actor).is_ok()
}

/// A reseller's people kick from their own lines or MAGs.
fn check_kick(actor: &Actor) -> Result<()> {
    let may = |resource| actor.may(resource, Access::Write);
    match actor.reseller() {
        Some(_) => may(Resource::Line).or_else(|_| may(Resource::Mag)),
        None => may(Resource::Connections),
    }
}

fn summary(rows: usize) -> String {
    show::many(rows, "connection")
}

fn filters(address: &Address, open: &[Connection]) -> Vec<Filter> {
    let mut streams: BTreeMap<StreamId, (usize, &str)> = BTreeMap::new();
    for open in open {
        streams.entry(open.title.stream()).or_insert((0, &open.title_name)).0 += 1;
    }
    let mut streams: Vec<_> = streams.into_iter().collect();
    streams.sort_by_key(|(_, (viewers, _))| std::cmp::Reverse(*viewers));
    let streams = streams.into_iter().take(STREAMS).map(|(id, (viewers, name))| {
        Choice::new(id.number(), format!("{name} ({})", show::number(count(viewers))))
    });
    let filter = |name, label, all: &str, value: &str, choices: Vec<Choice>| Filter {
        name,
        label,
        choices: std::iter::once(Choice::new("", all)).chain(choices).collect(),
        value: value.to_owned(),
    };
    let forms = Container::ALL.map(|form| Choice::new(form.name(), form_words(form)));
    vec![
        filter("stream", "Stream", "Every stream", &address.stream, streams.collect()),
        filter("form", "Format", "Every format", &address.form, forms.into()),
    ]
}

fn rows(ops: &Ops, actor: &Actor, address: &Address, targets: &[Connection]) -> Vec<Vec<Cell>> {
    let may_kick = may_kick(actor);
    let (now, zone) = (clock::now(), ops.snapshot().settings.time_zone.zone());
    let shown = targets.iter().skip(address.from).take(ROWS);
    shown.map(|open| row(open, address, now, &zone, may_kick)).collect()
}

fn row(
    open: &Connection,
    address: &Address,
    now: UnixTime,
    zone: &jiff::tz::TimeZone,
    may_kick: bool,
) -> Vec<Cell> {
    let seconds = u64::try_from(now.seconds() - open.started_at.seconds()).unwrap_or(0);
    // Of the first seconds, in which the player fills its buffer, nothing can be told.
    let rate = if seconds < 5 { String::new() } else { show::rate(open.bytes_sent / 125 / seconds) };
    let who = match open.viewer {
        Viewer::Line(id) => Line::href(id),
        Viewer::Mag(id) => Mag::href(id),
    };
    let mut cells = Vec::new();
    if may_kick {
        cells.push(Cell::Tick {
            value: open.id.0.to_string(),
            label: format!("{} on {}", open.subscriber, open.title_name),
        });
    }
    cells.extend([
        Cell::Link { href: who, text: open.subscriber.to_string() },
        match open.title.kind() {
            TitleKind::Live => Cell::Text(open.title_name.to_string()),
            TitleKind::Archive => {
                Cell::Under(Box::new(Cell::Text(open.title_name.to_string())), "catch-up".into())
            }
        },
        Cell::Code(open.address.to_string()),
        Cell::Text(open.agent.to_string()),
        Cell::Text(form_words(open.container).into()),
        Cell::Time(Some(Moment::of(open.started_at, zone)), ""),
        Cell::Number(show::bytes(open.bytes_sent)),
        Cell::Number(rate),
    ]);
    cells.push(Cell::Actions(if may_kick {
        let action = format!("/panel/connections/do?id={}&{}", open.id.0, address.query(address.from));
        vec![RowAction::Do { action, label: "Kick".into() }]
    } else {
        Vec::new()
    }));
    cells
}

/// Ends the one of the button, or those that are ticked.
async fn kick_ticked(caller: Caller, query: Query, sent: Sent) -> Reply {
    check_kick(caller.actor())?;
    let one = query.text("id");
    let texts = if one.is_empty() { sent.list("ids") } else { vec![one.to_owned()] };
    let ids: Result<Vec<SessionId>, _> =
        texts.iter().map(|id| parse_id(id).map(|id| SessionId(id.unsigned_abs()))).collect();
    let ids = ids.map_err(|rule| Error::invalid("ids", rule))?;
    let address = Address::read(&query);
    let back = format!("/panel/connections?{}", address.query(address.from));
    let to = if one.is_empty() && sent.text("back").starts_with("/panel/connections?") {
        sent.text("back")
    } else {
        &back
    };
    if one.is_empty() && sent.text("do") == "all" {
        return Ok(moved(&to.replacen("/panel/connections?", "/panel/connections/kick?", 1)));
    }
    if ids.is_empty() {
        return Ok(done(to, "Nothing was selected: select connections first."));
    }
    let ended = caller.ops.kick(caller.actor(), |open| ids.contains(&open.id)).await?;
    Ok(done(to, &ended_words(ended)))
}

/// Asks before every one of a list is ended.
async fn ask_kick_all(caller: Caller, query: Query) -> Reply {
    check_kick(caller.actor())?;
    let address = Address::read(&query);
    let targets = targets(&address, caller.ops.connections_for(caller.actor()).await?);
    let told = summary(targets.len());
    let of = match (parse_id(&address.stream).ok(), targets.first()) {
        (Some(_), Some(open)) => format!(" of the stream {}", open.title_name),
        _ => String::new(),
    };
    let with = if address.search.is_empty() {
        String::new()
    } else {
        format!(" with \u{201c}{}\u{201d}", address.search)
    };
    Ok(caller.page(&ConfirmPage {
        frame: caller.frame(format!("Kick {told}?")),
        text: format!(
            "Everything that is being watched{of}{with} will be ended: {told} now. Players that may still watch can come back after 10 seconds."
        ),
        action: format!("/panel/connections/kick?{}", address.query(0)),
        submit: "Kick all",
        cancel: format!("/panel/connections?{}", address.query(0)),
        seen: String::new(),
        barred: false,
        changed: false,
    }))
}

/// Ends every one of a list.
async fn kick_all(caller: Caller, query: Query) -> Reply {
    check_kick(caller.actor())?;
    let address = Address::read(&query);
    let ended = caller.ops.kick(caller.actor(), |open| address.means(open)).await?;
    Ok(done("/panel/connections", &ended_words(ended)))
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
