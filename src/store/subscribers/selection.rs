//! Which lines and MAGs are chosen, as SQL.

use rusqlite::types::Value;

use crate::{
    domain::subscribers::listing::{SOON, Selection, State, Subscribed},
    store::Table,
};

/// The end, where none is after every other; the expression of the index by end.
pub const END: &str = "ifnull(expire_date, 253402300800)";

/// One of the choices as SQL.
pub struct Condition {
    /// What its rows fulfil.
    pub sql: String,
    /// What stands for its question marks.
    pub params: Vec<Value>,
    /// The index that finds its rows, if there is one.
    pub index: Option<String>,
}

impl Condition {
    /// A condition without an index.
    pub fn new(sql: impl Into<String>, params: Vec<Value>) -> Self {
        Self { sql: sql.into(), params, index: None }
    }

    fn by(mut self, index: String) -> Self {
        self.index = Some(index);
        self
    }
}

/// What a state says about the end.
pub fn end_between(state: State, now: i64) -> (String, Vec<Value>) {
    match state {
        State::Active => (format!("{END} > ?"), vec![now.into()]),
        State::Expired => (format!("{END} <= ?"), vec![now.into()]),
        State::Expiring => (format!("{END} > ? AND {END} <= ?"), vec![now.into(), (now + SOON).into()]),
        _ => ("TRUE".into(), Vec::new()),
    }
}

/// Each of the choices.
pub fn conditions<S: Subscribed + Table>(selection: &Selection) -> Vec<Condition> {
    let table = S::TABLE;
    let mut all = Vec::new();
    if let Some(reseller) = selection.reseller {
        let own = Condition::new("reseller_id = ?", vec![reseller.0.into()]);
        all.push(own.by(format!("{table}_reseller")));
    }
    if let Some(plan) = selection.plan {
        let sold = Condition::new("subscription_plan_id = ?", vec![plan.0.into()]);
        all.push(sold.by(format!("{table}_plan")));
    }
    if let Some(state) = selection.state {
        let (end, bounds) = end_between(state, selection.now.seconds());
        all.push(match state {
            State::Active => Condition::new(format!("disabled = 0 AND banned = 0 AND {end}"), bounds),
            State::Expired | State::Expiring => Condition::new(end, bounds).by(format!("{table}_end")),
            State::Disabled => Condition::new("disabled = 1", vec![]).by(format!("{table}_disabled")),
            State::Banned => Condition::new("banned = 1", vec![]).by(format!("{table}_banned")),
            State::Trial => Condition::new("is_trial = 1", vec![]).by(format!("{table}_trial")),
            State::Watching => {
                let ids = serde_json::to_string(&selection.watching).unwrap_or_default();
                Condition::new("id IN (SELECT value FROM json_each(?))", vec![ids.into()])
            }
        });
    }
    if let Some(text) = &selection.search {
        all.push(Condition::new(
            format!(
                "({} LIKE ? ESCAPE '\\' OR reference LIKE ? ESCAPE '\\' OR email LIKE ? ESCAPE '\\' OR notes LIKE ? ESCAPE '\\')",
                S::NAME
            ),
            [&S::looked_for(text), text, text, text].map(|text| pattern(text).into()).into(),
        ));
    }
    all
}

/// All of them together.
pub fn joined(conditions: &[Condition]) -> (String, Vec<Value>) {
    let sql: Vec<&str> = conditions.iter().map(|condition| condition.sql.as_str()).collect();
    let params = conditions.iter().flat_map(|condition| condition.params.iter().cloned()).collect();
    (if sql.is_empty() { "TRUE".into() } else { sql.join(" AND ") }, params)
}

/// For LIKE: the text anywhere.
pub fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}
