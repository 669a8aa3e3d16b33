//! A form that was sent: what of it was typed, and what is wrong with it.

use actix_web::http::StatusCode;
use indexmap::IndexMap;
use jiff::{civil::DateTime, tz::TimeZone};

use super::{Form, Input, ROW, Widget};
use crate::{
    domain::{Change, Error, Field, Given, Result, Rule, record},
    panel::kit::{
        error, rights,
        seen::{self, Met, SeenMarks},
        sent::Sent,
    },
    wire::{fields::Fields, form::Node},
};

impl Form {
    /// Reads the change that was sent. Whatever is wrong stands at its field then, and what was typed
    /// stays. Only fields that have an input are looked at.
    pub fn read<C: Change>(&mut self, sent: &Sent) -> Option<C> {
        let mut map = self.take(sent);
        // One error hides those behind it: the field is left out and the rest is read again.
        loop {
            let read = C::read(&mut Fields::new(map.clone()));
            match read {
                Ok(change) => return (!self.is_wrong()).then_some(change),
                Err(Error::Invalid { field, rule }) if map.shift_remove(field).is_some() => {
                    self.wrong(field, &rule);
                }
                Err(error) => {
                    self.refuse(&error);
                    return None;
                }
            }
        }
    }

    /// What was typed, into the inputs and as fields for the domain. Of a form that showed a row, that is what the
    /// person changed; where others have changed the same meanwhile, or where it is not told what was shown, it says so
    /// and nothing of it may be written.
    pub fn take(&mut self, sent: &Sent) -> IndexMap<String, Node> {
        let (zone, zone_name) = (self.zone.clone(), self.zone_name.clone());
        let was = SeenMarks::of(sent);
        let mut map = IndexMap::new();
        if !self.is_told(&was, sent) {
            self.met_others = true;
            self.problem = Some(seen::UNTOLD.into());
            return map;
        }
        let mut met_others = false;
        for input in self.inputs() {
            if !sent.0.contains_key(input.name) {
                continue;
            }
            match seen::meet(input, typed(input, sent), &was, &zone_name) {
                Met::Left => continue,
                Met::Others => met_others = true,
                Met::Typed => {}
            }
            if input.required && input.one().trim().is_empty() && !matches!(input.widget, Widget::Password) {
                input.error = Some("Cannot be empty.".into());
                continue;
            }
            match node(input, &zone) {
                Ok(Some(node)) => {
                    map.insert(input.name.to_owned(), node);
                }
                Ok(None) => {}
                Err(rule) => input.error = Some(sentence(&rule)),
            }
        }
        if met_others {
            self.problem = Some(seen::BOTH.into());
        }
        for (field, called, is) in &self.basis {
            if was.mark(field) != Some(&seen::mark(is)) {
                met_others = true;
                self.problem = Some(format!(
                    "Somebody else changed this meanwhile, and nothing was done: {called} is now {is}. Check it, and send the form \
                     again if you still want it."
                ));
            }
        }
        let row = self.row.map(|at| seen::mark(&at.seconds().to_string()));
        if row.is_some_and(|is| was.mark(ROW) != Some(&is)) {
            met_others = true;
            self.problem = Some(seen::CHANGED.into());
        }
        self.met_others = met_others;
        map
    }

    /// Shows a refusal: at its field, or above the form.
    pub fn refuse(&mut self, error: &Error) {
        match error {
            Error::Invalid { field, rule } => self.wrong(field, rule),
            Error::Missing(field) => self.wrong(field, "cannot be empty"),
            Error::Taken { field, .. } => self.wrong(field, "is taken: choose another"),
            Error::NotEnoughCredits => {
                self.problem =
                    Some("Not enough credits: the balance does not cover the price of this plan.".into());
            }
            error => self.problem = Some(error.to_string()),
        }
    }

    /// Shows a refusal; the status that the page with the form has.
    ///
    /// # Errors
    /// What is no refusal of what was typed: it has a page of its own.
    pub fn refused(&mut self, error: Error) -> Result<StatusCode> {
        match error {
            Error::Busy | Error::Database(_) | Error::Changed => Err(error),
            // Whoever may not be here at all was turned away before: this is about what was typed.
            Error::Denied(denied) => {
                self.problem = Some(denied.to_string());
                Ok(StatusCode::FORBIDDEN)
            }
            error => {
                self.refuse(&error);
                Ok(error::status(&error))
            }
        }
    }

    fn wrong(&mut self, field: &str, rule: &str) {
        let text = sentence(rule);
        if let Some(input) = self.inputs().find(|input| input.name == field) {
            input.error = Some(text);
        } else {
            self.problem = Some(format!("{field}: {rule}"));
        }
    }

    /// Whether anything is wrong with it.
    pub fn is_wrong(&self) -> bool {
        self.problem.is_some()
            || self.met_others
            || self.sections.iter().flat_map(|part| &part.inputs).any(|input| input.error.is_some())
    }
}

fn typed(input: &Input, sent: &Sent) -> Vec<String> {
    match input.widget {
        Widget::Picks(_) => sent.list(input.name),
        Widget::Rights => rights::plain(sent.list(input.name)),
        _ => vec![sent.text(input.name).to_owned()],
    }
}

/// A field as callers of the Server API would send it; `None` if it is as if it was not sent.
fn node(input: &Input, zone: &TimeZone) -> Result<Option<Node>, Rule> {
    let text = input.one();
    Ok(Some(match &input.widget {
        Widget::Password if text.is_empty() => return Ok(None),
        Widget::Time if !text.is_empty() => Node::Text(unix_seconds(text, zone)?.to_string()),
        Widget::Lines => list(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)),
        Widget::Ordered(ordered) => list(ordered.with(text).into_iter()),
        Widget::Picks(_) | Widget::Rights => list(input.value.iter().cloned()),
        _ => Node::Text(text.to_owned()),
    }))
}

fn list(texts: impl Iterator<Item = String>) -> Node {
    Node::Map(texts.enumerate().map(|(place, text)| (place.to_string(), Node::Text(text))).collect())
}

/// What a browser's date and time input sends, in the panel's zone.
fn unix_seconds(text: &str, zone: &TimeZone) -> Result<i64, Rule> {
    let rule = "a date and time such as 2026-12-31 23:59";
    let moment: DateTime = text.trim().parse().map_err(|_| rule)?;
    Ok(zone.to_timestamp(moment).map_err(|_| rule)?.as_second())
}

/// A rule as a sentence of its own.
fn sentence(rule: &str) -> String {
    let rule = rule.trim_end_matches('.');
    // An address stays as one types it.
    if rule.starts_with("http") {
        return format!("{rule}.");
    }
    let mut letters = rule.chars();
    let begun = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
    begun.map(|text| text + ".").unwrap_or_default()
}

/// A single field of a form that describes no record, and need not be filled in.
///
/// # Errors
/// [`Error::Invalid`].
pub fn field_or<T: Field>(sent: &Sent, name: &'static str, otherwise: T) -> Result<T> {
    match field(sent, name) {
        Err(Error::Missing(_)) => Ok(otherwise),
        found => found,
    }
}

/// A single field of a form that describes no record.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`].
pub fn field<T: Field>(sent: &Sent, name: &'static str) -> Result<T> {
    let mut fields = Fields::new(
        sent.0.iter().filter(|(key, _)| *key == name).map(|(k, v)| (k.clone(), v.clone())).collect(),
    );
    match record::parse(&mut fields, name)? {
        Given::Value(value) => Ok(value),
        Given::Absent | Given::Empty => Err(Error::Missing(name)),
    }
}
