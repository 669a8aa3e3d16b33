//! What is kept for the boxes of MAGs: devices, favourites, events.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params, types::Type};
use serde_json::Value;

use super::{Read, Write};
use crate::domain::{
    Error, Fact, Field, Resource, Result,
    fields::time::UnixTime,
    ids::{LineId, MagId, StreamId},
    people::api_key::KeyHash,
    portal::{
        device::{Device, DeviceReport, Pin},
        mag_event::{Event, Order},
    },
};

/// When the box of a MAG last asked for something.
#[derive(Clone, Debug)]
pub struct SeenRow {
    /// When.
    pub at: UnixTime,
    /// From where.
    pub address: String,
    pub user_agent: String,
    /// What it last played, if it has played since this was last written.
    pub last_channel: Option<StreamId>,
}

/// An event that waits for its box.
#[derive(Clone, Debug)]
pub struct WaitingEvent {
    /// Its number.
    pub id: i64,
    /// What to do.
    pub event: Event,
    /// When it was sent.
    pub created_at: UnixTime,
}

/// What [`device`] reads; a macro, so that statements stand as literals.
macro_rules! devices {
    () => {
        "SELECT mag_id, parent_pin, token_hash, signed_in, cut, device_id, device_id2, model, firmware, hardware, serial, \
         address, user_agent, first_seen_at, last_seen_at, last_channel_id FROM mag_devices"
    };
}

fn device(row: &Row<'_>) -> rusqlite::Result<(MagId, Device)> {
    let pin: String = row.get(1)?;
    let parent_pin =
        Pin::new(&pin).map_err(|_| rusqlite::Error::InvalidColumnType(1, "parent_pin".into(), Type::Text))?;
    let token: String = row.get(2)?;
    let about = DeviceReport {
        device_id: row.get(5)?,
        device_id2: row.get(6)?,
        model: row.get(7)?,
        firmware: row.get(8)?,
        hardware: row.get(9)?,
        serial: row.get(10)?,
    };
    let device = Device {
        parent_pin,
        token: KeyHash::stored(Fact::Text(token)),
        signed_in: row.get(3)?,
        cut: row.get(4)?,
        about,
        address: row.get(11)?,
        user_agent: row.get(12)?,
        first_seen_at: row.get::<_, Option<i64>>(13)?.map(UnixTime::clamped),
        last_seen_at: row.get::<_, Option<i64>>(14)?.map(UnixTime::clamped),
        last_channel: row.get::<_, Option<i64>>(15)?.map(StreamId),
    };
    Ok((row.get(0).map(MagId)?, device))
}

impl Read<'_> {
    /// The box of a MAG.
    ///
    /// # Errors
    /// [`Error::NoSuch`] for a MAG that is not there (any more), or a database error.
    pub fn device(&self, mag: MagId) -> Result<Device> {
        let mut statement = self.conn.prepare_cached(concat!(devices!(), " WHERE mag_id = ?"))?;
        let found = statement.query_row([mag.0], device).optional()?;
        found.map(|(_, device)| device).ok_or(Error::no_such(Resource::Mag))
    }

    /// The boxes of some MAGs, by one query.
    pub fn devices(&self, mags: impl Iterator<Item = MagId>) -> Result<HashMap<MagId, Device>> {
        let sql = concat!(devices!(), " WHERE mag_id IN (SELECT value FROM json_each(?))");
        let ids: Value = mags.map(|mag| mag.0).collect();
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([ids.to_string()], device)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The favourites of a MAG, in order.
    pub fn favourites(&self, mag: MagId) -> Result<Vec<StreamId>> {
        let sql = "SELECT stream_id FROM mag_favourites WHERE mag_id = ? ORDER BY place";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([mag.0], |row| row.get(0).map(StreamId))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The events that wait for the box of a MAG, oldest first.
    pub fn waiting_events(&self, mag: MagId, now: UnixTime) -> Result<Vec<WaitingEvent>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, event, msg, param, reboot_after_ok, auto_hide_timeout, created_at FROM mag_events \
             WHERE mag_id = ? AND expires_at > ? ORDER BY id",
        )?;
        let rows = statement.query_map(params![mag.0, now.seconds()], |row| {
            let name: String = row.get(1)?;
            let order = Order::named(&name);
            let event = |order| {
                rusqlite::Result::Ok(WaitingEvent {
                    id: row.get(0)?,
                    event: Event {
                        order,
                        msg: row.get(2)?,
                        param: row.get(3)?,
                        reboot_after_ok: row.get(4)?,
                        auto_hide_timeout: row.get(5)?,
                    },
                    created_at: UnixTime::clamped(row.get(6)?),
                })
            };
            order.map(event).transpose()
        })?;
        let events: Vec<Option<WaitingEvent>> = rows.collect::<rusqlite::Result<_>>()?;
        Ok(events.into_iter().flatten().collect())
    }
}

impl Write<'_> {
    /// Writes the box of a MAG, all but what [`Write::note_seen`] writes.
    pub fn save_device(&self, mag: MagId, device: &Device) -> Result<()> {
        let hash = match device.token.as_ref().map(KeyHash::fact) {
            Some(Fact::Hidden(hash)) => hash,
            _ => String::new(),
        };
        let DeviceReport { device_id, device_id2, model, firmware, hardware, serial } = &device.about;
        let mut update = self.conn.prepare_cached(
            "UPDATE mag_devices SET parent_pin = ?, token_hash = ?, signed_in = ?, cut = ?, device_id = ?, device_id2 = ?, \
             model = ?, firmware = ?, hardware = ?, serial = ? WHERE mag_id = ?",
        )?;
        update.execute(params![
            device.parent_pin.as_str(),
            hash,
            device.signed_in,
            device.cut,
            device_id,
            device_id2,
            model,
            firmware,
            hardware,
            serial,
            mag.0,
        ])?;
        self.note(Resource::Mag, mag.0);
        Ok(())
    }

    /// Writes down when the box of a MAG last came.
    pub fn note_seen(&self, mag: MagId, seen: &SeenRow) -> Result<()> {
        let mut update = self.conn.prepare_cached(
            "UPDATE mag_devices SET first_seen_at = coalesce(first_seen_at, ?1), last_seen_at = ?1, address = ?2, \
             user_agent = ?3, last_channel_id = coalesce(?4, last_channel_id) WHERE mag_id = ?5",
        )?;
        let SeenRow { at, address, user_agent, last_channel } = seen;
        update.execute(params![at.seconds(), address, user_agent, last_channel.map(|id| id.0), mag.0])?;
        Ok(())
    }

    /// Writes the favourites of a MAG; streams that are gone are left out.
    pub fn set_favourites(&self, mag: MagId, favourites: &[StreamId]) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM mag_favourites WHERE mag_id = ?")?.execute([mag.0])?;
        let mut insert = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO mag_favourites (mag_id, place, stream_id) SELECT ?, ?, id FROM streams WHERE id = ?",
        )?;
        for (place, stream) in (0_i64..).zip(favourites) {
            insert.execute(params![mag.0, place, stream.0])?;
        }
        Ok(())
    }

    /// Lets an event wait for the box of a MAG; its number.
    pub fn insert_event(&self, mag: MagId, event: &Event, now: UnixTime) -> Result<i64> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO mag_events (mag_id, event, msg, param, reboot_after_ok, auto_hide_timeout, created_at, \
             expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        insert.execute(params![
            mag.0,
            event.order.name(),
            event.msg,
            event.param,
            event.reboot_after_ok,
            event.auto_hide_timeout,
            now.seconds(),
            now.seconds() + event.waits(),
        ])?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Takes an event back, and with it those that waited too long.
    pub fn delete_event(&self, mag: MagId, id: i64, now: UnixTime) -> Result<()> {
        let sql = "DELETE FROM mag_events WHERE mag_id = ? AND (id = ? OR expires_at <= ?)";
        self.conn.prepare_cached(sql)?.execute(params![mag.0, id, now.seconds()])?;
        Ok(())
    }

    /// Gives what a MAG has watched, and was refused, to the line that takes its place.
    pub fn move_history_to_line(&self, mag: MagId, line: LineId) -> Result<()> {
        for table in ["connection_log", "refusal_log"] {
            let sql = format!("UPDATE {table} SET line_id = ?, mag_id = NULL WHERE mag_id = ?");
            self.conn.prepare_cached(&sql)?.execute([line.0, mag.0])?;
        }
        Ok(())
    }

    /// Gives what a line has watched, and was refused, to the MAG that takes its place.
    pub fn move_history_to_mag(&self, line: LineId, mag: MagId) -> Result<()> {
        for table in ["connection_log", "refusal_log"] {
            let sql = format!("UPDATE {table} SET mag_id = ?, line_id = NULL WHERE line_id = ?");
            self.conn.prepare_cached(&sql)?.execute([mag.0, line.0])?;
        }
        Ok(())
    }
}
