//! Bouquets, categories and plans in the panel: filled, put into order, counted.

use serde_json::json;

use crate::support::{
    TestServer,
    browser::Browser,
    panel::{PASSWORD, Panel, server},
};

/// A server with the streams 1 `Stream 1` to `count`.
fn with(count: usize) -> TestServer {
    let server = server();
    for number in 1..=count {
        server.done("streams/new", &format!("data[name]=Stream {number}"));
    }
    server
}

fn streams(server: &TestServer) -> serde_json::Value {
    server.done("bouquets/info", "id=1")["bouquet"]["streams"].clone()
}

#[test]
fn a_bouquet_keeps_its_streams_in_the_order_of_the_lines() {
    let server = with(4);
    let panel = Panel::admin(&server);
    panel.done(
        "/panel/bouquets/new",
        &[("name", "All"), ("streams", "3 Stream 3\r\n1\r\n\r\n 4 whatever \r\n")],
    );
    assert_eq!(streams(&server), json!([3, 1, 4]));
    let page = panel.get("/panel/bouquets/1");
    assert!(page.contains("3 Stream 3\n1 Stream 1\n4 Stream 4</textarea>"), "{page}");
    let page = panel.refused("/panel/bouquets/1", &[("name", "All"), ("streams", "1\nStream 2")], 422);
    assert!(page.contains("Entry 2: an id") && page.contains("1\nStream 2</textarea>"), "{page}");
    let page = panel.refused("/panel/bouquets/1", &[("name", "All"), ("streams", "1\n99")], 422);
    assert!(page.contains("Stream does not exist: 99"), "{page}");
    assert_eq!(streams(&server), json!([3, 1, 4]), "a refused form changes nothing");
    panel.done("/panel/bouquets/1", &[("name", "All"), ("streams", "")]);
    assert_eq!(streams(&server), json!([]));
}

#[test]
fn lists_count_what_is_in_use_and_deleting_tells_it() {
    let server = with(2);
    server.done("categories/new", "data[name]=Talk");
    server.done("streams/update", "id=1&data[category_id]=1");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("subscription_plans/new", "data[name]=Month&data[bouquets][]=1");
    server.done("line/new", "data[username]=bob&data[bouquets][]=1&data[subscription_plan_id]=1");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01&data[subscription_plan_id]=1");
    let panel = Panel::admin(&server);
    let counts = |path: &str| -> Vec<String> {
        let page = panel.get(path);
        let spans = page.split("<span class=\"number\">").skip(1);
        spans.filter_map(|rest| rest.split_once('<')).map(|(count, _)| count.to_owned()).collect()
    };
    assert_eq!(counts("/panel/bouquets"), ["2", "1", "1", "0"]);
    assert_eq!(counts("/panel/categories"), ["1"]);
    assert_eq!(counts("/panel/plans"), ["1", "0", "1", "1"]);
    assert!(
        panel
            .get("/panel/bouquets/1/delete")
            .contains("It is used by 1 plan, 1 line and will be removed from there.")
    );
    assert!(
        panel
            .get("/panel/plans/1/delete")
            .contains("It is used by 1 line, 1 MAG: move or delete them first.")
    );
    for (path, what) in
        [("servers/1", "Server 1 is the main server"), ("groups/1", "Groups 1 (Administrators)")]
    {
        let page = panel.ask(&format!("/panel/{path}/delete"));
        assert!(
            page.status == 409 && page.body.contains(what) && page.body.contains("<nav"),
            "{}",
            page.body
        );
    }
    let refused = panel.refused("/panel/categories/1/delete", &[], 409);
    assert!(refused.contains("used by 1 stream"), "{refused}");
    // No button that could only be refused: what keeps it, and where to move that.
    for (path, first) in [
        ("plans/1", "filter by this plan, and set another plan with Mass edit"),
        ("categories/1", "filter by this category"),
    ] {
        let page = panel.get(&format!("/panel/{path}/delete"));
        assert!(page.contains("cannot be deleted now") && page.contains(first), "{path}: {page}");
        assert!(!page.contains("<button class=\"danger\""), "{path}: {page}");
    }
    assert!(panel.get("/panel/bouquets/1/delete").contains("<button class=\"danger\""));
}

#[test]
fn categories_are_put_into_order_and_shown_in_it() {
    let server = server();
    for name in ["News", "Sports", "Films", "Music"] {
        server.done("categories/new", &format!("data[name]={name}"));
    }
    let panel = Panel::admin(&server);
    let places = || -> Vec<i64> {
        (1..=4)
            .map(|id| {
                server.done("categories/info", &format!("id={id}"))["category"]["position"].as_i64().unwrap()
            })
            .collect()
    };
    let page = panel.get("/panel/categories/order");
    assert!(page.contains("1 News\n2 Sports\n3 Films\n4 Music</textarea>"), "{page}");
    let page = panel.done("/panel/categories/order", &[("order", "3 Films\n1 News\n3 Films")]);
    assert_eq!(places(), [2, 3, 1, 4], "those that are not named come after");
    let at = |name: &str| page.find(&format!(">{name}<")).unwrap();
    assert!(at("Films") < at("News") && at("News") < at("Sports") && at("Sports") < at("Music"), "{page}");
    panel.done("/panel/categories/3", &[("name", "Films"), ("censored", "1")]);
    assert_eq!(places(), [2, 3, 1, 4], "its form leaves its place");
    assert!(panel.get("/panel/categories").contains(">censored<"));
    panel.refused("/panel/categories/order", &[("order", "3\nx")], 422);
    panel.refused("/panel/categories/order", &[("order", "3\n9")], 422);
    assert_eq!(places(), [2, 3, 1, 4]);
    for path in ["/panel/bouquets/order", "/panel/plans/order"] {
        panel.get(path);
    }
}

#[test]
fn a_bouquet_of_five_thousand_streams_is_edited_page_by_page() {
    let server = server();
    let list: Vec<String> =
        (1..=5000).map(|n| format!("#EXTINF:-1,Channel {n}\nhttp://h.example/{n}\n")).collect();
    let panel = Panel::admin(&server);
    super::panel_import::import(&panel, &list.concat(), &[("new_bouquet", "All")]);
    assert_eq!(streams(&server).as_array().unwrap().len(), 5000);
    let last = panel.get("/panel/bouquets/1?from=4500");
    assert!(
        last.contains("5000 Channel 5000</textarea>") && last.contains("4,501 to 5,000 of 5,000"),
        "{last}"
    );
    assert!(last.contains("rel=\"prev\" href=\"?from=4000\"") && !last.contains("rel=\"next\""), "{last}");
    for page in ["/panel/bouquets/1", "/panel/bouquets/1?from=4500"] {
        let size = panel.get(page).len();
        assert!(size < 30_000, "{page}: {size}");
    }
    let held: Vec<String> = (4501..=5000).map(|id| id.to_string()).collect();
    let written = ["3 Channel 3".to_owned()].into_iter().chain(held.iter().rev().skip(1).cloned());
    let written = written.collect::<Vec<_>>().join("\r\n");
    let sent = [("name", "All"), ("streams", written.as_str()), ("streams_held", &held.join(" "))];
    panel.done("/panel/bouquets/1", &sent);
    let order: Vec<i64> = serde_json::from_value(streams(&server)).unwrap();
    assert_eq!((order.len(), &order[..3], order[4498]), (4999, &[1, 2, 4][..], 4500));
    assert_eq!(order[4499..4502], [3, 4999, 4998], "what is written on this page moved here");
    let held: Vec<String> = order[..10].iter().map(i64::to_string).collect();
    let sent = [("name", "All"), ("streams", "x"), ("streams_held", &held.join(" "))];
    let refused = panel.refused("/panel/bouquets/1", &sent, 422);
    assert!(refused.contains("\nx</textarea>") && refused.contains("value=\"1 2 4 "), "{refused}");
    assert!(panel.get("/panel/streams").len() < 100_000);
    let found: serde_json::Value =
        serde_json::from_str(&panel.get("/panel/streams/search?text=channel+49")).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 50, "as many as one looks through");
}

#[test]
fn lists_of_many_have_pages_in_their_order() {
    let server = server();
    let list: Vec<String> = (1..=250)
        .map(|n| format!("#EXTINF:-1 group-title=\"Group {n:03}\",Channel {n}\nhttp://h.example/{n}\n"))
        .collect();
    let panel = Panel::admin(&server);
    super::panel_import::import(&panel, &list.concat(), &[]);
    server.done("categories/update", "id=250&data[position]=0");
    server.done("categories/update", "id=1&data[position]=99999");
    let first = panel.get("/panel/categories");
    let at =
        |page: &str, name: &str| page.find(&format!(">{name}<")).unwrap_or_else(|| panic!("{name}: {page}"));
    assert!(at(&first, "Group 250") < at(&first, "Group 002") && first.contains("rel=\"next\""), "{first}");
    assert!(first.contains("<span>250 categories") && first.len() < 60_000, "{}", first.len());
    let last = panel.get("/panel/categories?from=200");
    assert!(at(&last, "Group 249") < at(&last, "Group 001") && !last.contains("rel=\"next\""), "{last}");
    let found = panel.get("/panel/categories?search=group+24");
    assert!(found.contains("<span>10 categories"), "{found}");
}

#[test]
fn in_a_browser_streams_are_found_added_moved_and_taken_out() {
    let server = with(3);
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    browser.console();
    browser.open("/panel/bouquets/1");
    browser.sees("2 in the list");
    assert_eq!(browser.problems(), [""; 0]);
    browser.run("const box = document.querySelector('[placeholder=\"Search streams to add\"]'); box.value = '3'; box.dispatchEvent(new Event('input'))");
    browser.click("[aria-label=\"Add Stream 3\"]");
    browser.sees("3 in the list");
    browser.click("[aria-label=\"Move Stream 3 to the top\"]");
    browser.click("[aria-label=\"Move Stream 1 down\"]");
    browser.click("[aria-label=\"Remove Stream 2\"]");
    let press = |key: &str| {
        browser.run(&format!(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', altKey: true, bubbles: true }}))"
        ));
    };
    browser.run("document.querySelector('[aria-label=\"Move Stream 1 up\"]').focus()");
    press("ArrowUp");
    let first = browser.run("return document.querySelector('.ordered .name').textContent");
    assert_eq!(first, "Stream 1", "moved by keys alone");
    press("ArrowDown");
    let second = ".ordered li:nth-child(2) .name";
    browser.drag(second, ".ordered li:first-child .name");
    assert_eq!(
        browser.run("return document.querySelector('.ordered .name').textContent"),
        "Stream 1",
        "dragged up"
    );
    browser.drag(second, ".ordered li:first-child .name");
    assert_eq!(
        browser.run("return document.querySelector('.ordered .name').textContent"),
        "Stream 3",
        "and the other"
    );
    assert_eq!(browser.problems(), [""; 0]);
    browser.press("Save");
    browser.sees("All was changed.");
    assert_eq!(streams(&server), json!([3, 1]));
    browser.open("/panel/categories/order");
    assert_eq!(browser.problems(), [""; 0]);
}

#[test]
fn a_long_list_that_is_saved_leaves_its_changes_in_the_audit_trail_and_not_itself() {
    let server = server();
    for number in 1..=130 {
        server.done("streams/new", &format!("data[name]=Channel {number}&data[enabled]=0"));
    }
    let all: Vec<String> = (1..=120).map(|id| id.to_string()).collect();
    server.done("bouquets/new", &format!("data[name]=All&data[streams]=[{}]", all.join(",")));
    let panel = Panel::admin(&server);
    let mut list: Vec<String> = all[1..].to_vec();
    list.swap(3, 4);
    list.push("125".into());
    panel.done("/panel/bouquets/1", &[("name", "All"), ("streams", &list.join("\n"))]);
    let rows = server.done("logs/list", "kind=audit&resource=bouquets&action=update");
    let row = &rows["logs"][0];
    assert_eq!(row["before"]["streams"], "120 entries", "{row}");
    assert_eq!(
        row["after"]["streams"], "120 entries; added: 125; taken out: 1; in another order: 2",
        "{row}"
    );
    let page = panel.get("/panel/logs/audit");
    assert!(page.contains("120 entries; added: 125"), "{page}");
}
