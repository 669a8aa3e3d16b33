//! One HTTP/1.1 request and its answer, read as leniently as sources need it.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::connect::Socket;

/// A source that is silent for so long is gone.
pub const SILENCE: Duration = Duration::from_secs(15);
/// The most bytes of an answer's head.
const HEAD: usize = 64 << 10;
/// The most headers of an answer.
const HEADERS: usize = 128;
/// The most bytes that are read at once.
const PART: usize = 32 << 10;

/// An answer: its head, and a body that is still to be read.
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Body,
}

impl Answer {
    /// Notes that ranges of it can be had, which it did not say by itself.
    pub fn allow_ranges(&mut self) {
        self.headers.push(("accept-ranges".into(), "bytes".into()));
    }

    /// Whether any part of it can be asked for.
    pub fn gives_ranges(&self) -> bool {
        self.header("accept-ranges").is_some_and(|units| units.contains("bytes"))
    }

    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Every header of that name, given in lower case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Sends a request, whose head is whole, and reads the head of its answer.
///
/// # Errors
/// A sentence; `None` if the connection was closed before anything came, as kept ones are.
pub async fn ask(mut socket: Box<dyn Socket>, request: &str) -> Result<Answer, Option<String>> {
    let sent = timeout(SILENCE, async {
        socket.write_all(request.as_bytes()).await?;
        socket.flush().await
    });
    match sent.await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(None),
        Err(_) => return Err(Some(silent())),
    }
    let mut buffer = BytesMut::new();
    loop {
        if let Some(head) = parse(&buffer).map_err(Some)? {
            buffer.advance(head.length);
            if (100..200).contains(&head.status) && head.status != 101 {
                continue;
            }
            let Head { status, headers, is_old, .. } = head;
            let mut answer = Answer {
                status,
                headers,
                body: Body { socket: Some(socket), buffer, rest: Rest::Nothing, keep: false },
            };
            answer.body.rest = rest(&answer);
            let closes =
                answer.header("connection").is_some_and(|text| text.to_ascii_lowercase().contains("close"));
            answer.body.keep = !is_old && !closes && !matches!(answer.body.rest, Rest::All);
            return Ok(answer);
        }
        if buffer.len() > HEAD {
            return Err(Some("the source sends a response header without an end".into()));
        }
        match timeout(SILENCE, socket.read_buf(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) if buffer.is_empty() => return Err(None),
            Ok(Ok(0) | Err(_)) => return Err(Some("the source hung up in the middle of its answer".into())),
            Ok(Ok(_)) => {}
            Err(_) => return Err(Some(silent())),
        }
    }
}

fn silent() -> String {
    format!("the source did not answer within {} seconds", SILENCE.as_secs())
}

struct Head {
    length: usize,
    status: u16,
    headers: Vec<(String, String)>,
    /// HTTP/1.0, where connections are not kept.
    is_old: bool,
}

/// The head at the beginning of what has come, if all of it has.
fn parse(bytes: &[u8]) -> Result<Option<Head>, String> {
    // Radio servers of old.
    let (bytes, shift) = match bytes.strip_prefix(b"ICY ") {
        Some(rest) => ([b"HTTP/1.0 ", rest].concat(), 5),
        None => (bytes.to_vec(), 0),
    };
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let mut lenient = httparse::ParserConfig::default();
    lenient
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    match lenient.parse_response(&mut response, &bytes) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => {
            let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
            let headers =
                response.headers.iter().map(|h| (h.name.to_ascii_lowercase(), text(h.value))).collect();
            let (status, is_old) = (response.code.unwrap_or(0), response.version == Some(0));
            Ok(Some(Head { length: length - shift, status, headers, is_old }))
        }
        Err(httparse::Error::TooManyHeaders) => Err("the source sends too many headers".into()),
        Err(_) => Err("the source does not speak HTTP".into()),
    }
}

/// What is still to be read of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Nothing,
    Bytes(u64),
    /// This many of the chunk under way.
    Chunk(u64),
    /// The line that ends a chunk.
    ChunkEnd,
    /// Lines after the last chunk.
    Trailer,
    /// Until the connection is closed.
    All,
}

fn rest(answer: &Answer) -> Rest {
    let chunked = answer.all("transfer-encoding").any(|text| text.to_ascii_lowercase().contains("chunked"));
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    match (answer.status, chunked, length) {
        (204 | 304, ..) | (_, false, Some(0)) => Rest::Nothing,
        // The size of the first chunk is read as if one had ended.
        (_, true, _) => Rest::Chunk(0),
        (_, _, Some(length)) => Rest::Bytes(length),
        _ => Rest::All,
    }
}

/// A body under way.
pub struct Body {
    socket: Option<Box<dyn Socket>>,
    buffer: BytesMut,
    rest: Rest,
    keep: bool,
}

impl Body {
    /// How long it is, if that is known.
    pub fn length(&self) -> Option<u64> {
        match self.rest {
            Rest::Bytes(length) => Some(length),
            Rest::Nothing => Some(0),
            _ => None,
        }
    }

    /// Its next bytes; `None` at its end.
    ///
    /// # Errors
    /// A sentence, when it breaks off or falls silent.
    pub async fn next(&mut self) -> Result<Option<Bytes>, String> {
        self.part(usize::MAX).await
    }

    /// Its next bytes, this many at most; `None` at its end.
    ///
    /// # Errors
    /// As [`Body::next`].
    pub async fn part(&mut self, most: usize) -> Result<Option<Bytes>, String> {
        loop {
            match self.rest {
                Rest::Nothing => return Ok(None),
                Rest::Bytes(left) | Rest::Chunk(left) if left > 0 && !self.buffer.is_empty() => {
                    let part = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX)).min(most);
                    let left = left - part as u64;
                    self.rest = match self.rest {
                        Rest::Bytes(_) if left == 0 => Rest::Nothing,
                        Rest::Bytes(_) => Rest::Bytes(left),
                        _ if left == 0 => Rest::ChunkEnd,
                        _ => Rest::Chunk(left),
                    };
                    return Ok(Some(self.buffer.split_to(part).freeze()));
                }
                Rest::All if !self.buffer.is_empty() => {
                    let part = self.buffer.len().min(most);
                    return Ok(Some(self.buffer.split_to(part).freeze()));
                }
                Rest::Chunk(0) => {
                    if let Some(line) = self.line()? {
                        let digits = line.split(';').next().unwrap_or_default().trim();
                        let size = u64::from_str_radix(digits, 16);
                        let size = size.map_err(|_| "the source sends chunks without a size".to_owned())?;
                        self.rest = if size == 0 { Rest::Trailer } else { Rest::Chunk(size) };
                        continue;
                    }
                }
                Rest::ChunkEnd => {
                    if self.line()?.is_some() {
                        self.rest = Rest::Chunk(0);
                        continue;
                    }
                }
                Rest::Trailer => {
                    if let Some(line) = self.line()? {
                        if line.is_empty() {
                            self.rest = Rest::Nothing;
                        }
                        continue;
                    }
                }
                Rest::Bytes(_) | Rest::Chunk(_) | Rest::All => {}
            }
            if !self.fill().await? {
                return if self.rest == Rest::All {
                    self.rest = Rest::Nothing;
                    Ok(None)
                } else {
                    Err("the source hung up in the middle of its answer".into())
                };
            }
        }
    }

    /// The whole body, up to this many bytes.
    ///
    /// # Errors
    /// As [`Body::next`], and for a longer one.
    pub async fn whole(&mut self, begun: Bytes, most: usize) -> Result<Bytes, String> {
        let mut whole = BytesMut::from(&begun[..]);
        while let Some(part) = self.next().await? {
            whole.extend_from_slice(&part);
            if whole.len() > most {
                return Err(format!("the playlist is longer than {} MiB", most >> 20));
            }
        }
        Ok(whole.freeze())
    }

    /// The connection, if it can carry another request.
    pub fn leave(self) -> Option<Box<dyn Socket>> {
        self.socket.filter(|_| self.keep && self.rest == Rest::Nothing && self.buffer.is_empty())
    }

    /// A line without its end, if all of it is there.
    fn line(&mut self) -> Result<Option<String>, String> {
        let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            let is_long = self.buffer.len() > 4096;
            return if is_long { Err("the source sends chunks without a size".into()) } else { Ok(None) };
        };
        let line = self.buffer.split_to(at + 1);
        Ok(Some(String::from_utf8_lossy(&line).trim().to_owned()))
    }

    /// Reads more; whether there was any.
    async fn fill(&mut self) -> Result<bool, String> {
        let Some(socket) = self.socket.as_mut() else { return Ok(false) };
        self.buffer.reserve(PART);
        match timeout(SILENCE, socket.read_buf(&mut self.buffer)).await {
            Ok(Ok(length)) => Ok(length > 0),
            // Many hang up without the farewell of TLS.
            Ok(Err(_)) => Ok(false),
            Err(_) => Err(format!("the source sent nothing for {} seconds", SILENCE.as_secs())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer that a source gives with these bytes, or the complaint.
    async fn answer(bytes: &str) -> Result<(u16, String, bool), String> {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let bytes = bytes.to_owned();
        let feeding = tokio::spawn(async move { theirs.write_all(bytes.as_bytes()).await });
        let mut answer =
            ask(Box::new(ours), "").await.map_err(|why| why.unwrap_or_else(|| "closed".into()))?;
        let body = answer.body.whole(Bytes::new(), 1000).await?;
        feeding.abort();
        let status = answer.status;
        Ok((status, String::from_utf8_lossy(&body).into_owned(), answer.body.leave().is_some()))
    }

    #[tokio::test]
    async fn answers_are_read_as_they_come() {
        for (bytes, status, body, kept) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true),
            ("HTTP/1.1 200 OK\nContent-Length : 3\n\nabc", 200, "abc", true),
            ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", false),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", 200, "a", false),
            ("ICY 200 OK\r\nicy-name:x\r\n\r\nabc", 200, "abc", false),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                404,
                "",
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\n\r\n",
                200,
                "abcd",
                true,
            ),
            ("HTTP/1.1 204 No\r\n\r\n", 204, "", true),
        ] {
            assert_eq!(answer(bytes).await, Ok((status, body.to_owned(), kept)), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_answer_is_said() {
        for (bytes, why) in [
            ("", "closed"),
            ("SSH-2.0-OpenSSH\r\n", "HTTP"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "hung up"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "without a size"),
            ("HTTP/1.1 200 OK\r\nA: b", "hung up"),
        ] {
            let told = answer(bytes).await.unwrap_err();
            assert!(told.contains(why), "{bytes:?}: {told}");
        }
        let long = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(2000));
        assert!(answer(&long).await.unwrap_err().contains("longer"));
    }
}
