//! Resellers: list, create, edit, delete, and the page of one with its credits and statement.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;

use super::statement::{self, Statement, StatementQuery};
use crate::{
    domain::{
        Columns, Error, Resource, Result, Stored,
        fields::{
            credits::{Credits, Movement},
            text::ShortText,
        },
        ids::{ResellerId, parse_id},
        people::{
            api_key::KeyHash,
            reseller::{Held, Reseller, ResellerChange},
            rights::Access,
        },
    },
    ops::{
        Act,
        people::resellers::{self, Booked, ResellerRow, Selector},
        slips::FormOutcome,
        subscribers::at_once,
    },
    panel::{
        kit::{
            caller::{Caller, action, anew, done, done_as},
            error::Reply,
            form::{self, Choice, Form, Input, Widget},
            frame::Frame,
            pages::{ConfirmPage, FormPage, ListPage},
            records::was_changed,
            searched::Searched,
            seen,
            sent::{Query, Sent},
            show,
            table::{Cell, Head, Link, Listing, Tone},
        },
        machine::settings::API_PATH,
    },
};

const PATH: &str = "/panel/resellers";

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/resellers").get(list))
        .service(resource("/resellers/new").get(blank).post(create))
        .service(resource("/resellers/{id}").get(show_one))
        .service(resource("/resellers/{id}/edit").get(edit).post(update))
        .service(resource("/resellers/{id}/credits").post(add_credits))
        .service(resource("/resellers/{id}/statement.csv").get(download))
        .service(resource("/resellers/{id}/delete").get(ask_delete).post(delete));
}

async fn list(caller: Caller, query: Query) -> Reply {
    let searched = Searched::read(&query);
    let page = searched.page();
    let read = caller
        .ops
        .read(caller.actor(), action(Resource::Resellers, "list"), move |look| resellers::list(look, &page));
    let found = read.await?;
    let new = Link::new(format!("{PATH}/new"), "New reseller");
    let listing = Listing {
        links: if caller.may_write(Resource::Resellers) { vec![new] } else { Vec::new() },
        pager: searched.pager(PATH, found.total, "reseller"),
        empty: searched.empty(),
        search: Some(searched.text),
        search_hint: "Search",
        heads: vec![
            Head::new("Name"),
            Head::numeric("Credits"),
            Head::numeric("Lines"),
            Head::numeric("MAGs"),
            Head::numeric("Connections"),
            Head::new("Administrators"),
        ],
        rows: found.rows.iter().map(row).collect(),
        ..Listing::default()
    };
    let about = "Resellers sell lines and MAGs for credits. Each sees only its own in the panel.";
    Ok(caller.page(&ListPage { frame: caller.frame("Resellers"), about, listing }))
}

fn row(listed: &ResellerRow) -> Vec<Cell> {
    let reseller = &listed.reseller.record;
    let mut name = vec![Cell::Link { href: href(listed.reseller.id), text: reseller.name.as_str().into() }];
    if !reseller.use_credits {
        name.push(Cell::Badge(Tone::Plain, "sells without credits".into()));
    }
    vec![
        Cell::Many(name),
        Cell::Number(show::number(listed.credits.get())),
        Cell::Number(show::number(listed.holdings.lines)),
        Cell::Number(show::number(listed.holdings.mags)),
        Cell::Number(connections(reseller, listed.holdings.held)),
        Cell::Text(usernames(listed).join(", ")),
    ]
}

fn usernames(listed: &ResellerRow) -> Vec<&str> {
    listed.holdings.people.iter().map(|person| person.username.as_str()).collect()
}

/// The page of one.
pub fn href(id: ResellerId) -> String {
    format!("{PATH}/{}", id.0)
}

fn balance(reseller: &Reseller, credits: Credits) -> Cell {
    let number = Cell::Number(show::number(credits.get()));
    if reseller.use_credits {
        return number;
    }
    Cell::Many(vec![Cell::Badge(Tone::Plain, "sells without credits".into()), number])
}

/// `120 of 500`
fn connections(reseller: &Reseller, held: Held) -> String {
    let sum = show::number(held.connections);
    let sum = match held.unlimited {
        0 => sum,
        some => format!("{sum} and {} without limit", show::number(some)),
    };
    match reseller.max_allowed_connections.get() {
        0 => sum,
        ceiling => format!("{sum} of {}", show::number(ceiling)),
    }
}

#[derive(Template)]
#[template(path = "reseller.html")]
struct One {
    frame: Frame,
    href: String,
    may_write: bool,
    balance: Cell,
    connections: String,
    lines: String,
    mags: String,
    administrators: Cell,
    keys: Cell,
    id: i64,
    credits: Option<Form>,
    statement: Statement,
}

async fn show_one(caller: Caller, id: Path<String>, query: Query) -> Reply {
    let listed = find(&caller, &id).await?;
    let form = credits_form(&caller, listed.reseller.id)?;
    page(&caller, StatusCode::OK, &listed, &query, form).await
}

async fn page(
    caller: &Caller,
    status: StatusCode,
    listed: &ResellerRow,
    query: &Query,
    credits: Form,
) -> Reply {
    let (id, reseller) = (listed.reseller.id, &listed.reseller.record);
    let asked = StatementQuery::read(query, &caller.ops.snapshot().settings.time_zone);
    let statement = statement::of(caller, id, &href(id), asked).await?;
    let may_write = caller.may_write(Resource::Resellers);
    let page = One {
        frame: caller.frame(reseller.name.as_str()),
        href: href(id),
        may_write,
        balance: balance(reseller, listed.credits),
        connections: connections(reseller, listed.holdings.held),
        lines: show::number(listed.holdings.lines),
        mags: show::number(listed.holdings.mags),
        administrators: administrators(caller, listed),
        keys: keys(caller, listed),
        id: id.0,
        credits: may_write.then_some(credits),
        statement,
    };
    Ok(caller.page_with_form(status, may_write, &page))
}

fn administrators(caller: &Caller, listed: &ResellerRow) -> Cell {
    let may_open = caller.may_read(Resource::Administrators);
    let each = listed.holdings.people.iter().map(|person| {
        let (href, text) = (format!("/panel/administrators/{}", person.id), person.username.clone());
        if may_open { Cell::Link { href, text } } else { Cell::Text(text) }
    });
    Cell::Many(each.collect())
}

fn keys(caller: &Caller, listed: &ResellerRow) -> Cell {
    let may_open = caller.may_read(Resource::Settings);
    let each = listed.holdings.keys.iter().map(|name| {
        let text = name.clone();
        if may_open { Cell::Link { href: API_PATH.into(), text } } else { Cell::Text(text) }
    });
    Cell::Many(each.collect())
}

/// Adding and taking away; the slip in it books once, however often it is sent.
fn credits_form(caller: &Caller, id: ResellerId) -> Result<Form> {
    let ways = vec![Choice::new("add", "Add"), Choice::new("take", "Take away")];
    let inputs = vec![
        Input::new("way", "What", Widget::Choice(ways)),
        Input::new("amount", "Credits", Widget::Number(1)).required(),
        Input::text("note", "Reason").required().help("Shown in the statement, which the reseller sees too."),
    ];
    let zone = &caller.ops.snapshot().settings.time_zone;
    let form =
        Form::new(format!("{}/credits", href(id)), "Book", zone).section("Add or take away credits", inputs);
    form.once()
}

async fn add_credits(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Resellers, Access::Write)?;
    let listed = find(&caller, &id).await?;
    let mut form = credits_form(&caller, listed.reseller.id)?;
    form.take(&sent);
    match book(&caller, listed.reseller.id, &sent).await {
        Ok(text) => Ok(done(&href(listed.reseller.id), &text)),
        Err(error) => {
            let error = match error {
                Error::NotEnoughCredits => Error::invalid("amount", "more than the balance has"),
                error => error,
            };
            let status = form.refused(error)?;
            page(&caller, status, &listed, &Query::default(), form).await
        }
    }
}

async fn book(caller: &Caller, id: ResellerId, sent: &Sent) -> Result<String> {
    let amount: Credits = form::field(sent, "amount")?;
    let signed = if sent.text("way") == "take" { -amount.get() } else { amount.get() };
    let movement = Movement::new(signed).ok_or(Error::invalid("amount", "a whole number from 1"))?;
    let note: ShortText = form::field(sent, "note")?;
    let slip = KeyHash::of(form::field::<ShortText>(sent, form::SLIP)?.as_str());
    let who = Selector::Id(id);
    let job = move |act: &Act<'_>| resellers::add_credits(act, &who, movement, Some(&note), Some(&slip));
    let booked =
        caller.ops.write(caller.actor().clone(), action(Resource::Resellers, "add_credits"), job).await?;
    let Booked { balance, repeated, .. } = booked;
    let balance = show::number(balance.get());
    let were = if amount.get() == 1 { "was" } else { "were" };
    let amount = show::many(amount.get(), "credit");
    Ok(match (repeated, signed < 0) {
        (true, _) => format!("It was already booked, and is not booked again. The balance is {balance}."),
        (false, false) => format!("{amount} {were} added. The balance is {balance}."),
        (false, true) => format!("{amount} {were} taken away. The balance is {balance}."),
    })
}

async fn download(caller: Caller, id: Path<String>, query: Query) -> Reply {
    let listed = find(&caller, &id).await?;
    let asked = StatementQuery::read(&query, &caller.ops.snapshot().settings.time_zone);
    Ok(statement::download(&caller, listed.reseller.id, &asked))
}

async fn blank(caller: Caller) -> Reply {
    caller.actor().may(Resource::Resellers, Access::Write)?;
    let form = form(&caller, None)?.filled(&caller.ops.defaults::<Reseller>());
    Ok(form_page(&caller, StatusCode::OK, "New reseller", form))
}

async fn create(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::Resellers, Access::Write)?;
    let mut form = form(&caller, None)?;
    let change = form.read::<ResellerChange>(&sent);
    let opening = form::field_or(&sent, "credits", Credits::ZERO);
    let outcome = match (change, opening) {
        (Some(change), Ok(opening)) => {
            let job = move |act: &Act<'_>| {
                let (id, reseller, _) = resellers::create(act, change.clone(), opening)?;
                Ok((id.0, reseller))
            };
            caller.make(&sent, action(Resource::Resellers, "new"), job).await
        }
        (_, Err(error)) => Err(error),
        (None, Ok(_)) => {
            return Ok(form_page(&caller, StatusCode::UNPROCESSABLE_ENTITY, "New reseller", form));
        }
    };
    match outcome {
        Ok(FormOutcome { id, now }) => {
            let told = now.map(|reseller| format!("{} was created.", reseller.name.as_str()));
            let told =
                told.unwrap_or_else(|| "This reseller was already created, and is not created again.".into());
            Ok(done(&href(ResellerId(id)), &told))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(form_page(&caller, status, "New reseller", form))
        }
    }
}

async fn edit(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Resellers, Access::Write)?;
    let reseller = find(&caller, &id).await?.reseller;
    let form = form(&caller, Some(reseller.id))?.of_row(&reseller.record.facts());
    Ok(form_page(&caller, StatusCode::OK, reseller.record.name.as_str(), form))
}

async fn update(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Resellers, Access::Write)?;
    anew(async || change(&caller, &id, &sent).await).await
}

async fn change(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let Stored { id, record, updated_at, .. } = find(caller, id).await?.reseller;
    let mut form = form(caller, Some(id))?.of_row(&record.facts());
    let Some(change) = form.read::<ResellerChange>(sent) else {
        return Ok(form_page(caller, form.status(), record.name.as_str(), form));
    };
    let job = move |act: &Act<'_>| {
        resellers::update(&act.seeing(Some(updated_at)), &Selector::Id(id), change.clone(), None)
    };
    match caller.ops.write(caller.actor().clone(), action(Resource::Resellers, "update"), job).await {
        Ok((_, after, _)) => Ok(done(&href(id), &was_changed(after.name.as_str(), &record, &after))),
        Err(error) => {
            let status = form.refused(error)?;
            Ok(form_page(caller, status, record.name.as_str(), form))
        }
    }
}

fn form(caller: &Caller, id: Option<ResellerId>) -> Result<Form> {
    let mut inputs = vec![
        Input::text("name", "Name").required(),
        Input::new("max_allowed_connections", "Connections in total", Widget::Number(0))
            .help("A limit over all its lines and MAGs; 0 is no limit."),
        Input::new("use_credits", "Pays with credits for what it sells", Widget::Flag),
        Input::new("trials_per_day", "Trials per day", Widget::Number(0))
            .help("How many its people may sell, by the panel's calendar; 0 is none. Empty: no limit."),
    ];
    if id.is_none() {
        let opening = Input::new("credits", "Opening balance", Widget::Number(0)).value("0");
        inputs.insert(1, opening.help("In credits. More are added on the reseller's page."));
    }
    let (action, submit, back) = match id {
        None => (format!("{PATH}/new"), "Create", PATH.to_owned()),
        Some(id) => (format!("{}/edit", href(id)), "Save", href(id)),
    };
    let form = Form::new(action, submit, &caller.ops.snapshot().settings.time_zone).cancel(back);
    let form = form.section("Reseller", inputs);
    if id.is_none() { form.once() } else { Ok(form) }
}

fn form_page(caller: &Caller, status: StatusCode, title: &str, form: Form) -> HttpResponse {
    let once = form.makes_once();
    caller.page_with_form(status, once, &FormPage { frame: caller.frame(title), form })
}

async fn ask_delete(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Resellers, Access::Write)?;
    confirm(&caller, &id, false).await
}

async fn confirm(caller: &Caller, id: &str, changed: bool) -> Reply {
    let listed = find(caller, id).await?;
    let (name, credits) = (listed.reseller.record.name.as_str(), listed.credits.get());
    let lost = match credits {
        0 => String::new(),
        some => format!(" Its remaining balance of {} goes with it.", show::many(some, "credit")),
    };
    let held = &listed.holdings;
    let [people, keys] =
        [held.people.len(), held.keys.len()].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let belongings = [(held.lines, "line"), (held.mags, "MAG"), (people, "administrator"), (keys, "API key")];
    let used: Vec<String> = belongings
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| show::many(count, what))
        .collect();
    let goes_with = format!("Nothing belongs to it.{lost}");
    let href = href(listed.reseller.id);
    let seen = listed.reseller.updated_at.seconds().to_string();
    let page = ConfirmPage::deletion(caller, "reseller", name, &goes_with, href, seen);
    let page = if used.is_empty() {
        page
    } else {
        let used = format!("To it belong {}.{lost}", used.join(", "));
        let first = "Open Lines or MAGs, filter by this reseller, and set another reseller with Mass edit; give administrators another one with Edit; revoke API keys under API Settings.";
        page.barred(name, &used, first)
    };
    Ok(page.shown(caller, changed))
}

async fn delete(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Resellers, Access::Write)?;
    let reseller = find(&caller, &id).await?.reseller;
    let who = reseller.id;
    let Some(seen) = seen::row(&sent) else { return confirm(&caller, &id, true).await };
    let job = move |act: &Act<'_>| at_once::delete::<Reseller>(&act.seeing(Some(seen)), &[who]);
    match caller.ops.write(caller.actor().clone(), action(Resource::Resellers, "delete"), job).await {
        Err(Error::Changed) => confirm(&caller, &id, true).await,
        gone => {
            let told = format!("{} was deleted.", reseller.record.name.as_str());
            Ok(done_as(gone?.batch, PATH, &told))
        }
    }
}

/// Its own people see it on the page of their statement alone.
async fn find(caller: &Caller, id: &str) -> Result<ResellerRow> {
    caller.actor().may(Resource::Resellers, Access::Read)?;
    let id = parse_id(id).map(ResellerId).map_err(|_| Error::no_such(Resource::Resellers))?;
    caller.ops.reseller(caller.actor(), id).await
}
