//! Administrators: list, create, and the page of one with its password and sessions.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;
use jiff::tz::TimeZone;

use crate::{
    domain::{
        Columns, Error, Fact, Given, Resource, Result,
        fields::text::NewPassword,
        ids::{AdminId, parse_id},
        people::{
            admin::{Admin, AdminChange},
            browser::in_words,
            rights::Access,
        },
    },
    ops::{
        Act, Action,
        people::{
            admins::{self, AdminRow, Selector},
            passwords::Whose,
            second_factor,
            sign_in::{self, PanelSession},
        },
        slips::FormOutcome,
        subscribers::at_once,
    },
    panel::kit::{
        caller::{Caller, action, anew, done, done_as},
        error::Reply,
        form::{self, Form, Input, Section, Widget},
        frame::Frame,
        pages::{ConfirmPage, FormPage, ListPage},
        records::{About, was_changed},
        searched::Searched,
        seen,
        sent::{Query, Sent},
        show::Moment,
        table::{Cell, Head, Link, Listing, RowAction, Tone},
    },
};

const PATH: &str = "/panel/administrators";
const INFO: Action = action(Resource::Administrators, "info");

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/administrators").get(list))
        .service(resource("/administrators/new").get(blank).post(create))
        .service(resource("/administrators/{id}").get(show_one).post(update))
        .service(resource("/administrators/{id}/password").post(set_password))
        .service(resource("/administrators/{id}/sessions/end-all").post(end_all_sessions))
        .service(resource("/administrators/{id}/sessions/{session}/end").post(end_session))
        .service(
            resource("/administrators/{id}/second-factor/reset").get(ask_reset).post(reset_second_factor),
        )
        .service(resource("/administrators/{id}/delete").get(ask_delete).post(delete));
}

async fn list(caller: Caller, query: Query) -> Reply {
    let searched = Searched::read(&query);
    let page = searched.page();
    let asked = action(Resource::Administrators, "list");
    let found = caller.ops.read(caller.actor(), asked, move |look| admins::list(look, &page)).await?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let new = Link::new(format!("{PATH}/new"), "New administrator");
    let listing = Listing {
        links: if caller.may_write(Resource::Administrators) { vec![new] } else { Vec::new() },
        pager: searched.pager(PATH, found.total, "administrator"),
        search: Some(searched.text),
        search_hint: "Search",
        heads: ["Username", "E-mail", "Group", "Reseller", "Last login"].map(Head::new).into(),
        rows: found.rows.iter().map(|listed| row(listed, &zone)).collect(),
        empty: "No administrators match.".into(),
        ..Listing::default()
    };
    let about =
        "People who sign in to this panel. Those with a reseller see only that reseller's lines and MAGs.";
    Ok(caller.page(&ListPage { frame: caller.frame("Administrators"), about, listing }))
}

fn row(listed: &AdminRow, zone: &TimeZone) -> Vec<Cell> {
    let admin = &listed.admin.record;
    let text = admin.username.as_str().to_owned();
    let mut name = vec![Cell::Link { href: href(listed.admin.id), text }];
    if admin.disabled {
        name.push(Cell::Badge(Tone::Bad, "disabled".into()));
    }
    if listed.has_2fa {
        name.push(Cell::Badge(Tone::Plain, "second factor".into()));
    }
    if !listed.sessions.is_empty() {
        name.push(Cell::Badge(Tone::Good, "signed in".into()));
    }
    vec![
        Cell::Many(name),
        Cell::Text(admin.email.as_str().into()),
        Cell::Text(listed.group.clone()),
        Cell::Text(listed.reseller.clone().unwrap_or_default()),
        Cell::Time(listed.last_login_at.map(|at| Moment::of(at, zone)), "never"),
    ]
}

fn href(id: AdminId) -> String {
    format!("{PATH}/{}", id.0)
}

async fn blank(caller: Caller) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    let defaults = caller.ops.defaults::<Admin>();
    let ticked = [("must_change_password", Fact::Number(1))];
    let form = form(&caller, None).await?.filled(&defaults).filled(&ticked);
    Ok(new_page(&caller, StatusCode::OK, form))
}

async fn create(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    let mut form = form(&caller, None).await?;
    let change = form.read::<AdminChange>(&sent);
    let password = form::field::<NewPassword>(&sent, "password");
    let created = match (change, password) {
        (Some(change), Ok(password)) => create_with(&caller, &sent, change, password).await,
        (_, Err(error)) => Err(error),
        (None, Ok(_)) => return Ok(new_page(&caller, StatusCode::UNPROCESSABLE_ENTITY, form)),
    };
    match created {
        Ok(FormOutcome { id, now: Some(username) }) => {
            Ok(done(&href(AdminId(id)), &format!("{username} was created and can sign in.")))
        }
        Ok(FormOutcome { id, now: None }) => {
            Ok(done(&href(AdminId(id)), "This administrator was already created, and is not created again."))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(new_page(&caller, status, form))
        }
    }
}

async fn create_with(
    caller: &Caller,
    sent: &Sent,
    change: AdminChange,
    password: NewPassword,
) -> Result<FormOutcome<String>> {
    let hash = caller.ops.hash_chosen("password", password, &Whose::after(None, &change)).await?;
    let change = AdminChange { password: Given::Value(hash), ..change };
    let job = move |act: &Act<'_>| {
        let (id, admin) = admins::create(act, change.clone())?;
        Ok((id.0, admin.username.as_str().to_owned()))
    };
    caller.make(sent, action(Resource::Administrators, "new"), job).await
}

fn new_page(caller: &Caller, status: StatusCode, form: Form) -> HttpResponse {
    let once = form.makes_once();
    caller.page_with_form(status, once, &FormPage { frame: caller.frame("New administrator"), form })
}

async fn form(caller: &Caller, id: Option<AdminId>) -> Result<Form> {
    let about = About::ask(caller, &[Resource::Groups, Resource::Resellers]).await?;
    // The first group may do everything: nobody gets into it by not choosing.
    let groups = match id {
        None => about.choices_or(Resource::Groups, "Choose a group"),
        Some(_) => about.choices(Resource::Groups),
    };
    let username = Input::text("username", "Username").required().autocomplete("username");
    let mut person = vec![username, Input::text("email", "E-mail").required()];
    let mut may = vec![
        Input::new("group_id", "Group", Widget::Choice(groups)).required().help("What it may do."),
        Input::new(
            "reseller_id",
            "Reseller",
            Widget::Choice(about.choices_or(Resource::Resellers, "None: the operator's own")),
        )
        .help("Then only that reseller's lines and MAGs are visible."),
    ];
    let change =
        Input::new("must_change_password", "Must choose a new password at the next login", Widget::Flag);
    let (action, submit, back) = match id {
        None => {
            person.push(password_input());
            person.push(change);
            (format!("{PATH}/new"), "Create", PATH.to_owned())
        }
        Some(id) => {
            person.push(change);
            may.push(Input::new("disabled", "Disabled", Widget::Flag).help("Open sessions end immediately."));
            (href(id), "Save", PATH.to_owned())
        }
    };
    let mut form = Form::new(action, submit, &caller.ops.snapshot().settings.time_zone)
        .cancel(back)
        .only_shown_unless(caller.may_write(Resource::Administrators));
    form.sections =
        vec![Section { legend: "Person", inputs: person }, Section { legend: "Rights", inputs: may }];
    if id.is_none() { form.once() } else { Ok(form) }
}

fn password_input() -> Input {
    Input::new("password", "Password", Widget::Password)
        .required()
        .autocomplete("new-password")
        .help("At least 8 characters.")
}

#[derive(Template)]
#[template(path = "administrator.html")]
struct One {
    frame: Frame,
    href: String,
    may_write: bool,
    own: bool,
    last_login: Cell,
    has_2fa: bool,
    form: Form,
    password: Form,
    sessions: Listing,
}

async fn show_one(caller: Caller, id: Path<String>) -> Reply {
    let listed = find(&caller, &id).await?;
    let form = form(&caller, Some(listed.admin.id)).await?.of_row(&listed.admin.record.facts());
    let password = password_form(&caller, &listed);
    Ok(page(&caller, StatusCode::OK, &listed, form, password))
}

fn page(caller: &Caller, status: StatusCode, listed: &AdminRow, form: Form, password: Form) -> HttpResponse {
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let may_write = caller.may_write(Resource::Administrators);
    let page = One {
        frame: caller.frame(listed.admin.record.username.as_str()),
        href: href(listed.admin.id),
        may_write,
        own: caller.signed_in.admin.id == listed.admin.id,
        last_login: Cell::Time(listed.last_login_at.map(|at| Moment::of(at, &zone)), "never"),
        has_2fa: listed.has_2fa,
        form,
        password,
        sessions: sessions(listed, may_write, &zone),
    };
    caller.page_with(status, &page)
}

fn sessions(listed: &AdminRow, may_write: bool, zone: &TimeZone) -> Listing {
    let row = |session: &PanelSession| {
        let time = |at| Cell::Time(Some(Moment::of(at, zone)), "");
        let end = RowAction::Do {
            action: format!("{}/sessions/{}/end", href(listed.admin.id), session.id),
            label: "End".into(),
        };
        vec![
            Cell::Code(session.address.clone()),
            Cell::Under(Box::new(Cell::Text(in_words(&session.user_agent))), session.user_agent.clone()),
            time(session.created_at),
            time(session.last_seen_at),
            Cell::Actions(if may_write { vec![end] } else { Vec::new() }),
        ]
    };
    Listing {
        heads: ["Address", "Browser", "Signed in", "Last used", ""].map(Head::new).into(),
        rows: listed.sessions.iter().map(row).collect(),
        empty: "Not signed in now.".into(),
        ..Listing::default()
    }
}

fn password_form(caller: &Caller, listed: &AdminRow) -> Form {
    let inputs = vec![
        password_input(),
        Input::new("choose_anew", "Must choose a new one at the next login", Widget::Flag).value("1"),
    ];
    let action = format!("{}/password", href(listed.admin.id));
    Form::new(action, "Set password", &caller.ops.snapshot().settings.time_zone)
        .password_of(listed.admin.record.username.as_str())
        .section("New password", inputs)
        .asked_of(listed.admin.updated_at)
}

async fn update(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    anew(async || change(&caller, &id, &sent).await).await
}

async fn change(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let listed = find(caller, id).await?;
    let mut form = form(caller, Some(listed.admin.id)).await?.of_row(&listed.admin.record.facts());
    let password = password_form(caller, &listed);
    let Some(change) = form.read::<AdminChange>(sent) else {
        return Ok(page(caller, form.status(), &listed, form, password));
    };
    match write(caller, &listed, change).await {
        Ok((admin, batch)) => {
            let told = was_changed(admin.username.as_str(), &listed.admin.record, &admin);
            Ok(done_as(batch, &href(listed.admin.id), &told))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(page(caller, status, &listed, form, password))
        }
    }
}

async fn set_password(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    anew(async || set_password_once(&caller, &id, &sent).await).await
}

async fn set_password_once(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let listed = find(caller, id).await?;
    let mut password = password_form(caller, &listed);
    password.take(sent);
    if password.is_wrong() {
        let form = form(caller, Some(listed.admin.id)).await?.of_row(&listed.admin.record.facts());
        return Ok(page(caller, password.status(), &listed, form, password));
    }
    let written = match form::field::<NewPassword>(sent, "password") {
        Ok(new) => set(caller, &listed, new, sent.text("choose_anew") == "1").await,
        Err(error) => Err(error),
    };
    match written {
        Ok(admin) => Ok(done(
            &href(listed.admin.id),
            &format!("{} has a new password. Its sessions were ended.", admin.username.as_str()),
        )),
        Err(error) => {
            let status = password.refused(error)?;
            let form = form(caller, Some(listed.admin.id)).await?.of_row(&listed.admin.record.facts());
            Ok(page(caller, status, &listed, form, password))
        }
    }
}

async fn set(caller: &Caller, listed: &AdminRow, new: NewPassword, choose_anew: bool) -> Result<Admin> {
    let hash = caller.ops.hash_chosen("password", new, &Whose::of(&listed.admin.record)).await?;
    let change = AdminChange {
        password: Given::Value(hash),
        must_change_password: Given::Value(choose_anew),
        ..AdminChange::default()
    };
    Ok(write(caller, listed, change).await?.0)
}

/// Changes it, only as it was seen; with the number of the batch, if it has moved to another group or reseller.
async fn write(caller: &Caller, listed: &AdminRow, change: AdminChange) -> Result<(Admin, Option<i64>)> {
    let before = listed.admin.clone();
    let job = move |act: &Act<'_>| {
        let seen = act.seeing(Some(before.updated_at));
        let (_, admin) = admins::update(&seen, &Selector::Id(before.id), change.clone())?;
        Ok((admin, at_once::moved(act, std::slice::from_ref(&before))?))
    };
    caller.ops.write(caller.actor().clone(), action(Resource::Administrators, "update"), job).await
}

async fn end_session(caller: Caller, path: Path<(String, String)>) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    let listed = find(&caller, &path.0).await?;
    let session = parse_id(&path.1).map_err(|rule| Error::invalid("session_id", rule))?;
    let job = move |act: &Act<'_>| admins::end_session(act, session);
    caller.ops.write(caller.actor().clone(), sign_in::END_SESSION, job).await?;
    Ok(done(&href(listed.admin.id), "The session was ended."))
}

async fn end_all_sessions(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    let listed = find(&caller, &id).await?;
    let of = listed.admin.id;
    let job = move |act: &Act<'_>| admins::end_all_sessions(act, of);
    caller.ops.write(caller.actor().clone(), sign_in::END_SESSION, job).await?;
    Ok(done(&href(of), "All sessions were ended."))
}

async fn ask_reset(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    let listed = find(&caller, &id).await?;
    let (name, href) = (listed.admin.record.username.as_str(), href(listed.admin.id));
    let page = ConfirmPage {
        frame: caller.frame(format!("Reset the second factor of {name}?")),
        text: format!(
            "{name} will sign in with the password alone, and is signed out everywhere. Be sure that it is {name} who asks for it: \
             call back, or meet."
        ),
        action: format!("{href}/second-factor/reset"),
        submit: "Reset",
        cancel: href,
        seen: String::new(),
        changed: false,
        barred: false,
    };
    Ok(page.shown(&caller, false))
}

async fn reset_second_factor(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    let listed = find(&caller, &id).await?;
    let who = Selector::Id(listed.admin.id);
    let job = move |act: &Act<'_>| second_factor::reset(act, &who).map(|_| ());
    caller.ops.write(caller.actor().clone(), second_factor::RESET, job).await?;
    Ok(done(&href(listed.admin.id), "The second factor was reset, and every session was ended."))
}

async fn ask_delete(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    confirm(&caller, &id, false).await
}

async fn confirm(caller: &Caller, id: &str, changed: bool) -> Reply {
    let listed = find(caller, id).await?;
    let name = listed.admin.record.username.as_str();
    let goes_with = "They are signed out immediately. What they did stays in the logs.";
    let href = href(listed.admin.id);
    let seen = listed.admin.updated_at.seconds().to_string();
    let page = ConfirmPage::deletion(caller, "administrator", name, goes_with, href, seen);
    Ok(page.shown(caller, changed))
}

async fn delete(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Administrators, Access::Write)?;
    let admin = find(&caller, &id).await?.admin;
    let who = admin.id;
    let Some(seen) = seen::row(&sent) else { return confirm(&caller, &id, true).await };
    let job = move |act: &Act<'_>| at_once::delete::<Admin>(&act.seeing(Some(seen)), &[who]);
    match caller.ops.write(caller.actor().clone(), action(Resource::Administrators, "delete"), job).await {
        Err(Error::Changed) => confirm(&caller, &id, true).await,
        gone => {
            let told = format!("{} was deleted.", admin.record.username.as_str());
            Ok(done_as(gone?.batch, PATH, &told))
        }
    }
}

async fn find(caller: &Caller, id: &str) -> Result<AdminRow> {
    let id = parse_id(id).map(AdminId).map_err(|_| Error::no_such(Resource::Administrators))?;
    caller.ops.read(caller.actor(), INFO, move |look| admins::info(look, &Selector::Id(id))).await
}
