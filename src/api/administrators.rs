//! `/api/administrators/...`

use serde_json::{Value, json};

use super::{call::Call, managed::optional_id, show};
use crate::{
    domain::{
        Error, Given, Record, Resource, Result,
        admin::{Admin, AdminChange},
        ids::Id,
        record,
        text::{AdminName, NewPassword},
    },
    ops::{
        admins::{self, Selector},
        passwords,
    },
    wire::page,
};

pub async fn create(mut call: Call) -> Result<Value> {
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
    change.password = Given::Value(passwords::hash(password).await?);
    call.write(move |act| {
        let (id, admin) = admins::create(act, change.clone())?;
        Ok(json!({ "created_id": id.number(), "username": admin.username.as_str(), "email": admin.email.as_str() }))
    })
    .await
}

pub async fn update(mut call: Call) -> Result<Value> {
    let who = selector(&mut call)?;
    let password = match record::parse::<NewPassword>(&mut call.data, "password")? {
        Given::Absent => None,
        Given::Empty => return Err(Error::Missing("password")),
        Given::Value(password) => Some(password),
    };
    let mut change = call.change::<AdminChange>()?;
    if let Some(password) = password {
        change.password = Given::Value(passwords::hash(password).await?);
    }
    call.write(move |act| {
        let (id, admin) = admins::update(act, &who, change.clone())?;
        Ok(json!({ "modified_id": id.number(), "username": admin.username.as_str() }))
    })
    .await
}

pub async fn delete(mut call: Call) -> Result<Value> {
    let who = selector(&mut call)?;
    call.finish()?;
    call.write(move |act| Ok(json!({ "deleted_id": admins::delete(act, &who)?.number() }))).await
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &Admin::columns())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.doing, move |read| admins::list(read, &page)).await?;
    Ok(show::page("administrators", rows, |listed| {
        let mut row = show::row(&listed.admin);
        row.insert("group".into(), listed.group.into());
        row.insert("reseller".into(), listed.reseller.into());
        row.insert(
            "last_login_at".into(),
            listed.last_login_at.map(crate::domain::time::UnixTime::seconds).into(),
        );
        Value::Object(row)
    }))
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
