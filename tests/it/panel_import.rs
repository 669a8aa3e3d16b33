//! Import of M3U lists: by the panel and by the command line, looked at first, all or nothing.

use super::support::{
    TestServer, linecard,
    panel::{Panel, server},
};

const LIST: &str = "\u{feff}#EXTM3U url-tvg=\"http://guide.example/x.xml\"\r\n\
    #EXTINF:-1 tvg-id=\"news.uk\" tvg-logo=\"http://l.example/1.png\" tvg-chno=\"7\" group-title=\"News, local\",Harbour <News>\r\n\
    #EXTVLCOPT:http-user-agent=x\r\nhttp://h.example/live/u/p/1.ts\r\n\
    #EXTINF:-1 group-title=\"Films\",Cinema\r\nudp://@239.1.1.1:1234\r\n\
    #EXTINF:-1 group-title=\"films\",CINEMA\r\nhttp://backup.example/2.ts|User-Agent=Kodi\r\n\
    #EXTINF:-1,Local file\r\nfile:///etc/passwd\r\n";

/// Uploads a list; the address of the page that shows what it would do.
fn upload(panel: &Panel<'_>, list: &[u8]) -> String {
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
    panel.done(&at, fields)
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
        "<b>1</b><span>there already",
        "<b>1</b><span>cannot be taken",
        "Harbour &#60;News&#62;",
        "News, local",
        "a stream of the category has this name",
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
    assert!(page.contains("2 new streams") && page.contains("1 cannot be taken"), "{page}");
    let stream = &server.done("streams/info", "id=1")["stream"];
    for (name, value) in [
        ("name", serde_json::json!("Harbour <News>")),
        ("number", serde_json::json!(7)),
        ("epg_channel_id", serde_json::json!("news.uk")),
        ("logo_url", serde_json::json!("http://l.example/1.png")),
        ("category_id", serde_json::json!(1)),
        ("on_demand", serde_json::json!(1)),
        ("sources", serde_json::json!(["http://h.example/live/u/p/1.ts"])),
    ] {
        assert_eq!(stream[name], value, "{name}: {stream}");
    }
    let cinema = &server.done("streams/info", "id=2")["stream"]["sources"];
    assert_eq!(*cinema, serde_json::json!(["udp://@239.1.1.1:1234", "http://backup.example/2.ts"]));
    assert_eq!(names(&server, "categories"), ["News, local", "Films"]);
    assert_eq!(server.done("bouquets/info", "id=1")["bouquet"]["streams"], serde_json::json!([1, 2]));
    let audit = server.done("logs/list", "kind=audit&action=import");
    let resources: Vec<&str> =
        audit["logs"].as_array().unwrap().iter().map(|row| row["resource"].as_str().unwrap()).collect();
    assert_eq!(resources, ["categories", "categories", "streams", "streams", "bouquets"]);
    assert!(!audit.to_string().contains("/live/u/p"), "no password of a source stands in the audit trail");
    assert_eq!(panel.ask(&at).location(), "/panel/streams/import", "the list is done with");
}

#[test]
fn a_list_that_comes_again_changes_what_is_there_only_if_told_so() {
    let server = server();
    let panel = Panel::admin(&server);
    import(&panel, LIST, &[("duplicates", "skip")]);
    let again = LIST.replace("tvg-chno=\"7\"", "tvg-chno=\"8\"").replace("Harbour <News>", "Harbour");
    let number = || server.done("streams/info", "id=1")["stream"]["number"].as_i64();
    let page = import(&panel, &again, &[("duplicates", "skip")]);
    assert!(page.contains("3 there already"), "{page}");
    assert_eq!((number(), names(&server, "streams").len()), (Some(7), 2));
    import(&panel, &again, &[("duplicates", "update"), ("bouquet", "")]);
    assert_eq!(
        (number(), names(&server, "streams")),
        (Some(8), vec!["Harbour".to_owned(), "CINEMA".to_owned()])
    );
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
    let page = send(&["text=#EXTM3U\nonly <this>, # nothing"]);
    assert_eq!(page.status, 303, "a line that is no comment is an address, which the preview refuses");
    assert!(panel.get(page.location()).contains("<b>1</b><span>cannot be taken"));
    let page = send(&["text=#EXTM3U <x>"]);
    assert!(page.status == 422 && page.body.contains("there is no channel in it"), "{}", page.body);
    assert!(page.body.contains("#EXTM3U &#60;x&#62;</textarea>"), "{}", page.body);
    assert_eq!(send(&["text="]).status, 422);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "http://h/1\n".repeat(20_001)).unwrap();
    let page = send(&[&format!("file=@{}", file.path().display())]);
    assert!(page.body.contains("at most 20000 at once"), "{}", page.body);
    std::fs::write(file.path(), "#".repeat(21 << 20)).unwrap();
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
        code == 0 && told.contains("2 new streams") && told.contains("2 put into the bouquet"),
        "{told}{error}"
    );
    let (code, told, _) = linecard(folder.path(), &["import", "m3u", list, "--dry-run"]);
    assert!(code == 0 && told.contains("0 new streams") && told.contains("3 there already"), "{told}");
    let (code, _, error) = linecard(folder.path(), &["import", "m3u", list, "--bouquet", "9"]);
    assert!(code == 1 && error.contains("nothing was imported: Bouquet does not exist"), "{error}");
    assert_eq!(linecard(folder.path(), &["import", "m3u", "/none.m3u"]).0, 1);
    assert_eq!(linecard(folder.path(), &["import", "m3u", list, "--duplicates", "burn"]).0, 2);
}
