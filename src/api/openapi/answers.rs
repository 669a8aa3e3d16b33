//! What calls answer, beside `result`.

use serde_json::{Map, Value, json};

use crate::domain::{
    Column, Columns, Kind, Resource,
    channels::{
        bouquet::{Bouquet, Category},
        stream::Stream,
    },
    events::webhook::Webhook,
    guide::source::GuideSource,
    machine::{server::Server, settings::Settings},
    messages::target::MessageTarget,
    people::{
        admin::{Admin, Group},
        api_key::ApiKey,
        reseller::Reseller,
        rights::Access,
    },
    subscribers::{line::Line, mag::Mag, plan::Plan},
};
use crate::{api::call::DRY_RUN, ops::machine::logs::Log};

/// The members of an answer or of a row, as `name: TYPE, name: TYPE`. Types are `int`, `number`, `text`, `flag` (1 or 0), `bool`, `object`
/// and the names of rows; `?` after one is "or null", `*` is "a list of".
type Members = &'static str;

/// The members that a call answers; `None` for a call that nobody has described.
pub fn members(resource: Resource, action: &str) -> Option<Members> {
    use Resource::{Administrators, Line, Mag, Resellers, Servers, Settings};
    Some(match (resource, action) {
        (Line, "new") | (Mag, "convert_to_line") => "created_id: int?, username: text?, password: text?",
        (Line, "bulk") => LINES_AT_ONCE,
        (Mag, "bulk") => MAGS_AT_ONCE,
        (Resource::Batches, "list") => "batches: Batch*, total: int",
        (Resource::Batches, "info") => "batch: BatchInfo",
        (Resource::Batches, "undo") => "undone: int, kept: object*, kept_total: int",
        (Line, "update") => "modified_id: int, username: text, password: text",
        (Line, "info") => "line_info: Line, line_conn_info: Connection*, line_channel_ids: int*",
        (Mag, "new") | (Line, "convert_to_mag") => "created_id: int?, mac_address: text",
        (Mag, "update") => "modified_id: int, mac_address: text",
        (Mag, "info") => {
            "mag_info: Mag, mag_device: Device, mag_conn_info: Connection*, mag_channel_ids: int*"
        }
        (Mag, "send_event") => "event_id: int?",
        (Mag, "set_parent_pin") => "modified_id: int, parent_pin: text?",
        (Line | Mag, "explain") => {
            "subscriber: text, may_watch: bool, verdicts: Verdict*, connections: Connection*, refusals: Refusal*"
        }
        (Administrators, "new") => "created_id: int?, username: text, email: text",
        (Administrators, "update") => "modified_id: int, username: text",
        (Administrators, "sessions") => "sessions: PanelSession*, total: int",
        (Administrators, "end_session") => "ended_session_id: int",
        (Resellers, "new") => "created_id: int?, name: text, credits: int",
        (Resellers, "update") => "modified_id: int, name: text, credits: int",
        (Resellers, "add_credits") => "modified_id: int, credits: int",
        (Resellers, "statement") => "id: int, name: text, credits: int, statement: Booking*, total: int",
        (Servers, "update") => "modified_id: int, name: text, IP address: text",
        (Resource::Streams, "online" | "offline") => "streams: RunningStream*",
        (Resource::Streams, "start") | (Resource::GuideSources, "refresh") => "started: int*",
        (Resource::Streams, "stop") => "stopped: int*",
        (Resource::Archive, "list") => {
            "archives: Archive*, total: int, bytes: int, room_bytes: int?, paused: text?"
        }
        (Resource::Archive, "delete") => "",
        (Resource::Guide, "channels") => "channels: GuideChannel*, total: int",
        (Resource::Guide, "matches") => "matches: GuideMatch*, total: int",
        (Resource::Guide, "programmes") => "programmes: Programme*",
        (Settings, "get") => "settings: Settings",
        (Settings, "whitelist_add") => "created_id: int?, address: text",
        (Settings, "whitelist_remove") => "deleted_id: int, address: text",
        (Settings, "whitelist_list") => "whitelist: WhitelistEntry*, total: int, your_address: text?",
        (Settings, "api_key_new") => "created_id: int?, name: text, api_key: text?",
        (Settings, "api_key_revoke") => "deleted_id: int",
        (Settings, "api_key_list") => "api_keys: ApiKey*, total: int",
        (Resource::Connections, "list") => "connections: ListedConnection*, total: int",
        (Resource::Connections, "kill") => "killed: int*",
        (Resource::Events, "list") => {
            "log_id: text, events: Event*, last_id: int, oldest_id: int?, has_more: bool"
        }
        (Resource::Jobs, "list") => "jobs: Job*, total: int",
        (Resource::Logs, "list") => "logs: LogRow*, total: int",
        (Resource::Security, "blocks") => "limits: Limit*, blocks: Block*, total: int",
        (Resource::Security, "unblock") => "address: text, username: text",
        (Resource::Webhooks, "new") => "created_id: int?, secret: text?",
        (Resource::Webhooks, "rotate") => "modified_id: int, secret: text?",
        (Resource::Webhooks, "test" | "resend") => "",
        (Resource::Webhooks, "deliveries") => "deliveries: Delivery*, total: int",
        (Resource::MessageTargets | Resource::Messages, "test") => "",
        (Resource::Messages, "resend") | (Resource::Backups, "verify") => "modified_id: int",
        (_, "new") => "created_id: int?",
        (_, "update" | "reset_device" | "match") => "modified_id: int",
        (_, "delete") => "deleted_id: int",
        (Line, "list") => "lines: Line*, total: int",
        (Mag, "list") => "mags: ListedMag*, total: int",
        (Administrators, "list") => "administrators: Administrator*, total: int",
        (Resellers, "list") => "resellers: Reseller*, total: int",
        (Servers, "info") => "server: Server",
        (Servers, "list") => "servers: Server*, total: int",
        (Resource::Streams, "info") => "stream: Stream",
        (Resource::Streams, "list") => "streams: Stream*, total: int",
        (Resource::SubscriptionPlans, "info") => "subscription_plan: SubscriptionPlan",
        (Resource::SubscriptionPlans, "list") => "subscription_plans: SubscriptionPlan*, total: int",
        (Resource::Bouquets, "info") => "bouquet: Bouquet",
        (Resource::Bouquets, "list") => "bouquets: Bouquet*, total: int",
        (Resource::Categories, "info") => "category: Category",
        (Resource::Categories, "list") => "categories: Category*, total: int",
        (Resource::Groups, "info") => "group: Group",
        (Resource::Groups, "list") => "groups: Group*, total: int",
        (Resource::Webhooks, "info") => "webhook: Webhook",
        (Resource::Webhooks, "list") => "webhooks: Webhook*, total: int",
        (Resource::MessageTargets, "info") => "message_target: MessageTarget",
        (Resource::MessageTargets, "list") => "message_targets: MessageTarget*, total: int",
        (Resource::Backups, "list") => "backups: Backup*, total: int",
        (Resource::Messages, "list") => "messages: Message*, total: int",
        (Resource::GuideSources, "info") => "guide_source: GuideSource",
        (Resource::GuideSources, "list") => "guide_sources: GuideSource*, total: int",
        _ => return None,
    })
}

/// A batch that begins, or with `dry_run=1` what it would do.
const LINES_AT_ONCE: Members = "batch_id: int, preview_id: int, count: int, credits: int, refused: RefusedLine*, \
                                refused_total: int, sample: SampledLine*";
const MAGS_AT_ONCE: Members = "batch_id: int, preview_id: int, count: int, credits: int, refused: RefusedMag*, \
                               refused_total: int, sample: SampledMag*";

/// Members that are not in every answer: one of them is, or those of a preview.
fn is_optional(name: &str, members: Members) -> bool {
    [LINES_AT_ONCE, MAGS_AT_ONCE].contains(&members)
        || members == "address: text, username: text" && (name == "address" || name == "username")
}

/// A call's answer as a schema; one that writes may be a dry run.
pub fn schema(resource: Resource, action: &str, access: Access) -> Value {
    let members = members(resource, action).unwrap_or_default();
    let mut schema = object(members, &[]);
    if access == Access::Write {
        // Not as a const: the generator for Python cannot write an optional one.
        schema["properties"][DRY_RUN] = json!({ "type": "boolean" });
    }
    schema["properties"]["result"] = json!({ "const": true });
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let required = required.filter(|name| !is_optional(name, members));
    schema["required"] = ["result"].into_iter().chain(required).collect::<Vec<_>>().into();
    schema
}

const CONNECTION: Members = "connection_id: int, kind: text, stream_id: int, stream_name: text, server_id: int, ip: text, \
                             user_agent: text, container: text, started_at: int, seconds: int, bytes_sent: int";
const DEVICE_REPORT: Members = "model: text, firmware: text, hardware: text, serial: text, device_id: text, device_id2: text, ip: text, \
                       user_agent: text, first_seen_at: int?, last_seen_at: int?, last_channel_id: int?, signed_in: flag";

const BATCH: Members = "id: int, resource: text, action: text, state: text, done: int, of: int, failed: int, undone: int, \
                        why: text, actor: text, created_at: int, ended_at: int?";

/// Rows that are no records, by their names.
const ROWS: [(&str, Members); 28] = [
    ("Connection", CONNECTION),
    ("BoxInfo", DEVICE_REPORT),
    ("Verdict", "rule: text, passes: bool, words: text"),
    ("Refusal", "at: int, kind: text?, stream_id: int?, ip: text, user_agent: text, reason: text"),
    (
        "PanelSession",
        "session_id: int, id: int, address: text, user_agent: text, created_at: int, last_seen_at: int",
    ),
    (
        "Booking",
        "id: int, at: int, amount: int, balance: int, reason: text, actor: text, line_id: int?, mag_id: int?, \
         subscription_plan_id: int?, note: text",
    ),
    (
        "RunningStream",
        "id: int, name: text, server_id: int, enabled: flag, on_demand: flag, status: text, why: text?, retry_at: int?, \
         started_at: int?, uptime: int, clients: int, bitrate_kbps: int, source: text?, source_number: int?, video_codec: text?, \
         audio_codec: text?, width: int?, height: int?, restarts: int, errors: text*",
    ),
    (
        "Archive",
        "stream_id: int, stream_name: text?, days: int, bytes: int, from: int?, to: int?, seconds: int, gaps: int, \
         recording: flag, why: text?",
    ),
    ("GuideChannel", "guide_id: text, names: text*, source_id: int, programmes: int, stream_ids: int*"),
    (
        "GuideMatch",
        "stream_id: int, name: text, source_id: int?, guide_id: text, state: text, score: int, chosen_by: text",
    ),
    (
        "Programme",
        "start: int, stop: int, title: text, subtitle: text, description: text, category: text, recorded: bool",
    ),
    (
        "Event",
        "id: int, type: text, at: int, resource: text, resource_id: int?, key: text, reference: text?, actor: text, data: object, \
         omitted: text*",
    ),
    (
        "Delivery",
        "event_id: int, type: text, state: text, attempts: int, next_at: int?, last_at: int?, status: int?, error: text, micros: int?",
    ),
    (
        "Message",
        "id: int, event_id: int?, type: text, key: text, reference: text?, at: int, way: text, receiver: text, target_id: int?, \
         subject: text, text: text, state: text, attempts: int, next_at: int?, last_at: int?, error: text",
    ),
    (
        "Backup",
        "id: int, name: text, kind: text, actor: text, state: text, bytes: int, error: text, made_at: int?, verified_at: int?, \
         verify_error: text, good: flag, sent_at: int?, sent_to: text, encrypted: flag, send_error: text, next_send_at: int?, \
         created_at: int, updated_at: int",
    ),
    ("Batch", BATCH),
    ("BatchInfoOf", "refused: object*, refused_total: int, kept: object*, kept_total: int"),
    (
        "Job",
        "name: text, about: text, period: number?, running: bool, running_since: int?, progress: JobProgress?, failed: bool, \
         last_run_at: int?, last_run_seconds: number?, next_run_at: int?, last_error: text?, last_error_at: int?",
    ),
    ("JobProgress", "done: int, of: int"),
    ("RefusedLine", "id: int, username: text, why: text"),
    ("RefusedMag", "id: int, mac_address: text, why: text"),
    ("SampledLine", "id: int, username: text, before: object, after: object"),
    ("SampledMag", "id: int, mac_address: text, before: object, after: object"),
    ("WhitelistEntry", "id: int, address: text, note: text, created_at: int"),
    ("Limit", "face: text, failure_limit: int, failure_window: int, block_seconds: int"),
    (
        "Block",
        "face: text, address: text?, username: text?, failures: int, blocked: flag, seconds_left: int, blocked_until: int?",
    ),
    ("ListedConnectionOf", "line_id: int?, mag_id: int?, subscriber: text"),
    ("DeviceOf", "parent_pin: text, favourite_ids: int*, events_waiting: int"),
];

/// Every row that answers have, by its name.
pub fn rows() -> Map<String, Value> {
    let mut rows = Map::new();
    for (name, members) in ROWS {
        match name {
            "ListedConnectionOf" => rows.insert("ListedConnection".into(), both(CONNECTION, members)),
            "BatchInfoOf" => rows.insert("BatchInfo".into(), both(BATCH, members)),
            "DeviceOf" => rows.insert("Device".into(), both(DEVICE_REPORT, members)),
            name => rows.insert(name.into(), object(members, &[])),
        };
    }
    let mut record = |name: &str, columns: Vec<Column>, more: Members| {
        rows.insert(name.into(), record(&columns, more));
    };
    record("Line", Line::columns(), "");
    record("Mag", Mag::columns(), "");
    record("ListedMag", Mag::columns(), "mag_device: BoxInfo?");
    record(
        "Administrator",
        Admin::columns(),
        "group: text, reseller: text?, last_login_at: int?, has_2fa: int",
    );
    record(
        "Reseller",
        Reseller::columns(),
        "credits: int, usernames: text*, emails: text*, lines: int, mags: int, held_connections: int",
    );
    record(
        "Server",
        Server::columns(),
        "role: text, status: text, status_since: int?, last_check_at: int?, last_error: text?, cpu_percent: number?, \
         memory_used: int?, memory_total: int?, disk_used: int?, disk_total: int?, network_in_kbps: int?, \
         network_out_kbps: int?, uptime: int?, clients: int?",
    );
    record("Stream", Stream::columns(), "");
    record("SubscriptionPlan", Plan::columns(), "");
    record("Bouquet", Bouquet::columns(), "");
    record("Category", Category::columns(), "");
    record("Group", Group::columns(), "");
    record(
        "GuideSource",
        GuideSource::columns(),
        "last_try_at: int?, last_success_at: int?, last_error: text, channels: int, programmes: int",
    );
    record(
        "Webhook",
        Webhook::columns(),
        "has_secret: flag, told_to: int, failures: int, failing_since: int?, last_try_at: int?, last_success_at: int?, last_error: text",
    );
    record(
        "MessageTarget",
        MessageTarget::columns(),
        "url: text, headers: text*, has_secrets: flag, last_try_at: int?, last_success_at: int?, last_error: text",
    );
    record("ApiKey", ApiKey::columns(), "last_used_at: int?");
    let mut settings = self::record(
        &Settings::columns(),
        "classic_api_password: text, smtp_url: text, backup_target: text, oidc_client_secret: text",
    );
    // There is one row of them.
    without(&mut settings, "id");
    rows.insert("Settings".into(), settings);
    rows.insert("LogRow".into(), log_row());
    rows
}

fn both(members: Members, more: Members) -> Value {
    let mut all = object(members, &[]);
    add(&mut all, more);
    all
}

/// A row of a record: its id, its columns, the two stamps, and what else is shown of it.
fn record(columns: &[Column], more: Members) -> Value {
    let mut row = object("id: int", columns);
    add(&mut row, "created_at: int, updated_at: int");
    add(&mut row, more);
    row
}

/// A row of any log: each has some of these columns, and its own id and time.
fn log_row() -> Value {
    let mut properties = Map::new();
    for (name, kind) in Log::ALL.iter().flat_map(|(_, log)| log.columns()) {
        let schema = match (*name, kind) {
            ("id" | "at", _) => json!({ "type": "integer" }),
            ("before" | "after", _) => json!({ "type": ["object", "null"] }),
            (_, Kind::Text) => json!({ "type": ["string", "null"] }),
            _ => json!({ "type": ["integer", "null"] }),
        };
        properties.insert((*name).into(), schema);
    }
    json!({ "type": "object", "properties": properties, "required": ["id", "at"], "additionalProperties": false })
}

fn object(members: Members, columns: &[Column]) -> Value {
    let mut object =
        json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": false });
    add(&mut object, members);
    for column in columns.iter().filter(|column| column.kind != Kind::Hidden) {
        put(&mut object, column.name, shown(column));
    }
    object
}

fn add(object: &mut Value, members: Members) {
    for member in members.split(", ").filter(|member| !member.is_empty()) {
        if let Some((name, kind)) = member.split_once(": ") {
            put(object, name, of(kind));
        }
    }
}

fn put(object: &mut Value, name: &str, schema: Value) {
    object["properties"][name] = schema;
    if let Some(required) = object["required"].as_array_mut() {
        required.push(name.into());
    }
}

fn without(object: &mut Value, name: &str) {
    if let Some(properties) = object["properties"].as_object_mut() {
        properties.remove(name);
    }
    if let Some(required) = object["required"].as_array_mut() {
        required.retain(|required| required != name);
    }
}

/// The schema of a type.
fn of(kind: &str) -> Value {
    if let Some(item) = kind.strip_suffix('*') {
        return json!({ "type": "array", "items": of(item) });
    }
    let (kind, is_nullable) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
    let plain =
        |name: &str| if is_nullable { json!({ "type": [name, "null"] }) } else { json!({ "type": name }) };
    match kind {
        "int" => plain("integer"),
        "number" => plain("number"),
        "text" => plain("string"),
        "bool" => plain("boolean"),
        "object" => plain("object"),
        "flag" => json!({ "type": "integer", "enum": [0, 1] }),
        row if is_nullable => json!({ "oneOf": [reference(row), { "type": "null" }] }),
        row => reference(row),
    }
}

/// A row by its name.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Columns that are numbers or none.
const NULLABLE: [&str; 2] = ["isp_asn", "trials_per_day"];

/// A column as answers have it.
fn shown(column: &Column) -> Value {
    let mut schema = match column.kind {
        Kind::Number if NULLABLE.contains(&column.name) => of("int?"),
        Kind::Number => of("int"),
        Kind::Time | Kind::Reference(_) => of("int?"),
        Kind::Flag => of("flag"),
        Kind::Text if column.name == "token" => of("text?"),
        Kind::Text | Kind::Hidden => of("text"),
        Kind::List => of("text*"),
        Kind::References(_) => of("int*"),
    };
    schema["description"] = column.doc.into();
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::calls::CALLS;

    #[test]
    fn every_call_has_an_answer_of_known_rows() {
        let rows = rows();
        for row in CALLS {
            let members = members(row.resource, row.action);
            let members =
                members.unwrap_or_else(|| panic!("{}/{} answers nothing", row.resource, row.action));
            for member in members.split(", ").filter(|member| !member.is_empty()) {
                let kind = member.split_once(": ").unwrap().1.trim_end_matches(['*', '?']);
                let is_row = kind.starts_with(|c: char| c.is_ascii_uppercase());
                assert!(!is_row || rows.contains_key(kind), "{}/{}: {kind}", row.resource, row.action);
            }
        }
    }
}
