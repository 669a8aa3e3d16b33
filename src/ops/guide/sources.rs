//! Sources of the guide and the channels that they name.

use std::collections::{HashMap, HashSet};

use serde_json::json;

pub use crate::store::guide::KnownChannel;
use crate::{
    domain::{
        Error, Refused, Resource, Result, Stored,
        fields::time::UnixTime,
        guide::source::{GuideSource, SourceHealth},
        ids::{GuideSourceId, StreamId},
        page::{Page, Rows, Start},
        people::rights::Access,
    },
    ops::{Act, Effect, Look, Ops, managed},
};

/// A source, and how it fares.
pub struct ShownSource {
    pub row: Stored<GuideSource>,
    /// How its last refresh went.
    pub health: SourceHealth,
}

/// A channel that a source names, and the streams that show it.
pub struct ShownChannel {
    pub channel: KnownChannel,
    pub streams: Vec<StreamId>,
}

/// A page of sources in the order of ids.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<ShownSource>> {
    let found = managed::list::<GuideSource>(look, page)?;
    let rows = found.rows.into_iter().map(|row| shown(look, row)).collect::<Result<_>>()?;
    Ok(Rows { total: found.total, rows })
}

/// Every source in its order.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list_in_order(look: &Look<'_>) -> Result<Vec<ShownSource>> {
    managed::list_in_order::<GuideSource>(look, None)?.into_iter().map(|row| shown(look, row)).collect()
}

/// One source.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`], or a database error.
pub fn info(look: &Look<'_>, id: GuideSourceId) -> Result<ShownSource> {
    let row = managed::info::<GuideSource>(look, id)?;
    shown(look, row)
}

fn shown(look: &Look<'_>, row: Stored<GuideSource>) -> Result<ShownSource> {
    Ok(ShownSource { health: look.read.source_health(row.id)?, row })
}

/// Has that source refreshed once this is committed, or all that are enabled: which they are.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Refused`] for one that is disabled, or a database error.
pub fn refresh(act: &Act<'_>, id: Option<GuideSourceId>) -> Result<Vec<GuideSourceId>> {
    let chosen = match id {
        Some(id) => vec![act.find::<GuideSource>(id)?],
        None => managed::in_order::<GuideSource>(act.tx, None)?,
    };
    let enabled: Vec<_> = chosen.iter().filter(|row| row.record.enabled).collect();
    if id.is_some() && enabled.is_empty() {
        return Err(Refused::GuideSourceDisabled.into());
    }
    let ids: Vec<GuideSourceId> = enabled.iter().map(|row| row.id).collect();
    for row in enabled {
        act.audit(Some(row.id.0), row.record.name.as_str(), &json!({}), &json!({}))?;
    }
    act.after(Effect::RefreshGuide(ids.clone()));
    Ok(ids)
}

impl Ops {
    /// Has sources refreshed, at once unless too many are. The job sees to what is left.
    pub(in crate::ops) fn ask_guide_refresh(&self, ids: &[GuideSourceId]) {
        self.guide.keeping.ask(ids);
        let ops = self.clone();
        tokio::spawn(async move {
            if let Err(error) = ops.keep_guide().await {
                log::warn!("the guide waits for the next look at it: {error}");
            }
        });
    }

    /// The sources that need somebody: those whose last try failed, and those that run out within two days, with that time.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub fn guide_warnings(&self, look: &Look<'_>) -> Result<Vec<(ShownSource, Option<UnixTime>)>> {
        let enabled = list_in_order(look)?.into_iter().filter(|source| source.row.record.enabled);
        // Whoever keeps less than two days ahead has never more.
        let ahead = self.snapshot().settings.guide_future_days.get().min(2) * 86_400;
        let ends = if self.guide.db.exists() { self.guide.db.ends()? } else { Vec::new() };
        let with_end = enabled.map(|source| {
            let end = ends.iter().find(|(id, _)| *id == source.row.id).map(|(_, end)| *end);
            let soon = end.filter(|end| end.seconds() < look.now.seconds() + ahead);
            (source, soon)
        });
        Ok(with_end.filter(|(source, end)| end.is_some() || !source.health.last_error.is_empty()).collect())
    }

    /// The sources that are refreshed now or soon.
    pub fn guide_refreshes(&self) -> HashSet<GuideSourceId> {
        self.guide.keeping.under_way()
    }

    /// A page of the channels that sources name, in the order of sources and ids: of that source, with that text in
    /// their id or a name.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub fn guide_channels(
        &self,
        look: &Look<'_>,
        source: Option<GuideSourceId>,
        page: &Page,
    ) -> Result<Rows<ShownChannel>> {
        look.actor.may(Resource::Guide, Access::Read)?;
        let sought = page.search.as_deref().unwrap_or_default().to_lowercase();
        let matches = |channel: &KnownChannel| {
            let holds = |text: &String| text.to_lowercase().contains(&sought);
            source.is_none_or(|source| source == channel.source)
                && (sought.is_empty() || holds(&channel.guide_id) || channel.names.iter().any(holds))
        };
        // The row of a channel is another one after each refresh: pages go by place.
        let (Start::Offset(begin) | Start::After(begin)) = page.start;
        let all: Vec<KnownChannel> = self.guide.db.channels()?.into_iter().filter(matches).collect();
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let mut users: HashMap<(GuideSourceId, String), Vec<StreamId>> = HashMap::new();
        for found in look.read.shown_matches()? {
            users.entry((found.source, found.guide_id.as_str().to_owned())).or_default().push(found.stream);
        }
        let begin = usize::try_from(begin).unwrap_or(usize::MAX);
        let rows = all.into_iter().skip(begin).take(page.limit.rows().into()).map(|channel| {
            let streams = users.get(&(channel.source, channel.guide_id.clone())).cloned().unwrap_or_default();
            ShownChannel { channel, streams }
        });
        Ok(Rows { total, rows: rows.collect() })
    }

    /// The channel of that id in a source.
    ///
    /// # Errors
    /// [`Error::NoSuch`], or a database error.
    pub(super) fn guide_channel(&self, source: GuideSourceId, id: &str) -> Result<KnownChannel> {
        let found =
            self.guide.db.channels()?.into_iter().find(|channel| {
                channel.source == source && channel.guide_id.to_lowercase() == id.to_lowercase()
            });
        found.ok_or(Error::no_such(Resource::Guide))
    }
}
