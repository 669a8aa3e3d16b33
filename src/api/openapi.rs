//! The API description (OpenAPI 3.1), made from the table of calls and the columns of the records.

use serde_json::{Map, Value, json};

use super::calls::{CALLS, Row};
use crate::domain::{
    Column, Kind, Record, Resource,
    admin::{Admin, Group},
    api_key::ApiKey,
    bouquet::{Bouquet, Category},
    line::Line,
    mag::Mag,
    plan::Plan,
    reseller::Reseller,
    rights::Access,
    server::Server,
    settings::Settings,
    stream::Stream,
};

/// The whole description; `docs/openapi.json` holds the same.
pub fn document() -> Value {
    let mut paths = Map::new();
    for row in CALLS {
        paths.insert(format!("/api/{}/{}", row.resource, row.action), path_item(row));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Linecard Server API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every call answers a JSON object with `result`; on false, `error` says why. Refusals \
                about the data have status 200. The caller's address must be on the whitelist. The key is the \
                field api_key, the Bearer token, or the 4th segment of the path.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "schemas": {
                "Failure": {
                    "type": "object",
                    "required": ["result", "error"],
                    "properties": { "result": { "const": false }, "error": { "type": "string" } },
                },
                "Success": {
                    "type": "object",
                    "required": ["result"],
                    "properties": { "result": { "const": true } },
                },
            },
        },
    })
}

fn path_item(row: &Row) -> Value {
    let answer = |description: &str, schema: Value| json!({ "description": description, "content": { "application/json": { "schema": schema } } });
    let failure = || json!({ "$ref": "#/components/schemas/Failure" });
    let either = json!({ "oneOf": [{ "$ref": "#/components/schemas/Success" }, failure()] });
    let mut operation = json!({
        "operationId": format!("{}_{}", row.resource, row.action),
        "tags": [row.resource.name()],
        "summary": row.doc,
        "requestBody": { "content": {
            "application/x-www-form-urlencoded": { "schema": body(row) },
            "application/json": { "schema": body(row) },
        } },
        "responses": {
            "200": answer("Done, or refused because of the data.", either),
            "400": answer("The request cannot be read.", failure()),
            "401": answer("The key is missing or wrong.", failure()),
            "403": answer("The address is not allowed.", failure()),
            "413": answer("The body is over 1 MiB.", failure()),
            "429": answer("Too many wrong keys: see Retry-After.", failure()),
        },
    });
    if row.access == Access::Write {
        operation["parameters"] = json!([{
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": { "type": "string", "maxLength": 255 },
            "description": "A repeat within 24 hours gets the first answer and does nothing.",
        }]);
    }
    json!({ "post": operation })
}

/// Parameters beside `data`, and the columns in `data` for calls that write them.
fn body(row: &Row) -> Value {
    let mut properties = Map::new();
    for (name, doc) in selectors(row) {
        properties.insert((*name).into(), json!({ "type": "string", "description": doc }));
    }
    let takes_columns = matches!(row.action, "new" | "update" | "api_key_new");
    if takes_columns {
        let mut data = Map::new();
        for column in columns(row) {
            data.insert(column.name.into(), schema(&column));
        }
        for (name, doc) in beside_columns(row) {
            data.insert((*name).into(), json!({ "type": "string", "description": doc }));
        }
        properties.insert(
            "data".into(),
            json!({ "type": "object", "properties": data, "additionalProperties": false }),
        );
    }
    if row.action == "list" {
        for column in columns(row) {
            properties.insert(
                column.name.into(),
                json!({ "type": "string", "description": "Only rows with this value." }),
            );
        }
    }
    json!({ "type": "object", "properties": properties })
}

type Parameter = (&'static str, &'static str);
type Parameters = &'static [Parameter];

fn selectors(row: &Row) -> Parameters {
    const PAGE: Parameters = &[
        ("limit", "1 to 1000 rows; 100 unless told."),
        ("offset", "Skips so many rows."),
        ("after", "Only rows after this id; not together with offset."),
    ];
    const SEARCH: (&str, &str) = ("search", "Only rows with this text.");
    const SINCE: (&str, &str) = ("changed_since", "Only rows changed at or after these unix seconds.");
    const KIND: (&str, &str) = ("kind", "error, audit, login, connection, refusal or api.");
    const LIST: Parameters = &[PAGE[0], PAGE[1], PAGE[2], SEARCH, SINCE];
    const LOG: Parameters = &[KIND, PAGE[0], PAGE[1], PAGE[2], SEARCH, SINCE];
    const WINDOW: Parameters = &[PAGE[0], PAGE[1]];
    match (row.resource, row.action) {
        (_, "new" | "whitelist_list" | "get" | "api_key_new") => &[],
        (Resource::Line, "convert_to_mag") => &[
            ("username", "The line."),
            ("password", "Checked when sent."),
            ("mac_address", "The address of the MAG that it becomes."),
        ],
        (Resource::Mag, "convert_to_line") => &[
            ("mac_address", "The MAG, in any spelling."),
            ("username", "Of the line that it becomes; its login, or a random one, unless sent."),
            ("password", "Of the line that it becomes; its password, or a random one, unless sent."),
        ],
        (Resource::Mag, "send_event") => &[
            ("mac_address", "The MAG, in any spelling."),
            (
                "event",
                "send_msg, send_msg_with_video, play_channel, reboot, reload_portal, update_channels, update_subscription, update_epg, update_modules, mount_all_storages or show_menu.",
            ),
            ("msg", "The text of a message, or the number of the channel to play."),
            ("param1", "The URL of a video, with send_msg_with_video."),
            ("reboot_after_ok", "1 reboots once the message was read."),
            ("auto_hide_timeout", "After how many seconds the message goes by itself."),
        ],
        (Resource::Mag, "reset_device") => &[("mac_address", "The MAG, in any spelling.")],
        (Resource::Mag, "set_parent_pin") => &[
            ("mac_address", "The MAG, in any spelling."),
            ("parent_pin", "Four digits, not 0000; random unless sent."),
        ],
        (Resource::Line, "update" | "delete" | "info") => {
            &[("username", "The line."), ("password", "Checked when sent.")]
        }
        (Resource::Mag, "update" | "delete" | "info") => &[("mac_address", "The MAG, in any spelling.")],
        (Resource::Resellers, "add_credits") => &[
            ("id", "The reseller."),
            ("username", "Or its name, or an administrator's username."),
            ("credits", "How many; negative takes away."),
            ("note", "A remark for the statement."),
        ],
        (Resource::Administrators, "end_session") => &[("session_id", "The session, as sessions lists it.")],
        (Resource::Administrators, "sessions") => {
            &[("id", "Only those of this administrator."), ("username", "Or by its name.")]
        }
        (Resource::Administrators | Resource::Resellers, "update" | "delete" | "statement") => {
            &[("id", "The row."), ("username", "Or its name.")]
        }
        (Resource::Settings, "whitelist_add") => {
            &[("address", "An address or CIDR range."), ("note", "A remark.")]
        }
        (Resource::Settings, "whitelist_remove") => &[("address", "An address or CIDR range.")],
        (Resource::Settings, "api_key_revoke") => &[("id", "The key."), ("name", "Or its name.")],
        (Resource::Settings, "update") => &[],
        (Resource::Logs, _) => LOG,
        (Resource::Security, "blocks") => WINDOW,
        (Resource::Security, "unblock") => &[("address", "An IPv4 or IPv6 address.")],
        (_, "list") => LIST,
        (_, "api_key_list") => PAGE,
        _ => &[("id", "The row; also the segment of the path after the key.")],
    }
}

const FREE: Parameter = ("free", "1 charges the reseller nothing; needs a full key.");
const EXTEND_PLAN: Parameter =
    ("extend_plan", "1 adds the plan's duration to the later of now and the present end.");
const NEW_TOKEN: Parameter =
    ("new_token", "1 gives the line a new token; the old one is worth nothing then.");

fn beside_columns(row: &Row) -> Parameters {
    match (row.resource, row.action) {
        (Resource::Line, "new") => &[FREE, NEW_TOKEN],
        (Resource::Line, _) => &[EXTEND_PLAN, FREE, NEW_TOKEN],
        (Resource::Mag, "new") => &[FREE],
        (Resource::Mag, _) => &[EXTEND_PLAN, FREE],
        (Resource::Administrators, _) => &[("password", "At least 8 characters.")],
        (Resource::Resellers, _) => &[("credits", "The balance.")],
        _ => &[],
    }
}

fn columns(row: &Row) -> Vec<Column> {
    let columns = match (row.resource, row.action) {
        (Resource::Line, _) => Line::columns(),
        (Resource::Mag, _) => Mag::columns(),
        (Resource::Administrators, _) => Admin::columns(),
        (Resource::Resellers, _) => Reseller::columns(),
        (Resource::Servers, _) => Server::columns(),
        (Resource::Streams, _) => Stream::columns(),
        (Resource::SubscriptionPlans, _) => Plan::columns(),
        (Resource::Bouquets, _) => Bouquet::columns(),
        (Resource::Categories, _) => Category::columns(),
        (Resource::Groups, _) => Group::columns(),
        (Resource::Settings, "api_key_new") => ApiKey::columns(),
        (Resource::Settings, _) => Settings::columns(),
        (Resource::Logs | Resource::Connections | Resource::Security, _) => Vec::new(),
    };
    columns.into_iter().filter(|column| column.kind != Kind::Hidden).collect()
}

fn schema(column: &Column) -> Value {
    let kind = match column.kind {
        Kind::Number | Kind::Time | Kind::Reference(_) => json!({ "type": ["integer", "string", "null"] }),
        Kind::Flag => json!({ "enum": [1, 0, true, false, "1", "0", "true", "false"] }),
        Kind::Text | Kind::Hidden => json!({ "type": "string" }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::References(_) => json!({ "type": "array", "items": { "type": ["integer", "string"] } }),
    };
    let mut schema = kind;
    schema["description"] = column.doc.into();
    schema
}
