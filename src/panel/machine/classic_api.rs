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
        Columns, Resource, Result, Stored,
        machine::settings::{Settings, SettingsChange},
        people::rights::Access,
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

fn of_row(caller: &Caller, row: &Stored<Settings>) -> Form {
    let zone = &caller.ops.snapshot().settings.time_zone;
    let inputs = vec![
        Input::new("classic_api", "Answer calls of the classic API", Widget::Flag),
        Input::new("classic_api_allow", "Only from addresses", Widget::Lines).help(
            "Of your billing system: addresses, or ranges such as 192.0.2.0/24, one per line. Empty: nobody can use it.",
        ),
    ];
    let form = Form::new(format!("{API_PATH}/classic"), "Save", zone)
        .only_shown_unless(caller.may_write(Resource::Settings))
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
    let Some(change) = form.read::<SettingsChange>(sent) else {
        return api_settings::page_with_classic(caller, request, form).await;
    };
    let job = move |act: &Act<'_>| machine::settings::update(&act.seeing(seen), change.clone());
    caller.ops.write(caller.actor().clone(), action(Resource::Settings, "update"), job).await?;
    Ok(done(API_PATH, "The settings of the classic API were saved and are in effect."))
}
