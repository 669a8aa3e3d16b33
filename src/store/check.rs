//! `linecard check`: whether the file is whole and the books are right.

use super::Read;
use crate::domain::Result;

impl Read<'_> {
    /// Everything that is wrong with the file, in words; empty if nothing is.
    ///
    /// # Errors
    /// A database error: the file could not even be read.
    pub fn problems(&self) -> Result<Vec<String>> {
        let mut problems =
            self.texts("SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'")?;
        problems.extend(self.texts(
            "SELECT 'foreign key: row ' || rowid || ' of ' || \"table\" || ' refers to a missing row of ' || parent \
             FROM pragma_foreign_key_check",
        )?);
        problems.extend(self.texts(
            "SELECT 'ledger: reseller ' || id || ' has ' || credits || ' credits, its ledger says ' || booked \
             FROM (SELECT r.id, r.credits, coalesce((SELECT sum(amount) FROM ledger l WHERE l.reseller_id = r.id), 0) \
             AS booked FROM resellers r) WHERE credits <> booked",
        )?);
        problems.extend(self.texts(
            "SELECT 'ledger: row ' || id || ' says ' || balance || ' after it, the rows before say ' || running \
             FROM (SELECT id, balance, sum(amount) OVER (PARTITION BY reseller_id ORDER BY id) AS running FROM ledger) \
             WHERE balance <> running",
        )?);
        problems.extend(self.texts(
            "SELECT 'count: ' || name || ' are counted as ' || rows || ', there are ' || real FROM (SELECT name, rows, \
             CASE name WHEN 'lines' THEN (SELECT count(*) FROM lines) ELSE (SELECT count(*) FROM mags) END AS real \
             FROM row_counts) WHERE rows <> real",
        )?);
        Ok(problems)
    }

    fn texts(&self, sql: &str) -> Result<Vec<String>> {
        let mut statement = self.conn.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
