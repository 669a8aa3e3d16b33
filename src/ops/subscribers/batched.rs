//! The kinds of rows that batches change and delete, and bring back: what each asks for before, and what follows.

use super::subscriptions::{self, Payment};
use crate::{
    domain::{
        Error, Record, Result, Stored,
        channels::{
            bouquet::{Bouquet, Category},
            stream::Stream,
        },
        events::webhook::Webhook,
        guide::source::GuideSource,
        machine::server::Server,
        messages::target::MessageTarget,
        people::{
            admin::{Admin, Group},
            reseller::Reseller,
        },
        subscribers::{line::Line, listing::Subscribed, mag::Mag, plan::Plan},
        viewing::session::Viewer,
    },
    ops::{
        Act,
        managed::{self, Managed},
        people::{admins, resellers},
    },
    store::Table,
};

/// A kind of rows that batches may be about.
pub trait Batched: Table {
    /// What batches call it.
    fn label(&self) -> String;

    /// Whether whoever acts may reach it as it is.
    ///
    /// # Errors
    /// [`Error::NoSuch`], [`Error::Denied`].
    fn check_mine(&self, act: &Act<'_>) -> Result<()>;

    /// Deletes it; what it gives up with that and is given back if it returns.
    ///
    /// # Errors
    /// As its own deletion.
    fn take_away(act: &Act<'_>, row: &Stored<Self>) -> Result<Option<Payment>>;

    /// Whether it may be again what it was; `now` is what it is by now.
    ///
    /// # Errors
    /// The rule that forbids it. It is asked when the row is written.
    fn check_returned(&self, act: &Act<'_>, id: Self::Id, now: Option<&Self>) -> Result<()>;

    /// Whether nobody else has by now what only one may have.
    ///
    /// # Errors
    /// [`Error::Taken`]. Unique columns are refused by the database.
    fn check_free(&self, _act: &Act<'_>, _id: Self::Id) -> Result<()> {
        Ok(())
    }

    /// As what the ledger knows it, if something is sold to it.
    fn sold_as(_id: Self::Id) -> Option<Viewer> {
        None
    }
}

macro_rules! subscribers {
    ($($kind:ty),*) => { $(
        impl Batched for $kind {
            fn label(&self) -> String {
                Subscribed::name(self)
            }

            fn check_mine(&self, act: &Act<'_>) -> Result<()> {
                act.actor.may_reach(Self::RESOURCE, self.subscription().reseller_id)
            }

            fn take_away(act: &Act<'_>, row: &Stored<Self>) -> Result<Option<Payment>> {
                subscriptions::delete(act, row).map(|_| None)
            }

            fn check_free(&self, act: &Act<'_>, id: Self::Id) -> Result<()> {
                let Some(reference) = &self.subscription().reference else { return Ok(()) };
                match act.tx.holder_of(reference)? {
                    Some(holder) if holder != Self::viewer(id) => {
                        Err(Error::Taken { resource: Self::RESOURCE, field: "reference" })
                    }
                    _ => Ok(()),
                }
            }

            fn check_returned(&self, act: &Act<'_>, _id: Self::Id, now: Option<&Self>) -> Result<()> {
                let now = now.map(Subscribed::subscription);
                subscriptions::check_ceiling(act, now, self.subscription())
            }

            fn sold_as(id: Self::Id) -> Option<Viewer> {
                Some(Self::viewer(id))
            }
        }
    )* };
}

subscribers!(Line, Mag);

macro_rules! managed {
    ($($kind:ty, $record:ident => $label:expr;)*) => { $(
        impl Batched for $kind {
            fn label(&self) -> String {
                let $record = self;
                $label
            }

            fn check_mine(&self, act: &Act<'_>) -> Result<()> {
                self.check_reach(act)
            }

            fn take_away(act: &Act<'_>, row: &Stored<Self>) -> Result<Option<Payment>> {
                managed::delete::<Self>(act, row.id).map(|()| None)
            }

            fn check_returned(&self, act: &Act<'_>, id: Self::Id, now: Option<&Self>) -> Result<()> {
                self.check_write(act, now.map(|_| id))
            }
        }
    )* };
}

managed! {
    Stream, it => it.name.as_str().to_owned();
    Bouquet, it => it.name.as_str().to_owned();
    Category, it => it.name.as_str().to_owned();
    Plan, it => it.name.as_str().to_owned();
    Server, it => it.name.as_str().to_owned();
    Group, it => it.name.as_str().to_owned();
    GuideSource, it => it.name.as_str().to_owned();
    Webhook, it => it.url.shown();
    MessageTarget, it => it.name.as_str().to_owned();
}

impl Batched for Reseller {
    fn label(&self) -> String {
        self.name.as_str().to_owned()
    }

    fn check_mine(&self, _act: &Act<'_>) -> Result<()> {
        Ok(())
    }

    /// Its balance is lost with it.
    fn take_away(act: &Act<'_>, row: &Stored<Self>) -> Result<Option<Payment>> {
        let credits = act.tx.balance(row.id)?.get();
        resellers::delete(act, &resellers::Selector::Id(row.id))?;
        Ok((credits > 0).then_some(Payment { reseller: row.id, credits }))
    }

    fn check_returned(&self, _act: &Act<'_>, _id: Self::Id, _now: Option<&Self>) -> Result<()> {
        Ok(())
    }
}

impl Batched for Admin {
    fn label(&self) -> String {
        self.username.as_str().to_owned()
    }

    fn check_mine(&self, act: &Act<'_>) -> Result<()> {
        admins::may_give(act, self.group_id)
    }

    fn take_away(act: &Act<'_>, row: &Stored<Self>) -> Result<Option<Payment>> {
        admins::delete(act, &admins::Selector::Id(row.id)).map(|_| None)
    }

    fn check_returned(&self, act: &Act<'_>, _id: Self::Id, now: Option<&Self>) -> Result<()> {
        let was_full = now.is_some_and(Admin::is_full);
        if was_full && !self.is_full() { admins::one_is_left(act) } else { Ok(()) }
    }
}
