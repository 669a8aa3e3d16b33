//! Message targets as people manage them: new ones, changes, how they fare, and a test.

use serde_json::json;

use super::setup::{SentTarget, Whose};
use crate::{
    domain::{
        Error, Given, Refused, Result, Stored,
        ids::MessageTargetId,
        messages::{
            Way,
            target::{MessageTarget, MessageTargetChange, TargetHealth, shown_url},
        },
        page::{Page, Rows},
        people::audit::MASK,
    },
    ops::{
        Act, Look, Ops,
        managed::{self, Managed},
    },
    store::events::messages::NewMessage,
};

/// More targets are refused.
const MOST: i64 = 32;
/// The type of what is sent as a test.
pub(super) const TEST: &str = "test";

/// A target, and how it fares.
pub struct ShownTarget {
    /// Its row.
    pub row: Stored<MessageTarget>,
    /// How it fares.
    pub health: TargetHealth,
    /// Its address without what is secret; empty if it cannot be read.
    pub url: String,
    /// Its headers, without values.
    pub headers: Vec<String>,
    /// Whether its secrets can be opened with the key of this server.
    pub has_secrets: bool,
}

impl Managed for MessageTarget {
    fn check_write(&self, act: &Act<'_>, id: Option<MessageTargetId>) -> Result<()> {
        self.check()?;
        if id.is_none() && act.tx.message_targets()? > MOST {
            return Err(Refused::TooManyMessageTargets(MOST).into());
        }
        Ok(())
    }
}

impl Ops {
    /// A change of a target with its secrets sealed: of a new one, or of that row.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Invalid`], [`Error::Busy`], or a database error.
    pub fn sealed_target(
        &self,
        mut change: MessageTargetChange,
        sent: &SentTarget,
        of: Whose<'_>,
    ) -> Result<MessageTargetChange> {
        (change.url, change.headers) = self.seal_target(sent, of)?;
        Ok(change)
    }

    /// A page of targets in the order of ids.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub fn message_targets(&self, look: &Look<'_>, page: &Page) -> Result<Rows<ShownTarget>> {
        let found = managed::list::<MessageTarget>(look, page)?;
        let rows = found.rows.into_iter().map(|row| self.shown_target(look, row)).collect::<Result<_>>()?;
        Ok(Rows { total: found.total, rows })
    }

    /// One target.
    ///
    /// # Errors
    /// [`Error::NoSuch`], [`Error::Denied`], or a database error.
    pub fn message_target(&self, look: &Look<'_>, id: MessageTargetId) -> Result<ShownTarget> {
        let row = managed::info::<MessageTarget>(look, id)?;
        self.shown_target(look, row)
    }

    fn shown_target(&self, look: &Look<'_>, row: Stored<MessageTarget>) -> Result<ShownTarget> {
        let opened = self.open_target(&row.record);
        let has_secrets = opened.is_some();
        let opened = opened.unwrap_or_default();
        Ok(ShownTarget {
            health: look.read.target_health(row.id)?,
            url: shown_url(&opened.url),
            headers: opened.headers.iter().map(|(name, _)| format!("{name}: {MASK}")).collect(),
            has_secrets,
            row,
        })
    }
}

/// Creates a target, which is told of what happens from then on.
///
/// # Errors
/// As [`managed::create`], [`Error::Refused`] for too many.
pub fn create(act: &Act<'_>, change: MessageTargetChange) -> Result<MessageTargetId> {
    Ok(managed::create::<MessageTarget>(act, change)?.0)
}

/// Changes a target whose headers were read as `before`.
///
/// # Errors
/// As [`managed::update`], [`Error::Changed`] if its headers are others meanwhile.
pub fn update(
    act: &Act<'_>,
    id: MessageTargetId,
    change: MessageTargetChange,
    before: Option<&MessageTarget>,
) -> Result<()> {
    let row = act.find::<MessageTarget>(id)?;
    if change.headers != Given::Absent && before.is_some_and(|before| row.record.headers != before.headers) {
        return Err(Error::Changed);
    }
    managed::update::<MessageTarget>(act, id, change)?;
    Ok(())
}

/// Sends a target a message that is only for it.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Refused`] for one that is disabled.
pub fn test(act: &Act<'_>, id: MessageTargetId) -> Result<()> {
    let row = act.find::<MessageTarget>(id)?;
    act.check_seen(&row)?;
    if !row.record.enabled {
        return Err(Refused::MessageTargetDisabled.into());
    }
    let name = row.record.name.as_str();
    act.audit(Some(id.0), name, &json!({}), &json!({}))?;
    let health = act.tx.target_health(id)?;
    act.tx.set_target_health(id, &TargetHealth { resume_at: None, ..health })?;
    act.tx.add_message(&NewMessage {
        event: None,
        kind: TEST,
        object: TEST,
        key: name,
        reference: None,
        at: act.now,
        ends_at: None,
        way: Way::Http,
        receiver: name,
        target: Some(id),
        subject: "A test",
        text: "This is a test of Linecard: messages arrive.",
        next_at: act.now,
    })
}
