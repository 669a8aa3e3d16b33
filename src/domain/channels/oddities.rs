//! What was odd about something that was taken in: each kind once, with how often it came.

use indexmap::IndexMap;

/// Kinds with their counts, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oddities(IndexMap<String, Tally>);

/// How often a kind came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: usize,
    /// The line where it came first.
    pub first: usize,
}

impl Oddities {
    /// The most kinds; those that come later count as one.
    const MOST: usize = 100;

    /// Notes one.
    pub fn note(&mut self, kind: String, line: usize) {
        let kind = if self.0.len() >= Self::MOST && !self.0.contains_key(&kind) {
            "other things".into()
        } else {
            kind
        };
        self.0.entry(kind).or_insert(Tally { count: 0, first: line }).count += 1;
    }

    /// Every kind.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Tally)> {
        self.0.iter().map(|(kind, seen)| (kind.as_str(), *seen))
    }

    /// Takes those of another in.
    pub fn merge(&mut self, others: Self) {
        for (kind, seen) in others.0 {
            let own = self.0.entry(kind).or_insert(Tally { count: 0, first: seen.first });
            own.count += seen.count;
            own.first = own.first.min(seen.first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_and_bounded() {
        let mut oddities = Oddities::default();
        for line in 1..=1000 {
            oddities.note(format!("kind {}", line % 500), line);
            oddities.note("often".into(), line);
        }
        assert_eq!(oddities.iter().len(), Oddities::MOST + 1);
        let often = oddities.iter().find(|(kind, _)| *kind == "often").unwrap().1;
        assert_eq!(often, Tally { count: 1000, first: 1 });
    }
}
