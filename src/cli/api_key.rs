//! `api-key`: making, listing and revoking keys of the Server API.

use super::{
    ApiKeyCommand,
    folder::{open, open_existing},
    output::{moment, print, say},
};
use crate::{
    domain::{
        Given,
        fields::{text::Name, time::Expiry},
        ids::{ApiKeyId, Id, parse_id},
        page::{Limit, Page},
        people::{actor::Actor, api_key::ApiKeyChange},
    },
    ops::{people::api_keys, random},
};

/// Runs it; an error is a sentence for the operator.
pub async fn run(command: ApiKeyCommand) -> Result<(), String> {
    match command {
        ApiKeyCommand::Create { data, name, scope, address, expires_at, reseller } => {
            let ops = open(&data).await?;
            let key = random::api_key().map_err(say)?;
            let secret = key.clone();
            let change = ApiKeyChange {
                name: Given::Value(name),
                scope: if scope.is_empty() { Given::Absent } else { Given::Value(scope) },
                addresses: Given::Value(address),
                expires_at: Given::Value(Expiry(expires_at)),
                reseller_id: Given::Value(reseller),
                ..ApiKeyChange::default()
            };
            let done = ops.write(Actor::COMMAND_LINE, api_keys::CREATE, move |act| {
                api_keys::create(act, change.clone(), &key)
            });
            done.await.map_err(say)?;
            ops.close();
            print(secret.reveal())
        }
        ApiKeyCommand::List { data } => {
            let ops = open_existing(&data).await?;
            let all = Page { limit: Limit::MOST, ..Page::default() };
            let read = ops
                .read(&Actor::COMMAND_LINE, api_keys::CREATE, move |look| api_keys::list(look, &all))
                .await;
            print("id\tname\tscope\taddresses\texpires_at\tlast_used_at\treseller_id")?;
            for api_keys::ApiKeyRow { key, last_used_at } in read.map_err(say)?.rows {
                let scope: Vec<String> = key.record.scope.iter().map(ToString::to_string).collect();
                let addresses: Vec<String> = key.record.addresses.iter().map(ToString::to_string).collect();
                let (id, name) = (key.id.number(), key.record.name.as_str());
                let (ends, used) = (moment(key.record.expires_at.0), moment(last_used_at));
                let reseller = key.record.reseller_id.map_or_else(String::new, |id| id.number().to_string());
                print(&format!(
                    "{id}\t{name}\t{}\t{}\t{ends}\t{used}\t{reseller}",
                    scope.join(","),
                    addresses.join(",")
                ))?;
            }
            ops.close();
            Ok(())
        }
        ApiKeyCommand::Revoke { data, key } => {
            let ops = open_existing(&data).await?;
            let which = match parse_id(&key) {
                Ok(id) => api_keys::Selector::Id(ApiKeyId(id)),
                Err(_) => api_keys::Selector::Name(Name::new(&key).map_err(|rule| rule.to_string())?),
            };
            let done =
                ops.write(Actor::COMMAND_LINE, api_keys::REVOKE, move |act| api_keys::revoke(act, &which));
            let id = done.await.map_err(say)?;
            ops.close();
            print(&format!("revoked key {}", id.number()))
        }
    }
}
