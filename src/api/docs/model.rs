//! What the page shows, out of the API description.

use serde_json::Value;

use super::examples;
use crate::{
    api::{
        calls::{CALLS, Row as CallRow},
        openapi,
    },
    domain::Resource,
};

/// The calls of one resource.
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// Its calls, in the order of the table of calls.
    pub calls: Vec<Call>,
}

/// One call.
pub struct Call {
    /// Where it stands on the page.
    pub anchor: String,
    /// Its last word.
    pub action: &'static str,
    /// Its path.
    pub path: String,
    /// The methods that it takes.
    pub methods: &'static str,
    /// What it does.
    pub summary: String,
    /// What it takes.
    pub fields: Vec<Member>,
    /// The columns that a list can be narrowed by.
    pub filters: Vec<String>,
    /// What it answers.
    pub answer: Vec<Member>,
    /// How to call it, in three languages.
    pub examples: examples::Examples,
}

/// A row that answers have.
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its members.
    pub members: Vec<Member>,
}

/// A field of a call, or a member of an answer.
pub struct Member {
    /// Its name, as it is sent.
    pub name: String,
    /// What it holds.
    pub kind: String,
    /// The row that it holds, or that its list holds.
    pub row: Option<String>,
    /// What it is for.
    pub doc: String,
}

/// Reads the description: calls, and the rows of their answers.
pub fn read(document: &Value) -> (Vec<Section>, Vec<Row>) {
    let schemas = &document["components"]["schemas"];
    let mut sections: Vec<Section> = Vec::new();
    for row in CALLS {
        let call = call(document, row);
        match sections.last_mut().filter(|section| section.name == row.resource.name()) {
            Some(section) => section.calls.push(call),
            None => sections.push(Section { name: row.resource.name(), calls: vec![call] }),
        }
    }
    let is_row = |name: &str| !name.ends_with("Answer") && !name.ends_with("Fields");
    let named = schemas.as_object().into_iter().flatten().filter(|(name, _)| is_row(name));
    let rows = named.map(|(name, schema)| Row { name: name.clone(), members: members(schema, "") }).collect();
    (sections, rows)
}

fn call(document: &Value, row: &CallRow) -> Call {
    let (resource, action) = (row.resource, row.action);
    let path = format!("/api/{resource}/{action}");
    let item = &document["paths"][&path];
    let post = &item["post"];
    let named = |schema: &Value| &document["components"]["schemas"][schema["$ref"].as_str().map_or("", last)];
    let body = named(&post["requestBody"]["content"]["application/json"]["schema"]);
    let mut fields = members(&body["properties"]["data"], "data");
    let filters = openapi::filters(row);
    let is_filter = |member: &Member| filters.contains(&member.name.as_str());
    let (filters, beside): (Vec<Member>, Vec<Member>) =
        members(body, "").into_iter().filter(|member| member.name != "data").partition(is_filter);
    fields.splice(0..0, beside);
    let answer = named(&post["responses"]["200"]["content"]["application/json"]["schema"]["oneOf"][0]);
    Call {
        anchor: anchor(resource, action),
        action,
        methods: if item["get"].is_object() { "GET, POST" } else { "POST" },
        summary: post["summary"].as_str().unwrap_or_default().to_owned(),
        fields,
        filters: filters.into_iter().map(|member| member.name).collect(),
        answer: members(answer, "").into_iter().filter(|member| member.name != "result").collect(),
        examples: examples::of(resource, action, &path),
        path,
    }
}

fn anchor(resource: Resource, action: &str) -> String {
    format!("{resource}-{action}")
}

/// The members of an object, those that lie in another under their whole names.
fn members(schema: &Value, within: &str) -> Vec<Member> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, schema)| {
            let (kind, row) = kind(schema);
            Member {
                name: if within.is_empty() { name.clone() } else { format!("{within}[{name}]") },
                kind,
                row,
                doc: schema["description"].as_str().unwrap_or_default().to_owned(),
            }
        })
        .collect()
}

/// What a schema allows, in words, and the row that it is about.
fn kind(schema: &Value) -> (String, Option<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return (String::new(), Some(last(name).to_owned()));
    }
    if let Some(either) = schema["oneOf"].as_array() {
        let row = either.iter().find_map(|one| one["$ref"].as_str()).map(|name| last(name).to_owned());
        return ("or null:".into(), row);
    }
    if let Some(value) = schema.get("const") {
        return (value.to_string(), None);
    }
    if schema.get("enum").is_some() {
        return ("1 or 0".into(), None);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let word = match types.first() {
        Some(&"integer" | &"number") => "number",
        Some(&"string") => "text",
        Some(&"boolean") if types.len() > 1 => "1 or 0",
        Some(&"boolean") => "true or false",
        Some(&"array") => {
            let (items, row) = kind(&schema["items"]);
            return (format!("list of {}", plural(&items)).trim_end().to_owned(), row);
        }
        _ => "object",
    };
    let is_nullable = types.contains(&"null") && !types.contains(&"string");
    let is_text_or_null = types.first() == Some(&"string") && types.contains(&"null");
    (if is_nullable || is_text_or_null { format!("{word} or null") } else { word.to_owned() }, None)
}

fn plural(word: &str) -> String {
    if word.is_empty() { String::new() } else { format!("{word}s") }
}

/// The last part of a reference.
fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}
