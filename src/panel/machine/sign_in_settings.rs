//! General Settings -> Sign-in: the OpenID Connect provider at which people may sign in.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{ServiceConfig, resource},
};
use askama::Template;

use super::settings::{self, SIGN_IN_PATH};
use crate::{
    domain::{
        Columns, Error, Given, Resource, Stored,
        fields::text::OidcSecret,
        machine::settings::{Settings, SettingsChange},
        people::rights::{Access, Right},
    },
    ops::{Act, machine},
    panel::kit::{
        caller::{Caller, action, anew, done},
        error::Reply,
        form::{Form, Input, Widget},
        frame::Frame,
        sent::Sent,
        show::Moment,
        tabs::Tabs,
    },
};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/settings/sign-in").get(show).post(save));
}

const SECRET: &str = "oidc_client_secret";
const FORGET: &str = "remove_secret";

#[derive(Template)]
#[template(path = "sign_in_settings.html")]
struct Page {
    frame: Frame,
    tabs: Tabs,
    /// What is to be registered at the provider; none without `panel_url`.
    redirect: Option<String>,
    /// It was sealed with another key.
    is_lost: bool,
    /// What went wrong last, and when.
    trouble: Option<(String, String)>,
    form: Form,
}

async fn show(caller: Caller) -> Reply {
    caller.actor().may(Resource::Settings, Access::Read)?;
    let form = form(&caller, &settings::stored(&caller).await?);
    Ok(page(&caller, StatusCode::OK, form))
}

fn page(caller: &Caller, status: StatusCode, form: Form) -> HttpResponse {
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let page = Page {
        frame: caller.frame("Sign-in"),
        tabs: settings::tabs(caller, SIGN_IN_PATH),
        redirect: caller.ops.oidc_redirect(),
        is_lost: caller.ops.oidc_secret_is_lost(),
        trouble: caller.ops.oidc_trouble().map(|(at, why)| (Moment::of(at, &zone).text, why)),
        form,
    };
    caller.page_with(status, &page)
}

fn form(caller: &Caller, row: &Stored<Settings>) -> Form {
    let zone = &caller.ops.snapshot().settings.time_zone;
    let has_secret = !row.record.oidc_client_secret.is_none();
    let mut client = vec![
        Input::text("oidc_issuer", "Issuer").wide().help(
            "The provider as it calls itself, such as https://id.example/realms/tv: to the letter, with or without a slash at the end. \
             Empty: nobody signs in there.",
        ),
        Input::text("oidc_client_id", "Client id").help("What this panel is called there."),
        Input::new(SECRET, "Client secret", Widget::Password).autocomplete("new-password").help(if has_secret {
            "There is one; empty: it stays as it is."
        } else {
            "It is kept sealed and never shown. Empty for a public client, which has none."
        }),
    ];
    if has_secret {
        client.push(Input::new(FORGET, "Remove the client secret", Widget::Flag).value("0"));
    }
    let groups = vec![Input::text("oidc_claim", "Claim with groups").help(
        "Such as groups, or realm_access.roles. Whoever has a value of it that is the name of a group here is let in, and is in that group \
         from each sign-in on; people who are new are created. Whoever has none is not let in by the provider. Empty: groups are given \
         here, and only people who are here already get in.",
    )];
    Form::new(SIGN_IN_PATH, "Save", zone)
        .only_shown_unless(
            caller.may_write(Resource::Settings) && caller.actor().may_grant(&[Right::Full]).is_ok(),
        )
        .section("OpenID Connect provider", client)
        .section("Groups", groups)
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
    let secret = match OidcSecret::new(sent.text(SECRET).trim()) {
        Ok(secret) => secret,
        Err(rule) => {
            form.refuse(&Error::invalid(SECRET, rule));
            return Ok(page(caller, form.status(), form));
        }
    };
    let given = match (sent.text(FORGET) == "1", secret.as_str().is_empty()) {
        (true, _) => Given::Empty,
        (false, true) => Given::Absent,
        (false, false) => Given::Value(secret),
    };
    change.oidc_client_secret = caller.ops.seal_oidc_secret(&given)?;
    let job = move |act: &Act<'_>| machine::settings::update(&act.seeing(seen), change.clone());
    match caller.ops.write(caller.actor().clone(), action(Resource::Settings, "update"), job).await {
        Ok(_) => Ok(done(SIGN_IN_PATH, "The settings of signing in were saved and are in effect.")),
        Err(error) => {
            let status = form.refused(error)?;
            Ok(page(caller, status, form))
        }
    }
}
