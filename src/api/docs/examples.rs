//! How to call a call, in curl, PHP and Python: each with what comes with its language.

use std::fmt::Write as _;

use crate::domain::Resource;

/// One call in three languages.
pub struct Examples {
    /// On a command line.
    pub curl: String,
    /// PHP 8.
    pub php: String,
    /// Python 3.
    pub python: String,
}

/// A field as forms name it, and its value.
type Sent = &'static [(&'static str, &'static str)];

const SERVER: &str = "http://tv.example:8080";
const KEY: &str = "YOUR_KEY";

/// The examples of a call.
pub fn of(resource: Resource, action: &str, path: &str) -> Examples {
    let fields = fields(resource, action);
    let url = format!("{SERVER}{path}");
    Examples { curl: curl(&url, fields), php: php(&url, fields), python: python(&url, fields) }
}

const ID: (&str, &str) = ("id", "1");

/// What a call is sent, as somebody would send it.
fn fields(resource: Resource, action: &str) -> Sent {
    use Resource::{
        Administrators, Archive, Bouquets, Categories, Connections, Events, Groups, Guide, GuideSources,
        Jobs, Line, Logs, Mag, Resellers, Security, Servers, Settings, Streams, SubscriptionPlans,
    };
    const BOX: (&str, &str) = ("mac_address", "00:1A:79:79:79:79");
    match (resource, action) {
        (Line, "new") => {
            &[("data[username]", "bob"), ("data[password]", "p4ssw0rd"), ("data[subscription_plan_id]", "1")]
        }
        (Line, "update") => {
            &[("username", "bob"), ("data[subscription_plan_id]", "1"), ("data[extend_plan]", "1")]
        }
        (Line, "explain") => &[("username", "bob"), ("stream_id", "1")],
        (Line, "convert_to_mag") => &[("username", "bob"), BOX],
        (Line, "list") => &[("search", "bob"), ("disabled", "0"), ("limit", "100")],
        (Line | Mag, "bulk") => {
            &[("ids[]", "1"), ("ids[]", "2"), ("action", "extend"), ("data[days]", "3"), ("dry_run", "1")]
        }
        (Line, _) => &[("username", "bob")],
        (Mag, "new") => &[("data[mac_address]", "00:1A:79:79:79:79"), ("data[subscription_plan_id]", "1")],
        (Mag, "update") => &[BOX, ("data[disabled]", "1")],
        (Mag, "explain") => &[BOX, ("stream_id", "1")],
        (Mag, "send_event") => &[BOX, ("event", "send_msg"), ("msg", "Good evening")],
        (Mag, "set_parent_pin") => &[BOX, ("parent_pin", "4711")],
        (Mag, "convert_to_line") => &[BOX, ("username", "bob"), ("password", "p4ssw0rd")],
        (Mag, "list") => &[("search", "00:1A:79"), ("limit", "100")],
        (Mag, _) => &[BOX],
        (Administrators, "new") => &[
            ("data[username]", "sara"),
            ("data[password]", "Quite-Long-7"),
            ("data[email]", "sara@example.com"),
            ("data[group_id]", "1"),
        ],
        (Administrators, "update") => &[("username", "sara"), ("data[email]", "sara@example.org")],
        (Administrators, "delete") => &[("username", "sara")],
        (Administrators, "end_session") => &[("session_id", "1")],
        (Resellers, "new") => {
            &[("data[name]", "North"), ("data[use_credits]", "1"), ("data[credits]", "100")]
        }
        (Resellers, "update") => &[ID, ("data[max_allowed_connections]", "500")],
        (Resellers, "add_credits") => &[ID, ("credits", "50"), ("note", "invoice 1001")],
        (Servers, "new") => &[("data[name]", "Edge 1"), ("data[server_ip]", "192.0.2.7")],
        (Servers, "update") => &[ID, ("data[vpn_ip]", "10.0.0.1")],
        (Streams, "new") => {
            &[("data[name]", "Harbour News"), ("data[sources][]", "media/news.ts"), ("data[enabled]", "0")]
        }
        (Streams, "update") => &[ID, ("data[number]", "7")],
        (Streams, "start" | "stop") => &[("stream_ids[]", "1"), ("stream_ids[]", "2")],
        (Archive, "delete") => &[("stream_id", "1"), ("before", "1767225600")],
        (SubscriptionPlans, "new") => &[
            ("data[name]", "Month"),
            ("data[duration]", "1"),
            ("data[duration_unit]", "month"),
            ("data[credits]", "10"),
            ("data[bouquets][]", "1"),
        ],
        (SubscriptionPlans, "update") => &[ID, ("data[credits]", "12")],
        (Bouquets, "new") => &[("data[name]", "Basic"), ("data[streams][]", "1"), ("data[streams][]", "2")],
        (Bouquets, "update") => &[ID, ("data[add_streams][]", "2"), ("data[remove_streams][]", "1")],
        (Categories, "new") => &[("data[name]", "News")],
        (Categories, "update") => &[ID, ("data[position]", "1")],
        (Groups, "new") => {
            &[("data[name]", "Support"), ("data[rights][]", "line"), ("data[rights][]", "mag:read")]
        }
        (Groups, "update" | "delete") => &[("id", "3")],
        (GuideSources, "new") => {
            &[("data[name]", "Public guide"), ("data[url]", "https://guide.example/xmltv.xml.gz")]
        }
        (GuideSources, "update") => &[ID, ("data[shift_minutes]", "60")],
        (Guide, "channels") => &[("search", "news")],
        (Guide, "matches") => &[("state", "suggested")],
        (Guide, "match") => &[("stream_id", "1"), ("source_id", "1"), ("guide_id", "news.example")],
        (Guide, "programmes") => &[("stream_id", "1"), ("from", "1767225600"), ("to", "1767312000")],
        (Settings, "update") => &[("data[operator_name]", "North TV"), ("data[time_zone]", "Europe/Lisbon")],
        (Settings, "whitelist_add") => &[("address", "198.51.100.7"), ("note", "billing")],
        (Settings, "whitelist_remove") => &[("address", "198.51.100.7")],
        (Settings, "api_key_new") => {
            &[("data[name]", "billing"), ("data[scope][]", "line"), ("data[scope][]", "mag")]
        }
        (Settings, "api_key_revoke") => &[("name", "billing")],
        (Connections, "kill") => &[("username", "bob")],
        (Events, _) => &[("after", "0"), ("types[]", "line.*"), ("limit", "100")],
        (Resource::MessageTargets | Resource::Messages | Resource::Webhooks, _) => {
            of_those_told(resource, action)
        }
        (Logs, _) => &[("kind", "audit"), ("search", "bob"), ("limit", "20")],
        (Security, "unblock") => &[("address", "203.0.113.9")],
        (
            Archive | Connections | Settings | Security | GuideSources | Jobs,
            "list" | "get" | "blocks" | "whitelist_list" | "refresh" | "api_key_list",
        )
        | (Streams, "online" | "offline")
        | (Administrators, "sessions")
        | (Resource::Backups, "new") => &[],
        (_, "list") => &[("limit", "100")],
        _ => &[ID],
    }
}

fn of_those_told(resource: Resource, action: &str) -> Sent {
    match (resource, action) {
        (Resource::MessageTargets, "new") => &[
            ("data[name]", "Pager"),
            ("data[url]", "https://pager.example/send"),
            ("data[types][]", "stream.down"),
        ],
        (Resource::MessageTargets, "update") => &[ID, ("data[enabled]", "0")],
        (Resource::Messages, "test") => &[("to", "night@example.com")],
        (Resource::Webhooks, "new") => {
            &[("data[url]", "https://shop.example/hook"), ("data[types][]", "line.*")]
        }
        (Resource::Webhooks, "update") => &[ID, ("data[description]", "shop")],
        (Resource::Webhooks, "resend") => &[ID, ("after", "0")],
        (_, "list") => &[("limit", "100")],
        _ => &[ID],
    }
}

fn curl(url: &str, fields: Sent) -> String {
    let mut text = format!("curl {url} \\\n  -d api_key={KEY}");
    for (name, value) in fields {
        let field = format!("{name}={value}");
        let is_plain = field.bytes().all(|b| b.is_ascii_alphanumeric() || b"_=.:-/".contains(&b));
        let _ =
            if is_plain { write!(text, " \\\n  -d {field}") } else { write!(text, " \\\n  -d '{field}'") };
    }
    text
}

/// A name in its parts: `data[streams][]` is `data`, `streams` and that it is a list.
fn parts(name: &str) -> (&str, Option<&str>, bool) {
    let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
    match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((outer, inner)) => (outer, Some(inner), is_list),
        None => (name, None, is_list),
    }
}

/// `'name' => 'value',` for each name once, lists with all their values.
fn php_members(fields: &[(&str, bool, &str)], indent: &str) -> String {
    let mut text = String::new();
    for (at, (name, is_list, value)) in fields.iter().enumerate() {
        if fields[..at].iter().any(|(before, ..)| before == name) {
            continue;
        }
        let values =
            fields.iter().filter(|(other, ..)| other == name).map(|(.., value)| format!("'{value}'"));
        let value = if *is_list {
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        } else {
            format!("'{value}'")
        };
        let _ = writeln!(text, "{indent}'{name}' => {value},");
    }
    text
}

fn php(url: &str, fields: Sent) -> String {
    let split: Vec<_> = fields.iter().map(|(name, value)| (parts(name), *value)).collect();
    let beside: Vec<_> = split
        .iter()
        .filter(|((_, inner, _), _)| inner.is_none())
        .map(|((name, _, is_list), value)| (*name, *is_list, *value))
        .collect();
    let within: Vec<_> = split
        .iter()
        .filter_map(|((_, inner, is_list), value)| inner.map(|name| (name, *is_list, *value)))
        .collect();
    let data = if within.is_empty() {
        String::new()
    } else {
        format!("    'data' => [\n{}    ],\n", php_members(&within, "        "))
    };
    format!(
        "$fields = http_build_query([\n    'api_key' => '{KEY}',\n{}{data}]);\n\
         $context = stream_context_create(['http' => [\n    'method' => 'POST',\n    \
         'header' => 'Content-Type: application/x-www-form-urlencoded',\n    'content' => $fields,\n    \
         'ignore_errors' => true,\n]]);\n$url = '{url}';\n\
         $answer = json_decode(file_get_contents($url, false, $context), true);",
        php_members(&beside, "    ")
    )
}

fn python(url: &str, fields: Sent) -> String {
    let mut text = format!(
        "import json, urllib.parse, urllib.request\n\nfields = urllib.parse.urlencode([\n    (\"api_key\", \"{KEY}\"),\n"
    );
    for (name, value) in fields {
        let _ = writeln!(text, "    (\"{name}\", \"{value}\"),");
    }
    let _ = write!(
        text,
        "])\nurl = \"{url}\"\nwith urllib.request.urlopen(url, fields.encode()) as response:\n    answer = json.load(response)"
    );
    text
}
