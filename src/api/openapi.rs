//! The API description (OpenAPI 3.1), made from the table of calls and the columns of the records.

mod answers;
mod parameters;

use serde_json::{Map, Value, json};

use super::{
    call::is_of_one_row,
    calls::{CALLS, Row, takes_get},
};
use crate::{
    domain::{
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
    },
    ops::machine::logs::Log,
};

/// The whole description; `docs/openapi.json` holds the same.
pub fn document() -> Value {
    let mut paths = Map::new();
    for row in CALLS {
        paths.insert(format!("/api/{}/{}", row.resource, row.action), path_item(row));
    }
    let mut schemas = answers::rows();
    for row in CALLS {
        schemas.insert(name(row, "Answer"), answers::schema(row.resource, row.action, row.access));
        schemas.insert(name(row, "Fields"), body(row));
    }
    let failure = json!({
        "type": "object",
        "required": ["result", "error"],
        "properties": { "result": { "const": false }, "error": { "type": "string" } },
        "additionalProperties": false,
    });
    schemas.insert("Failure".into(), failure);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Linecard Server API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every call returns a JSON object with `result`; on false, `error` says why. Refusals \
                about the data have status 200. The caller's address must be on the whitelist. The key is the \
                field api_key, the Bearer token, or the 4th segment of the path.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas,
        },
    })
}

/// The name of what a call takes or answers among the schemas: `LineNewFields`, `LineNewAnswer`.
fn name(row: &Row, what: &str) -> String {
    let words = [row.resource.name(), row.action].into_iter().flat_map(|name| name.split('_'));
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.map(capital).collect::<String>() + what
}

fn path_item(row: &Row) -> Value {
    let mut post = operation(row, "");
    let fields = answers::reference(&name(row, "Fields"));
    post["requestBody"] = json!({ "content": {
        // As a schema of its own: generators tell bodies apart by their types. Members of data are data[NAME].
        "application/x-www-form-urlencoded": {
            "schema": { "type": "object", "allOf": [fields, { "type": "object" }] },
            "encoding": { "data": { "style": "deepObject", "explode": true } },
        },
        "application/json": { "schema": fields },
    } });
    if row.access == Access::Write {
        post["parameters"] = json!([{
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": { "type": "string", "maxLength": 255 },
            "description": "A repeat within 24 hours gets the first answer and does nothing.",
        }]);
    }
    if !takes_get(row) {
        return json!({ "post": post });
    }
    let mut get = operation(row, "_by_get");
    let properties = body(row)["properties"].take();
    let fields = properties.as_object().into_iter().flatten();
    get["parameters"] = fields
        .map(|(name, schema)| {
            json!({ "name": name, "in": "query", "required": false, "schema": { "type": "string" }, "description": schema["description"] })
        })
        .collect();
    json!({ "post": post, "get": get })
}

fn operation(row: &Row, suffix: &str) -> Value {
    let answer = |description: &str, schema: Value| json!({ "description": description, "content": { "application/json": { "schema": schema } } });
    let failure = || answers::reference("Failure");
    json!({
        "operationId": format!("{}_{}{suffix}", row.resource, row.action),
        "tags": [row.resource.name()],
        "summary": row.doc,
        "responses": {
            "200": answer(
                "Done, or refused because of the data.",
                json!({ "oneOf": [answers::reference(&name(row, "Answer")), failure()] }),
            ),
            "400": answer("The request cannot be read.", failure()),
            "401": answer("The key is missing or wrong.", failure()),
            "403": answer("The address is not allowed.", failure()),
            "404": answer("There is no such call.", failure()),
            "405": answer("The call does not take that method: see Allow.", failure()),
            "413": answer("The body is over 1 MiB.", failure()),
            "429": answer("Too many wrong keys: see Retry-After.", failure()),
            "500": answer("The server failed.", failure()),
        },
    })
}

/// Parameters beside `data`, and the columns in `data` for calls that write them.
fn body(row: &Row) -> Value {
    let mut properties = Map::new();
    for (name, doc) in parameters::beside_data(row.resource, row.action) {
        properties.insert((*name).into(), json!({ "type": "string", "description": doc }));
    }
    if is_of_one_row(row.resource, row.action) {
        let (name, doc) = parameters::SEEN;
        properties.insert(name.into(), json!({ "type": ["integer", "string"], "description": doc }));
    }
    if row.access == Access::Write {
        let (name, doc) = parameters::DRY_RUN;
        properties
            .insert(name.into(), json!({ "type": ["boolean", "integer", "string"], "description": doc }));
    }
    let takes_columns = matches!(row.action, "new" | "update" | "api_key_new" | "bulk");
    if takes_columns {
        let mut data = Map::new();
        for column in columns(row) {
            data.insert(column.name.into(), schema(&column));
        }
        for (name, doc) in parameters::in_data(row.resource, row.action) {
            data.insert((*name).into(), json!({ "type": "string", "description": doc }));
        }
        properties.insert(
            "data".into(),
            json!({ "type": "object", "properties": data, "additionalProperties": false }),
        );
    }
    for name in filters(row) {
        properties
            .insert(name.into(), json!({ "type": "string", "description": "Only rows with this value." }));
    }
    json!({ "type": "object", "properties": properties })
}

/// The columns that a list can be narrowed by.
pub fn filters(row: &Row) -> Vec<&'static str> {
    match (row.resource, row.action) {
        (
            Resource::Connections
            | Resource::Archive
            | Resource::Events
            | Resource::Batches
            | Resource::Jobs
            | Resource::Messages
            | Resource::Metrics
            | Resource::Backups,
            _,
        ) => Vec::new(),
        // Each log has its own columns; a name stands once.
        (Resource::Logs, _) => {
            Log::ALL.iter().flat_map(|(_, log)| log.columns()).map(|(name, _)| *name).collect()
        }
        (_, "list") => {
            let own = columns(row).into_iter().map(|column| column.name);
            ["id", "created_at", "updated_at"].into_iter().chain(own).collect()
        }
        _ => Vec::new(),
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
        (Resource::GuideSources, _) => GuideSource::columns(),
        (Resource::Webhooks, _) => Webhook::columns(),
        (Resource::MessageTargets, _) => MessageTarget::columns(),
        (
            Resource::Logs
            | Resource::Connections
            | Resource::Security
            | Resource::Guide
            | Resource::Archive
            | Resource::Events
            | Resource::Batches
            | Resource::Jobs
            | Resource::Messages
            | Resource::Metrics
            | Resource::Backups,
            _,
        ) => Vec::new(),
    };
    columns.into_iter().filter(|column| column.kind != Kind::Hidden).collect()
}

fn schema(column: &Column) -> Value {
    let kind = match column.kind {
        Kind::Number | Kind::Time | Kind::Reference(_) => json!({ "type": ["integer", "string", "null"] }),
        // Not as an enum: generators of clients cannot name values of three types.
        Kind::Flag => json!({ "type": ["boolean", "integer", "string"] }),
        Kind::Text | Kind::Hidden => json!({ "type": "string" }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::References(_) => json!({ "type": "array", "items": { "type": ["integer", "string"] } }),
    };
    let mut schema = kind;
    schema["description"] = column.doc.into();
    schema
}
