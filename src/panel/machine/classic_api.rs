//! General Settings -> API Settings: the classic API, its switch and its whitelist.

use actix_web::{
    HttpRequest,
    web::{ServiceConfig, resource},
};

use super::{
    api_settings,
    settings::{self, API_PATH},
};
use crate::{
    domain::{
        Columns, Error, Given, Resource, Result, Stored,
        fields::text::ClassicPassword,
        machine::settings::{Settings, SettingsChange},
        people::{actor::CLASSIC, rights::Access},
    },
    ops::{Act, machine},
    panel::kit::{
        caller::{Caller, action, anew, done},
        error::Reply,
        form::{Form, Input, Widget},
        sent::Sent,
    },
};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/settings/api/classic").post(save));
}

/// Its form, as the settings are.
pub(super) async fn form(caller: &Caller) -> Result<Form> {
    Ok(of_row(caller, &settings::stored(caller).await?))
}

const PASSWORD: &str = "classic_api_password";
const FORGET: &str = "remove_password";

fn of_row(caller: &Caller, row: &Stored<Settings>) -> Form {
    let has_password = !row.record.classic_api_password.is_none();
    let zone = &caller.ops.snapshot().settings.time_zone;
    let inputs = vec![
        Input::new("classic_api", "Answer calls of the classic API", Widget::Flag),
        Input::new("classic_api_allow", "Only from addresses", Widget::Lines).help(
            "Of your billing system: addresses, or ranges such as 192.0.2.0/24, one per line. Empty: nobody can use it.",
        ),
        Input::new(PASSWORD, "Password", Widget::Password).autocomplete("new-password").help(if has_password {
            "Callers must send it as api_pass. There is one; empty: it stays as it is."
        } else {
            "Callers must send it as api_pass, if one is set."
        }),
    ];
    let mut inputs = inputs;
    if has_password {
        inputs.push(Input::new(FORGET, "Remove the password", Widget::Flag).value("0"));
    }
    let form = Form::new(format!("{API_PATH}/classic"), "Save", zone)
        .only_shown_unless(caller.may_write(Resource::Settings) && caller.actor().may_grant(&CLASSIC).is_ok())
        .section("", inputs);
    form.of_row(&row.record.facts())
}

async fn save(caller: Caller, request: HttpRequest, sent: Sent) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    anew(async || change(&caller, &request, &sent).await).await
}

async fn change(caller: &Caller, request: &HttpRequest, sent: &Sent) -> Reply {
    let row = settings::stored(caller).await?;
    let (mut form, seen) = (of_row(caller, &row), Some(row.updated_at));
    let Some(mut change) = form.read::<SettingsChange>(sent) else {
        return api_settings::page_with_classic(caller, request, form).await;
    };
    let password = match ClassicPassword::new(sent.text(PASSWORD)) {
        Ok(password) => password,
        Err(rule) => {
            form.refuse(&Error::invalid(PASSWORD, rule));
            return api_settings::page_with_classic(caller, request, form).await;
        }
    };
    let given = match (sent.text(FORGET) == "1", password.as_str().is_empty()) {
        (true, _) => Given::Empty,
        (false, true) => Given::Absent,
        (false, false) => Given::Value(password),
    };
    change.classic_api_password = caller.ops.seal_classic_password(&given)?;
    let job = move |act: &Act<'_>| machine::settings::update(&act.seeing(seen), change.clone());
    if let Err(error) =
        caller.ops.write(caller.actor().clone(), action(Resource::Settings, "update"), job).await
    {
        form.refused(error)?;
        return api_settings::page_with_classic(caller, request, form).await;
    }
    Ok(done(API_PATH, "The settings of the classic API were saved and are in effect."))
}
