//! General Settings -> E-mail: the mail server, who is alerted, and quiet hours.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{ServiceConfig, resource},
};
use askama::Template;

use super::settings::{self, MAIL_PATH};
use crate::{
    domain::{
        Columns, Error, Given, Resource, Stored,
        fields::text::SmtpUrl,
        machine::settings::{Settings, SettingsChange},
        people::rights::Access,
    },
    ops::{Act, machine},
    panel::kit::{
        caller::{Caller, action, anew, done},
        error::Reply,
        form::{Form, Input, Widget},
        frame::Frame,
        sent::Sent,
        tabs::Tabs,
    },
};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/settings/mail").get(show).post(save));
}

const SMTP: &str = "smtp_url";
const FORGET: &str = "remove_smtp_url";

#[derive(Template)]
#[template(path = "mail_settings.html")]
struct Page {
    frame: Frame,
    tabs: Tabs,
    /// The mail server without what is secret; empty for none.
    server: String,
    /// It was sealed with another key.
    is_lost: bool,
    form: Form,
}

async fn show(caller: Caller) -> Reply {
    caller.actor().may(Resource::Settings, Access::Read)?;
    let form = form(&caller, &settings::stored(&caller).await?);
    Ok(page(&caller, StatusCode::OK, form))
}

fn page(caller: &Caller, status: StatusCode, form: Form) -> HttpResponse {
    let page = Page {
        frame: caller.frame("E-mail"),
        tabs: settings::tabs(caller, MAIL_PATH),
        server: caller.ops.shown_smtp(),
        is_lost: caller.ops.smtp_url_is_lost(),
        form,
    };
    caller.page_with(status, &page)
}

fn form(caller: &Caller, row: &Stored<Settings>) -> Form {
    let zone = &caller.ops.snapshot().settings.time_zone;
    let has_server = !row.record.smtp_url.is_none();
    let mut server = vec![
        Input::new(SMTP, "Mail server", Widget::Password).autocomplete("new-password").wide().help(if has_server {
            "smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465. There is one; empty: it stays as it is. Needs every right."
        } else {
            "smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465. It is kept sealed and never shown. Needs every right."
        }),
    ];
    if has_server {
        server.push(Input::new(FORGET, "Remove the mail server", Widget::Flag).value("0"));
    }
    server.push(
        Input::text("mail_from", "From").help("The address that e-mail comes from. Without it none is sent."),
    );
    let alerts = vec![Input::new("alert_emails", "Addresses", Widget::Lines).help(
        "One per line, up to 20. They are told when a stream or server is down, a disk is nearly full, a backup fails, or a reseller is \
         low on credits.",
    )];
    let quiet = vec![
        Input::text("quiet_from", "From")
            .help("Such as 22:00, in the panel's time zone. Messages wait until the end; empty: never."),
        Input::text("quiet_to", "To").help("Such as 07:00."),
    ];
    Form::new(MAIL_PATH, "Save", zone)
        .only_shown_unless(caller.may_write(Resource::Settings))
        .section("Mail server", server)
        .section("Alerts", alerts)
        .section("Quiet hours", quiet)
        .of_row(&row.record.facts())
}

async fn save(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    anew(async || change(&caller, &sent).await).await
}

async fn change(caller: &Caller, sent: &Sent) -> Reply {
    let row = settings::stored(caller).await?;
    let (mut form, seen) = (form(caller, &row), Some(row.updated_at));
    let Some(mut change) = form.read::<SettingsChange>(sent) else {
        return Ok(page(caller, form.status(), form));
    };
    let given = match (sent.text(FORGET) == "1", sent.text(SMTP).trim()) {
        (true, _) => Given::Empty,
        (false, "") => Given::Absent,
        (false, typed) => match SmtpUrl::new(typed) {
            Ok(url) => Given::Value(url),
            Err(rule) => {
                form.refuse(&Error::invalid(SMTP, rule));
                return Ok(page(caller, form.status(), form));
            }
        },
    };
    change.smtp_url = caller.ops.seal_smtp_url(&given)?;
    let job = move |act: &Act<'_>| machine::settings::update(&act.seeing(seen), change.clone());
    match caller.ops.write(caller.actor().clone(), action(Resource::Settings, "update"), job).await {
        Ok(_) => Ok(done(MAIL_PATH, "The settings of e-mail were saved and are in effect.")),
        Err(error) => {
            let status = form.refused(error)?;
            Ok(page(caller, status, form))
        }
    }
}
