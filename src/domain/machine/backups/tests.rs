use super::*;
use crate::domain::ids::Id;

fn zone() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// A moment of that zone, as `2026-03-29 03:00`.
fn at(text: &str) -> UnixTime {
    let civil: jiff::civil::DateTime = text.replace(' ', "T").parse().unwrap();
    UnixTime::clamped(civil.to_zoned(zone()).unwrap().timestamp().as_second())
}

fn after(at: UnixTime, seconds: i64) -> UnixTime {
    UnixTime::clamped(at.seconds() + seconds)
}

/// One that the schedule made then, and that is good.
fn made(id: i64, created_at: UnixTime) -> Backup {
    Backup {
        id: BackupId(id),
        name: file_name(created_at),
        kind: Kind::Schedule,
        actor: String::new(),
        state: State::Made,
        bytes: 1,
        error: String::new(),
        attempts: 1,
        made_at: Some(created_at),
        wants_verify: false,
        verified_at: Some(created_at),
        verify_error: String::new(),
        next_send_at: None,
        send_attempts: 0,
        sent_at: None,
        sent_to: String::new(),
        send_error: String::new(),
        encrypted: false,
        created_at,
        updated_at: created_at,
    }
}

fn turn_at(newest: Option<&Backup>, now: UnixTime, hour: i8) -> Turn {
    turn(newest, at("2026-01-01 12:00"), now, hour, &zone())
}

#[test]
fn one_a_day_comes_at_its_hour_or_as_soon_as_it_can() {
    let last = made(1, after(at("2026-03-10 03:00"), 4));
    let is = |now: &str| turn_at(Some(&last), at(now), 3);
    assert_eq!(is("2026-03-10 03:01"), Turn::Rest);
    assert_eq!(is("2026-03-11 02:59"), Turn::Rest);
    assert_eq!(is("2026-03-11 03:00"), Turn::New);
    // It was off for days: one, at once.
    assert_eq!(is("2026-03-14 01:00"), Turn::New);
    let caught_up = made(2, at("2026-03-14 01:00"));
    assert_eq!(turn_at(Some(&caught_up), at("2026-03-14 03:00"), 3), Turn::Rest, "not twice a day");
    assert_eq!(turn_at(Some(&caught_up), at("2026-03-15 03:00"), 3), Turn::New);
    // Another hour is set: the day has its backup.
    assert_eq!(turn_at(Some(&last), at("2026-03-10 05:00"), 5), Turn::Rest);
    assert_eq!(turn_at(Some(&last), at("2026-03-11 05:00"), 5), Turn::New);
    // It was made late at night: the next day is not left out.
    let late = made(3, at("2026-03-11 00:30"));
    assert_eq!(turn_at(Some(&late), at("2026-03-11 23:00"), 23), Turn::New);
}

#[test]
fn a_new_database_waits_for_its_first_hour_and_an_old_one_does_not() {
    let since = at("2026-03-10 12:00");
    let is = |now: &str| turn(None, since, at(now), 3, &zone());
    assert_eq!(is("2026-03-10 12:01"), Turn::Rest);
    assert_eq!(is("2026-03-11 02:59"), Turn::Rest);
    assert_eq!(is("2026-03-11 03:00"), Turn::New);
    let early = |now: &str| turn(None, at("2026-03-10 01:00"), at(now), 3, &zone());
    assert_eq!((early("2026-03-10 02:59"), early("2026-03-10 03:00")), (Turn::Rest, Turn::New));
    assert_eq!(turn_at(None, at("2026-03-10 14:00"), 3), Turn::New, "from before there were backups");
}

#[test]
fn summer_time_neither_leaves_one_out_nor_makes_two() {
    // 02:00 does not come on the 29th of March, and comes twice on the 25th of October.
    let last = made(1, at("2026-03-28 02:00"));
    assert_eq!(turn_at(Some(&last), after(at("2026-03-29 03:00"), -1), 2), Turn::Rest);
    assert_eq!(turn_at(Some(&last), at("2026-03-29 03:00"), 2), Turn::New);
    let first = at("2026-10-25 02:00");
    let last = made(1, at("2026-10-24 02:00"));
    assert_eq!(turn_at(Some(&last), first, 2), Turn::New);
    let last = made(2, first);
    assert_eq!(turn_at(Some(&last), after(first, 3_600), 2), Turn::Rest);
    assert_eq!(turn_at(Some(&last), after(first, 7_200), 2), Turn::Rest);
    assert_eq!(turn_at(Some(&last), at("2026-10-26 02:00"), 2), Turn::New);
}

#[test]
fn what_failed_is_tried_again_and_the_next_day_has_its_own() {
    let mut failed = made(7, at("2026-03-10 03:00"));
    (failed.state, failed.updated_at) = (State::Failed, at("2026-03-10 03:01"));
    let is = |failed: &Backup, now: &str| turn_at(Some(failed), at(now), 3);
    assert_eq!(is(&failed, "2026-03-10 03:05"), Turn::Rest);
    assert_eq!(is(&failed, "2026-03-10 03:06"), Turn::Again(BackupId(7)));
    failed.attempts = 9;
    assert_eq!(is(&failed, "2026-03-10 06:00"), Turn::Rest);
    assert_eq!(is(&failed, "2026-03-10 06:01"), Turn::Again(BackupId(7)));
    assert_eq!(is(&failed, "2026-03-11 03:00"), Turn::New);
}

#[test]
fn a_backup_from_the_future_keeps_none_from_being_made() {
    let ahead = made(1, at("2027-03-10 03:00"));
    assert_eq!(turn_at(Some(&ahead), at("2026-03-10 01:00"), 3), Turn::New);
    let now = made(2, at("2026-03-10 01:00"));
    assert_eq!(turn_at(Some(&now), at("2026-03-10 02:00"), 3), Turn::Rest);
}

fn left(backups: &[Backup], daily: usize, weekly: usize, monthly: usize) -> Vec<i64> {
    let to_go = Keep { daily, weekly, monthly }.to_go(backups, &zone());
    let stays = backups.iter().filter(|backup| !to_go.contains(&backup.id));
    stays.map(|backup| backup.id.number()).collect()
}

#[test]
fn the_last_of_each_day_week_and_month_stays() {
    // A year of days, the last of them a Monday.
    let newest = at("2026-11-30 03:00");
    let year: Vec<Backup> = (0..365)
        .map(|days| {
            let moment = Timestamp::from_second(newest.seconds()).unwrap().to_zoned(zone());
            let moment = moment.checked_sub(days.days()).unwrap();
            made(1_000 - days, UnixTime::clamped(moment.timestamp().as_second()))
        })
        .collect();
    // 24 to 30 November; Sundays the 22nd and 15th (the 29th and the 30th are there already); ends of October to June.
    let kept = left(&year, 7, 4, 6);
    let days: Vec<i64> = kept.iter().map(|id| 1_000 - id).collect();
    assert_eq!(days, [0, 1, 2, 3, 4, 5, 6, 8, 15, 30, 61, 91, 122, 153]);
    assert_eq!(left(&year, 0, 0, 2), [1_000, 970]);
    assert_eq!(left(&year, 1, 0, 0), [1_000]);
    assert_eq!(left(&year, 0, 0, 0), [1_000], "the newest good one stays");
}

#[test]
fn a_gap_makes_nothing_older_and_of_several_a_day_the_last_stays() {
    let backups = [
        made(1, at("2026-01-05 03:00")),
        made(2, at("2026-01-06 03:00")),
        made(3, at("2026-09-01 03:00")),
        made(4, at("2026-09-01 23:59")),
        made(5, at("2026-09-02 00:01")),
    ];
    assert_eq!(left(&backups, 3, 0, 0), [2, 4, 5]);
    assert_eq!(left(&backups, 9, 9, 9), [1, 2, 4, 5]);
}

#[test]
fn days_are_those_of_the_zone_also_when_they_are_longer() {
    // The 25th of October has 25 hours, and both are of it.
    let backups = [
        made(1, at("2026-10-25 00:01")),
        made(2, after(at("2026-10-25 00:01"), 24 * 3_600)),
        made(3, at("2026-10-26 00:01")),
    ];
    assert_eq!(left(&backups, 2, 0, 0), [2, 3]);
}

#[test]
fn what_is_not_known_to_be_good_counts_for_nothing() {
    let mut bad = made(9, at("2026-09-09 03:00"));
    bad.verify_error = "damaged".into();
    let mut unknown = made(8, at("2026-09-08 03:00"));
    unknown.verified_at = None;
    let good = made(3, at("2026-09-03 03:00"));
    let mut old_bad = made(2, at("2026-09-02 03:00"));
    old_bad.verify_error = "damaged".into();
    let old = made(1, at("2026-09-01 03:00"));
    let all = [bad.clone(), unknown.clone(), good, old_bad, old];
    assert_eq!(left(&all, 1, 0, 0), [9, 8, 3]);
    assert_eq!(left(&[bad, unknown], 0, 0, 0), [9, 8], "nothing goes without a good one");
    // Nobody else's go.
    let mut others: Vec<Backup> = (1..5).map(|id| made(id, at(&format!("2026-09-0{id} 03:00")))).collect();
    for (other, kind) in others.iter_mut().zip([Kind::Person, Kind::Upgrade, Kind::File]) {
        other.kind = kind;
    }
    assert_eq!(left(&others, 0, 0, 0), [1, 2, 3, 4]);
}
