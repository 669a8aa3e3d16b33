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
    Columns, Fact, Kind,
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
pub type Difference = Vec<(&'static str, AuditValue, AuditValue)>;

/// A fact as it stands in the trail: a mask for a secret, and the beginning of a long list. It is made of facts alone, here,
/// so that no secret becomes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditValue(Fact);

impl AuditValue {
    /// What is shown: nothing, a number, a text, or a list of texts or ids.
    pub fn fact(&self) -> &Fact {
        &self.0
    }
}

impl From<&Fact> for AuditValue {
    fn from(fact: &Fact) -> Self {
        Self(match fact {
            Fact::Secret(_) | Fact::Hidden(_) => Fact::Text(MASK.to_owned()),
            Fact::Urls(urls) => Fact::List(urls.iter().map(|(url, _)| origin(url)).collect()),
            Fact::Ids(ids) if ids.len() > LONG => Fact::Text(format!("{}: {}", many(ids.len()), first(ids))),
            Fact::Masked(texts) => Fact::List(texts.iter().map(|(_, shown)| shown.clone()).collect()),
            fact => fact.clone(),
        })
    }
}

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
    let lists = ["add_streams", "remove_streams"]
        .map(|name| (name, Kind::References(crate::domain::Resource::Streams)));
    records.into_iter().flatten().map(|column| (column.name, column.kind)).chain(lists).collect()
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
                (old.0, AuditValue(Fact::Text(many(was.len()))), AuditValue(Fact::Text(edited(was, is))))
            }
            (was, is) => (old.0, was.into(), is.into()),
        })
        .collect()
}

/// Lists of ids of more entries do not stand whole in the trail: a bouquet with all its streams takes megabytes.
pub const LONG: usize = 100;

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
        let told = Fact::List(vec!["http://h.example/***".into(), "media/loop.ts".into()]);
        assert_eq!(AuditValue::from(&urls).fact(), &told);
    }

    #[test]
    fn no_kind_of_secret_is_shown() {
        let pair = || vec![("s3cret".to_owned(), "***".to_owned())];
        let secrets = [
            Fact::Secret("s3cret".into()),
            Fact::Hidden("s3cret".into()),
            Fact::Masked(pair()),
            Fact::Urls(vec![("http://h.example/s3cret".into(), String::new())]),
        ];
        for secret in secrets {
            let told = format!("{:?}", AuditValue::from(&secret));
            assert!(!told.contains("s3cret"), "{told}");
        }
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
        let text = |text: &str| AuditValue(Fact::Text(text.into()));
        assert_eq!(told, vec![("streams", text("100000 entries"), text(after))]);
        // Whatever becomes of it, it stays short.
        let Some((.., AuditValue(Fact::Text(text)))) = difference(&list(was.clone()), &list(vec![])).pop()
        else {
            panic!()
        };
        assert!(
            text.starts_with("0 entries; taken out: 1, 2, 3") && text.ends_with(" 100 and 99900 more"),
            "{text}"
        );
        let AuditValue(Fact::Text(text)) = AuditValue::from(&Fact::Ids(was)) else { panic!() };
        assert!(text.starts_with("100000 entries: 1, 2") && text.len() < 1000, "{text}");
        assert_eq!(
            difference(&list(vec![1, 2]), &list(vec![2])),
            vec![("streams", AuditValue(Fact::Ids(vec![1, 2])), AuditValue(Fact::Ids(vec![2])))]
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
                ("notes", AuditValue(Fact::Text("a".into())), AuditValue(Fact::Text("b".into()))),
                ("password", AuditValue(Fact::Text(MASK.into())), AuditValue(Fact::Text(MASK.into()))),
            ]
        );
    }
}
