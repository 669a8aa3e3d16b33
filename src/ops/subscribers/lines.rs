//! Lines: create, update, delete, look.

use std::sync::Arc;

use super::subscriptions;
pub use super::subscriptions::SaleOptions;
use crate::{
    domain::{
        Error, Fact, Given, Resource, Result, Stored,
        fields::{
            text::{LinePassword, Username},
            time::UnixTime,
        },
        ids::{Id, LineId, StreamId},
        page::{Page, Rows},
        people::{actor::Actor, rights::Access},
        subscribers::{
            line::{Line, LineChange},
            named::Named,
            subscription::Subscription,
        },
    },
    ops::{
        Act, Action, Look, Ops,
        channels::catalogue::{BouquetSet, Cached, Weighed},
        clock, origin, random,
    },
    store::{LineKey, Read},
};

/// Which line a call means: by username or reference, and by password where one was sent.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The username, without regard to case, or the reference.
    pub named: Named<Username>,
    /// The password, if the caller sent one.
    pub password: Option<LinePassword>,
}

/// A line with the streams that it may watch now.
pub struct Info {
    pub line: Arc<Stored<Line>>,
    /// None while it is disabled, banned or expired.
    pub channels: Arc<ChannelIds>,
}

/// The channels of a set of bouquets in order, as a JSON list of their ids: there may be thousands of them, and
/// thousands of lines share it.
pub struct ChannelIds(String);

impl ChannelIds {
    fn of(ids: &[StreamId]) -> Self {
        let ids: Vec<String> = ids.iter().map(|id| id.number().to_string()).collect();
        Self(format!("[{}]", ids.join(",")))
    }

    /// The list.
    pub fn json(&self) -> &str {
        &self.0
    }
}

impl Weighed for ChannelIds {
    fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// The channels of sets of bouquets, in memory until anything changes that they are read from.
pub type KnownChannels = Cached<BouquetSet, ChannelIds>;

/// Gives a new line the random username and password that it lacks. Not part of the transaction:
/// the writer does nothing but SQL.
///
/// # Errors
/// [`Error::Busy`] if the system's generator fails.
pub fn with_credentials(mut change: LineChange) -> Result<LineChange> {
    if change.username.value().is_none() {
        change.username = Given::Value(random::username()?);
    }
    if change.password.value().is_none() {
        change.password = Given::Value(random::line_password()?);
    }
    Ok(change)
}

/// Creates a line: plan, ceiling and price included.
///
/// # Errors
/// As [`subscriptions::create`].
pub fn create(act: &Act<'_>, change: LineChange, wishes: SaleOptions) -> Result<(LineId, Line)> {
    subscriptions::create(act, change, wishes)
}

/// Changes a line, and extends it if that is wished.
///
/// # Errors
/// As [`create`], and [`Error::NoSuch`] for wrong credentials.
pub fn update(
    act: &Act<'_>,
    who: &Credentials,
    change: LineChange,
    wishes: SaleOptions,
) -> Result<(LineId, Line)> {
    let before = find(act.tx, who)?;
    Ok((before.id, subscriptions::update(act, &before, change, wishes)?))
}

/// Deletes a line.
///
/// # Errors
/// [`Error::NoSuch`] for wrong credentials.
pub fn delete(act: &Act<'_>, who: &Credentials) -> Result<LineId> {
    subscriptions::delete(act, &find(act.tx, who)?)
}

impl Ops {
    /// A line and its channels as last committed, by whomever. Out of memory if they were asked for before and nobody has
    /// committed anything since that this process does not know of.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NoSuch`] for wrong credentials, or a database error.
    pub fn line_info(&self, actor: &Actor, action: Action, who: &Credentials) -> Result<Info> {
        actor.may(action.resource, Access::Read)?;
        if let Some(state) = self.store.state() {
            let known = self.known_line(actor, action, who);
            // A line of one state with the channels of another would be an answer that was never true.
            if self.store.state() == Some(state) {
                return known;
            }
        }
        self.point(actor, action, |look| {
            let line = find(look.read, who)?;
            actor.may_reach(Resource::Line, line.record.subscription.reseller_id)?;
            let read = |(plan, own): BouquetSet| look.read.channels(plan, &own);
            let channels = channels(&line, look.now).map(read).transpose()?.unwrap_or_default();
            Ok(Info { line: Arc::new(line), channels: Arc::new(ChannelIds::of(&channels)) })
        })
    }

    fn known_line(&self, actor: &Actor, action: Action, who: &Credentials) -> Result<Info> {
        let catalogue = self.store.changes().catalogue();
        let key = match &who.named {
            Named::By(username) => LineKey::Username(username.as_str()),
            Named::Reference(reference) => LineKey::Reference(reference),
        };
        let line = self.store.line(|| origin(actor, action), key)?;
        let line = line.filter(|line| is_right(line, who)).ok_or(Error::no_such(Resource::Line))?;
        actor.may_reach(Resource::Line, line.record.subscription.reseller_id)?;
        let channels = match channels(&line, clock::now()) {
            Some(set) => self.known_channels.get(catalogue, set.clone(), || {
                let (plan, own) = set;
                let read = self.store.point(&origin(actor, action), |read| read.channels(plan, &own));
                read.map(|ids| ChannelIds::of(&ids))
            })?,
            None => Arc::new(ChannelIds::of(&[])),
        };
        Ok(Info { line, channels })
    }
}

/// Which bouquets say what a line may watch at that moment; none if it may watch nothing.
fn channels(line: &Stored<Line>, now: UnixTime) -> Option<BouquetSet> {
    let Subscription { subscription_plan_id: plan, bouquets, .. } = &line.record.subscription;
    let may_watch = line.record.subscription.is_active(now) && (plan.is_some() || !bouquets.is_empty());
    may_watch.then(|| (*plan, bouquets.clone()))
}

/// A page of lines in the order of ids.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<Stored<Line>>> {
    look.may(Resource::Line)?;
    look.read.page(&look.confined(page))
}

pub(in crate::ops) fn find(read: &Read<'_>, who: &Credentials) -> Result<Stored<Line>> {
    let line = match &who.named {
        Named::By(username) => read.first::<Line>("username", &Fact::Text(username.as_str().to_owned()))?,
        Named::Reference(reference) => read.by_reference::<Line>(reference)?,
    };
    line.filter(|line| is_right(line, who)).ok_or(Error::no_such(Resource::Line))
}

fn is_right(line: &Stored<Line>, who: &Credentials) -> bool {
    who.password.as_ref().is_none_or(|password| *password == line.record.password)
}
