//! Watching: fan-out, HLS, zap time, admission, login, playlists, running streams. `cargo bench
//! --bench viewing`, or one part: `-- fanout`, `hls`, `zap`, `admission`, `login`, `playlist`,
//! `streams`, `idle`, `window`. Needs ffmpeg, nginx and wrk (Debian's packages) and about seven minutes.
//!
//! The server is the real program in a process of its own, with its log on. Viewers and the side
//! that it is compared with run on the same machine in the same run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods
)]

mod common;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use common::{
    KEY, Server, body_load, empty_load, median, row,
    viewers::{Head, Sockets, Viewer},
    wrk,
};
use rusqlite::{Connection, params};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

const PASSWORD: &str = "0123456789";
const ROUNDS: usize = 3;
/// Of each round.
const SECONDS: u64 = 5;
const LINES: usize = 100_000;

fn main() {
    if std::env::args().any(|argument| argument == "--empty-handler") {
        return common::empty_handler();
    }
    let hard = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }).unwrap();
    let parts: [(&str, fn()); 9] = [
        ("fanout", fan_out),
        ("hls", hls),
        ("zap", zap),
        ("admission", admission),
        ("login", login),
        ("playlist", playlist),
        ("streams", streams),
        ("idle", idle),
        ("window", window),
    ];
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    for (name, part) in parts {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            part();
        }
    }
}

fn fan_out() {
    const VIEWERS: usize = 2_000;
    println!("fan-out: one stream of 8 Mbit/s to {VIEWERS} viewers");
    let folder = folder(VIEWERS + 2, 1, "7600k", "640x360");
    let server = Server::start(folder.path(), &[]);
    let mut sockets = Sockets::new();
    let mut viewers = vec![Viewer::new()];
    sockets.open(&server.address, &watch(1, 1));
    // The ring holds 16 MiB; what it takes is no viewer's.
    read(&mut sockets, &mut viewers, 25);
    let before = resident(&server);
    for line in 2..=VIEWERS {
        sockets.open(&server.address, &watch(line, 1));
        viewers.push(Viewer::new());
        if line % 50 == 0 {
            sockets.read_for(Duration::from_millis(20), |place, _, bytes| viewers[place].take(bytes));
        }
    }
    read(&mut sockets, &mut viewers, 5);
    measure(&server, &mut sockets, &mut viewers, 20);
    let memory = (resident(&server) - before) / (VIEWERS as f64 - 1.0);
    println!("  memory a viewer           {memory:>8.1} KiB");
    println!("one more who reads nothing");
    let mut stalled = TcpStream::connect(&server.address).unwrap();
    stalled.write_all(watch(VIEWERS + 1, 1).as_bytes()).unwrap();
    read(&mut sockets, &mut viewers, 2);
    measure(&server, &mut sockets, &mut viewers, 20);
}

fn read(sockets: &mut Sockets, viewers: &mut [Viewer], seconds: u64) {
    sockets.read_for(Duration::from_secs(seconds), |place, _, bytes| viewers[place].take(bytes));
}

fn measure(server: &Server, sockets: &mut Sockets, viewers: &mut [Viewer], seconds: u64) {
    let own = std::process::id();
    let before: Vec<u64> = viewers.iter().map(|viewer| viewer.bytes).collect();
    let (begun, ours, client) = (Instant::now(), cpu(server.child.id()), cpu(own));
    read(sockets, viewers, seconds);
    let took = begun.elapsed().as_secs_f64();
    let (ours, client) = ((cpu(server.child.id()) - ours) / took, (cpu(own) - client) / took);
    let mut got: Vec<u64> =
        viewers.iter().zip(before).map(|(viewer, before)| viewer.bytes - before).collect();
    got.sort_unstable();
    let gigabits = got.iter().sum::<u64>() as f64 * 8.0 / 1e9 / took;
    let megabits = |bytes: u64| bytes as f64 * 8.0 / 1e6 / took;
    let (least, middle) = (megabits(got[0]), megabits(got[got.len() / 2]));
    println!("  sent                      {gigabits:>8.2} Gbit/s");
    println!("  our CPU                   {ours:>8.2} cores (the viewers' {client:.2})");
    println!("  Gbit/s per core           {:>8.1}", gigabits / ours);
    println!("  a viewer, least, median   {least:>8.2} {middle:.2} Mbit/s");
    println!("  breaks of continuity      {:>8}", viewers.iter().map(|viewer| viewer.breaks).sum::<u64>());
}

fn hls() {
    const CLIENTS: usize = 64;
    // Single rounds lie far apart, by how the kernel spreads connections over threads and threads over cores.
    const ROUNDS: usize = 9;
    println!("HLS: a segment of 1 MiB to {CLIENTS} clients");
    let folder = folder(1, 1, "4000k", "320x180");
    let server = Server::start(folder.path(), &[]);
    let nginx = Nginx::start();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let playlist = text(&get(&server.address, "/live/line1/0123456789/1.m3u8"));
        let path = playlist.lines().rfind(|line| line.starts_with("/hls/")).unwrap().to_owned();
        let segment = get(&server.address, &path);
        std::fs::write(nginx.folder.path().join("segment.ts"), &segment).unwrap();
        let mut speeds = [0.0; 2];
        let sides = [("ours", &server.address, path.as_str()), ("nginx", &nginx.address, "/segment.ts")];
        for ((name, address, path), speed) in sides.into_iter().zip(&mut speeds) {
            let busy = || if name == "ours" { cpu(server.child.id()) } else { nginx.cpu() };
            let before = busy();
            *speed = fetch(address, |_| path.to_owned(), segment.len(), CLIENTS, SECONDS);
            let seconds = (busy() - before) / (*speed * SECONDS as f64 / 1e9);
            println!(
                "  {name:<8} {:>6.2} Gbit/s, {seconds:.2} s of CPU a GB (a segment is {} bytes)",
                *speed * 8.0 / 1e9,
                segment.len()
            );
        }
        ratios.push(speeds[0] / speeds[1]);
    }
    ratios.sort_by(f64::total_cmp);
    println!("  ours / nginx: {:.2}", ratios[ROUNDS / 2]);
}

/// Bytes a second of the path of each client, fetched again and again.
fn fetch(address: &str, path: impl Fn(usize) -> String, length: usize, clients: usize, seconds: u64) -> f64 {
    let request = |client| format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path(client));
    let mut sockets = Sockets::new();
    (0..clients).for_each(|client| sockets.open(address, &request(client)));
    // What is missing of each answer, once its head has come.
    let mut answers: Vec<(Head, Option<usize>)> = (0..clients).map(|_| (Head::default(), None)).collect();
    let mut whole = 0_u64;
    let begun = Instant::now();
    sockets.read_for(Duration::from_secs(seconds), |place, socket, bytes| {
        let (head, missing) = &mut answers[place];
        let came = match missing {
            Some(_) => bytes.len(),
            None => match head.feed(bytes) {
                Some((_, rest)) => rest.len(),
                None => return,
            },
        };
        whole += came as u64;
        let left = missing.unwrap_or(length) - came;
        *missing = (left > 0).then_some(left);
        if left == 0 {
            socket.write_all(request(place).as_bytes()).unwrap();
        }
    });
    whole as f64 / begun.elapsed().as_secs_f64()
}

fn window() {
    const CLIENTS: usize = 64;
    const ROUNDS: usize = 5;
    const MINUTES: u64 = 10;
    println!(
        "an ended window of {MINUTES} minutes of 4 Mbit/s to {CLIENTS} clients, beside nginx with one file of the same bytes"
    );
    let folder = folder(CLIENTS, 1, "3900k", "320x180");
    let conn = Connection::open(folder.path().join("linecard.db")).unwrap();
    conn.execute("UPDATE streams SET archive_days = 1, on_demand = 1", []).unwrap();
    // Of an hour of a while ago: each minute is three times the file, whose clock begins anew each time.
    let minute = std::fs::read(folder.path().join("media/a.ts")).unwrap().repeat(3);
    let begin = jiff::Timestamp::now().as_second() / 3_600 * 3_600 - 7_200;
    let hour = jiff::Timestamp::from_second(begin).unwrap().strftime("archive/1/%Y-%m-%d/%H").to_string();
    std::fs::create_dir_all(folder.path().join(&hour)).unwrap();
    for number in 0..i64::try_from(MINUTES).unwrap() {
        let file = format!("{hour}/{}-60000-d.ts", (begin + number * 60) * 1_000);
        std::fs::write(folder.path().join(file), &minute).unwrap();
    }
    let server = Server::start(folder.path(), &[]);
    std::thread::sleep(Duration::from_secs(3));
    let path = |client: usize| format!("/timeshift/line{}/{PASSWORD}/{MINUTES}/{begin}/1.ts", client + 1);
    let bytes = get(&server.address, &path(0));
    println!("  {:.1} MB", bytes.len() as f64 / 1e6);
    assert!(bytes.len() > 250_000_000, "it is there");
    let nginx = Nginx::start();
    std::fs::write(nginx.folder.path().join("window.ts"), &bytes).unwrap();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let before = (cpu(server.child.id()), nginx.cpu());
        let ours = fetch(&server.address, path, bytes.len(), CLIENTS, SECONDS);
        let theirs = fetch(&nginx.address, |_| "/window.ts".to_owned(), bytes.len(), CLIENTS, SECONDS);
        for (name, speed, busy) in
            [("ours", ours, cpu(server.child.id()) - before.0), ("nginx", theirs, nginx.cpu() - before.1)]
        {
            let each = busy / (speed * SECONDS as f64 / 1e9);
            println!("  {name:<8} {:>6.2} Gbit/s, {each:.2} s of CPU a GB", speed * 8.0 / 1e9);
        }
        ratios.push(ours / theirs);
    }
    ratios.sort_by(f64::total_cmp);
    println!("  ours / nginx: {:.2}", ratios[ROUNDS / 2]);
}

fn zap() {
    const TIMES: usize = 300;
    println!("zap time: connection, request, first key frame of a running stream");
    let folder = folder(TIMES, 2, "7600k", "640x360");
    let server = Server::start(folder.path(), &[]);
    std::thread::sleep(Duration::from_secs(5));
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|number| {
            std::thread::sleep(Duration::from_millis(17));
            let begun = Instant::now();
            let mut socket = TcpStream::connect(&server.address).unwrap();
            socket.write_all(watch(number + 1, number % 2 + 1).as_bytes()).unwrap();
            let (mut viewer, mut buffer) = (Viewer::new(), vec![0; 64 << 10]);
            loop {
                let length = socket.read(&mut buffer).unwrap();
                viewer.take(&buffer[..length]);
                if let Some(began) = viewer.began {
                    return began - begun;
                }
            }
        })
        .collect();
    times.sort_unstable();
    println!("  median                    {:>8.2} ms", times[TIMES / 2].as_secs_f64() * 1000.0);
    println!("  99 of 100                 {:>8.2} ms", times[TIMES * 99 / 100].as_secs_f64() * 1000.0);
}

fn admission() {
    println!("admission: HEAD of a stream's URL, {LINES} lines, 64 connections, {SECONDS} s a round");
    let folder = folder(LINES, 1, "100k", "128x72");
    let server = Server::start(folder.path(), &[]);
    let empty = Server::of(Path::new("/dev/null"));
    std::thread::sleep(Duration::from_secs(3));
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let [empty, ours] = [&empty, &server].map(|server| heads(&server.address));
        println!("  admission {ours:>8.0}/s, an empty actix handler {empty:>8.0}/s");
        ratios.push(ours / empty);
    }
    ratios.sort_by(f64::total_cmp);
    println!("  admission / empty handler: {:.2}", ratios[ROUNDS / 2]);
}

/// Admissions a second: HEAD for lines in turn. wrk waits for a body that an answer to HEAD does not have.
fn heads(address: &str) -> f64 {
    const CLIENTS: usize = 64;
    let (mut asked, mut answered) = (0, 0_u64);
    let mut request = || {
        asked = (asked + 7_919) % LINES;
        format!("HEAD /live/line{}/{PASSWORD}/1 HTTP/1.1\r\nHost: x\r\n\r\n", asked + 1)
    };
    let mut sockets = Sockets::new();
    (0..CLIENTS).for_each(|_| sockets.open(address, &request()));
    let mut answers: Vec<Head> = (0..CLIENTS).map(|_| Head::default()).collect();
    let begun = Instant::now();
    sockets.read_for(Duration::from_secs(SECONDS), |place, socket, bytes| {
        if answers[place].feed(bytes).is_some() {
            answers[place] = Head::default();
            answered += 1;
            socket.write_all(request().as_bytes()).unwrap();
        }
    });
    answered as f64 / begun.elapsed().as_secs_f64()
}

fn login() {
    println!("login: player_api.php, {LINES} lines, 64 connections, {SECONDS} s a round");
    let folder = folder(LINES, 1, "100k", "128x72");
    let request = format!("'GET', '/player_api.php?username=line' .. n .. '&password={PASSWORD}'");
    beside_an_empty_handler(folder.path(), "login", &request);
}

/// Requests for a random line `n` each, the same ones to both, so that making them costs both the same.
fn beside_an_empty_handler(folder: &Path, name: &str, request: &str) {
    let server = Server::start(folder, &[]);
    std::thread::sleep(Duration::from_secs(3));
    let script =
        format!("function request() local n = math.random(1, {LINES}) return wrk.format({request}) end");
    let (mut empty, mut ours) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        empty.push(empty_load(SECONDS, &script));
        ours.push(wrk(&server.url("/"), 64, SECONDS, &script));
    }
    let (empty, ours) = (median(empty), median(ours));
    row("empty actix handler", empty, empty);
    row(name, ours, empty);
}

fn playlist() {
    const CHANNELS: usize = 5_000;
    const CLIENTS: u32 = 16;
    println!("playlist: {CHANNELS} channels, {CLIENTS} connections, {SECONDS} s a round");
    let folder = folder(1_000, CHANNELS, "100k", "128x72");
    let conn = Connection::open(folder.path().join("linecard.db")).unwrap();
    // Another server's streams stand in playlists, and nothing of them runs here.
    conn.execute_batch(
        "INSERT INTO servers (id, name, server_ip, created_at, updated_at) VALUES (2, 'b', '192.0.2.2', 0, 0);
         INSERT INTO categories (id, name, created_at, updated_at) VALUES (1, 'Documentaries', 0, 0);
         UPDATE streams SET server_id = 2, category_id = 1, name = 'A channel of some name, number ' || id,
             epg_channel_id = 'channel' || id || '.example', logo_url = 'http://logos.example/channels/' || id || '.png';",
    )
    .unwrap();
    drop(conn);
    let server = Server::start(folder.path(), &[]);
    let path =
        |line: &str| format!("/get.php?username=line{line}&password={PASSWORD}&type=m3u_plus&output=ts");
    let body = get(&server.address, &path("500"));
    let file = folder.path().join("playlist.m3u");
    std::fs::write(&file, &body).unwrap();
    let script = format!(
        "function request() return wrk.format('GET', '{}') end",
        path("' .. math.random(1, 1000) .. '")
    );
    let (mut memory, mut ours) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        memory.push(body_load(&file, CLIENTS, SECONDS, &script));
        ours.push(wrk(&server.url("/"), CLIENTS, SECONDS, &script));
    }
    let (memory, ours) = (median(memory), median(ours));
    println!("  a playlist is {} bytes", body.len());
    row("the same bytes from memory", memory, memory);
    row("playlist", ours, memory);
}

fn streams() {
    const STREAMS: usize = 200;
    const SECONDS: u64 = 20;
    println!("{STREAMS} running streams");
    let folder = folder(1, STREAMS, "100k", "128x72");
    let server = Server::start(folder.path(), &[]);
    let begun = Instant::now();
    while online(&server) < STREAMS {
        assert!(begun.elapsed() < Duration::from_mins(2), "the streams do not start");
        std::thread::sleep(Duration::from_secs(1));
    }
    println!("  all run after             {:>8.1} s", begun.elapsed().as_secs_f64());
    // Until the last of them has settled.
    std::thread::sleep(Duration::from_secs(5));
    let before = cpu(server.child.id());
    std::thread::sleep(Duration::from_secs(SECONDS));
    let busy = (cpu(server.child.id()) - before) / SECONDS as f64;
    println!("  our CPU                   {:>8.1} % of one core", busy * 100.0);
    println!("  our memory                {:>8.1} MiB", resident(&server) / 1024.0);
    assert_eq!(online(&server), STREAMS);
}

fn idle() {
    const STREAMS: usize = 100_000;
    println!("{STREAMS} streams on demand that nobody watches");
    let folder = folder(1, 1, "100k", "128x72");
    let start = |name: &str| {
        let begun = Instant::now();
        let server = Server::start(folder.path(), &[]);
        let listening = begun.elapsed().as_secs_f64();
        std::thread::sleep(Duration::from_secs(10));
        let (memory, busy) = (resident(&server), cpu(server.child.id()));
        println!(
            "  {name:<10} listens after {listening:.1} s, {busy:.2} s of CPU, {:.1} MiB",
            memory / 1024.0
        );
        memory
    };
    let conn = Connection::open(folder.path().join("linecard.db")).unwrap();
    conn.execute("UPDATE streams SET on_demand = 1", []).unwrap();
    let before = start("one");
    conn.execute(
        "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
         INSERT INTO streams (name, sources, on_demand, created_at, updated_at)
         SELECT 'Channel ' || n, '[\"http://provider.example:8080/live/user/password/' || n || '.ts\"]', 1, 0, 0 FROM numbers",
        params![i64::try_from(STREAMS).unwrap()],
    )
    .unwrap();
    let after = start("all");
    println!("  a stream                  {:>8.0} bytes", (after - before) * 1024.0 / STREAMS as f64);
}

fn online(server: &Server) -> usize {
    let answer = text(&get(&server.address, &format!("/api/streams/online/{KEY}")));
    answer.matches("\"status\":\"running\"").count()
}

/// A data folder with that many lines `line1`, `line2`, ... who may watch that many streams of one
/// looped file.
fn folder(lines: usize, streams: usize, rate: &str, size: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path(), &[]));
    std::fs::create_dir_all(folder.path().join("media")).unwrap();
    make_file(&folder.path().join("media/a.ts"), rate, size);
    let mut conn = Connection::open(folder.path().join("linecard.db")).unwrap();
    let tx = conn.transaction().unwrap();
    tx.execute_batch(
        "INSERT INTO bouquets (id, name, created_at, updated_at) VALUES (1, 'all', 0, 0);
         INSERT INTO subscription_plans (id, name, created_at, updated_at) VALUES (1, 'all', 0, 0);
         INSERT INTO plan_bouquets (plan_id, place, bouquet_id) VALUES (1, 0, 1);",
    )
    .unwrap();
    for id in 1..=i64::try_from(streams).unwrap() {
        tx.execute(
            "INSERT INTO streams (id, name, sources, created_at, updated_at) VALUES (?1, 'stream ' || ?1, \
             '[\"media/a.ts\"]', 0, 0)",
            [id],
        )
        .unwrap();
        tx.execute("INSERT INTO bouquet_streams (bouquet_id, place, stream_id) VALUES (1, ?1, ?1)", [id])
            .unwrap();
    }
    for number in 1..=lines {
        tx.prepare_cached(
            "INSERT INTO lines (username, password, subscription_plan_id, created_at, updated_at) \
             VALUES (?, ?, 1, 0, 0)",
        )
        .unwrap()
        .execute(params![format!("line{number}"), PASSWORD])
        .unwrap();
    }
    tx.commit().unwrap();
    folder
}

/// Twenty seconds of a moving picture with a key frame every second, and sound.
fn make_file(file: &Path, rate: &str, size: &str) {
    let picture = format!("testsrc2=size={size}:rate=25,noise=alls=40:allf=t");
    let status = Command::new("ffmpeg")
        .args(["-v", "quiet", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine", "-t", "20"])
        .args(["-c:v", "mpeg2video", "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", "2M"])
        .args(["-g", "25", "-bf", "0", "-sc_threshold", "1000000000", "-c:a", "mp2", "-b:a", "64k"])
        .arg(file)
        .status()
        .expect("ffmpeg: apt-get install ffmpeg");
    assert!(status.success());
}

fn watch(line: usize, stream: usize) -> String {
    format!("GET /live/line{line}/{PASSWORD}/{stream} HTTP/1.1\r\nHost: x\r\nUser-Agent: bench\r\n\r\n")
}

fn get(address: &str, path: &str) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    Head::default().feed(&answer).unwrap().1
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Seconds of CPU that a process has used; its children count for themselves.
fn cpu(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |place: usize| fields[place].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / rustix::param::clock_ticks_per_second() as f64
}

/// Memory of the server, in KiB.
fn resident(server: &Server) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// nginx as Debian has it, with sendfile and without its log, in a folder of its own.
struct Nginx {
    child: Child,
    folder: TempDir,
    address: String,
}

impl Nginx {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let root = folder.path().display();
        let configuration = format!(
            "user root; daemon off; worker_processes auto; pid {root}/pid; error_log {root}/error.log;
             events {{ worker_connections 1024; }}
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
             server {{ listen {address}; root {root}; }} }}"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        let child = Command::new("/usr/sbin/nginx").arg("-c").arg(&file).spawn();
        let child = child.expect("nginx: apt-get install nginx-light");
        while TcpStream::connect(&address).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, folder, address }
    }

    /// Seconds of CPU of its workers.
    fn cpu(&self) -> f64 {
        let master = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap();
        children.split_whitespace().map(|worker| cpu(worker.parse().unwrap())).sum()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}
