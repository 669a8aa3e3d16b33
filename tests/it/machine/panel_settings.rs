//! General Settings, API Settings and Security in the panel.

use crate::support::{
    KEY, TestServer,
    panel::{PASSWORD, Panel, server, server_with},
};

/// What stands in the input of that name.
fn value<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("name=\"{name}\"")).expect("the input");
    let (_, rest) = rest.split_once("value=\"").expect("its value");
    rest.split_once('"').expect("its end").0
}

#[test]
fn settings_are_saved_and_what_is_wrong_stands_at_its_field() {
    let server = server();
    let panel = Panel::admin(&server);
    let page = panel.done(
        "/panel/settings",
        &[("operator_name", "Nord & TV"), ("time_zone", "Europe/Berlin"), ("failure_limit", "7")],
    );
    assert!(page.contains("The settings were saved") && page.contains("Nord &#38; TV"), "{page}");
    assert_eq!(value(&page, "failure_limit"), "7");
    assert!(page.contains("<option value=\"Europe/Berlin\" selected>"));
    let page = panel.refused(
        "/panel/settings",
        &[("public_url", "not an address"), ("operator_name", "Kept"), ("block_seconds", "0")],
        422,
    );
    assert_eq!((value(&page, "public_url"), value(&page, "operator_name")), ("not an address", "Kept"));
    assert_eq!(page.matches("<strong class=\"wrong\">").count(), 2, "{page}");
    assert_eq!(server.done("settings/get", "")["settings"]["operator_name"], "Nord & TV");
    let audit = server.done("logs/list", "kind=audit&resource=settings&actor=admin");
    assert_eq!((&audit["total"], &audit["logs"][0]["action"]), (&1.into(), &"update".into()));
}

#[test]
fn the_whitelist_is_kept_on_the_page_of_api_settings() {
    let server = server();
    let panel = Panel::admin(&server);
    let page = panel.get("/panel/settings/api");
    assert!(page.contains("Your current address is <code>127.0.0.1</code>, which is on the whitelist."));
    assert!(page.contains(&format!("curl {}/api/line/new", server.url)), "{page}");
    let add = |address, note| [("address", address), ("note", note)];
    let page = panel.done("/panel/settings/api/whitelist", &add("203.0.113.0/24", "<b>billing</b>"));
    assert!(page.contains("203.0.113.0/24") && page.contains("&#60;b&#62;billing"), "{page}");
    assert!(
        panel.refused("/panel/settings/api/whitelist", &add("203.0.113.0/24", ""), 409).contains("Is taken")
    );
    let page = panel.refused("/panel/settings/api/whitelist", &add("nowhere", "kept"), 422);
    assert_eq!((value(&page, "address"), value(&page, "note")), ("nowhere", "kept"));
    assert!(panel.get("/panel/settings/api/whitelist/3/remove").contains("Remove 203.0.113.0/24?"));
    assert!(panel.get("/panel/settings/api/whitelist/1/remove").contains("your own current address"));
    let page = panel.done("/panel/settings/api/whitelist/3/remove", &[]);
    assert!(page.contains("203.0.113.0/24 can no longer"), "{page}");
    assert_eq!(panel.ask("/panel/settings/api/whitelist/3/remove").status, 404);
    assert_eq!(server.done("settings/whitelist_list", "")["total"], 2);
}

#[test]
fn ones_own_address_is_added_by_a_button_and_a_proxy_that_is_not_trusted_is_warned_of() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    let panel = Panel::admin(&server).with_header("X-Forwarded-For: 203.0.113.9");
    let page = panel.get("/panel/settings/api");
    assert!(page.contains("<code>203.0.113.9</code>, which is not on the whitelist."), "{page}");
    assert!(!page.contains("--trusted-proxies"));
    let page = panel.done("/panel/settings/api/whitelist", &[("address", "203.0.113.9"), ("note", "admin")]);
    assert!(page.contains("<code>203.0.113.9</code>, which is on the whitelist."), "{page}");

    let server = self::server();
    let panel = Panel::admin(&server).with_header("X-Forwarded-For: 203.0.113.9");
    assert!(panel.get("/panel/settings/api").contains("--trusted-proxies 127.0.0.1"));
}

#[test]
fn an_api_key_is_shown_once_works_and_is_revoked() {
    let server = server();
    let panel = Panel::admin(&server);
    let form = panel.get("/panel/settings/api/keys/new");
    assert!(form.contains("value=\"full\" checked"), "a key may do everything unless told");
    let fields = [("name", "billing"), ("scope[]", ""), ("scope[]", "line:read"), ("scope[]", "line")];
    let page = panel.post("/panel/settings/api/keys/new", &fields);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("cache-control"), ["no-store"]);
    let key = value(&page.body.replace("id=\"key\"", "name=\"key\""), "key").to_owned();
    assert!(key.len() >= 16, "{}", page.body);
    assert_eq!(server.post("line/list", &format!("api_key={key}")).1["result"], true);
    assert_eq!(server.post("mag/list", &format!("api_key={key}")).1["result"], false);
    // A second press of the button: the browser drops the first answer, and the second shows the same key.
    let twice = panel.get("/panel/settings/api/keys/new");
    let slip = value(&twice, "slip").to_owned();
    let fields_of = |name| [("name", name), ("scope[]", "line"), ("slip", slip.as_str())];
    let panels = [Panel::admin(&server), Panel::admin(&server), Panel::admin(&server)];
    let keys: Vec<String> = std::thread::scope(|scope| {
        let panels = panels.iter();
        let posts: Vec<_> = panels
            .map(|panel| scope.spawn(|| panel.post("/panel/settings/api/keys/new", &fields_of("twice")).body))
            .collect();
        let bodies = posts.into_iter().map(|post| post.join().unwrap());
        bodies.map(|body| value(&body.replace("id=\"key\"", "name=\"key\""), "key").to_owned()).collect()
    });
    assert!(keys[0] != key && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(server.post("line/list", &format!("api_key={}", keys[0])).1["result"], true);
    assert_eq!(panel.post("/panel/settings/api/keys/new", &fields_of("other")).status, 409);
    let listed = server.done("settings/api_key_list", "");
    assert_eq!(listed["api_keys"].as_array().unwrap().len(), 3, "{listed}");
    server.done("settings/api_key_revoke", "name=twice");
    let page = panel.get("/panel/settings/api");
    assert!(page.contains("billing") && !page.contains(&key) && !page.contains(KEY), "{page}");
    let listed = server.done("settings/api_key_list", "");
    assert_eq!(listed["api_keys"][1]["scope"], serde_json::json!(["line"]));
    let page = panel.refused("/panel/settings/api/keys/new", &fields, 409);
    assert!(
        page.contains("Is taken: choose another")
            && page.contains("value=\"line\" aria-label=\"Change Lines\" checked")
    );
    assert!(panel.get("/panel/settings/api/keys/2/revoke").contains("Revoke billing?"));
    panel.done("/panel/settings/api/keys/2/revoke", &[]);
    assert_eq!(server.post("line/list", &format!("api_key={key}")).0, 401);
    assert_eq!(panel.post("/panel/settings/api/keys/2/revoke", &[]).status, 404);
}

#[test]
fn nobody_makes_a_key_with_more_rights_than_his_own() {
    let server = server();
    let panel = Panel::admin(&server);
    panel.done("/panel/groups/new", &[("name", "Keys"), ("rights[]", "settings")]);
    let password = PASSWORD;
    server.done(
        "administrators/new",
        &format!("data[username]=kim&data[email]=kim@example.com&data[group_id]=3&data[password]={password}"),
    );
    let kim = Panel::of(&server, "kim", PASSWORD);
    let key = |right| [("name", "more"), ("scope[]", right)];
    let page = kim.refused("/panel/settings/api/keys/new", &key("full"), 403);
    assert!(page.contains("You cannot give the right full") && page.contains("value=\"more\""), "{page}");
    assert_eq!(kim.post("/panel/settings/api/keys/new", &key("settings")).status, 200);
}

fn guess(server: &TestServer, username: &str, times: usize) {
    let stranger = Panel::nobody(server).with_header("X-Forwarded-For: 203.0.113.9");
    for _ in 0..times {
        assert_eq!(stranger.sign_in(username, "a wrong password").status, 401);
    }
}

#[test]
fn whoever_is_shut_out_is_shown_and_let_in_again() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    server.done("settings/update", "data[failure_limit]=3");
    guess(&server, "nina+1@tv", 3);
    let stranger = Panel::nobody(&server).with_header("X-Forwarded-For: 203.0.113.9");
    let page = stranger.sign_in("admin", PASSWORD);
    assert_eq!((page.status, page.header("retry-after").len()), (429, 1), "the address is shut out");
    let panel = Panel::admin(&server);
    let page = panel.get("/panel/settings/security");
    assert_eq!(page.matches("\"badge bad\">blocked for another ").count(), 2, "{page}");
    assert!(page.contains("unblock?username=nina%2B1%40tv"), "{page}");
    assert!(page.contains("<span>2 entries</span>"), "{page}");
    let page = panel.done("/panel/settings/security/unblock?address=203.0.113.9", &[]);
    assert!(page.contains("203.0.113.9 is no longer blocked."), "{page}");
    assert_eq!(stranger.sign_in("admin", PASSWORD).status, 303);
    panel.done("/panel/settings/security/unblock?username=nina%2B1%40tv", &[]);
    assert_eq!(stranger.sign_in("nina+1@tv", PASSWORD).status, 401);
    assert_eq!(panel.post("/panel/settings/security/unblock?username=nobody", &[]).status, 404);
}

#[test]
fn those_who_failed_are_shown_page_by_page() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    for number in 1..=105 {
        let stranger = Panel::nobody(&server).with_header(&format!("X-Forwarded-For: 203.0.113.{number}"));
        assert_eq!(stranger.ask("/live/nobody/wrong/1").status, 401);
    }
    let panel = Panel::admin(&server);
    let rows = |page: &str| page.matches("Players: wrong credentials</td>").count();
    let first = panel.get("/panel/settings/security");
    assert!(rows(&first) == 100 && first.contains("<span>106 entries</span>"), "{first}");
    let next = panel.get("/panel/settings/security?from=100");
    assert!(rows(&next) == 6 && next.contains("rel=\"prev\"") && !next.contains("rel=\"next\""), "{next}");
}

#[test]
fn a_group_has_the_rights_that_are_ticked_and_the_first_two_stay() {
    let server = server();
    let panel = Panel::admin(&server);
    let page = panel.done(
        "/panel/groups/new",
        &[("name", "Support"), ("rights[]", ""), ("rights[]", "line"), ("rights[]", "mag:read")],
    );
    assert!(page.contains("Lines; view MAGs"), "{page}");
    let page = panel.refused("/panel/groups/1", &[("name", "Administrators"), ("rights[]", "line")], 409);
    assert!(page.contains("Group 1 (Administrators) keeps the right full"), "{page}");
    assert_eq!(panel.post("/panel/groups/2/delete", &[]).status, 409);
    panel.done("/panel/groups/3/delete", &[]);
    assert_eq!(server.done("groups/list", "")["total"], 2);
}
