//! `/api/administrators/...`

use serde_json::{Value, json};

use crate::{
    api::{call::Call, managed::optional_id, show},
    domain::{
        Columns, Error, Given, JsonObject, Resource, Result,
        fields::text::{AdminName, NewPassword, ShortText},
        ids::{Id, parse_id},
        people::admin::{Admin, AdminChange},
        record,
    },
    ops::people::{
        admins::{self, Selector},
        passwords::Whose,
        sign_in::PanelSession,
    },
    wire::page,
};

pub async fn create(mut call: Call) -> Result<JsonObject> {
    let password: NewPassword = call.data.require("password")?;
    let mut change = call.change::<AdminChange>()?;
    // Said before the hash is paid for.
    let given = [
        ("username", change.username.value().is_some()),
        ("email", change.email.value().is_some()),
        ("group_id", change.group_id.value().is_some()),
    ];
    if let Some((missing, _)) = given.iter().find(|(_, given)| !given) {
        return Err(Error::Missing(missing));
    }
    let whose = Whose::after(None, &change);
    change.password = Given::Value(call.ops.hash_chosen("password", password, &whose).await?);
    call.write(move |act| {
        let (id, admin) = admins::create(act, change.clone())?;
        Ok(json!({ "created_id": id.number(), "username": admin.username.as_str(), "email": admin.email.as_str() }))
    })
    .await
}

pub async fn update(mut call: Call) -> Result<JsonObject> {
    let who = selector(&mut call)?;
    let password = match record::parse::<NewPassword>(&mut call.data, "password")? {
        Given::Absent => None,
        Given::Empty => return Err(Error::Missing("password")),
        Given::Value(password) => Some(password),
    };
    let mut change = call.change::<AdminChange>()?;
    if let Some(password) = password {
        let (asked, actor) = (who.clone(), call.actor.clone());
        let before = call.ops.read(&actor, call.action, move |look| admins::info(look, &asked)).await?;
        let whose = Whose::after(Some(&before.admin.record), &change);
        change.password = Given::Value(call.ops.hash_chosen("password", password, &whose).await?);
    }
    call.write(move |act| {
        let (id, admin) = admins::update(act, &who, change.clone())?;
        Ok(json!({ "modified_id": id.number(), "username": admin.username.as_str() }))
    })
    .await
}

pub async fn delete(mut call: Call) -> Result<JsonObject> {
    let who = selector(&mut call)?;
    call.finish()?;
    call.write(move |act| Ok(json!({ "deleted_id": admins::delete(act, &who)?.number() }))).await
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &Admin::columns())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| admins::list(look, &page)).await?;
    Ok(show::page("administrators", rows, |listed| {
        let mut row = show::row(&listed.admin);
        let last_login_at = listed.last_login_at.map(crate::domain::fields::time::UnixTime::seconds);
        show::put(&mut row, "reseller_id", "group", listed.group.into());
        show::put(&mut row, "disabled", "reseller", listed.reseller.into());
        show::put(&mut row, "must_change_password", "last_login_at", last_login_at.into());
        show::put(&mut row, "must_change_password", "has_2fa", u8::from(listed.has_2fa).into());
        Value::Object(row)
    }))
}

pub async fn sessions(mut call: Call) -> Result<Value> {
    let who = if_given(selector(&mut call))?;
    call.finish()?;
    let sessions = call.ops.read(&call.actor, call.action, move |look| admins::sessions(look, who.as_ref()));
    let shown: Vec<Value> = sessions.await?.iter().map(session).collect();
    Ok(json!({ "total": shown.len(), "sessions": shown }))
}

fn session(session: &PanelSession) -> Value {
    json!({
        "session_id": session.id,
        "id": session.admin.number(),
        "address": session.address,
        "user_agent": session.user_agent,
        "created_at": session.created_at.seconds(),
        "last_seen_at": session.last_seen_at.seconds(),
    })
}

pub async fn end_session(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let text: ShortText = call.params.require("session_id")?;
    let id = parse_id(text.as_str()).map_err(|rule| Error::invalid("session_id", rule))?;
    call.finish()?;
    call.write(move |act| {
        admins::end_session(act, id)?;
        Ok(json!({ "ended_session_id": id }))
    })
    .await
}

/// Nobody is named: everybody is meant.
fn if_given(who: Result<Selector>) -> Result<Option<Selector>> {
    match who {
        Err(Error::Missing(_)) => Ok(None),
        who => who.map(Some),
    }
}

fn selector(call: &mut Call) -> Result<Selector> {
    let id = optional_id(call)?;
    let name: Option<AdminName> = call.params.take("username").map_err(|error| match error {
        Error::Invalid { .. } => Error::no_such(Resource::Administrators),
        error => error,
    })?;
    match (id, name) {
        (Some(id), Some(name)) => Ok(Selector::Both(id, name)),
        (Some(id), None) => Ok(Selector::Id(id)),
        (None, Some(name)) => Ok(Selector::Username(name)),
        (None, None) => Err(Error::Missing("id or username")),
    }
}
