//! The database: its version, what is in it, its last errors.

use std::fmt::Write as _;

use super::Findings;
use crate::{
    domain::{Fact, fields::time::UnixTime, machine::leap::Leap},
    store::{
        SCHEMA_VERSION,
        machine::inspect::{Inspection, NotedError},
    },
};

/// An error of so many seconds ago is told.
const LATELY: i64 = 7 * 86_400;
/// Settings whose text is told: none is of somebody's choosing beyond addresses of the server itself.
const TOLD: [&str; 7] =
    ["public_url", "panel_url", "time_zone", "connection_policy", "expiring_days", "quiet_from", "quiet_to"];

/// Looks at it.
pub fn look(findings: &mut Findings, inspection: Result<&Inspection, &String>, now: UnixTime) {
    let found = match inspection {
        Ok(found) => found,
        Err(why) => {
            return findings.bad(
                "database",
                why.clone(),
                "start a server once, or restore a backup; linecard check says more",
            );
        }
    };
    let ours = i64::try_from(SCHEMA_VERSION).unwrap_or(0);
    let says = format!("schema {}, SQLite {}", found.schema, found.sqlite);
    match found.schema.cmp(&ours) {
        std::cmp::Ordering::Greater => {
            return findings.bad(
                "database",
                says,
                "a newer Linecard made it: run that one, or restore a backup of this one",
            );
        }
        std::cmp::Ordering::Less => {
            return findings.warn(
                "database",
                says,
                format!("the next start brings it up to {ours}; make a backup first"),
            );
        }
        std::cmp::Ordering::Equal => findings.good("database", says),
    }
    for problem in &found.unread {
        findings.bad(
            "database",
            format!("cannot be read: {problem}"),
            "linecard check says more; restore a backup",
        );
    }
    let counts: Vec<String> = found.counts.iter().map(|(name, many)| format!("{many} {name}")).collect();
    findings.good("contents", counts.join(", "));
    if let Some(leap) = found.known_time.and_then(|known| Leap::between(known, now)) {
        findings.warn("clock", leap.words(), "if the clock is right, confirm it: linecard confirm-clock");
    }
    let lately = found.errors.iter().filter(|error| error.at > now.seconds() - LATELY).count();
    match found.errors.first() {
        Some(last) if lately > 0 => findings.warn(
            "errors",
            format!("{lately} in the last 7 days; the last one, {}: {}", last.call, last.detail),
            format!("Logs -> Errors of the panel has all; reference {}", last.reference),
        ),
        _ => findings.good("errors", "none in the last 7 days"),
    }
}

/// Settings without texts that people chose, and the last errors.
pub fn details(found: &Inspection) -> String {
    let mut text = String::from("settings\n");
    for (name, fact) in &found.settings {
        let shown = match fact {
            Fact::Number(number) => number.to_string(),
            Fact::Text(text) if TOLD.contains(name) => text.clone(),
            Fact::Text(text) | Fact::Secret(text) | Fact::Hidden(text) => {
                (if text.is_empty() { "empty" } else { "set" }).to_owned()
            }
            Fact::None => "none".to_owned(),
            Fact::List(list) => format!("{} entries", list.len()),
            Fact::Urls(list) | Fact::Masked(list) => format!("{} entries", list.len()),
            Fact::Ids(list) => format!("{} entries", list.len()),
        };
        let _ = writeln!(text, "  {name} = {shown}");
    }
    text.push_str("errors, the newest first\n");
    for NotedError { at, reference, call, detail } in &found.errors {
        let _ = writeln!(text, "  {at} {reference} {call}: {detail}");
    }
    text
}
