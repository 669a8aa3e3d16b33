//! What a change changed, with secrets masked.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    Fact, Kind, Record,
    admin::{Admin, Group},
    api_key::ApiKey,
    bouquet::{Bouquet, Category},
    line::Line,
    mag::Mag,
    plan::Plan,
    reseller::Reseller,
    server::Server,
    settings::Settings,
    stream::Stream,
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
        .map(|(old, new)| (old.0, masked(&old.1), masked(&new.1)))
        .collect()
}

/// The fact, or the mask for a secret.
pub fn masked(fact: &Fact) -> Fact {
    match fact {
        Fact::Secret(_) | Fact::Hidden(_) => Fact::Text(MASK.to_owned()),
        Fact::Urls(urls) => Fact::List(urls.iter().map(|url| origin(url)).collect()),
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
        let urls = Fact::Urls(vec!["http://u:p@h.example/live/u/p/1.ts".into(), "media/loop.ts".into()]);
        assert_eq!(masked(&urls), Fact::List(vec!["http://h.example/***".into(), "media/loop.ts".into()]));
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
