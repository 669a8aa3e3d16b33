//! Lists of lines and MAGs: which of them, in which order, from where.

use super::subscription::{Subscription, SubscriptionChange};
use crate::domain::{
    Fact, Record, Stored,
    fields::time::UnixTime,
    ids::{PlanId, ResellerId},
    page::Limit,
    viewing::session::Viewer,
};

/// Ends within this many seconds are soon: 7 days.
pub const SOON: i64 = 7 * 86_400;

/// A resource that holds a subscription: lines and MAGs.
pub trait Subscribed: Record {
    /// The unique column that it is known by.
    const NAME: &'static str;

    /// What it is known by: a username or a MAC address.
    fn name(&self) -> String;
    /// What was sold.
    fn subscription(&self) -> &Subscription;
    /// What was sold, to be changed.
    fn subscription_mut(&mut self) -> &mut Subscription;
    /// The part of a change that is the subscription's.
    fn subscription_change(change: &mut Self::Change) -> &mut SubscriptionChange;
    /// The first column that is set here although only the operator sets it.
    fn first_operator_only_field(change: &Self::Change) -> Option<&'static str>;
    /// Who it is to connections and logs.
    fn viewer(id: Self::Id) -> Viewer;
    /// The text that is looked for in [`Subscribed::NAME`] when somebody types `text`.
    fn looked_for(text: &str) -> String {
        text.to_owned()
    }
}

/// A state that lists are narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// May watch.
    Active,
    /// Its end is over.
    Expired,
    /// Ends within [`SOON`].
    Expiring,
    /// Switched off.
    Disabled,
    /// Switched off by the operator.
    Banned,
    /// Sold as a trial.
    Trial,
    /// Has a connection open.
    Watching,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Active,
        Self::Watching,
        Self::Expiring,
        Self::Expired,
        Self::Disabled,
        Self::Banned,
        Self::Trial,
    ];

    /// The word for it in addresses of lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Expiring => "expiring",
            Self::Disabled => "disabled",
            Self::Banned => "banned",
            Self::Trial => "trial",
            Self::Watching => "watching",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What a list is narrowed to; nothing chosen is everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// With this text in name, reference, e-mail address or notes.
    pub search: Option<String>,
    pub state: Option<State>,
    pub reseller: Option<ResellerId>,
    pub plan: Option<PlanId>,
    /// Who has a connection open, by row id; asked for [`State::Watching`].
    pub watching: Vec<i64>,
    /// The moment for which states are told.
    pub now: UnixTime,
}

impl Selection {
    /// Everything.
    pub fn all(now: UnixTime) -> Self {
        Self { search: None, state: None, reseller: None, plan: None, watching: Vec::new(), now }
    }
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Username or MAC address.
    Name,
    /// The end; none comes last.
    End,
    /// When it was created.
    Created,
    /// When it was last changed.
    Changed,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 4] = [Self::Name, Self::End, Self::Created, Self::Changed];

    /// The word for it in addresses of lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::End => "end",
            Self::Created => "created",
            Self::Changed => "changed",
        }
    }

    /// The order of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.name() == name)
    }
}

/// A row's place in a sorted list, written `ID.KEY` in addresses. It is a place also once the row is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What the row is sorted by.
    pub key: Fact,
    pub id: i64,
}

impl Cursor {
    /// Reads a place of a list in that order.
    pub fn read(text: &str, order: Order) -> Option<Self> {
        let (id, key) = text.split_once('.')?;
        let key = match order {
            Order::Name => Fact::Text(key.to_owned()),
            _ => Fact::Number(key.parse().ok()?),
        };
        Some(Self { key, id: id.parse().ok()? })
    }

    /// As addresses have it.
    pub fn written(&self) -> String {
        match &self.key {
            Fact::Number(key) => format!("{}.{key}", self.id),
            Fact::Text(key) => format!("{}.{key}", self.id),
            _ => format!("{}.", self.id),
        }
    }
}

/// Where a page begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// With the first row.
    First,
    /// After that place.
    After(Cursor),
    /// Before that place.
    Before(Cursor),
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// Which rows.
    pub selection: Selection,
    pub order: Order,
    /// The largest first.
    pub descending: bool,
    /// Which page.
    pub turn: Turn,
    /// How many rows at most.
    pub limit: Limit,
}

/// How many rows there are in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Exactly this many.
    Exact(i64),
    /// More than this many: counting them would take too long.
    Over(i64),
    /// Nobody counted.
    Unknown,
}

/// A page's rows and its neighbours.
#[derive(Clone)]
pub struct Found<R: Record> {
    pub rows: Vec<Stored<R>>,
    /// How many there are in all.
    pub total: Total,
    /// Where the page before ends.
    pub previous: Option<Cursor>,
    /// Where the page after begins.
    pub next: Option<Cursor>,
    /// How many rows were looked through, if the page is not full because that were enough for once.
    pub looked: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let named = Cursor { key: Fact::Text("a.b.c".into()), id: 7 };
        assert_eq!(Cursor::read(&named.written(), Order::Name), Some(named));
        let ending = Cursor { key: Fact::Number(1_800_000_000), id: 9 };
        assert_eq!(Cursor::read(&ending.written(), Order::End), Some(ending));
        assert_eq!(Cursor::read("7.x", Order::End), None);
        assert_eq!(Cursor::read("7", Order::Name), None);
    }

    #[test]
    fn states_and_orders_have_names_of_their_own() {
        assert!(State::ALL.into_iter().all(|state| State::named(state.name()) == Some(state)));
        assert!(Order::ALL.into_iter().all(|order| Order::named(order.name()) == Some(order)));
    }
}
