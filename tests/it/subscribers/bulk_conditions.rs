//! A bulk act takes what it was told to, and never more because a condition of it is blank.

use serde_json::Value;

use crate::support::{
    KEY, TestServer,
    panel::{Panel, server},
};

fn json(server: &TestServer, call: &str, body: &str) -> Value {
    let bearer = format!("Authorization: Bearer {KEY}");
    let arguments = ["-H", &bearer, "-H", "Content-Type: application/json", "-d", body];
    server.curl(&format!("/api/{call}"), &arguments).1
}

#[test]
fn blank_conditions_are_refused_in_every_form_and_widen_nothing() {
    let server = server();
    for name in ["anna", "bert"] {
        server.done("line/new", &format!("data[username]={name}"));
    }
    server.done("mag/new", "data[mac_address]=001A79000001");
    for call in ["line/bulk", "mag/bulk"] {
        for condition in [
            "search=",
            "search=%20%20",
            "search[]=",
            "filter=",
            "filter=%20",
            "filter={}",
            "filter=[]",
            "filter[]=",
            "filter[state]=",
            "filter[state]=%20",
            "filter[expires_before]=",
            "filter[expires_after]=0",
            "filter[changed_since]=",
            "filter[changed_since]=0",
            "filter[search]=",
            "filter[search]=%09",
            "filter[reference]=",
            "filter[reseller_id]=",
            "filter[bouquets][]=",
            "filter={\"state\":\"\"}",
            "ids=",
            "ids[]=",
            "ids=[]",
            // One that is real is no leave to forget another.
            "filter[disabled]=0&search=",
            "filter[disabled]=0&filter[reseller_id]=",
            "search=a&filter=",
            "search=a&filter={}",
            "search=a&filter[search]=b",
        ] {
            let refused = server.refused(call, &format!("{condition}&action=delete"));
            assert!(refused.starts_with("Invalid ") || refused.starts_with("Missing field: "), "{refused}");
            let bearer = format!("Authorization: Bearer {KEY}");
            let escaped = condition.replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
            let path = format!("/api/{call}?{escaped}&action=delete");
            let in_query = server.curl(&path, &["-H", &bearer, "-X", "POST"]).1;
            assert_eq!(in_query["result"], false, "{condition}: {in_query}");
        }
        for condition in [
            r#""filter":{}"#,
            r#""filter":[]"#,
            r#""filter":null"#,
            r#""filter":"""#,
            r#""filter":[null]"#,
            r#""filter":{"state":null}"#,
            r#""filter":{"bouquets":[]}"#,
            r#""filter":{"search":null}"#,
            r#""search":null"#,
            r#""search":[]"#,
            r#""ids":null"#,
            r#""ids":{}"#,
            r#""ids":[1],"filter":null"#,
            r#""filter":{"disabled":0,"reseller_id":null}"#,
        ] {
            for dry in ["", r#","dry_run":1"#] {
                let answer = json(&server, call, &format!(r#"{{{condition},"action":"delete"{dry}}}"#));
                assert_eq!(answer["result"], false, "{condition}: {answer}");
            }
        }
    }
    // What stands for none is written as 0.
    let none = server.done("line/bulk", "filter[reseller_id]=0&search=ann&action=delete&dry_run=1");
    assert_eq!(none["count"], 1);
    // The panel: a condition that means nothing takes no rows either.
    let panel = Panel::admin(&server);
    for condition in ["state=activ", "reseller=x", "plan=-1"] {
        let page = panel.ask(&format!("/panel/lines/mass?{condition}"));
        assert_eq!(page.status, 422, "{}", page.body);
        let page = panel.post_bare(&format!("/panel/lines/mass?{condition}"), &[("delete", "1")]);
        assert_ne!(page.status, 200, "{}", page.body);
    }
    assert_eq!(server.done("batches/list", "")["total"], 0);
    assert_eq!(server.done("line/list", "")["total"], 2);
    // The recordings of a stream are not deleted whole by a variable that was never filled.
    assert!(server.refused("archive/delete", "stream_id=1&before=").starts_with("Invalid before"));
}
