//! Backups: when one is due, which are kept, and what is known of each.

use std::collections::HashSet;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::domain::{fields::time::UnixTime, ids::BackupId, machine::settings::Settings};

/// What files of backups end with.
const END: &str = ".tar.zst";
/// What those begin with that an upgrade of the schema has made.
const OF_UPGRADE: &str = "before-schema-";

macro_rules! names {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $of:literal])* $variant:ident = $text:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $of])* $variant,)* }

        impl $name {
            /// Its name in the database and in answers.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one of that name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

names! {
    /// By what a backup was made.
    Kind {
        /// The schedule.
        Schedule = "schedule",
        /// Somebody, in the panel or by a call.
        Person = "person",
        /// An upgrade of the schema.
        Upgrade = "upgrade",
        /// Somebody who has put the file there.
        File = "file",
    }
}

names! {
    /// How far a backup is.
    State {
        /// It is made as soon as possible.
        Waiting = "waiting",
        /// It is being made.
        Running = "running",
        /// Its file is there.
        Made = "made",
        /// It could not be made.
        Failed = "failed",
        /// Its file was there and is gone.
        Missing = "missing",
    }
}

/// A backup, and what is known of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its number.
    pub id: BackupId,
    /// The name of its file.
    pub name: String,
    /// By what it was made.
    pub kind: Kind,
    /// Who wanted it; empty for the schedule.
    pub actor: String,
    /// How far it is.
    pub state: State,
    /// The size of its file in bytes; 0 without one.
    pub bytes: i64,
    /// Why it could not be made; empty if it could.
    pub error: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When its file was whole.
    pub made_at: Option<UnixTime>,
    /// Somebody wants it verified, or it was not yet.
    pub wants_verify: bool,
    /// When it was last restored as a trial.
    pub verified_at: Option<UnixTime>,
    /// What was wrong with it then; empty if nothing was.
    pub verify_error: String,
    /// When it is sent to the target, if it is to be.
    pub next_send_at: Option<UnixTime>,
    /// How often that was tried in vain.
    pub send_attempts: i64,
    /// When it was sent.
    pub sent_at: Option<UnixTime>,
    /// Where it was sent to, without what is secret.
    pub sent_to: String,
    /// Why it could not be sent; empty if it could.
    pub send_error: String,
    /// Whether what was sent is encrypted.
    pub encrypted: bool,
    /// When it was ordered, or its file found.
    pub created_at: UnixTime,
    /// When something of this last changed.
    pub updated_at: UnixTime,
}

impl Backup {
    /// Whether it is known that it can be restored.
    pub fn is_good(&self) -> bool {
        self.state == State::Made && self.verified_at.is_some() && self.verify_error.is_empty()
    }

    /// Whether this server made it because somebody or the schedule wanted it.
    pub fn was_ordered(&self) -> bool {
        matches!(self.kind, Kind::Schedule | Kind::Person)
    }

    /// Whether a trial has shown that it cannot.
    pub fn is_bad(&self) -> bool {
        self.verified_at.is_some() && !self.verify_error.is_empty()
    }
}

/// The name of the file of a backup that is begun then: in UTC, so that names stand in the order of time.
pub fn file_name(now: UnixTime) -> String {
    let at = Timestamp::from_second(now.seconds()).unwrap_or_default();
    format!("linecard-{}{END}", at.strftime("%Y%m%d-%H%M%S"))
}

/// Whether a file of that name is a backup.
pub fn is_file_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
    name.ends_with(END) && !name.starts_with('.') && name.len() <= 200 && name.bytes().all(is_plain)
}

/// Whether it is one that an upgrade of the schema has made.
pub fn is_of_upgrade(name: &str) -> bool {
    name.starts_with(OF_UPGRADE)
}

/// What the schedule wants now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Rest,
    /// A backup.
    New,
    /// That one, which has failed, once more.
    Again(BackupId),
}

/// So many seconds after its failures one is tried again; after more of them, the last.
const PAUSES: [i64; 4] = [300, 900, 3_600, 10_800];
/// The same of copies that were not sent: for about a day.
const SENDING: [i64; 10] = [300, 900, 3_600, 10_800, 10_800, 10_800, 10_800, 10_800, 10_800, 10_800];
/// Two of the schedule are so many seconds apart at least: one that came late, or before the hour was set anew, is that of the day.
const APART: i64 = 6 * 3_600;
/// A clock that was ahead by more has dated what it made wrongly.
const DAY: i64 = 86_400;

/// So many seconds after that many failures a copy is sent again; none after the last.
pub fn pause_of_sending(failures: i64) -> Option<i64> {
    SENDING.get(usize::try_from(failures.max(1) - 1).ok()?).copied()
}

/// What the schedule wants: one backup for each day of that zone, at that hour or as soon as possible after it. `newest` is the one
/// that it made last, and `since` when the database was made: nothing before that is missing.
pub fn turn(newest: Option<&Backup>, since: UnixTime, now: UnixTime, hour: i8, zone: &TimeZone) -> Turn {
    let Some(hour) = last_hour(now, hour, zone) else { return Turn::Rest };
    let known = newest.filter(|newest| newest.created_at.seconds() <= now.seconds() + DAY);
    let last = known.map(|newest| newest.created_at).or((newest.is_none() && since <= now).then_some(since));
    let is_due =
        last.is_none_or(|last| last < hour && (newest.is_none() || hour.seconds() - last.seconds() >= APART));
    match known {
        _ if is_due => Turn::New,
        Some(newest) if newest.state == State::Failed => {
            let tried = usize::try_from(newest.attempts.max(1) - 1).unwrap_or(0).min(PAUSES.len() - 1);
            let passed = now.seconds() - newest.updated_at.seconds();
            // A clock that was set back has nothing wait for long.
            if passed >= PAUSES[tried] || passed < -PAUSES[tried] {
                Turn::Again(newest.id)
            } else {
                Turn::Rest
            }
        }
        _ => Turn::Rest,
    }
}

/// The last moment at which it was that hour of the day.
fn last_hour(now: UnixTime, hour: i8, zone: &TimeZone) -> Option<UnixTime> {
    let today = date(now, zone)?;
    let at = |day: Date| {
        // An hour that summer time leaves out comes an hour later; of one that comes twice it is the first.
        let zoned = day.at(hour, 0, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(UnixTime::clamped(zoned.timestamp().as_second()))
    };
    at(today).filter(|at| *at <= now).or_else(|| at(today.checked_sub(1.day()).ok()?))
}

fn date(at: UnixTime, zone: &TimeZone) -> Option<Date> {
    Some(Timestamp::from_second(at.seconds()).ok()?.to_zoned(zone.clone()).date())
}

/// How many backups are kept: of so many days, weeks and months the last one each.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    pub daily: usize,
    pub weekly: usize,
    pub monthly: usize,
}

impl Keep {
    /// As the settings say.
    pub fn of(settings: &Settings) -> Self {
        let count = |kept: i64| usize::try_from(kept).unwrap_or(0);
        Self {
            daily: count(settings.backup_keep_daily.get()),
            weekly: count(settings.backup_keep_weekly.get()),
            monthly: count(settings.backup_keep_monthly.get()),
        }
    }

    /// Which of those that the schedule made are to go. Days, weeks and months are those of that zone of which there is one: a
    /// time without backups makes none that is there older. The newest good one stays, whatever else; one that is not good
    /// goes once a good one is newer, and one of which that is not known stays.
    pub fn to_go(self, backups: &[Backup], zone: &TimeZone) -> Vec<BackupId> {
        let made_by = |backup: &&Backup| backup.kind == Kind::Schedule && backup.state == State::Made;
        let mut all: Vec<&Backup> = backups.iter().filter(made_by).collect();
        all.sort_by_key(|backup| std::cmp::Reverse((backup.created_at, backup.id)));
        let newest = all.iter().position(|backup| backup.is_good());
        let Some(newest) = newest else { return Vec::new() };
        let (mut days, mut weeks, mut months) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut to_go = Vec::new();
        for (place, backup) in all.iter().enumerate() {
            if !backup.is_good() {
                if backup.is_bad() && place > newest {
                    to_go.push(backup.id);
                }
                continue;
            }
            let Some(date) = date(backup.created_at, zone) else { continue };
            let week = date.iso_week_date();
            // Each is asked, so that each counts.
            let kept = [
                is_among(&mut days, date, self.daily),
                is_among(&mut weeks, (week.year(), week.week()), self.weekly),
                is_among(&mut months, (date.year(), date.month()), self.monthly),
            ];
            if place != newest && !kept.contains(&true) {
                to_go.push(backup.id);
            }
        }
        to_go
    }
}

/// Whether it is the first of a span that is among the first ones.
fn is_among<T: std::hash::Hash + Eq>(seen: &mut HashSet<T>, span: T, most: usize) -> bool {
    if seen.len() >= most {
        return false;
    }
    seen.insert(span)
}

#[cfg(test)]
mod tests;
