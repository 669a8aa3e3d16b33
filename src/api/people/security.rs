//! `/api/security/...`: how much guessing is let pass, who has guessed, and letting somebody in again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    api::call::Call,
    domain::{
        Error, JsonObject, Result,
        fields::text::ShortText,
        page::Start,
        people::lockout::{Limits, Offender, Tally},
    },
    ops::{clock, people::lockouts::Face},
    wire::page,
};

#[allow(clippy::unused_async, reason = "every handler is a future")]
pub async fn blocks(mut call: Call) -> Result<Value> {
    let page = page::read_window(&mut call.params)?;
    let Start::Offset(offset) = page.start else {
        return Err(Error::invalid("after", "not here, because blocks have no ids: send offset"));
    };
    call.finish()?;
    let limits = Face::ALL.map(|face| limits(face, call.ops.lockouts.limits(face)));
    let tallies = Face::ALL.into_iter().flat_map(|face| {
        let tallies = call.ops.lockouts.tallies(face);
        tallies.into_iter().map(move |tally| (face, tally))
    });
    let all: Vec<(Face, Tally)> = tallies.collect();
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let shown = all.iter().skip(skipped).take(page.limit.rows().into());
    let blocks: Vec<Value> = shown.map(|(face, tally)| block(*face, tally)).collect();
    Ok(json!({ "limits": limits, "total": all.len(), "blocks": blocks }))
}

pub async fn unblock(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let address = call.params.take::<ShortText>("address")?;
    let name = call.params.take::<ShortText>("username")?;
    let offender: Offender = match (&address, &name) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid("username", "not together with address: send one of them"));
        }
        (Some(address), None) => {
            let offender = Offender::from_address(address.as_str());
            offender.ok_or_else(|| Error::invalid("address", "an IPv4 or IPv6 address"))?
        }
        (None, Some(name)) => name.as_str().into(),
        (None, None) => return Err(Error::Missing("address")),
    };
    call.finish()?;
    let ops = call.ops.clone();
    call.write(move |act| {
        ops.lockouts.unblock(act, &offender)?;
        Ok(match &offender {
            Offender::Address(_) | Offender::Network(..) => {
                json!({ "address": address.as_ref().map(ShortText::as_str) })
            }
            Offender::Name(name) => json!({ "username": name }),
        })
    })
    .await
}

/// The names are those of General Settings, where there are some.
fn limits(face: Face, limits: Limits) -> Value {
    json!({
        "face": face.name(),
        "failure_limit": limits.most,
        "failure_window": limits.window.as_secs(),
        "block_seconds": limits.block.as_secs(),
    })
}

fn block(face: Face, tally: &Tally) -> Value {
    let left = tally.blocked.map(seconds_up);
    let (address, username) = match &tally.offender {
        offender @ (Offender::Address(_) | Offender::Network(..)) => (Some(offender.to_string()), None),
        Offender::Name(name) => (None, Some(name)),
    };
    json!({
        "face": face.name(),
        "address": address,
        "username": username,
        "failures": tally.failures,
        "blocked": u8::from(left.is_some()),
        "seconds_left": left.unwrap_or(0),
        "blocked_until": left.map(|left| clock::now().seconds().saturating_add_unsigned(left)),
    })
}

/// Whoever waits that many whole seconds has waited long enough.
fn seconds_up(left: Duration) -> u64 {
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}
