//! Subscription plans: what is sold.

use super::{
    Resource,
    credits::Credits,
    ids::{BouquetId, PlanId},
    number::{Connections, Position},
    text::Name,
    time::{Count, Unit},
};

record! {
    /// What a line or MAG gets when it is sold.
    pub struct Plan / PlanChange, PlanId, Resource::SubscriptionPlans;
    /// What it is called.
    name: Name,
    /// The bouquets that it gives, as a list of ids.
    bouquets: Vec<BouquetId>,
    /// How many units it lasts.
    duration: Count,
    /// The unit: hour, day, month or year.
    duration_unit: Unit,
    /// How many connections it gives; 0 is no limit.
    max_allowed_connections: Connections,
    /// What it costs a reseller, in credits.
    credits: Credits,
    /// Sold as a trial.
    is_trial: bool,
    /// Its place in lists.
    position: Position,
}
