//! Every form and button of the panel, sent by something that has not opened its page: whose work would be taken back,
//! or done twice?
//!
//! A new address that takes a POST is a row of [`FORMS`]; the first test fails until it is there.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    panel::panel_access::{Need, ROUTES},
    support::{
        TestServer,
        panel::{Panel, server},
    },
};

/// What an address does with what is sent to it.
pub enum Form {
    /// Changes a row, or asks before it goes: only with the marks of what was shown. What somebody would type.
    Edit(&'static [(&'static str, &'static str)]),
    /// Makes something: once, however often it is sent. What somebody would type.
    Make(&'static [(&'static str, &'static str)]),
    /// Gives something back at the press of a button: only to the row as it was shown. The words that say that nothing was
    /// done.
    Give(&'static [(&'static str, &'static str)], &'static str),
    /// Needs neither; why.
    Free(&'static str),
}
pub use Form::{Edit, Free, Give, Make};

const NAME: &[(&str, &str)] = &[("name", "Typed")];
const NONE: &[(&str, &str)] = &[];
const NOTES: &[(&str, &str)] = &[("notes", "typed")];
const LOOK: &str = "was changed by somebody else meanwhile, and nothing was done: check it first.";

/// Every address that takes a POST, as it is mounted; an address of it; what it does.
pub const FORMS: &[(&str, &str, Form)] = &[
    ("/login", "", Free("signs in: nothing is shown before")),
    ("/forgotten", "", Free("sends an e-mail: how often is bounded")),
    ("/password", "", Free("needs the token of a link, which is good once")),
    ("/login/code", "", Free("signs in: nothing is shown before")),
    ("/account/second-factor", "", Free("needs the password, and a code of what was shown")),
    ("/account/second-factor/codes", "", Free("needs a code, which is good once")),
    ("/account/second-factor/off", "", Free("needs a code, which is good once")),
    ("/account/sessions/end-others", "", Free("takes away")),
    ("/logout", "", Free("ends the own session")),
    ("/account", "", Free("needs the present password, which is another after the first")),
    ("/account/sessions/{id}/end", "", Free("takes away")),
    ("/account/oidc", "", Free("needs the password, and only leads to the provider")),
    ("/account/oidc/{id}/disconnect", "", Free("takes away")),
    ("/lines/new", "/lines/new", Make(&[("username", "typed")])),
    ("/lines/{id}/edit", "/lines/1/edit", Edit(NOTES)),
    ("/lines/{id}/extend", "/lines/1/extend", Edit(&[("subscription_plan_id", "1")])),
    ("/lines/{id}/delete", "/lines/1/delete", Edit(NONE)),
    ("/lines/{id}/do/{what}", "/lines/1/do/unban", Give(NONE, LOOK)),
    ("/lines/{id}/kick", "", Free("takes away")),
    ("/lines/{id}/convert", "/lines/1/convert", Edit(&[("mac_address", "001A79000009")])),
    ("/mags/{id}/convert", "/mags/1/convert", Edit(&[("username", "typed")])),
    ("/mags/{id}/box/event", "/mags/1/box/event", Make(&[("event", "send_msg"), ("msg", "Good evening")])),
    ("/mags/{id}/box/pin", "/mags/1/box/pin", Edit(&[("parent_pin", "4711")])),
    (
        "/mags/{id}/box/reset",
        "/mags/1/box/reset",
        Give(NONE, "Nothing was done: the device has changed meanwhile."),
    ),
    ("/batches/{id}/undo", "", Free("takes back only what nobody has changed since, and nothing twice")),
    ("/lines/mass", "", Free("only shows what would be done")),
    ("/lines/mass/run", "", Free("does what its preview showed, to rows that nobody has changed since")),
    ("/mags/new", "/mags/new", Make(&[("mac_address", "001A79000008")])),
    ("/mags/{id}/edit", "/mags/1/edit", Edit(NOTES)),
    ("/mags/{id}/extend", "/mags/1/extend", Edit(&[("subscription_plan_id", "1")])),
    ("/mags/{id}/delete", "/mags/1/delete", Edit(NONE)),
    ("/mags/{id}/do/{what}", "/mags/1/do/enable", Give(NONE, LOOK)),
    ("/mags/{id}/kick", "", Free("takes away")),
    ("/mags/mass", "", Free("only shows what would be done")),
    ("/mags/mass/run", "", Free("does what its preview showed, to rows that nobody has changed since")),
    ("/connections/do", "", Free("takes away")),
    ("/connections/kick", "", Free("takes away")),
    ("/streams/import", "", Free("keeps the list that is sent, and shows it")),
    ("/streams/import/{token}", "", Free("the kept list is imported once")),
    (
        "/streams/do",
        "/streams/do",
        Give(
            &[("ids[]", "2"), ("do", "start")],
            "One was changed by somebody else meanwhile, and not started",
        ),
    ),
    ("/streams/delete", "/streams/delete?ids=1", Edit(NONE)),
    ("/streams/new", "/streams/new", Make(NAME)),
    ("/streams/{id}/edit", "/streams/1/edit", Edit(NOTES)),
    ("/streams/{id}/delete", "/streams/1/delete", Edit(NONE)),
    ("/streams/{id}/kick", "", Free("takes away")),
    (
        "/streams/{id}/{what}",
        "/streams/2/start",
        Give(NONE, "was changed by somebody else meanwhile, and not started: check it first."),
    ),
    ("/webhooks/new", "/webhooks/new", Make(&[("url", "http://192.0.2.1:9/typed")])),
    ("/webhooks/{id}", "/webhooks/1", Edit(&[("description", "typed")])),
    ("/webhooks/{id}/delete", "/webhooks/1/delete", Edit(NONE)),
    ("/webhooks/{id}/secret", "", Free("makes another secret, and the one before is good for a day")),
    ("/webhooks/{id}/test", "", Free("sends a test, whatever there was before")),
    ("/webhooks/{id}/deliveries/{event}/resend", "", Free("sends the same again, under the same id")),
    ("/messages/test", "", Free("sends a test, whatever there was before")),
    ("/messages/{id}/resend", "", Free("sends the same again")),
    (
        "/message-targets/new",
        "/message-targets/new",
        Make(&[("name", "typed"), ("url", "http://192.0.2.1:9/typed")]),
    ),
    ("/message-targets/{id}", "/message-targets/1", Edit(&[("name", "typed")])),
    ("/message-targets/{id}/delete", "/message-targets/1/delete", Edit(NONE)),
    ("/message-targets/{id}/test", "", Free("sends a test, whatever there was before")),
    ("/plans/new", "/plans/new", Make(NAME)),
    ("/plans/order", "/plans/order", Edit(&[("order", "2\n1")])),
    ("/plans/{id}", "/plans/1", Edit(NAME)),
    ("/plans/{id}/delete", "/plans/2/delete", Edit(NONE)),
    ("/categories/new", "/categories/new", Make(NAME)),
    ("/categories/order", "/categories/order", Edit(&[("order", "2\n1")])),
    ("/categories/{id}", "/categories/1", Edit(NAME)),
    ("/categories/{id}/delete", "/categories/1/delete", Edit(NONE)),
    ("/bouquets/new", "/bouquets/new", Make(NAME)),
    ("/bouquets/order", "/bouquets/order", Edit(&[("order", "2\n1")])),
    ("/bouquets/{id}", "/bouquets/1", Edit(&[("streams", "2\n1")])),
    ("/bouquets/{id}/delete", "/bouquets/2/delete", Edit(NONE)),
    ("/resellers/new", "/resellers/new", Make(NAME)),
    ("/resellers/{id}/edit", "/resellers/1/edit", Edit(NAME)),
    (
        "/resellers/{id}/credits",
        "/resellers/1/credits",
        Make(&[("way", "add"), ("amount", "5"), ("note", "typed")]),
    ),
    ("/resellers/{id}/delete", "/resellers/1/delete", Edit(NONE)),
    (
        "/administrators/new",
        "/administrators/new",
        Make(&[
            ("username", "typed"),
            ("email", "typed@example.com"),
            ("group_id", "3"),
            ("password", "Jd83nskw72"),
        ]),
    ),
    ("/administrators/{id}", "/administrators/2", Edit(&[("email", "t@example.com")])),
    ("/administrators/{id}/password", "/administrators/2/password", Edit(&[("password", "Kx92mdne83")])),
    ("/administrators/{id}/second-factor/reset", "", Free("takes away, and only what is there")),
    ("/administrators/{id}/sessions/end-all", "", Free("takes away")),
    ("/administrators/{id}/sessions/{session}/end", "", Free("takes away")),
    ("/administrators/{id}/delete", "/administrators/2/delete", Edit(NONE)),
    ("/groups/new", "/groups/new", Make(NAME)),
    ("/groups/{id}", "/groups/3", Edit(NAME)),
    ("/groups/{id}/delete", "/groups/3/delete", Edit(NONE)),
    ("/servers/new", "/servers/new", Make(&[("name", "Typed"), ("server_ip", "192.0.2.8")])),
    ("/servers/{id}", "/servers/2", Edit(NOTES)),
    ("/servers/{id}/delete", "/servers/2/delete", Edit(NONE)),
    ("/settings", "/settings", Edit(&[("operator_name", "Typed")])),
    ("/settings/api/whitelist", "/settings/api/whitelist", Make(&[("address", "192.0.2.77")])),
    ("/settings/api/whitelist/{id}/remove", "/settings/api/whitelist/3/remove", Edit(NONE)),
    ("/settings/mail", "/settings/mail", Edit(&[("mail_from", "typed@a.example")])),
    ("/settings/backups", "/settings/backups", Edit(&[("backup_hour", "4")])),
    ("/settings/backups/new", "", Free("refused while one is made")),
    ("/settings/backups/{id}/verify", "", Free("looks at what is there")),
    ("/settings/backups/{id}/download", "", Free("changes nothing")),
    ("/settings/backups/{id}/delete", "", Free("takes away")),
    ("/settings/sign-in", "/settings/sign-in", Edit(&[("oidc_client_id", "typed")])),
    ("/settings/api/classic", "/settings/api/classic", Edit(&[("classic_api_allow", "192.0.2.78")])),
    ("/settings/api/keys/new", "/settings/api/keys/new", Make(NAME)),
    ("/settings/api/keys/{id}/revoke", "/settings/api/keys/2/revoke", Edit(NONE)),
    ("/guide/sources/new", "/guide/sources/new", Make(&[("name", "Typed"), ("url", "guide/typed.xml")])),
    ("/guide/sources/{id}", "/guide/sources/1", Edit(NAME)),
    ("/guide/sources/{id}/delete", "/guide/sources/1/delete", Edit(NONE)),
    ("/guide/sources/{id}/refresh", "", Free("fetches what is there now, however often it is sent")),
    ("/guide/matches/{stream}", "", Free("the channel that was chosen last is the one")),
    ("/recordings/{id}/delete", "", Free("takes away")),
    ("/confirm-clock", "", Free("says what the person knows of the clock")),
    ("/settings/security/unblock", "", Free("lets in by name, and those who guess on are shut out anew")),
];

/// One row of everything that [`FORMS`] names.
pub fn furnish(server: &TestServer) {
    for name in ["One", "Two"] {
        server.done("streams/new", &format!("data[name]={name}&data[enabled]=0"));
        server.done("categories/new", &format!("data[name]={name}"));
        server.done("bouquets/new", &format!("data[name]={name}"));
        server.done("subscription_plans/new", &format!("data[name]={name}"));
    }
    server.done("bouquets/update", "id=1&data[streams]=[1,2]");
    server.done("resellers/new", "data[name]=North&data[credits]=50");
    server.done("groups/new", "data[name]=Staff&data[rights][]=line");
    server.done("servers/new", "data[name]=Two&data[server_ip]=192.0.2.9");
    let person = "data[username]=sara&data[email]=sara@example.com&data[group_id]=3";
    server.done("administrators/new", &format!("{person}&data[password]=Jd83nskw72"));
    server.done("line/new", "data[username]=bob&data[expire_date]=1900000000&data[banned]=1");
    server.done("mag/new", "data[mac_address]=001A79000001&data[expire_date]=1900000000&data[disabled]=1");
    server.done("settings/whitelist_add", "address=192.0.2.5");
    server.done("settings/api_key_new", "data[name]=second");
    server.done("webhooks/new", "data[url]=http://192.0.2.1:9/&data[enabled]=0");
    server.done("message_targets/new", "data[name]=Pager&data[url]=http://192.0.2.1:9/&data[enabled]=0");
    server.done(
        "guide_sources/new",
        "data[name]=Guide&data[url]=guide/x.xml&data[refresh_hours]=0&data[enabled]=0",
    );
}

fn furnished() -> TestServer {
    let server = server();
    furnish(&server);
    server
}

/// How much was ever done.
fn acts(server: &TestServer) -> u64 {
    server.done("logs/list", "kind=audit&limit=1")["total"].as_u64().unwrap()
}

#[test]
fn every_address_that_takes_a_form_stands_in_the_table_of_this_test() {
    let listed: BTreeSet<&str> = FORMS.iter().map(|(pattern, ..)| *pattern).collect();
    assert_eq!(listed.len(), FORMS.len(), "an address stands twice");
    let posts = ROUTES.iter().filter(|(.., post)| *post != Need::Nothing).map(|(pattern, ..)| *pattern);
    let mounted: BTreeSet<&str> = posts.collect();
    let missing: Vec<_> = mounted.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&mounted).collect();
    assert!(missing.is_empty() && gone.is_empty(), "add {missing:#?} to FORMS, take {gone:#?} out");
    assert!(FORMS.iter().all(|(.., form)| !matches!(form, Free(why) if why.is_empty())), "say why");
}

#[test]
fn what_does_not_say_what_it_showed_changes_nothing() {
    let server = furnished();
    let panel = Panel::admin(&server);
    let before = acts(&server);
    let marks = ["username=0 notes", "x", "\u{0}", "-1", "99999999999999999999"];
    for (_, path, form) in FORMS {
        let path = format!("/panel{path}");
        let with = |fields: &[(&'static str, &'static str)], seen: Option<&'static str>| {
            let marks = seen.map(|seen| ("seen", seen));
            panel.post_bare(&path, &fields.iter().copied().chain(marks).collect::<Vec<_>>())
        };
        let garbage = std::iter::once(None).chain(marks.into_iter().map(Some));
        match form {
            Edit(typed) => {
                for seen in garbage {
                    let page = with(typed, seen);
                    assert_eq!(page.status, 409, "{path} {seen:?}: {}", page.body);
                    let says = page.body.contains("did not say what it showed")
                        || page.body.contains("Check it, and send this again");
                    assert!(says, "{path} {seen:?}: {}", page.body);
                }
            }
            Give(typed, words) => {
                let page = with(typed, None);
                assert_eq!(page.status, 303, "{path}: {}", page.body);
                let told = panel.get(page.location());
                assert!(told.contains(words), "{path}: {told}");
            }
            Make(typed) => {
                let page = with(typed, None);
                assert!(matches!(page.status, 409 | 422), "{path}: {} {}", page.status, page.body);
            }
            Free(_) => continue,
        }
        assert_eq!(acts(&server), before, "{path} did something");
    }
}

#[test]
fn what_is_sent_twice_is_made_once() {
    let server = furnished();
    let panel = Panel::admin(&server);
    let mut before = acts(&server);
    for (_, path, form) in FORMS {
        let Make(typed) = form else { continue };
        let path = format!("/panel{path}");
        let (_, marks) = panel.opened(&path);
        let mut fields = typed.to_vec();
        fields.extend(marks.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let first = panel.post_bare(&path, &fields);
        assert!(matches!(first.status, 200 | 303), "{path}: {} {}", first.status, first.body);
        assert_eq!(acts(&server), before + 1, "{path} did nothing");
        before += 1;
        let second = panel.post_bare(&path, &fields);
        // A key or secret is shown again: the browser drops the first answer to a double click.
        let status = if path.ends_with("/keys/new") || path.ends_with("/webhooks/new") { 200 } else { 303 };
        assert_eq!(second.status, status, "{path}: {}", second.body);
        assert_eq!(acts(&server), before, "{path} made another");
    }
}

#[test]
fn back_leads_to_forms_that_make_something_once_and_nothing_else_is_kept() {
    let server = furnished();
    let panel = Panel::admin(&server);
    let mut kept = 0;
    let pages = ["/resellers/1", "/mags/1/box", "/settings/api", "/lines", "/"];
    for path in FORMS.iter().map(|(_, path, _)| *path).chain(pages) {
        let page = panel.ask(&format!("/panel{path}"));
        if page.status != 200 {
            continue;
        }
        let is_kept = page.body.contains("name=\"slip\"");
        let expected = if is_kept { "private, no-cache" } else { "no-store" };
        assert_eq!(page.header("cache-control"), [expected], "{path}");
        kept += usize::from(is_kept);
    }
    assert!(kept > 10, "{kept}");
}

#[test]
fn switches_of_a_new_subscriber_stand_as_the_server_api_sets_them() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done("line/new", "data[username]=api");
    server.done("mag/new", "data[mac_address]=001A79000001");
    for (kind, call, typed, made) in [
        ("lines", "line/info", "username=panel", "username=api"),
        ("mags", "mag/info", "mac_address=001A79000002", "mac_address=001A79000001"),
    ] {
        let (name, value) = typed.split_once('=').unwrap();
        let path = format!("/panel/{kind}/new");
        let page = panel.get(&path);
        let on = |switch: &str| page.contains(&format!("name=\"{switch}\" value=\"1\" checked"));
        let row = |which: &str| server.done(call, which)[format!("{}_info", &kind[..kind.len() - 1])].clone();
        let by_api = row(made);
        // What a browser sends of them.
        let mut fields = vec![(name, value)];
        for switch in ["catchup", "isp_lock", "disabled", "banned", "restreamer", "lock_device"] {
            if !by_api[switch].is_null() {
                assert_eq!(json!(i64::from(on(switch))), by_api[switch], "{kind}: {switch}");
                fields.extend(on(switch).then_some((switch, "1")));
            }
        }
        panel.done(&path, &fields);
        assert_eq!(row(typed)["catchup"], 1, "{kind}");
    }
}
