//! What goes with a row that is deleted, and comes back with it: its places in the lists of others, and rows of its own.

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use crate::{
    domain::{Resource, Result, fields::time::UnixTime},
    store::{Read, Write, engine::fault::broken, engine::table::CHANGED},
};

/// Lists of others that hold rows of a resource.
struct Held {
    /// What they hold.
    of: Resource,
    table: &'static str,
    owner: &'static str,
    target: &'static str,
    /// The table of those whose lists they are.
    owners: &'static str,
    /// Whether these count as changed with them.
    stamps: bool,
}

const HELD: [Held; 5] = [
    held(Resource::Streams, "bouquet_streams", "bouquet_id", "stream_id", "bouquets"),
    Held { stamps: false, ..held(Resource::Streams, "mag_favourites", "mag_id", "stream_id", "mags") },
    held(Resource::Bouquets, "plan_bouquets", "plan_id", "bouquet_id", "subscription_plans"),
    held(Resource::Bouquets, "line_bouquets", "line_id", "bouquet_id", "lines"),
    held(Resource::Bouquets, "mag_bouquets", "mag_id", "bouquet_id", "mags"),
];

const fn held(
    of: Resource,
    table: &'static str,
    owner: &'static str,
    target: &'static str,
    owners: &'static str,
) -> Held {
    Held { of, table, owner, target, owners, stamps: true }
}

/// Rows of its own that go with a row, each as JSON for `?1`, its id.
const OWN: [(Resource, &str, &str); 7] = [
    (
        Resource::Mag,
        "device",
        "SELECT json_object('parent_pin', parent_pin, 'device_id', device_id, 'device_id2', device_id2, 'model', model, \
         'firmware', firmware, 'hardware', hardware, 'serial', serial, 'address', address, 'user_agent', user_agent, \
         'first_seen_at', first_seen_at, 'last_seen_at', last_seen_at, 'last_channel_id', last_channel_id, 'favourites', \
         (SELECT json_group_array(stream_id) FROM (SELECT stream_id FROM mag_favourites WHERE mag_id = ?1 ORDER BY place))) \
         FROM mag_devices WHERE mag_id = ?1",
    ),
    (
        Resource::Streams,
        "matches",
        "SELECT json_group_array(json_array(stream_id, source_id, guide_id, state, score, chosen_by)) FROM guide_matches \
         WHERE stream_id = ?1",
    ),
    (
        Resource::GuideSources,
        "matches",
        "SELECT json_group_array(json_array(stream_id, source_id, guide_id, state, score, chosen_by)) FROM guide_matches \
         WHERE source_id = ?1",
    ),
    (Resource::Resellers, "trials", "SELECT json_array(day, sold) FROM trial_sales WHERE reseller_id = ?1"),
    (Resource::Webhooks, "secret", "SELECT json_quote(secret) FROM webhooks WHERE id = ?1"),
    (
        Resource::Administrators,
        "second_factor",
        "SELECT json_object('secret', secret, 'used_step', used_step, 'created_at', created_at, 'codes', \
         (SELECT json_group_array(hash) FROM recovery_codes WHERE admin_id = ?1)) FROM second_factors WHERE admin_id = ?1",
    ),
    (
        Resource::Administrators,
        "identities",
        "SELECT json_group_array(json_array(issuer, subject, account, created_at, last_used_at)) \
         FROM administrator_identities WHERE admin_id = ?1",
    ),
];

impl Read<'_> {
    /// Adds to a row that is kept what goes with it.
    pub(super) fn keep_beside(&self, resource: Resource, id: i64, kept: &mut Value) -> Result<()> {
        for Held { table, owner, target, .. } in HELD.iter().filter(|held| held.of == resource) {
            let beside = |compare: &str, order: &str| {
                format!(
                    "(SELECT {target} FROM {table} other WHERE other.{owner} = own.{owner} AND other.place {compare} own.place \
                     ORDER BY place {order} LIMIT 1)"
                )
            };
            let sql = format!(
                "SELECT json_group_array(json_array({owner}, place, {}, {})) FROM {table} own WHERE {target} = ?1",
                beside("<", "DESC"),
                beside(">", "ASC")
            );
            kept["places"][table] = self.json(&sql, id)?;
        }
        for (_, name, sql) in OWN.iter().filter(|(of, ..)| *of == resource) {
            kept[*name] = self.json(sql, id)?;
        }
        Ok(())
    }

    fn json(&self, sql: &str, id: i64) -> Result<Value> {
        let text: Option<String> =
            self.conn.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }
}

impl Write<'_> {
    /// Gives a row that was brought back what went with it: `kept` is what was kept of it.
    pub fn restore_beside(&self, resource: Resource, id: i64, kept: &str, now: UnixTime) -> Result<()> {
        let all: Value =
            serde_json::from_str(kept).map_err(|_| broken("a row that a batch kept cannot be read"))?;
        for held in HELD.iter().filter(|held| held.of == resource) {
            for place in all["places"][held.table].as_array().into_iter().flatten() {
                self.put_back(held, id, place)?;
            }
            let Held { table, owner, target, owners, stamps, .. } = held;
            if *stamps {
                let sql = format!(
                    "UPDATE {owners} SET {CHANGED} WHERE id IN (SELECT {owner} FROM {table} WHERE {target} = ?)"
                );
                self.conn.prepare_cached(&sql)?.execute(params![now.seconds(), id])?;
            }
        }
        match resource {
            Resource::Mag => self.restore_device(id, kept),
            Resource::Streams | Resource::GuideSources => self.restore_matches(kept, now),
            Resource::Resellers => self.restore_trials(id, kept),
            Resource::Webhooks => self.restore_secret(id, kept),
            Resource::Administrators => {
                self.restore_second_factor(id, kept)?;
                self.restore_identities(id, kept)
            }
            _ => Ok(()),
        }
    }

    /// Puts a row back into a list, if that is still there: where it stood if its neighbours still stand around that place,
    /// else behind the one before it, else before the one behind it, else at the end.
    fn put_back(&self, held: &Held, id: i64, place: &Value) -> Result<()> {
        let Held { table, owner, target, owners, .. } = held;
        let (Some(list), Some(place), before, behind) =
            (place[0].as_i64(), place[1].as_i64(), place[2].as_i64(), place[3].as_i64())
        else {
            return Ok(());
        };
        let sql = format!("SELECT 1 FROM {owners} WHERE id = ?");
        if !self.conn.prepare_cached(&sql)?.exists([list])? {
            return Ok(());
        }
        let sql = format!("SELECT place FROM {table} WHERE {owner} = ? AND {target} = ?");
        let place_of = |other: Option<i64>| -> Result<Option<i64>> {
            let Some(other) = other else { return Ok(None) };
            let mut statement = self.conn.prepare_cached(&sql)?;
            Ok(statement.query_row([list, other], |row| row.get(0)).optional()?)
        };
        let (before, behind) = (place_of(before)?, place_of(behind)?);
        let sql = format!("SELECT 1 FROM {table} WHERE {owner} = ? AND place = ?");
        let is_taken = |at: i64| -> Result<bool> { Ok(self.conn.prepare_cached(&sql)?.exists([list, at])?) };
        let fits = before.is_none_or(|before| before < place) && behind.is_none_or(|behind| behind > place);
        let at = if fits && !is_taken(place)? {
            place
        } else if let Some(at) = before.map(|before| before + 1).or(behind) {
            if is_taken(at)? {
                // In two steps: no two may stand at one place in between.
                let away = format!("UPDATE {table} SET place = -2 - place WHERE {owner} = ? AND place >= ?");
                self.conn.prepare_cached(&away)?.execute([list, at])?;
                let back = format!("UPDATE {table} SET place = -1 - place WHERE {owner} = ? AND place < -1");
                self.conn.prepare_cached(&back)?.execute([list])?;
            }
            at
        } else {
            let sql = format!("SELECT ifnull(max(place), -1) + 1 FROM {table} WHERE {owner} = ?");
            self.conn.prepare_cached(&sql)?.query_row([list], |row| row.get(0))?
        };
        let sql = format!("INSERT OR IGNORE INTO {table} ({owner}, place, {target}) VALUES (?, ?, ?)");
        self.conn.prepare_cached(&sql)?.execute([list, at, id])?;
        Ok(())
    }

    /// Gives a MAG back the box and the favourites that were kept of it; who was let in stays out.
    fn restore_device(&self, mag: i64, kept: &str) -> Result<()> {
        const COLUMNS: [&str; 12] = [
            "parent_pin",
            "device_id",
            "device_id2",
            "model",
            "firmware",
            "hardware",
            "serial",
            "address",
            "user_agent",
            "first_seen_at",
            "last_seen_at",
            "last_channel_id",
        ];
        let sets = COLUMNS
            .map(|column| format!("{column} = ifnull(json_extract(?1, '$.device.{column}'), {column})"))
            .join(", ");
        let sql = format!("UPDATE mag_devices SET {sets} WHERE mag_id = ?2");
        self.conn.prepare_cached(&sql)?.execute(params![kept, mag])?;
        let sql = "INSERT INTO mag_favourites (mag_id, place, stream_id) SELECT ?2, key, value \
                   FROM json_each(?1, '$.device.favourites') WHERE value IN (SELECT id FROM streams)";
        self.conn.prepare_cached(sql)?.execute(params![kept, mag])?;
        Ok(())
    }

    /// Where somebody or a rule has matched the stream anew meanwhile, that stays.
    fn restore_matches(&self, kept: &str, now: UnixTime) -> Result<()> {
        let sql = "INSERT INTO guide_matches (stream_id, source_id, guide_id, state, score, chosen_by, updated_at) \
                   SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ?2 \
                   FROM json_each(?1, '$.matches') WHERE value ->> 0 IN (SELECT id FROM streams) \
                   AND (value ->> 1 IS NULL OR value ->> 1 IN (SELECT id FROM guide_sources)) \
                   ON CONFLICT (stream_id) DO NOTHING";
        self.conn.prepare_cached(sql)?.execute(params![kept, now.seconds()])?;
        Ok(())
    }

    fn restore_trials(&self, reseller: i64, kept: &str) -> Result<()> {
        let sql = "INSERT INTO trial_sales (reseller_id, day, sold) SELECT ?2, ?1 ->> '$.trials[0]', ?1 ->> '$.trials[1]' \
                   WHERE ?1 ->> '$.trials[0]' IS NOT NULL";
        self.conn.prepare_cached(sql)?.execute(params![kept, reseller])?;
        Ok(())
    }

    /// It is told of what happens from now on.
    fn restore_secret(&self, webhook: i64, kept: &str) -> Result<()> {
        let sql = "UPDATE webhooks SET secret = ifnull(?1 ->> '$.secret', ''), \
                   told_to = ifnull((SELECT max(id) FROM events), 0) WHERE id = ?2";
        self.conn.prepare_cached(sql)?.execute(params![kept, webhook])?;
        Ok(())
    }

    /// Nobody gets rid of a second factor by being deleted and brought back.
    fn restore_second_factor(&self, admin: i64, kept: &str) -> Result<()> {
        let sql = "INSERT INTO second_factors (admin_id, secret, used_step, created_at) SELECT ?2, \
                   ?1 ->> '$.second_factor.secret', ?1 ->> '$.second_factor.used_step', ?1 ->> '$.second_factor.created_at' \
                   WHERE ?1 ->> '$.second_factor.secret' IS NOT NULL";
        self.conn.prepare_cached(sql)?.execute(params![kept, admin])?;
        let sql = "INSERT INTO recovery_codes (admin_id, hash) SELECT ?2, value FROM json_each(?1, '$.second_factor.codes')";
        self.conn.prepare_cached(sql)?.execute(params![kept, admin])?;
        Ok(())
    }

    /// Gives an administrator back the accounts that nobody else has by now.
    fn restore_identities(&self, admin: i64, kept: &str) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO administrator_identities \
                   (admin_id, issuer, subject, account, created_at, last_used_at) \
                   SELECT ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 \
                   FROM json_each(?1, '$.identities')";
        self.conn.prepare_cached(sql)?.execute(params![kept, admin])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What goes with a row and is kept below [`OWN`], or with the record itself, in its lists.
    const KEPT: [(&str, &str); 12] = [
        ("mag_devices", "mag_id"),
        ("mag_favourites", "mag_id"),
        ("guide_matches", "stream_id"),
        ("guide_matches", "source_id"),
        ("trial_sales", "reseller_id"),
        ("second_factors", "admin_id"),
        ("recovery_codes", "admin_id"),
        ("administrator_identities", "admin_id"),
        ("line_bouquets", "line_id"),
        ("mag_bouquets", "mag_id"),
        ("plan_bouquets", "plan_id"),
        ("bouquet_streams", "bouquet_id"),
    ];
    /// What nobody misses: sessions, links to new passwords, messages that wait, answers to repeats.
    const LOST: [(&str, &str); 9] = [
        ("panel_sessions", "admin_id"),
        ("panel_browsers", "admin_id"),
        ("password_links", "admin_id"),
        ("mag_events", "mag_id"),
        ("webhook_deliveries", "webhook_id"),
        ("messages", "target_id"),
        ("idempotency", "api_key_id"),
        ("batch_pieces", "batch_id"),
        ("batch_rows", "batch_id"),
    ];

    #[test]
    fn what_goes_with_a_deleted_row_is_kept_or_nobody_misses_it() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../../schema.sql")).unwrap();
        let sql = "SELECT m.name, f.\"from\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f \
                   WHERE m.type = 'table' AND f.on_delete = 'CASCADE'";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let goes: BTreeSet<(String, String)> = rows.map(Result::unwrap).collect();
        let held = HELD.iter().map(|held| (held.table, held.target));
        let known: BTreeSet<(String, String)> = held
            .chain(KEPT)
            .chain(LOST)
            .map(|(table, column)| (table.to_owned(), column.to_owned()))
            .collect();
        assert_eq!(goes, known, "name a new one in HELD, OWN, or here");
    }
}
