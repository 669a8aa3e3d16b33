//! Lines: subscribers' accounts.

use super::{
    Resource,
    ids::LineId,
    subscription::{Subscription, SubscriptionChange},
    text::{LinePassword, Username},
    token::LineToken,
};

record! {
    /// A subscriber's account, known by username and password.
    pub struct Line / LineChange, LineId, Resource::Line;
    /// The name, unique without regard to case; 10 random characters when a new line has none.
    username: Username,
    /// The password; 10 random characters when a new line has none.
    password: LinePassword,
    /// Stands for both in addresses, 32 hexadecimal digits; `new_token` makes one, empty takes it away.
    token: Option<LineToken>,
    /// May pass streams on: never blocked by the guards against abuse.
    restreamer: bool,
    with subscription: Subscription / SubscriptionChange
}
