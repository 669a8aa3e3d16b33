use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn limits(most: u32) -> Limits {
    Limits::steady(most, MINUTE, 2 * MINUTE)
}

fn attempt<'a>(address: &str, name: Option<&'a str>, what: Option<&'a str>) -> Attempt<'a> {
    Attempt { address: ip(address), name, mark: None, what }
}

/// An attempt of which nothing is told but where it comes from.
fn fail(lockout: &mut Lockout, address: &str, most: u32, now: Instant) {
    lockout.failed(attempt(address, None, None), limits(most), limits(most), now);
}

#[test]
fn an_address_is_blocked_for_the_time_of_a_block_and_no_other_address_is() {
    let mut lockout = Lockout::default();
    let start = Instant::now();
    fail(&mut lockout, "192.0.2.1", 2, start);
    assert_eq!(lockout.wait_at(ip("192.0.2.1"), start), None);
    fail(&mut lockout, "192.0.2.1", 2, start);
    assert_eq!(lockout.wait_at(ip("192.0.2.1"), start + MINUTE), Some(MINUTE));
    assert_eq!(lockout.wait_at(ip("192.0.2.2"), start), None);
    assert_eq!(lockout.wait_at(ip("192.0.2.1"), start + 2 * MINUTE), None);
}

#[test]
fn failures_are_forgotten_after_the_window_but_a_block_lasts() {
    let mut lockout = Lockout::default();
    let start = Instant::now();
    fail(&mut lockout, "192.0.2.1", 2, start);
    fail(&mut lockout, "192.0.2.1", 2, start + MINUTE);
    assert_eq!(lockout.wait_at(ip("192.0.2.1"), start + MINUTE), None);
    fail(&mut lockout, "192.0.2.1", 2, start + MINUTE);
    fail(&mut lockout, "192.0.2.1", 2, start + 2 * MINUTE);
    assert_eq!(lockout.wait_at(ip("192.0.2.1"), start + 2 * MINUTE), Some(MINUTE));
}

#[test]
fn zero_failures_are_no_limit() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    (0..1000).for_each(|_| fail(&mut lockout, "192.0.2.1", 0, now));
    assert_eq!(lockout.wait_at(ip("192.0.2.1"), now), None);
}

#[test]
fn the_same_attempt_counts_once_and_others_count() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    let mut tried = |what| {
        let attempt = attempt("192.0.2.1", Some("bob"), Some(what));
        let is_new = lockout.failed(attempt, limits(3), limits(3), now);
        (is_new, lockout.wait_at(ip("192.0.2.1"), now).is_some(), lockout.wait_for("BOB", now).is_some())
    };
    assert_eq!(tried("a"), (true, false, false));
    (0..100).for_each(|_| assert_eq!(tried("a"), (false, false, false)));
    assert_eq!(tried("b"), (true, false, false));
    assert_eq!(tried("c"), (true, true, true));
}

#[test]
fn the_same_password_for_another_name_is_another_attempt() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    for name in ["anna", "bob", "carl"] {
        assert!(
            lockout.failed(attempt("192.0.2.1", Some(name), Some("x")), limits(3), limits(3), now),
            "{name}"
        );
    }
    assert!(lockout.wait_at(ip("192.0.2.1"), now).is_some());
}

#[test]
fn a_name_is_shut_by_guesses_from_many_addresses_without_regard_to_case() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    for n in 0..20 {
        let address = format!("192.0.2.{n}");
        let what = format!("guess {n}");
        lockout.failed(attempt(&address, Some("Bob"), Some(&what)), limits(20), limits(20), now);
    }
    assert!(lockout.wait_for("bOB", now).is_some() && lockout.wait_for("anna", now).is_none());
    assert!(lockout.wait_at(ip("192.0.2.1"), now).is_none());
}

#[test]
fn whoever_was_let_in_with_a_name_is_blocked_by_failures_as_that_one_alone() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    let home = Mark::from(ip("198.51.100.1"));
    (0..9).for_each(|n| {
        lockout.failed(attempt(&format!("192.0.2.{n}"), Some("bob"), None), limits(3), limits(3), now);
    });
    assert_eq!(lockout.wait_as("bob", home, now), None);
    (0..3).for_each(|_| lockout.failed_as(attempt("198.51.100.1", Some("Bob"), None), limits(3), now));
    assert!(
        lockout.wait_as("bob", home, now).is_some() && lockout.wait_at(ip("198.51.100.1"), now).is_none()
    );
    assert_eq!(lockout.wait_as("bob", Mark::Browser(1), now), None);
    lockout.unblock(&"bob".into());
    assert_eq!((lockout.wait_as("bob", home, now), lockout.wait_for("bob", now)), (None, None));
}

#[test]
fn waiting_may_grow_with_each_failure_up_to_a_bound() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    let growing =
        Limits { most: 2, window: MINUTE, first: Duration::from_secs(5), block: Duration::from_secs(30) };
    let mut waits = Vec::new();
    for _ in 0..7 {
        lockout.failed(attempt("192.0.2.1", Some("admin"), None), limits(0), growing, now);
        waits.push(lockout.wait_for("admin", now).map_or(0, |wait| wait.as_secs()));
    }
    assert_eq!(waits, [0, 5, 10, 20, 30, 30, 30]);
}

#[test]
fn a_v6_network_counts_as_one_caller_and_wider_ones_less_strictly() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    fail(&mut lockout, "2001:db8::1", 1, now);
    assert!(lockout.wait_at(ip("2001:db8::2"), now).is_some());
    assert!(lockout.wait_at(ip("2001:db8:0:1::2"), now).is_none());
    (1..4).for_each(|n| fail(&mut lockout, &format!("2001:db8:0:{n}::1"), 1, now));
    assert!(lockout.wait_at(ip("2001:db8:0:ff::1"), now).is_some(), "the /56");
    assert!(lockout.wait_at(ip("2001:db8:0:100::1"), now).is_none(), "not yet the /48");
    (4..16).for_each(|n| fail(&mut lockout, &format!("2001:db8:0:{n}00::1"), 1, now));
    assert!(lockout.wait_at(ip("2001:db8:0:ffff::1"), now).is_some(), "the /48");
    assert!(lockout.wait_at(ip("2001:db8:1::1"), now).is_none());
    lockout.unblock(&ip("2001:db8:0:ffff::1").into());
    assert!(
        lockout.wait_at(ip("2001:db8:0:ffff::1"), now).is_none(),
        "an address is let in with its networks"
    );
}

#[test]
fn a_block_is_listed_and_can_be_undone() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    fail(&mut lockout, "192.0.2.1", 1, now);
    let one = Offender::from(ip("192.0.2.1"));
    assert_eq!(
        lockout.tallies(now),
        [Tally { offender: one.clone(), failures: 1, blocked: Some(2 * MINUTE) }]
    );
    lockout.unblock(&ip("::ffff:192.0.2.1").into());
    assert_eq!((lockout.wait_at(ip("192.0.2.1"), now), lockout.tally(&one, now)), (None, None));
}

#[test]
fn a_flood_of_addresses_neither_takes_the_memory_nor_lifts_a_block() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    (0..2).for_each(|_| fail(&mut lockout, "192.0.2.1", 2, now));
    for n in 0..30_000_u32 {
        fail(&mut lockout, &IpAddr::V4(n.into()).to_string(), 2, now);
        assert!(lockout.places.known.len() <= Tallies::<Offender>::MOST);
    }
    assert!(lockout.wait_at(ip("192.0.2.1"), now).is_some(), "the block stands");
    assert!(lockout.places.known.len() > Tallies::<Offender>::MOST / 2, "never all at once");
    for n in 0..30_000_u32 {
        (0..2).for_each(|_| fail(&mut lockout, &IpAddr::V4((n + 1_000_000).into()).to_string(), 2, now));
    }
    let newest = IpAddr::V4(1_029_000.into());
    assert!(lockout.wait_at(newest, now).is_some(), "of blocks the oldest go");
    assert!(lockout.places.known.len() <= Tallies::<Offender>::MOST);
}

#[test]
fn a_flood_of_names_lifts_no_block_of_an_address() {
    let mut lockout = Lockout::default();
    let now = Instant::now();
    (0..2).for_each(|_| fail(&mut lockout, "192.0.2.1", 2, now));
    for n in 0..20_000 {
        let name = format!("name {n}");
        lockout.failed(attempt("192.0.2.2", Some(&name), None), limits(2), limits(2), now);
    }
    assert!(lockout.wait_at(ip("192.0.2.1"), now).is_some());
}
