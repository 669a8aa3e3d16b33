//! The kinds of things that the product manages, by the names the Server API gives them.

use std::fmt;

/// A kind of thing. Its name is the first segment of a Server API path and the word used in rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// A subscriber's account with username and password.
    Line,
    /// A set-top box known by its MAC address.
    Mag,
    /// A person who signs in to the panel.
    Administrators,
    /// Somebody who sells lines and MAGs for credits.
    Resellers,
    /// The main server or a load balancer.
    Servers,
    /// A channel and its sources.
    Streams,
    /// What is sold: duration, price, bouquets.
    SubscriptionPlans,
    /// An ordered list of streams.
    Bouquets,
    /// A heading under which streams stand.
    Categories,
    /// What a set of administrators may do.
    Groups,
    /// Settings, the whitelist and the API keys.
    Settings,
    /// Panel Error Log, audit and login log.
    Logs,
    /// Open sessions of viewers.
    Connections,
    /// Limits on failures, and the addresses that are blocked.
    Security,
    /// What is on: channels of the guide, their programmes, and which streams they belong to.
    Guide,
    /// Where the guide comes from.
    GuideSources,
    /// What is recorded of streams.
    Archive,
    /// What happened, in the order in which it did.
    Events,
    /// Changes of many lines or MAGs at once.
    Batches,
    /// Who is told of it.
    Webhooks,
    /// What the server does by itself, and long work that somebody has started.
    Jobs,
    /// Which addresses are called with it in words.
    MessageTargets,
    /// What people are told of it.
    Messages,
    /// How the server fares, in figures for monitoring.
    Metrics,
    /// Copies of the database that it can be restored from.
    Backups,
}

impl Resource {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 25] = [
        Self::Line,
        Self::Mag,
        Self::Administrators,
        Self::Resellers,
        Self::Servers,
        Self::Streams,
        Self::SubscriptionPlans,
        Self::Bouquets,
        Self::Categories,
        Self::Groups,
        Self::Settings,
        Self::Logs,
        Self::Connections,
        Self::Security,
        Self::Guide,
        Self::GuideSources,
        Self::Archive,
        Self::Events,
        Self::Batches,
        Self::Webhooks,
        Self::Jobs,
        Self::MessageTargets,
        Self::Messages,
        Self::Metrics,
        Self::Backups,
    ];

    /// The name in paths, rights and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Mag => "mag",
            Self::Administrators => "administrators",
            Self::Resellers => "resellers",
            Self::Servers => "servers",
            Self::Streams => "streams",
            Self::SubscriptionPlans => "subscription_plans",
            Self::Bouquets => "bouquets",
            Self::Categories => "categories",
            Self::Groups => "groups",
            Self::Settings => "settings",
            Self::Logs => "logs",
            Self::Connections => "connections",
            Self::Security => "security",
            Self::Guide => "guide",
            Self::GuideSources => "guide_sources",
            Self::Archive => "archive",
            Self::Events => "events",
            Self::Batches => "batches",
            Self::Webhooks => "webhooks",
            Self::Jobs => "jobs",
            Self::MessageTargets => "message_targets",
            Self::Messages => "messages",
            Self::Metrics => "metrics",
            Self::Backups => "backups",
        }
    }

    /// One of them, as the subject of a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Line => "Line",
            Self::Mag => "MAG",
            Self::Administrators => "Administrator",
            Self::Resellers => "Reseller",
            Self::Servers => "Server",
            Self::Streams => "Stream",
            Self::SubscriptionPlans => "Subscription plan",
            Self::Bouquets => "Bouquet",
            Self::Categories => "Category",
            Self::Groups => "Group",
            Self::Settings => "Setting",
            Self::Logs => "Log",
            Self::Connections => "Connection",
            Self::Security => "Block",
            Self::Guide => "Guide channel",
            Self::GuideSources => "Guide source",
            Self::Archive => "Recording",
            Self::Events => "Event",
            Self::Batches => "Batch",
            Self::Webhooks => "Webhook",
            Self::Jobs => "Job",
            Self::MessageTargets => "Message target",
            Self::Messages => "Message",
            Self::Metrics => "Metric",
            Self::Backups => "Backup",
        }
    }

    /// The key under which `info` answers one of them.
    pub fn singular(self) -> &'static str {
        match self {
            Self::SubscriptionPlans => "subscription_plan",
            Self::Batches => "batch",
            Self::Categories => "category",
            Self::Line | Self::Mag | Self::Settings | Self::Logs | Self::Security | Self::Guide => {
                self.name()
            }
            _ => self.name().trim_end_matches('s'),
        }
    }

    /// The code of an error that says that there is none.
    pub fn no_such(self) -> &'static str {
        match self {
            Self::Line => "no_such_line",
            Self::Mag => "no_such_mag",
            Self::Administrators => "no_such_administrator",
            Self::Resellers => "no_such_reseller",
            Self::Servers => "no_such_server",
            Self::Streams => "no_such_stream",
            Self::SubscriptionPlans => "no_such_subscription_plan",
            Self::Bouquets => "no_such_bouquet",
            Self::Categories => "no_such_category",
            Self::Groups => "no_such_group",
            Self::Settings => "no_such_setting",
            Self::Logs => "no_such_log",
            Self::Connections => "no_such_connection",
            Self::Security => "no_such_block",
            Self::Guide => "no_such_guide_channel",
            Self::GuideSources => "no_such_guide_source",
            Self::Archive => "no_such_recording",
            Self::Events => "no_such_event",
            Self::Batches => "no_such_batch",
            Self::Webhooks => "no_such_webhook",
            Self::Jobs => "no_such_job",
            Self::MessageTargets => "no_such_message_target",
            Self::Messages => "no_such_message",
            Self::Metrics => "no_such_metric",
            Self::Backups => "no_such_backup",
        }
    }

    /// What batches change or delete: whoever looks at a batch or undoes it needs the right to that.
    pub const BATCHED: [Self; 12] = [
        Self::Line,
        Self::Mag,
        Self::Streams,
        Self::Bouquets,
        Self::SubscriptionPlans,
        Self::Categories,
        Self::Resellers,
        Self::Administrators,
        Self::Servers,
        Self::Groups,
        Self::GuideSources,
        Self::Webhooks,
    ];

    /// The one whose right it takes: guide and sources are one right, batches have none of their own, events and those who
    /// are told of them are one, and jobs belong to the settings.
    #[must_use]
    pub fn right(self) -> Self {
        match self {
            Self::GuideSources => Self::Guide,
            Self::Batches => Self::Line,
            Self::Jobs => Self::Settings,
            Self::Webhooks | Self::MessageTargets | Self::Messages => Self::Events,
            own => own,
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.name() == name)
    }

    /// The kinds that there are rights on.
    pub fn with_rights() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|resource| resource.right() == *resource)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
