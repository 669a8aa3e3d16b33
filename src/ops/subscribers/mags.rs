//! MAGs: create, update, delete, look.

use std::collections::HashMap;

use super::subscriptions;
pub use super::subscriptions::SaleOptions;
use crate::{
    domain::{
        Error, Fact, Resource, Result, Stored,
        fields::mac::Mac,
        ids::{MagId, StreamId},
        page::{Page, Rows},
        portal::device::Device,
        subscribers::{
            mag::{Mag, MagChange},
            named::Named,
        },
    },
    ops::{Act, Look},
    store::Read,
};

/// A MAG with the streams that it may watch now.
pub struct Info {
    pub mag: Stored<Mag>,
    /// Its channels in order; none while it is disabled, banned or expired.
    pub channels: Vec<StreamId>,
}

/// Creates a MAG: plan, ceiling and price included.
///
/// # Errors
/// As [`subscriptions::create`].
pub fn create(act: &Act<'_>, change: MagChange, wishes: SaleOptions) -> Result<(MagId, Mag)> {
    subscriptions::create(act, change, wishes)
}

/// Changes a MAG, and extends it if that is wished.
///
/// # Errors
/// As [`create`], and [`Error::NoSuch`].
pub fn update(
    act: &Act<'_>,
    which: &Named<Mac>,
    change: MagChange,
    wishes: SaleOptions,
) -> Result<(MagId, Mag)> {
    let before = find(act.tx, which)?;
    Ok((before.id, subscriptions::update(act, &before, change, wishes)?))
}

/// Deletes a MAG.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn delete(act: &Act<'_>, which: &Named<Mac>) -> Result<MagId> {
    subscriptions::delete(act, &find(act.tx, which)?)
}

/// A MAG and its channels.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn info(look: &Look<'_>, which: &Named<Mac>) -> Result<Info> {
    look.may(Resource::Mag)?;
    let mag = find(look.read, which)?;
    look.actor.may_reach(Resource::Mag, mag.record.subscription.reseller_id)?;
    let subscription = &mag.record.subscription;
    let channels = if subscription.is_active(look.now) {
        look.read.channels(subscription.subscription_plan_id, &subscription.bouquets)?
    } else {
        Vec::new()
    };
    Ok(Info { mag, channels })
}

/// A page of MAGs in the order of ids.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<Stored<Mag>>> {
    look.may(Resource::Mag)?;
    look.read.page(&look.confined(page))
}

/// The boxes of those MAGs, which [`list`] has found.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn devices(look: &Look<'_>, mags: &[Stored<Mag>]) -> Result<HashMap<MagId, Device>> {
    look.may(Resource::Mag)?;
    look.read.devices(mags.iter().map(|mag| mag.id))
}

/// The MAG that a call means.
///
/// # Errors
/// [`Error::NoSuch`].
pub(in crate::ops) fn find(read: &Read<'_>, which: &Named<Mac>) -> Result<Stored<Mag>> {
    let mag = match which {
        Named::By(mac) => read.first::<Mag>("mac_address", &Fact::Text(mac.to_string()))?,
        Named::Reference(reference) => read.by_reference::<Mag>(reference)?,
    };
    mag.ok_or(Error::no_such(Resource::Mag))
}
