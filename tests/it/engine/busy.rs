//! Another program holds the write lock of the database: every face answers soon, and none with "Internal Server Error".

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    panel::{
        panel_access::{Need, ROUTES},
        panel_forms::{Edit, FORMS, Give, Make, furnish},
    },
    support::{
        TestServer,
        panel::{PASSWORD, Panel},
        set::Set,
        tv::{Player, put_picture, within},
    },
};

/// Browsers that send at the same time.
const PANELS: usize = 8;
const MAC: &str = "00:1A:79:00:00:01";

/// Takes the write lock as another program does.
fn hold(server: &TestServer) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    other.busy_timeout(Duration::from_secs(5)).expect("set");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    other
}

fn within_five<T>(what: &str, ask: impl FnOnce() -> T) -> T {
    let asked = Instant::now();
    let answer = ask();
    assert!(asked.elapsed() < Duration::from_millis(5500), "{what}: {:?}", asked.elapsed());
    answer
}

#[test]
fn no_face_fails_while_another_program_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    put_picture(folder.path());
    let server = TestServer::with(folder, &[], &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))])
        .expecting("database busy");
    furnish(&server);
    server.done("streams/update", "id=1&data[sources][]=media/test.ts&data[enabled]=1");
    server.done("subscription_plans/update", "id=1&data[duration]=1");
    server.done(
        "line/new",
        "data[username]=eve&data[password]=pw&data[bouquets][]=1&data[max_allowed_connections]=0",
    );
    within(20, "it plays", || {
        server.done("streams/online", "")["streams"].as_array().is_some_and(|s| !s.is_empty())
    });
    let panels: Vec<Panel> = (0..PANELS).map(|_| Panel::admin(&server)).collect();
    // Opened before.
    let marked: Vec<_> = FORMS
        .iter()
        .filter_map(|(_, path, form)| match form {
            Edit(typed) | Make(typed) | Give(typed, _) => Some((format!("/panel{path}"), *typed)),
            crate::panel::panel_forms::Free(_) => None,
        })
        .map(|(path, typed)| (panels[0].opened(&path), typed))
        .collect();
    let lock = hold(&server);

    for (username, password) in [("admin", PASSWORD), ("admin", "wrong"), ("nobody", "wrong")] {
        let page = within_five("login", || Panel::nobody(&server).sign_in(username, password));
        assert_eq!(page.status, 503, "{username} {password}: {}", page.body);
        assert!(page.body.contains("The server is busy, and nobody was signed in"), "{}", page.body);
    }
    for (pattern, path, get, _) in ROUTES {
        // What never ends by itself is not asked.
        if *get != Need::Nothing && !matches!(*pattern, "/live/{topic}" | "/streams/{id}/preview.mp4") {
            let page = within_five(path, || panels[0].ask(&format!("/panel{path}")));
            assert!(page.status < 500, "GET {path}: {} {}", page.status, page.body);
        }
    }
    let busy = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (marked, busy) = (&marked, &busy);
        for (part, panel) in panels.iter().enumerate() {
            scope.spawn(move || {
                for (opened, typed) in marked.iter().skip(part).step_by(PANELS) {
                    let (path, marks) = opened;
                    let marks = marks.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                    let fields: Vec<_> = typed.iter().copied().chain(marks).collect();
                    let page = within_five(path, || panel.post_bare(path, &fields));
                    assert!(page.status != 500, "POST {path}: {}", page.body);
                    if page.status == 503 {
                        busy.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        assert!(
                            page.body.contains("Another program is writing to the database"),
                            "{path}: {}",
                            page.body
                        );
                        assert!(page.body.contains("aria-label=\"Panel\""), "{path}: a page with navigation");
                    }
                }
            });
        }
    });
    let busy = busy.into_inner();
    assert!(busy > 40, "{busy} of {} were refused", marked.len());

    // Viewers go on, and new ones are let in.
    let mut live = Player::get(&server, "/live/eve/pw/1", "VLC");
    assert_eq!((live.status, live.read(188 * 100).len()), (200, 188 * 100));
    for path in [
        "/player_api.php?username=eve&password=pw",
        "/player_api.php?username=eve&password=pw&action=get_live_streams",
        "/player_api.php?username=eve&password=wrong",
        "/get.php?username=eve&password=pw&type=m3u_plus",
        "/xmltv.php?username=eve&password=pw",
        "/live/eve/pw/1.m3u8",
        "/live/eve/wrong/1",
        "/healthz",
    ] {
        let player = within_five(path, || Player::get(&server, path, "VLC"));
        assert!(player.status < 500 || player.status == 503, "{path}: {}", player.status);
    }
    let mut set = Set::new(&server, MAC);
    let shaken = within_five("handshake", || set.text("type=stb&action=handshake"));
    assert!(matches!(shaken.0, 200 | 503), "{shaken:?}");
    if shaken.0 == 200 {
        set.shake("");
    }
    for query in [
        "type=stb&action=get_profile",
        "type=itv&action=get_genres",
        "type=itv&action=get_ordered_list&genre=*&p=1",
        "type=itv&action=create_link&cmd=ffrt%20http://localhost/ch/1",
        "type=stb&action=set_parent_password&parent_password=1234&pass=4711&repeat_pass=4711",
    ] {
        let (status, body) = within_five(query, || set.text(query));
        assert_ne!(status, 500, "{query}: {body}");
    }
    for call in ["line/list", "settings/get", "streams/online", "mag/list"] {
        within_five(call, || server.done(call, ""));
    }
    assert!(server.refused("line/new", "").contains("database busy"));
    drop(lock);
    Panel::admin(&server);
}

#[test]
fn who_signs_out_while_another_program_writes_is_out_for_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = [("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))];
    let server = TestServer::with(folder, &[], &environment).expecting("database busy");
    let kept = |panel: &Panel| {
        let jar = std::fs::read_to_string(panel.cookies()).expect("cookies");
        let session = jar.lines().find(|line| line.contains("linecard_session")).expect("a session");
        session.rsplit('\t').next().expect("a token").to_owned()
    };
    // The port, which is another one after each start, stands in the cookie's name.
    let ask = |server: &TestServer, token: &str| {
        let port = server.url.rsplit(':').next().expect("a port");
        let cookie = format!("Cookie: linecard_session_{port}={token}");
        server.curl("/panel/account", &["-o", "/dev/null", "-H", &cookie]).0
    };
    let (panel, other) = (Panel::admin(&server), Panel::admin(&server));
    let (out, still_in) = (kept(&panel), kept(&other));
    assert_eq!(ask(&server, &out), 200);
    let lock = hold(&server);
    let asked = Instant::now();
    let page = panel.post_bare("/panel/logout", &[]);
    assert_eq!((page.status, page.location()), (303, "/panel/login"));
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!(panel.ask("/panel/account").status, 303, "the cookie is gone");
    assert_eq!(ask(&server, &out), 303, "and the session has ended, for whoever has a copy of it");

    // Killed before the database could learn it.
    let folder = server.kill();
    drop(lock);
    let server = TestServer::on(folder, &[]);
    assert_eq!((ask(&server, &out), ask(&server, &still_in)), (303, 200));
    let server = TestServer::on(server.stop(), &[]);
    assert_eq!((ask(&server, &out), ask(&server, &still_in)), (303, 200));
    assert_eq!(server.done("administrators/sessions", "")["total"], 1);

    // Nobody knows who has signed out: everybody has.
    let folder = server.stop();
    std::fs::remove_file(folder.path().join("linecard.ended")).expect("the file");
    let server = TestServer::on(folder, &[]);
    assert_eq!(ask(&server, &still_in), 303);
    assert_eq!(server.done("administrators/sessions", "")["total"], 0);
}
