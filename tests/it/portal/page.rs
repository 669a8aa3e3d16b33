//! `/c/`: the page for screens.

use crate::support::{TestServer, set::ask};

#[test]
fn the_page_for_screens_and_the_files_that_apps_look_for() {
    let server = TestServer::start();
    for folder in ["", "/stalker_portal"] {
        for (file, holds) in [
            ("", "<script src=\"portal.js\">"),
            ("index.html", "portal.css"),
            ("portal.js", "get_profile"),
            ("device.js", "gSTB"),
            ("portal.css", "#channels"),
            ("version.js", "var ver = '5.6.2';"),
            ("xpcom.common.js", "ajax_loader"),
        ] {
            let (status, text) = ask(&server, &format!("{folder}/c/{file}"), &[], &[]);
            assert!(status == 200 && text.contains(holds), "{folder}/c/{file}: {status}");
        }
        let (status, _) = ask(&server, &format!("{folder}/c"), &[], &["-L"]);
        assert_eq!(status, 200);
    }
    let scripts = ["portal.js", "device.js", "xpcom.common.js"];
    for script in scripts.map(|name| ask(&server, &format!("/c/{name}"), &[], &[]).1) {
        for new in ["=>", "`", "const ", "let ", "Promise", "fetch("] {
            assert!(!script.contains(new), "old engines do not know {new}");
        }
    }
}
