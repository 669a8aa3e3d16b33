//! Viewers over the last 24 hours as a line, drawn by attributes alone.

use std::fmt::Write;

use askama::Template;

use crate::{domain::fields::time::UnixTime, ops::subscribers::counts::Sample, panel::kit::show};

/// The line, and what it says in words.
#[derive(Template)]
#[template(path = "dashboard/usage.html")]
pub struct Usage {
    /// `M0 40 L1 41 ...`: one stroke for each time without a gap.
    line: String,
    /// The same, closed along the bottom.
    area: String,
    /// What the top of the drawing stands for.
    top: u64,
    /// What the line says, for those who do not see it; empty without any samples.
    words: String,
}

/// Each point of the line is the most of this many seconds.
const STEP: i64 = 300;
/// Points from left to right.
const WIDTH: usize = 288;
/// The height of the drawing, in its own units.
const HEIGHT: u64 = 100;

impl Usage {
    /// It shows this many seconds: 24 hours.
    pub const SECONDS: i64 = 86_400;

    /// Draws samples of the time up to now. A step in which nothing was sampled is a gap.
    pub fn of(samples: &[Sample], now: UnixTime) -> Self {
        let first = now.seconds() / STEP * STEP - Self::SECONDS + STEP;
        let mut points = [None; WIDTH];
        for sample in samples {
            let place = usize::try_from((sample.at.seconds() - first).div_euclid(STEP)).ok();
            if let Some(point) = place.and_then(|place| points.get_mut(place)) {
                *point = (*point).max(Some(sample.viewers));
            }
        }
        let most = points.iter().flatten().max().copied().unwrap_or(0);
        let top = round_up(most);
        let (line, area) = draw(&points, top);
        let words = if points.iter().all(Option::is_none) {
            String::new()
        } else {
            format!(
                "At most {} at the same time in the last 24 hours.",
                show::number(i64::try_from(most).unwrap_or(i64::MAX))
            )
        };
        Self { line, area, top, words }
    }
}

/// The smallest of 4, 6, 8, 10, 20, 30, 40, 60, ... that is not below.
fn round_up(most: u64) -> u64 {
    let mut top = 1;
    loop {
        for factor in [4, 6, 8, 10, 20, 30] {
            if top * factor >= most {
                return top * factor;
            }
        }
        top *= 10;
    }
}

fn draw(points: &[Option<u64>], top: u64) -> (String, String) {
    let (mut line, mut area) = (String::new(), String::new());
    let height = |viewers: u64| HEIGHT - viewers * HEIGHT / top;
    let mut begun = None;
    for (x, point) in points.iter().enumerate() {
        if let Some(viewers) = point {
            let y = height(*viewers);
            // A point between two gaps is still a stroke.
            let _ = match begun {
                None => write!(line, "M{x} {y}h.5").and_then(|()| write!(area, "M{x} {HEIGHT}V{y}h.5")),
                Some(_) => write!(line, "L{x} {y}").and_then(|()| write!(area, "L{x} {y}")),
            };
            begun = begun.or(Some(x));
        }
        let ends = points.get(x + 1).is_none_or(|next| next.is_none());
        if ends && begun.take().is_some() {
            let _ = write!(area, "V{HEIGHT}Z");
        }
    }
    (line, area)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: i64, viewers: u64) -> Sample {
        Sample { at: UnixTime::clamped(at), viewers, streams_online: 0, sent_kbps: 0 }
    }

    #[test]
    fn a_time_without_samples_is_a_gap_in_the_line() {
        let now = 10 * 86_400 + 299;
        let step = |ago: i64, viewers| sample(now - 299 - ago * STEP, viewers);
        let drawn = Usage::of(
            &[step(6, 4), step(5, 2), step(1, 1), sample(now - 10, 0), step(0, 3)],
            UnixTime::clamped(now),
        );
        assert_eq!(drawn.line, "M281 0h.5L282 50M286 75h.5L287 25");
        assert_eq!(drawn.area, "M281 100V0h.5L282 50V100ZM286 100V75h.5L287 25V100Z");
        assert_eq!(
            (drawn.top, drawn.words.as_str()),
            (4, "At most 4 at the same time in the last 24 hours.")
        );
    }

    #[test]
    fn samples_of_other_days_are_not_drawn_and_none_are_no_line() {
        let now = UnixTime::clamped(10 * 86_400);
        let drawn = Usage::of(&[sample(8 * 86_400, 5), sample(11 * 86_400, 5)], now);
        assert_eq!((drawn.line.as_str(), drawn.words.as_str()), ("", ""));
    }

    #[test]
    fn the_top_is_a_round_number() {
        let tops = [0, 4, 5, 11, 21, 41, 99_999, 100_001].map(round_up);
        assert_eq!(tops, [4, 4, 6, 20, 30, 60, 100_000, 200_000]);
    }
}
