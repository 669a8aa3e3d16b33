//! What a change of a row means beside itself: a line is disabled, extended, banned.

use crate::domain::{Fact, Resource};

/// Columns of a record with their values.
type Facts = [(&'static str, Fact)];

/// What that change means, each by the end of its type and the column that says so.
pub fn of(resource: Resource, before: &Facts, after: &Facts) -> Vec<(&'static str, &'static str)> {
    if !matches!(resource, Resource::Line | Resource::Mag) {
        return Vec::new();
    }
    let pair = |name| Some((value(before, name)?, value(after, name)?));
    let mut meant = Vec::new();
    if let Some((was, is)) = pair("expire_date")
        && is_later(was, is)
    {
        meant.push(("extended", "expire_date"));
    }
    for (column, on, off) in [("disabled", "disabled", "enabled"), ("banned", "banned", "unbanned")] {
        match pair(column) {
            Some((Fact::Number(0), Fact::Number(1))) => meant.push((on, column)),
            Some((Fact::Number(1), Fact::Number(0))) => meant.push((off, column)),
            _ => {}
        }
    }
    meant
}

/// Whether an end is later than another; none is after every end.
fn is_later(was: &Fact, is: &Fact) -> bool {
    match (was, is) {
        (Fact::Number(was), Fact::Number(is)) => is > was,
        (Fact::Number(_), Fact::None) => true,
        _ => false,
    }
}

fn value<'f>(facts: &'f Facts, name: &str) -> Option<&'f Fact> {
    facts.iter().find(|(known, _)| *known == name).map(|(_, fact)| fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(end: Fact, disabled: i64, banned: i64) -> [(&'static str, Fact); 3] {
        [("expire_date", end), ("disabled", Fact::Number(disabled)), ("banned", Fact::Number(banned))]
    }

    #[test]
    fn one_change_may_mean_several_things() {
        let (was, is) = (line(Fact::Number(5), 0, 1), line(Fact::Number(6), 1, 0));
        let meant: Vec<_> = of(Resource::Mag, &was, &is).into_iter().map(|(what, _)| what).collect();
        assert_eq!(meant, ["extended", "disabled", "unbanned"]);
        assert!(of(Resource::Streams, &was, &is).is_empty() && of(Resource::Line, &was, &was).is_empty());
    }

    #[test]
    fn extended_is_a_later_end_or_none_any_more() {
        let end = Fact::Number;
        for (was, is, later) in [
            (end(5), end(6), true),
            (end(5), Fact::None, true),
            (end(6), end(5), false),
            (Fact::None, end(5), false),
        ] {
            let meant = of(Resource::Line, &line(was, 0, 0), &line(is, 0, 0));
            assert_eq!(!meant.is_empty(), later);
        }
    }
}
