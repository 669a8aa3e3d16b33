//! What a message says: one subject on one line, and a text of a few.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::NEW_ADDRESS;
use crate::domain::fields::{hidden::is_hidden, time::UnixTime};

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// The whole of it.
    pub text: String,
}

/// A name or a reason within words: on one line, and not endless.
fn short(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).take(300).collect()
}

/// What an event says to whoever runs the panel.
pub fn alert(kind: &str, key: &str, data: &Value) -> Words {
    let (name, after) = (short(key), &data["after"]);
    let why = after["why"].as_str().map(short).unwrap_or_default();
    let number = |column: &str| after[column].as_i64().unwrap_or_default();
    let subject = match (kind, key) {
        ("stream.down", _) => format!("Stream {name} is down"),
        ("stream.up", _) => format!("Stream {name} is up"),
        ("server.offline", _) => format!("Server {name} is offline"),
        ("server.online", _) => format!("Server {name} is online"),
        ("disk.low", "recordings") => "Recording is paused: the disk is full".to_owned(),
        ("disk.low", _) => format!("The disk is nearly full: {name}"),
        ("disk.ok", "recordings") => "Recording goes on".to_owned(),
        ("disk.ok", _) => format!("The disk has room again: {name}"),
        ("backup.failed", _) => "The backup failed".to_owned(),
        ("backup.done", _) => "The backup is done".to_owned(),
        ("reseller.credits_low", _) => format!("Reseller {name} is low on credits"),
        (NEW_ADDRESS, _) => format!("{name} signed in from a new address"),
        _ => {
            let (object, what) = kind.split_once('.').unwrap_or((kind, ""));
            let said = |text: &str| text.replace('_', " ");
            format!("{} {name}: {}", said(object), said(what)).replace("  ", " ")
        }
    };
    let text = match kind {
        "reseller.credits_low" => format!(
            "{subject}: {} are left, and the dearest plan costs {}.",
            number("credits"),
            number("dearest_plan")
        ),
        NEW_ADDRESS => format!(
            "{subject}: {}. If that was not you, change your password and end your other sessions at Your account.",
            short(after["address"].as_str().unwrap_or_default())
        ),
        _ if why.is_empty() => format!("{subject}."),
        _ => format!("{subject}: {}", if why.ends_with('.') { why } else { format!("{why}.") }),
    };
    Words { subject, text }
}

/// Several messages as one.
pub fn together(all: &[Words], left: usize) -> Words {
    let lines: Vec<&str> = all.iter().map(|words| words.text.as_str()).collect();
    let count = all.len() + left;
    match all {
        [one] if left == 0 => one.clone(),
        _ => {
            let more = if left > 0 { format!("\n... and {left} more.") } else { String::new() };
            Words { subject: format!("{count} messages"), text: lines.join("\n") + &more }
        }
    }
}

/// What somebody is told of his line or MAG, which ends then or has ended.
pub fn reminder(key: &str, end: UnixTime, now: UnixTime, zone: &TimeZone, brand: &str) -> Words {
    let name = short(key);
    let local = Timestamp::from_second(end.seconds()).unwrap_or_default().to_zoned(zone.clone());
    let day = local.strftime("%-d %B %Y").to_string();
    let moment = format!("{day} at {} ({})", local.strftime("%H:%M"), zone.iana_name().unwrap_or("UTC"));
    let left = (end.seconds() - now.seconds() + 86_399).div_euclid(86_400);
    let (subject, said) = match left {
        ..=0 => (
            format!("Your subscription ended on {day}"),
            format!("your subscription {name} ended on {moment}. To watch again, renew it."),
        ),
        1 => (
            format!("Your subscription ends on {day}"),
            format!(
                "your subscription {name} ends on {moment}, within a day. To go on watching, renew it before."
            ),
        ),
        left => (
            format!("Your subscription ends on {day}"),
            format!(
                "your subscription {name} ends on {moment}, in {left} days. To go on watching, renew it before."
            ),
        ),
    };
    let sign = if brand.is_empty() { String::new() } else { format!("\n\n{}", short(brand)) };
    Words { subject, text: format!("Hello,\n\n{said}{sign}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_alert_is_on_one_line_whatever_a_name_holds() {
        let said = |kind, key, after: Value| alert(kind, key, &json!({ "before": {}, "after": after }));
        let words = said("stream.down", "News\r\nBcc: x@a.example", json!({ "why": "no data" }));
        assert_eq!(words.subject, "Stream News  Bcc: x@a.example is down");
        assert_eq!(words.text, "Stream News  Bcc: x@a.example is down: no data.");
        let words = said("reseller.credits_low", "Anna", json!({ "credits": 3, "dearest_plan": 10 }));
        assert_eq!(words.text, "Reseller Anna is low on credits: 3 are left, and the dearest plan costs 10.");
        assert_eq!(said("guide_source.created", "A", json!({})).subject, "guide source A: created");
        let many = [words.clone(), words];
        assert_eq!(together(&many, 3).subject, "5 messages");
        assert!(together(&many, 3).text.ends_with("... and 3 more."));
    }

    #[test]
    fn a_reminder_counts_the_days_that_are_left() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let end = UnixTime::clamped(1_796_000_000);
        let said =
            |before: i64| reminder("bob", end, UnixTime::clamped(end.seconds() - before), &zone, "Anna TV");
        let week = said(7 * 86_400);
        assert_eq!(week.subject, "Your subscription ends on 30 November 2026");
        assert!(
            week.text.contains("bob ends on 30 November 2026 at 01:53 (Europe/Berlin), in 7 days."),
            "{week:?}"
        );
        assert!(week.text.ends_with("\n\nAnna TV"));
        assert!(
            said(6 * 86_400 + 5).text.contains("in 7 days") && said(86_400).text.contains("within a day")
        );
        assert!(said(0).subject.starts_with("Your subscription ended on"));
    }
}
