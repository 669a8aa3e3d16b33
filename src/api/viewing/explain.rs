//! `line/explain` and `mag/explain`: "Why can't this subscriber watch?"

use serde_json::{Value, json};

use super::connections;
use crate::{
    api::call::Call,
    domain::{
        Error, Result,
        fields::{container::Container, net::Address, text::ShortText, time::UnixTime},
        ids::{Id, StreamId},
        viewing::{title::Title, window::Window},
    },
    ops::{
        clock,
        viewing::{
            Subscriber,
            explain::{Explanation, Question},
        },
    },
};

/// Answers for the subscriber that the call names.
pub async fn answer(mut call: Call, who: Subscriber) -> Result<Value> {
    let question = question(&mut call)?;
    call.finish()?;
    let name = who.name.clone();
    let explanation = call.ops.explain(&call.actor, call.action, who, question).await?;
    Ok(shown(&name, &explanation))
}

fn question(call: &mut Call) -> Result<Question> {
    let stream: Option<StreamId> = call.params.take("stream_id")?;
    let at: Option<UnixTime> = call.params.take("at")?;
    let address: Option<Address> = call.params.take("address")?;
    let agent: Option<ShortText> = call.params.take("user_agent")?;
    let container: Option<ShortText> = call.params.take("output")?;
    let container =
        container.map(|name| Container::named(name.as_str()).ok_or(Error::invalid("output", "ts or hls")));
    Ok(Question {
        title: match (stream, at) {
            (Some(stream), Some(at)) => Some(Title::Archive(stream, Window::minute(at))),
            (None, Some(_)) => return Err(Error::Missing("stream_id")),
            (stream, None) => stream.map(Title::Live),
        },
        address: address.map(|address| address.0),
        agent: agent.map(|agent| agent.as_str().to_owned()),
        container: container.transpose()?,
    })
}

fn shown(name: &str, explanation: &Explanation) -> Value {
    let now = clock::now();
    let verdicts: Vec<Value> = explanation
        .verdicts
        .iter()
        .map(|verdict| json!({ "rule": verdict.rule.name(), "passes": verdict.passes, "words": verdict.words }))
        .collect();
    let refusals: Vec<Value> = explanation
        .refusals
        .iter()
        .map(|row| {
            json!({
                "at": row.at.seconds(),
                "kind": row.asked.as_ref().map(|(_, kind)| kind),
                "stream_id": row.asked.as_ref().map(|(stream, _)| stream.number()),
                "ip": row.address,
                "user_agent": row.user_agent,
                "reason": row.reason,
            })
        })
        .collect();
    let open: Vec<Value> = explanation.connections.iter().map(|open| connections::shown(open, now)).collect();
    json!({
        "subscriber": name,
        "may_watch": explanation.may_watch(),
        "verdicts": verdicts,
        "connections": open,
        "refusals": refusals,
    })
}
