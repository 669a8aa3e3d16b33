//! Resellers in the panel: credits, statements, and what a reseller's own people see of it.

use crate::support::{
    TestServer,
    panel::{PASSWORD, Panel, server},
};

/// What the hidden slip of the form for credits says.
fn slip(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"slip\" value=\"").expect("the slip");
    rest.split_once('"').expect("its end").0.to_owned()
}

fn move_credits(panel: &Panel<'_>, way: &str, amount: &str, note: &str) -> String {
    let slip = slip(&panel.get("/panel/resellers/1"));
    panel.done(
        "/panel/resellers/1/credits",
        &[("way", way), ("amount", amount), ("note", note), ("slip", &slip)],
    )
}

fn administrator(server: &TestServer, name: &str, group: u8, reseller: u8) {
    server.done(
        "administrators/new",
        &format!(
            "data[username]={name}&data[email]={name}@example.com&data[group_id]={group}&data[reseller_id]={reseller}\
             &data[password]={PASSWORD}"
        ),
    );
}

#[test]
fn a_reseller_is_created_with_a_balance_changed_and_deleted() {
    let server = server();
    let panel = Panel::admin(&server);
    let fields =
        [("name", "North"), ("credits", "1500"), ("use_credits", "1"), ("max_allowed_connections", "20")];
    let page = panel.done("/panel/resellers/new", &fields);
    assert!(
        page.contains("North was created.") && page.contains("1,500") && page.contains("Opening balance")
    );
    let page = panel.refused("/panel/resellers/new", &fields, 409);
    assert!(page.contains("Is taken: choose another") && page.contains("value=\"1500\""), "{page}");
    let page = panel.refused("/panel/resellers/new", &[("name", ""), ("credits", "-1")], 422);
    assert!(page.contains("A whole number from 0 to 1000000000000"), "{page}");
    server.done("line/new", "data[reseller_id]=1&data[max_allowed_connections]=3");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01&data[reseller_id]=1");
    let page = panel.get("/panel/resellers?search=nor");
    assert!(page.contains("4 of 20") && page.contains("href=\"/panel/resellers/1\""), "{page}");
    let page = panel.get("/panel/resellers/1");
    assert!(
        page.contains("href=\"/panel/lines?reseller=1\"") && page.contains("href=\"/panel/mags?reseller=1\"")
    );
    let page = panel.done("/panel/resellers/1/edit", &[("name", "Nord")]);
    assert!(page.contains("Nord was changed.") && page.contains("of 20"), "what was not sent stays: {page}");
    assert!(
        panel
            .get("/panel/resellers/1/delete")
            .contains("Its remaining balance of 1,500 credits goes with it.")
    );
    let page = panel.refused("/panel/resellers/1/delete", &[], 409);
    assert!(
        page.contains("To it belong 1 line, 1 MAG.") && !page.contains("<button class=\"danger\""),
        "{page}"
    );
    panel.done("/panel/resellers/new", &[("name", "South")]);
    assert!(panel.done("/panel/resellers/2/delete", &[]).contains("South was deleted."));
    assert_eq!(panel.ask("/panel/resellers/2").status, 404);
}

#[test]
fn credits_are_added_and_taken_with_a_reason_and_a_form_books_once() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done("resellers/new", "data[name]=North&data[credits]=10");
    let page = move_credits(&panel, "add", "1000", "Invoice 17 <paid>");
    assert!(page.contains("1,000 credits were added. The balance is 1,010."), "{page}");
    assert!(page.contains("Invoice 17 &#60;paid&#62;") && page.contains("+1,000"), "{page}");
    let page = move_credits(&panel, "take", "10", "Mistake");
    assert!(page.contains("10 credits were taken away. The balance is 1,000."), "{page}");

    let slip = slip(&panel.get("/panel/resellers/1"));
    let form = |amount, note| [("way", "add"), ("amount", amount), ("note", note), ("slip", slip.as_str())];
    panel.done("/panel/resellers/1/credits", &form("5", "Once"));
    let page = panel.done("/panel/resellers/1/credits", &form("5", "Once"));
    assert!(page.contains("It was already booked, and is not booked again. The balance is 1,005."), "{page}");
    let page = panel.refused("/panel/resellers/1/credits", &form("6", "Once"), 409);
    assert!(
        page.contains("This form was already sent") && !page.contains(&slip),
        "it has a new slip: {page}"
    );
    assert_eq!(server.done("resellers/statement", "id=1")["credits"], 1005);

    for (amount, note, status) in [("0", "No", 422), ("", "No", 422), ("5", "", 422), ("-5", "No", 422)] {
        panel.refused("/panel/resellers/1/credits", &form(amount, note), status);
    }
    let much =
        [("way", "take"), ("amount", "5000"), ("note", "Too much"), ("slip", "another slip of a form")];
    let page = panel.refused("/panel/resellers/1/credits", &much, 422);
    assert!(page.contains("More than the balance has."), "{page}");
    assert!(page.contains("value=\"5000\"") && page.contains("Too much"), "{page}");
    let rows = server.done("resellers/statement", "id=1");
    assert_eq!((&rows["total"], &rows["statement"][1]["note"]), (&4.into(), &"Invoice 17 <paid>".into()));
    assert_eq!(rows["statement"][1]["actor"], "admin");
}

#[test]
fn the_server_api_notes_why_credits_moved() {
    let server = server();
    server.done("resellers/new", "data[name]=North");
    server.done("resellers/add_credits", "id=1&credits=5&note=Invoice 18");
    server.done("resellers/add_credits", "id=1&credits=5");
    let rows = server.done("resellers/statement", "id=1");
    assert_eq!(
        (&rows["statement"][0]["note"], &rows["statement"][1]["note"]),
        (&"Invoice 18".into(), &"".into())
    );
    let long = "x".repeat(201);
    assert!(
        server
            .refused("resellers/add_credits", &format!("id=1&credits=5&note={long}"))
            .starts_with("Invalid note")
    );
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["held_connections"], 0);
}

#[test]
fn a_statement_is_paged_filtered_and_downloaded() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done("resellers/new", "data[name]=North&data[credits]=100");
    for n in 0..60 {
        server.done("resellers/add_credits", &format!("id=1&credits=1&note=no {n}"));
    }
    server.done("resellers/add_credits", "id=1&credits=-2&note=%3DHYPERLINK(%22x%22)");
    let page = panel.get("/panel/resellers/1");
    assert!(
        page.contains("no 59") && !page.contains("no 9<") && page.contains("<span>62 movements</span>"),
        "{page}"
    );
    assert!(page.contains("rel=\"next\""), "{page}");
    let page = panel.get("/panel/resellers/1?offset=50");
    assert!(page.contains("no 9<") && page.contains("Opening balance") && page.contains("rel=\"prev\""));
    let page = panel.get("/panel/resellers/1?reason=opening");
    assert!(
        page.contains("<span>1 movement</span>") && page.contains("<option value=\"opening\" selected>"),
        "{page}"
    );
    let page = panel.get("/panel/resellers/1?from=2020-01-01&to=2020-12-31");
    assert!(page.contains("No transactions.") && page.contains("value=\"2020-01-01\""), "{page}");
    let today = panel.get("/panel/resellers/1?from=2020-01-01&to=2999-12-31&reason=added");
    assert!(today.contains("<span>61 movements</span>"), "{today}");

    let file = panel.ask("/panel/resellers/1/statement.csv");
    assert_eq!((file.status, file.header("content-type")), (200, vec!["text/csv; charset=utf-8"]));
    assert_eq!(file.header("content-disposition"), ["attachment; filename=\"statement-1.csv\""]);
    let lines: Vec<&str> = file.body.split("\r\n").collect();
    assert_eq!(lines[0], "time,unix_time,credits,balance,reason,note,actor,line_id,mag_id,plan_id,sold");
    assert!(lines[1].ends_with(",100,100,opening,,first key,,,,"), "{}", lines[1]);
    assert!(lines[62].ends_with(",-2,158,added,\"'=HYPERLINK(\"\"x\"\")\",first key,,,,"), "{}", lines[62]);
    assert_eq!(lines.len(), 64, "62 movements, the headings, and the end of the last line");
    let part = panel.ask("/panel/resellers/1/statement.csv?reason=opening").body;
    assert_eq!(part.split("\r\n").count(), 3, "{part}");
}

#[test]
fn a_statement_names_what_was_sold_and_keeps_the_id_of_what_is_gone() {
    let server = server();
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=1");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=10");
    let sold = "data[subscription_plan_id]=1&data[reseller_id]=1";
    server.done("line/new", &format!("data[username]=bob&{sold}"));
    server.done("line/new", &format!("data[username]=gone&{sold}"));
    server.done("mag/new", &format!("data[mac_address]=00:1A:79:00:00:01&{sold}"));
    server.done("line/delete", "username=gone");
    let panel = Panel::admin(&server);
    let page = panel.get("/panel/resellers/1");
    for wanted in [
        "<a href=\"/panel/lines/1\">bob</a>",
        "<a href=\"/panel/mags/1\">00:1A:79:00:00:01</a>",
        "line 2, deleted",
        "<span>4 movements</span>",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let file = panel.ask("/panel/resellers/1/statement.csv").body;
    assert!(file.contains(",first key,1,,1,bob\r\n") && file.contains(",first key,2,,1,\r\n"), "{file}");
}

#[test]
fn a_resellers_people_see_their_own_balance_and_statement_and_nothing_else_of_resellers() {
    let server = server();
    server.done("resellers/new", "data[name]=North&data[credits]=100");
    server.done("resellers/new", "data[name]=South&data[credits]=7777");
    administrator(&server, "nina", 2, 1);
    administrator(&server, "oddly-full", 1, 1);
    for name in ["nina", "oddly-full"] {
        let panel = Panel::of(&server, name, PASSWORD);
        let page = panel.get("/panel/statement?id=2&reseller=2");
        assert!(
            page.contains("credits of North") && page.contains("+100") && !page.contains("7,777"),
            "{page}"
        );
        let file = panel.ask("/panel/statement.csv?id=2");
        assert!(file.body.contains(",100,100,opening,") && !file.body.contains("7777"), "{}", file.body);
        for path in [
            "/panel/resellers",
            "/panel/resellers/1",
            "/panel/resellers/2",
            "/panel/resellers/1/statement.csv",
        ] {
            assert_eq!(panel.ask(path).status, 403, "{name} {path}");
        }
        let move_own = [("way", "add"), ("amount", "5"), ("note", "x"), ("slip", "a slip that nobody gave")];
        assert_eq!(panel.post("/panel/resellers/1/credits", &move_own).status, 403);
    }
    assert_eq!(Panel::admin(&server).ask("/panel/statement").status, 404, "the operator has none");
}
