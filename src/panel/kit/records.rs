//! List, create, edit and delete of the resources that are rows and little more: one set of handlers, and
//! for each resource a [`Shown`] that says how it looks.

use std::collections::HashMap;

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use jiff::tz::TimeZone;

use super::{
    caller::{Caller, action, anew, done, done_as},
    error::Reply,
    form::{Choice, Form, Section},
    pages::{ConfirmPage, FormPage, ListPage},
    searched::{ROWS, Searched},
    seen,
    sent::{Query, Sent},
    show,
    table::{Cell, Head, Link, Listing, RowAction},
};
use crate::{
    domain::{
        Error, Resource, Result, Stored,
        channels::bouquet::{Bouquet, Category},
        ids::{Id, parse_id},
        people::{actor::Actor, admin::Group, rights::Access},
        subscribers::plan::Plan,
    },
    ops::{
        Ops,
        channels::order::Ordered,
        managed::{self, Managed},
        subscribers::{at_once, batched::Batched, counts::Usage},
    },
    panel::kit::order,
};

/// How a resource looks in the panel.
pub trait Shown: Managed + Batched {
    /// Its address below `/panel/`.
    const PATH: &'static str;
    /// One of them, within a sentence.
    const ONE: &'static str;
    /// Several of them, as a title.
    const MANY: &'static str;
    /// A sentence above the list.
    const ABOUT: &'static str;
    /// What its rows refer to by id.
    const REFERS: &'static [Resource] = &[];

    /// Whether its rows are shown in their order, and can be put into another.
    const IS_ORDERED: bool = false;

    /// Columns that a new form leaves open: what they become depends on others.
    const OPEN: &'static [&'static str] = &[];
    /// Where those that use a row are moved before it can be deleted, as a sentence.
    const MOVED: &'static str = "";

    /// What is said out loud once it was created or changed, as a sentence after another.
    fn remark(&self) -> &'static str {
        ""
    }
    /// What it is called.
    fn name(&self) -> &str;
    /// The headings of the list.
    fn heads() -> Vec<Head> {
        vec![Head::new("Name")]
    }
    /// The cells of a row, its name's first.
    fn cells(row: &Stored<Self>, _about: &About) -> Vec<Cell> {
        vec![Cell::Link { href: Self::href(row.id), text: row.record.name().into() }]
    }
    /// The inputs of its form.
    fn sections(about: &About) -> Vec<Section>;
    /// The address of a row's page.
    fn href(id: Self::Id) -> String {
        format!("/panel/{}/{}", Self::PATH, id.number())
    }
    /// The address of its form, where that is another.
    fn form_href(id: Self::Id) -> String {
        Self::href(id)
    }
    /// Where one goes on after it was created or changed.
    fn then(_id: Self::Id) -> String {
        format!("/panel/{}", Self::PATH)
    }
}

/// What pages need to show a record: the names of what it refers to, and the panel's time zone.
pub struct About {
    names: HashMap<Resource, Vec<(i64, String)>>,
    usage: Option<Usage>,
    /// The panel's time zone.
    pub zone: TimeZone,
}

impl About {
    /// For rows that refer to nothing.
    pub fn none(zone: TimeZone) -> Self {
        Self { names: HashMap::new(), usage: None, zone }
    }

    /// Asks for the names of those resources.
    pub async fn ask(caller: &Caller, resources: &[Resource]) -> Result<Self> {
        let mut names = HashMap::new();
        for resource in resources {
            names.insert(*resource, caller.ops.names(*resource).await?);
        }
        Ok(Self { names, usage: None, zone: caller.ops.snapshot().settings.time_zone.zone() })
    }

    /// How many of those use the row of that id.
    pub fn used_by(&self, users: &str, id: i64) -> Cell {
        let Some(usage) = &self.usage else { return Cell::Text("counting \u{2026}".into()) };
        let counts = usage.users.iter().find(|(name, _)| *name == users);
        Cell::Number(show::number(counts.and_then(|(_, counts)| counts.get(&id)).copied().unwrap_or(0)))
    }

    /// How old those figures are, as a sentence; empty where they are those of this moment.
    fn used_when(&self) -> String {
        let Some(Usage { users, age }) = &self.usage else { return String::new() };
        let names: Vec<&str> = users.iter().map(|(name, _)| *name).collect();
        let names = match names.as_slice() {
            [] => return String::new(),
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
        };
        match age.as_secs() {
            0 => String::new(),
            age => format!("; their {names} were counted {} ago", show::duration(age)),
        }
    }

    /// Every one of them, to choose from.
    pub fn choices(&self, resource: Resource) -> Vec<Choice> {
        self.names.get(&resource).into_iter().flatten().map(|(id, name)| Choice::new(id, name)).collect()
    }

    /// Every one of them, and none.
    pub fn choices_or(&self, resource: Resource, none: &str) -> Vec<Choice> {
        let mut choices = vec![Choice::new("", none)];
        choices.extend(self.choices(resource));
        choices
    }

    pub fn name(&self, resource: Resource, id: i64) -> &str {
        let names = self.names.get(&resource);
        let found = names.into_iter().flatten().find(|(of, _)| *of == id);
        found.map_or("", |(_, name)| name)
    }

    /// The names of several.
    pub fn list<I: Id>(&self, resource: Resource, ids: &[I]) -> String {
        let names: Vec<&str> = ids.iter().map(|id| self.name(resource, id.number())).collect();
        names.join(", ")
    }
}

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    mount_ordered::<Plan>(config);
    mount_ordered::<Category>(config);
    mount_ordered::<Bouquet>(config);
    mount::<Group>(config);
}

/// Mounts the same, and the page where rows are put into order.
fn mount_ordered<R: Shown + Ordered>(config: &mut ServiceConfig) {
    let order = resource(format!("/{}/order", R::PATH));
    config.service(order.get(order::ask::<R>).post(order::put::<R>));
    mount::<R>(config);
}

/// Mounts list, form and deletion of one resource.
fn mount<R: Shown>(config: &mut ServiceConfig) {
    config.service(resource(format!("/{}", R::PATH)).get(list::<R>));
    mount_forms::<R>(config);
}

/// Mounts form and deletion of one resource, whose list is a page of its own.
pub fn mount_forms<R: Shown>(config: &mut ServiceConfig) {
    let path = R::PATH;
    config
        .service(resource(format!("/{path}/new")).get(blank::<R>).post(create::<R>))
        .service(resource(format!("/{path}/{{id}}")).get(edit::<R>).post(update::<R>))
        .service(resource(format!("/{path}/{{id}}/delete")).get(ask_delete::<R>).post(delete::<R>));
}

async fn list<R: Shown>(caller: Caller, query: Query) -> Reply {
    let searched = Searched::read(&query);
    let (from, sought, page) = (searched.from, searched.sought(), searched.page());
    let list = action(R::RESOURCE, "list");
    let read = caller.ops.read(caller.actor(), list, move |look| {
        if R::IS_ORDERED {
            return managed::page_in_order::<R>(look, from, ROWS, sought);
        }
        managed::list::<R>(look, &page)
    });
    let found = read.await?;
    let usage = caller.ops.usage_of(caller.actor(), R::RESOURCE).await?;
    let about = About { usage, ..About::ask(&caller, R::REFERS).await? };
    let mut heads = R::heads();
    heads.push(Head::new(""));
    let may_write = caller.may_write(R::RESOURCE);
    let rows = found.rows.iter().map(|row| {
        let mut cells = R::cells(row, &about);
        cells.push(Cell::Actions(actions::<R>(row.id, may_write)));
        cells
    });
    let mut links = links::<R>(may_write);
    if may_write && R::IS_ORDERED && found.total > 1 {
        links.push(Link::new(format!("/panel/{}/order", R::PATH), "Order"));
    }
    let mut pager = searched.pager(&format!("/panel/{}", R::PATH), found.total, R::ONE);
    pager.summary += &about.used_when();
    let listing = Listing {
        links,
        empty: searched.empty(),
        search: Some(searched.text),
        search_hint: "Search",
        heads,
        rows: rows.collect(),
        pager,
        ..Listing::default()
    };
    Ok(caller.page(&ListPage { frame: caller.frame(R::MANY), about: R::ABOUT, listing }))
}

/// What leads on from a list: to the form for a new one.
pub fn links<R: Shown>(may_write: bool) -> Vec<Link> {
    let new = || Link::new(format!("/panel/{}/new", R::PATH), format!("New {}", R::ONE));
    may_write.then(new).into_iter().collect()
}

/// What can be done with each row of a list.
pub fn actions<R: Shown>(id: R::Id, may_write: bool) -> Vec<RowAction> {
    let go = |label: &str, href: String| RowAction::Go { href, label: label.into() };
    let edit = may_write.then(|| go("Edit", R::form_href(id)));
    let delete =
        (may_write && R::stays(id).is_none()).then(|| go("Delete", format!("{}/delete", R::href(id))));
    edit.into_iter().chain(delete).collect()
}

/// The form for a new one.
pub async fn blank<R: Shown>(caller: Caller) -> Reply {
    caller.actor().may(R::RESOURCE, Access::Write)?;
    let form = form::<R>(&caller, None).await?;
    let mut defaults = caller.ops.defaults::<R>();
    defaults.retain(|(column, _)| !R::OPEN.contains(column));
    Ok(shown::<R>(&caller, StatusCode::OK, format!("New {}", R::ONE), form.filled(&defaults)))
}

/// Creates one.
pub async fn create<R: Shown>(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(R::RESOURCE, Access::Write)?;
    let mut form = form::<R>(&caller, None).await?;
    let title = format!("New {}", R::ONE);
    let Some(change) = form.read::<R::Change>(&sent) else {
        return Ok(shown::<R>(&caller, StatusCode::UNPROCESSABLE_ENTITY, title, form));
    };
    let job = move |act: &crate::ops::Act<'_>| {
        let (id, record) = managed::create::<R>(act, change.clone())?;
        Ok((id.number(), record))
    };
    match caller.make(&sent, action(R::RESOURCE, "new"), job).await {
        Ok(made) => {
            let told = made.now.map(|record| format!("{} was created.{}", record.name(), record.remark()));
            let told = told
                .unwrap_or_else(|| format!("This {} was already created, and is not created again.", R::ONE));
            Ok(done(&R::then(R::Id::of(made.id)), &told))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(shown::<R>(&caller, status, title, form))
        }
    }
}

/// The form of one.
pub async fn edit<R: Shown>(caller: Caller, id: Path<String>, query: Query) -> Reply {
    let row = find::<R>(&caller, &id).await?;
    let form = form::<R>(&caller, Some(row.id)).await?.of_row(&row.record.facts());
    let form = form.turned(query.text("from"));
    Ok(shown::<R>(&caller, StatusCode::OK, row.record.name().to_owned(), form))
}

/// Changes one.
pub async fn update<R: Shown>(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(R::RESOURCE, Access::Write)?;
    anew(async || change::<R>(&caller, &id, &sent).await).await
}

async fn change<R: Shown>(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let row = find::<R>(caller, id).await?;
    let mut form = form::<R>(caller, Some(row.id)).await?.of_row(&row.record.facts());
    let title = row.record.name().to_owned();
    let Some(change) = form.read::<R::Change>(sent) else {
        return Ok(shown::<R>(caller, form.status(), title, form));
    };
    let seen = Some(row.updated_at);
    let before = row.clone();
    let job = move |act: &crate::ops::Act<'_>| {
        let record = managed::update::<R>(&act.seeing(seen), before.id, change.clone())?;
        Ok((record, at_once::moved(act, std::slice::from_ref(&before))?))
    };
    match caller.ops.write(caller.actor().clone(), action(R::RESOURCE, "update"), job).await {
        Ok((record, batch)) => {
            let told = was_changed(record.name(), &row.record, &record);
            Ok(done_as(batch, &R::then(row.id), &format!("{told}{}", record.remark())))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(shown::<R>(caller, status, title, form))
        }
    }
}

/// What became of a row that was saved: a form that changes nothing says so.
pub fn was_changed<R: crate::domain::Record>(name: &str, before: &R, after: &R) -> String {
    if before.facts() == after.facts() {
        return "Nothing was changed.".into();
    }
    format!("{name} was changed.")
}

/// Asks before one is deleted.
pub async fn ask_delete<R: Shown>(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(R::RESOURCE, Access::Write)?;
    confirm::<R>(&caller, &id, false).await
}

async fn confirm<R: Shown>(caller: &Caller, id: &str, changed: bool) -> Reply {
    let row = find::<R>(caller, id).await?;
    if let Some(why) = R::stays(row.id) {
        return Err(Error::from(why).into());
    }
    let name = row.record.name();
    let asked = action(R::RESOURCE, "info");
    let look = caller.ops.read(caller.actor(), asked, move |look| {
        let (goes_with, kept) =
            (managed::goes_with::<R>(look, row.id)?, managed::is_kept::<R>(look, row.id)?);
        Ok((goes_with, kept, managed::fingerprint::<R>(look, &[row.id])?))
    });
    let (goes_with, kept, seen) = look.await?;
    let page = ConfirmPage::deletion(caller, R::ONE, name, &goes_with, R::href(row.id), seen);
    if kept {
        return Ok(page.barred(name, &goes_with, R::MOVED).shown(caller, changed));
    }
    Ok(ConfirmPage { cancel: R::then(row.id), ..page }.shown(caller, changed))
}

/// Deletes one.
pub async fn delete<R: Shown>(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(R::RESOURCE, Access::Write)?;
    let row = find::<R>(&caller, &id).await?;
    let seen = sent.text(seen::FIELD).to_owned();
    let job = move |act: &crate::ops::Act<'_>| {
        managed::check_sight::<R>(act, &[row.id], &seen)?;
        at_once::delete::<R>(act, &[row.id])
    };
    match caller.ops.write(caller.actor().clone(), action(R::RESOURCE, "delete"), job).await {
        Err(Error::Changed) => confirm::<R>(&caller, &id, true).await,
        gone => {
            let (to, told) = (format!("/panel/{}", R::PATH), format!("{} was deleted.", row.record.name()));
            Ok(done_as(gone?.batch, &to, &told))
        }
    }
}

async fn form<R: Shown>(caller: &Caller, id: Option<R::Id>) -> Result<Form> {
    let about = About::ask(caller, R::REFERS).await?;
    let (action, submit) = match id {
        None => (format!("/panel/{}/new", R::PATH), "Create"),
        Some(id) => (R::form_href(id), "Save"),
    };
    let mut form = Form::new(action, submit, &caller.ops.snapshot().settings.time_zone);
    form.sections = R::sections(&about);
    let back = id.map_or_else(|| format!("/panel/{}", R::PATH), R::then);
    let form = form.cancel(back).only_shown_unless(caller.may_write(R::RESOURCE));
    if id.is_none() { form.once() } else { Ok(form) }
}

fn shown<R: Shown>(caller: &Caller, status: StatusCode, title: String, form: Form) -> HttpResponse {
    let once = form.makes_once();
    caller.page_with_form(status, once, &FormPage { frame: caller.frame(title), form })
}

/// The row of that id.
pub async fn find<R: Shown>(caller: &Caller, id: &str) -> Result<Stored<R>> {
    find_for(&caller.ops, caller.actor(), id).await
}

/// The same for somebody who acts.
pub async fn find_for<R: Shown>(ops: &Ops, actor: &Actor, id: &str) -> Result<Stored<R>> {
    let id = parse_id(id).map(R::Id::of).map_err(|_| Error::no_such(R::RESOURCE))?;
    ops.read(actor, action(R::RESOURCE, "info"), move |look| managed::info::<R>(look, id)).await
}
