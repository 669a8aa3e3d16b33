//! A form that makes something is sent twice: by a double click, by "reload", by "back".

use crate::support::{
    TestServer,
    panel::{Page, Panel, server},
};

/// The fields of a form with the slip of the page that it stands on.
fn with_slip<'f>(page: &'f str, fields: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let slip = page.split_once("name=\"slip\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let slip = slip.unwrap_or_else(|| panic!("a slip: {page}")).0;
    fields.iter().copied().chain([("slip", slip)]).collect()
}

/// Sends the same form four times at once.
fn at_once(panels: &[Panel], path: &str, fields: &[(&str, &str)]) -> Vec<Page> {
    std::thread::scope(|scope| {
        let posts: Vec<_> = panels.iter().map(|panel| scope.spawn(|| panel.post(path, fields))).collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    })
}

fn count(server: &TestServer, what: &str) -> usize {
    let call = if what == "lines" { "line/list" } else { "mag/list" };
    server.done(call, "")[what].as_array().unwrap().len()
}

#[test]
fn a_form_that_is_sent_twice_sells_and_makes_once() {
    let server = server();
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=100");
    let person = "data[username]=sara&data[email]=sara@example.com&data[group_id]=2&data[reseller_id]=1";
    server.done("administrators/new", &format!("{person}&data[password]=Jd83nskw72"));
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=5&data[duration]=1");
    let credits = || server.done("resellers/list", "")["resellers"][0]["credits"].as_i64().unwrap();
    let panels: Vec<Panel> = (0..4).map(|_| Panel::admin(&server)).collect();
    let admin = &panels[0];
    let sold = [("subscription_plan_id", "1"), ("reseller_id", "1")];

    // One after the other: the second is led to what the first made.
    let page = admin.get("/panel/lines/new");
    let form = with_slip(&page, &[sold[0], sold[1], ("username", "")]);
    assert_eq!(admin.post("/panel/lines/new", &form).location(), "/panel/lines/1");
    let told = admin.done("/panel/lines/new", &form);
    assert!(told.contains("This line was already created, and is not created again."), "{told}");
    assert_eq!((count(&server, "lines"), credits()), (1, 95));
    // Gone back to and filled in otherwise, it is another sale: the form says so, and is new.
    let other = with_slip(&page, &[sold[0], sold[1], ("username", "bob")]);
    let again = admin.refused("/panel/lines/new", &other, 409);
    assert!(again.contains("This form was already sent with different content"), "{again}");
    assert_eq!((count(&server, "lines"), credits()), (1, 95));
    let new = with_slip(&again, &other[..3]);
    assert_eq!(admin.post("/panel/lines/new", &new).location(), "/panel/lines/2");
    // What was refused may be mended and sent again as it is.
    let page = admin.get("/panel/lines/new");
    admin.refused("/panel/lines/new", &with_slip(&page, &[sold[0], sold[1], ("username", "bob")]), 409);
    let mended = with_slip(&page, &[sold[0], sold[1], ("username", "bob2")]);
    assert_eq!(admin.post("/panel/lines/new", &mended).location(), "/panel/lines/3");
    assert_eq!((count(&server, "lines"), credits()), (3, 85));

    // All at once.
    let page = admin.get("/panel/mags/new");
    let form = with_slip(&page, &[sold[0], sold[1], ("mac_address", "001A79000001")]);
    let pages = at_once(&panels, "/panel/mags/new", &form);
    assert!(pages.iter().all(|page| page.location() == "/panel/mags/1"), "{:?}", pages[0].status);
    assert_eq!((count(&server, "mags"), credits()), (1, 80));
    let sellers: Vec<Panel> = (0..4).map(|_| Panel::of(&server, "sara", "Jd83nskw72")).collect();
    let page = sellers[0].get("/panel/lines/new");
    let form = with_slip(&page, &[sold[0], ("username", "")]);
    let pages = at_once(&sellers, "/panel/lines/new", &form);
    assert!(pages.iter().all(|page| page.location() == "/panel/lines/4"), "{:?}", pages[0].status);
    assert_eq!((count(&server, "lines"), credits()), (4, 75));
    // A slip is good for whom it was given to: another's form sells.
    assert_eq!(admin.post("/panel/lines/new", &form).location(), "/panel/lines/5");
    // Two that were opened are two sales, and one without a slip is none.
    admin.done("/panel/lines/new", &[("username", "")]);
    admin.done("/panel/lines/new", &[("username", "")]);
    let bare = admin.post_bare("/panel/lines/new", &[("username", "")]);
    assert_eq!(bare.status, 409);
    assert!(bare.body.contains("This form could not be identified"), "{}", bare.body);
    assert_eq!((count(&server, "lines"), credits()), (7, 75));

    // What else is made by a form.
    let page = admin.get("/panel/mags/1/box");
    let form = with_slip(&page, &[("event", "send_msg"), ("msg", "Good evening")]);
    let pages = at_once(&panels, "/panel/mags/1/box/event", &form);
    assert!(pages.iter().all(|page| page.status == 303), "{:?}", pages[0].status);
    let info = server.done("mag/info", "mac_address=001A79000001");
    assert_eq!(info["mag_device"]["events_waiting"], 1);
    let page = admin.get("/panel/streams/new");
    let form = with_slip(&page, &[("name", "One")]);
    let pages = at_once(&panels, "/panel/streams/new", &form);
    assert!(pages.iter().all(|page| page.location() == "/panel/streams/1"), "{:?}", pages[0].status);
    assert_eq!(server.done("streams/list", "")["streams"].as_array().unwrap().len(), 1);
}

#[test]
fn an_extension_that_is_sent_four_times_extends_once_and_says_so() {
    let server = server();
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=5&data[duration]=1");
    server.done("line/new", "data[username]=bob&data[subscription_plan_id]=1");
    let end = || server.done("line/info", "username=bob")["line_info"]["expire_date"].as_i64().unwrap();
    let (before, panels) = (end(), (0..4).map(|_| Panel::admin(&server)).collect::<Vec<_>>());
    let page = panels[0].get("/panel/lines/1/extend");
    let seen = page.split_once("name=\"seen\" value=\"").unwrap().1.split_once('"').unwrap().0;
    let form = with_slip(&page, &[("subscription_plan_id", "1"), ("seen", seen)]);
    let pages = at_once(&panels, "/panel/lines/1/extend", &form);
    let told: Vec<String> = pages.iter().map(|page| page.header("set-cookie").join(" ")).collect();
    let already = told.iter().filter(|told| told.contains("was%20extended%20already")).count();
    assert!(pages.iter().all(|page| page.location() == "/panel/lines/1"), "{told:?}");
    assert_eq!(already, 3, "{told:?}");
    assert!((1..=31 * 86_400).contains(&(end() - before)), "one duration more");
    let once = end();
    let again = panels[0].done("/panel/lines/1/extend", &form);
    assert!(again.contains("bob was extended already, until "), "{again}");
    assert_eq!(end(), once);
}
