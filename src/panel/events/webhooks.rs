//! Webhooks: how they fare, their secrets, and a test.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;
use jiff::tz::TimeZone;

use super::tabs;
use crate::{
    domain::{
        Resource, Stored,
        events::{
            kinds::{CHANGES, OBJECTS},
            webhook::{Webhook, WebhookChange},
        },
        ids::Id,
        page::{Limit, Page},
        people::rights::Access,
    },
    ops::{
        Act, Action,
        events::webhooks::{self, ShownHook},
        slips::FormOutcome,
    },
    panel::kit::{
        caller::{Caller, action, done},
        error::Reply,
        form::{Form, Input, Section, Widget},
        frame::Frame,
        pages::FormPage,
        records::{self, About, Shown},
        sent::Sent,
        show::{self, Moment},
        table::{Cell, Head, Link, Listing, Pager, RowAction, Tone},
        tabs::Tabs,
    },
};

/// Where it is.
pub const PATH: &str = "/panel/webhooks";

const CREATE: Action = action(Resource::Webhooks, "new");

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/webhooks").get(page))
        .service(resource("/webhooks/new").get(records::blank::<Webhook>).post(create))
        .service(resource("/webhooks/{id}").get(records::edit::<Webhook>).post(records::update::<Webhook>))
        .service(resource("/webhooks/{id}/secret").post(rotate))
        .service(resource("/webhooks/{id}/test").post(test))
        .service(
            resource("/webhooks/{id}/delete")
                .get(records::ask_delete::<Webhook>)
                .post(records::delete::<Webhook>),
        );
}

impl Shown for Webhook {
    const PATH: &'static str = "webhooks";
    const ONE: &'static str = "webhook";
    const MANY: &'static str = "Webhooks";
    const ABOUT: &'static str = "Addresses that are told of events as they happen, signed by Standard Webhooks. What is not taken is sent again for three \
         days; then the webhook is switched off.";

    fn name(&self) -> &str {
        let name = self.description.as_str();
        if name.is_empty() { "The webhook" } else { name }
    }

    fn heads() -> Vec<Head> {
        ["Webhook", "Types", "State", "Last taken", ""].map(Head::new).into()
    }

    fn cells(row: &Stored<Self>, _: &About) -> Vec<Cell> {
        let hook = &row.record;
        let text = if hook.description.as_str().is_empty() { hook.url.shown() } else { hook.name().into() };
        let name = Cell::Link { href: format!("{}/deliveries", Self::href(row.id)), text };
        let types: Vec<&str> = hook.types.iter().map(|pattern| pattern.as_str()).collect();
        let types = if types.is_empty() { "all".into() } else { types.join(", ") };
        vec![Cell::Under(Box::new(name), hook.url.shown()), Cell::Text(types)]
    }

    fn sections(_: &About) -> Vec<Section> {
        let objects = OBJECTS.join(", ");
        let inputs = vec![
            Input::text("description", "Description").help("What it is for."),
            Input::text("url", "Address").required().wide().help(
                "http or https. On this machine or in a private network only with the setting fetch_local.",
            ),
            Input::new("types", "Types", Widget::Lines).help(format!(
                "One per line, such as line.created, or line.* for all of lines; empty is all. There are {objects}, each with {}, and more: \
                 docs/events.md.",
                CHANGES.join(", ")
            )),
            Input::new("enabled", "Enabled", Widget::Flag),
            Input::new("with_passwords", "With passwords", Widget::Flag)
                .help("Events contain the passwords of lines and MAGs. Needs every right."),
        ];
        vec![Section { legend: "Webhook", inputs }]
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct Webhooks {
    frame: Frame,
    tabs: Tabs,
    about: String,
    listing: Listing,
}

#[derive(Template)]
#[template(path = "new_secret.html")]
struct NewSecret<'a> {
    frame: Frame,
    secret: &'a str,
    note: &'static str,
    back: &'static str,
}

async fn page(caller: Caller) -> Reply {
    let whole = Page { limit: Limit::MOST, ..Page::default() };
    let ops = caller.ops.clone();
    let list = action(Resource::Webhooks, "list");
    let found = caller.ops.read(caller.actor(), list, move |look| ops.hooks(look, &whole)).await?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let may_write = caller.may_write(Resource::Webhooks);
    let new = Link::new(format!("{PATH}/new"), "New webhook");
    let listing = Listing {
        label: Webhook::MANY,
        links: if may_write { vec![new] } else { Vec::new() },
        heads: Webhook::heads(),
        rows: found.rows.iter().map(|hook| row(hook, may_write, &zone)).collect(),
        empty: "No webhooks yet: events are sent nowhere.".into(),
        pager: Pager { summary: show::many(found.total, "webhook"), ..Pager::default() },
        ..Listing::default()
    };
    let frame = caller.frame(Webhook::MANY);
    Ok(caller.page(&Webhooks { frame, tabs: tabs(PATH), about: Webhook::ABOUT.into(), listing }))
}

fn row(hook: &ShownHook, may_write: bool, zone: &TimeZone) -> Vec<Cell> {
    let (row, health) = (&hook.row, &hook.health);
    let mut cells = Webhook::cells(row, &About::none(zone.clone()));
    let badge = |tone, text: &str| Cell::Badge(tone, text.into());
    cells.push(match (row.record.enabled, hook.has_secret, health.last_error.as_str()) {
        (true, false, _) => Cell::Under(
            Box::new(badge(Tone::Bad, "no secret")),
            "It was sealed with another key: make a new secret, or put the key file back. Nothing is sent until then.".into(),
        ),
        (false, _, "") => badge(Tone::Plain, "disabled"),
        (false, _, why) => Cell::Under(Box::new(badge(Tone::Bad, "disabled")), why.into()),
        (true, _, "") if health.last_success_at.is_none() => badge(Tone::Plain, "nothing sent yet"),
        (true, _, "") => badge(Tone::Good, "ok"),
        (true, _, why) => Cell::Under(Box::new(badge(Tone::Bad, "failing")), why.into()),
    });
    cells.push(Cell::Time(health.last_success_at.map(|at| Moment::of(at, zone)), "never"));
    let href = Webhook::href(row.id);
    let go = |label: &str, more: &str| RowAction::Go { href: format!("{href}{more}"), label: label.into() };
    let act =
        |label: &str, more: &str| RowAction::Do { action: format!("{href}{more}"), label: label.into() };
    let mut actions = vec![go("Deliveries", "/deliveries")];
    if may_write {
        if row.record.enabled && hook.has_secret {
            actions.push(act("Send a test", "/test"));
        }
        actions.extend([act("New secret", "/secret"), go("Edit", ""), go("Delete", "/delete")]);
    }
    cells.push(Cell::Actions(actions));
    cells
}

async fn create(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::Webhooks, Access::Write)?;
    let zone = &caller.ops.snapshot().settings.time_zone;
    let mut form = Form::new(format!("{PATH}/new"), "Create", zone).cancel(PATH);
    form.sections = Webhook::sections(&About::none(zone.zone()));
    let mut form = form.once()?;
    let Some(change) = form.read::<WebhookChange>(&sent) else {
        return Ok(form_page(&caller, StatusCode::UNPROCESSABLE_ENTITY, form));
    };
    // A second press of the button shows the same secret.
    let secret = caller.ops.hook_secret_of_slip(&caller.slip(&sent)?)?;
    let made = secret.clone();
    let job = move |act: &Act<'_>| Ok((webhooks::create(act, change.clone(), &made)?.number(), ()));
    match caller.make(&sent, CREATE, job).await {
        Ok(FormOutcome { .. }) => {
            let note = "The secret is shown only this once. The receiver checks with it that messages come from here.";
            let frame = caller.frame("The secret of the new webhook");
            Ok(caller.page(&NewSecret { frame, secret: secret.reveal(), note, back: PATH }))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(form_page(&caller, status, form))
        }
    }
}

fn form_page(caller: &Caller, status: StatusCode, form: Form) -> HttpResponse {
    let once = form.makes_once();
    caller.page_with_form(status, once, &FormPage { frame: caller.frame("New webhook"), form })
}

async fn rotate(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Webhooks, Access::Write)?;
    let hook = records::find::<Webhook>(&caller, &id).await?;
    let secret = caller.ops.new_hook_secret()?;
    let made = secret.clone();
    let job = move |act: &Act<'_>| webhooks::rotate(act, hook.id, &made);
    caller.ops.write(caller.actor().clone(), action(Resource::Webhooks, "rotate"), job).await?;
    let note = "The secret is shown only this once. For a day messages are signed with the old one as well: give the receiver the new one until then.";
    let frame = caller.frame(format!("{}: the new secret", hook.record.name()));
    Ok(caller.page(&NewSecret { frame, secret: secret.reveal(), note, back: PATH }))
}

async fn test(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Webhooks, Access::Write)?;
    let hook = records::find::<Webhook>(&caller, &id).await?;
    let job = move |act: &Act<'_>| webhooks::test(act, hook.id);
    caller.ops.write(caller.actor().clone(), action(Resource::Webhooks, "test"), job).await?;
    let to = format!("{}/deliveries", Webhook::href(hook.id));
    Ok(done(&to, "A test is being sent: reload this page to see the result."))
}
