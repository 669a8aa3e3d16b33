//! Streams as the panel's list looks for them.

use rusqlite::params;

use crate::{
    domain::{
        Error, Kind, Resource, Result, Stored,
        channels::{
            import::Existing,
            source_request::{SourceHeader, SourceRequest},
            stream::{SourceUrl, Stream},
        },
        field::{Field, Item},
        fields::text::SourceAgent,
        ids::{CategoryId, Id, ServerId, StreamId},
        page::Rows,
    },
    store::{
        Read,
        engine::{columns::fact, fault::broken},
    },
};

/// What a list of streams is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By channel number, those without one last, then by name.
    #[default]
    Number,
    Name,
    /// By id, the newest first.
    Newest,
}

/// Which streams are looked for.
#[derive(Clone, Debug, Default)]
pub struct StreamSearch {
    /// With this text in the name, guide id or notes; or with this id.
    pub text: String,
    pub category: Option<CategoryId>,
    pub server: Option<ServerId>,
    /// Only these (`true`), or all but these (`false`).
    pub among: Option<(Vec<StreamId>, bool)>,
    /// In which order.
    pub sort: Sort,
    /// After this many rows.
    pub from: i64,
    /// At most this many rows.
    pub rows: u16,
}

/// What of a stream decides on its recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStream {
    pub id: StreamId,
    pub name: String,
    /// For how many days it is recorded; 0 is not at all.
    pub days: u32,
    /// Whether it should run.
    pub enabled: bool,
    /// Which server runs it.
    pub server: ServerId,
}

impl Read<'_> {
    /// Streams that match, and how many do in all.
    pub fn seek_streams(&self, sought: &StreamSearch) -> Result<Rows<Stored<Stream>>> {
        let order = match sought.sort {
            Sort::Number => "number = 0, number, name COLLATE NOCASE, id",
            Sort::Name => "name COLLATE NOCASE, id",
            Sort::Newest => "id DESC",
        };
        let matching = "FROM streams WHERE \
             (?1 = '' OR name LIKE ?2 ESCAPE '\\' OR epg_channel_id LIKE ?2 ESCAPE '\\' OR notes LIKE ?2 ESCAPE '\\' \
              OR id = CAST(?1 AS INTEGER)) \
             AND (?3 IS NULL OR category_id = ?3) AND (?4 IS NULL OR coalesce(server_id, 1) = ?4) \
             AND (?5 IS NULL OR (id IN (SELECT value FROM json_each(?5))) = ?6)";
        let escaped = sought.text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let (among, within) = match &sought.among {
            Some((ids, within)) => {
                let ids: Vec<i64> = ids.iter().map(|id| id.number()).collect();
                (Some(serde_json::json!(ids).to_string()), *within)
            }
            None => (None, true),
        };
        let pattern = format!("%{escaped}%");
        let (category, server) = (sought.category.map(Id::number), sought.server.map(Id::number));
        let mut counting = self.conn.prepare_cached(&format!("SELECT count(*) {matching}"))?;
        let total = counting
            .query_row(params![sought.text, pattern, category, server, among, within], |row| row.get(0))?;
        let sql = format!("SELECT id {matching} ORDER BY {order} LIMIT ?7 OFFSET ?8");
        let mut finding = self.conn.prepare_cached(&sql)?;
        let found = finding.query_map(
            params![sought.text, pattern, category, server, among, within, sought.rows, sought.from],
            |row| row.get(0),
        )?;
        let ids: Vec<i64> = found.collect::<rusqlite::Result<_>>()?;
        Ok(Rows { total, rows: self.streams_of(ids.into_iter().map(StreamId))? })
    }

    /// Every stream, with what an import tells it by.
    pub fn known_streams(&self) -> Result<Vec<Existing>> {
        let sql = "SELECT id, name, category_id, epg_channel_id, sources, user_agent, headers, tls_verify, logo_url, number \
                   FROM streams ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let count: i64 = self.conn.query_row("SELECT count(*) FROM streams", [], |row| row.get(0))?;
        let mut found = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        while let Some(row) = rows.next()? {
            let broken = || broken("a stream cannot be read");
            let sources = SourceUrl::stored_list(fact(row.get_ref(4)?, Kind::List)?);
            let user_agent = SourceAgent::stored(fact(row.get_ref(5)?, Kind::Text)?);
            let headers = SourceHeader::stored_list(fact(row.get_ref(6)?, Kind::List)?);
            let request = SourceRequest {
                user_agent: user_agent.ok_or_else(broken)?,
                headers: headers.ok_or_else(broken)?,
                tls_verify: row.get(7)?,
                left_out: Vec::new(),
            };
            found.push(Existing {
                id: StreamId(row.get(0)?),
                name: row.get(1)?,
                category: row.get::<_, Option<i64>>(2)?.map(CategoryId),
                guide_id: row.get(3)?,
                sources: sources.ok_or_else(broken)?,
                request: (request != SourceRequest::default()).then(|| Box::new(request)),
                logo: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
                number: row.get(9)?,
            });
        }
        Ok(found)
    }

    /// The streams that are to be recorded, and those among `held` that there are, by their ids.
    pub fn recorded_streams(&self, held: &[StreamId]) -> Result<Vec<RecordedStream>> {
        let held: Vec<i64> = held.iter().map(|id| id.number()).collect();
        let sql = "SELECT id, name, archive_days, enabled, coalesce(server_id, 1) FROM streams \
                   WHERE archive_days > 0 OR id IN (SELECT value FROM json_each(?1)) ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([serde_json::json!(held).to_string()], |row| {
            Ok(RecordedStream {
                id: StreamId(row.get(0)?),
                name: row.get(1)?,
                days: row.get(2)?,
                enabled: row.get(3)?,
                server: ServerId(row.get(4)?),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Streams by their ids, in that order.
    ///
    /// # Errors
    /// [`Error::NoSuch`] for one that is not there.
    pub fn streams_of(&self, ids: impl Iterator<Item = StreamId>) -> Result<Vec<Stored<Stream>>> {
        let find = |id: StreamId| {
            let missing =
                || Error::NoSuch { resource: Resource::Streams, which: Some(id.number().to_string()) };
            self.by_id::<Stream>(id)?.ok_or_else(missing)
        };
        ids.map(find).collect()
    }
}
