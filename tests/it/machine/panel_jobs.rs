//! Background jobs in the panel: what ran, when, and what went wrong.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    channels::panel_import::{import, upload},
    support::{
        TestServer,
        panel::{PASSWORD, Panel, server},
    },
};

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

#[test]
fn an_import_has_its_row_among_the_jobs_also_after_the_server_was_killed_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let admin = [("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))];
    let server = TestServer::with(folder, &[], &admin);
    let panel = Panel::admin(&server);
    assert!(row(&panel, IMPORT, "not run yet").contains("when somebody starts it"));
    let list = |count: usize| {
        let entries = (1..=count).map(|n| format!("#EXTINF:-1,Channel {n}\nhttp://h/{n}\n"));
        entries.collect::<Vec<_>>().concat()
    };
    import(&panel, &list(3), &[]);
    let done = job(&server);
    assert!(!row(&panel, IMPORT, "waiting").contains(">3 of 3<"), "it is over");
    assert_eq!(
        (&done["running"], &done["failed"], &done["progress"]),
        (&false.into(), &false.into(), &Value::Null)
    );
    assert!(done["last_run_at"].is_i64() && done["last_error"].is_null(), "{done}");
    assert!(done["period"].is_null() && done["next_run_at"].is_null(), "{done}");

    let at = upload(&panel, list(60_000).as_bytes());
    // It answers when the import takes longer than a moment.
    panel.post(&at, &[]);
    let so_far = job(&server);
    assert_eq!((&so_far["running"], &so_far["progress"]["of"]), (&true.into(), &60_000.into()), "{so_far}");
    let folder = server.kill();

    let server = TestServer::with(folder, &[], &admin);
    let panel = Panel::admin(&server);
    let cut_off = job(&server);
    let imported = server.done("streams/list", "limit=1")["total"].clone();
    assert_eq!((&cut_off["running"], &cut_off["failed"]), (&false.into(), &true.into()), "{cut_off}");
    assert_eq!(cut_off["progress"]["done"], imported, "{cut_off}");
    assert!(cut_off["last_error"].as_str().unwrap().contains("import the list again"), "{cut_off}");
    let shown = row(&panel, IMPORT, "failed");
    assert!(shown.contains("of 60,000") && shown.contains("It was cut off before its end"), "{shown}");
    import(&panel, &list(2), &[]);
    assert_eq!(job(&server)["failed"], false, "the newest tells the state");
}

const IMPORT: &str = "Channel list import";

/// What `jobs/list` tells of imports.
fn job(server: &TestServer) -> Value {
    let jobs = server.done("jobs/list", "")["jobs"].clone();
    jobs.as_array().unwrap().iter().find(|job| job["name"] == IMPORT).expect("its row").clone()
}
