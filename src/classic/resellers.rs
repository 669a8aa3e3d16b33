//! `action=reg_user`: resellers. Ids of `reg_user` and `member_id` are those of resellers.

use serde_json::{Value, json};

use super::{
    call::Call,
    reply::Answer,
    rows::{flag, text},
};
use crate::{
    domain::{
        Error, Field, Result, Written,
        fields::{credits::Movement, text::ShortText},
        ids::{Id, ResellerId},
        page::{Limit, Page, Start},
    },
    ops::people::resellers::{self, ResellerRow, Selector},
};

/// Every reseller, in the order of ids.
pub async fn list(call: Call) -> Result<Answer> {
    let mut shown = Vec::new();
    let mut page = Page { limit: Limit::MOST, ..Page::default() };
    loop {
        let wanted = page.clone();
        let read = call.ops.read(&call.actor, call.action, move |look| resellers::list(look, &wanted));
        let rows = read.await?.rows;
        let Some(last) = rows.last() else { break };
        page.start = Start::After(last.reseller.id.number());
        shown.extend(rows.iter().map(row));
    }
    Ok(Answer::Rows(shown.into()))
}

fn row(listed: &ResellerRow) -> Value {
    let email = listed.holdings.people.first().map_or("", |person| &person.email);
    json!({
        "id": text(listed.reseller.id.number()),
        "username": text(listed.reseller.record.name.as_str()),
        "email": text(email),
        "credits": text(listed.credits.get()),
        "status": flag(true),
        "date_registered": text(listed.reseller.created_at.seconds()),
    })
}

/// Adds credits, or takes them away.
pub async fn credits(mut call: Call) -> Result<Answer> {
    let id: ResellerId = call.params.require("id")?;
    let amount: ShortText = call.params.require("amount")?;
    let movement = Movement::parse(&Written::Text(whole(amount.as_str()).to_owned()));
    let movement = movement.map_err(|rule| Error::invalid("amount", rule))?;
    call.write(move |act| {
        resellers::add_credits(act, &Selector::Id(id), movement, None, None)?;
        Ok(Answer::done())
    })
    .await
}

/// Amounts there have decimals, as in `10.00`; of the amounts here they are all zeros.
fn whole(amount: &str) -> &str {
    match amount.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => amount,
    }
}
