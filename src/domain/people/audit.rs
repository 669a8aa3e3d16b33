//! What a change changed, with secrets masked.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{
    admin::{Admin, Group},
    api_key::ApiKey,
    reseller::Reseller,
};
use crate::domain::{
    Fact, Kind, Record,
    channels::{
        bouquet::{Bouquet, Category},
        stream::Stream,
    },
    machine::{server::Server, settings::Settings},
    subscribers::{line::Line, mag::Mag, plan::Plan},
};

/// What stands in the audit trail in place of a secret.
pub const MASK: &str = "***";

/// The columns whose value differs, with the value before and after; secrets are masked.
pub type Difference = Vec<(&'static str, Fact, Fact)>;

/// What the columns hold that stand in the trail: a name means the same in every record.
static KINDS: LazyLock<HashMap<&'static str, Kind>> = LazyLock::new(|| {
    let records = [
        Line::columns(),
        Mag::columns(),
        Plan::columns(),
        Bouquet::columns(),
        Category::columns(),
        Stream::columns(),
        Server::columns(),
        Reseller::columns(),
        Admin::columns(),
        Group::columns(),
        ApiKey::columns(),
        Settings::columns(),
    ];
    records.into_iter().flatten().map(|column| (column.name, column.kind)).collect()
});

/// What a column of the trail holds, if it is one of a record.
pub fn kind_of(column: &str) -> Option<Kind> {
    KINDS.get(column).copied()
}

/// Compares two lists of facts of the same columns.
pub fn difference(before: &[(&'static str, Fact)], after: &[(&'static str, Fact)]) -> Difference {
    before
        .iter()
        .zip(after)
        .filter(|(old, new)| old.1 != new.1)
        .map(|(old, new)| match (&old.1, &new.1) {
            (Fact::Ids(was), Fact::Ids(is)) if was.len().max(is.len()) > LONG => {
                (old.0, Fact::Text(many(was.len())), Fact::Text(edited(was, is)))
            }
            (was, is) => (old.0, masked(was), masked(is)),
        })
        .collect()
}

/// Lists of ids of more entries do not stand whole in the trail: a bouquet with all its streams takes megabytes.
const LONG: usize = 100;

fn many(count: usize) -> String {
    if count == 1 { "1 entry".into() } else { format!("{count} entries") }
}

/// What became of a long list: what was added, taken out and moved.
fn edited(was: &[i64], is: &[i64]) -> String {
    let (before, after): (HashSet<i64>, HashSet<i64>) =
        (was.iter().copied().collect(), is.iter().copied().collect());
    let added: Vec<i64> = is.iter().filter(|id| !before.contains(id)).copied().collect();
    let removed: Vec<i64> = was.iter().filter(|id| !after.contains(id)).copied().collect();
    let stayed = was.iter().filter(|id| after.contains(id));
    let moved =
        stayed.zip(is.iter().filter(|id| before.contains(id))).filter(|(old, new)| old != new).count();
    let mut text = many(is.len());
    for (what, ids) in [("added", &added), ("taken out", &removed)] {
        if !ids.is_empty() {
            text = format!("{text}; {what}: {}", first(ids));
        }
    }
    if moved > 0 {
        text = format!("{text}; in another order: {moved}");
    }
    text
}

/// The first ids of a list, and how many more there are.
fn first(ids: &[i64]) -> String {
    let told: Vec<String> = ids.iter().take(LONG).map(i64::to_string).collect();
    let more = ids.len().saturating_sub(LONG);
    if more > 0 { format!("{} and {more} more", told.join(", ")) } else { told.join(", ") }
}

/// The fact as it stands in the trail: a mask for a secret, and the beginning of a long list.
pub fn masked(fact: &Fact) -> Fact {
    match fact {
        Fact::Secret(_) | Fact::Hidden(_) => Fact::Text(MASK.to_owned()),
        Fact::Urls(urls) => Fact::List(urls.iter().map(|(url, _)| origin(url)).collect()),
        Fact::Ids(ids) if ids.len() > LONG => Fact::Text(format!("{}: {}", many(ids.len()), first(ids))),
        Fact::Masked(texts) => Fact::List(texts.iter().map(|(_, shown)| shown.clone()).collect()),
        fact => fact.clone(),
    }
}

/// Scheme and host of a URL: users, passwords and keys stand in every other part.
fn origin(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(url) => format!("{}://{}/{MASK}", url.scheme(), url.host_str().unwrap_or(MASK)),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_source_only_scheme_and_host_are_told() {
        let urls = ["http://u:p@h.example/live/u/p/1.ts", "media/loop.ts"];
        let urls = Fact::Urls(urls.map(|url| (url.to_owned(), url.to_owned())).into());
        assert_eq!(masked(&urls), Fact::List(vec!["http://h.example/***".into(), "media/loop.ts".into()]));
    }

    #[test]
    fn of_a_long_list_only_what_changed_is_told() {
        let list = |ids: Vec<i64>| [("streams", Fact::Ids(ids))];
        let was: Vec<i64> = (1..=100_000).collect();
        let mut is = was.clone();
        is.swap(10, 11);
        is.retain(|id| *id != 7);
        is.extend([200_001, 200_002]);
        let told = difference(&list(was.clone()), &list(is));
        let after = "100001 entries; added: 200001, 200002; taken out: 7; in another order: 2";
        assert_eq!(told, vec![("streams", Fact::Text("100000 entries".into()), Fact::Text(after.into()))]);
        // Whatever becomes of it, it stays short.
        let Some((.., Fact::Text(text))) = difference(&list(was.clone()), &list(vec![])).pop() else {
            panic!()
        };
        assert!(
            text.starts_with("0 entries; taken out: 1, 2, 3") && text.ends_with(" 100 and 99900 more"),
            "{text}"
        );
        let Fact::Text(text) = masked(&Fact::Ids(was)) else { panic!() };
        assert!(text.starts_with("100000 entries: 1, 2") && text.len() < 1000, "{text}");
        assert_eq!(
            difference(&list(vec![1, 2]), &list(vec![2])),
            vec![("streams", Fact::Ids(vec![1, 2]), Fact::Ids(vec![2]))]
        );
    }

    #[test]
    fn only_what_changed_is_told_and_no_secret() {
        let before = [
            ("notes", Fact::Text("a".into())),
            ("password", Fact::Secret("old".into())),
            ("banned", Fact::Number(0)),
        ];
        let after = [
            ("notes", Fact::Text("b".into())),
            ("password", Fact::Secret("new".into())),
            ("banned", Fact::Number(0)),
        ];
        assert_eq!(
            difference(&before, &after),
            vec![
                ("notes", Fact::Text("a".into()), Fact::Text("b".into())),
                ("password", Fact::Text(MASK.into()), Fact::Text(MASK.into())),
            ]
        );
    }
}
