//! What a change changed, with secrets masked.

use super::Fact;

/// What stands in the audit trail in place of a secret.
pub const MASK: &str = "***";

/// The columns whose value differs, with the value before and after; secrets are masked.
pub type Difference = Vec<(&'static str, Fact, Fact)>;

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
