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
        fact => fact.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
