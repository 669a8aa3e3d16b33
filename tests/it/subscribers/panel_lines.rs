//! Lines and MAGs in the panel: lists, forms, the page of one, why it cannot watch, and what a reseller
//! reaches of them.

use crate::support::{
    TestServer,
    panel::{PASSWORD, Panel, server},
};

const LINE: &str = "/panel/lines/1";

/// A reseller with 20 credits, who signs in as `sara`, and a plan for 8.
fn with_reseller(server: &TestServer) {
    server.done("bouquets/new", "data[name]=All");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=8&data[duration]=1&data[duration_unit]=month&data[max_allowed_connections]=2&data[bouquets][]=1");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=20");
    server.done("resellers/new", "data[name]=South");
    server.done(
        "administrators/new",
        &format!("data[username]=sara&data[email]=sara@example.com&data[group_id]=2&data[reseller_id]=1&data[password]={PASSWORD}"),
    );
}

/// The usernames of a list, in order.
fn names(page: &str) -> Vec<&str> {
    page.split("<tr><td><a href=\"/panel/")
        .skip(1)
        .filter_map(|row| row.split_once('>')?.1.split_once('<').map(|(name, _)| name))
        .collect()
}

/// Where a link of the pager leads.
fn turn<'p>(page: &'p str, rel: &str) -> Option<String> {
    let link: &'p str = page.split_once(&format!("rel=\"{rel}\" href=\""))?.1;
    Some(link.split_once('"')?.0.replace("&#38;", "&").replace("&amp;", "&"))
}

#[test]
fn a_line_is_created_with_made_up_credentials_that_its_page_shows() {
    let server = server();
    let panel = Panel::admin(&server);
    let page =
        panel.done("/panel/lines/new", &[("username", ""), ("password", ""), ("notes", "paid <in> cash")]);
    assert!(page.contains("was created.") && page.contains("It can watch"), "{page}");
    let line = &server.done("line/list", "")["lines"][0];
    for column in ["username", "password"] {
        let made = line[column].as_str().unwrap();
        assert!(made.len() == 10 && page.contains(&format!("data-copy=\"{made}\"")), "{column}: {line}");
    }
    assert!(page.contains("paid &#60;in&#62; cash"), "{page}");
    assert!(page.contains("/get.php?username=") && page.contains("type=m3u_plus"), "{page}");
    let code = panel.get("/panel/lines/1/qr/0.svg");
    assert!(code.contains("<svg"), "{code}");
}

#[test]
fn a_refused_line_says_at_each_field_what_is_wrong_and_keeps_what_was_typed() {
    let server = server();
    server.done("line/new", "data[username]=bob");
    let panel = Panel::admin(&server);
    let fields = [("username", "a b"), ("max_allowed_connections", "x"), ("notes", "kept")];
    let page = panel.refused("/panel/lines/new", &fields, 422);
    assert_eq!(page.matches("class=\"wrong\"").count(), 2, "{page}");
    assert!(page.contains("value=\"a b\"") && page.contains("kept"), "{page}");
    let page = panel.refused("/panel/lines/new", &[("username", "BOB")], 409);
    assert!(page.contains("Is taken: choose another"), "{page}");
    assert_eq!(server.done("line/list", "")["total"], 1);
}

#[test]
fn one_click_disables_bans_and_mends_and_the_page_says_who_did_it() {
    let server = server();
    server.done("line/new", "data[username]=bob&data[password]=secret77");
    let panel = Panel::admin(&server);
    let press = |what: &str| panel.done(&format!("{LINE}/do/{what}"), &[]);
    assert!(press("disable").contains("It cannot watch. It is disabled"));
    assert!(press("ban").contains(">Unban<"));
    assert!(press("enable").contains("bob was enabled."));
    let page = press("unban");
    assert!(page.contains("It can watch"), "{page}");
    assert!(page.contains("banned: 1 \u{2192} 0") && page.contains("admin"), "{page}");
    assert_eq!(panel.post(&format!("{LINE}/do/explode"), &[]).status, 409);
    assert_eq!(panel.post("/panel/lines/99/do/ban", &[]).status, 404);
}

#[test]
fn a_line_is_changed_and_deleted_once_it_was_asked_by_name() {
    let server = server();
    server.done("line/new", "data[username]=bob&data[password]=secret77&data[allowed_ips][]=192.0.2.1");
    let panel = Panel::admin(&server);
    let form = panel.get("/panel/lines/1/edit");
    assert!(form.contains("value=\"secret77\"") && form.contains("192.0.2.1"), "{form}");
    let fields =
        [("username", "robert"), ("password", "secret78"), ("allowed_ips", "192.0.2.0/24\n\n2001:db8::/32")];
    let page = panel.done("/panel/lines/1/edit", &fields);
    assert!(page.contains("robert was changed.") && page.contains("192.0.2.0/24, 2001:db8::/32"), "{page}");
    let question = panel.get("/panel/lines/1/delete");
    assert!(
        question.contains("The line robert will be deleted. It can be brought back for 24 hours."),
        "{question}"
    );
    assert!(panel.done("/panel/lines/1/delete", &[]).contains("robert was deleted."));
    assert_eq!(panel.ask(LINE).status, 404);
}

#[test]
fn the_list_is_searched_narrowed_sorted_and_turned_both_ways() {
    let server = server();
    with_reseller(&server);
    for number in 0..205 {
        let more = match number {
            7 => "&data[banned]=1",
            8 => "&data[expire_date]=1000000000",
            9 => "&data[reseller_id]=2&data[notes]=owes%20100%25",
            _ => "",
        };
        server.done("line/new", &format!("data[username]=user{number:03}{more}"));
    }
    let panel = Panel::admin(&server);
    let list = |query: &str| panel.get(&format!("/panel/lines?{query}"));
    for (query, name) in [
        ("state=banned", "user007"),
        ("state=expired", "user008"),
        ("reseller=2", "user009"),
        ("search=100%25", "user009"),
        ("search=SER204", "user204"),
        ("search=user0&state=banned&sort=end", "user007"),
    ] {
        assert_eq!(names(&list(query)), [name], "{query}");
    }
    assert!(list("search=100_").contains("No subscribers match."));
    assert!(list("").contains("205 lines"));
    for sort in ["name", "-name", "end", "-end", "created", "-created", "changed", "-changed"] {
        let first = list(&format!("sort={sort}"));
        assert_eq!((names(&first).len(), turn(&first, "prev")), (100, None), "{sort}");
        let second = panel.get(&turn(&first, "next").unwrap());
        let third = panel.get(&turn(&second, "next").unwrap());
        assert_eq!((names(&third).len(), turn(&third, "next")), (5, None), "{sort}");
        let mut all: Vec<&str> = [&first, &second, &third].into_iter().flat_map(|page| names(page)).collect();
        if let "name" | "created" = sort {
            assert!(all.is_sorted(), "{sort}: {all:?}");
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 205, "{sort}");
        let back = panel.get(&turn(&third, "prev").unwrap());
        assert_eq!(names(&back), names(&second), "{sort}");
        assert_eq!(names(&panel.get(&turn(&back, "prev").unwrap())), names(&first), "{sort}");
    }
    let narrowed = list("search=user&sort=-name");
    let next = panel.get(&turn(&narrowed, "next").unwrap());
    assert_eq!(names(&next).first(), Some(&"user104"));
    assert_eq!(names(&panel.get(&turn(&next, "prev").unwrap())), names(&narrowed));
}

#[test]
fn why_it_cannot_watch_has_a_button_for_each_refusal() {
    let server = server();
    server.done("streams/new", "data[name]=News&data[enabled]=0");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done(
        "line/new",
        "data[username]=bob&data[disabled]=1&data[banned]=1&data[allowed_ips][]=192.0.2.1&data[allowed_user_agents][]=VLC&data[allowed_outputs][]=hls",
    );
    let panel = Panel::admin(&server);
    let question = "stream=1&address=198.51.100.1&agent=Kodi&output=ts";
    let page = panel.get(&format!("{LINE}/why?{question}"));
    assert!(page.contains("It cannot watch"), "{page}");
    for what in [
        "do/unban",
        "do/enable",
        "do/any-address",
        "do/any-player",
        "do/any-form",
        "do/add-bouquet",
        "do/start-stream",
    ] {
        // Each button of the page to which the one before has led.
        let page = panel.get(&format!("{LINE}/why?{question}"));
        let at = page.find(&format!("{LINE}/{what}")).unwrap_or_else(|| panic!("{what}: {page}"));
        let action = page[at..].split_once('"').unwrap().0.replace("&#38;", "&");
        let answer = panel.post(&action, &[]);
        assert!(
            answer.location().starts_with(&format!("{LINE}/why?stream=1&address=198.51.100.1")),
            "{what}: {}",
            answer.location()
        );
    }
    let page = panel.get(&format!("{LINE}/why?{question}"));
    assert_eq!(page.matches("badge bad").count(), 1, "the stream has no source: {page}");
    for wrong in ["address=somewhere", "address=10.0.0.300", "address=10.0.0.1:5000"] {
        let page = panel.get(&format!("{LINE}/why?{wrong}"));
        assert!(page.contains("Nothing was checked") && !page.contains("badge"), "{wrong}: {page}");
    }
}

#[test]
fn a_mag_has_the_same_pages_by_its_address() {
    let server = server();
    let panel = Panel::admin(&server);
    let page = panel.refused("/panel/mags/new", &[("mac_address", "00:1A")], 422);
    assert!(page.contains("value=\"00:1A\"") && page.contains("class=\"wrong\""), "{page}");
    let page = panel.done("/panel/mags/new", &[("mac_address", "00-1a-79-00-00-01")]);
    assert!(page.contains("00:1A:79:00:00:01 was created."), "{page}");
    assert_eq!(names(&panel.get("/panel/mags?search=001a79")), ["00:1A:79:00:00:01"]);
    assert!(panel.done("/panel/mags/1/do/disable", &[]).contains("was disabled."));
    assert!(panel.done("/panel/mags/1/delete", &[]).contains("was deleted."));
}

#[test]
fn a_reseller_sells_within_its_balance_and_sees_what_is_left_before() {
    let server = server();
    with_reseller(&server);
    let sara = Panel::of(&server, "sara", PASSWORD);
    let form = sara.get("/panel/lines/new");
    assert!(form.contains("North has 20 credits.") && form.contains("8 credits, leaves 12"), "{form}");
    for field in ["expire_date", "reseller_id", "banned", "server_id", "bouquets", "restreamer", "free"] {
        assert!(!form.contains(&format!("name=\"{field}")), "{field}: {form}");
    }
    let page = sara.refused("/panel/lines/new", &[("username", "one"), ("subscription_plan_id", "")], 422);
    assert!(page.contains("Cannot be empty"), "{page}");
    let sold = [("username", "one"), ("subscription_plan_id", "1")];
    let page = sara.done("/panel/lines/new", &sold);
    assert!(page.contains("one was created.") && !page.contains("Changes"), "{page}");
    let extend = sara.get("/panel/lines/1/extend");
    assert!(extend.contains("North has 12 credits.") && extend.contains("8 credits, leaves 4"), "{extend}");
    assert!(
        sara.done("/panel/lines/1/extend", &[("subscription_plan_id", "1")])
            .contains("one was extended until")
    );
    let form = sara.get("/panel/lines/new");
    assert!(
        form.contains("the balance does not cover it") && form.contains("ask the operator for credits"),
        "{form}"
    );
    let page = sara.refused("/panel/lines/new", &[("username", "two"), ("subscription_plan_id", "1")], 409);
    assert!(page.contains("Not enough credits"), "{page}");
    assert_eq!(server.done("resellers/statement", "id=1")["credits"], 4);
}

#[test]
fn a_reseller_neither_sees_nor_reaches_what_is_not_its_own() {
    let server = server();
    with_reseller(&server);
    server.done(
        "line/new",
        "data[username]=hers&data[reseller_id]=1&data[subscription_plan_id]=1&data[free]=1",
    );
    server.done("line/new", "data[username]=theirs&data[reseller_id]=2");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01&data[reseller_id]=2");
    let sara = Panel::of(&server, "sara", PASSWORD);
    for query in ["", "reseller=2", "search=theirs", "search=e", "sort=end", "state=active"] {
        let found = sara.get(&format!("/panel/lines?{query}"));
        assert!(!found.contains("theirs</a>") && !found.contains("South"), "{query}: {found}");
    }
    assert_eq!(names(&sara.get("/panel/lines?reseller=2")), ["hers"]);
    assert!(names(&sara.get("/panel/mags")).is_empty());
    for page in ["", "/edit", "/extend", "/delete", "/why", "/history", "/refusals", "/audit", "/qr/0.svg"] {
        assert_eq!(sara.ask(&format!("/panel/lines/2{page}")).status, 404, "{page}");
    }
    assert_eq!(sara.ask("/panel/mags/1").status, 404);
    assert_eq!(sara.ask("/panel/lines/1/audit").status, 404, "the audit trail is the operator's");
    for action in ["edit", "extend", "delete", "do/disable", "do/any-address", "kick"] {
        let answer = sara
            .post(&format!("/panel/lines/2/{action}"), &[("subscription_plan_id", "1"), ("username", "x")]);
        assert_eq!(answer.status, 404, "{action}");
    }
    for action in ["do/ban", "do/unban", "do/any-server", "do/one-more", "do/add-bouquet?id=1"] {
        let answer = sara.post(&format!("/panel/lines/1/{action}"), &[]);
        assert_eq!(answer.status, 403, "{action}");
    }
    let forged = [
        ("username", "hers"),
        ("password", "secret79"),
        ("expire_date", "2099-01-01T00:00"),
        ("reseller_id", "2"),
        ("banned", "1"),
    ];
    sara.done("/panel/lines/1/edit", &forged);
    let hers = server.done("line/info", "username=hers");
    assert_eq!(
        (&hers["line_info"]["reseller_id"], &hers["line_info"]["banned"]),
        (&1.into(), &0.into()),
        "{hers}"
    );
    assert!(hers["line_info"]["expire_date"].as_i64().unwrap() < 2_000_000_000, "{hers}");
}
