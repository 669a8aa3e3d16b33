//! `/api/settings/...`: General Settings, the whitelist and the API keys.

use serde_json::{Map, Value, json};

use crate::{
    api::{
        call::Call,
        managed::{id, optional_id},
        show,
    },
    domain::{
        Error, Field, Given, JsonObject, Kind, Refused, Result, Stored, Written,
        fields::{
            net::Network,
            sealed::Sealed,
            text::{BackupTargetText, ClassicPassword, Name, OidcSecret, ShortText, SmtpUrl},
            time::UnixTime,
        },
        ids::Id,
        machine::settings::{Settings, SettingsChange},
        people::{api_key::ApiKeyChange, audit::MASK},
        record::{self, Source},
    },
    ops::{
        machine::settings,
        people::{
            api_keys::{self, Selector},
            whitelist,
        },
        random,
    },
    wire::page,
};

pub async fn get(mut call: Call) -> Result<Value> {
    call.finish()?;
    let found = call.ops.read(&call.actor, call.action, settings::get).await?;
    let mut row = without_id(&found);
    let masked = |sealed: &Sealed| Value::from(if sealed.is_none() { "" } else { MASK });
    show::put(&mut row, "metrics_allow", "classic_api_password", masked(&found.record.classic_api_password));
    show::put(&mut row, "mail_from", "smtp_url", masked(&found.record.smtp_url));
    show::put(&mut row, "backup_recipient", "backup_target", masked(&found.record.backup_target));
    show::put(&mut row, "oidc_claim", "oidc_client_secret", masked(&found.record.oidc_client_secret));
    Ok(json!({ "settings": row }))
}

pub async fn update(mut call: Call) -> Result<JsonObject> {
    let password = record::parse::<ClassicPassword>(&mut call.data, "classic_api_password")?;
    let smtp = unless_masked::<SmtpUrl>(&mut call, "smtp_url")?;
    let target = unless_masked::<BackupTargetText>(&mut call, "backup_target")?;
    let secret = record::parse::<OidcSecret>(&mut call.data, "oidc_client_secret")?;
    let mut change = call.change::<SettingsChange>()?;
    change.smtp_url = call.ops.seal_smtp_url(&smtp)?;
    change.backup_target = call.ops.seal_backup_target(&target)?;
    change.classic_api_password = call.ops.seal_classic_password(&password)?;
    change.oidc_client_secret = call.ops.seal_oidc_secret(&secret)?;
    call.write(move |act| {
        settings::update(act, change.clone())?;
        Ok(json!({ "modified_id": 1 }))
    })
    .await
}

/// A secret of `data` that is kept sealed; its mask stands for what is kept.
fn unless_masked<F: Field>(call: &mut Call, name: &'static str) -> Result<Given<F>> {
    Ok(match call.data.given(name, Kind::Text)? {
        Given::Value(Written::Text(text)) if text == MASK => Given::Absent,
        Given::Value(written) => Given::Value(F::parse(&written).map_err(|rule| Error::invalid(name, rule))?),
        Given::Absent => Given::Absent,
        Given::Empty => Given::Empty,
    })
}

pub async fn whitelist_add(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let address = address(&mut call)?;
    let note: Option<ShortText> = call.params.take("note")?;
    call.finish()?;
    call.write(move |act| {
        let id = whitelist::add(act, address, note.as_ref())?;
        Ok(json!({ "created_id": id, "address": address.to_string() }))
    })
    .await
}

pub async fn whitelist_remove(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let address = address(&mut call)?;
    call.finish()?;
    call.write(move |act| {
        let id = whitelist::remove(act, address)?;
        Ok(json!({ "deleted_id": id, "address": address.to_string() }))
    })
    .await
}

pub async fn whitelist_list(mut call: Call) -> Result<Value> {
    call.finish()?;
    let your_address = call.actor.address.map(|address| address.to_string());
    let entries = call.ops.read(&call.actor, call.action, whitelist::list).await?;
    let shown: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "id": entry.id,
                "address": entry.address.to_string(),
                "note": entry.note,
                "created_at": entry.created_at.seconds(),
            })
        })
        .collect();
    Ok(json!({ "total": shown.len(), "whitelist": shown, "your_address": your_address }))
}

pub async fn api_key_new(mut call: Call) -> Result<JsonObject> {
    let change = call.change::<ApiKeyChange>()?;
    // A list that is empty by mistake must not become the right to do everything.
    if change.scope == Given::Empty {
        return Err(Error::invalid("scope", "name one right at least; leave it out for full"));
    }
    let key = random::api_key()?;
    call.write(move |act| {
        let (id, stored) = api_keys::create(act, change.clone(), &key)?;
        Ok(json!({ "created_id": id.number(), "name": stored.name.as_str(), "api_key": key.reveal() }))
    })
    .await
}

pub async fn api_key_revoke(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let which = match (optional_id(&mut call)?, call.params.take::<Name>("name")?) {
        (Some(id), None) => Selector::Id(id),
        (None, Some(name)) => Selector::Name(name),
        (Some(_), Some(_)) => return Err(Refused::IdOrName.into()),
        (None, None) => Selector::Id(id(&mut call)?),
    };
    call.finish()?;
    call.write(move |act| Ok(json!({ "deleted_id": api_keys::revoke(act, &which)?.number() }))).await
}

pub async fn api_key_list(mut call: Call) -> Result<Value> {
    let page = page::read_window(&mut call.params)?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| api_keys::list(look, &page)).await?;
    Ok(show::page("api_keys", rows, |listed| {
        let mut row = show::row(&listed.key);
        show::put(&mut row, "created_at", "last_used_at", listed.last_used_at.map(UnixTime::seconds).into());
        Value::Object(row)
    }))
}

fn address(call: &mut Call) -> Result<Network> {
    let text: ShortText = call.params.require("address")?;
    Network::new(text.as_str()).map_err(|rule| Error::invalid("address", rule))
}

fn without_id(stored: &Stored<Settings>) -> Map<String, Value> {
    let mut row = show::row(stored);
    row.shift_remove("id");
    row
}
