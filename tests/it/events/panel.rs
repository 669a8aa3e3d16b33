//! Events and webhooks in the panel.

use super::receiver::{Manner, Receiver};
use crate::support::{
    panel::{self, Panel},
    tv::within,
};

/// The secret that a page shows.
fn secret(page: &str) -> String {
    let begin = page.find("whsec_").unwrap_or_else(|| panic!("no secret: {page}"));
    page[begin..].split('"').next().expect("its end").to_owned()
}

#[test]
fn an_operator_makes_a_webhook_tests_it_and_sends_again() {
    let server = panel::server();
    let admin = Panel::admin(&server);
    server.done("settings/update", "data[fetch_local]=1");
    let receiver = Receiver::start(Manner::Status(200));
    assert!(admin.get("/panel/webhooks").contains("events are sent nowhere"));
    let wrong = [("url", receiver.url.as_str()), ("types", "line.gone")];
    assert!(
        admin.refused("/panel/webhooks/new", &wrong, 422).contains("a type of events such as line.created")
    );
    let new = [
        ("description", "My <b>shop</b>"),
        ("url", receiver.url.as_str()),
        ("types", "line.*"),
        ("enabled", "1"),
    ];
    let made = admin.post("/panel/webhooks/new", &new);
    assert_eq!((made.status, made.header("cache-control")), (200, vec!["no-store"]));
    let first = secret(&made.body);
    server.done("line/new", "data[username]=bob");
    let got = receiver.wait("the line", |got| got.len() == 1);
    assert!(got[0].is_signed_with(&first));

    let page = admin.get("/panel/webhooks");
    assert!(
        page.contains("My &#60;b&#62;shop") && !page.contains("key=s3cret") && !page.contains("whsec_"),
        "{page}"
    );
    admin.done("/panel/webhooks/1/test", &[]);
    receiver.wait("the test", |got| got.len() == 2);
    let second = secret(&admin.post("/panel/webhooks/1/secret", &[]).body);
    assert_ne!(first, second);
    within(20, "both deliveries", || {
        admin.get("/panel/webhooks/1/deliveries").matches(">delivered<").count() == 2
    });
    admin.done(&format!("/panel/webhooks/1/deliveries/{}/resend", got[0].key().1), &[]);
    let got = receiver.wait("it again", |got| got.len() == 3);
    assert!(got[2].is_signed_with(&first) && got[2].is_signed_with(&second));

    let events = admin.get("/panel/events");
    assert!(
        events.contains("line.created") && events.contains("webhook.test") && events.contains(">bob<"),
        "{events}"
    );
    // What fails is on the dashboard, with the reason.
    receiver.set(Manner::Status(410));
    server.done("line/delete", "username=bob");
    within(20, "it is switched off", || admin.get("/panel/").contains("Webhooks that need attention"));
    within(20, "the reason", || {
        admin.get("/panel/webhooks").contains("the receiver says that it is gone (410)")
    });
    admin.done("/panel/webhooks/1/delete", &[]);
    assert!(admin.get("/panel/webhooks").contains("events are sent nowhere"));
}
