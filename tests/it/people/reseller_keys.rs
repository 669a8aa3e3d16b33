//! API keys that are bound to a reseller: they see and sell that one's alone, and it pays.

use serde_json::{Value, json};

use crate::{
    engine::effects::{SENT, kept},
    support::{
        TestServer,
        panel::{Panel, server},
        tv::{Player, with_streams, within},
    },
};

/// A key of the Server API, as its caller has it.
struct Key<'s> {
    server: &'s TestServer,
    key: String,
}

impl<'s> Key<'s> {
    /// A new one with those further columns.
    fn new(server: &'s TestServer, name: &str, more: &str) -> Self {
        let made = server.done("settings/api_key_new", &format!("data[name]={name}{more}"));
        Self { server, key: made["api_key"].as_str().expect("a key").to_owned() }
    }

    fn call(&self, call: &str, body: &str) -> Value {
        let (status, answer) = self.server.post(call, &format!("api_key={}&{body}", self.key));
        assert_eq!(status, 200, "{call} {body}: {answer}");
        answer
    }

    fn done(&self, call: &str, body: &str) -> Value {
        let answer = self.call(call, body);
        assert_eq!(answer["result"], true, "{call} {body}: {answer}");
        answer
    }

    fn refused(&self, call: &str, body: &str) -> String {
        let answer = self.call(call, body);
        assert_eq!(answer["result"], false, "{call} {body}: {answer}");
        answer["error"].as_str().expect("a text").to_owned()
    }

    /// Orders a batch and waits for its end.
    fn batch(&self, call: &str, body: &str) -> Value {
        let id = self.done(call, body)["batch_id"].clone();
        let batch = || self.done("batches/info", &format!("id={id}"))["batch"].clone();
        within(30, "the batch is over", || batch()["state"] == "done");
        batch()
    }
}

/// Reseller 1, North, with 10 credits; plan 1 for 2 credits, plan 2 not for resellers, trial 3.
fn shop() -> TestServer {
    let server = TestServer::start();
    stock(&server);
    server
}

fn stock(server: &TestServer) {
    server.done(
        "resellers/new",
        "data[name]=North&data[use_credits]=1&data[credits]=10&data[trials_per_day]=1",
    );
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=2");
    server.done("subscription_plans/new", "data[name]=zzzPlan&data[for_resellers]=0");
    server.done("subscription_plans/new", "data[name]=Trial&data[is_trial]=1&data[duration_unit]=day");
}

/// The balance of reseller 1.
fn credits(server: &TestServer) -> Value {
    server.done("resellers/list", "")["resellers"][0]["credits"].clone()
}

#[test]
fn what_a_bound_key_sells_its_reseller_pays() {
    let server = shop();
    let north = Key::new(&server, "north", "&data[reseller_id]=1");
    let sale = "data[username]=anna&data[password]=pw&data[subscription_plan_id]=1";
    let dry = north.done("line/new", &format!("{sale}&dry_run=1"));
    assert_eq!((&dry["dry_run"], credits(&server)), (&json!(true), json!(10)));
    north.done("line/new", sale);
    let anna = server.done("line/info", "username=anna")["line_info"].clone();
    assert_eq!((&anna["reseller_id"], credits(&server)), (&json!(1), json!(8)));
    north.done("line/update", "username=anna&data[extend_plan]=1");
    north.done("mag/new", "data[mac_address]=001A79000001&data[subscription_plan_id]=1");
    let statement = north.done("resellers/statement", "id=1");
    assert_eq!(statement["credits"], 4);
    let rows: Vec<Value> = statement["statement"].as_array().expect("a list").clone();
    let told: Vec<Value> =
        rows.iter().map(|row| json!([row["reason"], row["amount"], row["actor"]])).collect();
    let (sold, extended) = (json!(["sale", -2, "north"]), json!(["extension", -2, "north"]));
    assert_eq!(told[1..], [sold.clone(), extended, sold]);
    assert_eq!((&rows[1]["line_id"], &rows[3]["mag_id"]), (&json!(1), &json!(1)));

    // What is the operator's stays the operator's.
    for (call, body, told) in [
        ("line/new", "data[username]=eve", "Missing field: subscription_plan_id"),
        (
            "line/new",
            "data[subscription_plan_id]=2",
            "Invalid subscription_plan_id: this plan is not sold by",
        ),
        (
            "line/new",
            "data[subscription_plan_id]=1&data[reseller_id]=1",
            "reseller_id is set by the operator",
        ),
        ("line/new", "data[subscription_plan_id]=1&data[free]=1", "free needs"),
        ("line/new", "data[subscription_plan_id]=1&data[expire_date]=1900000000", "expire_date is set by"),
        ("line/update", "username=anna&data[max_allowed_connections]=9", "max_allowed_connections is set by"),
        ("line/update", "username=anna&data[banned]=1", "banned is set by the operator"),
        ("line/update", "username=anna&data[restreamer]=1", "restreamer is set by the operator"),
        ("line/update", "username=anna&data[bouquets][]=1", "bouquets is set by the operator"),
        ("line/update", "username=anna&data[subscription_plan_id]=3", "Invalid subscription_plan_id: can be"),
        ("line/bulk", "ids[]=1&action=extend&data[free]=1", "free needs"),
    ] {
        let refused = north.refused(call, body);
        assert!(refused.starts_with(told), "{call} {body}: {refused}");
    }
    north.done("line/update", "username=anna&data[notes]=x&data[disabled]=1&data[reference]=svc-1");
    north.done("line/new", "data[username]=try&data[subscription_plan_id]=3");
    assert!(
        north
            .refused("line/new", "data[subscription_plan_id]=3")
            .starts_with("Reseller North may sell 1 trial")
    );
    // Other keys of the operator are bound by neither.
    server.done("line/new", "data[subscription_plan_id]=3&data[reseller_id]=1");
    server.done("line/new", "data[subscription_plan_id]=2&data[reseller_id]=1");
    assert_eq!(credits(&server), 4);

    // A batch is paid for row by row; what was paid is not taken back by whoever paid.
    let batch = north.batch("line/bulk", "ids[]=1&action=extend");
    assert_eq!((&batch["done"], credits(&server)), (&json!(1), json!(2)));
    let undone = north.done("batches/undo", &format!("id={}", batch["id"]));
    assert_eq!(
        (&undone["undone"], &undone["kept_total"], credits(&server)),
        (&json!(0), &json!(1), json!(2))
    );
    let days = north.batch("line/bulk", "ids[]=1&action=extend&data[days]=30");
    assert_eq!((&days["done"], &days["failed"]), (&json!(0), &json!(1)), "{days}");
    let other = Key::new(&server, "other", "&data[reseller_id]=1");
    let refused = other.refused("batches/info", &format!("id={}", batch["id"]));
    assert!(refused.starts_with("Batch does not exist"), "{refused}");
    assert_eq!(other.done("batches/list", "")["total"], 0);
}

#[test]
fn sales_at_once_stop_at_the_last_credit_and_repeats_are_apart_for_each_key() {
    let server = shop();
    let keys = ["one", "two"].map(|name| Key::new(&server, name, "&data[reseller_id]=1"));
    let sell = |place: usize| {
        let body = format!("api_key={}&data[subscription_plan_id]=1", keys[place % 2].key);
        server.curl("/api/line/new", &["-H", &format!("Idempotency-Key: {}", place / 2), "-d", &body]).1
    };
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|place| scope.spawn(move || sell(place))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let sold = answers.iter().filter(|answer| answer["result"] == true).count();
    assert_eq!((sold, credits(&server)), (5, json!(0)), "{answers:?}");
    let told: Vec<&Value> = answers.iter().filter(|answer| answer["result"] == false).collect();
    assert!(told.iter().all(|answer| answer["error"] == "Not enough credits"), "{told:?}");
    assert_eq!(server.done("line/list", "")["total"], 5);
    for (place, answer) in answers.iter().enumerate().filter(|(_, answer)| answer["result"] == true) {
        assert_eq!(sell(place), *answer, "a repeat");
    }
    assert_eq!(server.done("line/list", "")["total"], 5);
}

#[test]
fn a_bound_key_has_no_right_that_a_reseller_has_not_and_its_reseller_stays() {
    let server = shop();
    let scope = |scope: &str| {
        let scope: Vec<String> = scope.split(',').map(|right| format!("&data[scope][]={right}")).collect();
        format!("data[name]=x&data[reseller_id]=1{}", scope.concat())
    };
    for bad in
        ["full", "read_only", "settings", "events", "subscription_plans", "resellers", "line,servers:read"]
    {
        let refused = server.refused("settings/api_key_new", &scope(bad));
        assert!(
            refused.starts_with("Invalid scope: a key bound to a reseller may have: line, mag,"),
            "{refused}"
        );
    }
    assert_eq!(
        server.refused("settings/api_key_new", "data[name]=x&data[reseller_id]=9"),
        "Reseller does not exist"
    );
    let reads = Key {
        server: &server,
        key: {
            let made = server.done("settings/api_key_new", &scope("line:read,mag"));
            made["api_key"].as_str().expect("a key").to_owned()
        },
    };
    assert!(
        reads.refused("line/new", "data[subscription_plan_id]=1").starts_with("Not allowed to change line")
    );
    assert!(reads.refused("resellers/list", "").starts_with("Not allowed to read resellers"));
    reads.done("mag/new", "data[mac_address]=001A79000001&data[subscription_plan_id]=1");
    assert!(
        reads
            .refused("mag/convert_to_line", "mac_address=001A79000001")
            .starts_with("Not allowed to change line")
    );
    let listed = server.done("settings/api_key_list", "")["api_keys"][1].clone();
    assert_eq!((&listed["name"], &listed["reseller_id"]), (&json!("x"), &json!(1)));
    server.done("mag/delete", "mac_address=001A79000001");
    let refused = server.refused("resellers/delete", "id=1");
    assert!(refused.contains("1 API key"), "{refused}");
    server.done("settings/api_key_revoke", "name=x");
    server.done("resellers/delete", "id=1");
    assert_eq!(server.post("line/list", &format!("api_key={}", reads.key)).0, 401);
}

/// Every call that a bound key may make, aimed at what is not its own: how the refusal begins, or nothing where there is
/// simply nothing to see or to do.
const AIMED: &[(&str, &str, &str)] = &[
    ("line/new", "data[username]=zzzline&data[subscription_plan_id]=1", "Username exists."),
    ("line/new", "data[reference]=zzzref&data[subscription_plan_id]=1", "Reference exists."),
    ("line/new", "data[reseller_id]=2&data[subscription_plan_id]=1", "reseller_id is set by the operator"),
    ("line/update", "username=zzzline&data[notes]=x", "Wrong Username/Password."),
    ("line/update", "reference=zzzref&data[notes]=x", "Wrong Username/Password."),
    ("line/update", "username=own&data[reseller_id]=2", "reseller_id is set by the operator"),
    ("line/update", "username=own&data[server_id]=1", "server_id is set by the operator"),
    ("line/delete", "username=zzzline&password=pw", "Wrong Username/Password."),
    ("line/info", "username=zzzline&password=pw", "Wrong Username/Password."),
    ("line/info", "reference=zzzref", "Wrong Username/Password."),
    ("line/explain", "username=zzzline", "Wrong Username/Password."),
    ("line/explain", "username=own&stream_id=1", "Stream does not exist"),
    ("line/convert_to_mag", "username=zzzline&mac_address=001A79000009", "Wrong Username/Password."),
    ("line/list", "reseller_id=2", ""),
    ("line/list", "search=zzz", ""),
    ("line/list", "reference=zzzref", ""),
    ("line/list", "", ""),
    ("line/bulk", "ids[]=2&action=delete", ""),
    ("line/bulk", "ids[]=2&action=delete&dry_run=1", ""),
    ("line/bulk", "filter[reseller_id]=2&action=update&data[notes]=x", ""),
    ("line/bulk", "search=zzz&action=extend", ""),
    ("line/bulk", "ids[]=1&action=update&data[reseller_id]=2", ""),
    ("mag/new", "data[mac_address]=001A79000002&data[subscription_plan_id]=1", "MAC Address already exists"),
    ("mag/update", "mac_address=001A79000002&data[notes]=x", "MAC Address does not exist"),
    ("mag/delete", "mac_address=001A79000002", "MAC Address does not exist"),
    ("mag/info", "mac_address=001A79000002", "MAC Address does not exist"),
    ("mag/explain", "mac_address=001A79000002", "MAC Address does not exist"),
    ("mag/send_event", "mac_address=001A79000002&event=reboot", "MAC Address does not exist"),
    ("mag/reset_device", "mac_address=001A79000002", "MAC Address does not exist"),
    ("mag/set_parent_pin", "mac_address=001A79000002", "MAC Address does not exist"),
    ("mag/convert_to_line", "mac_address=001A79000002", "MAC Address does not exist"),
    ("mag/list", "mac_address=001A79000002", ""),
    ("mag/list", "search=zzz", ""),
    ("mag/bulk", "ids[]=2&action=delete", ""),
    ("mag/bulk", "filter[reseller_id]=2&action=delete&dry_run=1", ""),
    ("batches/list", "", ""),
    ("batches/info", "id=1", "Batch does not exist"),
    ("batches/undo", "id=1", "Batch does not exist"),
    ("resellers/list", "", ""),
    ("resellers/list", "search=zzz", ""),
    ("resellers/statement", "id=2", "Reseller does not exist"),
    ("resellers/statement", "username=zzzSouth", "Reseller does not exist"),
    ("resellers/statement", "username=zzzadmin", "Reseller does not exist"),
    ("resellers/statement", "id=1&username=zzzSouth", "Reseller does not exist"),
    ("connections/list", "", ""),
    ("connections/list", "username=zzzline", "Wrong Username/Password."),
    ("connections/list", "mac_address=001A79000002", "MAC Address does not exist"),
    ("connections/kill", "reference=zzzref", "Wrong Username/Password."),
    ("connections/kill", "stream_id=1", ""),
    ("connections/kill", "stream_id=999", ""),
    ("events/list", "", ""),
    ("subscription_plans/list", "", ""),
    ("subscription_plans/list", "search=zzz", ""),
    ("subscription_plans/info", "id=2", "Subscription plan does not exist"),
];

#[test]
fn through_no_call_a_bound_key_sees_or_changes_what_is_not_its_own() {
    let server = shop();
    server.done("settings/update", "data[event_retention_days]=30");
    server.done("resellers/new", "data[name]=zzzSouth&data[use_credits]=1&data[credits]=77");
    server.done(
        "administrators/new",
        "data[username]=zzzadmin&data[password]=Correct-Horse-7&data[email]=zzz@example.com&data[group_id]=2&data[reseller_id]=2",
    );
    server
        .done("streams/new", "data[name]=zzzStream&data[sources][]=http://192.0.2.1/zzz.ts&data[enabled]=0");
    server.done("bouquets/new", "data[name]=zzzBouquet&data[streams][]=1");
    server.done("line/new", "data[username]=own&data[reseller_id]=1&data[notes]=mine");
    let south = "&data[reseller_id]=2&data[notes]=zzz&data[bouquets][]=1";
    server
        .done("line/new", &format!("data[username]=zzzline&data[password]=pw&data[reference]=zzzref{south}"));
    server.done("mag/new", "data[mac_address]=001A79000001&data[reseller_id]=1");
    server.done("mag/new", &format!("data[mac_address]=001A79000002&data[reference]=zzzmag{south}"));
    let batch = server.done("line/bulk", "ids[]=2&action=update&data[notes]=zzzz")["batch_id"].clone();
    within(20, "it is over", || {
        server.done("batches/info", &format!("id={batch}"))["batch"]["state"] == "done"
    });
    // It was North's, and is South's.
    server.done("line/new", "data[username]=moved&data[reseller_id]=1");
    server.done("line/update", "username=moved&data[reseller_id]=2");
    server.done("line/update", "username=moved&data[username]=zzzmoved");
    let north = Key::new(&server, "north", "&data[reseller_id]=1");

    let description = server.curl("/api/openapi.json", &[]).1;
    let paths = description["paths"].as_object().expect("paths");
    let calls: Vec<&str> = paths.keys().filter_map(|path| path.strip_prefix("/api/")).collect();
    assert!(calls.len() > 90 && AIMED.iter().all(|(call, ..)| calls.contains(call)), "{calls:?}");
    let before = kept(&server);
    for call in &calls {
        let aimed: Vec<_> = AIMED.iter().filter(|(aimed, ..)| aimed == call).collect();
        if aimed.is_empty() {
            let sent = SENT.iter().filter(|(sent, _)| sent == call).map(|(_, body)| *body);
            for body in sent.chain(["", "id=1", "id=2"]) {
                let refused = north.refused(call, body);
                assert!(
                    refused.starts_with("Resellers have only lines and MAGs: "),
                    "{call} {body}: {refused}"
                );
            }
        }
        for (_, body, told) in aimed {
            let answer = north.call(call, body);
            let text = answer.to_string();
            assert!(!text.contains("zzz") && !text.contains("South"), "{call} {body}: {text}");
            match answer["error"].as_str() {
                Some(refused) => {
                    assert!(!told.is_empty() && refused.starts_with(told), "{call} {body}: {refused}");
                }
                None => assert_eq!(*told, "", "{call} {body}: {text}"),
            }
            if let Some(batch) = answer["batch_id"].as_i64() {
                let info = || north.done("batches/info", &format!("id={batch}"))["batch"].clone();
                within(20, "it is over", || info()["state"] == "done");
                assert!(info()["done"] == 0 && !info().to_string().contains("zzz"), "{}", info());
                assert_eq!(north.done("batches/undo", &format!("id={batch}"))["undone"], 0);
            }
        }
    }
    // Batches of nothing stand in the audit trail; beside that nothing is as it was not.
    let audit = |row: &&String| !row.starts_with("audit_log ") && !row.starts_with("sqlite_sequence ");
    let (before, after) = (before.iter().filter(audit), kept(&server));
    assert_eq!(before.collect::<Vec<_>>(), after.iter().filter(audit).collect::<Vec<_>>());
    // It does see its own, all of it and nothing else.
    let names = |list: &Value, name: &str| -> Vec<String> {
        let rows = list.as_array().expect("a list").iter();
        rows.map(|row| row[name].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&north.done("line/list", "")["lines"], "username"), ["own"]);
    assert_eq!(names(&north.done("mag/list", "")["mags"], "mac_address"), ["00:1A:79:00:00:01"]);
    assert_eq!(north.done("line/list", "")["total"], 1);
    assert_eq!(names(&north.done("resellers/list", "")["resellers"], "name"), ["North"]);
    let plans = north.done("subscription_plans/list", "");
    assert_eq!(names(&plans["subscription_plans"], "name"), ["Month", "Trial"]);
    assert_eq!(north.done("line/info", "username=OWN")["line_info"]["notes"], "mine");
    let types = names(&north.done("events/list", "")["events"], "type");
    let own = ["reseller.created", "reseller.credits", "line.created", "mag.created", "line.created"];
    assert_eq!(types, own, "what was moved is told of to neither");
    let waiting = std::thread::scope(|scope| {
        let last = north.done("events/list", "")["last_id"].clone();
        let told = scope.spawn({
            let north = &north;
            move || north.done("events/list", &format!("after={last}&wait=20"))["events"].clone()
        });
        server.done("line/update", "username=zzzline&data[notes]=zzz2");
        server.done("line/update", "username=own&data[notes]=told");
        told.join().expect("an answer")
    });
    assert_eq!(names(&waiting, "key"), ["own"]);
}

#[test]
fn a_bound_key_sees_and_ends_the_connections_of_its_own() {
    let server = with_streams(1);
    stock(&server);
    let own = "data[username]=own&data[password]=pw&data[bouquets][]=1&data[reseller_id]=1";
    server.done("line/new", own);
    let north = Key::new(&server, "north", "&data[reseller_id]=1");
    let watch = |name: &str| Player::get(&server, &format!("/live/{name}/pw/1.ts"), "player");
    let (mut bobs, mut owns) = (watch("bob"), watch("own"));
    bobs.read(188);
    owns.read(188);
    let open = server.done("connections/list", "")["connections"].clone();
    assert_eq!(open.as_array().map(Vec::len), Some(2));
    let id_of = |name: &str| {
        let found = open.as_array().expect("a list").iter().find(|open| open["subscriber"] == name);
        found.expect("a connection")["connection_id"].clone()
    };
    let seen = north.done("connections/list", "");
    assert_eq!((&seen["total"], &seen["connections"][0]["subscriber"]), (&json!(1), &json!("own")));
    assert_eq!(north.done("line/info", "username=own")["line_conn_info"][0]["connection_id"], id_of("own"));
    let others = format!("connection_id={}", id_of("bob"));
    assert_eq!(north.refused("connections/kill", &others), "Connection does not exist");
    assert_eq!(north.done("connections/kill", "stream_id=1")["killed"], json!([id_of("own")]));
    assert!(owns.is_closed_within(5));
    assert_eq!(server.done("connections/list", "")["total"], 1);
    // In the words for resellers, which name nothing of the operator's.
    server.done("line/update", "username=own&data[banned]=1");
    let explained = north.done("line/explain", "username=own&stream_id=1").to_string();
    assert!(explained.contains("The operator has banned it: ask the operator."), "{explained}");
}

#[test]
fn the_panel_makes_keys_of_resellers_and_shows_whose_they_are() {
    let server = server();
    stock(&server);
    let panel = Panel::admin(&server);
    let form = [("name", "shop"), ("reseller_id", "1"), ("scope[]", "")];
    let made = panel.post("/panel/settings/api/keys/new", &form);
    assert!(made.status == 200 && made.body.contains("The key shop"), "{}", made.body);
    let keys = server.done("settings/api_key_list", "")["api_keys"].clone();
    let shop = keys.as_array().expect("a list").iter().find(|key| key["name"] == "shop").expect("the key");
    assert_eq!(shop["reseller_id"], 1);
    assert_eq!(shop["scope"][0], "line");
    let wide = [("name", "wide"), ("reseller_id", "1"), ("scope[]", "full")];
    let refused = panel.refused("/panel/settings/api/keys/new", &wide, 422);
    assert!(refused.contains("A key bound to a reseller may have: line, mag"), "{refused}");
    let listed = panel.get("/panel/settings/api");
    assert!(listed.contains("<a href=\"/panel/resellers/1\">North</a>"), "{listed}");
    let north = panel.get("/panel/resellers/1");
    assert!(north.contains("<a href=\"/panel/settings/api\">shop</a>"), "{north}");
    assert!(panel.get("/panel/resellers/1/delete").contains("1 API key"));
}
