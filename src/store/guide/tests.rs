use super::*;
use crate::domain::{fields::time::UnixTime, ids::GuideSourceId};

const SOURCE: GuideSourceId = GuideSourceId(1);

fn db() -> (tempfile::TempDir, GuideDb) {
    let folder = tempfile::tempdir().unwrap();
    let db = GuideDb::at(folder.path());
    (folder, db)
}

/// A refresh with one channel `a` and programmes of it: start, end, title.
fn refreshed(db: &GuideDb, programmes: &[(i64, Option<i64>, &str)]) -> Counts {
    let refresh = |mut refresh: Refresh<'_>| -> Result<Counts> {
        let row = refresh.channel("a", &["A one".into(), "A".into()], true)?;
        refresh.channel("b", &[], false)?;
        for (start, stop, title) in programmes {
            refresh.programme(row, *start, *stop, Texts { title, ..Texts::default() })?;
        }
        refresh.finish("file", &Fetched { etag: "\"1\"".into(), last_modified: String::new() }, 0, 10_000)
    };
    db.refresh(SOURCE, refresh).unwrap()
}

fn row(db: &GuideDb) -> i64 {
    db.wanted_channels().unwrap()[0].2
}

fn shown(db: &GuideDb, from: i64, to: i64) -> Vec<(i64, i64, String)> {
    let found = db.programmes(row(db), from, to, 100).unwrap();
    found.into_iter().map(|found| (found.start.seconds(), found.stop.seconds(), found.title)).collect()
}

#[test]
fn a_refresh_is_seen_as_a_whole_with_overlaps_cut_and_gaps_kept() {
    let (_folder, db) = db();
    assert_eq!(db.channels().unwrap(), []);
    let before = db.flips();
    let programmes =
        [(300, None, "c"), (100, Some(250), "old a"), (200, Some(260), "b"), (100, Some(250), "a")];
    assert_eq!(refreshed(&db, &programmes), Counts { channels: 2, programmes: 3 });
    assert!(db.flips() > before);
    let all = [(100, 200, "a"), (200, 260, "b"), (300, 3_900, "c")].map(|(a, b, t)| (a, b, t.to_owned()));
    assert_eq!(shown(&db, 1, 10_000), all);
    assert_eq!(shown(&db, 150, 200), all[..1], "the end is not part of it");
    assert_eq!(shown(&db, 260, 300), [], "a gap");
    assert_eq!(shown(&db, 259, 301), all[1..]);
    let names: Vec<_> =
        db.channels().unwrap().into_iter().map(|c| (c.guide_id, c.names, c.programmes)).collect();
    assert_eq!(names, [("a".into(), vec!["A one".into(), "A".into()], 3), ("b".into(), vec![], 0)]);
    assert_eq!(db.kept(SOURCE).unwrap().unwrap().fetched.etag, "\"1\"");
    assert_eq!(db.ends().unwrap(), [(SOURCE, UnixTime::clamped(3_900))]);
}

#[test]
fn what_is_over_stays_although_the_source_has_dropped_it_until_it_is_too_old() {
    let (_folder, db) = db();
    refreshed(&db, &[(100, Some(200), "past"), (200, Some(300), "moved"), (900, Some(950), "cancelled")]);
    refreshed(&db, &[(250, Some(400), "new")]);
    let titles: Vec<_> = shown(&db, 1, 10_000).into_iter().map(|(.., title)| title).collect();
    assert_eq!(titles, ["past", "moved", "new"]);
    assert_eq!(shown(&db, 200, 260)[0].1, 250, "and is cut by what follows");
}

#[test]
fn a_refresh_that_fails_leaves_the_guide_as_it_was() {
    let (folder, db) = db();
    refreshed(&db, &[(100, Some(200), "old")]);
    let flips = db.flips();
    let broken: Result<()> = db.refresh(SOURCE, |mut refresh: Refresh<'_>| {
        let row = refresh.channel("a", &[], true)?;
        for start in 0..5_000 {
            refresh.programme(row, start, None, Texts { title: "half", ..Texts::default() })?;
        }
        Err(Error::Busy)
    });
    assert!(broken.is_err() && db.flips() == flips);
    assert_eq!(shown(&db, 1, 10_000), [(100, 200, "old".to_owned())]);
    // As after a kill in the middle: another opens the file.
    let again = GuideDb::at(folder.path());
    assert_eq!(shown(&again, 1, 10_000), [(100, 200, "old".to_owned())]);
    let rows: i64 =
        again.read(|conn| conn.query_row("SELECT count(*) FROM programmes", [], |row| row.get(0))).unwrap();
    assert_eq!(rows, 1, "nothing of the half one is left");
    again.forget(SOURCE).unwrap();
    assert_eq!((again.sources().unwrap(), again.kept(SOURCE).unwrap()), (vec![], None));
}

#[test]
fn a_file_that_is_damaged_or_somebody_elses_is_set_aside() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, db) = db();
    let file = folder.path().join(FILE);
    assert!(db.channels().unwrap().is_empty() && db.wanted_channels().unwrap().is_empty());
    assert!(!file.exists(), "whoever only reads makes none: a full disk has no room for it");
    fs::write(
        &file,
        b"this is not a database, and long enough to have a header of one: no, really not at all",
    )
    .unwrap();
    refreshed(&db, &[(100, Some(200), "new")]);
    assert_eq!(shown(&db, 1, 10_000).len(), 1);
    assert!(fs::read(folder.path().join("guide.db.set-aside")).unwrap().starts_with(b"this is not"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(db);

    let other = Connection::open(&file).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    let db = GuideDb::at(folder.path());
    assert_eq!(db.channels().unwrap(), []);
}

#[test]
fn a_file_that_is_damaged_while_it_is_open_is_set_aside_too() {
    let (folder, db) = db();
    refreshed(&db, &[(100, Some(200), "old")]);
    let opened = db.opened().unwrap();
    opened.writer.lock().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(opened);
    let file = folder.path().join(FILE);
    let length = fs::metadata(&file).unwrap().len();
    // In place, and beyond what the connections have in memory.
    let damage = fs::OpenOptions::new().write(true).open(&file).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&damage, &vec![0xA5; usize::try_from(length).unwrap()], 0)
        .unwrap();
    db.opened().unwrap().readers.lock().clear();
    assert!(db.channels().is_err());
    assert_eq!(db.channels().unwrap(), [], "a new one");
}
