//! The pages of guide and recordings on screens of every width, with long names on them.

use super::{hour, put, titles, xmltv};
use crate::support::{
    browser::Browser,
    panel::{self, PASSWORD},
    tape,
    tv::within,
};

const PAGES: &[&str] = &[
    "/panel/guide",
    "/panel/guide/sources",
    "/panel/guide/sources/2",
    "/panel/guide/matches?state=any",
    "/panel/guide/matches/2?search=news",
    "/panel/recordings",
    "/panel/recordings/1/delete",
    "/panel/streams/1/archive",
];

#[test]
fn guide_and_recordings_fit_a_telephone_a_tablet_and_a_desk() {
    let long = "Anamewithoutanyblankinitthatgoesonandonandonuntilnoscreeniswideenough";
    let server = panel::server();
    tape::record(server.data(), 1, tape::now() - 3_600);
    let now = hour();
    let channels = [("news", "News"), ("long.example", "Long")];
    put(
        &server,
        "own.xml",
        xmltv(&channels, &[("news", now, now + 3_600, long), ("long.example", now, now + 600, long)]),
    );
    for name in ["News", long] {
        server.done(
            "streams/new",
            &format!("data[name]={name}&data[sources][]=media/none.ts&data[archive_days]=1"),
        );
    }
    server.done("guide_sources/new", "data[name]=Own&data[url]=guide/own.xml");
    let url = format!("http://guide.invalid/{}", long.repeat(4));
    server.done("guide_sources/new", &format!("data[name]={long}&data[refresh_hours]=0&data[url]={url}"));
    server.done("guide_sources/refresh", "id=2");
    within(20, "it is read", || server.done("guide/channels", "source_id=1")["total"] == 2);
    server.done("guide/match", "stream_id=2&source_id=1&guide_id=long.example");
    within(20, "its programmes", || titles(&server, 2) == [long]);
    within(20, "the other fails", || {
        server.done("guide_sources/info", "id=2")["guide_source"]["last_error"] != ""
    });
    within(20, "the archive is known", || server.done("archive/list", "")["archives"][0]["bytes"] != 0);
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    let mut wrong = Vec::new();
    for width in [375, 768, 1280] {
        browser.set_screen(width);
        for page in PAGES {
            browser.open(page);
            wrong.extend(browser.problems().iter().map(|problem| format!("{page} at {width}: {problem}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
