//! `/api/events/...`

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    api::call::Call,
    domain::{
        Error, Field, Given, Kind, Result, Written, events::kinds::Pattern, fields::number::whole,
        page::Limit, record::Source,
    },
    ops::events::{follow::Wanted, shown},
};

/// A caller waits this many seconds at most.
const LONGEST: i64 = 30;

pub async fn list(mut call: Call) -> Result<Value> {
    let after =
        number(&mut call, "after", "a whole number from 0", |number| (number >= 0).then_some(number))?;
    let limit = number(&mut call, "limit", "a whole number from 1 to 1000", Limit::new)?;
    let types = types(&mut call)?;
    let wait = number(&mut call, "wait", "a whole number of seconds from 0 to 30", |seconds| {
        (0..=LONGEST).contains(&seconds).then_some(seconds)
    })?;
    call.finish()?;
    let wait = Duration::from_secs(wait.unwrap_or(0).unsigned_abs());
    let wanted = Wanted { after: after.unwrap_or(0), limit: limit.unwrap_or_default(), types, wait };
    let part = call.ops.follow_events(&call.actor, call.action, wanted).await?;
    let has_more = part.has_more();
    Ok(json!({
        "log_id": part.log.log_id,
        "events": part.events.iter().map(shown::value).collect::<Vec<_>>(),
        "last_id": part.last_id,
        "oldest_id": part.log.oldest,
        "has_more": has_more,
    }))
}

/// A list, or texts with commas.
fn types(call: &mut Call) -> Result<Vec<Pattern>> {
    let written = match call.params.given("types", Kind::List)? {
        Given::Value(written) => written,
        Given::Absent | Given::Empty => return Ok(Vec::new()),
    };
    let split = written.list().iter().flat_map(|text| text.split(',')).map(str::to_owned);
    Vec::<Pattern>::parse(&Written::List(split.collect())).map_err(|rule| Error::invalid("types", rule))
}

fn number<T>(
    call: &mut Call,
    name: &'static str,
    rule: &'static str,
    of: impl Fn(i64) -> Option<T>,
) -> Result<Option<T>> {
    match call.params.given(name, Kind::Number)? {
        Given::Value(written) => {
            let number = written.text().ok().and_then(whole).and_then(of);
            number.map(Some).ok_or(Error::invalid(name, rule))
        }
        Given::Absent | Given::Empty => Ok(None),
    }
}
