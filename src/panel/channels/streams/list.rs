//! The list of streams, with what each is doing at this moment.

use actix_web::HttpResponse;

use super::{STATES, actions, bitrate, codecs, resolution, state, under, uptime, word};
use crate::{
    domain::{
        Resource, Result,
        channels::stream::Stream,
        ids::{CategoryId, Id, ServerId, StreamId, parse_id},
        people::{actor::Actor, rights::Access},
    },
    ops::{
        Ops,
        channels::streams::{self, Running, Sort, StreamSearch},
        clock,
    },
    panel::{
        guide,
        kit::{
            caller::{Caller, action},
            error::Reply,
            form::Choice,
            live::{Part, Topic, View},
            pages::ListPage,
            records::{About, Shown},
            sent::Query,
            show,
            table::{self, Cell, Filter, Head, Link, Listing, Pager, Ticked},
        },
    },
};

/// What the streams of a page, `ids`, are doing changes; which ones they are does not, so that none moves away
/// under the pointer. `back` is the page's address.
pub const TOPIC: Topic = Topic { name: "streams", parts: |view| Box::pin(async move { parts(&view) }) };

/// Streams on one page.
const ROWS: u16 = 50;

/// What the address asks for.
struct StreamQuery {
    search: String,
    state: String,
    category: String,
    server: String,
    sort: String,
    from: i64,
}

impl StreamQuery {
    fn of(query: &Query) -> Self {
        let text = |name| query.text(name).trim().to_owned();
        Self {
            search: text("search"),
            state: text("state"),
            category: text("category"),
            server: text("server"),
            sort: text("sort"),
            from: query.text("from").parse().unwrap_or(0).max(0),
        }
    }

    fn is_narrow(&self) -> bool {
        [&self.search, &self.state, &self.category, &self.server].iter().any(|text| !text.is_empty())
    }

    fn href(&self, sort: &str, from: i64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let texts = [
            ("search", self.search.as_str()),
            ("state", &self.state),
            ("category", &self.category),
            ("server", &self.server),
            ("sort", sort),
        ];
        query.extend_pairs(texts.iter().filter(|(_, text)| !text.is_empty()));
        if from > 0 {
            query.append_pair("from", &from.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/panel/streams".into() } else { format!("/panel/streams?{query}") }
    }

    fn sought(&self, caller: &Caller) -> StreamSearch {
        let id = |text: &str| parse_id(text).ok();
        StreamSearch {
            text: self.search.clone(),
            category: id(&self.category).map(CategoryId),
            server: id(&self.server).map(ServerId),
            among: self.among(caller),
            sort: match self.sort.as_str() {
                "name" => Sort::Name,
                "newest" => Sort::Newest,
                _ => Sort::Number,
            },
            from: self.from,
            rows: ROWS,
        }
    }

    /// The streams of the state that is asked for. Those that were stopped are all that do not run here.
    fn among(&self, caller: &Caller) -> Option<(Vec<StreamId>, bool)> {
        if !STATES.contains(&self.state.as_str()) {
            return None;
        }
        let stopped = self.state == "stopped";
        let states = caller.ops.stream_states().into_iter();
        let meant = states.filter(|(_, state)| stopped || word(state) == self.state);
        Some((meant.map(|(id, _)| id).collect(), !stopped))
    }
}

pub async fn show(caller: Caller, query: Query) -> Reply {
    let asked = StreamQuery::of(&query);
    let sought = asked.sought(&caller);
    let seek = caller
        .ops
        .read(caller.actor(), action(Resource::Streams, "list"), move |look| streams::seek(look, &sought));
    let found = seek.await?;
    let about = About::ask(&caller, &[Resource::Categories, Resource::Servers, Resource::Bouquets]).await?;
    let back = asked.href(&asked.sort, asked.from);
    let ids: Vec<String> = found.rows.iter().map(|row| row.id.number().to_string()).collect();
    let may_write = caller.may_write(Resource::Streams);
    let running = caller.ops.running(found.rows);
    let on = on_now(&caller.ops, caller.actor(), &running)?;
    let (from, step) = (asked.from, i64::from(ROWS));
    let mut links = Vec::new();
    if may_write {
        links.push(Link::new("/panel/streams/new", "New stream"));
        links.push(Link::new("/panel/streams/import", "Import"));
    }
    let listing = Listing {
        links,
        search: Some(asked.search.clone()),
        search_hint: "Name, guide id, notes or id",
        filters: filters(&asked, &about),
        sorted: asked.sort.clone(),
        heads: heads(&asked, on.is_some()),
        rows: running
            .iter()
            .enumerate()
            .map(|(place, stream)| row(stream, cell_at(on.as_ref(), place), &about, may_write, &back))
            .collect(),
        empty: if asked.is_narrow() { "No streams match." } else { "None yet." }.into(),
        pager: Pager {
            summary: show::many(found.total, "stream"),
            previous: (from > 0).then(|| asked.href(&asked.sort, (from - step).max(0))),
            next: (from + step < found.total).then(|| asked.href(&asked.sort, from + step)),
        },
        ticked: may_write.then(|| ticked(&caller, &about, back.clone())),
        label: "Streams",
        ..Listing::default()
    };
    let shown: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("ids", &ids.join(","))
        .append_pair("back", &back)
        .finish();
    let frame = caller.frame("Streams").live(&TOPIC, &shown);
    Ok(caller.page(&ListPage { frame, about: "", listing }))
}

fn filters(asked: &StreamQuery, about: &About) -> Vec<Filter> {
    let states = STATES.iter().map(|state| Choice::new(state, *state));
    vec![
        Filter {
            name: "state",
            label: "State",
            choices: std::iter::once(Choice::new("", "Every state")).chain(states).collect(),
            value: asked.state.clone(),
        },
        Filter {
            name: "category",
            label: "Category",
            choices: about.choices_or(Resource::Categories, "Every category"),
            value: asked.category.clone(),
        },
        Filter {
            name: "server",
            label: "Server",
            choices: about.choices_or(Resource::Servers, "Every server"),
            value: asked.server.clone(),
        },
    ]
}

/// What is on, stream by stream; `None` if none of them has a channel in the guide.
fn on_now(ops: &Ops, actor: &Actor, streams: &[Running]) -> Result<Option<Vec<Cell>>> {
    let has_channel = |running: &Running| ops.guide.channel_of(running.stream.id).is_some();
    if actor.may(Resource::Guide, Access::Read).is_err() || !streams.iter().any(has_channel) {
        return Ok(None);
    }
    let now = clock::now();
    let cell = |running: &Running| {
        let on = guide::now_and_next(ops, running.stream.id, now)?;
        Ok(on.unwrap_or_else(|| Cell::Text(String::new())))
    };
    streams.iter().map(cell).collect::<Result<_>>().map(Some)
}

fn cell_at(on: Option<&Vec<Cell>>, place: usize) -> Option<&Cell> {
    on.and_then(|cells| cells.get(place))
}

fn heads(asked: &StreamQuery, with_guide: bool) -> Vec<Head> {
    let sorted = |label, key: &str, now| Head {
        sort: Some(table::Sort { href: asked.href(key, 0), now: if asked.sort == key { now } else { "" } }),
        ..Head::new(label)
    };
    let mut heads =
        vec![Head { numeric: true, ..sorted("No.", "", "ascending") }, sorted("Name", "name", "ascending")];
    heads.extend(with_guide.then(|| Head::new("On now")));
    heads.extend([
        Head::new("State"),
        Head::numeric("Viewers"),
        Head::numeric("Bitrate"),
        Head::new("Video"),
        Head::new("Uptime"),
        Head::new(""),
    ]);
    heads
}

fn row(running: &Running, on: Option<&Cell>, about: &About, may_write: bool, back: &str) -> Vec<Cell> {
    let stream = &running.stream;
    let (name, number) = (stream.record.name.as_str(), stream.record.number.get());
    let mut cells = Vec::new();
    if may_write {
        cells.push(Cell::Tick { value: stream.id.number().to_string(), label: name.into() });
    }
    cells.push(Cell::Number(if number == 0 { String::new() } else { number.to_string() }));
    let category = stream.record.category_id.map_or("", |id| about.name(Resource::Categories, id.number()));
    cells.push(under(Cell::Link { href: Stream::href(stream.id), text: name.into() }, category.into()));
    cells.extend(changing(running, on, may_write, back).map(Cell::Part));
    cells
}

/// The cells of a row that change.
fn changing(running: &Running, on: Option<&Cell>, may_write: bool, back: &str) -> impl Iterator<Item = Part> {
    let id = running.stream.id.number();
    let viewers = i64::try_from(running.clients).unwrap_or(i64::MAX);
    let actions = if may_write { actions(running, back) } else { Vec::new() };
    let (state, at) = (state(running), running.stream.updated_at.seconds());
    let cells = [
        if may_write { Cell::Seen { cell: Box::new(state), id, at } } else { state },
        Cell::Number(show::number(viewers)),
        Cell::Number(bitrate(running)),
        under(Cell::Text(resolution(running)), codecs(running)),
        Cell::Text(uptime(running)),
        Cell::Actions(actions),
    ];
    let on = on.map(|cell| Part::of(format!("s{id}-on"), cell));
    on.into_iter().chain(
        cells.into_iter().enumerate().map(move |(place, cell)| Part::of(format!("s{id}-{place}"), &cell)),
    )
}

fn ticked(caller: &Caller, about: &About, back: String) -> Ticked {
    let buttons = [("start", "Start"), ("stop", "Stop"), ("restart", "Restart"), ("delete", "Delete")];
    let bouquets = about.choices(Resource::Bouquets);
    let may_fill = caller.may_write(Resource::Bouquets) && !bouquets.is_empty();
    let bouquet = Filter { name: "bouquet", label: "Bouquet", choices: bouquets, value: String::new() };
    Ticked {
        action: "/panel/streams/do".into(),
        back,
        buttons: buttons.map(|(value, label)| Choice::new(value, label)).into(),
        choice: may_fill.then(|| (bouquet, Choice::new("bouquet", "Add to bouquet"))),
    }
}

fn parts(view: &View) -> Result<Vec<Part>> {
    let ids = view.query.text("ids").split(',').filter_map(|id| parse_id(id).ok()).take(usize::from(ROWS));
    let ids: Vec<StreamId> = ids.map(StreamId).collect();
    let streams = view
        .ops
        .point(&view.actor, action(Resource::Streams, "list"), |look| streams::still_there(look, &ids))?;
    let may_write = view.actor.may(Resource::Streams, Access::Write).is_ok();
    let back = view.query.text("back");
    let running = view.ops.running(streams);
    let on = on_now(&view.ops, &view.actor, &running)?;
    let parts = running.iter().enumerate().flat_map(|(place, stream)| {
        changing(stream, cell_at(on.as_ref(), place), may_write, back).collect::<Vec<_>>()
    });
    Ok(parts.collect())
}

/// Streams to add to a list: `[{"id": 7, "name": "Harbour News"}]`, as many as one looks through.
pub async fn search(caller: Caller, query: Query) -> Reply {
    let sought = StreamSearch {
        text: query.text("text").trim().to_owned(),
        sort: Sort::Name,
        rows: ROWS,
        ..StreamSearch::default()
    };
    let seek = caller
        .ops
        .read(caller.actor(), action(Resource::Streams, "list"), move |look| streams::seek(look, &sought));
    let shown = seek
        .await?
        .rows
        .into_iter()
        .map(|row| serde_json::json!({ "id": row.id.number(), "name": row.record.name.as_str() }));
    Ok(HttpResponse::Ok().json(shown.collect::<Vec<_>>()))
}
