//! What people do with lines and MAGs by id: whoever works for a reseller reaches only its own here,
//! whatever page asks.

use std::collections::{HashMap, HashSet};

use super::subscriptions;
pub use super::subscriptions::{SaleOptions, create};
pub use crate::store::Table;
use crate::{
    domain::{
        Error, Fact, Resource, Result, Stored,
        channels::bouquet::Bouquet,
        fields::{credits::Credits, time::UnixTime},
        ids::{Id, LineId, MagId, ResellerId, StreamId},
        page::Page,
        people::{actor::Actor, reseller::Reseller, rights::Access},
        subscribers::{
            line::Line,
            listing::{Found, Listing, Selection, State, Subscribed},
            mag::Mag,
            plan::Plan,
            subscription::Subscription,
        },
        viewing::session::{SessionId, Viewer},
    },
    ops::{
        Act, Action, Ops, clock,
        viewing::{
            Subscriber,
            connections::{self, Connection},
            explain::{Explanation, Question},
        },
    },
    store::machine::logs::{Log, LogRow},
};

/// Changes a line or MAG by id, and extends it if that is wished.
///
/// # Errors
/// As [`subscriptions::update`].
pub fn change<S: Subscribed + Table>(
    act: &Act<'_>,
    id: S::Id,
    change: S::Change,
    wishes: SaleOptions,
) -> Result<S> {
    let before = subscriptions::reach::<S>(act.tx, act.actor, id)?;
    subscriptions::update(act, &before, change, wishes)
}

/// Who pays for what is sold.
#[derive(Clone, Debug)]
pub struct Account {
    pub reseller: Reseller,
    /// Its balance.
    pub credits: Credits,
}

impl Account {
    /// The balance after paying for a plan; `None` if it does not cover the price.
    pub fn after(&self, plan: &Plan) -> Option<Credits> {
        match plan.credits.payment() {
            Some(price) if self.reseller.use_credits => self.credits.after(price).ok(),
            _ => Some(self.credits),
        }
    }
}

impl Ops {
    /// A page of lines or MAGs; of a reseller's people only its own.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub async fn subscribers<S: Subscribed + Table>(
        &self,
        actor: &Actor,
        mut listing: Listing,
    ) -> Result<Found<S>> {
        self.confine::<S>(actor, &mut listing.selection);
        self.read(actor, Action { resource: S::RESOURCE, name: "list" }, move |look| {
            look.read.subscribers(&listing)
        })
        .await
    }

    /// Narrows a selection to what the actor may reach, and fills in who is watching.
    pub(crate) fn confine<S: Subscribed>(&self, actor: &Actor, selection: &mut Selection) {
        if let Some(own) = actor.reseller() {
            selection.reseller = Some(own);
        }
        if selection.state == Some(State::Watching) {
            let open = self.viewing.open_connections();
            let mut ids: Vec<i64> = open.iter().filter_map(|open| id_of::<S>(open.viewer)).collect();
            ids.sort_unstable();
            ids.dedup();
            selection.watching = ids;
        }
    }

    /// A line or MAG by id.
    ///
    /// # Errors
    /// [`Error::NoSuch`], also for somebody else's.
    pub fn subscriber_by_id<S: Subscribed + Table>(&self, actor: &Actor, id: S::Id) -> Result<Stored<S>> {
        let action = Action { resource: S::RESOURCE, name: "info" };
        self.point(actor, action, |look| subscriptions::reach(look.read, actor, id))
    }

    /// When connections of those rows last ended, by row id.
    pub async fn last_watched<S: Subscribed + Table>(
        &self,
        actor: &Actor,
        rows: &[Stored<S>],
    ) -> Result<HashMap<i64, UnixTime>> {
        let viewers: Vec<(i64, Viewer)> =
            rows.iter().map(|row| (row.id.number(), S::viewer(row.id))).collect();
        self.read(actor, Action { resource: S::RESOURCE, name: "list" }, move |look| {
            let mut last = HashMap::new();
            for (id, viewer) in viewers {
                if let Some(at) = look.read.last_watched(viewer)? {
                    last.insert(id, at);
                }
            }
            Ok(last)
        })
        .await
    }

    /// Why that one cannot watch.
    ///
    /// # Errors
    /// As [`Ops::explain`], and [`Error::NoSuch`] for somebody else's.
    pub async fn explain_by_id<S>(&self, actor: &Actor, id: S::Id, question: Question) -> Result<Explanation>
    where
        S: Subscribed + Table,
        Subscriber: From<Stored<S>>,
    {
        let row = self.subscriber_by_id::<S>(actor, id)?;
        self.explain(actor, Action { resource: S::RESOURCE, name: "explain" }, row.into(), question).await
    }

    /// Ids and names of the streams that somebody who looks at a line or MAG may know of: a reseller's people those that
    /// it was sold.
    pub async fn streams_known(&self, actor: &Actor, sold: &Subscription) -> Result<Vec<(i64, String)>> {
        let mut names = self.names(Resource::Streams).await?;
        if actor.reseller().is_some() {
            let (plan, bouquets) = (sold.subscription_plan_id, sold.bouquets.clone());
            let action = Action { resource: Resource::Line, name: "explain" };
            let channels =
                self.read(&Actor::LINECARD, action, move |look| look.read.channels(plan, &bouquets));
            let known: HashSet<i64> = channels.await?.into_iter().map(|id| id.0).collect();
            names.retain(|(id, _)| known.contains(id));
        }
        Ok(names)
    }

    /// What a log says of that one, newest first: at most `most` rows older than row `before`.
    ///
    /// # Errors
    /// [`Error::NoSuch`], also for somebody else's; a database error.
    pub async fn history_of<S: Subscribed + Table>(
        &self,
        actor: &Actor,
        id: S::Id,
        log: Log,
        before: Option<i64>,
        most: u32,
    ) -> Result<Vec<LogRow>> {
        // What happened a moment ago is to be seen too; if it cannot be written, the rest is still true.
        if let Err(error) = self.viewing.write_history(clock::now()).await {
            log::warn!("the connection log: {error}");
        }
        let who = actor.clone();
        self.read(actor, Action { resource: S::RESOURCE, name: "history" }, move |look| {
            subscriptions::reach::<S>(look.read, &who, id)?;
            let number = Fact::Number(id.number());
            match log {
                Log::Audit => {
                    let resource = ("resource", Fact::Text(S::RESOURCE.name().into()));
                    look.read.latest(log, &[resource, ("target_id", number)], before, most)
                }
                _ => look.read.latest(log, &[(column_of(S::viewer(id)), number)], before, most),
            }
        })
        .await
    }

    /// The connections that are open, oldest first; of a reseller's people only those of its own.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub async fn connections_for(&self, actor: &Actor) -> Result<Vec<Connection>> {
        let mut open = self.viewing.open_connections();
        let Some(own) = actor.reseller() else {
            actor.may(Resource::Connections, Access::Read)?;
            return Ok(open);
        };
        // Lines and MAGs have rights of their own.
        open.retain(|open| actor.may(resource_of(open.viewer), Access::Read).is_ok());
        let mut viewers: Vec<Viewer> = open.iter().map(|open| open.viewer).collect();
        viewers.sort_unstable();
        viewers.dedup();
        let action = Action { resource: Resource::Line, name: "connections" };
        let own = self
            .read(&Actor::LINECARD, action, move |look| {
                let mut mine = HashSet::new();
                for viewer in viewers {
                    let owner = match viewer {
                        Viewer::Line(id) => look.read.owner::<Line>(id)?,
                        Viewer::Mag(id) => look.read.owner::<Mag>(id)?,
                    };
                    if owner == Some(own) {
                        mine.insert(viewer);
                    }
                }
                Ok(mine)
            })
            .await?;
        open.retain(|open| own.contains(&open.viewer));
        Ok(open)
    }

    /// Ends the connections that are meant, out of those that [`Ops::connections_for`] shows; how many.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub async fn kick(&self, actor: &Actor, meant: impl Fn(&Connection) -> bool) -> Result<usize> {
        let mut open = self.connections_for(actor).await?;
        open.retain(meant);
        let Some(first) = open.first() else { return Ok(0) };
        // Resellers' people have no right to connections, but to what is watched with.
        let resource =
            if actor.reseller().is_some() { resource_of(first.viewer) } else { Resource::Connections };
        self.end(actor, Action { resource, name: "kill" }, None, open).await
    }

    /// Ends the connections of a line or MAG, or one of them; how many were open.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::NoSuch`] for somebody else's.
    pub async fn kick_of(&self, actor: &Actor, viewer: Viewer, only: Option<SessionId>) -> Result<usize> {
        self.reach_viewer(actor, viewer)?;
        let mut open = self.viewing.connections_of(viewer);
        open.retain(|open| only.is_none_or(|only| open.id == only));
        self.end(actor, Action { resource: resource_of(viewer), name: "kill" }, Some(viewer), open).await
    }

    async fn end(
        &self,
        actor: &Actor,
        action: Action,
        of: Option<Viewer>,
        open: Vec<Connection>,
    ) -> Result<usize> {
        let ids: Vec<SessionId> = open.iter().map(|open| open.id).collect();
        let name = open.first().map(|open| open.subscriber.clone()).unwrap_or_default();
        self.write(actor.clone(), action, move |act| {
            connections::kill_of(act, of.map(number_of), &name, &ids)?;
            Ok(ids.len())
        })
        .await
    }

    fn reach_viewer(&self, actor: &Actor, viewer: Viewer) -> Result<()> {
        match viewer {
            Viewer::Line(id) => self.subscriber_by_id::<Line>(actor, id).map(|_| ()),
            Viewer::Mag(id) => self.subscriber_by_id::<Mag>(actor, id).map(|_| ()),
        }
    }

    /// What the actor sells, in the order in which it stands where plans are chosen.
    pub async fn plans_for_sale(&self, actor: &Actor) -> Result<Vec<Stored<Plan>>> {
        let action = Action { resource: Resource::SubscriptionPlans, name: "list" };
        let page = Page { limit: crate::domain::page::Limit::MOST, ..Page::default() };
        let mut plans =
            self.read(&Actor::LINECARD, action, move |look| look.read.page::<Plan>(&page)).await?.rows;
        plans.retain(|plan| plan.record.for_resellers || actor.reseller().is_none());
        plans.sort_by_key(|plan| (plan.record.position.get(), plan.id));
        Ok(plans)
    }

    /// Ids and names of the bouquets that hold a stream.
    pub async fn bouquets_with(&self, stream: StreamId) -> Result<Vec<(i64, String)>> {
        let action = Action { resource: Resource::Bouquets, name: "list" };
        let page = Page { filters: vec![("streams", Fact::Ids(vec![stream.0]))], ..Page::default() };
        let found = self.read(&Actor::LINECARD, action, move |look| look.read.page::<Bouquet>(&page)).await?;
        Ok(found.rows.into_iter().map(|row| (row.id.0, row.record.name.as_str().to_owned())).collect())
    }

    /// The account of a reseller: that for which somebody works, or one that the operator's people may
    /// look at.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub fn account(&self, actor: &Actor, of: ResellerId) -> Result<Account> {
        let action = Action { resource: Resource::Resellers, name: "account" };
        let who = if actor.reseller() == Some(of) { &Actor::LINECARD } else { actor };
        self.point(who, action, |look| {
            let reseller =
                look.read.by_id::<Reseller>(of)?.ok_or(Error::no_such(Resource::Resellers))?.record;
            Ok(Account { reseller, credits: look.read.balance(of)? })
        })
    }
}

fn number_of(viewer: Viewer) -> i64 {
    let (Viewer::Line(LineId(id)) | Viewer::Mag(MagId(id))) = viewer;
    id
}

fn resource_of(viewer: Viewer) -> Resource {
    match viewer {
        Viewer::Line(_) => Resource::Line,
        Viewer::Mag(_) => Resource::Mag,
    }
}

/// The column of a viewer in the connection and refusal logs.
fn column_of(viewer: Viewer) -> &'static str {
    match viewer {
        Viewer::Line(_) => "line_id",
        Viewer::Mag(_) => "mag_id",
    }
}

/// The row id of a viewer, if it is one of these.
fn id_of<S: Subscribed>(viewer: Viewer) -> Option<i64> {
    match (viewer, S::RESOURCE) {
        (Viewer::Line(id), Resource::Line) => Some(id.0),
        (Viewer::Mag(id), Resource::Mag) => Some(id.0),
        _ => None,
    }
}
