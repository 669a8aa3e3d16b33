//! How many files and sockets this process may have open: each viewer takes one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below that the program cannot even begin.
const LEAST: u64 = 64;

/// What to do about a limit that is too low.
pub const REMEDY: &str = "ulimit -n, LimitNOFILE=, --ulimit nofile=";

/// Raises the limit, and refuses one with which nothing can be done.
///
/// # Errors
/// A sentence for the operator.
pub fn enough() -> Result<(), String> {
    match raise() {
        Some(limit) if limit < LEAST => Err(format!(
            "at most {limit} files and connections may be open, which is too few to start; raise the hard limit to 8192 or more \
             ({REMEDY})"
        )),
        _ => Ok(()),
    }
}

/// Raises the soft limit of open files to the hard one, as any process may; the limit that holds
/// now, or `None` if there is none.
pub fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}
