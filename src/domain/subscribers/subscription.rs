//! What lines and MAGs have in common: a subscription and its limits.

use super::plan::Plan;
use crate::domain::{
    fields::{
        container::Container,
        net::Network,
        number::{Asn, Connections},
        text::{Email, Notes, Reference, UserAgentPattern},
        time::{Expiry, UnixTime, later},
    },
    ids::{BouquetId, PlanId, ResellerId, ServerId},
};

columns! {
    /// The columns that lines and MAGs share.
    pub struct Subscription / SubscriptionChange;
    /// How many connections may be open at the same time; 0 is no limit.
    max_allowed_connections: Connections,
    /// When it ends, in unix seconds; none is never.
    expire_date: Expiry,
    /// The plan that it was sold with; gives bouquets.
    subscription_plan_id: Option<PlanId>,
    /// The reseller that it belongs to.
    reseller_id: Option<ResellerId>,
    /// Disabled; a reseller may set it.
    disabled: bool,
    /// Banned by the operator; only the operator sets it.
    banned: bool,
    /// Addresses and CIDR ranges that may watch; empty is any.
    allowed_ips: Vec<Network>,
    /// User agents that may watch, `*` for any run of characters; empty is any.
    allowed_user_agents: Vec<UserAgentPattern>,
    /// The formats in which it may watch: ts, hls; empty is any.
    allowed_outputs: Vec<Container>,
    /// It may watch what is recorded; its plan has to allow that too.
    catchup: bool,
    /// The one server that may serve it; none is any.
    server_id: Option<ServerId>,
    /// Bound to the network provider that it first watched from.
    isp_lock: bool,
    /// The autonomous system of that provider; set when it first watches; if emptied, set again.
    isp_asn: Option<Asn>,
    /// Sold as a trial.
    is_trial: bool,
    /// The caller's own number of it, such as a billing system's; unique among lines and MAGs. Empty is none.
    reference: Option<Reference>,
    /// Whom to remind of its end; empty is nobody.
    email: Option<Email>,
    /// That address is reminded.
    reminders: bool,
    /// Free notes.
    notes: Notes,
    /// Bouquets in addition to the plan's, as a list of ids.
    bouquets: Vec<BouquetId>,
}

impl SubscriptionChange {
    /// The first column that is set here although only the operator sets it: what a reseller's people
    /// sell is what the plan gives, and its price is paid.
    pub fn first_operator_only_field(&self) -> Option<&'static str> {
        use crate::domain::Given::Absent;
        let own = [
            ("max_allowed_connections", self.max_allowed_connections != Absent),
            ("expire_date", self.expire_date != Absent),
            ("reseller_id", self.reseller_id != Absent),
            ("banned", self.banned != Absent),
            ("server_id", self.server_id != Absent),
            ("is_trial", self.is_trial != Absent),
            ("bouquets", self.bouquets != Absent),
        ];
        own.into_iter().find(|(_, set)| *set).map(|(name, _)| name)
    }

    /// Fills what the caller left out with what the plan gives: end, connections, trial flag.
    pub fn fill_from(&mut self, plan: &Plan, now: UnixTime, zone: &jiff::tz::TimeZone) {
        use crate::domain::Given::Value;
        if self.expire_date.value().is_none() {
            let end = later(now, plan.duration, plan.duration_unit, zone);
            self.expire_date = Value(Expiry(Some(end)));
        }
        if self.max_allowed_connections.value().is_none() {
            self.max_allowed_connections = Value(plan.max_allowed_connections);
        }
        if self.is_trial.value().is_none() {
            self.is_trial = Value(plan.is_trial);
        }
    }
}

impl Subscription {
    /// Whether it may watch anything at that moment: not disabled, not banned, not expired.
    pub fn is_active(&self, now: UnixTime) -> bool {
        !self.disabled && !self.banned && !self.expire_date.is_over(now)
    }

    /// The end after adding the plan's duration to the later of now and the present end;
    /// `None` if it never ends.
    pub fn extended(&self, plan: &Plan, now: UnixTime, zone: &jiff::tz::TimeZone) -> Option<Expiry> {
        let end = self.expire_date.0?;
        let from = end.max(now);
        Some(Expiry(Some(later(from, plan.duration, plan.duration_unit, zone))))
    }
}
