//! `line/bulk` and `mag/bulk`: one change of many rows, previewed and then ordered.

use serde_json::{Map, Value, json};

use crate::{
    api::{call::Call, show},
    domain::{
        Change, Error, Given, JsonObject, Kind, Refused, Result,
        fields::{number::Position, text::ShortText, time::UnixTime},
        ids::{BatchId, PlanId, parse_id},
        kept_fields::Keeping,
        people::audit::Difference,
        record::Source,
        subscribers::{
            batch::{MatchedRow, Named, Which},
            bulk::{Bulk, Changes, Longer},
            listing::{Selection, State, Subscribed},
        },
    },
    ops::{
        clock,
        subscribers::{
            accounts::Table,
            batches,
            previews::{self, Previewed},
        },
    },
    wire::{
        fields::Fields,
        form::{self, Node},
        page,
    },
};

/// The states that a filter takes.
const STATES: [State; 5] = [State::Active, State::Expired, State::Disabled, State::Banned, State::Trial];
/// What is to happen to the rows.
const ACTIONS: &str = "update, extend or delete";
/// What a filter must have.
const BLANK: &str = "a condition, such as filter[reseller_id]=1; or leave it out";
/// What a filter is made of.
const COLUMNS: &str = "columns, such as filter[reseller_id]";

pub async fn bulk<S: Subscribed + Table>(mut call: Call) -> Result<JsonObject> {
    let preview = call.params.take::<BatchId>("preview_id")?.map(|id| id.0);
    let asked = asked::<S>(&mut call)?;
    call.finish()?;
    match (preview, asked) {
        (None, None) => Err(Error::Missing("action")),
        (Some(_), _) if call.dry_run => Err(Error::invalid("preview_id", "not together with dry_run")),
        (Some(id), asked) => {
            let seen = call.ops.seen_preview::<S>(&call.actor, id)?;
            if asked.is_some_and(|(_, edit)| edit != seen.edit) {
                return Err(Refused::NotPreviewed.into());
            }
            call.write(move |act| Ok(json!({ "batch_id": previews::order_seen::<S>(act, &seen)? }))).await
        }
        (None, Some((which, edit))) if call.dry_run => {
            let previewed = call.ops.preview_batch::<S>(&call.actor, which, edit, usize::MAX).await?;
            Ok(previewed_as::<S>(&previewed).into())
        }
        (None, Some((which, edit))) => {
            let matched = call.ops.matching::<S>(&call.actor, which, &edit).await?;
            // Not bound to what they were a moment ago: they match, and that is all.
            let matched: Vec<MatchedRow> = matched.into_iter().map(|(id, _)| (id, None)).collect();
            call.write(move |act| Ok(json!({ "batch_id": batches::order::<S>(act, &edit, &matched)? }))).await
        }
    }
}

/// Which rows, and what is to happen to them; nothing if nothing of it was sent.
fn asked<S: Subscribed>(call: &mut Call) -> Result<Option<(Which, Bulk)>> {
    let ids = ids(&mut call.params)?;
    let filter = call.params.raw("filter");
    let search = call.params.raw("search");
    let action = call.params.take::<ShortText>("action")?;
    let named = ids.is_some() || filter.is_some() || search.is_some();
    if !named && action.is_none() && call.data.is_empty() {
        return Ok(None);
    }
    let action = action.ok_or(Error::Missing("action"))?;
    if ids.is_some() && (filter.is_some() || search.is_some()) {
        return Err(Error::invalid("ids", "not together with filter or search"));
    }
    // Everything is never meant by leaving something out.
    if !named {
        return Err(Error::Missing("ids or filter"));
    }
    let which = which::<S>(ids.unwrap_or_default(), filter, search)?;
    let edit = edit::<S>(call, action.as_str())?;
    edit.check()?;
    Ok(Some((which, edit)))
}

fn ids(params: &mut Fields) -> Result<Option<Vec<i64>>> {
    let texts = match params.given("ids", Kind::List)? {
        Given::Absent => return Ok(None),
        Given::Empty => return Err(Error::Missing("ids")),
        Given::Value(texts) => texts,
    };
    let ids = texts.list().iter().map(|text| parse_id(text).map_err(|rule| Error::invalid("ids", rule)));
    let mut ids: Vec<i64> = ids.collect::<Result<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}

/// Every condition that is sent must be a real one: a blank one comes of a variable that was never filled, and would take
/// more rows than were matched.
fn which<S: Subscribed>(ids: Vec<i64>, filter: Option<Node>, search: Option<Node>) -> Result<Which> {
    let is_given = filter.is_some();
    if filter.as_ref().is_some_and(Node::is_blank) {
        return Err(Error::invalid("filter", BLANK));
    }
    let conditions = filter.map_or_else(|| Some(indexmap::IndexMap::new()), Node::into_fields);
    let mut conditions = conditions.ok_or(Error::invalid("filter", COLUMNS))?;
    if is_given && conditions.is_empty() {
        return Err(Error::invalid("filter", BLANK));
    }
    if let Some(search) = search
        && conditions.insert("search".to_owned(), search).is_some()
    {
        return Err(Error::invalid("search", "not together with filter[search]"));
    }
    if conditions.get("search").is_some_and(Node::is_blank) {
        return Err(Error::invalid("search", "a text to look for; or leave it out"));
    }
    if ids.is_empty() && conditions.is_empty() {
        return Err(Error::Missing("ids or filter"));
    }
    if let Some((name, _)) = conditions.iter().find(|(_, value)| value.is_blank()) {
        let rule = "is empty: give it a value (0 is none of a reference or a time), or leave it out";
        return Err(Error::invalid("filter", format!("{} {rule}", form::shown(name))));
    }
    let mut fields = Fields::new(conditions);
    let state = fields.take::<ShortText>("state")?.map(|text| {
        let state = STATES.into_iter().find(|state| state.name() == text.as_str());
        state.ok_or(Error::invalid("state", "active, expired, disabled, banned or trial"))
    });
    let (state, expires_before) = (state.transpose()?, fields.take::<UnixTime>("expires_before")?);
    let expires_after = fields.take::<UnixTime>("expires_after")?;
    let since = fields.take::<UnixTime>("changed_since")?;
    let mut page = page::read_filters(&mut fields, &S::columns())?;
    // Not as lists take it: there 0 is the beginning of a first synchronisation, which is everything.
    page.changed_since = since;
    fields.finish("")?;
    let selection = Selection { state, ..Selection::all(clock::now()) };
    Ok(Which { ids, page, selection, expires_before, expires_after })
}

fn edit<S: Subscribed>(call: &mut Call, action: &str) -> Result<Bulk> {
    match action {
        "update" => {
            let (add, remove) = (call.data.take("add_bouquet")?, call.data.take("remove_bouquet")?);
            let mut keeping = Keeping::of(&mut call.data);
            S::Change::read(&mut keeping)?;
            Ok(Bulk::Change(Changes { columns: keeping.kept, add, remove, ..Changes::default() }))
        }
        "extend" => {
            let days = call.data.take::<Position>("days")?.map(Position::get);
            let plan = call.data.take::<PlanId>("subscription_plan_id")?;
            let free = call.data.take("free")?.unwrap_or(false);
            let by = match (days, plan) {
                (Some(days), None) if (1..=3650).contains(&days) => Longer::Days(days),
                (Some(_), None) => return Err(Error::invalid("days", "a whole number from 1 to 3650")),
                (None, Some(plan)) => Longer::Plan(plan),
                (None, None) => Longer::OwnPlan,
                (Some(_), Some(_)) => {
                    return Err(Error::invalid("days", "not together with subscription_plan_id"));
                }
            };
            Ok(Bulk::Change(Changes { longer: Some(by), free, ..Changes::default() }))
        }
        "delete" => Ok(Bulk::Delete),
        _ => Err(Error::invalid("action", ACTIONS)),
    }
}

fn previewed_as<S: Subscribed>(previewed: &Previewed) -> Value {
    let rehearsed = &previewed.rehearsed;
    let sample = rehearsed.sample.iter().map(|(id, name, changes)| sampled::<S>(*id, name, changes));
    json!({
        "preview_id": previewed.id,
        "count": previewed.count,
        "credits": rehearsed.credits,
        "refused": named(S::NAME, &rehearsed.named),
        "refused_total": rehearsed.refused,
        "sample": sample.collect::<Vec<_>>(),
        "dry_run": true,
    })
}

/// Rows by id and what they are known by, each with the reason.
pub fn named(known_by: &str, rows: &[Named]) -> Vec<Value> {
    rows.iter().map(|row| json!({ "id": row.id, known_by: row.name, "why": row.why })).collect()
}

fn sampled<S: Subscribed>(id: i64, name: &str, changes: &Difference) -> Value {
    let (mut before, mut after) = (Map::new(), Map::new());
    for (column, old, new) in changes {
        before.insert((*column).into(), show::value(old.fact()));
        after.insert((*column).into(), show::value(new.fact()));
    }
    json!({ "id": id, S::NAME: name, "before": before, "after": after })
}
