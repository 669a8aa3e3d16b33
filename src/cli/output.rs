//! What commands print, and what they say of errors.

use std::{io::Write as _, time::Duration};

use crate::domain::{Error, fields::time::UnixTime};

/// A time as seconds, or that there is none.
pub fn moment(time: Option<UnixTime>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| time.seconds().to_string())
}

/// Prints what a start has to say. Whether somebody reads it does not keep the server from serving.
pub async fn announce(text: String) {
    let (printed, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || printed.send(print(&text)));
    let trouble = match tokio::time::timeout(Duration::from_secs(5), told).await {
        Ok(Ok(Ok(()))) => return,
        Ok(Ok(Err(error))) => error,
        Ok(Err(_)) => "standard output cannot be written to".into(),
        Err(_) => "nobody reads standard output".into(),
    };
    log::warn!(
        "{trouble}: the address and the first password are printed there (linecard admin password makes a new one)"
    );
}

/// Whoever has read enough, such as `head`, is no reason to fail.
pub fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// What went wrong, for the operator.
pub fn say(error: Error) -> String {
    match &error {
        Error::Database(fault) => {
            format!("{error}, unless the disk refused that as well ({})", fault.detail)
        }
        _ => error.to_string(),
    }
}
