//! Rows of any table: one, a page, how many there are, and whether what they refer to is there.

use rusqlite::{OptionalExtension, Row, params_from_iter};

use super::{Link, Table, filters::conditions, table_of};
use crate::{
    domain::{
        Error, Fact, Kind, Resource, Result, Stored,
        fields::time::UnixTime,
        ids::Id,
        page::{Limit, Page, Rows, Start},
    },
    store::{
        Read,
        engine::{
            columns::{Param, fact},
            fault::broken,
        },
    },
};

impl Read<'_> {
    /// The row of that id.
    pub fn by_id<R: Table>(&self, id: R::Id) -> Result<Option<Stored<R>>> {
        self.first("id", &Fact::Number(id.number()))
    }

    /// The first row whose column has that value; the columns asked for are unique.
    pub fn first<R: Table>(&self, column: &'static str, value: &Fact) -> Result<Option<Stored<R>>> {
        let sql = format!("{} WHERE {column} = ?", self.statements::<R>()?.select);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([Param(value)])?;
        rows.next()?.map(|row| self.stored::<R>(row)).transpose()
    }

    /// A page of the table in the order of ids, and exactly how many rows match.
    pub fn page<R: Table>(&self, page: &Page) -> Result<Rows<Stored<R>>> {
        let (mut conditions, mut params) = conditions::<R>(page);
        let total = if conditions.is_empty() {
            self.rows_of(R::TABLE)?
        } else {
            let sql = format!("SELECT count(*) FROM {} WHERE {}", R::TABLE, conditions.join(" AND "));
            self.conn.prepare_cached(&sql)?.query_row(params_from_iter(&params), |row| row.get(0))?
        };
        let offset = match page.start {
            Start::Offset(offset) => offset,
            Start::After(id) => {
                conditions.push("id > ?".into());
                params.push(Box::new(id));
                0
            }
        };
        let filter =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        params.push(Box::new(page.limit.rows()));
        params.push(Box::new(offset));
        let sql = format!("{} {filter} ORDER BY id LIMIT ? OFFSET ?", self.statements::<R>()?.select);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(&params))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(self.stored::<R>(row)?);
        }
        Ok(Rows { total, rows })
    }

    /// Every row of the table, or every one that a search finds, in the order of ids: read page by page, and kept
    /// only as far as `take` keeps it.
    pub fn each<R: Table>(&self, search: Option<String>, mut take: impl FnMut(Stored<R>)) -> Result<()> {
        let mut page = Page { limit: Limit::MOST, search, ..Page::default() };
        loop {
            let rows = self.page::<R>(&page)?.rows;
            let Some(last) = rows.last() else { return Ok(()) };
            page.start = Start::After(last.id.number());
            rows.into_iter().for_each(&mut take);
        }
    }

    /// How many rows a table has.
    pub(crate) fn rows_of(&self, table: &str) -> Result<i64> {
        let counted = self
            .conn
            .prepare_cached("SELECT rows FROM row_counts WHERE name = ?")?
            .query_row([table], |row| row.get(0))
            .optional()?;
        match counted {
            Some(rows) => Ok(rows),
            None => Ok(self
                .conn
                .prepare_cached(&format!("SELECT count(*) FROM {table}"))?
                .query_row([], |row| row.get(0))?),
        }
    }

    /// How many rows of a table have that reference.
    pub fn count<R: Table>(&self, column: &'static str, id: i64) -> Result<i64> {
        let sql = format!("SELECT count(*) FROM {} WHERE {column} = ?", R::TABLE);
        Ok(self.conn.prepare_cached(&sql)?.query_row([id], |row| row.get(0))?)
    }

    /// Ids and names of every row of a resource that other rows refer to, in the order of names.
    pub fn names(&self, resource: Resource) -> Result<Vec<(i64, String)>> {
        let Some(table) = table_of(resource) else { return Ok(Vec::new()) };
        let sql = format!("SELECT id, name FROM {table} ORDER BY name COLLATE NOCASE, id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The name of the row of that id, of a resource that other rows refer to; `None` if it is gone.
    pub fn name_of(&self, resource: Resource, id: i64) -> Result<Option<String>> {
        let Some(table) = table_of(resource) else { return Ok(None) };
        let mut statement = self.conn.prepare_cached(&format!("SELECT name FROM {table} WHERE id = ?"))?;
        Ok(statement.query_row([id], |row| row.get(0)).optional()?)
    }

    /// Refuses references to rows that are not there.
    ///
    /// # Errors
    /// [`Error::NoSuch`], with the id where a list holds several.
    pub fn require_references<R: Table>(&self, facts: &[(&'static str, Fact)]) -> Result<()> {
        for (column, (_, fact)) in self.statements::<R>()?.all.iter().zip(facts) {
            match (column.kind, fact) {
                (Kind::Reference(resource), Fact::Number(id)) if !self.exists(resource, *id)? => {
                    return Err(Error::no_such(resource));
                }
                (Kind::References(resource), Fact::Ids(ids)) => {
                    for id in ids {
                        if !self.exists(resource, *id)? {
                            return Err(Error::NoSuch { resource, which: Some(id.to_string()) });
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn exists(&self, resource: Resource, id: i64) -> Result<bool> {
        let Some(table) = table_of(resource) else { return Ok(false) };
        let mut statement = self.conn.prepare_cached(&format!("SELECT 1 FROM {table} WHERE id = ?"))?;
        Ok(statement.exists([id])?)
    }

    fn stored<R: Table>(&self, row: &Row<'_>) -> Result<Stored<R>> {
        let id: i64 = row.get(0)?;
        let moment = |place| -> Result<UnixTime> { Ok(UnixTime::clamped(row.get(place)?)) };
        let columns = &self.statements::<R>()?.columns;
        let mut place = 2;
        let mut failure = None;
        // A record asks for its columns in the order in which they were selected.
        let record = R::stored(&mut |name| {
            let found = if let Some(link) = R::LINKS.iter().find(|link| link.column == name) {
                self.linked(link, id)
            } else {
                place += 1;
                let kind = columns.get(place - 3).map_or(Kind::Text, |column| column.kind);
                row.get_ref(place).map_err(Error::from).and_then(|value| fact(value, kind))
            };
            found.map_err(|error| failure = Some(error)).ok()
        });
        match (record, failure) {
            (Some(record), _) => {
                Ok(Stored { id: R::Id::of(id), record, created_at: moment(1)?, updated_at: moment(2)? })
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(broken(format!("row {id} of {} cannot be read", R::TABLE))),
        }
    }

    fn linked(&self, link: &Link, owner: i64) -> Result<Fact> {
        let Link { table, owner: column, target, .. } = link;
        let sql = format!("SELECT {target} FROM {table} WHERE {column} = ? ORDER BY place");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let ids = statement.query_map([owner], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(Fact::Ids(ids))
    }
}
