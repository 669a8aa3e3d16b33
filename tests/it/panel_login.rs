//! Signing in to the panel, and being signed in.

use super::support::{
    TestServer,
    panel::{PASSWORD, Panel, server},
};

#[test]
fn whoever_signs_in_sees_the_panel_and_nobody_else_does() {
    let server = server();
    let panel = Panel::nobody(&server);
    let page = panel.ask("/panel/account");
    assert_eq!((page.status, page.location()), (303, "/panel/login?next=%2Fpanel%2Faccount"));
    assert_eq!(panel.sign_in("admin", "a wrong password").status, 401);
    assert_eq!(panel.ask("/panel/account").status, 303);
    assert_eq!(panel.sign_in("admin", PASSWORD).location(), "/panel/");
    assert!(panel.get("/panel/account").contains("Your account"));
    assert_eq!(panel.post("/panel/logout", &[]).location(), "/panel/login");
    assert_eq!(panel.ask("/panel/account").status, 303);
}

#[test]
fn whoever_came_in_with_a_generated_password_chooses_one_before_anything_else() {
    let server = TestServer::start();
    let generated = server.greeting.lines().find_map(|line| line.trim().strip_prefix("password "));
    let generated = generated.expect("a password").trim().to_owned();
    let panel = Panel::of(&server, "admin", &generated);
    assert_eq!(panel.ask("/panel/plans").location(), "/panel/account");
    let fields = |again| [("old_password", generated.as_str()), ("new_password", PASSWORD), ("again", again)];
    let page = panel.refused("/panel/account", &fields("something else"), 422);
    assert!(page.contains("Not the same as above"), "{page}");
    assert_eq!(panel.post("/panel/account", &fields(PASSWORD)).location(), "/panel/");
    panel.get("/panel/plans");
    assert_eq!(Panel::nobody(&server).sign_in("admin", &generated).status, 401);
    Panel::admin(&server);
}

#[test]
fn a_form_of_the_panel_says_what_was_done() {
    let server = server();
    let page = Panel::admin(&server).done("/panel/categories/new", &[("name", "News")]);
    assert!(page.contains("News was created."), "{page}");
}

#[test]
fn a_form_that_another_site_sends_changes_nothing() {
    let server = server();
    let fields = [("name", "News")];
    for header in ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: http://evil.example"] {
        let panel = Panel::admin(&server).with_header(header);
        panel.refused("/panel/categories/new", &fields, 403);
        panel.refused("/panel/login", &[("username", "admin"), ("password", PASSWORD)], 403);
    }
    let own = format!("Origin: {}", server.url);
    assert!(!Panel::admin(&server).get("/panel/categories").contains("News"));
    Panel::admin(&server).with_header(&own).done("/panel/categories/new", &fields);
}
