//! Long work on a thread of its own: whoever watches is served first.

use std::thread;

use tokio::sync::oneshot;

/// How nice a thread is to the others, from 0 (not at all) to 19: of work whose end somebody waits for.
pub const AWAITED: i32 = 10;
/// The same of work that nobody waits for. At 10 a thread that has just read from the disk still keeps its processor for
/// milliseconds from who serves viewers (docs/performance.md).
pub const UNSEEN: i32 = 19;

/// Does something on a thread of that name, which is so nice; `None` if it panicked, or no thread could be started.
pub async fn run<T: Send + 'static>(
    name: &str,
    nice: i32,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, outcome) = oneshot::channel();
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // On Linux a thread has a priority of its own. Where that is not allowed, the work is done all the same.
        let _ = rustix::process::setpriority_process(None, nice);
        let _ = done.send(work());
    });
    if let Err(error) = started {
        log::error!("cannot start the thread {name}: {error}");
        return None;
    }
    outcome.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_nice_to_others_and_a_panic_is_none() {
        let nice = || rustix::process::getpriority_process(None).ok();
        let before = nice();
        assert_eq!(run("test", AWAITED, nice).await, Some(Some(before.unwrap_or(0).max(AWAITED))));
        assert_eq!(nice(), before, "this thread is as it was");
        assert_eq!(run("test", UNSEEN, move || assert!(before.is_none(), "on purpose")).await, None);
    }
}
