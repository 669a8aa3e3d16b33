//! Every table: its record, what of it is searched, and its statements, made once from the columns of its record.

pub(crate) mod filters;
mod reading;
mod writing;

use std::collections::HashMap;

use rusqlite::Connection;

use super::{columns::fact, fault::broken};
use crate::{
    domain::{
        Column, Defaults, Fact, Kind, Record, Resource, Result,
        channels::{
            bouquet::{Bouquet, Category},
            stream::Stream,
        },
        events::webhook::Webhook,
        guide::source::GuideSource,
        machine::{server::Server, settings::Settings},
        messages::target::MessageTarget,
        people::{
            admin::{Admin, Group},
            api_key::ApiKey,
            reseller::Reseller,
        },
        subscribers::{line::Line, mag::Mag, plan::Plan},
    },
    store::Read,
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
    Webhook: "webhooks", ["description", "url"];
    MessageTarget: "message_targets", ["name"];
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
    restore: String,
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
            restore: format!("INSERT INTO {table} ({names}, created_at, updated_at, id) VALUES ({marks}, ?)"),
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
}
