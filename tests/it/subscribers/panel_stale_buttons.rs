//! Buttons and questions of a page that was opened before others changed its row.

use super::panel_changed_meanwhile::{ask, between, one_of_everything, send, unescaped};
use crate::support::panel::{Panel, server};

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
    assert!(page.contains("was changed by somebody else meanwhile, and nothing was done"), "{page}");
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
    assert_eq!(twice.status, 303, "{}", twice.body);
    assert!(
        panel.get(twice.location()).contains("bob was extended already, until"),
        "it was no other person"
    );
    assert_eq!(line()["expire_date"], end);
    let opened = panel.get(extend);
    server.done("line/update", "username=bob&data[extend_plan]=1");
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
    assert!(panel.done(&start, &[]).contains("was changed by somebody else meanwhile, and not started"));
    assert!(
        panel
            .done("/panel/streams/1/restart", &[])
            .contains("was stopped by somebody else meanwhile, and stays stopped")
    );
    let both = [("ids[]", "1"), ("ids[]", "2"), ("do", "restart")];
    let told = panel.done("/panel/streams/do", &both);
    assert!(told.contains("1 stream was restarted. One is stopped, and stays stopped."), "{told}");
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
    assert!(met.body.contains("the PIN is now 2222"), "{}", met.body);
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
        told.contains("1 stream was started. One was changed by somebody else meanwhile, and not started: check it first."),
        "{told}"
    );
    assert_eq!(enabled(), [1, 0, 0]);
    // Without what was seen, none is started.
    let bare = panel.post_bare("/panel/streams/do", &[("ids[]", "2"), ("ids[]", "3"), ("do", "start")]);
    let told = panel.get(bare.location());
    assert!(told.contains("2 were changed by somebody else meanwhile, and not started"), "{told}");
    assert_eq!(enabled(), [1, 0, 0]);
}

#[test]
fn a_deletion_is_asked_again_of_a_row_that_others_changed_or_took_up() {
    let server = server();
    one_of_everything(&server);
    server.done("streams/new", "data[name]=Three");
    server.done("bouquets/new", "data[name]=Some");
    server.done("groups/new", "data[name]=Idle&data[rights][]=line");
    let panel = Panel::admin(&server);
    let cases = [
        ("lines/1/delete", "line/update", "username=bob&data[expire_date]=1900000000"),
        ("mags/1/delete", "mag/update", "mac_address=001A79000001&data[expire_date]=1900000000"),
        ("streams/3/delete", "bouquets/update", "id=2&data[streams]=[3]"),
        ("streams/delete?ids=2", "bouquets/update", "id=2&data[streams]=[2]"),
        ("bouquets/2/delete", "subscription_plans/update", "id=1&data[bouquets]=[1,2]"),
        ("categories/1/delete", "streams/update", "id=1&data[category_id]=1"),
        ("servers/2/delete", "servers/update", "id=2&data[notes]=x"),
        ("groups/4/delete", "groups/update", "id=4&data[name]=Team"),
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
        // Once it was asked again it goes, unless something uses it now.
        if !met.body.contains(&format!("action=\"{action}\"")) {
            assert!(met.body.contains("cannot be deleted now"), "{action}: {}", met.body);
            continue;
        }
        let gone = send(&panel, &met.body, &action, &[]);
        assert!(gone.status == 303 || !gone.body.contains("name=\"seen\""), "{action}: {}", gone.body);
        assert!(deletions() > before || gone.status == 409, "{action}: {}", gone.body);
    }
}

#[test]
fn nobody_is_charged_a_price_that_was_not_shown() {
    let server = server();
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=500");
    let person = "data[username]=sara&data[email]=s@example.com&data[group_id]=2&data[reseller_id]=1";
    server.done("administrators/new", &format!("{person}&data[password]=Jd83nskw72"));
    let plan = |terms: &str| server.done("subscription_plans/update", &format!("id=1&{terms}"));
    server.done(
        "subscription_plans/new",
        "data[name]=Gold&data[credits]=12&data[duration]=1&data[duration_unit]=month",
    );
    server
        .done("line/new", "data[username]=bob&data[reseller_id]=1&data[subscription_plan_id]=1&data[free]=1");
    let credits = || server.done("resellers/list", "")["resellers"][0]["credits"].as_i64().unwrap();
    let (admin, sara) = (Panel::admin(&server), Panel::of(&server, "sara", "Jd83nskw72"));
    let forms = [
        (&sara, "/panel/lines/1/extend", None),
        (&sara, "/panel/lines/new", None),
        (&sara, "/panel/mags/new", Some(("mac_address", "001A79000009"))),
        (&admin, "/panel/lines/1/extend", None),
        (&admin, "/panel/lines/new", Some(("reseller_id", "1"))),
    ];
    for (panel, address, more) in forms {
        plan("data[credits]=12&data[duration]=1");
        let typed: Vec<_> = [("subscription_plan_id", "1")].into_iter().chain(more).collect();
        let (opened, before) = (panel.get(address), credits());
        let stale = |opened: &str, wanted: &str| {
            let page = send(panel, opened, address, &typed);
            assert_eq!((page.status, credits()), (409, before), "{address}: {}", page.body);
            assert!(page.body.contains(wanted), "{address} {wanted}: {}", page.body);
            page.body
        };
        plan("data[credits]=50");
        let shown =
            stale(&opened, "The price of the plan changed from 12 to 50 credits since this was shown");
        plan("data[duration]=2");
        stale(&shown, "The duration of the plan changed from 1 month to 2 months since this was shown");
        // Who does not tell what was shown is shown it.
        let bare = panel.post_bare(address, &typed);
        assert_eq!((bare.status, credits()), (409, before), "{address}: {}", bare.body);
        let page =
            send(panel, &stale(&opened, "changed from 12 to 50 credits, and the duration"), address, &typed);
        assert_eq!((page.status, credits()), (303, before - 50), "{address}: {}", page.body);
    }
    // Who shall pay from now on was not shown a price to pay.
    server.done("resellers/update", "id=1&data[use_credits]=0");
    let (opened, before) = (sara.get("/panel/lines/1/extend"), credits());
    server.done("resellers/update", "id=1&data[use_credits]=1");
    let page = send(&sara, &opened, "/panel/lines/1/extend", &[]);
    assert_eq!((page.status, credits()), (409, before), "{}", page.body);
    assert!(page.body.contains("who pays is now North"), "{}", page.body);
}
