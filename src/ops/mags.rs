//! MAGs: create, update, delete, look.

pub use super::subscriptions::Wishes;
use super::{
    Act,
    subscriptions::{Sold, after_create, after_update, before_create, before_update, extend},
};
use crate::{
    domain::{
        Error, Fact, Resource, Result, Stored,
        ids::{MagId, StreamId},
        mac::Mac,
        mag::{Mag, MagChange},
        time::UnixTime,
    },
    store::Read,
};

/// A MAG with the streams that it may watch now.
pub struct Info {
    /// The MAG.
    pub mag: Stored<Mag>,
    /// Its channels in order; none while it is disabled, banned or expired.
    pub channels: Vec<StreamId>,
}

/// Creates a MAG: plan, ceiling and price included.
///
/// # Errors
/// [`Error::Missing`] without an address, [`Error::Taken`], [`Error::NoSuch`],
/// [`Error::NotEnoughCredits`], [`Error::Refused`] over the ceiling.
pub fn create(act: &Act<'_>, mut change: MagChange, wishes: Wishes) -> Result<(MagId, Mag)> {
    before_create(act, &mut change.subscription, wishes)?;
    let (id, mag) = act.create::<Mag>(change)?;
    after_create(act, &mag.subscription, Sold::Mag(id), wishes)?;
    Ok((id, mag))
}

/// Changes a MAG, and extends it if that is wished.
///
/// # Errors
/// As [`create`], and [`Error::NoSuch`].
pub fn update(act: &Act<'_>, mac: Mac, change: MagChange, wishes: Wishes) -> Result<(MagId, Mag)> {
    let before = find(act.tx, mac)?;
    before_update(act, Resource::Mag, &before.record.subscription, &change.subscription, wishes)?;
    let mut after = act.updated(&before, change)?;
    if wishes.extend {
        extend(act, &mut after.subscription)?;
    }
    act.replace(&before, &after)?;
    let sold = Sold::Mag(before.id);
    after_update(act, Resource::Mag, &before.record.subscription, &after.subscription, sold, wishes)?;
    Ok((before.id, after))
}

/// Deletes a MAG.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn delete(act: &Act<'_>, mac: Mac) -> Result<MagId> {
    let mag = find(act.tx, mac)?;
    act.actor.may_reach(Resource::Mag, mag.record.subscription.reseller_id)?;
    act.delete(&mag)?;
    Ok(mag.id)
}

/// A MAG and its channels.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn info(read: &Read<'_>, mac: Mac, now: UnixTime) -> Result<Info> {
    let mag = find(read, mac)?;
    let subscription = &mag.record.subscription;
    let channels = if subscription.is_active(now) {
        read.channels(subscription.subscription_plan_id, &subscription.bouquets)?
    } else {
        Vec::new()
    };
    Ok(Info { mag, channels })
}

fn find(read: &Read<'_>, mac: Mac) -> Result<Stored<Mag>> {
    read.first::<Mag>("mac_address", &Fact::Text(mac.to_string()))?.ok_or(Error::no_such(Resource::Mag))
}
