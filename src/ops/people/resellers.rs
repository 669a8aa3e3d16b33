//! Resellers and their credits.

use crate::{
    domain::{
        Error, Fact, Refused, Resource, Result, Stored,
        fields::{
            credits::{Credits, Movement},
            text::ShortText,
        },
        ids::{Id, ResellerId},
        page::{Page, Rows},
        people::{
            actor::Actor,
            admin::Admin,
            api_key::{ApiKey, KeyHash},
            reseller::{Reseller, ResellerChange},
        },
        subscribers::{line::Line, mag::Mag},
    },
    ops::{Act, Action, Look, Ops, managed::unused},
    store::{
        Read,
        people::resellers::{Cause, Holdings},
    },
};

pub use crate::store::people::resellers::{Booking, REASONS, Wanted};

const STATEMENT: Action = Action { resource: Resource::Resellers, name: "statement" };

/// Which reseller a call means.
#[derive(Clone, Debug)]
pub enum Selector {
    Id(ResellerId),
    /// By its name, or else by the username of one of its administrators.
    Named(ShortText),
    /// By both, which must agree.
    Both(ResellerId, ShortText),
}

/// A reseller as lists show it.
pub struct ResellerRow {
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
    let (id, reseller) = act.create::<Reseller>(change.decided())?;
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
    let after = act.updated(&before, change.decided())?;
    act.replace(&before, &after)?;
    let balance = match balance {
        Some(balance) => settle(act, before.id, balance, "set")?,
        None => act.tx.balance(before.id)?,
    };
    Ok((before.id, after, balance))
}

/// Adds credits, or takes them away, with a note for the statement; the balance after. With the `slip` of a form
/// it is booked once, however often that form is sent.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Changed`], [`Error::NotEnoughCredits`], [`Error::Refused`] for a slip that booked something
/// else.
pub fn add_credits(
    act: &Act<'_>,
    who: &Selector,
    movement: Movement,
    note: Option<&ShortText>,
    slip: Option<&KeyHash>,
) -> Result<Booked> {
    let reseller = act.find::<Reseller>(find(act.tx, who)?)?;
    let note = note.map_or("", ShortText::as_str);
    if let Some((of, booking)) = slip.map(|slip| act.tx.booked_by(slip)).transpose()?.flatten() {
        if of != reseller.id || booking.amount != movement.get() || booking.note != note {
            return Err(Refused::FormSentAlready.into());
        }
        return Ok(Booked { id: of, balance: act.tx.balance(of)?, repeated: true });
    }
    act.check_seen(&reseller)?;
    let cause = Cause { reason: "added", note, slip, ..Cause::default() };
    let balance = book(act, &reseller, movement, cause)?;
    Ok(Booked { id: reseller.id, balance, repeated: false })
}

/// Credits that were moved.
pub struct Booked {
    /// Whose they are.
    pub id: ResellerId,
    /// The balance after.
    pub balance: Credits,
    /// Whether it was booked before, and not again.
    pub repeated: bool,
}

/// Deletes a reseller to whom nothing belongs any more. Its ledger stays, closed with a last row.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Refused`] while something belongs to it.
pub fn delete(act: &Act<'_>, who: &Selector) -> Result<ResellerId> {
    let reseller = act.find::<Reseller>(find(act.tx, who)?)?;
    act.check_seen(&reseller)?;
    let id = reseller.id.number();
    let users = [
        (act.tx.count::<Line>("reseller_id", id)?, "lines"),
        (act.tx.count::<Mag>("reseller_id", id)?, "MAGs"),
        (act.tx.count::<Admin>("reseller_id", id)?, "administrators"),
        (act.tx.count::<ApiKey>("reseller_id", id)?, "API keys"),
    ];
    unused("This reseller", &users)?;
    settle(act, reseller.id, Credits::ZERO, "closing")?;
    act.delete(&reseller)?;
    Ok(reseller.id)
}

/// A page of resellers; whoever is confined to one sees that one.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<ResellerRow>> {
    look.may(Resource::Resellers)?;
    let mut page = page.clone();
    page.filters.extend(look.actor.reseller().map(|own| ("id", Fact::Number(own.number()))));
    let Rows { total, rows } = look.read.page::<Reseller>(&page)?;
    let listed = rows.into_iter().map(|reseller| with_holdings(look.read, reseller));
    Ok(Rows { total, rows: listed.collect::<Result<_>>()? })
}

fn with_holdings(read: &Read<'_>, reseller: Stored<Reseller>) -> Result<ResellerRow> {
    Ok(ResellerRow { credits: read.balance(reseller.id)?, holdings: read.holdings(reseller.id)?, reseller })
}

impl Ops {
    /// A page of a reseller's ledger. Its own people need no right to see it.
    ///
    /// # Errors
    /// [`Error::Denied`] without the right to read resellers, a database error.
    pub async fn bookings(
        &self,
        actor: &Actor,
        id: ResellerId,
        wanted: Wanted,
        page: Page,
    ) -> Result<Rows<Booking>> {
        self.read(reader(actor, id), STATEMENT, move |look| look.read.statement(id, &wanted, &page)).await
    }

    /// A reseller as its own people see it, and as whoever may read resellers does.
    ///
    /// # Errors
    /// [`Error::Denied`] without the right to read resellers, [`Error::NoSuch`].
    pub async fn reseller(&self, actor: &Actor, id: ResellerId) -> Result<ResellerRow> {
        let action = Action { resource: Resource::Resellers, name: "info" };
        self.read(reader(actor, id), action, move |look| {
            let found = look.read.by_id::<Reseller>(id)?;
            with_holdings(look.read, found.ok_or(Error::no_such(Resource::Resellers))?)
        })
        .await
    }
}

/// As whom that reseller is read: its own people see it without a right.
fn reader(actor: &Actor, id: ResellerId) -> &Actor {
    if actor.reseller() == Some(id) { &Actor::LINECARD } else { actor }
}

/// A page of a reseller's ledger, with its name and balance.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn statement(
    look: &Look<'_>,
    who: &Selector,
    page: &Page,
) -> Result<(Stored<Reseller>, Credits, Rows<Booking>)> {
    look.may(Resource::Resellers)?;
    let read = look.read;
    let id = match (find(read, who), look.actor.reseller()) {
        (found @ (Ok(_) | Err(Error::Database(_))), _) => found?,
        // Not even whether a name is somebody else's.
        (Err(_), Some(_)) => return Err(Error::no_such(Resource::Resellers)),
        (Err(error), None) => return Err(error),
    };
    look.actor.may_reach(Resource::Resellers, Some(id))?;
    let reseller = read.by_id::<Reseller>(id)?.ok_or(Error::no_such(Resource::Resellers))?;
    Ok((reseller, read.balance(id)?, read.statement(id, &Wanted::default(), page)?))
}

fn find(read: &Read<'_>, who: &Selector) -> Result<ResellerId> {
    let named =
        |name: &ShortText| read.reseller_named(name.as_str())?.ok_or(Error::no_such(Resource::Resellers));
    match who {
        Selector::Id(id) => Ok(*id),
        Selector::Named(name) => named(name),
        Selector::Both(id, name) if named(name)? == *id => Ok(*id),
        Selector::Both(..) => Err(Refused::NamesDiffer(Resource::Resellers).into()),
    }
}

/// Brings a balance to `target`.
fn settle(act: &Act<'_>, id: ResellerId, target: Credits, reason: &'static str) -> Result<Credits> {
    match act.tx.balance(id)?.to(target) {
        None => Ok(target),
        Some(movement) => {
            let cause = Cause { reason, ..Cause::default() };
            book(act, &act.find::<Reseller>(id)?, movement, cause)
        }
    }
}

/// Moves a balance: in the ledger and in the audit trail.
fn book(act: &Act<'_>, reseller: &Stored<Reseller>, movement: Movement, cause: Cause<'_>) -> Result<Credits> {
    let before = act.tx.balance(reseller.id)?;
    let cause = Cause { actor: act.actor.name(), ..cause };
    let after = act.tx.move_credits(reseller.id, movement, cause, act.now)?;
    let credits = |balance: Credits| serde_json::json!({ "credits": balance.get() });
    let name = reseller.record.name.as_str();
    act.audit(Some(reseller.id.number()), name, &credits(before), &credits(after))?;
    act.tell_credits(reseller.id, name, before.get(), after.get())?;
    Ok(after)
}
