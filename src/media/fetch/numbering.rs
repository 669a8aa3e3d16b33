//! The numbers of segments as ffmpeg is told them: they go on when those of the source fall back.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::playlist::Media;

/// This many segments are remembered by number and name.
const REMEMBERED: usize = 200;
/// A list that ends this many of its lengths, or this many seconds, before the last one did may be a copy that lags behind.
const LAGGING: u64 = 3;
const LAGGING_SECONDS: u64 = 60;
/// After a break the last segments are played, as at the beginning.
const BEGUN_WITH: usize = 3;

/// Numbers of one list.
#[derive(Default)]
pub struct Numbering {
    /// The last of the source's numbers, and ours for it.
    last: Option<(u64, u64)>,
    /// Numbers and names of the source's last segments.
    recent: VecDeque<(u64, String)>,
    /// The first segment of the source's that counts since the last break.
    floor: u64,
    breaks_at: Option<u64>,
    advanced_at: Option<Instant>,
}

/// How a list is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Segments before this one are left out.
    pub from: usize,
    /// The number of that.
    pub first: u64,
    /// The number before which the clock may jump.
    pub breaks_at: Option<u64>,
    /// Whether the source began to count anew.
    pub is_new_count: bool,
    /// Whether there was something new in it.
    pub has_advanced: bool,
}

impl Numbering {
    /// Numbers the segments of a list that came now; `None` for one without segments.
    pub fn number(&mut self, media: &Media, now: Instant) -> Option<Numbered> {
        let first = media.segments.first()?.number;
        let last = first.saturating_add(media.segments.len() as u64 - 1);
        let mut is_new_count = false;
        if let Some((before, ours)) = self.last
            && last < before
            && !self.waits_for(media, before - last, now)
        {
            is_new_count = true;
            // Numbers before this one are those of earlier segments by our count.
            self.floor = first.max(last.saturating_sub(BEGUN_WITH as u64 - 1));
            self.recent.clear();
            let next = ours.saturating_add(1);
            self.breaks_at = Some(next);
            self.last = Some((last, next.saturating_add(last - self.floor)));
            self.advanced_at = Some(now);
        }
        let (before, ours) = *self.last.get_or_insert((last, last));
        let has_advanced = last > before || self.advanced_at.is_none() || is_new_count;
        if has_advanced {
            self.advanced_at = Some(now);
            self.last = Some((last.max(before), ours.saturating_add(last.saturating_sub(before))));
        }
        self.remember(media);
        let from = media.segments.iter().position(|segment| segment.number >= self.floor)?;
        let (before, ours) = self.last?;
        let first = ours.saturating_sub(before.saturating_sub(media.segments[from].number));
        Some(Numbered { from, first, breaks_at: self.breaks_at, is_new_count, has_advanced })
    }

    /// Whether an older view of the same list, as some servers of one source have it, is waited for: one that stays is
    /// the new one, soon unless it is a copy that may catch up.
    fn waits_for(&self, media: &Media, lag: u64, now: Instant) -> bool {
        let may_catch_up = lag <= LAGGING.saturating_mul(media.segments.len() as u64)
            || lag.saturating_mul(media.target) <= LAGGING_SECONDS;
        let is_older = match self.knows(media) {
            Some(known) => known,
            // From before what was remembered, or left out when the list last went ahead.
            None => may_catch_up,
        };
        let (targets, least) = if may_catch_up { (5, 12) } else { (2, 4) };
        let patience = Duration::from_secs(media.target.saturating_mul(targets).max(least));
        is_older && self.advanced_at.is_none_or(|at| now.duration_since(at) < patience)
    }

    /// Whether one of its segments is remembered by number and name; `None` if nothing is known of its numbers.
    fn knows(&self, media: &Media) -> Option<bool> {
        let mut known = None;
        for segment in &media.segments {
            if let Some((_, name)) = self.recent.iter().find(|(number, _)| *number == segment.number) {
                if *name == file_name(segment.url.path()) {
                    return Some(true);
                }
                known = Some(false);
            }
        }
        known
    }

    fn remember(&mut self, media: &Media) {
        let newest = self.recent.back().map(|(number, _)| *number);
        for segment in
            media.segments.iter().filter(|segment| newest.is_none_or(|newest| segment.number > newest))
        {
            if self.recent.len() >= REMEMBERED {
                self.recent.pop_front();
            }
            self.recent.push_back((segment.number, file_name(segment.url.path())));
        }
    }
}

/// Without folders: tokens often stand there.
fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fetch::playlist::Playlist;

    fn list(first: u64, names: &[&str]) -> Media {
        let segments: Vec<String> = names.iter().map(|name| format!("#EXTINF:2\n{name}.ts\n")).collect();
        let segments = segments.concat();
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n{segments}");
        let Playlist::Media(media) = Playlist::read(&text, &url::Url::parse("http://h/t/").unwrap()).unwrap()
        else {
            panic!("segments")
        };
        media
    }

    /// What is told of each list, at this many seconds: how many are left out, the first number, the break.
    fn told(lists: &[(u64, u64, &[&str])]) -> Vec<(usize, u64, Option<u64>)> {
        let (mut numbering, begun) = (Numbering::default(), Instant::now());
        let number = |(at, first, names): &(u64, u64, &[&str])| {
            let now = begun + Duration::from_secs(*at);
            let told = numbering.number(&list(*first, names), now).unwrap();
            (told.from, told.first, told.breaks_at)
        };
        lists.iter().map(number).collect()
    }

    #[test]
    fn numbers_follow_the_source_as_long_as_it_counts_on() {
        let lists: [(u64, u64, &[&str]); 4] = [
            (0, 100, &["a", "b", "c"]),
            (2, 101, &["b", "c", "d"]),
            (4, 101, &["b", "c", "d"]),
            (60, 900, &["x"]),
        ];
        assert_eq!(told(&lists), [(0, 100, None), (0, 101, None), (0, 101, None), (0, 900, None)]);
    }

    #[test]
    fn an_older_view_of_the_list_is_no_break() {
        let lists: [(u64, u64, &[&str]); 3] =
            [(0, 101, &["b", "c", "d"]), (2, 100, &["a", "b", "c"]), (3, 102, &["c", "d", "e"])];
        assert_eq!(told(&lists), [(0, 101, None), (0, 100, None), (0, 102, None)]);
    }

    #[test]
    fn a_count_that_begins_anew_goes_on_in_ours() {
        let lists: [(u64, u64, &[&str]); 4] = [
            (0, 100, &["a", "b", "c"]),
            (2, 0, &["p", "q", "r", "s"]),
            (4, 1, &["q", "r", "s", "t"]),
            (6, 4, &["t", "u"]),
        ];
        let expected = [(0, 100, None), (1, 103, Some(103)), (0, 103, Some(103)), (0, 106, Some(103))];
        assert_eq!(told(&lists), expected);
    }

    #[test]
    fn a_copy_that_lags_behind_what_was_ever_seen_is_no_break() {
        let lists: [(u64, u64, &[&str]); 4] = [
            (0, 112, &["m", "n", "o"]),
            (2, 100, &["a", "b", "c"]),
            (8, 103, &["d", "e", "f"]),
            (9, 116, &["q", "r", "s"]),
        ];
        assert_eq!(told(&lists), [(0, 112, None), (0, 100, None), (0, 103, None), (0, 116, None)]);
        let renamed = [lists[0], (2, 111, &["x", "y", "z"][..])];
        assert_eq!(told(&renamed)[1], (0, 115, Some(115)), "the same numbers under other names");
    }

    #[test]
    fn a_copy_that_lags_behind_for_some_segments_is_no_break() {
        let names: Vec<String> = (0..20).map(|number| format!("s{number}")).collect();
        let copy =
            |first: usize| -> Vec<&str> { names[first..first + 5].iter().map(String::as_str).collect() };
        let seen = [(0, 10), (2, 7), (4, 8), (6, 9), (8, 10), (9, 14)];
        let lists = seen.map(|(at, first)| (at, first, copy(first)));
        let lists: Vec<(u64, u64, &[&str])> =
            lists.iter().map(|(at, first, names)| (*at, *first as u64, names.as_slice())).collect();
        let expected: Vec<_> = seen.iter().map(|(_, first)| (0, *first as u64, None)).collect();
        assert_eq!(told(&lists), expected);
    }

    #[test]
    fn an_older_view_that_stays_is_a_new_count() {
        let older: &[&str] = &["1", "2", "3"];
        let lists: [(u64, u64, &[&str]); 4] =
            [(0, 3, &["3", "4", "5"]), (1, 1, older), (9, 1, older), (13, 1, older)];
        assert_eq!(told(&lists), [(0, 3, None), (0, 1, None), (0, 1, None), (0, 6, Some(6))]);
        let far: [(u64, u64, &[&str]); 4] =
            [(0, 1, older), (1, 40, &["40", "41", "42"]), (2, 1, older), (6, 1, older)];
        assert_eq!(told(&far), [(0, 1, None), (0, 40, None), (0, 1, None), (0, 43, Some(43))]);
    }
}
