//! Resellers and their credits.

use super::{Act, managed::unused};
use crate::{
    domain::{
        Error, Resource, Result, Stored,
        admin::Admin,
        credits::{Credits, Movement},
        ids::{Id, ResellerId},
        line::Line,
        mag::Mag,
        page::{Page, Rows},
        reseller::{Reseller, ResellerChange},
        text::ShortText,
    },
    store::{
        Read,
        resellers::{Booking, Cause, Holdings},
    },
};

/// Which reseller a call means.
#[derive(Clone, Debug)]
pub enum Selector {
    /// By id.
    Id(ResellerId),
    /// By its name, or else by the username of one of its administrators.
    Named(ShortText),
    /// By both, which must agree.
    Both(ResellerId, ShortText),
}

/// A reseller as lists show it.
pub struct Listed {
    /// The reseller.
    pub reseller: Stored<Reseller>,
    /// Its balance.
    pub credits: Credits,
    /// Who works for it and what belongs to it.
    pub holdings: Holdings,
}

/// Creates a reseller with an opening balance; the balance after.
///
/// # Errors
/// [`Error::Missing`] without a name, [`Error::Taken`].
pub fn create(
    act: &Act<'_>,
    change: ResellerChange,
    opening: Credits,
) -> Result<(ResellerId, Reseller, Credits)> {
    let (id, reseller) = act.create::<Reseller>(change)?;
    let balance = settle(act, id, opening, "opening")?;
    Ok((id, reseller, balance))
}

/// Changes a reseller, and sets its balance if one is given; the balance after.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Taken`].
pub fn update(
    act: &Act<'_>,
    who: &Selector,
    change: ResellerChange,
    balance: Option<Credits>,
) -> Result<(ResellerId, Reseller, Credits)> {
    let before = act.find::<Reseller>(find(act.tx, who)?)?;
    let after = act.updated(&before, change)?;
    act.replace(&before, &after)?;
    let balance = match balance {
        Some(balance) => settle(act, before.id, balance, "set")?,
        None => act.tx.balance(before.id)?,
    };
    Ok((before.id, after, balance))
}

/// Adds credits, or takes them away; the balance after.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::NotEnoughCredits`].
pub fn add_credits(act: &Act<'_>, who: &Selector, movement: Movement) -> Result<(ResellerId, Credits)> {
    let reseller = act.find::<Reseller>(find(act.tx, who)?)?;
    let balance = book(act, &reseller, movement, "added")?;
    Ok((reseller.id, balance))
}

/// Deletes a reseller to whom nothing belongs any more. Its ledger stays, closed with a last row.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Refused`] while something belongs to it.
pub fn delete(act: &Act<'_>, who: &Selector) -> Result<ResellerId> {
    let reseller = act.find::<Reseller>(find(act.tx, who)?)?;
    let id = reseller.id.number();
    let users = [
        (act.tx.count::<Line>("reseller_id", id)?, "lines"),
        (act.tx.count::<Mag>("reseller_id", id)?, "MAGs"),
        (act.tx.count::<Admin>("reseller_id", id)?, "administrators"),
    ];
    unused("This reseller", &users)?;
    settle(act, reseller.id, Credits::ZERO, "closing")?;
    act.delete(&reseller)?;
    Ok(reseller.id)
}

/// A page of resellers.
///
/// # Errors
/// A database error.
pub fn list(read: &Read<'_>, page: &Page) -> Result<Rows<Listed>> {
    let Rows { total, rows } = read.page::<Reseller>(page)?;
    let listed = rows.into_iter().map(|reseller| {
        Ok(Listed { credits: read.balance(reseller.id)?, holdings: read.holdings(reseller.id)?, reseller })
    });
    Ok(Rows { total, rows: listed.collect::<Result<_>>()? })
}

/// A page of a reseller's ledger, with its name and balance.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn statement(
    read: &Read<'_>,
    who: &Selector,
    page: &Page,
) -> Result<(Stored<Reseller>, Credits, Rows<Booking>)> {
    let id = find(read, who)?;
    let reseller = read.by_id::<Reseller>(id)?.ok_or(Error::no_such(Resource::Resellers))?;
    Ok((reseller, read.balance(id)?, read.statement(id, page)?))
}

fn find(read: &Read<'_>, who: &Selector) -> Result<ResellerId> {
    let named =
        |name: &ShortText| read.reseller_named(name.as_str())?.ok_or(Error::no_such(Resource::Resellers));
    match who {
        Selector::Id(id) => Ok(*id),
        Selector::Named(name) => named(name),
        Selector::Both(id, name) if named(name)? == *id => Ok(*id),
        Selector::Both(..) => {
            Err(Error::Refused("id and username name different resellers: send one of them".into()))
        }
    }
}

/// Brings a balance to `target`.
fn settle(act: &Act<'_>, id: ResellerId, target: Credits, reason: &'static str) -> Result<Credits> {
    match act.tx.balance(id)?.to(target) {
        None => Ok(target),
        Some(movement) => book(act, &act.find::<Reseller>(id)?, movement, reason),
    }
}

/// Moves a balance: in the ledger and in the audit trail.
fn book(
    act: &Act<'_>,
    reseller: &Stored<Reseller>,
    movement: Movement,
    reason: &'static str,
) -> Result<Credits> {
    let before = act.tx.balance(reseller.id)?;
    let cause = Cause { reason, actor: act.actor.name(), ..Cause::default() };
    let after = act.tx.move_credits(reseller.id, movement, cause, act.now)?;
    let credits = |balance: Credits| serde_json::json!({ "credits": balance.get() });
    let name = reseller.record.name.as_str();
    act.audit(Some(reseller.id.number()), name, &credits(before), &credits(after))?;
    Ok(after)
}
