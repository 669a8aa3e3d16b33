//! Import of M3U lists: by the panel and by the command line, looked at first, all or nothing.

use crate::support::{
    TestServer, linecard,
    origin::{self, Origin},
    panel::{Panel, server},
    tv::within,
};

const LIST: &str = "\u{feff}#EXTM3U url-tvg=\"http://guide.example/x.xml\"\r\n\
    #EXTINF:-1 tvg-id=\"news.uk\" tvg-logo=\"http://l.example/1.png\" tvg-chno=\"7\" group-title=\"News, local\",Harbour <News>\r\n\
    #EXTVLCOPT:http-user-agent=x\r\nhttp://h.example/live/u/p/1.ts\r\n\
    #EXTINF:-1 group-title=\"Films\",Cinema\r\nudp://@239.1.1.1:1234\r\n\
    #EXTINF:-1 group-title=\"films\",CINEMA\r\nhttp://backup.example/2.ts|User-Agent=Kodi\r\n\
    #EXTINF:-1,Local file\r\nfile:///etc/passwd\r\n";

/// Uploads a list; the address of the page that shows what it would do.
pub fn upload(panel: &Panel<'_>, list: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), list).unwrap();
    let form = format!("file=@{};filename=list.m3u", file.path().display());
    let page = panel.curl(&["-F", &form, "-F", "text="], None, "/panel/streams/import");
    assert_eq!(page.status, 303, "{}", page.body);
    page.location().to_owned()
}

/// Imports a list; the page to which that leads.
pub fn import(panel: &Panel<'_>, list: &str, fields: &[(&str, &str)]) -> String {
    let at = upload(panel, list.as_bytes());
    let mut page = panel.done(&at, fields);
    // On a busy machine one looks at it while it runs.
    within(30, "the import is over", || {
        if page.contains("Import: under way") {
            let now = panel.ask(&at);
            page = if now.status == 303 { panel.get(now.location()) } else { now.body };
        }
        !page.contains("Import: under way")
    });
    page
}

fn names(server: &TestServer, resource: &str) -> Vec<String> {
    let rows = server.done(&format!("{resource}/list"), "limit=1000");
    let rows = rows[resource].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_is_looked_at_and_then_imported_as_a_whole() {
    let server = server();
    let panel = Panel::admin(&server);
    let at = upload(&panel, LIST.as_bytes());
    let page = panel.get(&at);
    for text in [
        "<b>2</b><span>new streams",
        "<b>2</b><span>new categories",
        "<b>1</b><span>exist already",
        "<b>1</b><span>cannot be imported",
        "Harbour &#60;News&#62;",
        "News, local",
        "a channel of this name and category is further up in the list",
        "Address: a URL of http",
    ] {
        assert!(page.to_lowercase().contains(&text.to_lowercase()), "{text}: {page}");
    }
    assert!(names(&server, "streams").is_empty(), "nothing was changed yet");
    let page = panel.get(&format!("{at}?duplicates=add&on_demand=0&new_bouquet=Mine"));
    assert!(
        page.contains("source added") && page.contains("value=\"Mine\""),
        "what was chosen stays: {page}"
    );

    let fields = [("duplicates", "add"), ("on_demand", "1"), ("bouquet", ""), ("new_bouquet", "Mine")];
    let page = panel.done(&at, &fields);
    assert!(page.contains("2 new streams") && page.contains("1 cannot be imported"), "{page}");
    let stream = &server.done("streams/info", "id=1")["stream"];
    for (name, value) in [
        ("name", serde_json::json!("Harbour <News>")),
        ("number", serde_json::json!(7)),
        ("epg_channel_id", serde_json::json!("news.uk")),
        ("logo_url", serde_json::json!("http://l.example/1.png")),
        ("category_id", serde_json::json!(1)),
        ("on_demand", serde_json::json!(1)),
        ("user_agent", serde_json::json!("x")),
        ("sources", serde_json::json!(["http://h.example/live/u/p/1.ts"])),
    ] {
        assert_eq!(stream[name], value, "{name}: {stream}");
    }
    let cinema = &server.done("streams/info", "id=2")["stream"]["sources"];
    let backup = "http://backup.example/2.ts|User-Agent=Kodi";
    assert_eq!(*cinema, serde_json::json!(["udp://@239.1.1.1:1234", backup]));
    assert_eq!(names(&server, "categories"), ["News, local", "Films"]);
    assert_eq!(server.done("bouquets/info", "id=1")["bouquet"]["streams"], serde_json::json!([1, 2]));
    let audit = server.done("logs/list", "kind=audit&action=import");
    let resources: Vec<&str> =
        audit["logs"].as_array().unwrap().iter().map(|row| row["resource"].as_str().unwrap()).collect();
    assert_eq!(resources, ["categories", "categories", "streams", "streams", "bouquets"]);
    assert!(!audit.to_string().contains("/live/u/p"), "no password of a source stands in the audit trail");
    assert_eq!(panel.ask("/panel/streams/import/none").location(), "/panel/streams/import");
    // "Back", "reload" and a second press lead to what came of it.
    let again = [panel.ask(&at), panel.ask(&format!("{at}?duplicates=add"))];
    for page in again.iter().chain(&std::array::from_fn::<_, 3, _>(|_| panel.post_bare(&at, &fields))) {
        let page = if page.location() == at { &panel.ask(&at) } else { page };
        assert_eq!(page.location(), "/panel/streams?sort=newest", "{}", page.body);
        assert!(
            page.header("set-cookie").join("").contains("Imported%3A%202%20new%20streams"),
            "{}",
            page.head
        );
    }
    assert_eq!(names(&server, "streams").len(), 2);
}

#[test]
fn a_list_that_comes_again_changes_what_is_there_only_if_told_so() {
    let server = server();
    let panel = Panel::admin(&server);
    import(&panel, LIST, &[("duplicates", "skip")]);
    let again = LIST.replace("tvg-chno=\"7\"", "tvg-chno=\"8\"").replace("Harbour <News>", "Harbour");
    let number = || server.done("streams/info", "id=1")["stream"]["number"].as_i64();
    let page = import(&panel, &again, &[("duplicates", "skip")]);
    assert!(page.contains("3 exist already"), "{page}");
    assert_eq!((number(), names(&server, "streams").len()), (Some(7), 2));
    import(&panel, &again, &[("duplicates", "update"), ("bouquet", "")]);
    // The same list once more has nothing to change: preview and result say the same.
    let at = upload(&panel, again.as_bytes());
    let preview = panel.get(&format!("{at}?duplicates=update"));
    for told in ["<b>0</b><span>streams changed", "<b>3</b><span>exist already"] {
        assert!(preview.contains(told), "{told}: {preview}");
    }
    let page = panel.done(&at, &[("duplicates", "update")]);
    assert!(page.contains("Imported: 3 exist already, 1 cannot be imported."), "{page}");
    assert_eq!(
        (number(), names(&server, "streams")),
        (Some(8), vec!["Harbour".to_owned(), "Cinema".to_owned()]),
        "of two of one name the first tells the details"
    );
}

#[test]
fn a_list_is_fetched_from_its_address_by_the_rule_of_every_address() {
    let provider = Origin::start(|asked| match asked.path.as_str() {
        "/inside" => origin::to("http://169.254.169.254/latest"),
        "/page" => origin::ok("<html>Not found</html>"),
        "/gone" => origin::status("404 Not Found"),
        _ => origin::ok(LIST),
    });
    let server = server();
    let panel = Panel::admin(&server);
    let list = provider.url.replace("http://", "http://me:hush@") + "/list.m3u";
    let fetch = |url: &str| {
        let form = format!("url={url}");
        panel.curl(&["-F", "text=", "-F", &form], None, "/panel/streams/import")
    };
    let data = server.data().to_owned();
    let by_command = |url: &str| linecard(&data, &["import", "m3u", url, "--dry-run"]);
    let refused = |url: &str, why: &str| {
        let page = fetch(url);
        assert!(page.status == 422 && page.body.contains(why), "{url}: {}", page.body);
        let (code, _, error) = by_command(url);
        // What is no address is a file.
        assert!(code == 1 && (error.contains(why) || !url.starts_with("http")), "{url}: {error}");
        assert!(!error.contains("hush"), "{error}");
    };
    refused(&list, "fetch_local");
    assert_eq!(provider.asked().len(), 0, "nobody was asked");
    server.done("settings/update", "data[fetch_local]=1");
    refused(&format!("{}/inside", provider.url), "169.254.169.254");
    refused(&format!("{}/page", provider.url), "web page");
    refused(&format!("{}/gone", provider.url), "404");
    refused("ftp://h.example/list.m3u", "begins with http:// or https://");
    let page = fetch(&list);
    assert_eq!(page.status, 303, "{}", page.body);
    assert!(panel.get(page.location()).contains("new streams"));
    let (code, told, error) = by_command(&list);
    assert!(code == 0 && told.contains("nothing was changed"), "{told}{error}");
    assert!(!server.log().contains("hush"));
    let left = std::fs::read_dir(server.data().join("import.fetched")).unwrap().count();
    assert_eq!(left, 0, "what was fetched goes");
}

#[test]
fn an_import_that_is_refused_changes_nothing() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done("bouquets/new", "data[name]=Mine");
    let at = upload(&panel, LIST.as_bytes());
    let page = panel.refused(&at, &[("new_bouquet", "mine")], 409);
    assert!(page.contains("Is taken: choose another"), "{page}");
    panel.refused(&at, &[("bouquet", "99")], 422);
    assert!(names(&server, "streams").is_empty() && names(&server, "categories").is_empty());
    panel.done(&at, &[("bouquet", "1")]);
    assert_eq!(server.done("bouquets/info", "id=1")["bouquet"]["streams"], serde_json::json!([1, 2]));
}

#[test]
fn what_is_no_list_is_refused_with_a_reason_and_pasted_text_stays() {
    let server = server();
    let panel = Panel::admin(&server);
    let send = |form: &[&str]| {
        let arguments: Vec<&str> = form.iter().flat_map(|part| ["-F", part]).collect();
        panel.curl(&arguments, None, "/panel/streams/import")
    };
    let page = send(&["text=#EXTM3U\n#EXTINF:-1,Mine\nfilms/mine.mkv"]);
    assert_eq!(page.status, 303, "an address that cannot be imported is told in the preview");
    assert!(panel.get(page.location()).contains("<b>1</b><span>cannot be imported"));
    let page = send(&["text=ERROR: <expired>"]);
    assert!(
        page.status == 422 && page.body.contains("begins with &#34;ERROR: &#60;expired&#62;&#34;"),
        "{}",
        page.body
    );
    let page = send(&["text=#EXTM3U <x>"]);
    assert!(page.status == 422 && page.body.contains("there is no channel in it"), "{}", page.body);
    assert!(page.body.contains("#EXTM3U &#60;x&#62;</textarea>"), "{}", page.body);
    assert_eq!(send(&["text="]).status, 422);
    let file = tempfile::NamedTempFile::new().unwrap();
    for (text, what) in [
        ("<!DOCTYPE html><p>Sign in", "this is a web page"),
        ("#EXTM3U\n<html><body>Sign in", "this is a web page"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6.0,\na.ts\n", "this is the HLS playlist of one stream"),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let page = send(&[&format!("file=@{}", file.path().display())]);
        assert!(page.status == 422 && page.body.contains(what), "{text}: {}", page.body);
    }
    std::fs::write(file.path(), "#".repeat((64 << 20) + 1)).unwrap();
    assert_eq!(send(&[&format!("file=@{}", file.path().display())]).status, 413);
    assert_eq!(panel.ask("/panel/streams/import/none").status, 303);
}

#[test]
fn a_list_waits_for_the_one_who_uploaded_it_and_needs_the_right_to_change_streams() {
    let server = server();
    let at = upload(&Panel::admin(&server), LIST.as_bytes());
    server.done("groups/new", "data[name]=Channels&data[rights][]=streams");
    server.done("groups/new", "data[name]=Lookers&data[rights][]=streams:read");
    for (name, group) in [("channels", 3), ("looker", 4)] {
        server.done(
            "administrators/new",
            &format!("data[username]={name}&data[password]=some-password&data[email]={name}@example.com&data[group_id]={group}"),
        );
    }
    let channels = Panel::of(&server, "channels", "some-password");
    assert_eq!(channels.ask(&at).location(), "/panel/streams/import");
    let own = upload(&channels, LIST.as_bytes());
    channels.refused(&own, &[], 403);
    assert!(names(&server, "streams").is_empty(), "it would make categories, and has no right to");
    let looker = Panel::of(&server, "looker", "some-password");
    assert_eq!(looker.ask("/panel/streams/import").status, 403);
    let page = looker.curl(&["-F", "text=http://h/1"], None, "/panel/streams/import");
    assert_eq!(page.status, 403);
}

#[test]
fn the_command_line_imports_too_and_says_what_it_would_do() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(linecard(folder.path(), &["whitelist", "add", "192.0.2.1"]).0, 0);
    let list = folder.path().join("list.m3u");
    std::fs::write(&list, LIST).unwrap();
    let list = list.to_str().unwrap();
    let (code, told, _) = linecard(folder.path(), &["import", "m3u", list, "--dry-run"]);
    assert!(code == 0 && told.contains("2 new streams") && told.contains("nothing was changed"), "{told}");
    assert!(told.contains("line 10: Local file: address: a URL of http"), "{told}");
    let (code, told, error) = linecard(
        folder.path(),
        &["import", "m3u", list, "--duplicates", "add", "--new-bouquet", "All", "--always-on"],
    );
    assert!(
        code == 0 && told.contains("2 new streams") && told.contains("2 added to the bouquet"),
        "{told}{error}"
    );
    let (code, told, _) = linecard(folder.path(), &["import", "m3u", list, "--dry-run"]);
    assert!(code == 0 && told.contains("0 new streams") && told.contains("3 exist already"), "{told}");
    let (code, _, error) = linecard(folder.path(), &["import", "m3u", list, "--bouquet", "9"]);
    assert!(code == 1 && error.contains("nothing was imported: Bouquet does not exist"), "{error}");
    assert_eq!(linecard(folder.path(), &["import", "m3u", "/none.m3u"]).0, 1);
    assert_eq!(linecard(folder.path(), &["import", "m3u", list, "--duplicates", "burn"]).0, 2);
}

/// A list as real ones are: each line of it has cost somebody a channel.
const WILD: &str = "#EXTM3U url-tvg=\"http://g/x.xml\"\n#EXTGRP:Heading\n\
    #EXTINF:-1 group-title=\"C04\",Canal Uno, HD\nhttp://w/1\n\
    #EXTINF:-1 group-title=\"C04\",Canal Dos, HD\nhttp://w/2\n\
    #EXTINF:-1 tvg-name='It\\'s, 3' logo = \"http://l/3.png\" tvh-chnum=\"22.1\" group-title='A;B'\nhttp://w/3\n\
    #EXTINF:-1 catchup=\"default\" group-title=\"Unclosed,Four\nhttp://w/4\n\
    #EXTINF:-1,Five http://w/5\n\
    #EXTINF:-1,Six\n#EXTVLCOPT:program=101\nudp://@239.1.1.1:1234\n\
    #EXTINF:-1,Nested\nhttp://w/more.m3u\n\
    #EXTINF:-1 group-title=\"C04\",Canal Uno, HD\nhttp://w/1b\n\
    #EXTINF:-1,Caf\u{1}\nhttp://w/8\n#EXTINF:-1,T\u{e9}l\u{e9}\nhttp://w/9\n";

fn wild() -> Vec<u8> {
    let mut bytes = WILD.as_bytes().to_vec();
    let stray = bytes.iter().position(|byte| *byte == 1).unwrap();
    bytes[stray] = 0xe9;
    bytes
}

const WILD_NAMES: [&str; 8] =
    ["Canal Uno, HD", "Canal Dos, HD", "It's, 3", "Four", "Five", "Six", "Caf\u{e9}", "T\u{e9}l\u{e9}"];

const WILD_TOLD: [&str; 8] = [
    "url-tvg of #EXTM3U left out",
    "attribute catchup left out",
    "unclosed quotation mark",
    "second group of a channel left out",
    "channel number with a decimal part",
    "address on the line of #EXTINF",
    "line that is not UTF-8",
    "channel whose name and group are further up in the list",
];

#[test]
fn a_list_as_real_ones_are_gives_its_channels_and_tells_what_it_leaves_out() {
    let server = server();
    let panel = Panel::admin(&server);
    let at = upload(&panel, &wild());
    let page = panel.get(&at);
    for told in WILD_TOLD.iter().chain(&["another list, import it separately", "Nested"]) {
        assert!(page.contains(told), "{told}: {page}");
    }
    panel.done(&at, &[("duplicates", "skip"), ("new_bouquet", "Wild")]);
    assert_eq!(names(&server, "streams"), WILD_NAMES);
    assert_eq!(names(&server, "categories"), ["C04", "A", "Unclosed", "Heading"]);
    let stream = |id: u8| server.done("streams/info", &format!("id={id}"))["stream"].clone();
    assert_eq!((&stream(3)["number"], &stream(3)["logo_url"]), (&22.into(), &"http://l/3.png".into()));
    assert_eq!(stream(6)["sources"], serde_json::json!(["udp://@239.1.1.1:1234#program=101"]));
    // The same in UTF-16 without a mark, and packed, is there already.
    let wide: Vec<u8> = WILD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let page = panel.get(&upload(&panel, &wide));
    assert!(
        page.contains("<b>0</b><span>new streams") && page.contains("<b>9</b><span>exist already"),
        "{page}"
    );
    let packed = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(packed.path(), wild()).unwrap();
    let gzip = std::process::Command::new("gzip").args(["-c"]).arg(packed.path()).output().unwrap();
    let page = panel.get(&upload(&panel, &gzip.stdout));
    assert!(
        page.contains("<b>0</b><span>new streams") && page.contains("<b>9</b><span>exist already"),
        "{page}"
    );
}

#[test]
fn the_command_line_tells_each_kind_once_and_refuses_what_is_no_list() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(linecard(folder.path(), &["whitelist", "add", "192.0.2.1"]).0, 0);
    let list = folder.path().join("list.m3u");
    let write = |bytes: &[u8]| std::fs::write(&list, bytes).unwrap();
    let path = list.to_str().unwrap();
    write(&wild());
    // Whoever reads one line only has still imported the list.
    let pipe = format!("set -o pipefail; {} import m3u {path} | head -1", env!("CARGO_BIN_EXE_linecard"));
    let head =
        std::process::Command::new("bash").args(["-c", &pipe]).env("LINECARD_DATA", folder.path()).output();
    let head = head.unwrap();
    assert!(head.status.success() && head.stderr.is_empty(), "{head:?}");
    assert!(
        String::from_utf8_lossy(&head.stdout).starts_with("line 16: Nested: address: another list"),
        "{head:?}"
    );
    let (code, told, error) = linecard(folder.path(), &["import", "m3u", path]);
    assert!(
        code == 0 && told.contains("\n0 new streams\n") && told.contains("\n9 exist already\n"),
        "{told}{error}"
    );
    for kind in &WILD_TOLD[..7] {
        assert_eq!(told.matches(kind).count(), 1, "{kind}: {told}");
    }
    for (bytes, what) in [
        (&b"<html><body>Forbidden"[..], "list.m3u: this is a web page"),
        (b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n", "this is the HLS playlist of one stream"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01", "cut short"),
        (b"", "there is no channel in it"),
        (b"ERROR: subscription expired\n", "begins with \"ERROR: subscription expired\""),
        (b"#EXTM3U\n<!DOCTYPE html>\n<html>\n", "this is a web page"),
        (b"#EXTINF:-1,A\nfilms/a.mkv\n", "nothing in it can be imported"),
    ] {
        write(bytes);
        let (code, _, error) = linecard(folder.path(), &["import", "m3u", path]);
        assert!(code == 1 && error.contains(what), "{what}: {error}");
    }
}

#[test]
fn a_provider_whose_addresses_change_at_each_sync_keeps_its_streams() {
    let server = server();
    let panel = Panel::admin(&server);
    let list = |sync: usize| {
        (1..=3).fold(String::from("#EXTM3U\n"), |list, n| {
            format!("{list}#EXTINF:-1 tvg-id=\"id{n}\" group-title=\"G\",Channel {n}\nhttp://cdn{sync}.example/{n}?token={sync}\n")
        })
    };
    import(&panel, &list(0), &[("duplicates", "update")]);
    server.done("streams/update", "id=2&data[sources]=[\"http://cdn0.example/2?token=0\",\"media/mine.ts\"]");
    for sync in 1..=40 {
        let renamed = list(sync).replace("Channel 3", &format!("Channel 3 v{sync}"));
        let page = import(&panel, &renamed, &[("duplicates", "update")]);
        assert!(page.contains("Imported: 3 streams changed."), "{page}");
    }
    assert_eq!(names(&server, "streams"), ["Channel 1", "Channel 2", "Channel 3 v40"]);
    let sources = |id: u8| server.done("streams/info", &format!("id={id}"))["stream"]["sources"].clone();
    assert_eq!(sources(1), serde_json::json!(["http://cdn40.example/1?token=40"]));
    assert_eq!(sources(2), serde_json::json!(["http://cdn40.example/2?token=40", "media/mine.ts"]));
    let page = import(&panel, &list(40), &[("duplicates", "update")]);
    assert!(page.contains("1 streams changed, 2 exist already"), "a name that came back: {page}");
}

#[test]
fn a_long_list_is_imported_in_steps_also_into_a_bouquet() {
    let server = server();
    let panel = Panel::admin(&server);
    let list: Vec<String> = (1..=9000)
        .map(|n| format!("#EXTINF:-1 group-title=\"G{}\",Channel {n}\nhttp://h/{n}\n", n % 50))
        .collect();
    let list = list.concat();
    let at = upload(&panel, list.as_bytes());
    let page = panel.get(&at);
    assert!(
        page.contains("<b>9,000</b><span>new streams") && page.contains("the first 100 of 9,000"),
        "{page}"
    );
    let answer = panel.post(&at, &[("new_bouquet", "All")]);
    assert_eq!(answer.status, 303);
    for _ in 0..600 {
        if panel.ask(&at).status == 303 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let bouquet = || server.done("bouquets/info", "id=1")["bouquet"]["streams"].as_array().unwrap().len();
    assert_eq!(bouquet(), 9000, "more than one call may put there");
    let audit = server.done("logs/list", "kind=audit&resource=bouquets&limit=1000");
    assert_eq!(audit["logs"].as_array().unwrap().len(), 18, "one row for each step");
    // A call takes streams in and out by themselves.
    server
        .done("bouquets/update", "id=1&data[name]=Most&data[remove_streams][]=5&data[remove_streams][]=9000");
    assert_eq!(bouquet(), 8998);
    let old = server.refused("bouquets/update", "id=1&data[add_streams][]=5&if_updated_at=1");
    assert_eq!(old, "Changed meanwhile");
    server.done("bouquets/update", "id=1&data[add_streams]=[5,9000,1]");
    assert_eq!(bouquet(), 9000);
    let streams = server.done("bouquets/info", "id=1")["bouquet"]["streams"].clone();
    assert_eq!((&streams[8998], &streams[8999], &streams[0]), (&5.into(), &9000.into(), &1.into()));
    assert_eq!(
        server.refused("bouquets/update", "id=1&data[add_streams][]=99999"),
        "Stream does not exist: 99999"
    );
    let many: Vec<String> = (1..=8001).map(|n| n.to_string()).collect();
    let refused = server.refused("bouquets/update", &format!("id=1&data[add_streams]=[{}]", many.join(",")));
    assert_eq!(refused, "Invalid add_streams: at most 8000 entries");
}

#[test]
fn a_list_of_what_is_there_already_is_told_alike_before_and_after_its_import() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(linecard(folder.path(), &["whitelist", "add", "192.0.2.1"]).0, 0);
    let list = folder.path().join("list.m3u");
    let write = |text: &str| std::fs::write(&list, text).unwrap();
    let run = |more: &[&str]| {
        let arguments = [&["import", "m3u", list.to_str().unwrap(), "--duplicates", "update"], more].concat();
        let (code, told, error) = linecard(folder.path(), &arguments);
        assert_eq!(code, 0, "{told}{error}");
        told.lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let entries: Vec<String> = (1..=7)
        .map(|n| {
            format!(
                "#EXTINF:-1 tvg-id=\"c{n}\" tvg-chno=\"{n}\" tvg-logo=\"http://l/{n}.png\" group-title=\"G\",Channel {n}, HD\n\
                 #EXTVLCOPT:http-user-agent=VLC\n#EXTVLCOPT:http-referrer=http://r.example/\nhttp://h/{n}\n"
            )
        })
        .collect();
    let text = format!("#EXTM3U\n{}", entries.concat());
    write(&text);
    run(&[]);
    let same = [
        "0 new streams",
        "0 new categories",
        "0 streams changed",
        "0 further sources of a stream",
        "7 exist already",
        "0 cannot be imported",
    ];
    assert_eq!(
        (run(&["--dry-run"]), run(&[])),
        (same.map(String::from).to_vec(), same.map(String::from).to_vec())
    );
    // A comma without a blank before the address, and attributes behind the name.
    write(
        "#EXTINF:-1,C,http://h.example/3\n#EXTINF:-1,Dee, HD,HTTPS://h.example/4?a=1,2\n#EXTINF:-1,Name, tvg-id=\"x\"\nhttp://h.example/5\n",
    );
    run(&[]);
    let database = rusqlite::Connection::open(folder.path().join("linecard.db")).unwrap();
    let mut rows = database
        .prepare("SELECT name || '|' || epg_channel_id || '|' || sources FROM streams WHERE id > 7")
        .unwrap();
    let rows: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        rows,
        [
            "C||[\"http://h.example/3\"]",
            "Dee, HD||[\"HTTPS://h.example/4?a=1,2\"]",
            "Name|x|[\"http://h.example/5\"]",
        ]
    );
    // Each detail by itself is a change of that one stream.
    for (old, new) in [
        ("tvg-id=\"c3\"", "tvg-id=\"c3.uk\""),
        ("tvg-chno=\"3\"", "tvg-chno=\"33\""),
        ("http://l/3.png", "http://l/33.png"),
        (
            "group-title=\"G\",Channel 3, HD\n#EXTVLCOPT:http-user-agent=VLC",
            "group-title=\"G\",Channel 3, HD\n#EXTVLCOPT:http-user-agent=Kodi",
        ),
        ("http://h/3\n", "http://h/3?token=2\n"),
        ("Channel 3, HD", "channel 3, HD"),
    ] {
        assert!(text.contains(old), "{old}");
        write(&text.replace(old, new));
        let (dry, done) = (run(&["--dry-run"]), run(&[]));
        assert_eq!(dry, done, "{new}");
        assert!(
            done.contains(&"1 streams changed".into()) && done.contains(&"6 exist already".into()),
            "{new}: {done:?}"
        );
        write(&text);
        run(&[]);
    }
}
