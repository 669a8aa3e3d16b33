//! Two people change one row: nobody's work is undone by what another saw before.

use serde_json::Value;

use crate::support::{
    TestServer,
    panel::{Page, Panel, server},
};

/// One row of every resource that is updated: the call's name, what makes it, what selects it, and a change.
const ROWS: [(&str, &str, &str, &str); 11] = [
    ("bouquets", "data[name]=All", "id=1", "data[name]=Every"),
    ("categories", "data[name]=News", "id=1", "data[name]=Reports"),
    ("streams", "data[name]=One&data[server_id]=1", "id=1", "data[notes]=x"),
    ("subscription_plans", "data[name]=Month", "id=1", "data[credits]=5"),
    ("resellers", "data[name]=North", "id=1", "data[use_credits]=1"),
    ("groups", "data[name]=Staff&data[rights][]=line", "id=3", "data[name]=Team"),
    ("servers", "data[name]=Two&data[server_ip]=192.0.2.9", "id=2", "data[notes]=x"),
    (
        "administrators",
        "data[username]=sara&data[email]=sara@example.com&data[group_id]=3&data[password]=Jd83nskw72",
        "id=2",
        "data[email]=s@example.com",
    ),
    ("line", "data[username]=bob&data[bouquets][]=1", "username=bob", "data[notes]=x"),
    ("mag", "data[mac_address]=001A79000001&data[bouquets][]=1", "mac_address=001A79000001", "data[notes]=x"),
    ("settings", "", "", "data[operator_name]=Acme"),
];

/// The `updated_at` of the row of that id.
fn updated_at(server: &TestServer, resource: &str, id: i64) -> i64 {
    let rows = match resource {
        "settings" => return server.done("settings/get", "")["settings"]["updated_at"].as_i64().unwrap(),
        "line" | "mag" => server.done(&format!("{resource}/list"), "")[format!("{resource}s")].clone(),
        _ => server.done(&format!("{resource}/list"), "")[resource].clone(),
    };
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id).cloned();
    row.unwrap_or(Value::Null)["updated_at"].as_i64().unwrap()
}

#[test]
fn every_update_can_be_bound_to_the_row_as_it_was_seen() {
    let server = TestServer::start();
    for (resource, new, which, change) in ROWS {
        let id = if new.is_empty() {
            1
        } else {
            server.done(&format!("{resource}/new"), new)["created_id"].as_i64().unwrap()
        };
        let call = format!("{resource}/update");
        let seen = updated_at(&server, resource, id);
        server.done(&call, &format!("{which}&{change}&if_updated_at={seen}"));
        // Also within one second the row is another after each change.
        let after = updated_at(&server, resource, id);
        assert!(after > seen, "{resource}: {seen} {after}");
        for place in ["if_updated_at", "data[if_updated_at]"] {
            let stale = format!("{which}&{change}&{place}={seen}");
            assert_eq!(server.refused(&call, &stale), "Changed meanwhile", "{resource} {place}");
        }
        assert_eq!(updated_at(&server, resource, id), after, "{resource}: a refusal changes nothing");
        server.done(&call, &format!("{which}&{change}&data[if_updated_at]={after}"));
        let wrong = server.refused(&call, &format!("{which}&{change}&if_updated_at="));
        assert!(wrong.starts_with("Invalid if_updated_at: "), "{resource}: {wrong}");
    }
}

#[test]
fn every_call_that_changes_or_removes_one_row_can_be_bound_to_it() {
    let server = TestServer::start();
    let bound = |call: &str, which: &str, seen: i64| {
        let (stale, right) =
            (format!("{which}&if_updated_at={}", seen - 1), format!("{which}&if_updated_at={seen}"));
        let wrong = server.refused(call, &format!("{which}&if_updated_at="));
        assert!(wrong.starts_with("Invalid if_updated_at: "), "{call}: {wrong}");
        assert_eq!(server.refused(call, &stale), "Changed meanwhile", "{call}");
        server.done(call, &right);
    };
    let rows = ROWS.iter().filter(|(_, new, ..)| !new.is_empty());
    for (resource, new, ..) in rows.clone() {
        server.done(&format!("{resource}/new"), new);
    }
    bound("resellers/add_credits", "id=1&credits=5", updated_at(&server, "resellers", 1));
    bound("line/convert_to_mag", "username=bob&mac_address=001A79000002", updated_at(&server, "line", 1));
    bound("mag/convert_to_line", "mac_address=001A79000002&username=bob", updated_at(&server, "mag", 2));
    server.done("settings/api_key_new", "data[name]=second");
    let keys = server.done("settings/api_key_list", "")["api_keys"].clone();
    let key = keys.as_array().unwrap().iter().find(|key| key["name"] == "second").cloned().unwrap();
    bound("settings/api_key_revoke", "name=second", key["updated_at"].as_i64().unwrap());
    for (resource, _, which, _) in rows.rev() {
        let id = match *resource {
            "line" | "servers" | "administrators" => 2,
            "groups" => 3,
            _ => 1,
        };
        bound(&format!("{resource}/delete"), which, updated_at(&server, resource, id));
    }
    // What is about several rows does not take it.
    server.done("streams/new", "data[name]=One");
    let unknown = server.refused("streams/stop", "id=2&if_updated_at=1");
    assert!(unknown.starts_with("Unknown field: if_updated_at"), "{unknown}");
}

#[test]
fn a_row_whose_list_lost_an_entry_or_whose_balance_moved_has_changed() {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=One");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("subscription_plans/new", "data[name]=Month&data[bouquets][]=1");
    server.done("line/new", "data[username]=bob&data[bouquets][]=1");
    server.done("mag/new", "data[mac_address]=001A79000001&data[bouquets][]=1");
    server.done("resellers/new", "data[name]=North");
    let rises = |resource: &str, call: &str, body: &str| {
        let before = updated_at(&server, resource, 1);
        server.done(call, body);
        let after = updated_at(&server, resource, 1);
        assert!(after > before, "{resource} after {call}: {before} {after}");
    };
    rises("resellers", "resellers/add_credits", "id=1&credits=5");
    rises("bouquets", "streams/delete", "id=1");
    let before = ["subscription_plans", "line", "mag"].map(|resource| updated_at(&server, resource, 1));
    server.done("bouquets/delete", "id=1");
    let after = ["subscription_plans", "line", "mag"].map(|resource| updated_at(&server, resource, 1));
    assert!(before.iter().zip(&after).all(|(before, after)| before < after), "{before:?} {after:?}");
}

/// What stands between two marks of a text.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    Some(text.split_once(from)?.1.split_once(to)?.0)
}

fn unescaped(text: &str) -> String {
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
fn send(panel: &Panel, opened: &str, action: &str, typed: &[(&str, &str)]) -> Page {
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
fn one_of_everything(server: &TestServer) {
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

fn ask(server: &TestServer, call: &str) -> Value {
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

#[test]
fn a_stale_button_gives_nothing_back_that_others_took_away() {
    let server = server();
    one_of_everything(&server);
    let panel = Panel::admin(&server);
    let action = |page: &str, what: &str| {
        let found = page.split("action=\"").skip(1).filter_map(|rest| rest.split_once('"'));
        unescaped(found.map(|(action, _)| action).find(|action| action.contains(what)).unwrap())
    };
    let line = || ask(&server, "line/list")["lines"][0].clone();
    let unban = action(&panel.get("/panel/lines/1"), "do/unban");
    panel.done("/panel/lines/1/do/unban", &[]);
    server.done("line/update", "username=bob&data[banned]=1&data[notes]=fraud");
    let page = panel.done(&unban, &[]);
    assert!(page.contains("was changed meanwhile, and nothing was done"), "{page}");
    assert_eq!(line()["banned"], 1);
    assert!(panel.done(&action(&page, "do/unban"), &[]).contains("was unbanned"));
    // What takes something away is done whatever has changed.
    let disable = action(&page, "do/disable");
    server.done("line/update", "username=bob&data[notes]=x");
    assert!(panel.done(&disable, &[]).contains("was disabled"));
    // An extension is sent once, however often the button is pressed.
    let extend = "/panel/lines/1/extend";
    let opened = panel.get(extend);
    assert_eq!(send(&panel, &opened, extend, &[]).status, 303);
    let end = line()["expire_date"].clone();
    let twice = send(&panel, &opened, extend, &[]);
    assert_eq!(twice.status, 409, "{}", twice.body);
    assert!(twice.body.contains("changed this meanwhile, and nothing was done"), "{}", twice.body);
    assert_eq!(line()["expire_date"], end);
    assert_eq!(send(&panel, &twice.body, extend, &[]).status, 303, "who has seen it may extend again");
    // Streams: a page that shows one running does not start it anew once it was stopped.
    server.done("streams/stop", "id=1");
    let start = action(&panel.get("/panel/streams/1"), "/start?");
    server.done("streams/start", "id=1");
    server.done("streams/stop", "id=1");
    let enabled = || ask(&server, "streams/info?id=1")["stream"]["enabled"].clone();
    assert!(panel.done(&start, &[]).contains("was changed meanwhile, and not started"));
    assert!(panel.done("/panel/streams/1/restart", &[]).contains("was stopped meanwhile, and stays so"));
    let both = [("ids[]", "1"), ("ids[]", "2"), ("do", "restart")];
    let told = panel.done("/panel/streams/do", &both);
    assert!(told.contains("1 stream was restarted. One is stopped, and stays so."), "{told}");
    assert_eq!(enabled(), 0);
    assert!(panel.done(&action(&panel.get("/panel/streams/1"), "/start?"), &[]).contains("was started"));
    assert_eq!(enabled(), 1);
}

#[test]
fn a_conversion_and_a_password_are_asked_again_of_a_row_that_others_changed() {
    let server = server();
    one_of_everything(&server);
    let panel = Panel::admin(&server);
    let cases = [
        (
            "administrators/2",
            "administrators/2/password",
            ("password", "Kx92mdne83"),
            "administrators/update",
            "id=2&data[password]=Qq81nmwe72",
        ),
        (
            "lines/1/convert",
            "lines/1/convert",
            ("mac_address", "001A79000002"),
            "line/update",
            "username=bob&data[expire_date]=1900000000",
        ),
        (
            "mags/1/convert",
            "mags/1/convert",
            ("username", "box"),
            "mag/update",
            "mac_address=001A79000001&data[expire_date]=1900000000",
        ),
    ];
    for (opened, action, typed, call, change) in cases {
        let (opened, action) = (panel.get(&format!("/panel/{opened}")), format!("/panel/{action}"));
        server.done(call, change);
        let met = send(&panel, &opened, &action, &[typed]);
        assert_eq!(met.status, 409, "{action}: {}", met.body);
        assert!(
            met.body.contains("Somebody else changed it meanwhile, and nothing was done."),
            "{}",
            met.body
        );
        // Once it was asked again, it is done.
        let done = send(&panel, &met.body, &action, &[typed]);
        assert_eq!(done.status, 303, "{action}: {}", done.body);
    }
    Panel::of(&server, "sara", "Kx92mdne83");
    let ends = |call: &str, rows: &str| ask(&server, call)[rows][0]["expire_date"].clone();
    assert_eq!([ends("line/list", "lines"), ends("mag/list", "mags")], [1_900_000_000, 1_900_000_000]);
}

#[test]
fn the_pin_and_the_device_of_a_box_are_changed_as_they_were_seen() {
    let server = server();
    server.done("mag/new", "data[mac_address]=001A79000001");
    server.done("mag/set_parent_pin", "mac_address=001A79000001&parent_pin=1111");
    let panel = Panel::admin(&server);
    let (page, action) = (panel.get("/panel/mags/1/box"), "/panel/mags/1/box/pin");
    server.done("mag/set_parent_pin", "mac_address=001A79000001&parent_pin=2222");
    let met = send(&panel, &page, action, &[("parent_pin", "3333")]);
    assert_eq!(met.status, 409, "{}", met.body);
    assert!(met.body.contains("the PIN is 2222 now"), "{}", met.body);
    assert_eq!(send(&panel, &met.body, action, &[]).status, 303);
    assert!(panel.get("/panel/mags/1/box").contains("3333"));
}

#[test]
fn streams_that_others_stopped_meanwhile_are_not_started_with_those_that_are_ticked() {
    let server = server();
    for name in ["One", "Two", "Three"] {
        server.done("streams/new", &format!("data[name]={name}&data[enabled]=0"));
    }
    let panel = Panel::admin(&server);
    let enabled =
        || [1, 2, 3].map(|id| ask(&server, &format!("streams/info?id={id}"))["stream"]["enabled"].clone());
    let list = panel.get("/panel/streams");
    // What the browser sends of the list: the fields that belong to the form by its id.
    let fields: Vec<(String, String)> = list
        .split("<input ")
        .filter(|input| {
            between(input, "", ">").is_some_and(|tag| tag.contains("type=\"hidden\" name=\"seen["))
        })
        .map(|input| {
            let value = |name| between(input, &format!("{name}=\""), "\"").unwrap().to_owned();
            (value("name"), value("value"))
        })
        .collect();
    assert_eq!(fields.len(), 3, "{list}");
    server.done("streams/start", "id=2");
    server.done("streams/stop", "id=2");
    let mut sent: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sent.extend([("ids[]", "1"), ("ids[]", "2"), ("do", "start")]);
    let told = panel.done("/panel/streams/do", &sent);
    assert!(
        told.contains("1 stream was started. One was changed meanwhile, and not started: look at it first."),
        "{told}"
    );
    assert_eq!(enabled(), [1, 0, 0]);
    // Without what was seen, none is started.
    let bare = panel.post_bare("/panel/streams/do", &[("ids[]", "2"), ("ids[]", "3"), ("do", "start")]);
    let told = panel.get(bare.location());
    assert!(told.contains("2 were changed meanwhile, and not started"), "{told}");
    assert_eq!(enabled(), [1, 0, 0]);
}

#[test]
fn a_deletion_is_asked_again_of_a_row_that_others_changed_or_took_up() {
    let server = server();
    one_of_everything(&server);
    server.done("streams/new", "data[name]=Three");
    server.done("bouquets/new", "data[name]=Some");
    let panel = Panel::admin(&server);
    let cases = [
        ("lines/1/delete", "line/update", "username=bob&data[expire_date]=1900000000"),
        ("mags/1/delete", "mag/update", "mac_address=001A79000001&data[expire_date]=1900000000"),
        ("streams/3/delete", "bouquets/update", "id=2&data[streams]=[3]"),
        ("streams/delete?ids=2", "bouquets/update", "id=2&data[streams]=[2]"),
        ("bouquets/2/delete", "subscription_plans/update", "id=1&data[bouquets]=[1,2]"),
        ("categories/1/delete", "streams/update", "id=1&data[category_id]=1"),
        ("servers/2/delete", "servers/update", "id=2&data[notes]=x"),
        ("groups/3/delete", "groups/update", "id=3&data[name]=Team"),
        ("resellers/1/delete", "resellers/add_credits", "id=1&credits=5"),
        ("administrators/2/delete", "administrators/update", "id=2&data[email]=s@example.com"),
    ];
    for (path, call, change) in cases {
        let action = format!("/panel/{path}");
        let opened = panel.get(&action);
        server.done(call, change);
        let deletions = || {
            let rows = server.done("logs/list", "kind=audit&limit=1000")["logs"].clone();
            rows.as_array().unwrap().iter().filter(|row| row["action"] == "delete").count()
        };
        let before = deletions();
        let met = send(&panel, &opened, &action, &[]);
        assert_eq!(met.status, 409, "{action}: {}", met.body);
        assert!(
            met.body.contains("Somebody else changed it meanwhile, and nothing was done."),
            "{}",
            met.body
        );
        assert_eq!(deletions(), before, "{action}");
        // Once it was asked again it goes, unless something else forbids that.
        let gone = send(&panel, &met.body, &action, &[]);
        assert!(gone.status == 303 || !gone.body.contains("name=\"seen\""), "{action}: {}", gone.body);
        assert!(deletions() > before || gone.status == 409, "{action}: {}", gone.body);
    }
}
