//! The machine: kernel, memory, limits, time, ffmpeg.

use std::{process::Stdio, time::Duration};

use tokio::process::Command;

use super::{Findings, size};
use crate::{domain::fields::time::UnixTime, host::about::Machine};

/// Fewer open files than this are few viewers.
const FILES: u64 = 8_192;
/// The program was not there before: 2026.
const EARLIEST: i64 = 1_767_225_600;
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at the machine and its time.
pub fn look(findings: &mut Findings, now: UnixTime) {
    let machine = Machine::this();
    let memory = machine
        .memory
        .map_or_else(String::new, |(free, all)| format!(", {} of {} memory free", size(free), size(all)));
    let Machine { kernel, system, processors, zone, open_files, .. } = machine;
    findings.good("machine", format!("{system}, kernel {kernel}, {processors} processors{memory}"));
    match open_files {
        (_, Some(hard)) if hard < FILES => findings.warn(
            "open files",
            format!("at most {hard} may be open, and each viewer takes one"),
            format!("raise the hard limit to {FILES} or more: LimitNOFILE= of the service, --ulimit nofile= of the container"),
        ),
        (soft, hard) => {
            let shown = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
            findings.good("open files", format!("{} here, raised to {} by a server", shown(soft), shown(hard)));
        }
    }
    let time =
        jiff::Timestamp::from_second(now.seconds()).map_or_else(|_| String::new(), |time| time.to_string());
    if now.seconds() < EARLIEST {
        findings.bad(
            "clock",
            format!("{time}: that was before this program"),
            "set the clock, and let it be kept by NTP",
        );
    } else {
        findings.good("clock", format!("{time}, time zone of the machine {zone}"));
    }
}

/// Whether ffmpeg and what starts it can be run.
pub async fn look_at_ffmpeg(findings: &mut Findings) {
    match version("ffmpeg", "-version").await {
        Ok(line) => findings.good("ffmpeg", line),
        Err(why) => {
            findings.bad(
                "ffmpeg",
                format!("cannot be run: {why}"),
                "install it (apt-get install ffmpeg), or put it on PATH",
            );
        }
    }
    if let Err(why) = version("setpriv", "--version").await {
        findings.bad(
            "setpriv",
            format!("cannot be run: {why}"),
            "install it (apt-get install util-linux): it starts ffmpeg",
        );
    }
}

/// The first line that a program says of itself, cut to 100 characters.
async fn version(program: &str, flag: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.arg(flag).stdin(Stdio::null()).kill_on_drop(true);
    let told = tokio::time::timeout(PATIENCE, command.output()).await.map_err(|_| "no answer".to_owned())?;
    let told = told.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&told.stdout);
    let line = text.lines().next().unwrap_or_default().chars().take(100).collect();
    if told.status.success() { Ok(line) } else { Err(told.status.to_string()) }
}
