//! MAGs: set-top boxes, known by their MAC address.

use super::{
    Resource,
    ids::MagId,
    mac::Mac,
    subscription::{Subscription, SubscriptionChange},
};

record! {
    /// A set-top box, or an app that acts as one.
    pub struct Mag / MagChange, MagId, Resource::Mag;
    /// The MAC address in any spelling; stored upper-case with colons.
    mac_address: Mac,
    with subscription: Subscription / SubscriptionChange
}
