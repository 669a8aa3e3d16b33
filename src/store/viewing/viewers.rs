//! What admission asks, and what is written down of viewers.

use std::{borrow::Cow, sync::Arc};

use rusqlite::{OptionalExtension, params};

use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::{BouquetId, PlanId, ServerId, StreamId},
        viewing::session::Viewer,
    },
    store::{Read, Write, viewing::open_sessions::SessionRow},
};

/// What is asked for, as admission sees it.
pub struct AskedTitle {
    /// What it is called.
    pub name: Arc<str>,
    /// Its id in the programme guide; may be empty.
    pub guide_id: Arc<str>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// The server that has it.
    pub server_id: ServerId,
    /// Whether a bouquet of the subscription holds it.
    pub in_bouquets: bool,
    /// Whether the subscription's plan allows catch-up; without a plan nothing forbids it.
    pub plan_has_catchup: bool,
}

/// A row of the connection log.
#[derive(Clone, Debug)]
pub struct EndedRow {
    /// What it was; under its number it may stand as open.
    pub session: SessionRow,
    pub at: UnixTime,
    /// Why it ended.
    pub reason: Cow<'static, str>,
}

/// A row of the refusal log.
#[derive(Clone, Debug)]
pub struct RefusedRow {
    /// When.
    pub at: UnixTime,
    /// Who, if the credentials are somebody's.
    pub viewer: Option<Viewer>,
    /// The username or MAC that was sent.
    pub subscriber: String,
    /// What was asked for, if it was a title: its stream, and the word for its kind.
    pub asked: Option<(StreamId, Cow<'static, str>)>,
    /// From where.
    pub address: String,
    /// With which player.
    pub user_agent: String,
    /// The code of why; rows from before schema 6 may have none.
    pub code: Option<Cow<'static, str>>,
    /// Why, in words.
    pub reason: String,
}

impl Read<'_> {
    /// A stream, and whether a subscription of that plan and those bouquets of its own holds it.
    pub fn asked_title(
        &self,
        stream: StreamId,
        plan: Option<PlanId>,
        own: &[BouquetId],
    ) -> Result<Option<AskedTitle>> {
        let sql = "SELECT name, enabled, server_id, EXISTS (SELECT 1 FROM plan_bouquets p JOIN bouquet_streams b \
                   ON b.bouquet_id = p.bouquet_id WHERE p.plan_id = ?2 AND b.stream_id = ?1), \
                   ifnull((SELECT catchup FROM subscription_plans WHERE id = ?2), 1), epg_channel_id FROM streams WHERE id = ?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let asked = statement.query_row(params![stream.0, plan.map(|plan| plan.0)], |row| {
            Ok(AskedTitle {
                name: row.get(0)?,
                enabled: row.get(1)?,
                server_id: row.get::<_, Option<i64>>(2)?.map_or(ServerId::MAIN, ServerId),
                in_bouquets: row.get(3)?,
                plan_has_catchup: row.get(4)?,
                guide_id: row.get(5)?,
            })
        });
        let Some(mut asked) = asked.optional()? else { return Ok(None) };
        if !asked.in_bouquets && !own.is_empty() {
            let sql = "SELECT 1 FROM bouquet_streams WHERE stream_id = ? AND bouquet_id = ?";
            let mut holds = self.conn.prepare_cached(sql)?;
            for bouquet in own {
                asked.in_bouquets |= holds.exists([stream.0, bouquet.0])?;
            }
        }
        Ok(Some(asked))
    }

    /// When a connection of a viewer last ended.
    pub fn last_watched(&self, viewer: Viewer) -> Result<Option<UnixTime>> {
        let (column, id) = column(viewer);
        let sql = format!("SELECT at FROM connection_log WHERE {column} = ? ORDER BY id DESC LIMIT 1");
        let at = self.conn.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?;
        Ok(at.map(UnixTime::clamped))
    }

    /// The latest refusals of a viewer, newest first.
    pub fn refusals_of(&self, viewer: Viewer, most: u32) -> Result<Vec<RefusedRow>> {
        let (column, id) = column(viewer);
        let sql = format!(
            "SELECT at, subscriber, stream_id, kind, address, user_agent, code, reason FROM refusal_log WHERE {column} = ? \
             ORDER BY id DESC LIMIT ?"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![id, most], |row| {
            let kind = row.get::<_, Option<String>>(3)?.map(Cow::Owned);
            Ok(RefusedRow {
                at: UnixTime::clamped(row.get(0)?),
                viewer: Some(viewer),
                subscriber: row.get(1)?,
                asked: row.get::<_, Option<i64>>(2)?.map(StreamId).zip(kind),
                address: row.get(4)?,
                user_agent: row.get(5)?,
                code: row.get::<_, Option<String>>(6)?.map(Cow::Owned),
                reason: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Adds ended sessions to the connection log.
    pub fn insert_ended(&self, rows: &[EndedRow]) -> Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO connection_log (at, started_at, line_id, mag_id, subscriber, stream_id, stream, kind, address, \
             user_agent, container, bytes_sent, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        for EndedRow { session: row, at, reason } in rows {
            let (line, mag) = ids(Some(row.viewer));
            insert.execute(params![
                at.seconds(),
                row.started_at.seconds(),
                line,
                mag,
                row.subscriber,
                row.title.stream().0,
                row.title_name,
                row.title.kind().name(),
                row.address,
                row.user_agent,
                row.container,
                i64::try_from(row.bytes_sent).unwrap_or(i64::MAX),
                reason,
            ])?;
        }
        self.forget_open(rows.iter().map(|row| row.session.id))
    }

    /// Adds refusals to the refusal log.
    pub fn insert_refused(&self, rows: &[RefusedRow]) -> Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO refusal_log (at, line_id, mag_id, subscriber, stream_id, kind, address, user_agent, code, \
             reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        for row in rows {
            let (line, mag) = ids(row.viewer);
            insert.execute(params![
                row.at.seconds(),
                line,
                mag,
                row.subscriber,
                row.asked.as_ref().map(|(stream, _)| stream.0),
                row.asked.as_ref().map(|(_, kind)| kind),
                row.address,
                row.user_agent,
                row.code,
                row.reason,
            ])?;
        }
        Ok(())
    }
}

pub(crate) fn ids(viewer: Option<Viewer>) -> (Option<i64>, Option<i64>) {
    match viewer {
        Some(Viewer::Line(id)) => (Some(id.0), None),
        Some(Viewer::Mag(id)) => (None, Some(id.0)),
        None => (None, None),
    }
}

fn column(viewer: Viewer) -> (&'static str, i64) {
    match viewer {
        Viewer::Line(id) => ("line_id", id.0),
        Viewer::Mag(id) => ("mag_id", id.0),
    }
}
