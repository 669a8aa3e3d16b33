//! Answers ffmpeg over the loopback.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::{sleep, timeout},
};

use super::{
    follow::Got,
    source::{Reply, Source},
};

/// The most bytes of a request, and the time that it may take.
const HEAD: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(10);
/// What trickles is gathered for so long: to pass on each packet as it comes would cost ten times as much.
const GATHER: Duration = Duration::from_millis(20);
/// So much at once does not trickle.
const MUCH: usize = 16 << 10;

/// What ffmpeg asks for: the token and the number of an address, and the range of bytes.
struct Request {
    token: String,
    number: u32,
    range: Option<String>,
}

/// Serves one connection, for one request.
pub async fn serve(mut socket: TcpStream, find: impl FnOnce(&str) -> Option<Arc<Source>>) {
    let _ = socket.set_nodelay(true);
    let (mut read, mut write) = socket.split();
    let Ok(Some(request)) = timeout(PATIENCE, request(&mut read)).await else { return };
    let Some(source) = find(&request.token) else {
        let _ = write.write_all(head(404, "", &[]).as_bytes()).await;
        return;
    };
    tokio::select! {
        () = answer(&source, &request, &mut write) => {}
        // ffmpeg sends nothing more: it has gone.
        _ = read.read_u8() => {}
    }
}

async fn request(read: &mut ReadHalf<'_>) -> Option<Request> {
    let mut buffer = BytesMut::new();
    loop {
        if read.read_buf(&mut buffer).await.ok()? == 0 || buffer.len() > HEAD {
            return None;
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        if request.parse(&buffer).ok()?.is_partial() {
            continue;
        }
        let (token, rest) = request.path?.trim_start_matches('/').split_once('/')?;
        let number = rest.split('.').next()?.parse().ok()?;
        let range = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("range"));
        let range = range.map(|header| String::from_utf8_lossy(header.value).into_owned());
        // ffmpeg always asks so; many live servers do not know ranges.
        let range = range.filter(|range| range != "bytes=0-");
        return Some(Request { token: token.to_owned(), number, range });
    }
}

async fn answer(source: &Source, request: &Request, write: &mut WriteHalf<'_>) {
    let sent = match source.answer(request.number, request.range.as_deref()).await {
        Ok(Reply::List(text)) => {
            let length = format!("Content-Length: {}", text.len());
            let head = head(200, "OK", &["Content-Type: application/vnd.apple.mpegurl".into(), length]);
            write.write_all((head + &text).as_bytes()).await
        }
        Ok(Reply::Body(got, begun)) => pass(source, request, got, begun, write).await,
        Err(failure) => {
            let status = failure.status.filter(|status| *status >= 400).unwrap_or(502);
            write.write_all(head(status, "failed", &[]).as_bytes()).await
        }
    };
    if sent.is_ok() {
        let _ = write.shutdown().await;
    }
}

/// Passes a body on; one that breaks off is gone on with where that can be.
async fn pass(
    source: &Source,
    request: &Request,
    mut got: Got,
    begun: Bytes,
    write: &mut WriteHalf<'_>,
) -> std::io::Result<()> {
    let range = request.range.as_deref().filter(|_| got.answer.status == 206);
    let is_whole = range.is_some() || request.range.is_none();
    let (from, to) = range.map_or((0, None), bounds);
    let mut sent = begun.len() as u64;
    let length = got.answer.body.length().map(|length| length + begun.len() as u64);
    let mut lines: Vec<String> =
        length.map(|length| format!("Content-Length: {length}")).into_iter().collect();
    for name in ["content-type", "content-range", "accept-ranges"] {
        // Ranges of what has no end would only mislead.
        let value = got.answer.header(name).filter(|_| length.is_some() || name == "content-type");
        lines.extend(value.map(|value| format!("{name}: {}", value.replace(char::is_control, ""))));
    }
    write.write_all(head(got.answer.status, "OK", &lines).as_bytes()).await?;
    write.write_all(&begun).await?;
    loop {
        match got.answer.body.next().await {
            Ok(Some(part)) => {
                write.write_all(&part).await?;
                sent += part.len() as u64;
                if length.is_none() && part.len() < MUCH {
                    sleep(GATHER).await;
                }
            }
            Ok(None) => {
                source.done(got);
                return Ok(());
            }
            Err(why) => {
                let may_go_on = is_whole && source.may_go_on(request.number);
                let rest =
                    if may_go_on { source.rest(request.number, from + sent, to).await.ok() } else { None };
                let Some(rest) = rest else {
                    source.note(why);
                    // Without a farewell: what was promised is not complete.
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                };
                log::debug!("{why}: resumed at byte {}", from + sent);
                got = rest;
            }
        }
    }
}

/// The first byte of a range, and its last if it names one.
fn bounds(range: &str) -> (u64, Option<u64>) {
    let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap_or_default();
    (from.trim().parse().unwrap_or(0), to.trim().parse().ok())
}

fn head(status: u16, word: &str, lines: &[String]) -> String {
    let mut head = format!("HTTP/1.1 {status} {word}\r\n");
    for line in lines {
        head.extend([line, "\r\n"]);
    }
    head + "Connection: close\r\n\r\n"
}
