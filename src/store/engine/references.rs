//! What uses what: how many rows refer to each row of a resource.

use std::collections::HashMap;

use crate::{
    domain::Result,
    store::{Read, Table},
};

/// How many, by the id of the row that is used; one that nothing uses is not there.
pub type Users = HashMap<i64, i64>;

/// One kind of rows that use the rows of a resource, and where it stands that they do.
pub struct User {
    /// Their name in the plural.
    pub name: &'static str,
    table: &'static str,
    column: &'static str,
}

impl User {
    /// The rows of a table, which name what they use in that column.
    pub fn by<R: Table>(name: &'static str, column: &'static str) -> Self {
        Self { name, table: R::TABLE, column }
    }

    /// The rows of a table, which hold what they use in their list.
    pub fn holding<R: Table>(name: &'static str) -> Option<Self> {
        R::LINKS.first().map(|link| Self { name, table: link.table, column: link.target })
    }
}

impl Read<'_> {
    /// How many use each row. A million of them take a good part of a second.
    pub fn users(&self, user: &User) -> Result<Users> {
        let User { table, column, .. } = user;
        let sql =
            format!("SELECT {column}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY {column}");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let counted = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(counted.collect::<rusqlite::Result<_>>()?)
    }

    /// How many use that row, counted up to `most`.
    pub fn users_of(&self, user: &User, id: i64, most: i64) -> Result<i64> {
        let User { table, column, .. } = user;
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {column} = ? LIMIT ?)");
        Ok(self.conn.prepare_cached(&sql)?.query_row([id, most], |row| row.get(0))?)
    }

    /// Ids and names of the rows of a table whose list holds that row, in the order of names.
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
