//! Who is signed in to the panel.

use rusqlite::{OptionalExtension, Row, params};

use crate::{
    domain::{
        Fact, Field, Result,
        fields::time::UnixTime,
        ids::{AdminId, Id},
        people::api_key::KeyHash,
    },
    store::{Read, Write},
};

/// Sessions that one administrator may have at once.
pub const SESSIONS: u32 = 20;

/// One session of an administrator.
#[derive(Clone, Debug)]
pub struct PanelSession {
    /// Its row id.
    pub id: i64,
    /// Whose it is.
    pub admin: AdminId,
    /// When it began.
    pub created_at: UnixTime,
    /// When it was last used, to a minute.
    pub last_seen_at: UnixTime,
    /// Where it began.
    pub address: String,
    /// In which browser.
    pub user_agent: String,
}

const COLUMNS: &str = "id, admin_id, created_at, last_seen_at, address, user_agent";

fn session(row: &Row<'_>) -> rusqlite::Result<PanelSession> {
    Ok(PanelSession {
        id: row.get(0)?,
        admin: AdminId(row.get(1)?),
        created_at: UnixTime::clamped(row.get(2)?),
        last_seen_at: UnixTime::clamped(row.get(3)?),
        address: row.get(4)?,
        user_agent: row.get(5)?,
    })
}

impl Read<'_> {
    /// The session of the token with that hash.
    pub fn panel_session(&self, hash: &KeyHash) -> Result<Option<PanelSession>> {
        let sql = format!("SELECT {COLUMNS} FROM panel_sessions WHERE hash = ?");
        Ok(self.conn.prepare_cached(&sql)?.query_row([hash.hex()], session).optional()?)
    }

    /// The hashes of the tokens of all sessions.
    pub fn panel_session_tokens(&self) -> Result<Vec<KeyHash>> {
        let mut statement = self.conn.prepare_cached("SELECT hash FROM panel_sessions")?;
        let rows = statement.query_map([], |row| row.get(0).map(Fact::Text).map(KeyHash::stored))?;
        let tokens: Vec<Option<KeyHash>> = rows.collect::<rusqlite::Result<_>>()?;
        Ok(tokens.into_iter().flatten().collect())
    }

    /// Whose session that is.
    pub fn session_holder(&self, id: i64) -> Result<Option<AdminId>> {
        let mut statement = self.conn.prepare_cached("SELECT admin_id FROM panel_sessions WHERE id = ?")?;
        Ok(statement.query_row([id], |row| row.get(0)).optional()?.map(AdminId))
    }

    /// The sessions of an administrator, or of everybody; the one used last stands first.
    pub fn panel_sessions(&self, admin: Option<AdminId>) -> Result<Vec<PanelSession>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM panel_sessions WHERE ?1 IS NULL OR admin_id = ?1 ORDER BY last_seen_at DESC, id DESC \
             LIMIT 1000"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([admin.map(|admin| admin.number())], session)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Begins a session, and stamps the administrator as signed in. Beyond [`SESSIONS`] the oldest ends.
    pub fn insert_panel_session(
        &self,
        hash: &KeyHash,
        admin: AdminId,
        address: &str,
        user_agent: &str,
        now: UnixTime,
    ) -> Result<()> {
        let sql = "INSERT INTO panel_sessions (hash, admin_id, created_at, last_seen_at, address, user_agent) \
                   VALUES (?1, ?2, ?3, ?3, ?4, ?5)";
        let row = params![hash.hex(), admin.0, now.seconds(), address, user_agent];
        self.conn.prepare_cached(sql)?.execute(row)?;
        let sql = "DELETE FROM panel_sessions WHERE id IN \
                   (SELECT id FROM panel_sessions WHERE admin_id = ? ORDER BY id DESC LIMIT -1 OFFSET ?)";
        self.conn.prepare_cached(sql)?.execute(params![admin.0, SESSIONS])?;
        let sql = "UPDATE administrators SET last_login_at = ? WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute(params![now.seconds(), admin.0])?;
        Ok(())
    }

    /// Notes that a session was used.
    pub fn panel_session_seen(&self, id: i64, at: UnixTime) -> Result<()> {
        let sql = "UPDATE panel_sessions SET last_seen_at = ? WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute(params![at.seconds(), id])?;
        Ok(())
    }

    /// Gives a session another token.
    pub fn renew_panel_session(&self, id: i64, hash: &KeyHash) -> Result<()> {
        let sql = "UPDATE panel_sessions SET hash = ? WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute(params![hash.hex(), id])?;
        Ok(())
    }

    /// Ends a session of that administrator, or of anybody; whether there was one.
    pub fn delete_panel_session(&self, id: i64, admin: Option<AdminId>) -> Result<bool> {
        let sql = "DELETE FROM panel_sessions WHERE id = ?1 AND (?2 IS NULL OR admin_id = ?2)";
        let ended = self.conn.prepare_cached(sql)?.execute(params![id, admin.map(|admin| admin.0)])?;
        Ok(ended > 0)
    }

    /// Ends the session of the token with that hash, if there is one.
    pub fn end_panel_session(&self, token: &KeyHash) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM panel_sessions WHERE hash = ?")?.execute([token.hex()])?;
        Ok(())
    }

    /// Ends every session of everybody.
    pub fn end_all_panel_sessions(&self) -> Result<()> {
        self.conn.execute("DELETE FROM panel_sessions", [])?;
        Ok(())
    }

    /// Ends every session of an administrator, but for one that is to stay.
    pub fn delete_panel_sessions_of(&self, admin: AdminId, but: Option<i64>) -> Result<()> {
        let sql = "DELETE FROM panel_sessions WHERE admin_id = ?1 AND id IS NOT ?2";
        self.conn.prepare_cached(sql)?.execute(params![admin.0, but])?;
        Ok(())
    }

    /// Deletes sessions that began before `begun` or were last used before `used`.
    pub fn forget_panel_sessions(&self, begun: UnixTime, used: UnixTime) -> Result<()> {
        let sql = "DELETE FROM panel_sessions WHERE created_at < ? OR last_seen_at < ?";
        self.conn.prepare_cached(sql)?.execute(params![begun.seconds(), used.seconds()])?;
        Ok(())
    }
}
