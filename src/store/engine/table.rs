//! The statements that every table needs, made once from the columns of its record.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, params_from_iter};

use super::{
    columns::{Param, fact},
    fault::broken,
};
use crate::{
    domain::{
        Column, Defaults, Error, Fact, Kind, Record, Resource, Result, Stored,
        channels::{
            bouquet::{Bouquet, Category},
            stream::Stream,
        },
        fields::time::UnixTime,
        guide::source::GuideSource,
        ids::Id,
        machine::{server::Server, settings::Settings},
        page::{Page, Rows, Start},
        people::{
            admin::{Admin, Group},
            api_key::ApiKey,
            reseller::Reseller,
        },
        subscribers::{line::Line, mag::Mag, plan::Plan},
    },
    store::{Read, Write},
};

/// A record that has a table.
pub trait Table: Record {
    /// The table's name in `schema.sql`.
    const TABLE: &'static str;
    /// The text columns that a search looks through.
    const SEARCH: &'static [&'static str];
    /// Where its lists of ids are kept.
    const LINKS: &'static [Link] = &[];
}

/// A list of ids: the column that shows it, and the table that holds it.
#[derive(Debug)]
pub struct Link {
    column: &'static str,
    pub(crate) table: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) target: &'static str,
}

macro_rules! tables {
    ($($record:ty: $table:literal, [$($search:literal),*] $(, $column:literal in $link:literal ($owner:literal, $target:literal))?;)*) => {
        $( impl Table for $record {
            const TABLE: &'static str = $table;
            const SEARCH: &'static [&'static str] = &[$($search),*];
            $( const LINKS: &'static [Link] =
                &[Link { column: $column, table: $link, owner: $owner, target: $target }]; )?
        } )*

        impl Tables {
            /// Reads the defaults of every table and writes its statements.
            pub fn of(conn: &Connection) -> rusqlite::Result<Self> {
                let mut tables = HashMap::new();
                $( tables.insert($table, Statements::of::<$record>(conn)?); )*
                Ok(Self(tables))
            }
        }

        /// The table of a resource that other rows may refer to.
        fn table_of(resource: Resource) -> Option<&'static str> {
            [$( (<$record>::RESOURCE, $table) ),*].into_iter().find(|(of, _)| *of == resource).map(|(_, table)| table)
        }
    };
}

tables! {
    Line: "lines", ["username", "reference", "email", "notes"], "bouquets" in "line_bouquets" ("line_id", "bouquet_id");
    Mag: "mags", ["mac_address", "reference", "email", "notes"], "bouquets" in "mag_bouquets" ("mag_id", "bouquet_id");
    Plan: "subscription_plans", ["name"], "bouquets" in "plan_bouquets" ("plan_id", "bouquet_id");
    Bouquet: "bouquets", ["name"], "streams" in "bouquet_streams" ("bouquet_id", "stream_id");
    Category: "categories", ["name"];
    Stream: "streams", ["name", "epg_channel_id", "notes"];
    Server: "servers", ["name", "server_ip", "vpn_ip", "notes"];
    Reseller: "resellers", ["name"];
    Admin: "administrators", ["username", "email"];
    Group: "groups", ["name"];
    GuideSource: "guide_sources", ["name", "url"];
    ApiKey: "api_keys", ["name"];
    Settings: "settings", ["operator_name"];
}

/// The moment of a change (a parameter), and later than the last change even within its second: whoever has seen a
/// row tells by it whether the row is still the one that he saw.
pub(crate) const CHANGED: &str = "updated_at = max(?, updated_at + 1)";

/// The statements of every table, by its name.
pub struct Tables(HashMap<&'static str, Statements>);

struct Statements {
    /// Every column of the record.
    all: Vec<Column>,
    /// The table's own columns, without lists of ids.
    columns: Vec<Column>,
    defaults: Defaults,
    insert: String,
    update: String,
    select: String,
}

impl Statements {
    fn of<R: Table>(conn: &Connection) -> rusqlite::Result<Self> {
        let columns: Vec<Column> =
            R::columns().into_iter().filter(|column| !matches!(column.kind, Kind::References(_))).collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let marks = vec!["?"; names.len() + 2].join(", ");
        let sets: Vec<String> = names.iter().map(|name| format!("{name} = ?")).collect();
        let (table, names, sets) = (R::TABLE, names.join(", "), sets.join(", "));
        Ok(Self {
            insert: format!("INSERT INTO {table} ({names}, created_at, updated_at) VALUES ({marks})"),
            update: format!("UPDATE {table} SET {sets}, {CHANGED} WHERE id = ?"),
            select: format!("SELECT id, created_at, updated_at, {names} FROM {table}"),
            defaults: defaults::<R>(conn)?,
            all: R::columns(),
            columns,
        })
    }
}

/// The defaults as `schema.sql` has them; a column that must be given has none.
fn defaults<R: Table>(conn: &Connection) -> rusqlite::Result<Defaults> {
    let mut defaults = Vec::new();
    let mut about = conn.prepare("SELECT name, \"notnull\", dflt_value FROM pragma_table_info(?)")?;
    let mut rows = about.query([R::TABLE])?;
    while let Some(row) = rows.next()? {
        let (name, must, default): (String, bool, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let Some(column) = R::columns().into_iter().find(|column| column.name == name) else { continue };
        if must && default.is_none() {
            continue;
        }
        let sql = format!("SELECT {}", default.unwrap_or_else(|| "NULL".into()));
        let value = conn.query_row(&sql, [], |row| Ok(fact(row.get_ref(0)?, column.kind)))?;
        if let Ok(value) = value {
            defaults.push((column.name, value));
        }
    }
    for link in R::LINKS {
        defaults.push((link.column, Fact::Ids(Vec::new())));
    }
    Ok(Defaults(defaults))
}

impl Tables {
    /// The defaults of a record's columns, as far as there are any.
    pub fn defaults_of<R: Table>(&self) -> Vec<(&'static str, Fact)> {
        let Some(statements) = self.0.get(R::TABLE) else { return Vec::new() };
        let known = |column: &Column| Some((column.name, statements.defaults.get(column.name)?.clone()));
        statements.all.iter().filter_map(known).collect()
    }
}

impl Read<'_> {
    fn statements<R: Table>(&self) -> Result<&Statements> {
        self.tables.0.get(R::TABLE).ok_or_else(|| broken(R::TABLE))
    }

    /// The defaults of a record's columns.
    ///
    /// # Errors
    /// Never for a table of this schema.
    pub fn defaults<R: Table>(&self) -> Result<&Defaults> {
        Ok(&self.statements::<R>()?.defaults)
    }

    /// The row of that id.
    ///
    /// # Errors
    /// A database error.
    pub fn by_id<R: Table>(&self, id: R::Id) -> Result<Option<Stored<R>>> {
        self.first("id", &Fact::Number(id.number()))
    }

    /// The first row whose column has that value; the columns asked for are unique.
    ///
    /// # Errors
    /// A database error.
    pub fn first<R: Table>(&self, column: &'static str, value: &Fact) -> Result<Option<Stored<R>>> {
        let sql = format!("{} WHERE {column} = ?", self.statements::<R>()?.select);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([Param(value)])?;
        rows.next()?.map(|row| self.stored::<R>(row)).transpose()
    }

    /// A page of the table in the order of ids, and exactly how many rows match.
    ///
    /// # Errors
    /// A database error.
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
    ///
    /// # Errors
    /// A database error.
    pub fn count<R: Table>(&self, column: &'static str, id: i64) -> Result<i64> {
        let sql = format!("SELECT count(*) FROM {} WHERE {column} = ?", R::TABLE);
        Ok(self.conn.prepare_cached(&sql)?.query_row([id], |row| row.get(0))?)
    }

    /// Ids and names of every row of a resource that other rows refer to, in the order of names.
    ///
    /// # Errors
    /// A database error.
    pub fn names(&self, resource: Resource) -> Result<Vec<(i64, String)>> {
        let Some(table) = table_of(resource) else { return Ok(Vec::new()) };
        let sql = format!("SELECT id, name FROM {table} ORDER BY name COLLATE NOCASE, id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The name of the row of that id, of a resource that other rows refer to; `None` if it is gone.
    ///
    /// # Errors
    /// A database error.
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

    fn exists(&self, resource: Resource, id: i64) -> Result<bool> {
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

impl Write<'_> {
    /// Inserts a record from its facts.
    ///
    /// # Errors
    /// [`Error::Taken`] for a unique column, or a database error.
    pub fn insert<R: Table>(&self, facts: &[(&'static str, Fact)], now: UnixTime) -> Result<R::Id> {
        let now = Fact::Number(now.seconds());
        let own = facts.iter().map(|(_, fact)| fact).filter(|fact| !matches!(fact, Fact::Ids(_)));
        let values = own.chain([&now, &now]).map(Param);
        let sql = &self.statements::<R>()?.insert;
        self.conn.prepare_cached(sql)?.execute(params_from_iter(values))?;
        let id = self.conn.last_insert_rowid();
        self.link::<R>(id, facts)?;
        self.note_snapshot::<R>();
        // Nobody can be watching on a new line or MAG yet.
        if !matches!(R::RESOURCE, Resource::Line | Resource::Mag) {
            self.note(R::RESOURCE, id);
        }
        Ok(R::Id::of(id))
    }

    /// Writes a record's facts over the row of that id, which has held those before.
    ///
    /// # Errors
    /// [`Error::Taken`] for a unique column, or a database error.
    pub fn update<R: Table>(
        &self,
        id: R::Id,
        before: &[(&'static str, Fact)],
        facts: &[(&'static str, Fact)],
        now: UnixTime,
    ) -> Result<()> {
        let (now, key) = (Fact::Number(now.seconds()), Fact::Number(id.number()));
        let own = facts.iter().map(|(_, fact)| fact).filter(|fact| !matches!(fact, Fact::Ids(_)));
        let values = own.chain([&now, &key]).map(Param);
        let sql = &self.statements::<R>()?.update;
        self.conn.prepare_cached(sql)?.execute(params_from_iter(values))?;
        let list = |facts: &'_ [(&'static str, Fact)], name| {
            facts.iter().find(|(known, _)| *known == name).map(|(_, fact)| fact.clone())
        };
        // A list of a hundred thousand is not written anew because its row gets another name.
        if R::LINKS.iter().any(|link| list(before, link.column) != list(facts, link.column)) {
            for link in R::LINKS {
                let sql = format!("DELETE FROM {} WHERE {} = ?", link.table, link.owner);
                self.conn.prepare_cached(&sql)?.execute([id.number()])?;
            }
            self.link::<R>(id.number(), facts)?;
        }
        self.note_snapshot::<R>();
        self.note(R::RESOURCE, id.number());
        Ok(())
    }

    /// Deletes the row of that id.
    ///
    /// # Errors
    /// A database error, also while other rows refer to it: use cases ask first.
    pub fn delete<R: Table>(&self, id: R::Id) -> Result<()> {
        self.conn
            .prepare_cached(&format!("DELETE FROM {} WHERE id = ?", R::TABLE))?
            .execute([id.number()])?;
        self.note_snapshot::<R>();
        self.note(R::RESOURCE, id.number());
        Ok(())
    }

    /// Stamps the rows whose list holds that id as changed: deleting it takes it out of them.
    ///
    /// # Errors
    /// A database error.
    pub fn touch_holders<R: Table>(&self, target: i64, now: UnixTime) -> Result<()> {
        for link in R::LINKS {
            let Link { table, owner, target: column, .. } = link;
            let sql = format!(
                "UPDATE {} SET {CHANGED} WHERE id IN (SELECT {owner} FROM {table} WHERE {column} = ?)",
                R::TABLE
            );
            self.conn.prepare_cached(&sql)?.execute(params![now.seconds(), target])?;
        }
        Ok(())
    }

    fn link<R: Table>(&self, owner: i64, facts: &[(&'static str, Fact)]) -> Result<()> {
        for link in R::LINKS {
            let Link { column, table, owner: owner_column, target } = link;
            let ids = facts.iter().find_map(|(name, fact)| match fact {
                Fact::Ids(ids) if name == column => Some(ids.as_slice()),
                _ => None,
            });
            let sql = format!("INSERT INTO {table} ({owner_column}, place, {target}) VALUES (?, ?, ?)");
            for (place, id) in (0_i64..).zip(ids.unwrap_or_default()) {
                self.conn.prepare_cached(&sql)?.execute(params![owner, place, id])?;
            }
        }
        Ok(())
    }

    fn note_snapshot<R: Table>(&self) {
        if R::RESOURCE == Resource::Settings {
            self.snapshot_changed();
        }
    }
}

/// The conditions of a page, with their parameters. Column names come from the record, never
/// from the caller.
fn conditions<R: Table>(page: &Page) -> (Vec<String>, Vec<Box<dyn ToSql>>) {
    let mut conditions = Vec::new();
    let mut params: Vec<Box<dyn ToSql>> = Vec::new();
    if let Some(text) = &page.search {
        let each: Vec<String> =
            R::SEARCH.iter().map(|column| format!("{column} LIKE ? ESCAPE '\\'")).collect();
        conditions.push(format!("({})", each.join(" OR ")));
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        params.extend(R::SEARCH.iter().map(|_| Box::new(format!("%{escaped}%")) as Box<dyn ToSql>));
    }
    if let Some(since) = page.changed_since {
        conditions.push("updated_at >= ?".into());
        params.push(Box::new(since.seconds()));
    }
    for (column, value) in &page.filters {
        let param: Box<dyn ToSql> = match value {
            Fact::None => {
                conditions.push(format!("{column} IS NULL"));
                continue;
            }
            Fact::List(_) | Fact::Urls(_) => {
                conditions.push(format!("EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ?)"));
                Box::new(match value {
                    Fact::Urls(texts) => texts.first().map(|(whole, _)| whole.clone()),
                    Fact::List(texts) => texts.first().cloned(),
                    _ => None,
                })
            }
            Fact::Ids(ids) => {
                let Some(link) = R::LINKS.iter().find(|link| link.column == *column) else { continue };
                let Link { table, owner, target, .. } = link;
                conditions.push(format!("id IN (SELECT {owner} FROM {table} WHERE {target} = ?)"));
                Box::new(ids.first().copied())
            }
            // A caller sends a plain list.
            Fact::Masked(_) => continue,
            Fact::Number(number) => {
                conditions.push(format!("{column} = ?"));
                Box::new(*number)
            }
            Fact::Text(text) | Fact::Secret(text) | Fact::Hidden(text) => {
                // Indexes of texts leave the empty ones out.
                let filled = if text.is_empty() { String::new() } else { format!(" AND {column} <> ''") };
                conditions.push(format!("{column} = ?{filled}"));
                Box::new(text.clone())
            }
        };
        params.push(param);
    }
    (conditions, params)
}
