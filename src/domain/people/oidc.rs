//! Accounts at an OpenID Connect provider: whose they are here, and what becomes of their groups.

use serde_json::{Map, Value};

use crate::domain::{
    fields::text::{AdminName, Email},
    ids::GroupId,
};

/// An account, as its provider vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The provider, as it calls itself.
    pub issuer: String,
    /// The account, as the provider knows it: never given to another.
    pub subject: String,
    /// Its e-mail address, if it has one that can be one here.
    pub email: Option<Email>,
    /// Whether the provider has seen that mail to it arrives.
    pub email_verified: bool,
    /// What people call it; may be empty.
    pub name: String,
    /// The values of the claim that names groups; none if no claim is set.
    pub groups: Option<Vec<String>>,
    /// Whether the provider has asked for more than one factor.
    pub several_factors: bool,
}

impl Account {
    /// What it is called where people read it: its name, its address, or what the provider knows it by.
    pub fn shown(&self) -> &str {
        match &self.email {
            _ if !self.name.is_empty() => &self.name,
            Some(email) => email.as_str(),
            None => &self.subject,
        }
    }

    /// Usernames for somebody who is new, best first: the account's name, its address up to the @, and both with a number.
    pub fn usernames(&self) -> impl Iterator<Item = AdminName> {
        let local =
            self.email.as_ref().and_then(|email| email.as_str().split('@').next()).unwrap_or_default();
        let stems: Vec<String> =
            [self.name.as_str(), local, "person"].iter().map(|text| stem(text)).collect();
        let numbered = stems.last().cloned().into_iter().chain(stems.first().cloned());
        let numbered: Vec<String> = numbered.filter(|stem| !stem.is_empty()).collect();
        let more = (2..100).flat_map(move |n| {
            numbered.iter().rev().map(move |stem| format!("{stem}-{n}")).collect::<Vec<_>>()
        });
        stems.into_iter().chain(more).filter_map(|name| AdminName::new(&name).ok())
    }
}

/// A text as far as it can be a username, with room for a number.
fn stem(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "-._~@+".contains(*c)).take(60).collect()
}

/// The texts of a claim: one text, or a list of them. A name with dots is looked for as it stands, and then step by step.
pub fn texts_of(claim: &str, claims: &Map<String, Value>) -> Option<Vec<String>> {
    let stepwise = || {
        let (first, rest) = claim.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, step| value.get(step))
    };
    match claims.get(claim).or_else(stepwise)? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}

/// The group that somebody with those values has: of those that are named so, in upper or lower case, the one that was there
/// first. What a provider says makes nobody one of a reseller's people.
pub fn group_of(values: &[String], groups: &[(i64, String)]) -> Option<GroupId> {
    let named = |name: &str| values.iter().any(|value| value.to_lowercase() == name.to_lowercase());
    let ids = groups.iter().filter(|(_, name)| named(name)).map(|(id, _)| GroupId(*id));
    ids.filter(|id| *id != GroupId::RESELLERS).min_by_key(|id| id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, email: &str) -> Account {
        Account {
            issuer: "https://id.example".into(),
            subject: "7".into(),
            email: Email::new(email).ok(),
            email_verified: false,
            name: name.into(),
            groups: None,
            several_factors: false,
        }
    }

    #[test]
    fn somebody_new_is_called_as_the_provider_says_as_far_as_that_can_be_a_username() {
        let first = |name, email| {
            let account = account(name, email);
            account.usernames().take(4).map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(first("Ann Lee", "ann@a.example"), ["AnnLee", "ann", "person", "AnnLee-2"]);
        assert_eq!(first("安", "bo@a.example"), ["bo", "person", "person-2", "person-3"]);
        assert!(account(&"x".repeat(500), "").usernames().count() > 100);
    }

    #[test]
    fn groups_are_a_text_or_a_list_at_any_depth() {
        let claims = serde_json::json!({
            "groups": ["Support", 7, "Sales"], "role": "Sales", "a": { "b": { "c": ["deep"] } }, "x.y": "flat", "n": 1
        });
        let Value::Object(claims) = claims else { panic!("an object") };
        let texts = |claim| texts_of(claim, &claims);
        assert_eq!(texts("groups"), Some(vec!["Support".into(), "Sales".into()]));
        assert_eq!(texts("role"), Some(vec!["Sales".into()]));
        assert_eq!(texts("a.b.c"), Some(vec!["deep".into()]));
        assert_eq!(texts("x.y"), Some(vec!["flat".into()]));
        assert_eq!((texts("n"), texts("a.b"), texts("none"), texts("a.x.c")), (None, None, None, None));
    }

    #[test]
    fn the_group_that_was_there_first_counts_and_never_that_of_resellers() {
        let groups = [(9, "Support".to_owned()), (2, "Resellers".to_owned()), (4, "Sales".to_owned())];
        let of = |values: &[&str]| {
            let values: Vec<String> = values.iter().map(|text| (*text).to_owned()).collect();
            group_of(&values, &groups).map(|id| id.0)
        };
        assert_eq!(of(&["support", "SALES", "Resellers"]), Some(4));
        assert_eq!(of(&["support"]), Some(9));
        assert_eq!((of(&["Resellers"]), of(&[]), of(&["sale"])), (None, None, None));
    }
}
