//! Servers in the panel.

use crate::support::panel::{Panel, server};

#[test]
fn a_load_balancer_is_made_shown_changed_and_deleted_and_the_main_server_stays() {
    let server = server();
    let panel = Panel::admin(&server);
    let page = panel.get("/panel/servers");
    assert!(
        page.contains("main server") && page.contains("id=\"load\"") && !page.contains("/delete"),
        "{page}"
    );
    let made = [("name", "North"), ("server_ip", "192.0.2.7"), ("http_port", "8081")];
    let page = panel.done("/panel/servers/new", &made);
    assert!(page.contains("North was created.") && page.contains("load balancer"), "{page}");
    assert!(page.contains("<code>192.0.2.7</code>") && page.contains("port 8081"), "{page}");
    let wrong = panel.refused("/panel/servers/2", &[("name", "North"), ("server_ip", "nowhere")], 422);
    assert!(wrong.contains("value=\"nowhere\""), "what was typed stays: {wrong}");
    assert!(panel.done("/panel/servers/2", &[("name", "South")]).contains("South was changed."));
    assert!(panel.get("/panel/servers/2/delete").contains("Delete South?"));
    assert!(panel.done("/panel/servers/2/delete", &[]).contains("South was deleted."));
    assert!(panel.refused("/panel/servers/1/delete", &[], 409).contains("cannot be deleted"));
    let told = panel.curl(&["-N", "--max-time", "3"], None, "/panel/live/servers").body;
    assert!(told.contains("event: list\n") && told.contains("event: load\n"), "{told}");
}
