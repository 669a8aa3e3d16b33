//! What resellers may sell, how many trials, and what the panel says of prices, times and refusals.

use serde_json::Value;

use crate::support::{
    TestServer,
    panel::{PASSWORD, Panel, server},
};

/// A reseller whose `sara` signs in.
fn north(server: &TestServer, more: &str) {
    server.done("resellers/new", &format!("data[name]=North{more}"));
    let person = "data[username]=sara&data[email]=sara@example.com&data[group_id]=2&data[reseller_id]=1";
    server.done("administrators/new", &format!("{person}&data[password]={PASSWORD}"));
}

fn plan(server: &TestServer, id: i64) -> Value {
    server.done("subscription_plans/info", &format!("id={id}"))["subscription_plan"].clone()
}

#[test]
fn a_plan_says_whether_resellers_may_sell_it() {
    let server = server();
    north(&server, "");
    let cases = [
        ("", 0),
        ("&data[credits]=5", 1),
        ("&data[is_trial]=1", 1),
        ("&data[credits]=5&data[for_resellers]=0", 0),
        ("&data[for_resellers]=1", 1),
        ("&data[for_resellers]=", 0),
    ];
    for (place, (columns, sold)) in cases.into_iter().enumerate() {
        let id =
            server.done("subscription_plans/new", &format!("data[name]=P{place}{columns}"))["created_id"]
                .as_i64();
        assert_eq!(plan(&server, id.unwrap())["for_resellers"], sold, "{columns}");
    }
    // It does not follow a price that changes later; emptied, it is decided anew.
    server.done("subscription_plans/update", "id=1&data[credits]=9");
    assert_eq!(plan(&server, 1)["for_resellers"], 0);
    server.done("subscription_plans/update", "id=1&data[for_resellers]=");
    assert_eq!(plan(&server, 1)["for_resellers"], 1);
    server.done("subscription_plans/update", "id=1&data[for_resellers]=0&data[name]=Hidden");
    server.done("subscription_plans/update", "id=2&data[name]=Sold");
    let sara = Panel::of(&server, "sara", PASSWORD);
    for page in ["/panel/lines/new", "/panel/mags/new", "/panel/lines"] {
        let page = sara.get(page);
        assert!(page.contains("Sold") && !page.contains("Hidden"), "{page}");
    }
    let sell =
        |plan: &str| sara.post("/panel/lines/new", &[("username", "one"), ("subscription_plan_id", plan)]);
    let refused = sell("1");
    assert!(
        refused.status == 422 && refused.body.contains("This plan is not sold by resellers"),
        "{}",
        refused.body
    );
    assert_eq!(sell("2").status, 303);
    // Withdrawn, it is not extended with either; the operator's key goes on selling it.
    server.done("subscription_plans/update", "id=2&data[for_resellers]=0");
    let extended = sara.post("/panel/lines/1/extend", &[("subscription_plan_id", "2")]);
    assert!(extended.status == 422 && extended.body.contains("not sold by resellers"), "{}", extended.body);
    server.done("line/update", "username=one&data[extend_plan]=1");
    server.done("line/new", "data[username]=two&data[subscription_plan_id]=1&data[reseller_id]=1");
}

#[test]
fn a_price_of_nothing_is_said_out_loud() {
    let server = server();
    let panel = Panel::admin(&server);
    let make = |name: &str, more: &[(&str, &str)]| {
        let fields = [&[("name", name), ("duration", "1"), ("duration_unit", "month")], more].concat();
        panel.done("/panel/plans/new", &fields)
    };
    let page = make("Free", &[("credits", "0"), ("for_resellers", "1")]);
    assert!(
        page.contains("Its price is 0: resellers can sell it, and extend with it, without paying"),
        "{page}"
    );
    assert!(page.contains("free for resellers"), "{page}");
    let page = make("Own", &[("credits", "0"), ("for_resellers", "")]);
    assert!(page.contains("Its price is 0, and resellers cannot sell it."), "{page}");
    let page = make("Paid", &[("credits", "3"), ("for_resellers", "")]);
    assert!(page.contains("Paid was created.") && !page.contains("Its price is 0"), "{page}");
    assert_eq!([1, 2, 3].map(|id| plan(&server, id)["for_resellers"].as_i64().unwrap()), [1, 0, 1]);
}

#[test]
fn a_reseller_has_an_allowance_of_trials_a_day() {
    let server = server();
    north(&server, "&data[trials_per_day]=2");
    server.done("resellers/new", "data[name]=South");
    let allowance =
        |place: usize| server.done("resellers/list", "")["resellers"][place]["trials_per_day"].clone();
    assert_eq!((allowance(0), allowance(1)), (2.into(), 10.into()));
    server.done("resellers/update", "id=2&data[trials_per_day]=");
    assert_eq!(allowance(1), Value::Null);
    server.done("subscription_plans/new", "data[name]=Trial&data[is_trial]=1&data[duration_unit]=day");
    let sara = Panel::of(&server, "sara", PASSWORD);
    let sell =
        |name: &str| sara.post("/panel/lines/new", &[("username", name), ("subscription_plan_id", "1")]);
    // What the operator sells for a reseller is not counted; what was deleted stays counted.
    server.done("line/new", "data[username]=own&data[subscription_plan_id]=1&data[reseller_id]=1");
    assert_eq!(sell("one").status, 303);
    server.done("line/delete", "username=one");
    assert_eq!(sell("two").status, 303);
    let third = sell("three");
    assert_eq!(third.status, 409, "{}", third.body);
    assert!(
        third.body.contains("Reseller North may sell 2 trials in a day, and has sold them"),
        "{}",
        third.body
    );
    let mac = [("mac_address", "001A79000001"), ("subscription_plan_id", "1")];
    assert_eq!(sara.post("/panel/mags/new", &mac).status, 409, "lines and MAGs count together");
    let panel = Panel::admin(&server);
    panel.done("/panel/resellers/1/edit", &[("name", "North"), ("trials_per_day", "")]);
    assert_eq!(allowance(0), Value::Null);
    assert_eq!(sell("three").status, 303);
    server.done("resellers/update", "id=1&data[trials_per_day]=0");
    assert!(sell("four").body.contains("may sell no trials"));
    assert!(
        server
            .refused("resellers/update", "id=1&data[trials_per_day]=-1")
            .starts_with("Invalid trials_per_day: ")
    );
}

#[test]
fn an_end_of_zero_is_for_ever_unless_a_setting_refuses_it() {
    let server = server();
    server.done("line/new", "data[username]=bob&data[expire_date]=0");
    server.done("settings/update", "data[refuse_zero_expiry]=1");
    for (call, body) in [
        ("line/new", "data[username]=ann&data[expire_date]=0"),
        ("line/update", "username=bob&data[expire_date]=0"),
        ("mag/new", "data[mac_address]=001A79000001&data[expire_date]=0"),
    ] {
        let text = server.refused(call, body);
        let what = if call.starts_with("mag") { "MAG" } else { "line" };
        assert!(text.starts_with(&format!("Invalid expire_date: 0 would be a {what} for ever")), "{text}");
    }
    server.done("line/update", "username=bob&data[expire_date]=");
    server.done("line/new", "data[username]=ann&data[expire_date]=1900000000");
    let settings = Panel::admin(&server).get("/panel/settings");
    assert!(settings.contains("name=\"refuse_zero_expiry\" value=\"1\" checked"), "{settings}");
}

#[test]
fn a_reseller_is_told_why_without_what_is_the_operators() {
    let server = server();
    north(&server, "");
    server.done("servers/new", "data[name]=Edge-Secret&data[server_ip]=192.0.2.9");
    server.done(
        "streams/new",
        "data[name]=Own&data[sources][]=http://user:hidden-pass@192.0.2.1/x&data[enabled]=0",
    );
    server.done("streams/new", "data[name]=Foreign");
    server.done("bouquets/new", "data[name]=Sold&data[streams][]=1");
    server.done("bouquets/new", "data[name]=Premium&data[streams][]=2");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=1&data[bouquets][]=1");
    server.done(
        "line/new",
        "data[username]=bob&data[subscription_plan_id]=1&data[reseller_id]=1&data[server_id]=2&data[banned]=1&data[free]=1",
    );
    let sara = Panel::of(&server, "sara", PASSWORD);
    for question in ["stream=1", "stream=2", ""] {
        let page = sara.get(&format!("/panel/lines/1/why?{question}"));
        assert!(page.contains(">Own</option>") && page.contains("ask the operator"), "{page}");
        for secret in
            ["Foreign", "Premium", "Edge-Secret", "server 2", "server_id", "hidden-pass", "lift the ban"]
        {
            assert!(!page.contains(secret), "{question} {secret}: {page}");
        }
    }
    let own = Panel::admin(&server).get("/panel/lines/1/why?stream=2");
    assert!(own.contains(">Foreign</option>") && own.contains("Add bouquet Premium"), "{own}");
}

#[test]
fn times_are_told_in_the_panels_zone_and_changes_with_names() {
    let server = server();
    server.done("settings/update", "data[time_zone]=Asia/Tokyo");
    server.done("bouquets/new", "data[name]=Sports");
    server.done("subscription_plans/new", "data[name]=Gold&data[bouquets][]=1&data[duration]=1");
    server.done("line/new", "data[username]=bob&data[subscription_plan_id]=1&data[expire_date]=1900000000");
    let panel = Panel::admin(&server);
    // 1900000000 is 2030-03-17 17:46:40 UTC.
    let why = panel.get("/panel/lines/1/why");
    assert!(why.contains("It is active until 2030-03-18 02:46:40 Asia/Tokyo."), "{why}");
    let page = panel.done("/panel/lines/1/extend", &[("subscription_plan_id", "1")]);
    assert!(page.contains("was extended until 2030-04-18 02:46:40 Asia/Tokyo."), "{page}");
    server.done("line/update", "username=bob&data[bouquets][]=1");
    for page in ["/panel/lines/1", "/panel/lines/1/audit", "/panel/logs/audit"] {
        let page = panel.get(page);
        assert!(page.contains("2030-04-18 02:46:40 Asia/Tokyo") && page.contains("Sports"), "{page}");
        assert!(!page.contains("1900000000") && !page.contains("expire_date: 19"), "{page}");
    }
    let edit = [("more_days", "1"), ("switch", ""), ("extend_plan", "")];
    let preview = panel.post("/panel/lines/mass", &edit);
    assert!(preview.body.contains("2030-04-19 02:46:40 Asia/Tokyo"), "{}", preview.body);
}

#[test]
fn a_deletion_of_what_is_used_ends_on_a_page_with_navigation() {
    let server = server();
    north(&server, "");
    server.done("categories/new", "data[name]=News");
    server.done("streams/new", "data[name]=One&data[category_id]=1");
    server.done("subscription_plans/new", "data[name]=Month");
    server.done("line/new", "data[username]=bob&data[subscription_plan_id]=1&data[reseller_id]=1");
    let panel = Panel::admin(&server);
    for (row, why) in [
        ("plans/1", "used by 1 line"),
        ("categories/1", "used by 1 stream"),
        ("resellers/1", "To it belong 1 line"),
        ("groups/2", "cannot be deleted"),
        ("administrators/1", "last full administrator"),
    ] {
        let page = panel.refused(&format!("/panel/{row}/delete"), &[], 409);
        assert!(page.contains(why) && page.contains("aria-label=\"Panel\""), "{row}: {page}");
        assert!(page.contains(&format!("href=\"/panel/{row}\">Back")), "{row}: {page}");
    }
    let gone = panel.ask("/panel/lines/99");
    assert!(gone.status == 404 && gone.body.contains("aria-label=\"Panel\""), "{}", gone.body);
    for (form, says) in [
        ("streams/new", "Load balancers do not run streams yet"),
        ("lines/new", "Load balancers do not serve viewers yet"),
    ] {
        assert!(panel.get(&format!("/panel/{form}")).contains(says), "{form}");
    }
}
