//! What the program keeps of memory that it needed for a moment.

use std::thread;

use crate::support::TestServer;

/// `VmRSS` and `VmHWM` of a process, in KiB.
fn memory(server: &TestServer) -> (i64, i64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("its status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    };
    (field("VmRSS:"), field("VmHWM:"))
}

#[test]
fn logins_leave_no_memory_behind() {
    let server = TestServer::start();
    server.done("settings/update", "data[failure_limit]=0");
    let log_in = |name: &str| {
        let body = format!("username={name}&password=wrong-password");
        server.curl("/panel/login", &["-o", "/dev/null", "-d", &body]).0
    };
    // The hash that nobody has is made by the first.
    log_in("first");
    let (before, _) = memory(&server);
    thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || (0..8).for_each(|n| assert_eq!(log_in(&format!("n{worker}-{n}")), 401)));
        }
    });
    let (after, most) = memory(&server);
    assert!(after - before < 10_000, "{before} KiB before, {after} after");
    assert!(most - before < 50_000, "{before} KiB before, {most} at the most");
}
