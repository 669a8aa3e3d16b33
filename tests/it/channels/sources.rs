//! Where streams come from: every kind of source, and what no source may reach.

use std::{
    io::{Read as _, Write as _},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    TestServer,
    tv::{offline, online, open, put_picture, with_streams, within},
};

#[test]
fn a_source_that_fails_leads_to_the_next_and_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let server = TestServer::on(folder, &[]);
    server.done(
        "streams/new",
        "data[name]=A&data[sources][]=http://127.0.0.1:1/u/secret/1.ts&data[sources][]=media/test.ts",
    );
    server.done("streams/new", "data[name]=B&data[sources][]=http://user:secret@127.0.0.1:1/x");
    server.done("streams/new", "data[name]=C");
    within(20, "the second source", || online(&server) == [1]);
    let stream = &server.done("streams/online", "")["streams"][0];
    assert_eq!((&stream["source"], &stream["source_number"]), (&json!("media/test.ts"), &json!(2)));
    within(10, "the reason", || {
        offline(&server, 2)["why"].as_str().is_some_and(|why| why.contains("refused"))
    });
    assert_eq!(offline(&server, 3)["status"], "failed");
    server.done("streams/update", "id=3&data[sources][]=media/test.ts");
    within(20, "what was mended plays", || online(&server) == [1, 3]);
    let told = server.log() + &stream["errors"].to_string() + &offline(&server, 2)["errors"].to_string();
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn no_source_reads_another_file_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let media = folder.path().join("media");
    std::fs::copy(media.join("test.ts"), folder.path().join("outside.ts")).unwrap();
    std::os::unix::fs::symlink("../outside.ts", media.join("link.ts")).unwrap();
    let outside = folder.path().join("outside.ts").display().to_string();
    std::fs::write(media.join("list.m3u8"), format!("#EXTM3U\n#EXTINF:10,\n{outside}\n#EXT-X-ENDLIST\n"))
        .unwrap();
    std::fs::write(media.join("list.ffconcat"), format!("ffconcat version 1.0\nfile '{outside}'\n")).unwrap();
    std::fs::copy(media.join("list.m3u8"), media.join("list.ts")).unwrap();
    std::fs::copy(media.join("list.ffconcat"), media.join("concat.mp4")).unwrap();
    let session = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 33\n";
    std::fs::write(media.join("session.sdp"), session).unwrap();
    let server = TestServer::on(folder, &[]);
    let files = ["link.ts", "list.m3u8", "list.ffconcat", "list.ts", "concat.mp4", "session.sdp"];
    for file in files {
        server.done("streams/new", &format!("data[name]={file}&data[sources][]=media/{file}"));
    }
    for id in 1..=6 {
        within(20, "it is refused", || offline(&server, id)["status"] == "waiting");
    }
    assert!(offline(&server, 1)["why"].as_str().unwrap().contains("outside"));
    assert_eq!(online(&server), [] as [i64; 0]);
}

/// A stream that another ffmpeg sends, played as a source of ours.
fn plays(source: &str, sender: &str) {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let picture = folder.path().join("media/test.ts").display().to_string();
    let server = TestServer::on(folder, &[]);
    let mut sending = Command::new("ffmpeg")
        .args(["-v", "error", "-re", "-stream_loop", "-1", "-i", &picture, "-c", "copy"])
        .args(sender.split_whitespace())
        .stdin(std::process::Stdio::null())
        .spawn()
        .unwrap();
    server.done("streams/new", &format!("data[name]=A&data[sources][]={}", source.replace('&', "%26")));
    let until = std::time::Instant::now() + std::time::Duration::from_secs(40);
    while online(&server) != [1] && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let (running, why) = (online(&server), offline(&server, 1));
    let _ = sending.kill();
    let _ = sending.wait();
    assert_eq!(running, [1], "{source}: {why}");
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_udp_source_plays() {
    let port = free_port();
    plays(&format!("udp://127.0.0.1:{port}"), &format!("-f mpegts udp://127.0.0.1:{port}?pkt_size=1316"));
}

#[test]
fn an_rtp_source_plays() {
    let port = free_port() & !1;
    plays(&format!("rtp://127.0.0.1:{port}"), &format!("-f rtp_mpegts rtp://127.0.0.1:{port}"));
}

#[test]
fn an_srt_source_plays() {
    let port = free_port();
    plays(&format!("srt://127.0.0.1:{port}"), &format!("-f mpegts srt://127.0.0.1:{port}?mode=listener"));
}

#[test]
fn an_rtmp_source_plays() {
    let port = free_port();
    plays(
        &format!("rtmp://127.0.0.1:{port}/live/x"),
        &format!("-f flv -listen 1 rtmp://127.0.0.1:{port}/live/x"),
    );
}

#[test]
fn an_http_source_plays_also_from_another_linecard_as_hls() {
    let origin = with_streams(1);
    origin.done("line/update", "username=bob&data[max_allowed_connections]=0");
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::on(folder, &[]);
    let base = origin.url.clone();
    server.done("streams/new", &format!("data[name]=TS&data[sources][]={base}/live/bob/pw/1.ts"));
    server.done("streams/new", &format!("data[name]=HLS&data[sources][]={base}/live/bob/pw/1.m3u8"));
    within(60, "both play", || online(&server) == [1, 2]);
    assert_eq!(open(&origin), 1, "two requests of one player for one stream are one session");
}

#[test]
fn a_multicast_source_plays() {
    let url = format!("udp://239.255.77.1:{}", free_port());
    plays(
        &format!("{url}?localaddr=127.0.0.1"),
        &format!("-f mpegts {url}?pkt_size=1316&localaddr=127.0.0.1&ttl=1"),
    );
}

#[test]
fn nothing_that_a_provider_sends_opens_a_file_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let file = folder.path().join("media/test.ts").display().to_string();
    let whole = std::fs::read(&file).unwrap();
    let server = TestServer::on(folder, &[]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let list = |tags: &str, entry: &str| {
        let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:20\n{tags}#EXTINF:20,\n{entry}\n#EXT-X-ENDLIST\n");
        (String::new(), list.into_bytes())
    };
    let key = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"file://{file}\"\n");
    let map = format!("#EXT-X-MAP:URI=\"file://{file}\"\n");
    let whole_url = format!("{url}/0");
    let answers = [
        (String::new(), whole),
        list("", &format!("file://{file}")),
        list("", &file),
        list("", &format!("concat:{file}|{file}")),
        list("", &format!("crypto+file://{file}")),
        list("", &format!("crypto:{file}")),
        list("", &format!("subfile,,start,0,end,0,,:{file}")),
        list("", "data:video/mp2t;base64,R0AR"),
        list(&key, &whole_url),
        list(&map, &whole_url),
        (String::new(), format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile://{file}\n").into_bytes()),
        (String::new(), format!("ffconcat version 1.0\nfile '{file}'\n").into_bytes()),
        (format!("Location: file://{file}\r\n"), vec![]),
        (format!("Location: {file}\r\n"), vec![]),
        (format!("Location: concat:{file}\r\n"), vec![]),
    ];
    let count = answers.len();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = socket.read(&mut request).unwrap_or(0);
            let path = String::from_utf8_lossy(&request[..length]).into_owned();
            let number = path.split(['/', ' ', '.']).nth(2).and_then(|number| number.parse::<usize>().ok());
            let Some((head, body)) = number.and_then(|number| answers.get(number)) else { continue };
            let status = if head.is_empty() { "200 OK" } else { "302 Found" };
            let _ = write!(socket, "HTTP/1.0 {status}\r\n{head}Content-Length: {}\r\n\r\n", body.len());
            let _ = socket.write_all(body);
        }
    });
    for number in 1..count {
        server.done("streams/new", &format!("data[name]=A&data[sources][]={url}/{number}.m3u8"));
    }
    server.done("streams/new", &format!("data[name]=A&data[sources][]={url}/0.ts&data[on_demand]=0"));
    let control = i64::try_from(count).unwrap();
    let given_up = |id: i64| offline(&server, id)["status"] == "waiting";
    for id in 1..control {
        within(60, "it is refused", || given_up(id));
        assert_eq!(offline(&server, id)["video_codec"], json!(null), "{id}");
    }
    within(30, "what is no file plays", || {
        online(&server) == [control] || !offline(&server, control)["video_codec"].is_null()
    });
}

#[test]
fn a_pipe_or_a_folder_among_the_media_is_named_and_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let media = folder.path().join("media");
    std::fs::create_dir(media.join("folder.ts")).unwrap();
    assert!(Command::new("mkfifo").arg(media.join("pipe.ts")).status().unwrap().success());
    let server = TestServer::on(folder, &[]);
    for (name, at_end) in [("pipe.ts", "loop"), ("pipe.ts", "stop"), ("folder.ts", "loop")] {
        server
            .done("streams/new", &format!("data[name]=A&data[sources][]=media/{name}&data[at_end]={at_end}"));
    }
    server.done("streams/new", "data[name]=B&data[sources][]=media/test.ts");
    within(20, "the others play", || online(&server) == [4]);
    for id in 1..=3 {
        within(10, "it is named", || {
            offline(&server, id)["why"].to_string().contains("is no file, but a folder, a pipe or a device")
        });
    }
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "and it ends");
}
