//! Sources that carry several programs: one is played, with its sounds and no others'.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use crate::support::{
    TestServer,
    tv::{online, put_picture, within},
};

/// An ffmpeg at work on the test picture, in that folder.
fn ffmpeg(folder: &Path, arguments: &[&str]) -> Child {
    Command::new("ffmpeg")
        .args(["-v", "error", "-re", "-stream_loop", "-1", "-i", "media/test.ts", "-c", "copy"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// A viewer of the only stream gets these tracks, in order: `video, audio eng`. The first seconds may be those
/// in which the programs are found out.
fn plays(server: &TestServer, expected: &str) {
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    within(30, "it runs", || online(server) == [1]);
    within(40, expected, || tracks(server) == expected);
}

fn tracks(server: &TestServer) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-analyzeduration", "2000000", "-of", "csv=p=0:s=/"])
        .args(["-show_entries", "stream=codec_type:stream_tags=language"])
        .arg(format!("{}/live/bob/pw/1", server.url))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap().replace('/', " ");
    // Tracks of programs come first, then all.
    let all = text.trim().rsplit("\n\n").next().unwrap();
    let lines: Vec<&str> = all.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(", ")
}

/// Serves the files of a folder; its address, and what was asked for.
fn serve(folder: PathBuf) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = socket.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let name = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
            let (status, body) = std::fs::read(folder.join(&name))
                .map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            log.lock().unwrap().push(name);
            let _ = write!(socket, "HTTP/1.0 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = socket.write_all(&body);
        }
    });
    (url, asked)
}

#[test]
fn of_a_playlist_of_variants_one_is_fetched_and_played_in_all_its_languages() {
    let provider = tempfile::tempdir().unwrap();
    put_picture(provider.path());
    let variants = "-map 0:v -map 0:a -map 0:a -map 0:v -map 0:a -metadata:s:a:0 language=eng \
                    -metadata:s:a:1 language=deu -f hls -hls_time 2 \
                    -master_pl_name master.m3u8 -var_stream_map";
    let mut arguments: Vec<&str> = variants.split_whitespace().collect();
    arguments.extend(["v:0,a:0,a:1 v:1,a:2", "variant_%v_.m3u8"]);
    let mut sending = ffmpeg(provider.path(), &arguments);
    within(20, "three segments", || provider.path().join("variant_1_2.ts").exists());
    let (url, asked) = serve(provider.path().to_owned());
    let server = TestServer::start();
    server.done("streams/new", &format!("data[name]=A&data[sources][]={url}/master.m3u8"));
    // Their languages do not come along: what ffmpeg 5.1 writes for segments of HLS has lost them here.
    plays(&server, "video, audio, audio");
    let fetched = |variant: &str| {
        let asked = asked.lock().unwrap();
        asked
            .iter()
            .filter(|name| {
                name.starts_with(variant)
                    && Path::new(name).extension().is_some_and(|extension| extension == "ts")
            })
            .count()
    };
    within(60, "it goes on", || fetched("variant_0") >= 5);
    let only_looked_at = fetched("variant_1");
    within(60, "it goes on", || fetched("variant_0") >= 8);
    let _ = sending.kill();
    let _ = sending.wait();
    assert_eq!(fetched("variant_1"), only_looked_at, "{:?}", asked.lock().unwrap());
}

#[test]
fn of_a_transport_stream_of_programs_the_first_with_a_picture_is_played() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let programs = "-t 4 -map 0:v -map 0:a -map 0:a -map 0:a -map 0:v -map 0:a -metadata:s:a:0 language=eng \
                    -metadata:s:a:1 language=deu -metadata:s:a:2 language=fra -metadata:s:a:3 language=ita \
                    -program title=Radio:st=3 -program title=One:st=0:st=1:st=2 -program title=Two:st=4:st=5 \
                    -f mpegts media/programs.ts";
    let arguments: Vec<&str> = programs.split_whitespace().collect();
    assert!(ffmpeg(folder.path(), &arguments).wait().unwrap().success());
    let server = TestServer::on(folder, &[]);
    server.done("streams/new", "data[name]=A&data[sources][]=media/programs.ts");
    plays(&server, "video, audio eng, audio deu");
}
