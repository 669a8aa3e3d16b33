//! Puts a file into a bucket of an S3-compatible store, whole or in parts, and sees to it that it has arrived. Requests are signed
//! by a crate and sent as all others are.

use std::{
    fs::File,
    io::Read,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use md5::{Digest, Md5};
use rusty_s3::{
    Bucket, Credentials, S3Action, UrlStyle,
    actions::{
        AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, HeadObject, PutObject,
        UploadPart,
    },
};
use ureq::{
    Agent, Body, Error,
    http::{HeaderMap, Response},
};

use super::fetch::{self, Limits};
use crate::domain::{fields::time::UnixTime, machine::backup_target::S3};

/// One part has so long, and its answer may have so many bytes.
const LIMITS: Limits = Limits {
    bytes: 64 << 10,
    redirects: 0,
    connect: Duration::from_secs(15),
    silence: Duration::from_mins(2),
    whole: Duration::from_mins(15),
};
/// For so long what is signed holds.
const SIGNED: Duration = Duration::from_mins(30);
/// The whole of a file has so long.
const WHOLE: Duration = Duration::from_hours(6);
/// Pauses before a request is sent again that failed for the moment.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// Bytes of a part: so much of a file is in memory. A smaller file is sent whole.
const PART: u64 = 8 << 20;
/// A file has so many parts at most, a store allows 10,000: those of a larger one are larger.
const PARTS: u64 = 9_000;

/// A file on its way.
pub struct Upload<'a> {
    /// Where it goes.
    pub target: &'a S3,
    /// The name that it has there, behind the folder.
    pub name: &'a str,
    pub file: &'a Path,
    /// The time that requests are signed with.
    pub clock: fn() -> UnixTime,
    /// How many bytes have arrived.
    pub sent: &'a AtomicU64,
    /// Breaks it off.
    pub stop: &'a AtomicBool,
}

/// Why a request failed, and whether it would fail again.
struct Fault {
    why: String,
    is_final: bool,
}

struct Sender<'a> {
    agent: Agent,
    bucket: Bucket,
    credentials: Credentials,
    object: String,
    host: String,
    until: Instant,
    upload: &'a Upload<'a>,
}

/// What a store answered.
struct Answer {
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The checksum of what has arrived, if it is one: of what a store encrypts by itself it may be something else.
    fn md5(&self) -> Option<&str> {
        let is_plain = matches!(self.header("x-amz-server-side-encryption"), "" | "AES256")
            && self.header("x-amz-server-side-encryption-customer-algorithm").is_empty();
        let etag = self.header("etag").trim_matches('"');
        (is_plain && etag.len() == 32 && etag.bytes().all(|b| b.is_ascii_hexdigit())).then_some(etag)
    }
}

/// Sends a file, and looks whether all of it is there. Blocks.
///
/// # Errors
/// What went wrong as a sentence, without what is secret.
pub fn put(upload: &Upload<'_>) -> Result<(), String> {
    let target = upload.target;
    let host = target.endpoint.host_str().unwrap_or_default().to_owned();
    let bucket =
        Bucket::new(target.endpoint.clone(), UrlStyle::Path, target.bucket.clone(), target.region.clone());
    let sender = Sender {
        agent: fetch::agent(None, true, &LIMITS)?,
        bucket: bucket.map_err(|_| "backup_target names no bucket.".to_owned())?,
        credentials: Credentials::new(target.key.clone(), target.secret.clone()),
        object: format!("{}{}", target.folder, upload.name),
        host,
        until: Instant::now() + WHOLE,
        upload,
    };
    let cannot_read = |error: std::io::Error| format!("The backup cannot be read: {error}.");
    let file = File::open(upload.file).map_err(cannot_read)?;
    let size = file.metadata().map_err(cannot_read)?.len();
    upload.sent.store(0, Ordering::Relaxed);
    if size <= PART {
        sender.whole(file)?;
    } else {
        sender.in_parts(file, size)?;
    }
    sender.check(size)
}

impl Sender<'_> {
    fn whole(&self, file: File) -> Result<(), String> {
        let bytes = part_of(file, PART)?;
        self.attempt(|| {
            let action = PutObject::new(&self.bucket, Some(&self.credentials), &self.object);
            let url = self.signed(&action);
            self.arrives(url.as_str(), &bytes).map(|_| ())
        })
    }

    fn in_parts(&self, mut file: File, size: u64) -> Result<(), String> {
        let began = self.attempt(|| {
            let action = CreateMultipartUpload::new(&self.bucket, Some(&self.credentials), &self.object);
            let url = self.signed(&action);
            let answer = self.heard(self.agent.post(url.as_str()).send_empty())?;
            CreateMultipartUpload::parse_response(&answer.body).map_err(|_| self.strange())
        })?;
        let id = began.upload_id();
        let done = self.parts(&mut file, size, id);
        if done.is_err() {
            // Parts that nobody puts together would be paid for.
            let action = AbortMultipartUpload::new(&self.bucket, Some(&self.credentials), &self.object, id);
            let url = self.signed(&action);
            let _ = self.agent.delete(url.as_str()).call();
        }
        done
    }

    fn parts(&self, file: &mut File, size: u64, id: &str) -> Result<(), String> {
        let length = PART.max(size.div_ceil(PARTS));
        let mut tags = Vec::new();
        for number in 1..=size.div_ceil(length) {
            let number = u16::try_from(number).map_err(|_| "The backup is too large.".to_owned())?;
            let bytes = part_of(&mut *file, length)?;
            tags.push(self.attempt(|| {
                let action = UploadPart::new(&self.bucket, Some(&self.credentials), &self.object, number, id);
                let url = self.signed(&action);
                self.arrives(url.as_str(), &bytes)
            })?);
        }
        self.attempt(|| {
            let tags = tags.iter().map(String::as_str);
            let action =
                CompleteMultipartUpload::new(&self.bucket, Some(&self.credentials), &self.object, id, tags);
            let url = self.signed(&action);
            let answer = self.heard(self.agent.post(url.as_str()).send(action.body().as_str()))?;
            // It begins with 200 before it knows.
            if answer.body.contains("<Error>") { Err(self.refused(200, &answer.body)) } else { Ok(()) }
        })
    }

    /// Puts bytes there and compares what has arrived; its tag.
    fn arrives(&self, url: &str, bytes: &[u8]) -> Result<String, Fault> {
        let digest = Md5::digest(bytes);
        let request = self.agent.put(url).header("Content-MD5", BASE64_STANDARD.encode(digest));
        let answer = self.heard(request.send(bytes))?;
        let own = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        if answer.md5().is_some_and(|theirs| !theirs.eq_ignore_ascii_case(&own)) {
            return Err(Fault {
                why: format!("{}: what arrived is not what was sent.", self.host),
                is_final: false,
            });
        }
        self.upload.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(answer.header("etag").to_owned())
    }

    /// Whether all of it is there. A key that may only write cannot look: what arrived was compared already.
    fn check(&self, size: u64) -> Result<(), String> {
        let length = self.attempt(|| {
            let action = HeadObject::new(&self.bucket, Some(&self.credentials), &self.object);
            let url = self.signed(&action);
            let answer = self.agent.head(url.as_str()).call();
            let answer = answer.map_err(|error| self.lost(&error))?;
            match answer.status().as_u16() {
                403 => Ok(None),
                _ => Ok(Some(self.heard(Ok(answer))?.header("content-length").to_owned())),
            }
        })?;
        match length {
            Some(length) if length != size.to_string() => {
                Err(format!("{}: {length} bytes are there, and {size} were sent.", self.host))
            }
            _ => Ok(()),
        }
    }

    fn signed<'s>(&self, action: &impl S3Action<'s>) -> url::Url {
        let now = Timestamp::from_second((self.upload.clock)().seconds()).unwrap_or_default();
        action.sign_with_time(SIGNED, &now)
    }

    /// Does something, and again if it fails for the moment.
    fn attempt<T>(&self, request: impl Fn() -> Result<T, Fault>) -> Result<T, String> {
        let mut pauses = PAUSES.iter();
        loop {
            if self.upload.stop.load(Ordering::Relaxed) {
                return Err("It was broken off.".into());
            }
            if Instant::now() > self.until {
                return Err(format!(
                    "{} takes it too slowly: it was given up after {} hours.",
                    self.host,
                    WHOLE.as_secs() / 3_600
                ));
            }
            match (request(), pauses.next()) {
                (Ok(done), _) => return Ok(done),
                (Err(Fault { is_final: false, .. }), Some(pause)) => thread::sleep(*pause),
                (Err(fault), _) => return Err(fault.why),
            }
        }
    }

    /// An answer that says yes.
    fn heard(&self, answer: Result<Response<Body>, Error>) -> Result<Answer, Fault> {
        let mut answer = answer.map_err(|error| self.lost(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let mut body = Vec::new();
        let reader = answer.body_mut().with_config().limit(u64::MAX).reader();
        // Of a refusal that breaks off the status is enough.
        let read = reader.take(LIMITS.bytes).read_to_end(&mut body);
        let body = String::from_utf8_lossy(&body).into_owned();
        match (status, read) {
            (200..=299, Ok(_)) => Ok(Answer { headers, body }),
            (200..=299, Err(error)) => Err(self.lost(&Error::from(error))),
            _ => Err(self.refused(status, &body)),
        }
    }

    fn lost(&self, error: &Error) -> Fault {
        Fault { why: format!("{}: {}.", self.host, fetch::words(error)), is_final: false }
    }

    fn strange(&self) -> Fault {
        Fault {
            why: format!("{} does not answer as an S3-compatible store does.", self.host),
            is_final: true,
        }
    }

    /// In words: of what a store says only its code, for the rest repeats what is secret.
    fn refused(&self, status: u16, body: &str) -> Fault {
        let code =
            body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
        let is_code = |code: &&str| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric());
        let code = code.filter(is_code).unwrap_or_default();
        let advice = match (code, status) {
            ("SignatureDoesNotMatch" | "InvalidAccessKeyId", _) => "check KEY and SECRET of backup_target",
            ("NoSuchBucket", _) | (_, 404) => "there is no such bucket",
            ("RequestTimeTooSkewed", _) => "the clock of this machine is wrong",
            (
                "AuthorizationHeaderMalformed" | "PermanentRedirect" | "AuthorizationQueryParametersError",
                _,
            )
            | (_, 300..=399) => "check HOST and region of backup_target",
            ("AccessDenied", _) | (_, 401 | 403) => "the key may not write into this bucket",
            _ => "try it again later",
        };
        let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
        Fault {
            why: format!("{} refused it with status {status}{code}: {advice}.", self.host),
            is_final: !matches!(status, 200 | 408 | 429 | 500..=599),
        }
    }
}

/// The next bytes of a file.
fn part_of(file: impl Read, length: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = file.take(length).read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|error| format!("The backup cannot be read: {error}."))
}
