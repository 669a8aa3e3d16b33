//! Rows of any table, inserted, changed and deleted, with their lists of ids.

use rusqlite::{params, params_from_iter};

use super::{CHANGED, Link, Table};
use crate::{
    domain::{Fact, Resource, Result, Stored, fields::time::UnixTime, ids::Id},
    store::{Write, engine::columns::Param},
};

impl Write<'_> {
    /// Inserts a record from its facts.
    ///
    /// # Errors
    /// [`crate::domain::Error::Taken`] for a unique column, or a database error.
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

    /// Brings a deleted row back under its old id.
    ///
    /// # Errors
    /// [`crate::domain::Error::Taken`] for a unique column, or a database error.
    pub fn restore<R: Table>(&self, row: &Stored<R>) -> Result<()> {
        let facts = row.record.facts();
        let stamps = [row.created_at.seconds(), row.updated_at.seconds(), row.id.number()].map(Fact::Number);
        let own = facts.iter().map(|(_, fact)| fact).filter(|fact| !matches!(fact, Fact::Ids(_)));
        let sql = &self.statements::<R>()?.restore;
        self.conn.prepare_cached(sql)?.execute(params_from_iter(own.chain(&stamps).map(Param)))?;
        self.link::<R>(row.id.number(), &facts)?;
        self.note(R::RESOURCE, row.id.number());
        Ok(())
    }

    /// Writes a record's facts over the row of that id, which has held those before.
    ///
    /// # Errors
    /// [`crate::domain::Error::Taken`] for a unique column, or a database error.
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
