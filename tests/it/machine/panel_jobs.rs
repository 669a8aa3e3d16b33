//! Background jobs in the panel: what ran, when, and what went wrong.

use std::time::{Duration, Instant};

use crate::support::panel::{Panel, server};

/// The row of a job, once it says what is waited for.
fn row(panel: &Panel<'_>, job: &str, says: &str) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let page = panel.get("/panel/settings/jobs");
        let row = page.split("<tr>").find(|row| row.contains(&format!(">{job}<")));
        let row = row.unwrap_or_else(|| panic!("{job}: {page}")).to_owned();
        if row.contains(says) {
            return row;
        }
        assert!(Instant::now() < until, "{job}, {says}: {row}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn every_job_is_listed_and_one_that_fails_says_why_until_it_goes_well_again() {
    let server = server().expecting("no such table: api_log");
    let panel = Panel::admin(&server);
    let page = panel.get("/panel/settings/jobs");
    assert!(panel.get("/panel/settings").contains("href=\"/panel/settings/jobs\""));
    for job in ["Follow changes", "Connection and refusal logs", "Usage", "Servers", "Clean up"] {
        assert!(page.contains(job), "{job}: {page}");
    }
    assert!(row(&panel, "Follow changes", "running").contains("all the time"));
    let load = row(&panel, "Load", "waiting");
    assert!(load.contains("every 3 s") && load.contains("<time ") && load.contains("none</span>"), "{load}");
    let told = panel.curl(&["-N", "--max-time", "3"], None, "/panel/live/jobs").body;
    assert!(told.contains("event: jobs"), "{told}");

    // Somebody else takes its table away, and gives it back.
    let database = rusqlite::Connection::open(server.data().join("linecard.db")).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database.execute_batch("ALTER TABLE api_log RENAME TO away").unwrap();
    server.done("line/list", "");
    let failed = row(&panel, "API call log", "failed");
    assert!(failed.contains("class=\"badge bad\"") && !failed.contains("none</span>"), "{failed}");
    assert!(!failed.contains("INSERT"), "the statement stays in the log: {failed}");
    database.execute_batch("ALTER TABLE away RENAME TO api_log").unwrap();
    let back = row(&panel, "API call log", "class=\"badge good\"");
    assert!(
        back.contains("class=\"under\"") && !back.contains("none</span>"),
        "its error stays known: {back}"
    );
    assert!(server.log().contains("the job \"API call log\" failed"));
}
