//! Sources that play for a while and drop, again and again.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use crate::support::{
    TestServer,
    tv::{Player, offline, online, put_picture, within},
};

/// When a connection to a provider began, or ended.
pub enum Told {
    Began(Instant),
    Ended(Instant),
}

/// A provider that sends the first so many seconds of a film of twenty to each who asks, at its pace, and drops; of
/// several films, one after the other.
pub fn dropping(films: &[&Path], seconds: f64) -> (String, Receiver<Told>) {
    let films: Vec<Vec<u8>> = films.iter().map(|film| std::fs::read(film).unwrap()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.ts", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for (socket, film) in listener.incoming().flatten().zip(films.iter().cycle()) {
            let (film, tell) = (film.clone(), tell.clone());
            std::thread::spawn(move || send(socket, &film, seconds, &tell));
        }
    });
    (url, told)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "bytes of seconds"
)]
fn send(mut socket: TcpStream, film: &[u8], seconds: f64, tell: &Sender<Told>) -> Option<()> {
    let _ = tell.send(Told::Began(Instant::now()));
    let _ = socket.read(&mut [0; 4096]);
    socket.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n").ok()?;
    let begun = Instant::now();
    let mut sent = 0;
    // Twenty seconds of it there are.
    while begun.elapsed().as_secs_f64() < seconds {
        std::thread::sleep(Duration::from_millis(40));
        let upto =
            (film.len() as f64 / 188.0 * begun.elapsed().as_secs_f64().min(seconds) / 20.0) as usize * 188;
        socket.write_all(&film[sent..upto]).ok()?;
        sent = upto;
    }
    drop(socket);
    let _ = tell.send(Told::Ended(Instant::now()));
    Some(())
}

/// How long it took from each of so many drops to the next connection.
fn gaps(told: &Receiver<Told>, count: usize) -> Vec<Duration> {
    let (mut gaps, mut dropped) = (Vec::new(), None);
    while gaps.len() < count {
        match (told.recv_timeout(Duration::from_secs(60)).expect("the source is asked again"), dropped) {
            (Told::Began(at), Some(since)) => gaps.push(at.duration_since(since)),
            (Told::Began(_), None) => {}
            (Told::Ended(at), _) => dropped = Some(at),
        }
    }
    gaps
}

#[test]
fn a_source_that_drops_is_asked_again_at_once_however_often_it_does() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let (url, told) = dropping(&[&folder.path().join("media/test.ts")], 1.2);
    let server = TestServer::on(folder, &[]);
    server.done("streams/new", &format!("data[name]=A&data[sources][]={url}"));
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    within(20, "it runs", || online(&server) == [1]);
    let mut player = Player::get(&server, "/live/bob/pw/1", "VLC");
    // By the back-off for sources that give nothing, these would be 1, 2, 4, 8 and 16 seconds.
    let gaps = gaps(&told, 5);
    assert!(gaps.iter().all(|gap| *gap < Duration::from_millis(3500)), "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap >= Duration::from_millis(500)), "a provider is not flooded: {gaps:?}");
    player.read(188 * 100);
    assert_ne!(offline(&server, 1)["status"], "waiting");
}

#[test]
fn a_source_that_drops_twice_leaves_the_picture_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let (url, told) = dropping(&[&folder.path().join("media/test.ts")], 1.2);
    let server = TestServer::on(folder, &[]);
    let stream = || server.done("streams/online", "")["streams"][0].clone();
    server.done("streams/new", &format!("data[name]=A&data[sources][]={url}&data[sources][]=media/test.ts"));
    gaps(&told, 1);
    within(20, "the second plays", || stream()["source_number"] == 2);
}
