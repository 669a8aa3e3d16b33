//! Answers kept for calls that are repeated (docs/api.md, "Repeats: Idempotency-Key").

use rusqlite::{OptionalExtension, params};

use crate::{
    domain::{Result, fields::time::UnixTime, ids::ApiKeyId},
    store::{Read, Write},
};

/// For how many seconds an answer is kept: 24 hours.
pub const KEPT: i64 = 24 * 3600;
/// The time of an answer whose age is not known: it begins to age once a clock is believed.
const AGELESS: i64 = i64::MAX;

pub struct KeptAnswer {
    /// The SHA-256 of the call that it answered.
    pub fingerprint: [u8; 32],
    /// The answer, as it was sent.
    pub answer: String,
}

impl Read<'_> {
    /// The answer that was given under that key, unless it is older than `since`.
    pub fn kept_answer(
        &self,
        caller: ApiKeyId,
        key: &[u8; 32],
        since: UnixTime,
    ) -> Result<Option<KeptAnswer>> {
        let sql =
            "SELECT fingerprint, answer FROM idempotency WHERE api_key_id = ? AND key = ? AND created_at > ?";
        let mut statement = self.conn.prepare_cached(sql)?;
        let kept = statement.query_row(params![caller.0, key, since.seconds()], |row| {
            Ok(KeptAnswer { fingerprint: row.get(0)?, answer: row.get(1)? })
        });
        Ok(kept.optional()?)
    }
}

impl Write<'_> {
    /// Keeps an answer, in the transaction of what it answers; not for a key that has just revoked itself. Without a time
    /// its age is not known.
    pub fn keep_answer(
        &self,
        caller: ApiKeyId,
        key: &[u8; 32],
        kept: &KeptAnswer,
        now: Option<UnixTime>,
    ) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO idempotency (api_key_id, key, fingerprint, answer, created_at) \
                   SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM api_keys WHERE id = ?1)";
        let KeptAnswer { fingerprint, answer } = kept;
        let at = now.map_or(AGELESS, UnixTime::seconds);
        self.conn.prepare_cached(sql)?.execute(params![caller.0, key, fingerprint, answer, at])?;
        Ok(())
    }

    /// The clock has leapt: what it said of the age of every kept answer is not known to be true.
    pub fn doubt_answers(&self) -> Result<()> {
        self.conn.prepare_cached("UPDATE idempotency SET created_at = ?")?.execute([AGELESS])?;
        Ok(())
    }

    /// The clock is believed: answers whose age is not known, and those from the future, age from now on.
    pub fn age_answers(&self, now: UnixTime) -> Result<()> {
        let sql = "UPDATE idempotency SET created_at = ?1 WHERE created_at > ?1";
        self.conn.prepare_cached(sql)?.execute([now.seconds()])?;
        Ok(())
    }
}
