//! Mass edits in the panel: what is previewed is what is done, and nothing else.

use crate::support::{
    TestServer,
    panel::{PASSWORD, Page, Panel, server},
    tv::within,
};

const END: i64 = 2_000_000_000;

/// Ten lines of North, with a note; one of South; North pays, and has 20 credits; a plan for 8.
fn fill(server: &TestServer) {
    server.done(
        "subscription_plans/new",
        "data[name]=Month&data[credits]=8&data[duration]=30&data[duration_unit]=day",
    );
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=20");
    server.done("resellers/new", "data[name]=South");
    for number in 0..10 {
        server.done(
            "line/new",
            &format!(
                "data[username]=north{number}&data[reseller_id]=1&data[expire_date]={END}&data[notes]=spring"
            ),
        );
    }
    server.done("line/new", &format!("data[username]=south&data[reseller_id]=2&data[expire_date]={END}"));
}

/// The fields that a preview hands on.
fn hidden(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
    let pair = |input: &str| {
        let (name, rest) = input.split_once("\" value=\"")?;
        Some((name.to_owned(), rest.split_once('"')?.0.to_owned()))
    };
    inputs.filter_map(pair).collect()
}

/// Previews, and does what was previewed.
fn run(panel: &Panel<'_>, address: &str, fields: &[(&str, &str)]) -> String {
    let preview = panel.post(&format!("/panel/lines/mass?{address}"), fields);
    assert_eq!(preview.status, 200, "{}", preview.body);
    go(panel, address, &preview)
}

/// Begins what was previewed; the page that says how far it is.
fn begin(panel: &Panel<'_>, address: &str, preview: &Page) -> String {
    let hidden = hidden(&preview.body);
    let fields: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = panel.post(&format!("/panel/lines/mass/run?{address}"), &fields);
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.location().to_owned()
}

fn go(panel: &Panel<'_>, address: &str, preview: &Page) -> String {
    let at = begin(panel, address, preview);
    let mut page = String::new();
    within(20, "the mass edit is over", || {
        page = panel.get(&at);
        page.contains(": done</h1>")
    });
    page
}

fn told(page: &str, number: i64, what: &str) {
    assert!(page.contains(&format!("<b>{number}</b><span>{what}")), "{number} {what}: {page}");
}

fn line(server: &TestServer, name: &str) -> serde_json::Value {
    server.done("line/info", &format!("username={name}"))["line_info"].clone()
}

#[test]
fn a_preview_counts_exactly_and_shows_rows_before_and_after() {
    let server = server();
    fill(&server);
    let panel = Panel::admin(&server);
    let preview = panel.post("/panel/lines/mass?reseller=1", &[("more_days", "7"), ("switch", "disable")]);
    assert!(
        preview.body.contains("Change 10 lines?") && preview.body.contains("reseller: North"),
        "{}",
        preview.body
    );
    assert!(
        preview.body.contains(
            "ends: 2033-05-18 03:33:20 UTC \u{2192} 2033-05-25 03:33:20 UTC; disabled: no \u{2192} yes"
        ),
        "{}",
        preview.body
    );
    assert_eq!(line(&server, "north0")["disabled"], 0, "a preview changes nothing");
    let page = go(&panel, "reseller=1", &preview);
    told(&page, 10, "done");
    assert_eq!(
        (&line(&server, "north9")["disabled"], &line(&server, "north9")["expire_date"]),
        (&1.into(), &(END + 7 * 86_400).into())
    );
    assert_eq!(line(&server, "south")["disabled"], 0);
    let audit = server.done("logs/list", "kind=audit&action=bulk");
    assert_eq!(audit["total"], 11, "each row, and the order: {audit}");
}

#[test]
fn rows_that_were_changed_since_the_preview_are_left_alone_and_a_form_sent_twice_does_it_once() {
    let server = server();
    fill(&server);
    let panel = Panel::admin(&server);
    let preview = panel.post("/panel/lines/mass?search=spring", &[("more_days", "1")]);
    server.done("line/update", "username=north3&data[notes]=spring, called");
    server.done("line/update", "username=north4&data[notes]=autumn");
    server.done("line/new", "data[username]=late&data[notes]=spring");
    let page = go(&panel, "search=spring", &preview);
    told(&page, 8, "done");
    told(&page, 2, "refused");
    assert!(page.contains("<td>north3</td><td>Changed meanwhile</td>"), "{page}");
    assert_eq!(line(&server, "north3")["expire_date"], END);
    assert_eq!(line(&server, "late")["expire_date"], serde_json::Value::Null);
    let again = go(&panel, "search=spring", &preview);
    assert_eq!(again, page, "a form that is sent twice orders one batch");
    assert_eq!(line(&server, "north0")["expire_date"], END + 86_400);
}

#[test]
fn what_is_refused_says_why_and_keeps_no_other_from_being_changed() {
    let server = server();
    fill(&server);
    server.done("line/update", "username=south&data[expire_date]=");
    let panel = Panel::admin(&server);
    let page = run(&panel, "", &[("extend_plan", "1")]);
    told(&page, 2, "done");
    told(&page, 9, "refused");
    assert!(page.contains("Not enough credits") && page.contains("it never expires"), "{page}");
    let preview = panel.post("/panel/lines/mass?", &[("extend_plan", "1")]).body;
    assert!(preview.contains("<td>it never expires") && !preview.contains("Invalid"), "{preview}");
    assert_eq!(server.done("resellers/statement", "id=1")["credits"], 4);
    assert_eq!(
        line(&server, "north2")["subscription_plan_id"],
        serde_json::Value::Null,
        "nothing of a refused row stays"
    );
    let page = run(&panel, "reseller=1", &[("extend_plan", "1"), ("free", "1")]);
    told(&page, 10, "done");
    assert_eq!(server.done("resellers/statement", "id=1")["credits"], 4);
}

#[test]
fn an_edit_that_makes_no_sense_is_refused_at_its_field() {
    let server = server();
    fill(&server);
    let panel = Panel::admin(&server);
    let refused = |fields: &[(&str, &str)], text: &str| {
        let page = panel.refused("/panel/lines/mass", fields, 422);
        assert!(page.contains(text), "{fields:?}: {page}");
    };
    refused(&[("more_days", "7"), ("expire_date", "2030-01-01T00:00")], "Choose one way to set the end");
    refused(&[("more_days", "0")], "A whole number of days from 1 to 3650");
    refused(&[], "Choose what to change");
    refused(&[("delete", "1"), ("switch", "ban")], "Not together with another change");
    let page = panel.refused("/panel/lines/mass?state=watching", &[("switch", "ban")], 409);
    assert!(page.contains("choose another state"), "{page}");
}

#[test]
fn bouquets_come_and_go_and_lines_are_deleted_by_the_filter_alone() {
    let server = server();
    fill(&server);
    for name in ["News", "Films"] {
        server.done("bouquets/new", &format!("data[name]={name}"));
    }
    server.done("line/update", "username=north0&data[bouquets][]=2");
    let panel = Panel::admin(&server);
    told(&run(&panel, "", &[("add_bouquet", "1")]), 11, "done");
    assert_eq!(line(&server, "north0")["bouquets"], serde_json::json!([2, 1]));
    let page = run(&panel, "", &[("remove_bouquet", "2")]);
    told(&page, 11, "done");
    told(&page, 10, "of them needed no change");
    told(&run(&panel, "search=north", &[("delete", "1")]), 10, "done");
    assert_eq!(server.done("line/list", "")["total"], 1);
    // Each can be undone on its page, which Batches leads to; the newest first.
    let page = panel.done("/panel/batches/3/undo", &[]);
    assert!(page.contains("Batch 3 was undone: 10 rows taken back."), "{page}");
    panel.done("/panel/batches/2/undo", &[]);
    assert_eq!(line(&server, "north0")["bouquets"], serde_json::json!([2, 1]));
}

#[test]
fn a_reseller_edits_its_own_alone_and_is_offered_only_what_it_may() {
    let server = server();
    fill(&server);
    server.done(
        "administrators/new",
        &format!("data[username]=sara&data[email]=s@example.com&data[group_id]=2&data[reseller_id]=1&data[password]={PASSWORD}"),
    );
    let sara = Panel::of(&server, "sara", PASSWORD);
    let form = sara.get("/panel/lines/mass");
    for field in ["more_days", "expire_date", "reseller_id", "add_bouquet", "free", "ban\""] {
        assert!(!form.contains(field), "{field}: {form}");
    }
    let page = run(&sara, "reseller=2", &[("switch", "disable")]);
    told(&page, 10, "done");
    assert_eq!(
        (&line(&server, "south")["disabled"], &line(&server, "north0")["disabled"]),
        (&0.into(), &1.into())
    );
    let admin = Panel::admin(&server);
    let own = begin(&sara, "", &sara.post("/panel/lines/mass", &[("switch", "enable")]));
    assert_eq!((sara.ask(&own).status, admin.ask(&own).status), (200, 200));
    server.done(
        "administrators/new",
        &format!("data[username]=tom&data[email]=t@example.com&data[group_id]=2&data[reseller_id]=2&data[password]={PASSWORD}"),
    );
    let tom = Panel::of(&server, "tom", PASSWORD);
    assert_eq!(tom.ask(&own).status, 404, "a batch is its own reseller's");
    assert_eq!(tom.post_bare(&format!("{own}/undo"), &[]).status, 404);
    assert!(tom.get("/panel/batches").contains("None yet") && sara.get("/panel/batches").contains(&own));
    let page = sara.done(&format!("{own}/undo"), &[]);
    assert!(page.contains("10 rows taken back") && line(&server, "north0")["disabled"] == 1, "{page}");
    // What was paid is the operator's to give back.
    server.done("line/update", "username=north0&data[subscription_plan_id]=1");
    let own =
        begin(&sara, "search=north0", &sara.post("/panel/lines/mass?search=north0", &[("extend_plan", "1")]));
    let page = sara.done(&format!("{own}/undo"), &[]);
    assert!(page.contains("north0 (Only the operator gives credits back)"), "{page}");
    assert_eq!(server.done("resellers/statement", "id=1")["credits"], 12);
}

#[test]
fn an_edit_outlives_a_restart_and_a_preview_does_not() {
    let before = server();
    fill(&before);
    let panel = Panel::admin(&before);
    let at = begin(&panel, "", &panel.post("/panel/lines/mass", &[("switch", "disable")]));
    let preview = panel.post("/panel/lines/mass", &[("switch", "enable")]);
    let server = TestServer::on(before.stop(), &[]);
    let panel = Panel::admin(&server);
    within(20, "it goes on and ends", || panel.get(&at).contains(": done</h1>"));
    let hidden = hidden(&preview.body);
    let fields: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let gone = panel.post_bare("/panel/lines/mass/run", &fields);
    assert!(gone.status == 409 && gone.body.contains("preview"), "{}", gone.body);
    panel.done(&format!("{at}/undo"), &[]);
    assert_eq!(line(&server, "north0")["disabled"], 0);
}

#[test]
fn a_preview_counts_what_the_run_refuses_and_why_and_changes_nothing() {
    let server = server();
    fill(&server);
    server.done(
        "subscription_plans/new",
        "data[name]=Trial&data[is_trial]=1&data[duration]=1&data[for_resellers]=1",
    );
    server.done("subscription_plans/new", "data[name]=Inside&data[duration]=1&data[for_resellers]=0");
    let person = "data[username]=sara&data[email]=sara@example.com&data[group_id]=2&data[reseller_id]=1";
    server.done("administrators/new", &format!("{person}&data[password]={PASSWORD}"));
    let books = || {
        let credits = server.done("resellers/list", "")["resellers"][0]["credits"].clone();
        (credits, server.done("logs/list", "kind=audit&limit=1")["total"].clone(), line(&server, "north0"))
    };
    let admin = Panel::admin(&server);
    let before = books();
    // 20 credits pay for two at 8 each.
    let edit = [("extend_plan", "1")];
    let preview = admin.post("/panel/lines/mass?reseller=1", &edit);
    assert!(preview.body.contains("8 of them would be refused, and stay as they are."), "{}", preview.body);
    assert!(preview.body.contains("Not enough credits"), "{}", preview.body);
    assert_eq!(books(), before, "a preview changes nothing");
    let done = go(&admin, "reseller=1", &preview);
    told(&done, 2, "done");
    told(&done, 8, "refused");
    assert_eq!(books().0, 4);

    // A reseller's own: a plan changes only once the present one has ended, and not every plan is theirs to sell.
    server.done("resellers/update", "id=1&data[credits]=900");
    server.done("line/update", "username=north9&data[expire_date]=1000000000");
    server.done("line/new", "data[username]=trial&data[subscription_plan_id]=2&data[reseller_id]=1");
    let sara = Panel::of(&server, "sara", PASSWORD);
    for (plan, reason, changed, refused) in [
        ("1", "can be changed once the present plan has ended", 3, 8),
        ("3", "this plan is not sold by resellers", 0, 11),
    ] {
        server.done("line/update", "username=north9&data[expire_date]=1000000000");
        let preview = sara.post("/panel/lines/mass?", &[("extend_plan", plan)]);
        let words = format!("{refused} of them would be refused");
        assert!(preview.body.contains(&words) && preview.body.contains(reason), "{plan}: {}", preview.body);
        let done = go(&sara, "", &preview);
        told(&done, changed, "done");
        told(&done, refused, "refused");
    }
    // MAGs, and deletions, are tried the same way.
    server.done("mag/new", "data[mac_address]=001A79000001&data[reseller_id]=1");
    let preview = sara.post("/panel/mags/mass?", &[("extend_plan", "1")]);
    assert!(preview.body.contains("1 of them would be refused"), "{}", preview.body);
    let preview = sara.post("/panel/lines/mass?", &[("delete", "1")]);
    assert!(preview.status == 200 && !preview.body.contains("would be refused"), "{}", preview.body);
    assert_eq!(server.done("line/list", "reseller_id=1")["total"], 11);
}

#[test]
fn a_run_charges_what_its_preview_showed_or_nothing() {
    let server = server();
    fill(&server);
    let panel = Panel::admin(&server);
    let preview = panel.post("/panel/lines/mass?", &[("extend_plan", "1")]);
    let told = "Each costs 8 credits where its reseller uses credits: 16 credits for all of them.";
    assert!(preview.body.contains(told), "{}", preview.body);
    server.done("subscription_plans/update", "id=1&data[credits]=9");
    let hidden = hidden(&preview.body);
    let fields: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = panel.post_bare("/panel/lines/mass/run", &fields);
    let why = "The price of the plan changed from 8 to 9 credits since the preview: preview it again";
    assert!(page.status == 409 && page.body.contains(why), "{}", page.body);
    assert_eq!(server.done("resellers/statement", "id=1")["credits"], 20);
    // Without what the preview showed it is not begun.
    assert_eq!(panel.post_bare("/panel/lines/mass/run?", &[("extend_plan", "1")]).status, 409);
    let free = panel.post("/panel/lines/mass?reseller=1", &[("extend_plan", "1"), ("free", "1")]);
    assert!(!free.body.contains("Each costs"), "{}", free.body);
}
