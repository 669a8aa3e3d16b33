//! Why a source gave nothing, out of what ffmpeg said.

/// What tells that something failed and not why; a line before it may.
const EMPTY: [&str; 7] = [
    "Input/output error",
    "Inappropriate ioctl for device",
    "Conversion failed",
    "Immediate exit requested",
    "Error while decoding",
    "does not contain any stream",
    "corrupt",
];

const IN_USE: &str = "its port is in use: another stream or program on this machine holds it";

/// The cause in the lines of one run, oldest first; `None` if none of them is one.
pub fn cause<'l>(lines: impl Iterator<Item = &'l str> + Clone) -> Option<String> {
    let telling = lines.clone().filter(|line| !EMPTY.iter().any(|empty| line.contains(empty)));
    let known = telling.clone().filter_map(known).last();
    known.or_else(|| telling.last().or_else(|| lines.last()).map(|line| bare(line).to_owned()))
}

/// What ffmpeg's commonest lines mean.
fn known(line: &str) -> Option<String> {
    let after = |mark: &str| line.split_once(mark).map(|(_, rest)| rest.trim());
    if let Some(rest) = after("Failed to resolve hostname ") {
        let host = rest.split(':').next().unwrap_or_default();
        return Some(if rest.contains("Temporary failure") {
            format!("the name {host} cannot be looked up: the name server does not answer")
        } else {
            format!("no such host: {host}")
        });
    }
    if let Some(status) = after("HTTP error ") {
        return Some(format!("the server answered {status}"));
    }
    if line.contains("Address already in use") {
        return Some(IN_USE.into());
    }
    if line.contains("nobody answers at ") || line.contains(" refuses the connection: ") {
        return Some(bare(line).to_owned());
    }
    if let Some(rest) = after("nothing arrived ") {
        return Some(format!("nothing arrived {rest}"));
    }
    if line.contains("Format not on whitelist") {
        let named = line.strip_prefix('[').and_then(|rest| rest.split_once(" @ "));
        let format = named.and_then(|(names, _)| names.split(',').next()).unwrap_or("another");
        return Some(format!("its format is {format}, which is not played"));
    }
    if line.contains("Stream ends prematurely") {
        return Some("the source ended the connection".into());
    }
    if line.contains("Output file is empty") {
        return Some("the source sent nothing".into());
    }
    if line.contains("Invalid data found when processing input") {
        return Some("what it sends is no video or sound that ffmpeg knows".into());
    }
    let refused = after("Connection to ").filter(|rest| rest.contains("failed"));
    refused.map(|_| bare(line).to_owned())
}

/// A line without the part of ffmpeg that said it: `[tcp @ 0x55]`.
fn bare(line: &str) -> &str {
    line.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(line, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_why_is_found() {
        for (lines, why) in [
            (
                [
                    "[tcp @ 0x5] Failed to resolve hostname nosuch.invalid: Name or service not known",
                    "http://nosuch.invalid/*** Input/output error",
                ]
                .as_slice(),
                Some("no such host: nosuch.invalid"),
            ),
            (
                &[
                    "[http @ 0x5] HTTP error 403 Forbidden",
                    "http://h/*** Server returned 403 Forbidden (access denied)",
                ],
                Some("the server answered 403 Forbidden"),
            ),
            (
                &[
                    "[tcp @ 0x5] Connection to tcp://127.0.0.1:1 failed: Connection refused",
                    "http://h/*** Connection refused",
                ],
                Some("Connection to tcp://127.0.0.1:1 failed: Connection refused"),
            ),
            (
                &[
                    "[udp @ 0x5] bind failed: Address already in use",
                    "udp://127.0.0.1:5/*** Inappropriate ioctl for device",
                ],
                Some(IN_USE),
            ),
            (
                &[
                    "[srt @ 0x5] Connection setup failure: unable to create/configure SRT socket",
                    "srt://127.0.0.1/***: Address already in use",
                ],
                Some(IN_USE),
            ),
            (
                &["[srt] nobody answers at 127.0.0.1:5", "srt://127.0.0.1:5/***: Input/output error"],
                Some("nobody answers at 127.0.0.1:5"),
            ),
            (
                &["udp://127.0.0.1/***: nothing arrived within 15 seconds"],
                Some("nothing arrived within 15 seconds"),
            ),
            (
                &["http://h/*** Invalid data found when processing input"],
                Some("what it sends is no video or sound that ffmpeg knows"),
            ),
            (&["[mov @ 0x5] moov atom not found", "Conversion failed!"], Some("moov atom not found")),
            (
                &["Output file is empty, nothing was encoded (check -ss / -t)"],
                Some("the source sent nothing"),
            ),
            (
                &["[http @ 0x5] Stream ends prematurely at 637508, should be 18446744073709551615"],
                Some("the source ended the connection"),
            ),
            (&["Conversion failed!"], Some("Conversion failed!")),
            (
                &["[caf @ 0x5] Format not on whitelist 'hls,mpegts'", "http://h/*** Invalid argument"],
                Some("its format is caf, which is not played"),
            ),
            (&[], None),
        ] {
            assert_eq!(cause(lines.iter().copied()).as_deref(), why);
        }
    }
}
