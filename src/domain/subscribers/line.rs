//! Lines: subscribers' accounts.

use super::{
    listing::Subscribed,
    subscription::{Subscription, SubscriptionChange},
};
use crate::domain::{
    Given, Resource,
    fields::{
        text::{LinePassword, Username},
        token::LineToken,
    },
    ids::LineId,
    viewing::session::Viewer,
};

record! {
    /// A subscriber's account, known by username and password.
    pub struct Line / LineChange, LineId, Resource::Line;
    /// The name, unique without regard to case; 10 random characters when a new line has none.
    username: Username,
    /// The password; 10 random characters when a new line has none.
    password: LinePassword,
    /// Stands for both in addresses, 32 hexadecimal digits; `new_token` makes one, empty removes it.
    token: Option<LineToken>,
    /// May redistribute streams.
    restreamer: bool,
    with subscription: Subscription / SubscriptionChange
}

impl Subscribed for Line {
    const NAME: &'static str = "username";

    fn name(&self) -> String {
        self.username.as_str().to_owned()
    }

    fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    fn subscription_mut(&mut self) -> &mut Subscription {
        &mut self.subscription
    }

    fn subscription_change(change: &mut LineChange) -> &mut SubscriptionChange {
        &mut change.subscription
    }

    /// Restreamers pass on what was sold, so only the operator makes them.
    fn first_operator_only_field(change: &LineChange) -> Option<&'static str> {
        let restreamer = (change.restreamer != Given::Absent).then_some("restreamer");
        restreamer.or_else(|| change.subscription.first_operator_only_field())
    }

    fn viewer(id: LineId) -> Viewer {
        Viewer::Line(id)
    }
}
