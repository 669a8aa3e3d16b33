//! What an act tells: one event for each change of a row, and one more for each thing that it means.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::{
    domain::{
        Fact, Resource, Result,
        events::meaning,
        fields::time::UnixTime,
        ids::{Id, ResellerId},
        people::{actor::Actor, audit::LONG},
    },
    ops::Act,
    store::{
        Table, Write,
        events::{ends::Watch, log::EventRow},
    },
};

/// A column that is longer, as JSON, is left out and named instead.
const LONGEST: usize = 1_000;

/// A column as it stands in the audit trail, and what that was made of.
pub(in crate::ops) struct ToldColumn<'f> {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub fact: &'f Fact,
    /// As JSON in the audit trail.
    pub text: String,
}

/// Something that happened beside the change of a row.
pub(in crate::ops) struct Event<'a> {
    /// Its type.
    pub kind: &'a str,
    /// What it is about.
    pub resource: Resource,
    /// Which of them.
    pub id: Option<i64>,
    /// The name of that.
    pub key: &'a str,
    /// How it was, as a JSON object.
    pub before: Value,
    /// How it is, as a JSON object.
    pub after: Value,
}

impl Act<'_> {
    /// Tells of a row that was created, updated or deleted; `texts` are the columns as the audit trail has them.
    pub(in crate::ops) fn tell<R: Table>(
        &self,
        change: &str,
        id: R::Id,
        facts: &[(&'static str, Fact)],
        (before, after): (&[ToldColumn<'_>], &[ToldColumn<'_>]),
        texts: (&str, &str),
    ) -> Result<()> {
        let object = object::<R>();
        // Settings are there from the first start on, and nobody creates them.
        if self.tells_nothing() || (object == "settings" && change != "updated") {
            return Ok(());
        }
        let mut omitted = Vec::new();
        let data = data(before, after, texts, &mut omitted);
        let text = |name: &str| match facts.iter().find(|(known, _)| *known == name) {
            Some((_, Fact::Text(text))) => Some(text.as_str()),
            _ => None,
        };
        let key = match facts.first() {
            Some((_, Fact::Text(text))) => text.as_str(),
            _ => "",
        };
        let row = EventRow {
            kind: &format!("{object}.{change}"),
            at: self.now,
            resource: R::RESOURCE.name(),
            id: Some(id.number()),
            key,
            reference: text("reference").filter(|reference| !reference.is_empty()),
            reseller: reseller::<R>(id, facts, change == "updated" && moves(before, after)),
            actor: &actor(self.actor),
            data: &data,
            omitted: &if omitted.is_empty() {
                Cow::Borrowed("[]")
            } else {
                json!(omitted).to_string().into()
            },
        };
        self.tx.log_event(&row)?;
        if change != "deleted" {
            self.tell_end(&row, before, after)?;
        }
        if change != "updated" {
            return Ok(());
        }
        let facts = |columns: &[ToldColumn<'_>]| -> Vec<(&'static str, Fact)> {
            columns.iter().map(|column| (column.name, column.fact.clone())).collect()
        };
        for (what, column) in meaning::of(R::RESOURCE, &facts(before), &facts(after)) {
            let part = |columns: &[ToldColumn<'_>]| {
                let of = columns.iter().find(|told| told.name == column);
                of.map_or_else(|| "{}".into(), |told| format!("{{\"{column}\":{}}}", told.text))
            };
            let data = format!("{{\"before\":{},\"after\":{}}}", part(before), part(after));
            let kind = format!("{object}.{what}");
            self.tx.log_event(&EventRow { kind: &kind, data: &data, omitted: "[]", ..row })?;
        }
        Ok(())
    }

    /// Tells of an end that was set into what time has been told of already: time passes no moment twice. Others come with time.
    fn tell_end(
        &self,
        row: &EventRow<'_>,
        before: &[ToldColumn<'_>],
        after: &[ToldColumn<'_>],
    ) -> Result<()> {
        let resource = [Resource::Line, Resource::Mag].into_iter().find(|known| known.name() == row.resource);
        let end =
            |columns: &[ToldColumn<'_>]| match columns.iter().find(|told| told.name == "expire_date")?.fact {
                Fact::Number(end) => Some((*end, row.id.unwrap_or_default())),
                _ => None,
            };
        let past = end(after).filter(|(end, _)| *end <= self.now.seconds());
        let (Some(resource), Some(is)) = (resource, past) else { return Ok(()) };
        let Some(told) = self.tx.ends_told(Watch { resource, days: 0 })? else { return Ok(()) };
        if is > told || end(before).is_some_and(|was| was <= told) {
            return Ok(());
        }
        let kind = format!("{}.expired", resource.singular());
        let data = json!({ "before": {}, "after": { "expire_date": is.0 } }).to_string();
        self.tx.log_event(&EventRow { kind: &kind, data: &data, omitted: "[]", ..*row })
    }

    /// Tells of something else.
    pub(in crate::ops) fn tell_event(&self, event: &Event<'_>) -> Result<()> {
        tell(self.tx, self.actor, self.now, event)
    }

    /// Tells that a reseller's balance has moved, and whether one of the plans that resellers sell has become too dear.
    pub(in crate::ops) fn tell_credits(
        &self,
        id: ResellerId,
        name: &str,
        before: i64,
        after: i64,
    ) -> Result<()> {
        if self.tells_nothing() {
            return Ok(());
        }
        let event = Event {
            kind: "reseller.credits",
            resource: Resource::Resellers,
            id: Some(id.number()),
            key: name,
            before: json!({ "credits": before }),
            after: json!({ "credits": after }),
        };
        self.tell_event(&event)?;
        if after >= before {
            return Ok(());
        }
        let dearest = self.tx.dearest_plan()?;
        if before >= dearest && after < dearest {
            let after = json!({ "credits": after, "dearest_plan": dearest });
            self.tell_event(&Event { kind: "reseller.credits_low", after, ..event })?;
        }
        Ok(())
    }

    fn tells_nothing(&self) -> bool {
        self.settings.event_retention_days.get() == 0
    }
}

/// Tells of something that happened.
pub(in crate::ops) fn tell(tx: &Write<'_>, by: &Actor, at: UnixTime, event: &Event<'_>) -> Result<()> {
    let reseller = event.id.filter(|_| event.resource == Resource::Resellers).map(ResellerId);
    tell_of(tx, by, at, event, (None, reseller))
}

/// The same, of something that may have the caller's own number, and belong to a reseller.
pub(super) fn tell_of(
    tx: &Write<'_>,
    by: &Actor,
    at: UnixTime,
    event: &Event<'_>,
    (reference, reseller): (Option<&str>, Option<ResellerId>),
) -> Result<()> {
    if tx.snapshot().settings.event_retention_days.get() == 0 {
        return Ok(());
    }
    tx.log_event(&EventRow {
        kind: event.kind,
        at,
        resource: event.resource.name(),
        id: event.id,
        key: event.key,
        reference,
        reseller,
        actor: &actor(by),
        data: &json!({ "before": event.before, "after": event.after }).to_string(),
        omitted: "[]",
    })
}

/// The reseller whose row it is; of one that goes from one to another neither is told of what the other had.
fn reseller<R: Table>(id: R::Id, facts: &[(&'static str, Fact)], moves: bool) -> Option<ResellerId> {
    match R::RESOURCE {
        Resource::Resellers => Some(ResellerId(id.number())),
        Resource::Line | Resource::Mag if !moves => {
            facts.iter().find_map(|(name, fact)| match (*name, fact) {
                ("reseller_id", Fact::Number(id)) => Some(ResellerId(*id)),
                _ => None,
            })
        }
        _ => None,
    }
}

fn moves(before: &[ToldColumn<'_>], after: &[ToldColumn<'_>]) -> bool {
    before.iter().chain(after).any(|told| told.name == "reseller_id")
}

/// What the types of the events of a table's rows begin with.
fn object<R: Table>() -> &'static str {
    // They are a part of the settings, by their rights.
    if R::TABLE == "api_keys" { "api_key" } else { R::RESOURCE.singular() }
}

/// Who did it, as events name him: `api_key:billing`, `linecard`.
pub(in crate::ops) fn actor(actor: &Actor) -> Cow<'_, str> {
    match actor.kind() {
        kind @ ("linecard" | "command_line") => kind.into(),
        kind => format!("{kind}:{}", actor.name()).into(),
    }
}

/// A column as it stands in an event; none if it is too long.
fn shown<'t>(told: &'t ToldColumn<'_>) -> Option<Cow<'t, str>> {
    match told.fact {
        // The audit trail has it in words.
        Fact::Ids(ids) if ids.len() > LONG => {
            let list = (ids.len() <= LONGEST / 2).then(|| json!(ids).to_string())?;
            (list.len() <= LONGEST).then_some(list.into())
        }
        _ => (told.text.len() <= LONGEST).then_some(Cow::Borrowed(told.text.as_str())),
    }
}

/// The columns before and after as JSON; those that are too long are left out on both sides and named.
fn data(
    before: &[ToldColumn<'_>],
    after: &[ToldColumn<'_>],
    texts: (&str, &str),
    omitted: &mut Vec<&'static str>,
) -> String {
    let is_plain = |told: &ToldColumn<'_>| matches!(shown(told), Some(Cow::Borrowed(_)));
    if before.iter().chain(after).all(is_plain) {
        return format!("{{\"before\":{},\"after\":{}}}", texts.0, texts.1);
    }
    for told in before.iter().chain(after) {
        if shown(told).is_none() && !omitted.contains(&told.name) {
            omitted.push(told.name);
        }
    }
    let object = |columns: &[ToldColumn<'_>]| {
        let kept = columns.iter().filter(|told| !omitted.contains(&told.name));
        let kept: Vec<String> = kept
            .map(|told| format!("\"{}\":{}", told.name, shown(told).unwrap_or(Cow::Borrowed("null"))))
            .collect();
        kept.join(",")
    };
    format!("{{\"before\":{{{}}},\"after\":{{{}}}}}", object(before), object(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_columns_are_named_instead_on_both_sides() {
        let notes = |text: &str| Fact::Text(text.into());
        let ids = |count: i64| Fact::Ids((1_000..1_000 + count).collect());
        let (short, long, few, many) = (notes("a"), notes(&"x".repeat(999)), ids(150), ids(201));
        let told = |name, fact, text: &str| ToldColumn { name, fact, text: text.into() };
        let before = [told("notes", &short, "\"a\""), told("streams", &few, "\"150 entries\"")];
        let long_text = json!("x".repeat(999)).to_string();
        let after = [told("notes", &long, &long_text), told("streams", &few, "\"150 entries\"")];
        let mut omitted = Vec::new();
        let made = data(&before, &after, ("", ""), &mut omitted);
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!(omitted, ["notes"]);
        assert_eq!(made["before"]["streams"].as_array().map(Vec::len), Some(150));
        assert!(made["before"].get("notes").is_none() && made["after"].get("notes").is_none());

        let mut omitted = Vec::new();
        data(&[], &[told("streams", &many, "\"201 entries\"")], ("", ""), &mut omitted);
        assert_eq!(omitted, ["streams"]);
        let mut none = Vec::new();
        let made = data(&[], &before[..1], ("{}", "{\"notes\":\"a\"}"), &mut none);
        assert_eq!(made, "{\"before\":{},\"after\":{\"notes\":\"a\"}}");
        assert!(none.is_empty());
    }
}
