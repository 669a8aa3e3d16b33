//! Sources of the guide as they fared, and which channel of it belongs to which stream.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};

use crate::{
    domain::{
        Error, Resource, Result,
        fields::{text::GuideId, time::UnixTime},
        guide::{
            matched::{Match, State},
            matching::Wanting,
            source::SourceHealth,
        },
        ids::{GuideSourceId, StreamId},
        page::{Rows, Start},
    },
    store::{Read, Write, engine::fault::broken},
};

/// By which channel a stream finds its programmes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMatch {
    pub stream: StreamId,
    pub source: GuideSourceId,
    /// The channel in there.
    pub guide_id: GuideId,
    /// By how many minutes its programmes are shown later, by the source and by the stream.
    pub shift_minutes: i64,
}

impl Read<'_> {
    /// The streams that have a channel of a source that is used.
    pub fn shown_matches(&self) -> Result<Vec<ShownMatch>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT stream_id, source_id, guide_id, shift_minutes + epg_shift_minutes FROM guide_matches
             JOIN guide_sources ON guide_sources.id = source_id JOIN streams ON streams.id = stream_id
             WHERE state = 'matched' AND guide_sources.enabled = 1",
        )?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(ShownMatch {
                stream: StreamId(row.get(0)?),
                source: GuideSourceId(row.get(1)?),
                guide_id: guide_id(row, 2)?,
                shift_minutes: row.get(3)?,
            });
        }
        Ok(found)
    }

    /// What is known of the channels of all streams, in the order of their ids. Streams of which nothing was ever said
    /// are not among them.
    pub fn guide_matches(&self) -> Result<Vec<Match>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT stream_id, source_id, guide_id, state, score, chosen_by FROM guide_matches ORDER BY stream_id",
        )?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(matched(row)?);
        }
        Ok(found)
    }

    /// What is known of the channel of one stream.
    pub fn guide_match(&self, stream: StreamId) -> Result<Option<Match>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT stream_id, source_id, guide_id, state, score, chosen_by FROM guide_matches WHERE stream_id = ?",
        )?;
        let mut rows = statement.query([stream.0])?;
        rows.next()?.map(matched).transpose()
    }

    /// Streams that want a channel, in the order of their ids, with what is known of it.
    pub fn wanting_streams(&self) -> Result<Vec<(Wanting, Option<Match>)>> {
        let mut known: HashMap<StreamId, Match> =
            self.guide_matches()?.into_iter().map(|found| (found.stream, found)).collect();
        let mut statement =
            self.conn.prepare_cached("SELECT id, name, epg_channel_id FROM streams ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(Wanting { stream: StreamId(row.get(0)?), name: row.get(1)?, guide_id: row.get(2)? })
        })?;
        rows.map(|wanting| {
            let wanting = wanting?;
            let known = known.remove(&wanting.stream);
            Ok((wanting, known))
        })
        .collect()
    }

    /// This many streams from `start` on, in the order of their ids: their names and what is known of their channels;
    /// with that text in their names, and in that state.
    pub fn page_of_matches(
        &self,
        state: Option<State>,
        search: &str,
        start: Start,
        most: i64,
    ) -> Result<Rows<(String, Match)>> {
        const MATCHING: &str = "FROM streams LEFT JOIN guide_matches ON stream_id = streams.id
             WHERE (?1 IS NULL OR ifnull(state, 'none') = ?1) AND name LIKE ?2 ESCAPE '\\'";
        let (after, offset) = match start {
            Start::After(id) => (id, 0),
            Start::Offset(offset) => (0, offset),
        };
        let escaped = search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let (state, pattern) = (state.map(State::name), format!("%{escaped}%"));
        let mut counting = self.conn.prepare_cached(&format!("SELECT count(*) {MATCHING}"))?;
        let total = counting.query_row(params![state, pattern], |row| row.get(0))?;
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT streams.id, source_id, ifnull(guide_id, ''), ifnull(state, 'none'), ifnull(score, 0),
             ifnull(chosen_by, 'rule'), name {MATCHING} AND streams.id > ?3 ORDER BY streams.id LIMIT ?4 OFFSET ?5"
        ))?;
        let mut found = statement.query(params![state, pattern, after, most, offset])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push((row.get(6)?, matched(row)?));
        }
        Ok(Rows { total, rows })
    }

    /// For how many days the stream is recorded of which most is kept.
    pub fn most_archive_days(&self) -> Result<i64> {
        let mut statement = self.conn.prepare_cached("SELECT ifnull(max(archive_days), 0) FROM streams")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// How the last refresh of a source went.
    pub fn source_health(&self, source: GuideSourceId) -> Result<SourceHealth> {
        let mut statement = self.conn.prepare_cached(
            "SELECT last_try_at, last_success_at, last_error, channels, programmes FROM guide_sources WHERE id = ?",
        )?;
        let moment = |row: &Row<'_>, place| -> rusqlite::Result<Option<UnixTime>> {
            Ok(row.get::<_, Option<i64>>(place)?.map(UnixTime::clamped))
        };
        let found = statement.query_row([source.0], |row| {
            Ok(SourceHealth {
                last_try_at: moment(row, 0)?,
                last_success_at: moment(row, 1)?,
                last_error: row.get(2)?,
                channels: row.get(3)?,
                programmes: row.get(4)?,
            })
        });
        Ok(found.optional()?.unwrap_or_default())
    }
}

impl Write<'_> {
    /// Says which channel belongs to a stream, over what was said before.
    pub fn put_guide_match(&self, found: &Match, now: UnixTime) -> Result<()> {
        let (source, guide_id) = match &found.channel {
            Some((source, guide_id)) => (Some(source.0), guide_id.as_str()),
            None => (None, ""),
        };
        let by = if found.by_person { "person" } else { "rule" };
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO guide_matches
                 (stream_id, source_id, guide_id, state, score, chosen_by, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                found.stream.0,
                source,
                guide_id,
                found.state.name(),
                found.score,
                by,
                now.seconds()
            ])?;
        self.note(Resource::Guide, found.stream.0);
        Ok(())
    }

    /// Forgets what was said of a stream's channel.
    pub fn forget_guide_match(&self, stream: StreamId) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM guide_matches WHERE stream_id = ?")?.execute([stream.0])?;
        self.note(Resource::Guide, stream.0);
        Ok(())
    }

    /// Notes how a refresh of a source went. It is no change of the source: `updated_at` stays.
    pub fn note_source_health(&self, source: GuideSourceId, health: &SourceHealth) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE guide_sources SET last_try_at = ?, last_success_at = ?, last_error = ?, channels = ?,
                 programmes = ? WHERE id = ?",
            )?
            .execute(params![
                health.last_try_at.map(UnixTime::seconds),
                health.last_success_at.map(UnixTime::seconds),
                health.last_error,
                health.channels,
                health.programmes,
                source.0
            ])?;
        Ok(())
    }
}

fn matched(row: &Row<'_>) -> Result<Match> {
    let source: Option<i64> = row.get(1)?;
    let state: String = row.get(3)?;
    let by: String = row.get(5)?;
    let channel = source.map(|id| Ok::<_, Error>((GuideSourceId(id), guide_id(row, 2)?))).transpose()?;
    Ok(Match {
        stream: StreamId(row.get(0)?),
        channel,
        state: State::named(&state).ok_or_else(|| broken("a match of the guide has no such state"))?,
        score: row.get(4)?,
        by_person: by == "person",
    })
}

fn guide_id(row: &Row<'_>, place: usize) -> Result<GuideId> {
    let text: String = row.get(place)?;
    GuideId::new(&text).map_err(|_| broken("a match of the guide has no sound id"))
}
