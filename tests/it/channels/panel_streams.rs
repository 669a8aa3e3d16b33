//! Streams in the panel: found, made, started and stopped, watched by their operator.

use std::{path::Path, time::Duration};

use crate::support::{
    TestServer,
    browser::Browser,
    panel::{PASSWORD, Panel},
    tv::{Player, online, open, put_picture, within},
};

/// A server with the running stream 1 `News` of the category `Talk`, the stopped stream 2 `Films`, and `bob`, who may watch both.
fn server() -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let server = TestServer::with(folder, &[], &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))]);
    server.done("categories/new", "data[name]=Talk");
    server.done(
        "streams/new",
        "data[name]=News&data[category_id]=1&data[number]=7&data[sources][]=media/test.ts",
    );
    server.done("streams/new", "data[name]=Films&data[enabled]=0&data[sources][]=media/test.ts");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    within(30, "the stream runs", || online(&server) == [1]);
    server
}

#[test]
fn a_secret_behind_the_pipe_of_a_source_is_shown_to_nobody_and_stays_when_it_is_saved() {
    let server = crate::support::panel::server();
    let panel = Panel::admin(&server);
    let source = "http://h.example/1|User-Agent=K&Cookie=sess%3Dhidden&Authorization=Basic%20hidden";
    server.done(
        "streams/new",
        &format!(
            "data[name]=A&data[on_demand]=1&data[sources][]={}",
            source.replace('%', "%25").replace('&', "%26")
        ),
    );
    let shown = "http://h.example/1|User-Agent=K&Cookie=***&Authorization=***";
    let sources = || server.done("streams/info", "id=1")["stream"]["sources"].clone();
    assert_eq!(sources(), serde_json::json!([shown]));
    let sent = shown.replace('&', "%26");
    server.done("streams/update", &format!("id=1&data[sources][]={sent}&data[sources][]=http://b.example/"));
    for page in ["/panel/streams/1", "/panel/streams/1/edit", "/panel/logs/audit", "/panel/streams"] {
        let page = panel.ask(page);
        assert!(
            page.status == 200 && !page.body.contains("hidden%") && !page.body.contains("20hidden"),
            "{}",
            page.body
        );
        assert!(!page.body.contains("sess%3D"), "{}", page.body);
    }
    panel
        .done("/panel/streams/1/edit", &[("name", "B"), ("sources", &format!("http://c.example/\n{shown}"))]);
    assert_eq!(sources(), serde_json::json!(["http://c.example/", shown]));
    let kept =
        server.done("streams/list", &format!("sources={}", source.replace('%', "%25").replace('&', "%26")));
    assert_eq!(kept["total"], 1, "what is stored is whole: {kept}");
    let moved = server.refused(
        "streams/update",
        &format!("id=1&data[sources][]={}", sent.replace("h.example", "evil.example")),
    );
    assert!(moved.contains("no source of that host has one"), "{moved}");
    assert!(!server.done("logs/list", "kind=audit").to_string().contains("sess%3D"));
}

#[test]
fn the_list_tells_what_every_stream_is_doing_and_finds_them() {
    let server = server();
    let panel = Panel::admin(&server);
    let page = panel.get("/panel/streams");
    for text in [">running<", ">stopped<", "320\u{a0}×\u{a0}180", "h264, aac", "Talk", "2 streams"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for (query, news, films) in [
        ("state=running", true, false),
        ("state=stopped", false, true),
        ("state=waiting", false, false),
        ("category=1", true, false),
        ("server=1", true, true),
        ("search=film", false, true),
        ("search=%25", false, false),
        ("search=2", false, true),
        ("search=new&state=stopped", false, false),
    ] {
        let page = panel.get(&format!("/panel/streams?{query}"));
        assert_eq!((page.contains(">News<"), page.contains(">Films<")), (news, films), "{query}");
    }
    let by_name = panel.get("/panel/streams?sort=name");
    assert!(by_name.find(">Films<") < by_name.find(">News<"), "{by_name}");
}

#[test]
fn the_list_is_told_what_its_streams_are_doing() {
    let server = server();
    let panel = Panel::admin(&server);
    let told = std::thread::scope(|scope| {
        let listening = scope.spawn(|| panel.told("/panel/streams?search=new", 8).body);
        std::thread::sleep(Duration::from_secs(3));
        server.done("streams/stop", "stream_id=1");
        listening.join().expect("curl")
    });
    let of = |id: &str| {
        let begin = format!("event: {id}\n");
        told.split("\n\n").filter(|event| event.starts_with(&begin)).collect::<Vec<_>>()
    };
    let states = of("s1-0");
    assert!(states[0].contains("running") && states.last().unwrap().contains("stopped"), "{told}");
    let actions = of("s1-5");
    assert!(actions.last().unwrap().contains("/start?back=%2Fpanel%2Fstreams%3Fsearch%3Dnew"), "{told}");
    assert!(of("s2-0").is_empty(), "a stream that is not on the page: {told}");
    for ids in ["99,x", ""] {
        let none = panel.curl(&["-N", "-m", "3"], None, &format!("/panel/live/streams?ids={ids}"));
        assert_eq!((none.status, none.body.as_str()), (200, ""));
    }
}

#[test]
fn streams_are_started_and_stopped_one_by_one_and_several_at_once() {
    let server = server();
    let panel = Panel::admin(&server);
    let page = panel.done("/panel/streams/1/stop?back=%2Fpanel%2Fstreams%3Fsort%3Dname", &[]);
    assert!(
        page.contains("News was stopped.") && page.contains("value=\"name\""),
        "back where one was: {page}"
    );
    assert!(online(&server).is_empty());
    let both = |verb| [("ids[]", "1"), ("ids[]", "2"), ("do", verb), ("back", "/panel/streams")];
    assert!(panel.done("/panel/streams/do", &both("start")).contains("2 streams were started."));
    within(20, "both run", || online(&server) == [1, 2]);
    assert!(panel.done("/panel/streams/do", &both("restart")).contains("2 streams were restarted."));
    within(20, "both run again", || online(&server) == [1, 2]);
    assert!(panel.done("/panel/streams/do", &both("stop")).contains("2 streams were stopped."));
    assert!(online(&server).is_empty());
    let none = panel.done("/panel/streams/do", &[("do", "stop"), ("back", "https://evil.example/")]);
    assert!(none.contains("Nothing was selected"), "{none}");
    assert_eq!(panel.ask("/panel/streams").status, 200);
    panel.refused("/panel/streams/1/explode", &[], 400);
    panel.refused("/panel/streams/99/stop", &[], 404);
    panel.refused("/panel/streams/do", &[("ids[]", "1"), ("ids[]", "99"), ("do", "start")], 404);
    assert!(online(&server).is_empty(), "a refused call changes nothing");
}

#[test]
fn a_restart_is_in_the_audit_trail() {
    let server = server();
    let panel = Panel::admin(&server);
    panel.done("/panel/streams/1/restart", &[]);
    server.done("streams/start", "id=1");
    let rows = server.done("logs/list", "kind=audit&resource=streams");
    let told: Vec<_> = rows["logs"].as_array().unwrap().iter().rev().take(2).collect();
    let actions: Vec<_> = told.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["start", "restart"], "{rows}");
    assert!(told.iter().all(|row| row["target"] == "News" && row["target_id"] == 1), "{rows}");
    assert!(panel.get("/panel/streams/1").contains("restart"), "its page has its changes");
}

#[test]
fn ticked_streams_are_deleted_after_their_names_were_shown() {
    let server = server();
    let panel = Panel::admin(&server);
    let ticked = [("ids[]", "1"), ("ids[]", "2"), ("do", "delete"), ("back", "/panel/streams")];
    let ask = panel.done("/panel/streams/do", &ticked);
    assert!(ask.contains("Delete 2 streams?") && ask.contains("cut off: News, "), "{ask}");
    assert_eq!(server.done("streams/list", "")["total"], 2, "nothing goes before the answer");
    panel.refused("/panel/streams/delete?ids=1,99", &[], 404);
    panel.refused("/panel/streams/delete?ids=", &[], 422);
    assert_eq!(server.done("streams/list", "")["total"], 2, "all or none");
    let page = panel.done("/panel/streams/delete?ids=1,2", &[]);
    assert!(page.contains("2 streams were deleted.") && page.contains("None yet."), "{page}");
    assert_eq!(server.done("bouquets/info", "id=1")["bouquet"]["streams"], serde_json::json!([]));
}

#[test]
fn ticked_streams_are_put_into_a_bouquet() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done("bouquets/new", "data[name]=Second&data[streams][]=2");
    let fields = [("ids[]", "1"), ("ids[]", "2"), ("ids[]", "1"), ("do", "bouquet"), ("bouquet", "2")];
    assert!(panel.done("/panel/streams/do", &fields).contains("1 stream was added to the bouquet."));
    let bouquet = server.done("bouquets/info", "id=2");
    assert_eq!(bouquet["bouquet"]["streams"], serde_json::json!([2, 1]), "{bouquet}");
}

#[test]
fn a_stream_is_created_with_sources_in_order_and_what_is_wrong_stands_at_its_field() {
    let server = server();
    let panel = Panel::admin(&server);
    let fields = |sources, number| {
        [
            ("name", "Sports <1>"),
            ("category_id", "1"),
            ("sources", sources),
            ("number", number),
            ("on_demand", "1"),
            ("enabled", "1"),
            ("notes", "kept"),
        ]
    };
    let page = panel.refused("/panel/streams/new", &fields("media/test.ts\nftp://h/x", "-1"), 422);
    for text in ["Entry 2: a URL of http", "value=\"-1\"", "ftp://h/x", "kept", "Sports &#60;1&#62;"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let page =
        panel.done("/panel/streams/new", &fields("udp://239.1.1.1:1234\r\n\r\n media/test.ts \r\n", "9"));
    assert!(page.contains("was created.") && page.contains("on demand"), "{page}");
    let stream = &server.done("streams/info", "id=3")["stream"];
    assert_eq!(stream["sources"], serde_json::json!(["udp://239.1.1.1:1234", "media/test.ts"]), "{stream}");
    let page =
        panel.done("/panel/streams/3/edit", &[("name", "Sports"), ("category_id", ""), ("sources", "")]);
    assert!(page.contains("Sports was changed."), "{page}");
    let page = panel.done("/panel/streams/1/edit", &[]);
    assert!(page.contains("Nothing was changed.") && page.contains("Times are in UTC."), "{page}");
    server.done("streams/new", "data[name]=Bare");
    let audit = server.done("logs/list", "kind=audit&action=new&resource=streams");
    let bare = audit["logs"].as_array().unwrap().iter().find(|row| row["target"] == "Bare").unwrap();
    assert!(!bare.to_string().contains("headers"), "no change of what stands at its default: {bare}");
    let stream = &server.done("streams/info", "id=3")["stream"];
    assert_eq!(
        (&stream["sources"], &stream["category_id"]),
        (&serde_json::json!([]), &serde_json::Value::Null)
    );
    assert_eq!(stream["notes"], "kept", "what has no field stays");
}

#[test]
fn deleting_a_stream_tells_in_how_many_bouquets_it_stands() {
    let server = server();
    let panel = Panel::admin(&server);
    let page = panel.get("/panel/streams/2/delete");
    assert!(
        page.contains("Delete Films?") && page.contains("used by 1 bouquet and will be removed from there."),
        "{page}"
    );
    assert!(panel.done("/panel/streams/2/delete", &[]).contains("Films was deleted."));
    for gone in ["/panel/streams/2", "/panel/live/stream?id=2", "/panel/live/stream"] {
        assert_eq!(panel.ask(gone).status, 404, "{gone}");
    }
    assert_eq!(server.done("bouquets/info", "id=1")["bouquet"]["streams"], serde_json::json!([1]));
}

#[test]
fn a_streams_page_tells_why_it_fails_who_watches_and_what_was_changed() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done("streams/update", "id=2&data[enabled]=1&data[sources][]=http://u:secret@127.0.0.1:9/x.ts");
    within(20, "it has failed once", || panel.get("/panel/streams/2").contains("Connection refused"));
    let page = panel.get("/panel/streams/2");
    assert!(page.contains("/panel/bouquets/1") && page.contains("enabled: 0 → 1"), "{page}");

    let mut bob = Player::get(&server, "/live/bob/pw/1.ts", "Some Player/1.0");
    bob.read(1000);
    let page = panel.get("/panel/streams/1");
    assert!(page.contains("Some Player/1.0") && page.contains(">bob<"), "{page}");
    let told = panel.told("/panel/streams/1", 3).body;
    assert!(told.contains("event: facts\n") && told.contains("event: lines\n"), "{told}");
    let viewers = told.split_once("event: viewers\n").unwrap().1;
    let at = viewers.split_once("kick?connection_id=").unwrap().1;
    let number: String = at.chars().take_while(char::is_ascii_digit).collect();
    let other = panel.done(&format!("/panel/streams/2/kick?connection_id={number}"), &[]);
    assert!(other.contains("is already gone"), "a viewer of another stream is not meant: {other}");
    assert_eq!(open(&server), 1);
    let page = panel.done(&format!("/panel/streams/1/kick?connection_id={number}"), &[]);
    assert!(page.contains("The viewer was disconnected."), "{page}");
    assert!(bob.is_closed_within(5));
    let kills = server.done("logs/list", "kind=audit&action=kill");
    assert_eq!(kills["logs"][0]["actor"], "admin", "{kills}");
}

#[test]
fn the_preview_is_an_mp4_that_counts_as_no_viewer_and_ends_with_its_browser() {
    let server = server();
    let panel = Panel::admin(&server);
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    std::thread::scope(|threads| {
        let playing = threads
            .spawn(|| panel.curl(&["-m", "8", "-D", "-", "-o", &path], None, "/panel/streams/1/preview.mp4"));
        within(8, "bytes of a picture", || file.as_file().metadata().unwrap().len() > 50_000);
        assert_eq!(server.done("streams/online", "")["streams"][0]["clients"], 0);
        assert_eq!(server.done("connections/list", "")["total"], 0);
        let page = playing.join().unwrap();
        assert_eq!((page.status, page.header("content-type")), (200, vec!["video/mp4"]), "{}", page.head);
    });
    let bytes = std::fs::read(file.path()).unwrap();
    for part in [b"ftyp", b"moov", b"moof", b"avc1", b"mp4a"] {
        assert!(bytes.windows(4).any(|four| four == part), "no {}", String::from_utf8_lossy(part));
    }
    within(10, "no ffmpeg of a preview is left", || previews(&server) == 0);
    assert_eq!(panel.ask("/panel/streams/2/preview.mp4").status, 409, "it was stopped");
    let nobody = Panel::nobody(&server).ask("/panel/streams/1/preview.mp4");
    assert_eq!(nobody.location(), "/panel/login?next=%2Fpanel%2Fstreams%2F1%2Fpreview.mp4");
}

#[test]
fn the_preview_plays_in_a_browser() {
    let server = server();
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    browser.console();
    browser.open("/panel/streams/1");
    browser.run("document.querySelector('video').play()");
    let plays = "const video = document.querySelector('video'); return video.currentTime > 1 && video.videoWidth === 320";
    browser.until("the picture moves", || browser.run(plays) == true);
    assert_eq!(browser.problems(), [""; 0]);
    browser.open("/panel/streams");
    within(10, "its ffmpeg has ended", || previews(&server) == 0);
    assert_eq!(browser.problems(), [""; 0]);
    browser.open("/panel/streams/1/edit");
    assert_eq!(browser.problems(), [""; 0]);
}

/// How many ffmpeg of previews a server runs, whichever of its threads made them.
fn previews(server: &TestServer) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let children =
        tasks.flatten().map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let pids: Vec<String> =
        children.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    let lines = pids.iter().map(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default());
    lines.filter(|line| String::from_utf8_lossy(line).contains("frag_keyframe")).count()
}

#[test]
fn at_most_four_previews_play_at_once() {
    let server = server();
    let panel = Panel::admin(&server);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                panel.curl(&["-m", "12", "-o", "/dev/null", "-D", "-"], None, "/panel/streams/1/preview.mp4")
            });
        }
        within(10, "four play", || previews(&server) == 4);
        let page = panel.curl(&["-m", "5"], None, "/panel/streams/1/preview.mp4");
        assert!(page.status == 409 && page.body.contains("4 previews are already playing"), "{}", page.body);
    });
    within(10, "they have ended", || previews(&server) == 0);
}

#[test]
fn whoever_may_only_read_streams_is_offered_no_change_and_a_reseller_sees_none() {
    let server = server();
    server.done("groups/new", "data[name]=Lookers&data[rights][]=streams:read");
    server.done(
        "administrators/new",
        "data[username]=looker&data[password]=Brass-Kettle-31&data[email]=l@example.com&data[group_id]=3",
    );
    let panel = Panel::of(&server, "looker", "Brass-Kettle-31");
    let list = panel.get("/panel/streams");
    assert!(list.contains(">News<") && !list.contains("New stream") && !list.contains("Restart"), "{list}");
    let page = panel.get("/panel/streams/1");
    assert!(!page.contains("Edit") && !page.contains("Watching now") && !page.contains("Changes"), "{page}");
    let told = panel.told("/panel/streams/1", 3).body;
    assert!(told.contains("event: facts\n") && !told.contains("event: viewers\n"), "{told}");
    let told = panel.told("/panel/streams", 3).body;
    assert!(told.contains("running") && !told.contains("Restart"), "{told}");
    assert_eq!(panel.ask("/panel/live/connections").status, 403);
    panel.refused("/panel/streams/1/stop", &[], 403);
    panel.refused("/panel/streams/new", &[("name", "x")], 403);
    assert_eq!(panel.ask("/panel/streams/new").status, 403);
    assert_eq!(online(&server), [1]);

    server.done("resellers/new", "data[name]=Shop");
    server.done(
        "administrators/new",
        "data[username]=shop&data[password]=Copper-Funnel-48&data[email]=s@example.com&data[group_id]=2&data[reseller_id]=1",
    );
    let panel = Panel::of(&server, "shop", "Copper-Funnel-48");
    for path in [
        "/panel/streams",
        "/panel/streams/1",
        "/panel/live/streams?ids=1",
        "/panel/live/stream?id=1",
        "/panel/live/servers",
        "/panel/streams/1/preview.mp4",
    ] {
        let page = panel.curl(&["-m", "5"], None, path);
        assert!(page.status == 403 && !page.body.contains("event:"), "{path}: {}", page.body);
    }
}
