//! General Settings -> Backups: when they are made, how many are kept, and where copies are sent.

use actix_web::http::StatusCode;

use super::{
    backups::BackupsPage,
    settings::{self, BACKUPS_PATH},
};
use crate::{
    domain::{
        Columns, Error, Given, Resource, Stored,
        fields::text::BackupTargetText,
        machine::settings::{Settings, SettingsChange},
        people::rights::{self, Access},
    },
    ops::{Act, machine},
    panel::kit::{
        caller::{Caller, action, anew, done},
        error::Reply,
        form::{Form, Input, Widget},
        sent::Sent,
    },
};

const TARGET: &str = "backup_target";
const FORGET: &str = "remove_backup_target";

/// Its form, as the settings are; where copies are sent only for those with every right.
pub fn form(caller: &Caller, row: &Stored<Settings>) -> Form {
    let zone = &caller.ops.snapshot().settings.time_zone;
    let number = |name, label| Input::new(name, label, Widget::Number(0));
    let schedule = vec![
        number("backup_hour", "Hour of the day")
            .help("0 to 23, in the panel's time zone. If the server was off then, as soon as it runs again."),
        number("backup_keep_daily", "Days").help("Of so many days the last backup is kept."),
        number("backup_keep_weekly", "Weeks").help("The same of weeks."),
        number("backup_keep_monthly", "Months")
            .help("The same of months. The newest that can be restored always stays, and so does what the schedule did not make."),
    ];
    let form = Form::new(BACKUPS_PATH, "Save", zone)
        .only_shown_unless(caller.may_write(Resource::Settings))
        .section("Schedule", schedule);
    let form =
        if rights::allow_all(caller.actor().rights()) { form.section("Copies", copies(row)) } else { form };
    form.of_row(&row.record.facts())
}

fn copies(row: &Stored<Settings>) -> Vec<Input> {
    let has_target = !row.record.backup_target.is_none();
    let shape = "s3://KEY:SECRET@HOST/BUCKET/FOLDER?region=REGION, or a program by its absolute path with arguments, which is given each \
                 backup on its standard input; {name} stands for the file's name.";
    let mut inputs =
        vec![Input::new(TARGET, "Send to", Widget::Password).autocomplete("new-password").wide().help(
            format!(
                "{shape} {}",
                if has_target { "There is one; empty: it stays as it is." } else { "It is kept sealed." }
            ),
        )];
    if has_target {
        inputs.push(Input::new(FORGET, "Send no copies", Widget::Flag).value("0"));
    }
    inputs.push(Input::text("backup_recipient", "Encrypt for").wide().help(
        "Public keys of age, such as age1..., with spaces between them: only who has the secret key of one can read the copies. Empty: \
         they are sent as they are.",
    ));
    inputs
}

/// Saves it.
pub async fn save(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    anew(async || change(&caller, &sent).await).await
}

async fn change(caller: &Caller, sent: &Sent) -> Reply {
    let row = settings::stored(caller).await?;
    let (mut form, seen) = (form(caller, &row), Some(row.updated_at));
    let Some(mut change) = form.read::<SettingsChange>(sent) else {
        let status = form.status();
        return refused(caller, status, form).await;
    };
    let given = match (sent.text(FORGET) == "1", sent.text(TARGET).trim()) {
        (true, _) => Ok(Given::Empty),
        (false, "") => Ok(Given::Absent),
        (false, typed) => {
            BackupTargetText::new(typed).map(Given::Value).map_err(|rule| Error::invalid(TARGET, rule))
        }
    };
    let sealed = given.and_then(|given| caller.ops.seal_backup_target(&given));
    change.backup_target = match sealed {
        Ok(sealed) => sealed,
        Err(error) => {
            let status = form.refused(error)?;
            return refused(caller, status, form).await;
        }
    };
    let job = move |act: &Act<'_>| machine::settings::update(&act.seeing(seen), change.clone());
    match caller.ops.write(caller.actor().clone(), action(Resource::Settings, "update"), job).await {
        Ok(_) => Ok(done(BACKUPS_PATH, "The settings of backups were saved and are in effect.")),
        Err(error) => {
            let status = form.refused(error)?;
            refused(caller, status, form).await
        }
    }
}

async fn refused(caller: &Caller, status: StatusCode, form: Form) -> Reply {
    let page = BackupsPage::of(caller, Some(form)).await?;
    Ok(caller.page_with(status, &page))
}
