use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    ids::{LineId, StreamId},
    viewing::{
        session::{GRACE, SILENT},
        title::Title,
        window::Window,
    },
};

fn start() -> UnixTime {
    UnixTime::clamped(1_800_000_000)
}

fn key(line: i64, host: u8, agent: &str, stream: i64) -> Key {
    let viewer = Viewer::Line(LineId(line));
    let title = Title::Live(StreamId(stream));
    Key { viewer, address: IpAddr::from([192, 0, 2, host]), agent: agent.into(), title }
}

fn terms(container: Container, limit: i64, policy: ConnectionPolicy) -> SessionTerms {
    SessionTerms { container, limit: Connections::new(limit).unwrap(), policy, until: None, reload: RELOAD }
}

const KICK: ConnectionPolicy = ConnectionPolicy::KickOldest;
const REFUSE: ConnectionPolicy = ConnectionPolicy::Refuse;
const RELOAD: Duration = Duration::from_secs(4);

fn open(book: &mut Book, key: &Key, terms: SessionTerms, now: Instant) -> Option<SessionId> {
    open_while(book, key, terms, now, |_| Duration::ZERO)
}

/// The same, while the sockets of sessions have taken nothing for so long.
fn open_while(
    book: &mut Book,
    key: &Key,
    terms: SessionTerms,
    now: Instant,
    stalled: impl Fn(SessionId) -> Duration,
) -> Option<SessionId> {
    match book.open(key, terms, start(), now, stalled) {
        Opening::Open(id) => Some(id),
        Opening::Full | Opening::Barred => None,
    }
}

fn stream(ended: &Ended) -> i64 {
    ended.session.key.title.stream().0
}

fn endings(book: &mut Book) -> Vec<(i64, Ending)> {
    book.take_ended().into_iter().map(|ended| (stream(&ended), ended.why)).collect()
}

#[test]
fn requests_of_one_device_for_one_stream_are_one_session() {
    let (mut book, now) = (Book::default(), Instant::now());
    let terms = terms(Container::Ts, 1, REFUSE);
    let first = open(&mut book, &key(1, 1, "Kodi", 7), terms, now);
    assert!(first.is_some());
    assert_eq!(open(&mut book, &key(1, 1, "Kodi", 7), terms, now), first);
    assert_eq!(book.of(Viewer::Line(LineId(1))).len(), 1);
    assert_eq!(
        open(&mut book, &key(1, 2, "Kodi", 7), terms, now),
        None,
        "another address is another session"
    );
}

#[test]
fn zapping_at_the_limit_ends_the_old_session_under_either_policy() {
    for policy in [KICK, REFUSE] {
        let (mut book, now) = (Book::default(), Instant::now());
        let terms = terms(Container::Ts, 1, policy);
        open(&mut book, &key(1, 1, "VLC", 7), terms, now).unwrap();
        open(&mut book, &key(1, 1, "VLC", 8), terms, now).unwrap();
        assert_eq!(endings(&mut book), [(7, Ending::Zapped)]);
    }
}

#[test]
fn below_the_limit_one_device_may_watch_two_streams() {
    let (mut book, now) = (Book::default(), Instant::now());
    let terms = terms(Container::Ts, 2, KICK);
    open(&mut book, &key(1, 1, "VLC", 7), terms, now).unwrap();
    open(&mut book, &key(1, 1, "VLC", 8), terms, now).unwrap();
    assert_eq!(endings(&mut book), []);
}

#[test]
fn the_oldest_goes_first_but_before_it_one_of_the_same_device_or_address() {
    let (mut book, now) = (Book::default(), Instant::now());
    let terms = terms(Container::Ts, 3, KICK);
    for (host, agent, stream) in [(9, "old", 1), (1, "other", 2), (1, "VLC", 3)] {
        open(&mut book, &key(1, host, agent, stream), terms, now).unwrap();
    }
    open(&mut book, &key(1, 1, "VLC", 4), terms, now).unwrap();
    open(&mut book, &key(1, 1, "mpv", 5), terms, now).unwrap();
    open(&mut book, &key(1, 3, "mpv", 6), terms, now).unwrap();
    assert_eq!(endings(&mut book), [(3, Ending::Zapped), (2, Ending::Kicked), (1, Ending::Kicked)]);
}

#[test]
fn a_refused_request_ends_nothing() {
    let (mut book, now) = (Book::default(), Instant::now());
    for (host, stream) in [(1, 1), (2, 2), (3, 3)] {
        open(&mut book, &key(1, host, "VLC", stream), terms(Container::Ts, 3, REFUSE), now).unwrap();
    }
    // The limit was lowered: the device's own session alone would not make room.
    assert_eq!(open(&mut book, &key(1, 1, "VLC", 4), terms(Container::Ts, 1, REFUSE), now), None);
    assert_eq!(endings(&mut book), []);
}

#[test]
fn a_closed_session_frees_its_connection_at_once_and_can_be_taken_up_for_a_moment() {
    let (mut book, now) = (Book::default(), Instant::now());
    let terms = terms(Container::Ts, 1, REFUSE);
    let id = open(&mut book, &key(1, 1, "VLC", 7), terms, now).unwrap();
    book.release(id, now);
    assert!(book.of(Viewer::Line(LineId(1))).is_empty());
    assert_eq!(open(&mut book, &key(1, 1, "VLC", 7), terms, now + GRACE / 2), Some(id));
    book.release(id, now);
    let other = open(&mut book, &key(1, 2, "VLC", 7), terms, now);
    assert!(other.is_some(), "another device takes the free connection");
    assert_eq!(
        open(&mut book, &key(1, 1, "VLC", 7), terms, now),
        None,
        "and the first has none to come back to"
    );
    book.sweep(now + GRACE);
    assert_eq!(endings(&mut book), [(7, Ending::Closed)]);
}

#[test]
fn an_hls_viewer_lives_by_asking_and_stays_out_after_it_was_made_to_end() {
    let (mut book, now) = (Book::default(), Instant::now());
    let terms = terms(Container::Hls, 1, KICK);
    let id = open(&mut book, &key(1, 1, "hls.js", 7), terms, now).unwrap();
    book.sweep(now + HLS_IDLE / 2);
    book.touch(id, now + HLS_IDLE / 2);
    book.sweep(now + HLS_IDLE);
    assert!(book.session(id).is_some());
    book.end(id, Ending::Killed, now);
    let barred = book.open(&key(1, 1, "hls.js", 7), terms, start(), now, |_| Duration::ZERO);
    assert!(matches!(barred, Opening::Barred));
    assert!(open(&mut book, &key(1, 1, "hls.js", 7), terms, now + BARRED).is_some());
    book.sweep(now + BARRED + HLS_IDLE);
    assert_eq!(endings(&mut book), [(7, Ending::Killed), (7, Ending::Closed)]);
}

#[test]
fn a_session_ended_when_its_player_left_and_not_when_it_was_given_up() {
    let (mut book, now) = (Book::default(), Instant::now());
    let left = now + Duration::from_mins(1);
    let id = open(&mut book, &key(1, 1, "VLC", 7), terms(Container::Ts, 1, KICK), now).unwrap();
    book.release(id, left);
    let asked = open(&mut book, &key(2, 1, "hls", 7), terms(Container::Hls, 1, KICK), left).unwrap();
    book.touch(asked, left);
    book.sweep(left + GRACE + HLS_IDLE);
    let ends: Vec<Instant> = book.take_ended().into_iter().map(|ended| ended.at).collect();
    assert_eq!(ends, [left, left]);
    let id = open(&mut book, &key(1, 1, "VLC", 7), terms(Container::Ts, 1, KICK), now).unwrap();
    book.end(id, Ending::Killed, left);
    assert_eq!(book.take_ended()[0].at, left);
}

#[test]
fn a_ghost_gives_its_place_to_the_same_address_or_player_and_to_nobody_else() {
    let (mut book, now) = (Book::default(), Instant::now());
    let terms = terms(Container::Ts, 1, REFUSE);
    open(&mut book, &key(1, 1, "VLC", 7), terms, now).unwrap();
    let now = now + Duration::from_mins(1);
    let short = |_| SILENT.checked_sub(Duration::from_millis(1)).unwrap();
    for newcomer in [key(1, 2, "VLC", 7), key(1, 1, "Kodi", 7), key(1, 2, "Kodi", 7)] {
        assert_eq!(open_while(&mut book, &newcomer, terms, now, short), None, "it makes progress");
    }
    assert_eq!(open_while(&mut book, &key(1, 2, "Kodi", 7), terms, now, |_| SILENT), None, "a stranger");
    assert!(open_while(&mut book, &key(1, 2, "VLC", 8), terms, now, |_| SILENT).is_some(), "moved");
    assert!(open_while(&mut book, &key(1, 2, "Kodi", 9), terms, now, |_| SILENT).is_some(), "at home");
    let ended = book.take_ended();
    let told: Vec<_> = ended.iter().map(|ended| (stream(ended), ended.why, ended.at)).collect();
    let left = now.checked_sub(SILENT).unwrap();
    assert_eq!(told, [(7, Ending::Closed, left), (8, Ending::Closed, left)]);
    open(&mut book, &key(2, 1, "", 7), terms, now).unwrap();
    assert_eq!(
        open_while(&mut book, &key(2, 2, "", 7), terms, now, |_| SILENT),
        None,
        "who says nothing is nobody"
    );
}

#[test]
fn only_so_many_ghosts_go_as_are_in_the_way_and_none_for_nothing() {
    let (mut book, now) = (Book::default(), Instant::now());
    let two = terms(Container::Ts, 2, REFUSE);
    open(&mut book, &key(1, 1, "VLC", 1), two, now).unwrap();
    open(&mut book, &key(1, 2, "VLC", 2), two, now).unwrap();
    let lowered = terms(Container::Ts, 1, REFUSE);
    let first_stalls = |id: SessionId| if id.0 == 1 { SILENT } else { Duration::ZERO };
    assert_eq!(open_while(&mut book, &key(1, 3, "VLC", 3), lowered, now, first_stalls), None);
    assert_eq!(endings(&mut book), []);
    assert!(open_while(&mut book, &key(1, 3, "VLC", 3), two, now, |_| SILENT).is_some());
    assert_eq!(endings(&mut book), [(1, Ending::Closed)]);
}

#[test]
fn an_hls_ghost_is_one_that_should_have_read_its_playlist_twice() {
    let (mut book, now) = (Book::default(), Instant::now());
    let (hls, ts) = (terms(Container::Hls, 1, REFUSE), terms(Container::Ts, 1, REFUSE));
    let id = open(&mut book, &key(1, 1, "VLC", 7), hls, now).unwrap();
    let moved = key(1, 2, "VLC", 7);
    assert_eq!(open(&mut book, &moved, ts, now + RELOAD), None);
    book.touch(id, now + RELOAD);
    assert_eq!(open(&mut book, &moved, ts, now + RELOAD * 2), None);
    let later = now + RELOAD * 3;
    // The same player reads a transport stream too: as long as one of both goes on, it is there.
    open(&mut book, &key(1, 1, "VLC", 7), ts, later).unwrap();
    assert_eq!(open(&mut book, &moved, ts, later), None);
    assert!(open_while(&mut book, &moved, ts, later, |_| RELOAD).is_some());
    assert_eq!(book.take_ended()[0].at, later.checked_sub(RELOAD).unwrap());
}

#[test]
fn sessions_of_an_ended_subscription_are_found_by_its_end() {
    let (mut book, now) = (Book::default(), Instant::now());
    let end = |seconds| UnixTime::clamped(start().seconds() + seconds);
    let until = |seconds| SessionTerms { until: Some(end(seconds)), ..terms(Container::Ts, 0, KICK) };
    let id = open(&mut book, &key(1, 1, "VLC", 7), until(10), now).unwrap();
    assert_eq!(book.over(end(9)), []);
    assert_eq!(book.over(end(10)), [id]);
    // It was extended meanwhile, and the player asked again.
    open(&mut book, &key(1, 1, "VLC", 7), until(20), now).unwrap();
    assert_eq!(book.over(end(10)), []);
}

#[derive(Clone, Debug)]
enum Step {
    Open {
        line: i64,
        host: u8,
        agent: u8,
        stream: i64,
        hls: bool,
    },
    Close(usize),
    Touch(usize),
    End(usize),
    /// A subscription is to end in so many seconds.
    Extend(usize, i64),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let open = (1..3_i64, 1..4_u8, 0..2_u8, 1..4_i64, any::<bool>())
        .prop_map(|(line, host, agent, stream, hls)| Step::Open { line, host, agent, stream, hls });
    let step = prop_oneof![
        5 => open,
        3 => any::<usize>().prop_map(Step::Close),
        1 => any::<usize>().prop_map(Step::Touch),
        1 => any::<usize>().prop_map(Step::End),
        1 => (any::<usize>(), 0..60_i64).prop_map(|(place, seconds)| Step::Extend(place, seconds)),
        2 => (0..8_000_u64).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    /// Random opens, closes, zaps, ends of subscriptions and waits: the limit holds at every moment, a socket is never
    /// lost or counted twice, every session ends exactly once, and what finds sessions finds them all.
    #[test]
    fn the_count_is_exact_under_any_interleaving(steps in steps(), limit in 1..4_i64, kick: bool) {
        let policy = if kick { KICK } else { REFUSE };
        let (mut book, mut now, mut passed) = (Book::default(), Instant::now(), 0_i64);
        let mut sockets: Vec<SessionId> = Vec::new();
        let mut begun = std::collections::HashSet::new();
        for step in steps {
            match step {
                Step::Open { line, host, agent, stream, hls } => {
                    let container = if hls { Container::Hls } else { Container::Ts };
                    let agent = if agent == 0 { "VLC" } else { "Kodi" };
                    let opened = open(&mut book, &key(line, host, agent, stream), terms(container, limit, policy), now);
                    begun.extend(opened);
                    sockets.extend(opened.filter(|_| !hls));
                }
                Step::Close(place) if !sockets.is_empty() => {
                    let id = sockets.swap_remove(place % sockets.len());
                    book.release(id, now);
                }
                Step::Touch(place) if !sockets.is_empty() => book.touch(sockets[place % sockets.len()], now),
                Step::End(place) if !sockets.is_empty() => book.end(sockets[place % sockets.len()], Ending::Killed, now),
                Step::Extend(place, seconds) if !sockets.is_empty() => {
                    let until = UnixTime::clamped(start().seconds() + passed / 1_000 + seconds);
                    book.extend(sockets[place % sockets.len()], Some(until));
                }
                Step::Wait(millis) => {
                    now += Duration::from_millis(millis);
                    passed += i64::try_from(millis).unwrap();
                    book.sweep(now);
                    let at = UnixTime::clamped(start().seconds() + passed / 1_000);
                    book.over(at).into_iter().for_each(|id| book.end(id, Ending::Withdrawn, now));
                    prop_assert!(book.all().all(|session| session.until.is_none_or(|until| until > at)));
                }
                _ => {}
            }
            for line in 1..3 {
                let open = book.of(Viewer::Line(LineId(line))).len();
                prop_assert!(i64::try_from(open).unwrap() <= limit, "line {line} has {open} of {limit}");
            }
            for session in book.sessions.values() {
                let held = sockets.iter().filter(|id| **id == session.id).count();
                prop_assert_eq!(session.sockets, held);
                prop_assert_eq!(session.deadline.is_none(), held > 0);
                prop_assert_eq!(book.by_key.get(&session.key), Some(&session.id));
                prop_assert!(book.by_viewer.get(&session.key.viewer).is_some_and(|of| of.contains(&session.id)));
            }
            let (mut of_viewers, mut deadlines, mut ends) = (0, 0, 0);
            book.by_viewer.values().for_each(|of| of_viewers += of.len());
            book.sessions.values().for_each(|session| {
                deadlines += usize::from(session.deadline.is_some());
                ends += usize::from(session.until.is_some());
            });
            prop_assert_eq!((book.by_key.len(), of_viewers), (book.sessions.len(), book.sessions.len()));
            prop_assert_eq!((book.deadlines.len(), book.ends.len()), (deadlines, ends));
        }
        sockets.drain(..).for_each(|id| book.release(id, now));
        book.sweep(now + HLS_IDLE);
        prop_assert!(book.sessions.is_empty() && book.by_key.is_empty() && book.by_viewer.is_empty());
        prop_assert!(book.deadlines.is_empty() && book.ends.is_empty());
        let ended = book.take_ended();
        prop_assert_eq!(ended.len(), begun.len());
        prop_assert_eq!(ended.iter().map(|ended| ended.session.id).collect::<std::collections::HashSet<_>>(), begun);
    }
}

#[test]
fn who_seeks_in_an_archive_goes_on_as_one_session_however_many_connections_there_are() {
    let (mut book, now) = (Book::default(), Instant::now());
    let terms = terms(Container::Ts, 5, REFUSE);
    let part = |agent, stream, ago| {
        let from = UnixTime::clamped(start().seconds() - ago);
        Key { title: Title::Archive(StreamId(stream), Window::from(from)), ..key(1, 1, agent, stream) }
    };
    let first = open(&mut book, &part("Kodi", 7, 600), terms, now);
    assert_eq!(open(&mut book, &part("Kodi", 7, 600), terms, now), first, "another range of the same part");
    open(&mut book, &part("VLC", 7, 600), terms, now).unwrap();
    open(&mut book, &part("Kodi", 8, 600), terms, now).unwrap();
    open(&mut book, &key(1, 1, "Kodi", 7), terms, now).unwrap();
    assert_eq!(endings(&mut book), []);
    assert_ne!(open(&mut book, &part("Kodi", 7, 300), terms, now), first);
    assert_eq!(endings(&mut book), [(7, Ending::Zapped)]);
    assert_eq!(book.of(Viewer::Line(LineId(1))).len(), 4);
}
