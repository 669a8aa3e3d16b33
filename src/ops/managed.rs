//! The resources that are rows and little more: plans, bouquets, categories, streams, servers, groups.

use std::fmt::Write as _;

use super::{Act, Look};
pub use crate::store::engine::references::{User, Users};
use crate::{
    domain::{
        Error, Fact, Refused, Result, Stored,
        channels::{
            bouquet::{Bouquet, Category},
            stream::Stream,
        },
        guide::source::GuideSource,
        ids::{GroupId, Id, ServerId},
        machine::server::Server,
        page::{Page, Rows},
        people::{
            admin::{Admin, Group},
            api_key::KeyHash,
        },
        subscribers::{
            line::Line,
            mag::Mag,
            plan::{Plan, PlanChange},
        },
    },
    store::{Read, Table},
};

/// Up to this many users of a row are counted one by one for whoever wants to delete it.
const COUNTED: i64 = 1000;

/// The rules of one such resource.
pub trait Managed: Table {
    /// Whether the record may be written as it is.
    ///
    /// # Errors
    /// The rule that forbids it.
    fn check_write(&self, _act: &Act<'_>, _id: Option<Self::Id>) -> Result<()> {
        Ok(())
    }

    /// A change of that row, or of a new one, with what follows from it decided.
    #[must_use]
    fn decided(change: Self::Change, _before: Option<&Self>) -> Self::Change {
        change
    }

    /// Whether the caller may change or delete the row as it stands.
    ///
    /// # Errors
    /// The rule that forbids it.
    fn check_reach(&self, _act: &Act<'_>) -> Result<()> {
        Ok(())
    }

    /// Whether the row may go.
    ///
    /// # Errors
    /// The rule that forbids it.
    fn check_delete(_act: &Act<'_>, _row: &Stored<Self>) -> Result<()> {
        Ok(())
    }

    /// What becomes of those that use a row that is deleted.
    const IN_USE: &'static str = ": move or delete them first";
    /// Whether those that use a row keep it from being deleted.
    const IS_KEPT_BY_USERS: bool = true;

    /// Why a row stays whatever happens, for those that are built in: deleting it is not offered.
    fn stays(_id: Self::Id) -> Option<Refused> {
        None
    }

    /// What the rows have that somebody confined to a reseller is shown, if it may look at them at all.
    fn shown_to_resellers() -> Option<(&'static str, Fact)> {
        None
    }

    /// What uses the rows of the resource.
    fn users() -> Vec<User> {
        Vec::new()
    }
}

/// One row.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn info<R: Managed>(look: &Look<'_>, id: R::Id) -> Result<Stored<R>> {
    look.may(R::RESOURCE)?;
    let limit = limit::<R>(look);
    let shown = |row: &Stored<R>| limit.iter().all(|limit| row.record.facts().contains(limit));
    look.read.by_id(id)?.filter(shown).ok_or(Error::no_such(R::RESOURCE))
}

/// A page of rows in the order of ids.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list<R: Managed>(look: &Look<'_>, page: &Page) -> Result<Rows<Stored<R>>> {
    look.may(R::RESOURCE)?;
    let mut page = page.clone();
    page.filters.extend(limit::<R>(look));
    look.read.page(&page)
}

/// What the rows have that whoever looks is shown; nothing where every row is.
fn limit<R: Managed>(look: &Look<'_>) -> Option<(&'static str, Fact)> {
    look.actor.reseller().and_then(|_| R::shown_to_resellers())
}

/// Every row in its order: by position, then by id.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list_in_order<R: Managed>(look: &Look<'_>, search: Option<String>) -> Result<Vec<Stored<R>>> {
    look.may(R::RESOURCE)?;
    in_order(look.read, search)
}

/// Every row, or every one that a search finds, in the order of ids.
pub(super) fn every<R: Managed>(read: &Read<'_>, search: Option<String>) -> Result<Vec<Stored<R>>> {
    let mut found = Vec::new();
    read.each(search, |row| found.push(row))?;
    Ok(found)
}

/// Every row in its order: by position, then by id.
pub(super) fn in_order<R: Managed>(read: &Read<'_>, search: Option<String>) -> Result<Vec<Stored<R>>> {
    let mut rows = every::<R>(read, search)?;
    rows.sort_by_key(|row| {
        let position = row.record.facts().into_iter().find(|(name, _)| *name == "position");
        position.map_or(0, |(_, fact)| if let Fact::Number(place) = fact { place } else { 0 })
    });
    Ok(rows)
}

/// This many rows of those, after the first `begin`.
pub fn page_in_order<R: Managed>(
    look: &Look<'_>,
    begin: i64,
    most: i64,
    search: Option<String>,
) -> Result<Rows<Stored<R>>> {
    let rows = list_in_order::<R>(look, search)?;
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let [begin, most] = [begin, most].map(|count| usize::try_from(count).unwrap_or(0));
    Ok(Rows { total, rows: rows.into_iter().skip(begin).take(most).collect() })
}

/// Creates a row.
///
/// # Errors
/// [`Error::Missing`], [`Error::Taken`], [`Error::NoSuch`] for a reference.
pub fn create<R: Managed>(act: &Act<'_>, change: R::Change) -> Result<(R::Id, R)> {
    let (id, record) = act.create::<R>(R::decided(change, None))?;
    record.check_write(act, None)?;
    Ok((id, record))
}

/// Changes a row.
///
/// # Errors
/// As [`create`], and [`Error::NoSuch`] for the row itself.
pub fn update<R: Managed>(act: &Act<'_>, id: R::Id, change: R::Change) -> Result<R> {
    let before = act.find::<R>(id)?;
    before.record.check_reach(act)?;
    let after = act.updated(&before, R::decided(change, Some(&before.record)))?;
    after.check_write(act, Some(id))?;
    act.replace(&before, &after)?;
    Ok(after)
}

/// Deletes a row that nothing uses.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Changed`], [`Error::Refused`] while it is used.
pub fn delete<R: Managed>(act: &Act<'_>, id: R::Id) -> Result<()> {
    let row = act.find::<R>(id)?;
    row.record.check_reach(act)?;
    act.check_seen(&row)?;
    R::check_delete(act, &row)?;
    act.delete(&row)
}

/// What else changes when the row is deleted, as a sentence for whoever is asked.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn goes_with<R: Managed>(look: &Look<'_>, id: R::Id) -> Result<String> {
    look.may(R::RESOURCE)?;
    used_by::<R>(look.read, id)
}

/// Whether something that uses the row keeps it from being deleted.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn is_kept<R: Managed>(look: &Look<'_>, id: R::Id) -> Result<bool> {
    look.may(R::RESOURCE)?;
    for user in R::users() {
        if R::IS_KEPT_BY_USERS && look.read.users_of(&user, id.number(), 1)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn used_by<R: Managed>(read: &Read<'_>, id: R::Id) -> Result<String> {
    let mut used = Vec::new();
    for user in R::users() {
        match read.users_of(&user, id.number(), COUNTED + 1)? {
            0 => {}
            some if some > COUNTED => used.push(format!("more than {COUNTED} {}", user.name)),
            some => used.push(counted(some, user.name)),
        }
    }
    if used.is_empty() {
        return Ok("Nothing uses it.".into());
    }
    Ok(format!("It is used by {}{}.", used.join(", "), R::IN_USE))
}

/// A fingerprint of rows and of what uses them, as whoever is asked before they are deleted sees them.
///
/// # Errors
/// [`Error::NoSuch`] for an unknown one, [`Error::Denied`], or a database error.
pub fn fingerprint<R: Managed>(look: &Look<'_>, ids: &[R::Id]) -> Result<String> {
    look.may(R::RESOURCE)?;
    fingerprint_in::<R>(look.read, ids)
}

fn fingerprint_in<R: Managed>(read: &Read<'_>, ids: &[R::Id]) -> Result<String> {
    let mut fingerprint = String::new();
    for id in ids {
        let row = read.by_id::<R>(*id)?.ok_or(Error::no_such(R::RESOURCE))?;
        let _ = write!(
            fingerprint,
            "{} {} {}; ",
            id.number(),
            row.updated_at.seconds(),
            used_by::<R>(read, *id)?
        );
    }
    Ok(KeyHash::of(&fingerprint).hex())
}

/// Refuses to go on with rows that are seen otherwise by now, or of which it is not told how they were seen.
///
/// # Errors
/// [`Error::Changed`], [`Error::NoSuch`].
pub fn check_sight<R: Managed>(act: &Act<'_>, ids: &[R::Id], seen: &str) -> Result<()> {
    if seen == fingerprint_in::<R>(act.tx, ids)? { Ok(()) } else { Err(Error::Changed) }
}

/// Refuses to delete what others use, saying how many.
pub(super) fn unused(what: &'static str, users: &[(i64, &str)]) -> Result<()> {
    let used: Vec<String> =
        users.iter().filter(|(count, _)| *count > 0).map(|(count, name)| counted(*count, name)).collect();
    if used.is_empty() {
        return Ok(());
    }
    Err(Refused::StillUsed { what, users: used.join(", ") }.into())
}

/// `1 line`, `3 lines`; every name is one that takes an s.
fn counted(count: i64, names: &str) -> String {
    let name = if count == 1 { names.strip_suffix('s').unwrap_or(names) } else { names };
    format!("{count} {name}")
}

impl Managed for Plan {
    fn decided(change: PlanChange, before: Option<&Self>) -> PlanChange {
        change.decided(before)
    }

    /// What it may sell.
    fn shown_to_resellers() -> Option<(&'static str, Fact)> {
        Some(("for_resellers", Fact::Number(1)))
    }

    fn users() -> Vec<User> {
        let column = "subscription_plan_id";
        vec![User::by::<Line>("lines", column), User::by::<Mag>("MAGs", column)]
    }

    fn check_delete(act: &Act<'_>, row: &Stored<Self>) -> Result<()> {
        let count = ("subscription_plan_id", row.id.number());
        let users = [
            (act.tx.count::<Line>(count.0, count.1)?, "lines"),
            (act.tx.count::<Mag>(count.0, count.1)?, "MAGs"),
        ];
        unused("This subscription plan", &users)
    }
}

impl Managed for Bouquet {
    const IN_USE: &'static str = " and will be removed from there";
    const IS_KEPT_BY_USERS: bool = false;

    fn users() -> Vec<User> {
        let holding =
            [User::holding::<Plan>("plans"), User::holding::<Line>("lines"), User::holding::<Mag>("MAGs")];
        holding.into_iter().flatten().collect()
    }

    fn check_delete(act: &Act<'_>, row: &Stored<Self>) -> Result<()> {
        act.tx.touch_holders::<Plan>(row.id.number(), act.now)?;
        act.tx.touch_holders::<Line>(row.id.number(), act.now)?;
        act.tx.touch_holders::<Mag>(row.id.number(), act.now)
    }
}

impl Managed for Category {
    fn users() -> Vec<User> {
        vec![User::by::<Stream>("streams", "category_id")]
    }

    fn check_delete(act: &Act<'_>, row: &Stored<Self>) -> Result<()> {
        unused("This category", &[(act.tx.count::<Stream>("category_id", row.id.number())?, "streams")])
    }
}

impl Managed for Stream {
    const IN_USE: &'static str = " and will be removed from there";
    const IS_KEPT_BY_USERS: bool = false;

    fn users() -> Vec<User> {
        User::holding::<Bouquet>("bouquets").into_iter().collect()
    }

    fn check_delete(act: &Act<'_>, row: &Stored<Self>) -> Result<()> {
        act.tx.touch_holders::<Bouquet>(row.id.number(), act.now)
    }
}

impl Managed for Server {
    fn stays(id: ServerId) -> Option<Refused> {
        id.is_main().then_some(Refused::MainServerStays)
    }

    fn users() -> Vec<User> {
        let column = "server_id";
        vec![
            User::by::<Stream>("streams", column),
            User::by::<Line>("lines", column),
            User::by::<Mag>("MAGs", column),
        ]
    }

    fn check_delete(act: &Act<'_>, row: &Stored<Self>) -> Result<()> {
        if let Some(why) = Self::stays(row.id) {
            return Err(why.into());
        }
        let id = row.id.number();
        let users = [
            (act.tx.count::<Stream>("server_id", id)?, "streams"),
            (act.tx.count::<Line>("server_id", id)?, "lines"),
            (act.tx.count::<Mag>("server_id", id)?, "MAGs"),
        ];
        unused("This server", &users)
    }
}

impl Managed for GuideSource {}

impl Managed for Group {
    fn check_reach(&self, act: &Act<'_>) -> Result<()> {
        act.actor.may_grant(&self.rights)
    }

    fn check_write(&self, act: &Act<'_>, id: Option<GroupId>) -> Result<()> {
        if id == Some(GroupId::ADMINISTRATORS) && self.rights != [crate::domain::people::rights::Right::Full]
        {
            return Err(Refused::GroupKeepsFull.into());
        }
        act.actor.may_grant(&self.rights)
    }

    fn stays(id: GroupId) -> Option<Refused> {
        [GroupId::ADMINISTRATORS, GroupId::RESELLERS].contains(&id).then_some(Refused::BuiltInGroupStays)
    }

    fn users() -> Vec<User> {
        vec![User::by::<Admin>("administrators", "group_id")]
    }

    fn check_delete(act: &Act<'_>, row: &Stored<Self>) -> Result<()> {
        if let Some(why) = Self::stays(row.id) {
            return Err(why.into());
        }
        unused("This group", &[(act.tx.count::<Admin>("group_id", row.id.number())?, "administrators")])
    }
}
