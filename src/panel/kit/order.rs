//! The page where bouquets, categories or plans are put into order.

use actix_web::{HttpResponse, http::StatusCode};

use crate::{
    domain::{Error, Result, ids::Id, people::rights::Access},
    ops::{
        channels::order::{self, Ordered},
        managed,
    },
    panel::kit::{
        caller::{Caller, action, anew, done, done_as},
        error::Reply,
        form::{Choice, Form, Input, Widget},
        ordered,
        pages::FormPage,
        records::Shown,
        sent::{Query, Sent},
    },
    wire::form::Node,
};

/// Shows the order as it is.
pub async fn ask<R: Shown + Ordered>(caller: Caller, query: Query) -> Reply {
    caller.actor().may(R::RESOURCE, Access::Write)?;
    let form = blank::<R>(&caller).await?.1.turned(query.text("from"));
    Ok(page::<R>(&caller, StatusCode::OK, form))
}

/// Puts them into the order that was sent.
pub async fn put<R: Shown + Ordered>(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(R::RESOURCE, Access::Write)?;
    anew(async || put_once::<R>(&caller, &sent).await).await
}

async fn put_once<R: Shown + Ordered>(caller: &Caller, sent: &Sent) -> Reply {
    let (seen, mut form) = blank::<R>(caller).await?;
    let ordered = form.take(sent).shift_remove("order");
    if form.is_wrong() {
        return Ok(page::<R>(caller, form.status(), form));
    }
    let ids = match ordered {
        Some(Node::Map(map)) => map.into_values(),
        _ if sent.0.contains_key("order") => {
            let text = format!("{} keep their order.", R::MANY);
            return Ok(done(&format!("/panel/{}", R::PATH), &text));
        }
        _ => return Err(Error::Missing("order").into()),
    };
    let ids = ids.filter_map(|node| if let Node::Text(text) = node { Some(text) } else { None });
    let ids = ids.map(|text| crate::domain::ids::parse_id(&text).map(R::Id::of));
    let put = match ids.collect::<Result<Vec<_>, _>>() {
        Ok(ids) => {
            let job = move |act: &crate::ops::Act<'_>| order::order::<R>(act, &seen, &ids);
            caller.ops.write(caller.actor().clone(), action(R::RESOURCE, "update"), job).await
        }
        Err(rule) => Err(Error::invalid("order", rule)),
    };
    match put {
        Ok(batch) => {
            let told = format!("{} are in the new order.", R::MANY);
            Ok(done_as(batch, &format!("/panel/{}", R::PATH), &told))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(page::<R>(caller, status, form))
        }
    }
}

/// The form, and the order that it shows.
async fn blank<R: Shown + Ordered>(caller: &Caller) -> Result<(Vec<R::Id>, Form)> {
    let list = action(R::RESOURCE, "list");
    let rows =
        caller.ops.read(caller.actor(), list, move |look| managed::list_in_order::<R>(look, None)).await?;
    let names: Vec<Choice> = rows.iter().map(|row| Choice::new(row.id.number(), row.record.name())).collect();
    let list = ordered::Ordered::every(names);
    let input = Input::new("order", R::MANY, Widget::Ordered(list))
        .help("One per line; the first comes first in players and in every list of choices.");
    let list = format!("/panel/{}", R::PATH);
    let zone = caller.ops.snapshot().settings.time_zone.clone();
    let form = Form::new(format!("{list}/order"), "Save this order", &zone);
    Ok((rows.iter().map(|row| row.id).collect(), form.section("", vec![input]).cancel(list)))
}

fn page<R: Shown>(caller: &Caller, status: StatusCode, form: Form) -> HttpResponse {
    caller.page_with(
        status,
        &FormPage { frame: caller.frame(format!("Order of {}", R::MANY.to_lowercase())), form },
    )
}
