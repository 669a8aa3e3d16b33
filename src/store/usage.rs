//! What uses what: how many rows refer to each row of a resource.

use std::collections::HashMap;

use super::{Read, Table};
use crate::domain::Result;

/// How many, by the id of the row that is used; one that nothing uses is not there.
pub type Users = HashMap<i64, i64>;

impl Read<'_> {
    /// How many rows of a table refer to each row by that column.
    ///
    /// # Errors
    /// A database error.
    pub fn users<R: Table>(&self, column: &'static str) -> Result<Users> {
        self.counted(R::TABLE, column)
    }

    /// How many rows of a table hold each row in their list.
    ///
    /// # Errors
    /// A database error.
    pub fn holders<R: Table>(&self) -> Result<Users> {
        R::LINKS.first().map_or_else(|| Ok(Users::new()), |link| self.counted(link.table, link.target))
    }

    fn counted(&self, table: &str, column: &str) -> Result<Users> {
        let sql =
            format!("SELECT {column}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY {column}");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let counted = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(counted.collect::<rusqlite::Result<_>>()?)
    }

    /// Ids and names of the rows of a table whose list holds that row, in the order of names.
    ///
    /// # Errors
    /// A database error.
    pub fn holding<R: Table>(&self, target: i64) -> Result<Vec<(i64, String)>> {
        let Some(link) = R::LINKS.first() else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT id, name FROM {} WHERE id IN (SELECT {} FROM {} WHERE {} = ?) ORDER BY name COLLATE NOCASE, id",
            R::TABLE,
            link.owner,
            link.table,
            link.target
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([target], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
