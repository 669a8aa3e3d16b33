//! The logs in the panel, and the log of API calls.

use crate::support::{
    KEY, TestServer,
    panel::{Panel, server},
    tv::within,
};

/// A server on whose audit log stand more rows than two pages hold.
fn busy() -> TestServer {
    let server = server();
    for number in 1..=130 {
        server.done("categories/new", &format!("data[name]=Heading {number}"));
    }
    server
}

fn link<'p>(page: &'p str, rel: &str) -> Option<&'p str> {
    let begin = page.find(&format!("rel=\"{rel}\" href=\""))?;
    page[begin..].split('"').nth(3)
}

#[test]
fn every_log_has_its_page_and_the_panel_error_log_is_the_first() {
    let server = server();
    let panel = Panel::admin(&server);
    assert_eq!(panel.ask("/panel/logs").location(), "/panel/logs/error");
    for (name, title) in [
        ("error", "Panel Error Log"),
        ("audit", "Audit"),
        ("api", "API calls"),
        ("login", "Logins"),
        ("connection", "Connections"),
        ("refusal", "Refusals"),
    ] {
        let page = panel.get(&format!("/panel/logs/{name}"));
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
    }
    assert_eq!(panel.ask("/panel/logs/other").status, 404);
}

#[test]
fn the_newest_stand_first_and_pages_lead_both_ways() {
    let server = busy();
    let panel = Panel::admin(&server);
    let first = panel.get("/panel/logs/audit?resource=categories");
    assert!(
        first.contains("130 entries") && first.contains(">Heading 130<") && first.contains(">Heading 81<")
    );
    assert!(!first.contains(">Heading 80<") && link(&first, "prev").is_none());
    let decoded = |page: &str, rel| link(page, rel).map(|href| href.replace("&#38;", "&")).expect(rel);
    let second = panel.get(&decoded(&first, "next"));
    assert!(
        second.contains(">Heading 80<")
            && second.contains(">Heading 31<")
            && !second.contains(">Heading 30<")
    );
    let third = panel.get(&decoded(&second, "next"));
    assert!(third.contains(">Heading 1<") && link(&third, "next").is_none());
    let back = panel.get(&decoded(&third, "prev"));
    assert!(back.contains(">Heading 80<") && back.contains(">Heading 31<") && !back.contains(">Heading 81<"));
}

#[test]
fn a_log_is_searched_by_words_columns_and_days() {
    let server = busy();
    let panel = Panel::admin(&server);
    let found = panel.get("/panel/logs/audit?search=Heading+77");
    assert!(found.contains("1 entry") && found.contains(">Heading 77<"), "{found}");
    assert!(panel.get("/panel/logs/audit?actor=nobody").contains("No entries match."));
    assert!(panel.get("/panel/logs/audit?resource=categories&from=2020-01-01").contains("130 entries"));
    assert!(panel.get("/panel/logs/audit?resource=categories&to=2020-01-01").contains("No entries match."));
    assert_eq!(panel.ask("/panel/logs/audit?from=yesterday").status, 422);
}

#[test]
fn a_change_shows_each_column_before_and_after() {
    let server = server();
    server.done("categories/new", "data[name]=Old <b>name</b>");
    server.done("categories/update", "id=1&data[name]=New name");
    let page = Panel::admin(&server).get("/panel/logs/audit?action=update");
    let shown = "<th scope=\"row\">name</th><td>Old &#60;b&#62;name&#60;/b&#62;</td><td>New name</td>";
    assert!(page.contains(shown), "{page}");
}

#[test]
fn a_file_holds_what_was_looked_for_and_nothing_that_a_spreadsheet_would_run() {
    let server = busy();
    server.done("categories/new", "data[name]==1%2B1, \"quoted\"");
    let panel = Panel::admin(&server);
    let file = panel.ask("/panel/logs/audit/csv?resource=categories");
    assert_eq!(file.status, 200);
    assert_eq!(file.header("content-disposition"), ["attachment; filename=\"audit.csv\""]);
    let lines: Vec<&str> = file.body.split("\r\n").collect();
    assert_eq!(lines[0], "id,at,actor_kind,actor,address,resource,action,target_id,target,before,after");
    // The heading, 131 rows, and what follows the last end of line.
    assert_eq!(lines.len(), 133, "{}", file.body);
    assert!(lines[1].contains(",\"'=1+1, \"\"quoted\"\"\","), "{}", lines[1]);
    assert!(lines[131].contains("Heading 1,"), "{}", lines[131]);
}

#[test]
fn calls_are_logged_with_what_became_of_them_and_without_secrets() {
    let server = server();
    server.done("line/new", "data[username]=bob&data[password]=a-secret-of-bob");
    server.refused("line/new", "data[username]=bob&data[password]=a-secret-of-bob");
    server.post("line/list", "api_key=a-wrong-key-0123456789");
    let told = server.refused("line/new", "data[secretofbob]=password");
    assert!(told.starts_with("Unknown field: secretofbob. The fields here are:"), "{told}");
    let rows = |server: &TestServer| server.done("logs/list", "kind=api&resource=line")["logs"].clone();
    within(10, "the calls are written", || rows(&server).as_array().is_some_and(|rows| rows.len() == 3));
    let rows = rows(&server);
    let unknown = rows[2]["outcome"].as_str().unwrap();
    assert!(unknown.starts_with("Unknown field: ***. The fields here are:"), "{unknown}");
    for (row, outcome) in [(0, "ok"), (1, "Username exists.")] {
        let row = &rows[row];
        assert_eq!((&row["action"], &row["outcome"]), (&"new".into(), &outcome.into()), "{row}");
        assert_eq!((&row["key_name"], &row["address"]), (&"first key".into(), &"127.0.0.1".into()));
        assert!(row["micros"].as_i64().is_some_and(|micros| micros > 0));
    }
    let text = rows.to_string();
    assert!(
        !text.contains("a-secret-of-bob")
            && !text.contains("secretofbob")
            && !text.contains(KEY)
            && !text.contains("a-wrong-key"),
        "{text}"
    );
    let page = Panel::admin(&server).get("/panel/logs/api?outcome=Username+exists.");
    assert!(page.contains("1 entry") && page.contains("line/new"), "{page}");
    assert_eq!(server.done("settings/get", "")["settings"]["api_retention_days"], 7);
}

#[test]
fn calls_are_not_lost_when_the_server_stops() {
    let server = server();
    server.done("line/list", "");
    let server = TestServer::on(server.stop(), &[]);
    assert_eq!(server.done("logs/list", "kind=api&action=list&resource=line")["total"], 1);
}

#[test]
fn rows_say_in_words_what_became_of_whom() {
    let server = server();
    server.done("line/new", "data[username]=bob&data[password]=secret1");
    server.curl("/live/bob/secret1/99", &[]);
    let made = server.done("line/convert_to_mag", "username=bob&mac_address=00:1A:79:00:00:01");
    let panel = Panel::admin(&server);
    within(10, "the refusal is written", || {
        panel.get("/panel/logs/refusal").contains("number 99: no such stream")
    });
    let page = panel.get("/panel/logs/audit?resource=line&action=convert_to_mag");
    let mag = format!("href=\"/panel/mags/{}\"", made["created_id"]);
    assert!(page.contains(&mag) && page.contains("00:1A:79:00:00:01"), "{page}");
    assert!(!page.contains(">id<") && !page.contains("href=\"/panel/lines/"), "{page}");
    let page = panel.get("/panel/logs/connection");
    assert!(page.contains("<option value=\"withdrawn\">it may no longer watch"), "{page}");
    let icon = server.curl("/favicon.ico", &["-L", "-o", "/dev/null"]);
    assert_eq!(icon.0, 200);
}
