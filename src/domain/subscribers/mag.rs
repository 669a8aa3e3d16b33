//! MAGs: set-top boxes, known by their MAC address.

use super::{
    listing::Subscribed,
    subscription::{Subscription, SubscriptionChange},
};
use crate::domain::{
    Resource,
    fields::{
        mac::Mac,
        text::{LinePassword, Username},
    },
    ids::MagId,
    viewing::session::Viewer,
};

record! {
    /// A set-top box, or an app that acts as one.
    pub struct Mag / MagChange, MagId, Resource::Mag;
    /// The MAC address in any spelling; stored upper-case with colons.
    mac_address: Mac,
    /// What its box signs in with, if General Settings require that.
    login: Username,
    /// The password for that login.
    password: LinePassword,
    /// Bound to the device that it was first used with.
    lock_device: bool,
    with subscription: Subscription / SubscriptionChange
}

impl Subscribed for Mag {
    const NAME: &'static str = "mac_address";

    fn name(&self) -> String {
        self.mac_address.to_string()
    }

    fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    fn subscription_mut(&mut self) -> &mut Subscription {
        &mut self.subscription
    }

    fn subscription_change(change: &mut MagChange) -> &mut SubscriptionChange {
        &mut change.subscription
    }

    fn first_operator_only_field(change: &MagChange) -> Option<&'static str> {
        change.subscription.first_operator_only_field()
    }

    fn viewer(id: MagId) -> Viewer {
        Viewer::Mag(id)
    }

    /// Addresses are typed with colons, with dashes, or without anything.
    fn looked_for(text: &str) -> String {
        let bare = text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !bare {
            return text.replace('-', ":");
        }
        let pairs: Vec<&str> =
            (0..text.len()).step_by(2).filter_map(|at| text.get(at..(at + 2).min(text.len()))).collect();
        pairs.join(":")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_for_in_any_spelling() {
        let texts = ["00-1a-79", "001a79", "001a7", "00:1A", "office"].map(Mag::looked_for);
        assert_eq!(texts, ["00:1a:79", "00:1a:79", "00:1a:7", "00:1A", "office"]);
    }
}
