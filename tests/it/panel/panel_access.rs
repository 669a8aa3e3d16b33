//! Who reaches which address of the panel: every address that is mounted, as every kind of caller.
//!
//! A new page is a row of [`ROUTES`]; the first test fails until it is there.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use actix_web::{
    App, HttpRequest, HttpResponse,
    test::{TestRequest, call_service, init_service},
    web,
};

use crate::support::{
    TestServer,
    panel::{PASSWORD, Page, Panel, server},
};

/// What somebody needs at an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need {
    /// There is nothing of that method.
    Nothing,
    /// It is there for everybody, signed in or not.
    Public,
    /// To be signed in.
    SignedIn,
    /// To be signed in; a page whose reader no longer is, is told to load itself anew.
    Listening,
    /// To be one of a reseller's people; for the operator's there is nothing.
    Reseller,
    /// The right to look at that.
    Look(&'static str),
    /// The right to change that.
    Change(&'static str),
}
use Need::{Change, Listening, Look, Nothing, Public, Reseller, SignedIn};

/// Address as it is mounted, an address of it, what GET needs, what POST needs.
pub type Route = (&'static str, &'static str, Need, Need);

/// Who watches: of everybody with that right, and for a reseller's people of their own lines and MAGs.
const WATCHING: &str = "connections, or own";

/// Every address of the panel.
pub const ROUTES: &[Route] = &[
    ("/", "/", SignedIn, Nothing),
    ("/assets/{file}", "/assets/none.css", Public, Nothing),
    ("/login", "/login", Public, Public),
    ("/login/code", "/login/code", Public, Public),
    ("/forgotten", "/forgotten", Public, Public),
    ("/password", "/password", Public, Public),
    ("/account", "/account", SignedIn, SignedIn),
    ("/account/second-factor", "/account/second-factor", SignedIn, SignedIn),
    ("/account/second-factor/codes", "/account/second-factor/codes", SignedIn, SignedIn),
    ("/account/second-factor/off", "/account/second-factor/off", SignedIn, SignedIn),
    ("/account/sessions/end-others", "/account/sessions/end-others", Nothing, SignedIn),
    ("/account/sessions/{id}/end", "/account/sessions/999/end", Nothing, SignedIn),
    ("/login/oidc", "/login/oidc", Public, Nothing),
    ("/login/oidc/back", "/login/oidc/back", Public, Nothing),
    ("/account/oidc", "/account/oidc", Nothing, SignedIn),
    ("/account/oidc/{id}/disconnect", "/account/oidc/999/disconnect", Nothing, SignedIn),
    ("/live/{topic}", "/live/none", Listening, Nothing),
    ("/statement", "/statement", Reseller, Nothing),
    ("/statement.csv", "/statement.csv", Reseller, Nothing),
    ("/lines", "/lines", Look("line"), Nothing),
    ("/lines/new", "/lines/new", Change("line"), Change("line")),
    ("/lines/{id}", "/lines/1", Look("line"), Nothing),
    ("/lines/{id}/edit", "/lines/1/edit", Change("line"), Change("line")),
    ("/lines/{id}/extend", "/lines/1/extend", Change("line"), Change("line")),
    ("/lines/{id}/delete", "/lines/1/delete", Change("line"), Change("line")),
    ("/lines/{id}/do/{what}", "/lines/1/do/none", Nothing, Change("line")),
    ("/lines/{id}/kick", "/lines/1/kick", Nothing, Change("line")),
    ("/lines/{id}/qr/{link}.svg", "/lines/1/qr/0.svg", Look("line"), Nothing),
    ("/lines/{id}/why", "/lines/1/why", Look("line"), Nothing),
    ("/lines/{id}/{log}", "/lines/1/refusals", Look("line"), Nothing),
    ("/lines/{id}/convert", "/lines/1/convert", Change("mag"), Change("mag")),
    ("/mags/{id}/convert", "/mags/1/convert", Change("line"), Change("line")),
    ("/mags/{id}/box", "/mags/1/box", Look("mag"), Nothing),
    ("/mags/{id}/box/event", "/mags/1/box/event", Nothing, Change("mag")),
    ("/mags/{id}/box/pin", "/mags/1/box/pin", Nothing, Change("mag")),
    ("/mags/{id}/box/reset", "/mags/1/box/reset", Nothing, Change("mag")),
    ("/batches", "/batches", Look("batches"), Nothing),
    ("/batches/{id}", "/batches/999", Look("batches"), Nothing),
    ("/batches/{id}/undo", "/batches/999/undo", Nothing, Change("batches")),
    ("/lines/mass", "/lines/mass", Change("line"), Change("line")),
    ("/lines/mass/run", "/lines/mass/run", Nothing, Change("line")),
    ("/mags", "/mags", Look("mag"), Nothing),
    ("/mags/new", "/mags/new", Change("mag"), Change("mag")),
    ("/mags/{id}", "/mags/1", Look("mag"), Nothing),
    ("/mags/{id}/edit", "/mags/1/edit", Change("mag"), Change("mag")),
    ("/mags/{id}/extend", "/mags/1/extend", Change("mag"), Change("mag")),
    ("/mags/{id}/delete", "/mags/1/delete", Change("mag"), Change("mag")),
    ("/mags/{id}/do/{what}", "/mags/1/do/none", Nothing, Change("mag")),
    ("/mags/{id}/kick", "/mags/1/kick", Nothing, Change("mag")),
    ("/mags/{id}/qr/{link}.svg", "/mags/1/qr/0.svg", Look("mag"), Nothing),
    ("/mags/{id}/why", "/mags/1/why", Look("mag"), Nothing),
    ("/mags/{id}/{log}", "/mags/1/refusals", Look("mag"), Nothing),
    ("/mags/mass", "/mags/mass", Change("mag"), Change("mag")),
    ("/mags/mass/run", "/mags/mass/run", Nothing, Change("mag")),
    ("/connections", "/connections", Look(WATCHING), Nothing),
    ("/connections/do", "/connections/do", Nothing, Change(WATCHING)),
    ("/connections/kick", "/connections/kick", Change(WATCHING), Change(WATCHING)),
    ("/streams", "/streams", Look("streams"), Nothing),
    ("/streams/search", "/streams/search", Look("streams"), Nothing),
    ("/streams/import", "/streams/import", Change("streams"), Change("streams")),
    ("/streams/import/{token}", "/streams/import/none", Change("streams"), Change("streams")),
    ("/streams/do", "/streams/do", Nothing, Change("streams")),
    ("/streams/delete", "/streams/delete?ids=1", Change("streams"), Change("streams")),
    ("/streams/new", "/streams/new", Change("streams"), Change("streams")),
    ("/streams/{id}", "/streams/1", Look("streams"), Nothing),
    ("/streams/{id}/edit", "/streams/1/edit", Look("streams"), Change("streams")),
    ("/streams/{id}/delete", "/streams/1/delete", Change("streams"), Change("streams")),
    ("/streams/{id}/kick", "/streams/1/kick", Nothing, Change("connections")),
    ("/streams/{id}/preview.mp4", "/streams/1/preview.mp4", Look("streams"), Nothing),
    ("/streams/{id}/archive", "/streams/1/archive", Look("streams"), Nothing),
    ("/streams/{id}/archive.mp4", "/streams/1/archive.mp4?at=1000000000", Look("streams"), Nothing),
    ("/streams/{id}/{what}", "/streams/1/stop", Nothing, Change("streams")),
    ("/guide", "/guide", Look("guide"), Nothing),
    ("/guide/sources", "/guide/sources", Look("guide"), Nothing),
    ("/guide/sources/new", "/guide/sources/new", Change("guide"), Change("guide")),
    ("/guide/sources/{id}", "/guide/sources/1", Look("guide"), Change("guide")),
    ("/guide/sources/{id}/refresh", "/guide/sources/1/refresh", Nothing, Change("guide")),
    ("/guide/sources/{id}/delete", "/guide/sources/1/delete", Change("guide"), Change("guide")),
    ("/guide/matches", "/guide/matches", Look("guide"), Nothing),
    ("/guide/matches/{stream}", "/guide/matches/1", Change("guide"), Change("guide")),
    ("/events", "/events", Look("events"), Nothing),
    ("/webhooks", "/webhooks", Look("events"), Nothing),
    ("/webhooks/new", "/webhooks/new", Change("events"), Change("events")),
    ("/webhooks/{id}", "/webhooks/1", Look("events"), Change("events")),
    ("/webhooks/{id}/secret", "/webhooks/1/secret", Nothing, Change("events")),
    ("/webhooks/{id}/test", "/webhooks/1/test", Nothing, Change("events")),
    ("/webhooks/{id}/delete", "/webhooks/1/delete", Change("events"), Change("events")),
    ("/webhooks/{id}/deliveries", "/webhooks/1/deliveries", Look("events"), Nothing),
    (
        "/webhooks/{id}/deliveries/{event}/resend",
        "/webhooks/1/deliveries/1/resend",
        Nothing,
        Change("events"),
    ),
    ("/messages", "/messages", Look("events"), Nothing),
    ("/messages/test", "/messages/test", Nothing, Change("events")),
    ("/messages/{id}/resend", "/messages/1/resend", Nothing, Change("events")),
    ("/message-targets", "/message-targets", Look("events"), Nothing),
    ("/message-targets/new", "/message-targets/new", Change("events"), Change("events")),
    ("/message-targets/{id}", "/message-targets/1", Look("events"), Change("events")),
    ("/message-targets/{id}/test", "/message-targets/1/test", Nothing, Change("events")),
    ("/message-targets/{id}/delete", "/message-targets/1/delete", Change("events"), Change("events")),
    ("/recordings", "/recordings", Look("archive"), Nothing),
    ("/recordings/{id}/delete", "/recordings/1/delete", Change("archive"), Change("archive")),
    ("/plans", "/plans", Look("subscription_plans"), Nothing),
    ("/plans/new", "/plans/new", Change("subscription_plans"), Change("subscription_plans")),
    ("/plans/order", "/plans/order", Change("subscription_plans"), Change("subscription_plans")),
    ("/plans/{id}", "/plans/1", Look("subscription_plans"), Change("subscription_plans")),
    ("/plans/{id}/delete", "/plans/1/delete", Change("subscription_plans"), Change("subscription_plans")),
    ("/categories", "/categories", Look("categories"), Nothing),
    ("/categories/new", "/categories/new", Change("categories"), Change("categories")),
    ("/categories/order", "/categories/order", Change("categories"), Change("categories")),
    ("/categories/{id}", "/categories/1", Look("categories"), Change("categories")),
    ("/categories/{id}/delete", "/categories/1/delete", Change("categories"), Change("categories")),
    ("/bouquets", "/bouquets", Look("bouquets"), Nothing),
    ("/bouquets/new", "/bouquets/new", Change("bouquets"), Change("bouquets")),
    ("/bouquets/order", "/bouquets/order", Change("bouquets"), Change("bouquets")),
    ("/bouquets/{id}", "/bouquets/1", Look("bouquets"), Change("bouquets")),
    ("/bouquets/{id}/delete", "/bouquets/1/delete", Change("bouquets"), Change("bouquets")),
    ("/resellers", "/resellers", Look("resellers"), Nothing),
    ("/resellers/new", "/resellers/new", Change("resellers"), Change("resellers")),
    ("/resellers/{id}", "/resellers/1", Look("resellers"), Nothing),
    ("/resellers/{id}/edit", "/resellers/1/edit", Change("resellers"), Change("resellers")),
    ("/resellers/{id}/credits", "/resellers/1/credits", Nothing, Change("resellers")),
    ("/resellers/{id}/statement.csv", "/resellers/1/statement.csv", Look("resellers"), Nothing),
    ("/resellers/{id}/delete", "/resellers/1/delete", Change("resellers"), Change("resellers")),
    ("/administrators", "/administrators", Look("administrators"), Nothing),
    ("/administrators/new", "/administrators/new", Change("administrators"), Change("administrators")),
    ("/administrators/{id}", "/administrators/2", Look("administrators"), Change("administrators")),
    ("/administrators/{id}/password", "/administrators/2/password", Nothing, Change("administrators")),
    (
        "/administrators/{id}/second-factor/reset",
        "/administrators/2/second-factor/reset",
        Change("administrators"),
        Change("administrators"),
    ),
    (
        "/administrators/{id}/sessions/end-all",
        "/administrators/2/sessions/end-all",
        Nothing,
        Change("administrators"),
    ),
    (
        "/administrators/{id}/sessions/{session}/end",
        "/administrators/2/sessions/999/end",
        Nothing,
        Change("administrators"),
    ),
    (
        "/administrators/{id}/delete",
        "/administrators/2/delete",
        Change("administrators"),
        Change("administrators"),
    ),
    ("/groups", "/groups", Look("groups"), Nothing),
    ("/groups/new", "/groups/new", Change("groups"), Change("groups")),
    ("/groups/{id}", "/groups/2", Look("groups"), Change("groups")),
    ("/groups/{id}/delete", "/groups/2/delete", Change("groups"), Change("groups")),
    ("/servers", "/servers", Look("servers"), Nothing),
    ("/servers/new", "/servers/new", Change("servers"), Change("servers")),
    ("/servers/{id}", "/servers/1", Look("servers"), Change("servers")),
    ("/servers/{id}/delete", "/servers/1/delete", Change("servers"), Change("servers")),
    ("/logs", "/logs", SignedIn, Nothing),
    ("/logs/{kind}", "/logs/audit", Look("logs"), Nothing),
    ("/logs/{kind}/csv", "/logs/audit/csv", Look("logs"), Nothing),
    ("/settings", "/settings", Look("settings"), Change("settings")),
    ("/settings/api", "/settings/api", Look("settings"), Nothing),
    ("/settings/api/whitelist", "/settings/api/whitelist", Nothing, Change("settings")),
    (
        "/settings/api/whitelist/{id}/remove",
        "/settings/api/whitelist/2/remove",
        Change("settings"),
        Change("settings"),
    ),
    ("/settings/api/classic", "/settings/api/classic", Nothing, Change("settings")),
    ("/settings/mail", "/settings/mail", Look("settings"), Change("settings")),
    ("/settings/sign-in", "/settings/sign-in", Look("settings"), Change("settings")),
    ("/settings/api/keys/new", "/settings/api/keys/new", Change("settings"), Change("settings")),
    ("/settings/api/keys/{id}/revoke", "/settings/api/keys/2/revoke", Change("settings"), Change("settings")),
    ("/settings/backups", "/settings/backups", Look("backups"), Change("settings")),
    ("/settings/backups/new", "/settings/backups/new", Nothing, Change("backups")),
    ("/settings/backups/{id}/verify", "/settings/backups/1/verify", Nothing, Change("backups")),
    ("/settings/backups/{id}/download", "/settings/backups/1/download", Nothing, Change("backups")),
    ("/settings/backups/{id}/delete", "/settings/backups/1/delete", Change("backups"), Change("backups")),
    ("/settings/jobs", "/settings/jobs", Look("settings"), Nothing),
    ("/settings/security", "/settings/security", Look("security"), Nothing),
    ("/confirm-clock", "/confirm-clock", Nothing, Change("settings")),
    ("/settings/security/unblock", "/settings/security/unblock", Nothing, Change("security")),
    // The last: whoever was here is signed out.
    ("/logout", "/logout", Nothing, SignedIn),
];

/// The patterns below `/panel` that the program mounts, as the router itself tells them.
async fn mounted() -> BTreeSet<String> {
    let seen = Rc::new(RefCell::new(String::new()));
    let told = seen.clone();
    let app = App::new().configure(linecard::panel::routes).default_service(web::to(
        move |request: HttpRequest| {
            *told.borrow_mut() = format!("{:?}", request.resource_map());
            async { HttpResponse::Ok().finish() }
        },
    ));
    let app = init_service(app).await;
    call_service(&app, TestRequest::get().uri("/elsewhere").to_request()).await;
    let text = seen.borrow();
    let patterns = text.split("patterns: Single(\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let below = patterns
        .map(|(pattern, _)| pattern)
        .filter(|pattern| !matches!(*pattern, "" | "/panel" | "/favicon.ico"));
    below.map(str::to_owned).collect()
}

#[actix_web::test]
async fn every_address_of_the_panel_stands_in_the_table_of_this_test() {
    let listed: BTreeSet<String> = ROUTES.iter().map(|(pattern, ..)| (*pattern).to_owned()).collect();
    assert_eq!(listed.len(), ROUTES.len(), "an address stands twice");
    let mounted = mounted().await;
    let missing: Vec<_> = mounted.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&mounted).collect();
    assert!(missing.is_empty() && gone.is_empty(), "add {missing:#?} to ROUTES, take {gone:#?} out");
}

/// A row of everything that the addresses of [`ROUTES`] name; what belongs to somebody belongs to reseller 1.
fn furnished() -> TestServer {
    let server = server();
    server.done("categories/new", "data[name]=News");
    server.done("streams/new", "data[name]=One&data[sources][]=http://127.0.0.1:9/x&data[enabled]=0");
    server.done("guide_sources/new", "data[name]=Guide&data[url]=guide/none.xml&data[refresh_hours]=0");
    server.done("webhooks/new", "data[url]=http://192.0.2.1:9/");
    server.done("message_targets/new", "data[name]=Pager&data[url]=http://192.0.2.1:9/");
    server.done("bouquets/new", "data[name]=All");
    server.done("subscription_plans/new", "data[name]=Month");
    for name in ["North", "South"] {
        server.done("resellers/new", &format!("data[name]={name}&data[credits]=50"));
    }
    for (reseller, mac) in [(1, "01"), (2, "02")] {
        server.done("line/new", &format!("data[username]=line{reseller}&data[reseller_id]={reseller}"));
        server
            .done("mag/new", &format!("data[mac_address]=00:1A:79:00:00:{mac}&data[reseller_id]={reseller}"));
    }
    server.done("groups/new", "data[name]=Readers&data[rights][]=read_only");
    server.done("groups/new", "data[name]=Narrow&data[rights][]=categories");
    for (name, group, reseller) in [("sara", 2, "1"), ("rita", 3, ""), ("nora", 4, ""), ("fay", 1, "")] {
        server.done(
            "administrators/new",
            &format!(
                "data[username]={name}&data[email]={name}@example.com&data[group_id]={group}\
                 &data[reseller_id]={reseller}&data[password]={PASSWORD}"
            ),
        );
    }
    server.done("settings/api_key_new", "data[name]=second");
    server
}

/// What an answer means to whoever asked.
#[derive(Debug, PartialEq)]
enum Answer {
    /// To the login page.
    SignIn,
    /// Not allowed.
    Denied,
    /// Nothing there, for this method or at all.
    Absent,
    /// Answered, be it with a refusal of what was sent.
    Answered,
}

fn answer(page: &Page) -> Answer {
    match page.status {
        303 if page.location().starts_with("/panel/login?next=") => Answer::SignIn,
        403 => Answer::Denied,
        404 | 405 => Answer::Absent,
        200 | 303 | 409 | 410 | 422 | 401 => Answer::Answered,
        status => panic!("{status}\n{}", page.body),
    }
}

/// Asks for every address with GET and with an empty POST.
fn walk(panel: &Panel<'_>, expected: impl Fn(Need) -> Answer) {
    let mut wrong = Vec::new();
    for (_, path, get, post) in ROUTES {
        let path = format!("/panel{path}");
        for (method, need) in [("GET", *get), ("POST", *post)] {
            let page = panel.curl(&["-m", "5", "-X", method], None, &path);
            let (found, wanted) = (answer(&page), expected(need));
            // Somebody who is not signed in learns of no address whether it is there.
            let signed_out = wanted == Answer::SignIn && found == Answer::Absent && need == Nothing;
            // An address that an earlier row took away: it was reached.
            let gone = wanted == Answer::Answered && found == Answer::Absent;
            if found != wanted && !signed_out && !gone {
                wrong.push(format!("{method} {path}: {found:?}, not {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nobody_reaches_anything_without_signing_in() {
    let server = furnished();
    walk(&Panel::nobody(&server), |need| match need {
        Public | Listening => Answer::Answered,
        _ => Answer::SignIn,
    });
}

#[test]
fn somebody_who_may_only_look_looks_at_everything_and_changes_nothing() {
    let server = furnished();
    walk(&Panel::of(&server, "rita", PASSWORD), |need| match need {
        Public | SignedIn | Listening | Look(_) => Answer::Answered,
        Change(_) => Answer::Denied,
        Nothing | Reseller => Answer::Absent,
    });
    let lines = server.done("line/list", "");
    assert_eq!((&lines["total"], &server.done("resellers/list", "")["total"]), (&2.into(), &2.into()));
}

#[test]
fn somebody_with_one_right_reaches_that_and_nothing_else() {
    let server = furnished();
    walk(&Panel::of(&server, "nora", PASSWORD), |need| match need {
        Public | SignedIn | Listening | Look("categories" | "batches") | Change("categories" | "batches") => {
            Answer::Answered
        }
        Look(_) | Change(_) => Answer::Denied,
        Nothing | Reseller => Answer::Absent,
    });
}

#[test]
fn a_resellers_people_reach_lines_mags_their_batches_and_their_statement_alone() {
    let server = furnished();
    walk(&Panel::of(&server, "sara", PASSWORD), |need| match need {
        Public
        | SignedIn
        | Listening
        | Reseller
        | Look("line" | "mag" | "batches" | WATCHING)
        | Change("line" | "mag" | "batches" | WATCHING) => Answer::Answered,
        Look(_) | Change(_) => Answer::Denied,
        Nothing => Answer::Absent,
    });
}

#[test]
fn somebody_with_every_right_reaches_every_address() {
    let server = furnished();
    walk(&Panel::of(&server, "fay", PASSWORD), |need| match need {
        Nothing | Reseller => Answer::Absent,
        _ => Answer::Answered,
    });
}

#[test]
fn a_resellers_people_reach_nothing_of_another_reseller_by_any_address_or_parameter() {
    let server = furnished();
    let sara = Panel::of(&server, "sara", PASSWORD);
    let own = |pattern: &str| pattern.starts_with("/lines/{id}") || pattern.starts_with("/mags/{id}");
    let mut asked = 0;
    for (_, path, get, post) in ROUTES.iter().filter(|(pattern, ..)| own(pattern)) {
        let path = format!("/panel{}", path.replacen("/1", "/2", 1));
        for (method, need) in [("GET", get), ("POST", post)] {
            if *need != Nothing {
                let page = sara.curl(&["-X", method], None, &path);
                assert_eq!(page.status, 404, "{method} {path}\n{}", page.body);
                asked += 1;
            }
        }
    }
    assert!(asked > 20, "{asked}");
    for path in ["/panel/lines", "/panel/mags", "/panel/", "/panel/statement"] {
        for query in
            ["", "?reseller=2", "?reseller_id=2", "?id=2", "?search=line2", "?search=00:1A:79:00:00:02"]
        {
            let page = sara.ask(&format!("{path}{query}"));
            assert_eq!(page.status, 200, "{path}{query}");
            // What was searched for stands in the search box, and in links that go on from there.
            let echoes = [
                "value=\"line2\"",
                "value=\"00:1A:79:00:00:02\"",
                "search=line2",
                "search=00%3A1A%3A79%3A00%3A00%3A02",
            ];
            let body = echoes.iter().fold(page.body, |body, echo| body.replace(echo, ""));
            for other in ["line2", "00:1A:79:00:00:02", "South"] {
                assert!(!body.contains(other), "{path}{query} shows {other}: {body}");
            }
        }
    }
    // What was sent is not believed: whatever it names, it is sara's own.
    sara.post("/panel/lines/new", &[("username", "mine"), ("password", "mine"), ("reseller_id", "2")]);
    sara.post("/panel/lines/1/edit", &[("reseller_id", "2"), ("max_allowed_connections", "1")]);
    let lines = server.done("line/list", "reseller_id=2");
    assert_eq!((&lines["total"], &lines["lines"][0]["username"]), (&1.into(), &"line2".into()), "{lines}");
    assert_eq!(server.done("mag/list", "reseller_id=2")["total"], 1);
}
