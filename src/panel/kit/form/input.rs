//! Inputs of forms: what they are called, how they look, and what stands in them.

use jiff::tz::TimeZone;

use crate::{
    domain::{Fact, fields::time::UnixTime},
    panel::kit::ordered::Ordered,
};

/// How an input looks and what it sends.
pub enum Widget {
    /// One line of text.
    Text,
    /// A password that is set anew; never filled in.
    Password,
    /// A whole number from that one.
    Number(i64),
    /// A switch.
    Flag,
    /// A date and time in the panel's zone; empty is none.
    Time,
    /// Several lines of free text.
    Area,
    /// A list, one entry a line.
    Lines,
    /// One of several.
    Choice(Vec<Choice>),
    /// One of several whose texts are too long for a box.
    Radios(Vec<Choice>),
    /// Ids in their order, one a line, each with its name.
    Ordered(Ordered),
    /// Any number of several, in the order in which they stand.
    Picks(Vec<Choice>),
    /// Rights, in a table.
    Rights,
}

/// One thing to choose.
#[derive(Clone)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Whether it cannot be chosen; the label says why.
    pub barred: bool,
}

impl Choice {
    /// A choice by id.
    pub fn new(value: impl ToString, label: impl Into<String>) -> Self {
        Self { value: value.to_string(), label: label.into(), barred: false }
    }
}

/// One input of a form.
pub struct Input {
    /// The field that it sends.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// A sentence below it.
    pub help: String,
    /// How it looks.
    pub widget: Widget,
    /// What stands in it.
    pub value: Vec<String>,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Whether it must not be empty.
    pub required: bool,
    /// What browsers may fill in (HTML's `autocomplete`).
    pub autocomplete: &'static str,
    /// Whether it has a row of the form to itself.
    pub wide: bool,
    /// What others have put there meanwhile, in words; it is to be chosen between that and what was typed.
    pub theirs: Option<String>,
}

impl Input {
    /// An input of that field.
    pub fn new(name: &'static str, label: &'static str, widget: Widget) -> Self {
        let value = Vec::new();
        Self {
            name,
            label,
            help: String::new(),
            widget,
            value,
            error: None,
            required: false,
            autocomplete: "off",
            wide: false,
            theirs: None,
        }
    }

    /// One line of text.
    pub fn text(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Widget::Text)
    }

    /// With a sentence below it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// That must not be empty.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// With a row of the form to itself.
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = vec![value.into()];
        self
    }

    /// What browsers may fill in.
    pub fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = what;
        self
    }

    /// Whether it has a row to itself.
    pub(super) fn is_wide(&self) -> bool {
        self.wide || matches!(self.widget, Widget::Area | Widget::Ordered(..))
    }

    /// What is said below it: the help does not say again what is wrong.
    pub(super) fn said(&self) -> &str {
        if self.error.as_ref() == Some(&self.help) { "" } else { &self.help }
    }

    /// What stands in it, as one text.
    pub(super) fn one(&self) -> &str {
        self.value.first().map_or("", String::as_str)
    }

    pub(super) fn holds(&self, value: &str) -> bool {
        self.value.iter().any(|held| held == value)
    }

    /// The picks in their order first, then the others.
    pub(super) fn ordered<'c>(&self, choices: &'c [Choice]) -> Vec<&'c Choice> {
        let held = self.value.iter().filter_map(|value| choices.iter().find(|choice| choice.value == *value));
        held.chain(choices.iter().filter(|choice| !self.holds(&choice.value))).collect()
    }
}

/// A box always shows one of its choices: nobody changes a value by not having it among them.
pub(super) fn choosable(value: &mut Vec<String>, widget: &mut Widget) {
    let Widget::Choice(choices) = widget else { return };
    let Some(held) = value.first() else { return };
    if choices.iter().any(|choice| choice.value == *held) {
        return;
    }
    match choices.first() {
        Some(first) if held.is_empty() => *value = vec![first.value.clone()],
        _ => choices.push(Choice::new(held, held)),
    }
}

/// A column as it stands in an input.
pub fn shown(fact: &Fact, widget: &Widget, zone: &TimeZone) -> Vec<String> {
    let one = match fact {
        Fact::None | Fact::Hidden(_) => String::new(),
        Fact::Number(seconds) if matches!(widget, Widget::Time) => {
            let local = UnixTime::clamped(*seconds).local(zone).replace(' ', "T");
            // Whole minutes have no seconds, or browsers would ask for them for ever.
            local.strip_suffix(":00").map_or(local.clone(), str::to_owned)
        }
        Fact::Number(number) => number.to_string(),
        Fact::Text(text) | Fact::Secret(text) => text.clone(),
        Fact::List(texts) => match widget {
            Widget::Picks(_) | Widget::Rights => return texts.clone(),
            _ => texts.join("\n"),
        },
        Fact::Urls(texts) | Fact::Masked(texts) => {
            texts.iter().map(|(_, shown)| shown.as_str()).collect::<Vec<_>>().join("\n")
        }
        Fact::Ids(ids) => return ids.iter().map(i64::to_string).collect(),
    };
    vec![one]
}
