//! Rights in plain words: what a group or an API key may do, ticked in a table.

use crate::domain::{Resource, people::rights::Right};

/// One line of the table of rights.
pub struct RightRow {
    /// What it is about.
    pub resource: Resource,
    /// What that is called.
    pub label: &'static str,
    /// What it covers.
    pub about: &'static str,
}

impl RightRow {
    /// The right to look, as forms send it.
    pub fn look(&self) -> String {
        Right::Reading(self.resource).to_string()
    }

    /// The right to look and to change, as forms send it.
    pub fn change(&self) -> String {
        Right::On(self.resource).to_string()
    }
}

macro_rules! rows {
    ($($resource:ident: $label:literal, $about:literal;)*) => {
        /// Every kind of thing that there are rights on, in the order of the navigation.
        pub const RIGHT_ROWS: &[RightRow] =
            &[$( RightRow { resource: Resource::$resource, label: $label, about: $about } ),*];
    };
}

rows! {
    Line: "Lines", "Subscribers with username and password, and why they can or cannot watch.";
    Mag: "MAGs", "Subscribers with a set-top box.";
    Connections: "Connections", "Who is watching what; changing includes ending connections.";
    Streams: "Streams", "Channels and their sources; changing includes starting and stopping.";
    Bouquets: "Bouquets", "Which channels are sold together.";
    Categories: "Categories", "The headings of channels.";
    Guide: "Guide", "The programme guide, its sources, and which channel of it belongs to which stream.";
    Archive: "Recordings", "What is recorded of streams for catch-up; changing includes deleting it.";
    SubscriptionPlans: "Plans", "What is sold, and for how many credits.";
    Resellers: "Resellers", "Resellers, their balances and statements; changing includes moving credits.";
    Administrators: "Administrators", "People who sign in to this panel; changing includes passwords and sessions.";
    Groups: "Groups", "What administrators can do. Nobody can give a right that they do not have.";
    Servers: "Servers", "The main server and load balancers.";
    Settings: "General Settings", "Settings, the whitelist and the API keys.";
    Backups: "Backups", "Copies of everything, to be restored from; only people with every right can download them.";
    Logs: "Logs", "Audit trail, errors, logins, connections, refusals.";
    Events: "Events", "What happened to everything above, for systems that follow it.";
    Metrics: "Metrics", "How the server fares, in figures for monitoring such as Prometheus.";
    Security: "Security", "Who is blocked after wrong passwords; changing includes unblocking.";
}

/// The ticks without those that others include.
pub fn plain(ticked: Vec<String>) -> Vec<String> {
    let full = Right::Full.to_string();
    if ticked.contains(&full) {
        return vec![full];
    }
    let included =
        |right: &str| right.strip_suffix(":read").is_some_and(|all| ticked.iter().any(|held| held == all));
    ticked.iter().filter(|right| !included(right)).cloned().collect()
}

/// Rights in a sentence: `Lines, MAGs; view Plans`.
pub fn words(rights: &[Right]) -> String {
    if rights.contains(&Right::Full) {
        return "Everything".into();
    }
    let named = |wanted: &dyn Fn(Resource) -> Right| {
        let held = RIGHT_ROWS.iter().filter(|line| rights.contains(&wanted(line.resource)));
        held.map(|line| line.label).collect::<Vec<_>>().join(", ")
    };
    let (changes, looks) = (named(&Right::On), named(&Right::Reading));
    let looks = if rights.contains(&Right::ReadOnly) { "everything".into() } else { looks };
    match (changes.is_empty(), looks.is_empty()) {
        (true, true) => "Nothing".into(),
        (false, true) => changes,
        (true, false) => format!("View {looks}"),
        (false, false) => format!("{changes}; view {looks}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_stands_in_the_table_of_rights() {
        for resource in Resource::with_rights() {
            assert_eq!(RIGHT_ROWS.iter().filter(|line| line.resource == resource).count(), 1, "{resource}");
        }
    }

    #[test]
    fn a_right_to_change_includes_the_right_to_look() {
        let plain = |ticked: &[&str]| plain(ticked.iter().map(ToString::to_string).collect());
        assert_eq!(plain(&["line", "line:read", "mag:read"]), ["line", "mag:read"]);
        assert_eq!(plain(&["full", "read_only", "line"]), ["full"]);
    }

    #[test]
    fn rights_read_as_a_sentence() {
        let rights = |text: &str| text.split(',').filter_map(|right| right.parse().ok()).collect::<Vec<_>>();
        let words = ["full", "line,mag", "read_only", "line,subscription_plans:read", ""]
            .map(|text| words(&rights(text)));
        let expected = ["Everything", "Lines, MAGs", "View everything", "Lines; view Plans", "Nothing"];
        assert_eq!(words, expected);
    }
}
