//! Who was let in from where, and which browsers of administrators are known.

use std::net::IpAddr;

use rusqlite::{OptionalExtension, params};

use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::AdminId,
        people::{
            api_key::KeyHash,
            known::{ADDRESSES, Holder, KNOWN_FOR, LetIn},
            lockout::place,
        },
    },
    store::{Read, Write},
};

/// Browsers that are known of one administrator; beyond it the one that signed in longest ago goes.
const BROWSERS: u32 = 20;
/// For this many seconds after signing in a browser is known: 90 days.
pub const BROWSER_KNOWN_FOR: i64 = 90 * 86_400;
/// Rows that one job of housekeeping deletes.
const AT_ONCE: i64 = 1_000;

fn columns(holder: Holder) -> (&'static str, i64) {
    match holder {
        Holder::Line(id) => ("line", id.0),
        Holder::Mag(id) => ("mag", id.0),
        Holder::Administrator(id) => ("administrator", id.0),
    }
}

impl Read<'_> {
    /// Whether somebody was let in with those credentials from there lately.
    pub fn was_let_in(&self, holder: Holder, address: IpAddr, now: UnixTime) -> Result<bool> {
        let (kind, id) = columns(holder);
        let sql = "SELECT 1 FROM let_in WHERE kind = ? AND id = ? AND address = ? AND at > ?";
        let row = params![kind, id, place(address).to_string(), now.seconds() - KNOWN_FOR];
        Ok(self.conn.prepare_cached(sql)?.exists(row)?)
    }

    /// The number of the browser of that administrator whose cookie has that hash.
    pub fn browser(&self, admin: AdminId, hash: &KeyHash, now: UnixTime) -> Result<Option<i64>> {
        let sql = "SELECT id FROM panel_browsers WHERE hash = ? AND admin_id = ? AND at > ?";
        let row = params![hash.hex(), admin.0, now.seconds() - BROWSER_KNOWN_FOR];
        Ok(self.conn.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?)
    }
}

impl Write<'_> {
    /// Writes down who was let in.
    pub fn insert_let_in(&self, rows: &[LetIn]) -> Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO let_in (kind, id, address, at) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET at = excluded.at WHERE abs(excluded.at - at) > 3600",
        )?;
        let mut trim = self.conn.prepare_cached(
            "DELETE FROM let_in WHERE kind = ?1 AND id = ?2 AND address IN \
             (SELECT address FROM let_in WHERE kind = ?1 AND id = ?2 ORDER BY at DESC LIMIT -1 OFFSET ?3)",
        )?;
        for LetIn { holder, address, at } in rows {
            let (kind, id) = columns(*holder);
            if insert.execute(params![kind, id, address.to_string(), at.seconds()])? > 0 {
                trim.execute(params![kind, id, ADDRESSES])?;
            }
        }
        Ok(())
    }

    /// Knows a browser from now on, in the place of the one that it was.
    pub fn insert_browser(
        &self,
        admin: AdminId,
        hash: &KeyHash,
        old: Option<i64>,
        now: UnixTime,
    ) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM panel_browsers WHERE id = ?")?.execute([old])?;
        let sql = "INSERT INTO panel_browsers (hash, admin_id, at) VALUES (?, ?, ?)";
        self.conn.prepare_cached(sql)?.execute(params![hash.hex(), admin.0, now.seconds()])?;
        let sql = "DELETE FROM panel_browsers WHERE id IN \
                   (SELECT id FROM panel_browsers WHERE admin_id = ? ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?)";
        self.conn.prepare_cached(sql)?.execute(params![admin.0, BROWSERS])?;
        Ok(())
    }

    /// Forgets browsers and addresses of an administrator: whoever knew the old password is a stranger.
    pub fn forget_known(&self, admin: AdminId) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM panel_browsers WHERE admin_id = ?")?.execute([admin.0])?;
        let sql = "DELETE FROM let_in WHERE kind = 'administrator' AND id = ?";
        self.conn.prepare_cached(sql)?.execute([admin.0])?;
        Ok(())
    }

    /// Deletes some of what is known no longer; whether there may be more.
    pub fn forget_let_in(&self, now: UnixTime) -> Result<bool> {
        let sql = "DELETE FROM panel_browsers WHERE at <= ?";
        self.conn.prepare_cached(sql)?.execute([now.seconds() - BROWSER_KNOWN_FOR])?;
        let sql = "DELETE FROM let_in WHERE (kind, id, address) IN \
                   (SELECT kind, id, address FROM let_in WHERE at <= ? LIMIT ?)";
        let gone = self.conn.prepare_cached(sql)?.execute(params![now.seconds() - KNOWN_FOR, AT_ONCE])?;
        Ok(i64::try_from(gone) == Ok(AT_ONCE))
    }
}
