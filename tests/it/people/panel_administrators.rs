//! Administrators in the panel: their rights, passwords and sessions.

use crate::support::panel::{PASSWORD, Panel, server};

const NINA: [(&str, &str); 5] = [
    ("username", "nina"),
    ("email", "nina@example.com"),
    ("group_id", "1"),
    ("password", "a lighthouse keeper"),
    ("must_change_password", "1"),
];

#[test]
fn an_administrator_is_created_chooses_a_password_and_is_changed() {
    let server = server();
    let panel = Panel::admin(&server);
    let form = panel.get("/panel/administrators/new");
    assert!(form.contains("name=\"must_change_password\" value=\"1\" checked"), "{form}");
    let page = panel.done("/panel/administrators/new", &NINA);
    assert!(page.contains("nina was created and can sign in."), "{page}");
    let page = panel.refused("/panel/administrators/new", &NINA, 409);
    assert!(page.contains("Is taken: choose another") && !page.contains("nina&#39;s first one"), "{page}");
    let unchosen = [("username", "x"), ("email", "x@example.com"), ("group_id", ""), ("password", PASSWORD)];
    let page = panel.refused("/panel/administrators/new", &unchosen, 422);
    assert!(page.contains("Cannot be empty"), "no group is not the first one: {page}");
    let page = panel.refused("/panel/administrators/new", &[("username", "a b"), ("password", "short")], 422);
    assert!(page.contains("1 to 64 of A-Z") && page.contains("At least 8 characters"), "{page}");

    let nina = Panel::of(&server, "nina", "a lighthouse keeper");
    assert_eq!(nina.ask("/panel/plans").location(), "/panel/account");
    let new = [("old_password", "a lighthouse keeper"), ("new_password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(nina.post("/panel/account", &new).location(), "/panel/");
    nina.get("/panel/plans");

    let page = panel.get("/panel/administrators");
    assert_eq!(page.matches(">signed in</span>").count(), 2, "{page}");
    let page = panel.done("/panel/administrators/2", &[("email", "n@example.com"), ("group_id", "2")]);
    assert!(page.contains("nina was changed.") && page.contains("value=\"n@example.com\""), "{page}");
    assert_eq!(nina.ask("/panel/plans").status, 403, "the new group holds at once");
    assert!(panel.get("/panel/administrators/2/delete").contains("Delete nina?"));
    panel.done("/panel/administrators/2/delete", &[]);
    assert_eq!(nina.ask("/panel/account").location(), "/panel/login?next=%2Fpanel%2Faccount");
    assert_eq!(panel.ask("/panel/administrators/2").status, 404);
}

#[test]
fn whoever_is_switched_off_is_out_at_once_and_stays_out() {
    let server = server();
    let panel = Panel::admin(&server);
    panel.done("/panel/administrators/new", &NINA[..4]);
    let nina = Panel::of(&server, "nina", "a lighthouse keeper");
    panel.done("/panel/administrators/2", &[("disabled", "1")]);
    assert_eq!(nina.ask("/panel/account").status, 303);
    assert_eq!(nina.sign_in("nina", "a lighthouse keeper").status, 403);
    let page = panel.refused("/panel/administrators/1", &[("disabled", "1")], 409);
    assert!(page.contains("The last full administrator cannot be"), "{page}");
    panel.done("/panel/administrators/2", &[("disabled", "0")]);
    assert_eq!(nina.ask("/panel/account").status, 303, "the old session does not come back");
}

#[test]
fn a_new_password_and_a_click_end_sessions() {
    let server = server();
    let panel = Panel::admin(&server);
    panel.done("/panel/administrators/new", &NINA[..4]);
    let nina = Panel::of(&server, "nina", "a lighthouse keeper").with_header("User-Agent: Nina's <browser>");
    nina.get("/panel/account");
    let other = Panel::of(&server, "nina", "a lighthouse keeper");
    let page = panel.get("/panel/administrators/2");
    assert_eq!(page.matches("/end\"").count(), 2, "{page}");
    panel.done("/panel/administrators/2/sessions/2/end", &[]);
    assert_eq!((nina.ask("/panel/account").status, other.ask("/panel/account").status), (303, 200));
    assert_eq!(panel.post("/panel/administrators/2/sessions/2/end", &[]).status, 409);

    let page = panel.refused("/panel/administrators/2/password", &[("password", "short")], 422);
    assert!(page.contains("At least 8 characters"), "{page}");
    let set = [("password", "nina's second one"), ("choose_anew", "0")];
    let page = panel.done("/panel/administrators/2/password", &set);
    assert!(page.contains("nina has a new password. Its sessions were ended."), "{page}");
    assert_eq!(other.ask("/panel/account").status, 303);
    assert_eq!(other.sign_in("nina", "a lighthouse keeper").status, 401);
    assert_eq!(other.sign_in("nina", "nina's second one").status, 303);
    other.get("/panel/account");
}

#[test]
fn nobody_makes_or_changes_somebody_with_more_rights_than_his_own() {
    let server = server();
    let panel = Panel::admin(&server);
    panel.done("/panel/groups/new", &[("name", "People"), ("rights[]", "administrators")]);
    let kim = [("username", "kim"), ("email", "k@example.com"), ("group_id", "3"), ("password", PASSWORD)];
    panel.done("/panel/administrators/new", &kim);
    let kim = Panel::of(&server, "kim", PASSWORD);
    let page = kim.refused("/panel/administrators/new", &NINA, 403);
    assert!(page.contains("You cannot give the right full") && page.contains("value=\"nina\""), "{page}");
    let set = [("password", "another lighthouse"), ("choose_anew", "0")];
    assert_eq!(kim.post("/panel/administrators/1/password", &set).status, 403);
    assert_eq!(kim.post("/panel/administrators/2", &[("group_id", "1")]).status, 403);
    assert_eq!(kim.post("/panel/administrators/1/sessions/1/end", &[]).status, 403);
    assert_eq!(kim.post("/panel/administrators/1/delete", &[]).status, 403);
    panel.get("/panel/administrators/1");
    assert_eq!(kim.ask("/panel/groups").status, 403);
}

#[test]
fn the_server_api_lists_and_ends_sessions_of_the_panel() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done(
        "administrators/new",
        &format!("data[username]=kim&data[email]=k@example.com&data[group_id]=1&data[password]={PASSWORD}"),
    );
    let kim = Panel::of(&server, "kim", PASSWORD);
    let all = server.done("administrators/sessions", "");
    assert_eq!((&all["total"], &all["sessions"][0]["address"]), (&2.into(), &"127.0.0.1".into()), "{all}");
    let one = server.done("administrators/sessions", "username=kim");
    assert_eq!((&one["total"], &one["sessions"][0]["id"]), (&1.into(), &2.into()), "{one}");
    let id = &one["sessions"][0]["session_id"];
    let answer = server.done("administrators/end_session", &format!("session_id={id}"));
    assert_eq!(answer["ended_session_id"], *id);
    assert_eq!((kim.ask("/panel/account").status, panel.ask("/panel/account").status), (303, 200));
    assert_eq!(
        server.refused("administrators/end_session", &format!("session_id={id}")),
        "This session has ended already"
    );
    assert_eq!(server.refused("administrators/end_session", ""), "Missing field: session_id");
}
