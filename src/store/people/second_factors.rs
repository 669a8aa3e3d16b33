//! Second factors of administrators, and their recovery codes.

use rusqlite::{OptionalExtension, params};

use crate::{
    domain::{
        Result,
        fields::{sealed::Sealed, time::UnixTime},
        ids::AdminId,
        people::api_key::KeyHash,
    },
    store::{Read, Write},
};

/// The second factor of somebody.
pub struct SecondFactor {
    /// The secret of the app.
    pub secret: Sealed,
    /// The step of the code that was used last.
    pub used_step: i64,
    /// Since when.
    pub since: UnixTime,
    /// How many recovery codes are left.
    pub codes_left: i64,
}

impl Read<'_> {
    /// The second factor of an administrator, if it is on.
    ///
    /// # Errors
    /// A database error.
    pub fn second_factor(&self, admin: AdminId) -> Result<Option<SecondFactor>> {
        let sql = "SELECT secret, used_step, created_at, (SELECT count(*) FROM recovery_codes c WHERE c.admin_id = f.admin_id) \
                   FROM second_factors f WHERE admin_id = ?";
        let found = self.conn.prepare_cached(sql)?.query_row([admin.0], |row| {
            Ok(SecondFactor {
                secret: Sealed::of(row.get(0)?),
                used_step: row.get(1)?,
                since: UnixTime::clamped(row.get(2)?),
                codes_left: row.get(3)?,
            })
        });
        Ok(found.optional()?)
    }

    /// Whether an administrator has a second factor.
    ///
    /// # Errors
    /// A database error.
    pub fn has_second_factor(&self, admin: AdminId) -> Result<bool> {
        Ok(self.conn.prepare_cached("SELECT 1 FROM second_factors WHERE admin_id = ?")?.exists([admin.0])?)
    }

    /// Whether that is a recovery code of an administrator which was not used yet.
    ///
    /// # Errors
    /// A database error.
    pub fn has_recovery_code(&self, admin: AdminId, code: &KeyHash) -> Result<bool> {
        let sql = "SELECT 1 FROM recovery_codes WHERE admin_id = ? AND hash = ?";
        Ok(self.conn.prepare_cached(sql)?.exists(params![admin.0, code.hex()])?)
    }
}

impl Write<'_> {
    /// Switches the second factor of an administrator on; false if it is on already.
    ///
    /// # Errors
    /// A database error.
    pub fn insert_second_factor(
        &self,
        admin: AdminId,
        secret: &Sealed,
        used_step: i64,
        now: UnixTime,
    ) -> Result<bool> {
        let sql = "INSERT INTO second_factors (admin_id, secret, used_step, created_at) VALUES (?, ?, ?, ?) \
                   ON CONFLICT DO NOTHING";
        let row = params![admin.0, secret.as_str(), used_step, now.seconds()];
        Ok(self.conn.prepare_cached(sql)?.execute(row)? > 0)
    }

    /// Uses up the code of a step, unless another code was used since it was looked; whether it did.
    ///
    /// # Errors
    /// A database error.
    pub fn use_step(&self, admin: AdminId, seen: i64, step: i64) -> Result<bool> {
        let sql = "UPDATE second_factors SET used_step = ? WHERE admin_id = ? AND used_step = ?";
        Ok(self.conn.prepare_cached(sql)?.execute(params![step, admin.0, seen])? > 0)
    }

    /// Uses up a recovery code; false if there is none like it.
    ///
    /// # Errors
    /// A database error.
    pub fn use_recovery_code(&self, admin: AdminId, code: &KeyHash) -> Result<bool> {
        let sql = "DELETE FROM recovery_codes WHERE admin_id = ? AND hash = ?";
        Ok(self.conn.prepare_cached(sql)?.execute(params![admin.0, code.hex()])? > 0)
    }

    /// Puts recovery codes in the place of those of before.
    ///
    /// # Errors
    /// A database error.
    pub fn set_recovery_codes(&self, admin: AdminId, codes: &[KeyHash]) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM recovery_codes WHERE admin_id = ?")?.execute([admin.0])?;
        let mut insert =
            self.conn.prepare_cached("INSERT INTO recovery_codes (admin_id, hash) VALUES (?, ?)")?;
        for code in codes {
            insert.execute(params![admin.0, code.hex()])?;
        }
        Ok(())
    }

    /// Switches the second factor of an administrator off; false if it was off.
    ///
    /// # Errors
    /// A database error.
    pub fn delete_second_factor(&self, admin: AdminId) -> Result<bool> {
        self.set_recovery_codes(admin, &[])?;
        let sql = "DELETE FROM second_factors WHERE admin_id = ?";
        Ok(self.conn.prepare_cached(sql)?.execute([admin.0])? > 0)
    }
}
