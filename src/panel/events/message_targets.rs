//! Message targets: addresses that are called with what happened; how they fare, and a test.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;
use indexmap::IndexMap;
use jiff::tz::TimeZone;

use super::tabs;
use crate::{
    domain::{
        Columns, Error, Fact, Resource, Result, Stored,
        channels::source_request::SourceHeader,
        fields::text::TargetUrl,
        ids::{Id, MessageTargetId},
        messages::target::{MessageTarget, MessageTargetChange, placeholders},
        page::{Limit, Page},
        people::rights::Access,
        record,
    },
    ops::{
        Act,
        messages::{self, SentTarget, ShownTarget, Whose},
        slips::FormOutcome,
    },
    panel::kit::{
        caller::{Caller, action, anew, done},
        error::Reply,
        form::{Choice, Form, Input, Section, Widget},
        frame::Frame,
        pages::FormPage,
        records::{self, About, Shown},
        sent::Sent,
        show::{self, Moment},
        table::{Cell, Head, Link, Listing, Pager, RowAction, Tone},
        tabs::Tabs,
    },
    wire::{fields::Fields, form::Node},
};

/// Where it is.
pub const PATH: &str = "/panel/message-targets";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/message-targets").get(page))
        .service(resource("/message-targets/new").get(records::blank::<MessageTarget>).post(create))
        .service(resource("/message-targets/{id}").get(edit).post(save))
        .service(resource("/message-targets/{id}/test").post(test))
        .service(
            resource("/message-targets/{id}/delete")
                .get(records::ask_delete::<MessageTarget>)
                .post(records::delete::<MessageTarget>),
        );
}

impl Shown for MessageTarget {
    const PATH: &'static str = "message-targets";
    const ONE: &'static str = "message target";
    const MANY: &'static str = "Message targets";
    const ABOUT: &'static str = "Addresses that are called with what happened, in words of your own: a chat, a pager, a gateway for short messages. What \
         is not taken is sent again for a day.";

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn heads() -> Vec<Head> {
        ["Name", "Types", "State", "Last taken", ""].map(Head::new).into()
    }

    fn sections(_: &About) -> Vec<Section> {
        let choice = |name, label, choices: &[(&str, &str)]| {
            let choices = choices.iter().map(|(value, label)| Choice::new(value, *label)).collect();
            Input::new(name, label, Widget::Choice(choices))
        };
        let inputs = vec![
            Input::text("name", "Name").required(),
            choice("method", "Method", &[("POST", "POST"), ("GET", "GET, without a body")]),
            Input::text("url", "Address").required().wide().help(
                "http or https; placeholders may stand behind the host. It is kept sealed: what is shown of it leaves it as it is. On this \
                 machine or in a private network only with the setting fetch_local.",
            ),
            Input::new("headers", "Headers", Widget::Lines)
                .help("One per line, as Authorization: Bearer TOKEN. They are kept sealed; *** leaves a value as it is."),
            choice(
                "content_type",
                "The body is",
                &[("json", "JSON"), ("form", "a form"), ("text", "plain text")],
            ),
            Input::new("body", "Body", Widget::Area)
                .help(format!("Placeholders: {}. Empty: the usual one of its type.", placeholders())),
            Input::new("types", "Types", Widget::Lines).help(
                "One per line, such as stream.down, or line.* for all of lines: docs/events.md has them. Empty: all alerts, when something \
                 fails and when it is well again.",
            ),
            Input::new("quiet_hours", "Waits in quiet hours", Widget::Flag),
            Input::new("enabled", "Enabled", Widget::Flag),
        ];
        vec![Section { legend: "Message target", inputs }]
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct Targets {
    frame: Frame,
    tabs: Tabs,
    about: String,
    listing: Listing,
}

async fn page(caller: Caller) -> Reply {
    let whole = Page { limit: Limit::MOST, ..Page::default() };
    let (ops, list) = (caller.ops.clone(), action(Resource::MessageTargets, "list"));
    let found = caller.ops.read(caller.actor(), list, move |look| ops.message_targets(look, &whole)).await?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let may_write = caller.may_write(Resource::MessageTargets);
    let new = Link::new(format!("{PATH}/new"), "New message target");
    let listing = Listing {
        label: MessageTarget::MANY,
        links: if may_write { vec![new] } else { Vec::new() },
        heads: MessageTarget::heads(),
        rows: found.rows.iter().map(|target| row(target, may_write, &zone)).collect(),
        empty: "None yet: nothing is called.".into(),
        pager: Pager { summary: show::many(found.total, "message target"), ..Pager::default() },
        ..Listing::default()
    };
    let frame = caller.frame(MessageTarget::MANY);
    Ok(caller.page(&Targets { frame, tabs: tabs(PATH), about: MessageTarget::ABOUT.into(), listing }))
}

fn row(target: &ShownTarget, may_write: bool, zone: &TimeZone) -> Vec<Cell> {
    let (row, health) = (&target.row, &target.health);
    let href = MessageTarget::href(row.id);
    let name = row.record.name.as_str();
    let name = if may_write {
        Cell::Link { href: href.clone(), text: name.into() }
    } else {
        Cell::Text(name.into())
    };
    let types: Vec<&str> = row.record.types.iter().map(|pattern| pattern.as_str()).collect();
    let badge = |tone, text: &str| Cell::Badge(tone, text.into());
    let state = match (target.has_secrets, row.record.enabled, health.last_error.as_str()) {
        (false, ..) => Cell::Under(
            Box::new(badge(Tone::Bad, "no address")),
            "It was sealed with another key: type it again, or put the key file back.".into(),
        ),
        (true, false, _) => badge(Tone::Plain, "disabled"),
        (true, true, "") if health.last_success_at.is_none() => badge(Tone::Plain, "nothing sent yet"),
        (true, true, "") => badge(Tone::Good, "ok"),
        (true, true, why) => Cell::Under(Box::new(badge(Tone::Bad, "failing")), why.into()),
    };
    let mut actions = Vec::new();
    if may_write {
        if row.record.enabled && target.has_secrets {
            actions.push(RowAction::Do { action: format!("{href}/test"), label: "Send a test".into() });
        }
        actions.extend(records::actions::<MessageTarget>(row.id, may_write));
    }
    vec![
        Cell::Under(Box::new(name), target.url.clone()),
        Cell::Text(if types.is_empty() { "all alerts".into() } else { types.join(", ") }),
        state,
        Cell::Time(health.last_success_at.map(|at| Moment::of(at, zone)), "never"),
        Cell::Actions(actions),
    ]
}

fn form_page(caller: &Caller, status: StatusCode, title: String, form: Form) -> HttpResponse {
    let once = form.makes_once();
    caller.page_with_form(status, once, &FormPage { frame: caller.frame(title), form })
}

/// What was typed of what is sealed.
fn secrets(typed: IndexMap<String, Node>) -> Result<SentTarget> {
    let mut fields = Fields::new(typed);
    Ok(SentTarget {
        url: record::parse::<TargetUrl>(&mut fields, "url")?,
        headers: record::parse::<Vec<SourceHeader>>(&mut fields, "headers")?,
    })
}

async fn create(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::MessageTargets, Access::Write)?;
    let zone = &caller.ops.snapshot().settings.time_zone;
    let mut form = Form::new(format!("{PATH}/new"), "Create", zone).cancel(PATH);
    form.sections = MessageTarget::sections(&About::none(zone.zone()));
    let mut form = form.once()?;
    let title = || "New message target".to_owned();
    let Some(change) = form.read::<MessageTargetChange>(&sent) else {
        return Ok(form_page(&caller, StatusCode::UNPROCESSABLE_ENTITY, title(), form));
    };
    let typed = form.take(&sent);
    let change =
        match secrets(typed).and_then(|secrets| caller.ops.sealed_target(change, &secrets, Whose::New)) {
            Ok(change) => change,
            Err(error) => {
                let status = form.refused(error)?;
                return Ok(form_page(&caller, status, title(), form));
            }
        };
    let job = move |act: &Act<'_>| Ok((messages::create(act, change.clone())?.number(), ()));
    match caller.make(&sent, action(Resource::MessageTargets, "new"), job).await {
        Ok(FormOutcome { .. }) => Ok(done(PATH, "The message target was created.")),
        Err(error) => {
            let status = form.refused(error)?;
            Ok(form_page(&caller, status, title(), form))
        }
    }
}

async fn find(caller: &Caller, id: &str) -> Result<ShownTarget> {
    let id: MessageTargetId = records::find::<MessageTarget>(caller, id).await?.id;
    let (ops, info) = (caller.ops.clone(), action(Resource::MessageTargets, "info"));
    caller.ops.read(caller.actor(), info, move |look| ops.message_target(look, id)).await
}

fn edit_form(caller: &Caller, target: &ShownTarget) -> Form {
    let zone = &caller.ops.snapshot().settings.time_zone;
    let mut form = Form::new(MessageTarget::href(target.row.id), "Save", zone).cancel(PATH);
    form.sections = MessageTarget::sections(&About::none(zone.zone()));
    let mut facts = target.row.record.facts();
    for (name, fact) in &mut facts {
        match *name {
            "url" => *fact = Fact::Text(target.url.clone()),
            "headers" => *fact = Fact::List(target.headers.clone()),
            _ => {}
        }
    }
    form.only_shown_unless(caller.may_write(Resource::MessageTargets)).of_row(&facts)
}

async fn edit(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::MessageTargets, Access::Read)?;
    let target = find(&caller, &id).await?;
    let form = edit_form(&caller, &target);
    Ok(form_page(&caller, StatusCode::OK, target.row.record.name.as_str().to_owned(), form))
}

async fn save(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::MessageTargets, Access::Write)?;
    anew(async || change(&caller, &id, &sent).await).await
}

async fn change(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let target = find(caller, id).await?;
    let mut form = edit_form(caller, &target);
    let Stored { id, record: before, updated_at, .. } = target.row;
    let title = before.name.as_str().to_owned();
    let Some(change) = form.read::<MessageTargetChange>(sent) else {
        return Ok(form_page(caller, form.status(), title, form));
    };
    let typed = form.take(sent);
    let change =
        secrets(typed).and_then(|secrets| caller.ops.sealed_target(change, &secrets, Whose::Row(&before)));
    let written = match change {
        Ok(change) => {
            let job = move |act: &Act<'_>| {
                messages::update(&act.seeing(Some(updated_at)), id, change.clone(), Some(&before))
            };
            caller.ops.write(caller.actor().clone(), action(Resource::MessageTargets, "update"), job).await
        }
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => Ok(done(PATH, &format!("{title} was changed."))),
        Err(error @ Error::Changed) => Err(error.into()),
        Err(error) => {
            let status = form.refused(error)?;
            Ok(form_page(caller, status, title, form))
        }
    }
}

async fn test(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::MessageTargets, Access::Write)?;
    let id = records::find::<MessageTarget>(&caller, &id).await?.id;
    let job = move |act: &Act<'_>| messages::test(act, id);
    caller.ops.write(caller.actor().clone(), action(Resource::MessageTargets, "test"), job).await?;
    Ok(done(super::messages::PATH, "A test is on its way: load this page again to see what became of it."))
}
