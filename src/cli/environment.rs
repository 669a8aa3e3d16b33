//! What the environment says: the first administrator, the first key, and who may use it.

use super::output::say;
use crate::{
    domain::{
        Field, Rule, Written,
        fields::{net::Network, text::NewPassword},
        people::api_key::KeyText,
    },
    ops::{machine::first_start::Provided, random},
};

/// What the environment provides for the first start.
pub fn provided() -> Result<Provided, String> {
    let allow = variable("LINECARD_API_ALLOW").map(|list| {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(String::from);
        let entries: Vec<String> = entries.collect();
        if entries.is_empty() {
            return Err("it contains no address: nobody could call".into());
        }
        Vec::<Network>::parse(&Written::List(entries))
    });
    Ok(Provided {
        password: parsed("LINECARD_ADMIN_PASSWORD", NewPassword::new)?,
        api_key: parsed("LINECARD_API_KEY", KeyText::new)?,
        allow: allow.transpose().map_err(|rule| format!("LINECARD_API_ALLOW: {rule}"))?,
    })
}

/// The password of the environment, or a generated one to be shown.
pub fn password() -> Result<(NewPassword, Option<String>), String> {
    match parsed("LINECARD_ADMIN_PASSWORD", NewPassword::new)? {
        Some(password) => Ok((password, None)),
        None => random::password().map(|(password, text)| (password, Some(text))).map_err(say),
    }
}

fn parsed<T>(name: &str, parse: impl Fn(&str) -> Result<T, Rule>) -> Result<Option<T>, String> {
    variable(name).map(|text| parse(&text)).transpose().map_err(|rule| format!("{name}: {rule}"))
}

/// An empty variable is one that is not set, as for the arguments.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
