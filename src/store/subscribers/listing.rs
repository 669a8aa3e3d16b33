//! Lists of lines and MAGs that cost the same whether there are a thousand or a million.
//!
//! If one of the choices leaves few rows, and an index tells so, these are read and sorted. Else the list
//! is walked in its order along the index of that order until the page is full; whatever is rarer than
//! that has an index of its own.

use rusqlite::{OptionalExtension, Row, params_from_iter, types::Value};

use super::selection::{Condition, END, conditions, end_between, joined, pattern};
use crate::{
    domain::{
        Fact, Result, Stored,
        ids::{Id, ResellerId},
        subscribers::listing::{Cursor, Found, Listing, Order, Selection, State, Subscribed, Total, Turn},
    },
    store::{Read, Table},
};

/// This many rows are read and sorted at once.
const FEW: usize = 10_000;
/// This many rows are looked through for one page.
const LOOKED: usize = 20_000;
/// Where few rows are found: as `FROM` says it.
struct Few {
    from: String,
    ids: Option<Condition>,
}

impl Read<'_> {
    /// A page of lines or MAGs.
    pub fn subscribers<S: Subscribed + Table>(&self, listing: &Listing) -> Result<Found<S>> {
        let conditions = conditions::<S>(&listing.selection);
        let (few, counted) = self.few::<S>(&listing.selection, &conditions)?;
        match few {
            Some(few) => self.sorted(listing, &conditions, few),
            None if conditions.is_empty() => {
                self.walk(listing, &conditions, Total::Exact(self.rows_of(S::TABLE)?))
            }
            None => {
                let total =
                    if conditions.len() == 1 && counted { Total::Over(count(FEW)) } else { Total::Unknown };
                self.walk(listing, &conditions, total)
            }
        }
    }

    /// The reseller to whom a line or MAG belongs; `None` also if there is no such row.
    pub fn owner<S: Subscribed + Table>(&self, id: S::Id) -> Result<Option<ResellerId>> {
        let sql = format!("SELECT reseller_id FROM {} WHERE id = ?", S::TABLE);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let owner = statement.query_row([id.number()], |row| row.get::<_, Option<i64>>(0)).optional()?;
        Ok(owner.flatten().map(ResellerId))
    }

    /// The choice that leaves few rows, if one does; and whether any could tell how many it leaves.
    fn few<S: Subscribed + Table>(
        &self,
        selection: &Selection,
        conditions: &[Condition],
    ) -> Result<(Option<Few>, bool)> {
        let table = S::TABLE;
        let mut counted = false;
        for Condition { sql, params, index } in conditions {
            let Some(index) = index else { continue };
            let from = format!("{table} INDEXED BY {index}");
            let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} WHERE {sql} LIMIT {})", FEW + 1);
            let rows: i64 =
                self.conn.prepare_cached(&sql)?.query_row(params_from_iter(params), |row| row.get(0))?;
            if rows <= count(FEW) {
                return Ok((Some(Few { from, ids: None }), true));
            }
            counted = true;
        }
        let ids = match (&selection.search, selection.state) {
            (_, Some(State::Watching)) => Some(selection.watching.clone()),
            (Some(text), _) => self.searched::<S>(text)?,
            _ => None,
        };
        let few = ids.map(|ids| {
            let ids = serde_json::to_string(&ids).unwrap_or_default();
            let ids = Condition::new("id IN (SELECT value FROM json_each(?))", vec![ids.into()]);
            Few { from: format!("{table} NOT INDEXED"), ids: Some(ids) }
        });
        Ok((few, counted || selection.search.is_some()))
    }

    /// The rows with a text in name, reference, e-mail address or notes, found in their indexes alone; `None` if
    /// there are many.
    fn searched<S: Subscribed + Table>(&self, text: &str) -> Result<Option<Vec<i64>>> {
        let (table, name) = (S::TABLE, S::NAME);
        let most = FEW + 1;
        let filled = |column| {
            let matching = format!("{column} <> '' AND {column} LIKE ? ESCAPE '\\'");
            (format!("{table}_{column}"), matching, pattern(text))
        };
        let places = [
            (name_index::<S>(), format!("{name} LIKE ? ESCAPE '\\'"), pattern(&S::looked_for(text))),
            filled("reference"),
            filled("email"),
            filled("notes"),
        ];
        let mut found = std::collections::BTreeSet::new();
        for (index, matching, pattern) in places {
            let sql = format!("SELECT id FROM {table} INDEXED BY {index} WHERE {matching} LIMIT {most}");
            let mut statement = self.conn.prepare_cached(&sql)?;
            for id in statement.query_map([pattern], |row| row.get::<_, i64>(0))? {
                found.insert(id?);
            }
            if found.len() > FEW {
                return Ok(None);
            }
        }
        Ok(Some(found.into_iter().collect()))
    }

    /// A page of few rows: all are read, sorted and counted.
    fn sorted<S: Subscribed + Table>(
        &self,
        listing: &Listing,
        conditions: &[Condition],
        few: Few,
    ) -> Result<Found<S>> {
        let key = key::<S>(listing.order);
        let (mut matching, mut params) = joined(conditions);
        if let Some(ids) = few.ids {
            matching = format!("{matching} AND {}", ids.sql);
            params.extend(ids.params);
        }
        let place = match &listing.turn {
            Turn::First => None,
            Turn::After(place) | Turn::Before(place) => Some(place),
        };
        let (at, id) = place.map_or((Value::Null, Value::Null), |place| (value(&place.key), place.id.into()));
        // On which side of the place a row stands is SQLite's to say: it knows the collation.
        let sql = format!(
            "SELECT {key}, id, CASE WHEN {key} > ?1 OR ({key} = ?1 AND id > ?2) THEN 1 \
             WHEN {key} = ?1 AND id = ?2 THEN 0 ELSE -1 END FROM {} WHERE {matching} ORDER BY {key}, id",
            few.from
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter([at, id].into_iter().chain(params)))?;
        let mut all: Vec<(Cursor, i64)> = Vec::new();
        while let Some(row) = found.next()? {
            let side: i64 = row.get(2)?;
            all.push((place_of(row)?, if listing.descending { -side } else { side }));
        }
        if listing.descending {
            all.reverse();
        }
        let rows = usize::from(listing.limit.rows());
        let begin = match listing.turn {
            Turn::First => 0,
            Turn::After(_) => all.partition_point(|(_, side)| *side <= 0),
            Turn::Before(_) => all.partition_point(|(_, side)| *side < 0).saturating_sub(rows),
        };
        let end = (begin + rows).min(all.len());
        let page = all.get(begin..end).unwrap_or_default();
        Ok(Found {
            rows: self.rows_at(page.iter().map(|(place, _)| place))?,
            total: Total::Exact(count(all.len())),
            previous: page.first().filter(|_| begin > 0).map(|(place, _)| place.clone()),
            next: page.last().filter(|_| end < all.len()).map(|(place, _)| place.clone()),
            looked: None,
        })
    }

    /// A page of many rows: the list is followed along the index of its order.
    fn walk<S: Subscribed + Table>(
        &self,
        listing: &Listing,
        conditions: &[Condition],
        total: Total,
    ) -> Result<Found<S>> {
        let backwards = matches!(listing.turn, Turn::Before(_));
        let most = usize::from(listing.limit.rows());
        let (mut places, stopped) =
            self.walked::<S>(listing, conditions, backwards != listing.descending, most + 1)?;
        let more = places.len() > most;
        places.truncate(most);
        if backwards && !more && stopped.is_none() {
            let first = Listing { turn: Turn::First, ..listing.clone() };
            return self.walk(&first, conditions, total);
        }
        // Where it goes on: after the last row shown, or where looking ended.
        let onward = if more { places.last().cloned() } else { stopped.clone() };
        if backwards {
            places.reverse();
        }
        let (first, last) = (places.first().cloned(), places.last().cloned());
        let (previous, next) = match &listing.turn {
            Turn::First => (None, onward),
            Turn::After(place) => (first.or_else(|| Some(place.clone())), onward),
            Turn::Before(place) => (onward, last.or_else(|| Some(place.clone()))),
        };
        let looked = stopped.filter(|_| !more).map(|_| LOOKED);
        Ok(Found { rows: self.rows_at(places.iter())?, total, previous, next, looked })
    }

    /// The first `most` matching places from where the page begins, and where looking ended early.
    fn walked<S: Subscribed + Table>(
        &self,
        listing: &Listing,
        conditions: &[Condition],
        descending: bool,
        most: usize,
    ) -> Result<(Vec<Cursor>, Option<Cursor>)> {
        let (matching, params) = joined(conditions);
        let (key, from) = (key::<S>(listing.order), walked_from::<S>(listing.order));
        let (compared, direction) = if descending { ("<", "DESC") } else { (">", "ASC") };
        let mut places = Vec::new();
        let mut looked = 0;
        for (piece, piece_params) in pieces(listing, &key, compared) {
            let sql = format!(
                "SELECT {key}, id, ({matching}) IS TRUE FROM {from} WHERE {piece} ORDER BY {key} {direction}, id {direction}"
            );
            let mut statement = self.conn.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(params.iter().cloned().chain(piece_params)))?;
            while let Some(row) = rows.next()? {
                looked += 1;
                if row.get(2)? {
                    places.push(place_of(row)?);
                }
                if places.len() == most {
                    return Ok((places, None));
                }
                if looked == LOOKED {
                    return Ok((places, Some(place_of(row)?)));
                }
            }
        }
        Ok((places, None))
    }

    fn rows_at<'p, S: Subscribed + Table>(
        &self,
        places: impl Iterator<Item = &'p Cursor>,
    ) -> Result<Vec<Stored<S>>> {
        let mut rows = Vec::new();
        for place in places {
            rows.extend(self.by_id::<S>(S::Id::of(place.id))?);
        }
        Ok(rows)
    }
}

/// The parts of an index that a walk follows one after another. Rows of the same key are in the order of
/// ids, which an index knows for one key only.
fn pieces(listing: &Listing, key: &str, compared: &str) -> Vec<(String, Vec<Value>)> {
    let (range, bounds) = match (listing.order, listing.selection.state) {
        (Order::End, Some(state)) => end_between(state, listing.selection.now.seconds()),
        _ => ("TRUE".into(), Vec::new()),
    };
    let (Turn::After(place) | Turn::Before(place)) = &listing.turn else { return vec![(range, bounds)] };
    let at = value(&place.key);
    let beyond = (format!("{key} {compared} ? AND {range}"), [vec![at.clone()], bounds].concat());
    match listing.order {
        Order::Name | Order::Created => vec![beyond],
        Order::End | Order::Changed => {
            vec![(format!("{key} = ? AND id {compared} ?"), vec![at, place.id.into()]), beyond]
        }
    }
}

fn key<S: Subscribed>(order: Order) -> String {
    match order {
        Order::Name => S::NAME.into(),
        Order::End => END.into(),
        Order::Created => "id".into(),
        Order::Changed => "updated_at".into(),
    }
}

/// The table in that order.
fn walked_from<S: Subscribed + Table>(order: Order) -> String {
    let table = S::TABLE;
    match order {
        Order::Name => format!("{table} INDEXED BY {}", name_index::<S>()),
        Order::End => format!("{table} INDEXED BY {table}_end"),
        Order::Created => format!("{table} NOT INDEXED"),
        Order::Changed => format!("{table} INDEXED BY {table}_updated_at"),
    }
}

/// SQLite makes the index of the only UNIQUE column itself.
fn name_index<S: Table>() -> String {
    format!("sqlite_autoindex_{}_1", S::TABLE)
}

fn place_of(row: &Row<'_>) -> rusqlite::Result<Cursor> {
    let key = match row.get(0)? {
        Value::Integer(number) => Fact::Number(number),
        Value::Text(text) => Fact::Text(text),
        _ => Fact::None,
    };
    Ok(Cursor { key, id: row.get(1)? })
}

fn value(fact: &Fact) -> Value {
    match fact {
        Fact::Number(number) => (*number).into(),
        Fact::Text(text) => text.clone().into(),
        _ => Value::Null,
    }
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{fields::time::UnixTime, ids::PlanId, page::Limit, subscribers::line::Line},
        store::{Options, Store, housekeeping},
    };

    /// 22,000 lines: many of reseller 1 and plan 1, others of nobody and without a plan; a few of reseller 2, the last.
    async fn store(folder: &std::path::Path) -> Store {
        let store = Store::open(folder, Options::default()).unwrap();
        let filled = store.write(housekeeping(UnixTime::clamped(0), "test"), |tx| {
            tx.conn.execute_batch(
                "INSERT INTO resellers (id, name, created_at, updated_at) VALUES (1, 'many', 0, 0), (2, 'few', 0, 0);
                 INSERT INTO subscription_plans (id, name, created_at, updated_at) VALUES (1, 'plan', 0, 0);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 22000)
                 INSERT INTO lines (username, password, expire_date, subscription_plan_id, reseller_id, created_at, updated_at)
                 SELECT printf('u%06d', i * 7919 % 30011), 'p', iif(i % 3, 1000 + i % 100, NULL), iif(i % 2, 1, NULL),
                        iif(i > 21990, 2, iif(i % 2 = 0, 1, NULL)), i, i / 50 FROM n;",
            )?;
            Ok(())
        });
        filled.wait().await.unwrap();
        store
    }

    fn every_page(store: &Store, selection: &Selection, order: Order, descending: bool) -> Vec<i64> {
        let limit = Limit::new(900).unwrap();
        let mut listing =
            Listing { selection: selection.clone(), order, descending, turn: Turn::First, limit };
        let mut ids = Vec::new();
        loop {
            let found = store
                .read(&housekeeping(UnixTime::clamped(0), "test"), |read| read.subscribers::<Line>(&listing))
                .unwrap();
            ids.extend(found.rows.iter().map(|row| row.id.0));
            let Some(next) = found.next else { return ids };
            listing.turn = Turn::After(next);
        }
    }

    #[tokio::test]
    async fn a_walk_through_many_rows_finds_each_that_is_selected_once_in_every_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let all = Selection::all(UnixTime::clamped(1050));
        let chosen = [
            Selection { reseller: Some(ResellerId(1)), ..all.clone() },
            Selection { plan: Some(PlanId(1)), state: Some(State::Active), ..all.clone() },
            Selection { state: Some(State::Expired), ..all.clone() },
            Selection { search: Some("u0".into()), ..all.clone() },
            Selection { reseller: Some(ResellerId(1)), search: Some("u0219".into()), ..all.clone() },
            Selection { reseller: Some(ResellerId(2)), ..all.clone() },
        ];
        for selection in chosen {
            let wanted = store
                .read(&housekeeping(UnixTime::clamped(0), "test"), |read| {
                    let page = crate::domain::page::Page::default();
                    let which = crate::domain::subscribers::batch::Which {
                        ids: Vec::new(),
                        page,
                        selection: selection.clone(),
                        expires_before: None,
                        expires_after: None,
                    };
                    read.matching::<Line>(&which)
                })
                .unwrap();
            let mut wanted: Vec<i64> = wanted.into_iter().map(|(id, _)| id).collect();
            wanted.sort_unstable();
            assert!(!wanted.is_empty(), "{selection:?}");
            for order in Order::ALL {
                let forwards = every_page(&store, &selection, order, false);
                let mut backwards = every_page(&store, &selection, order, true);
                backwards.reverse();
                assert_eq!(forwards, backwards, "{selection:?} {order:?}");
                let mut sorted = forwards;
                sorted.sort_unstable();
                assert_eq!(sorted, wanted, "{selection:?} {order:?}");
            }
        }
    }
}
