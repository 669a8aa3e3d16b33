//! Two people change one row in the panel: nobody's work is undone by what another saw before.

use serde_json::Value;

use crate::support::{
    TestServer,
    panel::{Page, Panel, server},
};

/// What stands between two marks of a text.
pub(super) fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    Some(text.split_once(from)?.1.split_once(to)?.0)
}

pub(super) fn unescaped(text: &str) -> String {
    let named = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    named.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

/// The fields of a page's form that goes to `action`, as a browser without scripts sends them when nothing was touched.
fn untouched(page: &str, action: &str) -> Vec<(String, String)> {
    let form = between(page, &format!("action=\"{action}\""), "</form>")
        .unwrap_or_else(|| panic!("{action}: {page}"));
    let mut fields = Vec::new();
    for part in form.split('<').skip(1) {
        let (tag, rest) = part.split_once('>').unwrap();
        let attribute = |name: &str| between(tag, &format!(" {name}=\""), "\"").map(unescaped);
        let Some(name) = attribute("name") else {
            let selected = tag.starts_with("option") && (tag.ends_with(" selected"));
            if selected && let Some((_, value)) = fields.last_mut() {
                *value = attribute("value").unwrap();
            }
            if tag.starts_with("option")
                && let Some((_, value)) = fields.last_mut()
                && value == "\u{0}"
            {
                *value = attribute("value").unwrap();
            }
            continue;
        };
        let ticked =
            !matches!(attribute("type").as_deref(), Some("checkbox" | "radio")) || tag.contains(" checked");
        if tag.starts_with("textarea") {
            // Browsers drop the first line break, and send the others as CR LF.
            fields.push((name, unescaped(rest).strip_prefix('\n').unwrap().replace('\n', "\r\n")));
        } else if tag.starts_with("select") {
            fields.push((name, "\u{0}".into()));
        } else if ticked {
            fields.push((name, attribute("value").unwrap_or_default()));
        }
    }
    fields
}

/// Sends a form as it was opened, with some of its fields typed anew.
pub(super) fn send(panel: &Panel, opened: &str, action: &str, typed: &[(&str, &str)]) -> Page {
    let mut fields = untouched(opened, action);
    for (name, value) in typed {
        fields.retain(|(held, _)| held != name || name.ends_with("[]"));
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    panel.post(action, &fields)
}

/// Every form of a row: where it is opened, where it goes, what the person types, what others change meanwhile, and
/// where to look for both.
type Case = (
    &'static str,
    &'static str,
    (&'static str, &'static str),
    (&'static str, &'static str),
    &'static str,
    [(&'static str, &'static str); 2],
);

const FORMS: [Case; 11] = [
    (
        "lines/1/edit",
        "lines/1/edit",
        ("notes", "typed"),
        ("line/update", "username=bob&data[expire_date]=1900000000&data[banned]=0"),
        "line/list",
        [("/lines/0/notes", "typed"), ("/lines/0/expire_date", "1900000000")],
    ),
    (
        "mags/1/edit",
        "mags/1/edit",
        ("notes", "typed"),
        ("mag/update", "mac_address=001A79000001&data[expire_date]=1900000000&data[allowed_ips][]=192.0.2.1"),
        "mag/list",
        [("/mags/0/notes", "typed"), ("/mags/0/expire_date", "1900000000")],
    ),
    (
        "streams/1/edit",
        "streams/1/edit",
        ("notes", "typed"),
        ("streams/stop", "id=1"),
        "streams/info?id=1",
        [("/stream/notes", "typed"), ("/stream/enabled", "0")],
    ),
    (
        "plans/1",
        "plans/1",
        ("duration", "3"),
        ("subscription_plans/update", "id=1&data[credits]=9"),
        "subscription_plans/info?id=1",
        [("/subscription_plan/duration", "3"), ("/subscription_plan/credits", "9")],
    ),
    (
        "bouquets/1",
        "bouquets/1",
        ("name", "Typed"),
        ("bouquets/update", "id=1&data[streams][]=2&data[streams][]=1"),
        "bouquets/info?id=1",
        [("/bouquet/name", "Typed"), ("/bouquet/streams/0", "2")],
    ),
    (
        "categories/1",
        "categories/1",
        ("name", "Typed"),
        ("categories/update", "id=1&data[censored]=1"),
        "categories/info?id=1",
        [("/category/name", "Typed"), ("/category/censored", "1")],
    ),
    (
        "groups/3",
        "groups/3",
        ("name", "Typed"),
        ("groups/update", "id=3&data[rights][]=line:read"),
        "groups/info?id=3",
        [("/group/name", "Typed"), ("/group/rights/0", "line:read")],
    ),
    (
        "servers/2",
        "servers/2",
        ("notes", "typed"),
        ("servers/update", "id=2&data[http_port]=99"),
        "servers/info?id=2",
        [("/server/notes", "typed"), ("/server/http_port", "99")],
    ),
    (
        "resellers/1/edit",
        "resellers/1/edit",
        ("name", "Typed"),
        ("resellers/update", "id=1&data[use_credits]=1"),
        "resellers/list",
        [("/resellers/0/name", "Typed"), ("/resellers/0/use_credits", "1")],
    ),
    (
        "administrators/2",
        "administrators/2",
        ("email", "t@example.com"),
        ("administrators/update", "id=2&data[disabled]=1"),
        "administrators/list?id=2",
        [("/administrators/0/email", "t@example.com"), ("/administrators/0/disabled", "1")],
    ),
    (
        "settings",
        "settings",
        ("failure_limit", "77"),
        ("settings/update", "data[operator_name]=Acme&data[public_url]=http://tv.example"),
        "settings/get",
        [("/settings/failure_limit", "77"), ("/settings/operator_name", "Acme")],
    ),
];

/// One row of everything, as [`FORMS`] needs it.
pub(super) fn one_of_everything(server: &TestServer) {
    server.done("streams/new", "data[name]=One&data[notes]=a&data[enabled]=1");
    server.done("streams/new", "data[name]=Two");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("categories/new", "data[name]=News");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=5&data[bouquets][]=1");
    server.done("resellers/new", "data[name]=North&data[credits]=50");
    server.done("groups/new", "data[name]=Staff&data[rights][]=mag&data[rights][]=line");
    server.done("servers/new", "data[name]=Two&data[server_ip]=192.0.2.9");
    let person =
        "data[username]=sara&data[email]=sara@example.com&data[group_id]=3&data[password]=Jd83nskw72";
    server.done("administrators/new", person);
    let sold = "data[subscription_plan_id]=1&data[bouquets][]=1&data[notes]=two%0Alines&data[banned]=1";
    server.done(
        "line/new",
        &format!("data[username]=bob&data[allowed_outputs][]=hls&data[allowed_outputs][]=ts&{sold}"),
    );
    server.done("mag/new", &format!("data[mac_address]=001A79000001&{sold}"));
}

fn text_at(answer: &Value, pointer: &str) -> String {
    match answer.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        other => other.unwrap_or(&Value::Null).to_string(),
    }
}

pub(super) fn ask(server: &TestServer, call: &str) -> Value {
    let (call, query) = call.split_once('?').unwrap_or((call, ""));
    server.done(call, query)
}

#[test]
fn a_stale_form_writes_what_was_typed_and_nothing_else() {
    let server = server();
    one_of_everything(&server);
    let panel = Panel::admin(&server);
    for (opened, action, typed, (call, change), look, columns) in FORMS {
        let (opened, action) = (panel.get(&format!("/panel/{opened}")), format!("/panel/{action}"));
        assert!(opened.contains("name=\"seen\""), "{action}");
        server.done(call, change);
        let page = send(&panel, &opened, &action, &[typed]);
        assert_eq!(page.status, 303, "{action}: {}", page.body);
        let row = ask(&server, look);
        for (column, expected) in columns {
            assert_eq!(text_at(&row, column), expected, "{action} {column}: {row}");
        }
    }
    // A ban that was lifted, and a list that was made, stayed too.
    assert_eq!(ask(&server, "line/list")["lines"][0]["banned"], 0);
    assert_eq!(ask(&server, "mag/list")["mags"][0]["allowed_ips"][0], "192.0.2.1");
    assert_eq!(ask(&server, "line/list")["lines"][0]["notes"], "typed");
}

#[test]
fn a_form_that_nobody_touched_changes_nothing() {
    let server = server();
    one_of_everything(&server);
    let panel = Panel::admin(&server);
    for (opened, action, ..) in FORMS {
        let (opened, action) = (panel.get(&format!("/panel/{opened}")), format!("/panel/{action}"));
        let page = send(&panel, &opened, &action, &[]);
        assert_eq!(page.status, 303, "{action}: {}", page.body);
    }
    let rows = server.done("logs/list", "kind=audit&limit=1000")["logs"].clone();
    let updates = rows.as_array().unwrap().iter().filter(|row| row["action"] == "update");
    for row in updates {
        assert_eq!(row["after"], serde_json::json!({}), "{row}");
    }
}

#[test]
fn where_two_changed_one_value_both_are_shown_and_one_is_chosen() {
    let server = server();
    one_of_everything(&server);
    let panel = Panel::admin(&server);
    let edit = "/panel/lines/1/edit";
    let opened = panel.get(edit);
    server.done(
        "line/update",
        "username=bob&data[notes]=of%20others&data[max_allowed_connections]=7&data[disabled]=1",
    );
    let page = send(&panel, &opened, edit, &[("notes", "of mine"), ("max_allowed_connections", "9")]);
    assert_eq!(page.status, 409, "{}", page.body);
    assert_eq!(page.body.matches("class=\"theirs\"").count(), 2, "{}", page.body);
    assert!(
        page.body.contains("of mine</textarea>") && page.body.contains(">of others</p>"),
        "{}",
        page.body
    );
    let line = || ask(&server, "line/list")["lines"][0].clone();
    assert_eq!(line()["notes"], "of others");
    // As it comes back, what was typed is put in its place; the other is left as it is now.
    let left = [("keep[max_allowed_connections]", "theirs")];
    let saved = send(&panel, &page.body, edit, &left);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let row = line();
    assert_eq!(
        (&row["notes"], &row["max_allowed_connections"], &row["disabled"]),
        (&"of mine".into(), &7.into(), &1.into())
    );
    // A third who changes it between the two is met again.
    let opened = panel.get(edit);
    server.done("line/update", "username=bob&data[notes]=third");
    let page = send(&panel, &opened, edit, &[("notes", "mine again")]);
    server.done("line/update", "username=bob&data[notes]=fourth");
    let again = send(&panel, &page.body, edit, &[]);
    assert_eq!((page.status, again.status), (409, 409));
    assert!(
        again.body.contains(">fourth</p>") && again.body.contains("mine again</textarea>"),
        "{}",
        again.body
    );
    // Two who typed the same are of one mind.
    server.done("line/update", "username=bob&data[notes]=mine%20again");
    assert_eq!(send(&panel, &again.body, edit, &[]).status, 303);
}

#[test]
fn an_ordered_list_brings_nothing_back_that_others_took_out() {
    let server = server();
    for name in ["One", "Two", "Three", "Four"] {
        server.done("streams/new", &format!("data[name]={name}"));
        server.done("categories/new", &format!("data[name]={name}"));
    }
    server.done("bouquets/new", "data[name]=All&data[streams]=[1,2,3]");
    let panel = Panel::admin(&server);
    let edit = "/panel/bouquets/1";
    let streams = || ask(&server, "bouquets/info?id=1")["bouquet"]["streams"].to_string();
    let opened = panel.get(edit);
    server.done("bouquets/update", "id=1&data[streams]=[1,3,4]");
    let page = send(&panel, &opened, edit, &[("streams", "3 Three\r\n2 Two\r\n1 One")]);
    assert_eq!(page.status, 409, "{}", page.body);
    assert_eq!(streams(), "[1,3,4]");
    assert!(page.body.contains("1 One\n3 Three</p>"), "{}", page.body);
    assert_eq!(send(&panel, &page.body, edit, &[("streams", "3 Three\r\n1 One")]).status, 303);
    assert_eq!(streams(), "[3,1,4]", "what others added stays");
    let order = "/panel/categories/order";
    let opened = panel.get(order);
    panel.done(order, &[("order", "4\n3\n2\n1"), ("order_held", "1 2 3 4")]);
    assert_eq!(send(&panel, &opened, order, &[]).status, 303);
    let page = send(&panel, &opened, order, &[("order", "2\r\n1\r\n3\r\n4")]);
    assert_eq!(page.status, 409, "{}", page.body);
    let list = panel.get("/panel/categories");
    assert!(list.find(">Four<").unwrap() < list.find(">One<").unwrap(), "{list}");
}
