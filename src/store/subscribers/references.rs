//! Lines and MAGs by the caller's own number, which is unique among both.

use rusqlite::OptionalExtension;

use crate::{
    domain::{
        Result, Stored,
        fields::text::Reference,
        ids::{Id, LineId, MagId},
        subscribers::{line::Line, listing::Subscribed, mag::Mag},
        viewing::session::Viewer,
    },
    store::{Read, Table},
};

impl Read<'_> {
    /// The line, or the MAG, with that reference.
    pub fn by_reference<S: Subscribed + Table>(&self, reference: &Reference) -> Result<Option<Stored<S>>> {
        match self.id_by_reference::<S>(reference)? {
            Some(id) => self.by_id(id),
            None => Ok(None),
        }
    }

    /// Which line or MAG has that reference.
    pub fn holder_of(&self, reference: &Reference) -> Result<Option<Viewer>> {
        if let Some(id) = self.id_by_reference::<Line>(reference)? {
            return Ok(Some(Viewer::Line(LineId(id.number()))));
        }
        let mag = self.id_by_reference::<Mag>(reference)?;
        Ok(mag.map(|id| Viewer::Mag(MagId(id.number()))))
    }

    fn id_by_reference<S: Subscribed + Table>(&self, reference: &Reference) -> Result<Option<S::Id>> {
        // The second condition lets SQLite use the index, in which the empty ones are not.
        let sql = format!("SELECT id FROM {} WHERE reference = ? AND reference <> ''", S::TABLE);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let id: Option<i64> = statement.query_row([reference.as_str()], |row| row.get(0)).optional()?;
        Ok(id.map(S::Id::of))
    }
}
