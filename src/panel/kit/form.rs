//! Forms: inputs that remember what was typed and say at the field what is wrong.

mod reading;

use actix_web::http::StatusCode;
use askama::Template;
use jiff::tz::TimeZone;

use super::{
    assets,
    ordered::Ordered,
    seen::{self, Seen},
    sent::Sent,
};
use crate::{
    domain::{
        Error, Fact, Given, Result,
        fields::time::{UnixTime, ZoneName},
    },
    ops::random,
    panel::kit::rights,
    wire::fields::Fields,
};

/// The hidden field with the slip of a form that makes something once.
pub const SLIP: &str = "slip";
/// The mark of the row that a form is asked of.
const ROW: &str = "updated_at";

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

    /// With that value.
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
    fn is_wide(&self) -> bool {
        self.wide || matches!(self.widget, Widget::Area | Widget::Ordered(..))
    }

    /// What is said below it: the help does not say again what is wrong.
    fn said(&self) -> &str {
        if self.error.as_ref() == Some(&self.help) { "" } else { &self.help }
    }

    /// What stands in it, as one text.
    fn one(&self) -> &str {
        self.value.first().map_or("", String::as_str)
    }

    fn holds(&self, value: &str) -> bool {
        self.value.iter().any(|held| held == value)
    }

    /// The picks in their order first, then the others.
    fn ordered<'c>(&self, choices: &'c [Choice]) -> Vec<&'c Choice> {
        let held = self.value.iter().filter_map(|value| choices.iter().find(|choice| choice.value == *value));
        held.chain(choices.iter().filter(|choice| !self.holds(&choice.value))).collect()
    }
}

/// Inputs that belong together.
pub struct Section {
    /// The heading; empty for none.
    pub legend: &'static str,
    /// The inputs.
    pub inputs: Vec<Input>,
}

/// A form.
#[derive(Template)]
#[template(path = "form.html")]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// What its button says.
    pub submit: &'static str,
    /// Where "Cancel" leads; empty for no such link.
    pub cancel: String,
    /// What the button says that only shows what would be done, at the same address; empty for none.
    pub look: &'static str,
    /// Its parts.
    pub sections: Vec<Section>,
    /// What is wrong with the whole.
    pub problem: Option<String>,
    /// What it sends beside what is typed.
    pub hidden: Vec<(&'static str, String)>,
    /// Whose password it sets, for browsers that keep passwords; empty for other forms.
    pub username: String,
    /// Whether it is only shown: nothing in it can be changed.
    pub only_shown: bool,
    /// Marks of what it shows of a row that is there, by field.
    marks: Vec<(&'static str, String)>,
    /// What else it shows, in words of its own without blanks, by name.
    shows: Vec<(String, String)>,
    /// What it is reckoned from without an input for it: field, what that is called, and what it is.
    basis: Vec<(&'static str, &'static str, String)>,
    /// When the row that it is asked of was last changed.
    row: Option<UnixTime>,
    /// Whether others have changed meanwhile what the person changed too.
    met_others: bool,
    zone_name: String,
    zone: TimeZone,
}

impl Form {
    /// A form without inputs, in the panel's time zone.
    pub fn new(action: impl Into<String>, submit: &'static str, zone: &ZoneName) -> Self {
        Self {
            action: action.into(),
            submit,
            cancel: String::new(),
            look: "",
            sections: Vec::new(),
            problem: None,
            hidden: Vec::new(),
            username: String::new(),
            only_shown: false,
            marks: Vec::new(),
            shows: Vec::new(),
            basis: Vec::new(),
            row: None,
            met_others: false,
            zone_name: zone.as_str().to_owned(),
            zone: zone.zone(),
        }
    }

    /// With a part.
    pub fn section(mut self, legend: &'static str, inputs: Vec<Input>) -> Self {
        self.sections.push(Section { legend, inputs });
        self
    }

    /// With a way out.
    pub fn cancel(mut self, to: impl Into<String>) -> Self {
        self.cancel = to.into();
        self
    }

    /// Sending that beside what is typed.
    pub fn hidden(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// Making something once, however often it is sent: with a slip of its own.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system's generator fails.
    pub fn once(self) -> Result<Self> {
        Ok(self.hidden(SLIP, random::token()?))
    }

    /// Whether it makes something once.
    pub fn makes_once(&self) -> bool {
        self.hidden.iter().any(|(name, _)| *name == SLIP)
    }

    /// Setting the password of that name: browsers that keep passwords keep it for that one.
    pub fn password_of(mut self, username: &str) -> Self {
        username.clone_into(&mut self.username);
        self
    }

    /// Only shown unless whoever looks may change what it is about.
    pub fn only_shown_unless(mut self, may_write: bool) -> Self {
        self.only_shown = !may_write;
        self
    }

    /// With a button that only shows what would be done.
    pub fn look(mut self, says: &'static str) -> Self {
        self.look = says;
        self
    }

    /// Filled with the columns of a record.
    pub fn filled(mut self, facts: &[(&'static str, Fact)]) -> Self {
        let zone = self.zone.clone();
        for input in self.inputs() {
            match (facts.iter().find(|(name, _)| *name == input.name), &mut input.widget) {
                (Some((_, Fact::Ids(ids))), Widget::Ordered(list)) => {
                    list.fill(ids.iter().map(i64::to_string).collect());
                    input.value = vec![list.lines()];
                }
                (Some((_, fact)), widget) => {
                    input.value = shown(fact, widget, &zone);
                    choosable(&mut input.value, widget);
                }
                (None, _) => {}
            }
        }
        self
    }

    /// Filled with the columns of a row that is there: of what is sent, only what the person changed is read.
    pub fn of_row(self, facts: &[(&'static str, Fact)]) -> Self {
        let mut form = self.filled(facts);
        let mut marks = Vec::new();
        for input in form.inputs() {
            let is_shown = facts.iter().any(|(name, _)| *name == input.name);
            // Ordered lists send what they showed in full.
            if is_shown && !matches!(input.widget, Widget::Password | Widget::Ordered(_)) {
                marks.push((input.name, seen::mark(&seen::plain(input))));
            }
        }
        form.marks.extend(marks);
        form
    }

    /// Reckoned from that: if it is another by the time the form is sent, the form comes back and says so.
    pub fn resting_on(mut self, field: &'static str, called: &'static str, is: impl Into<String>) -> Self {
        let is = is.into();
        self.marks.push((field, seen::mark(&is)));
        self.basis.push((field, called, is));
        self
    }

    /// Showing that as well: it says it again when it is sent, so that nothing else is done than what was shown.
    pub fn showing(mut self, what: impl IntoIterator<Item = (String, String)>) -> Self {
        self.shows.extend(what);
        self
    }

    /// Whether it shows that now.
    pub fn shows(&self, what: &str) -> bool {
        self.shows.iter().any(|(name, _)| name == what)
    }

    /// Comes back because others changed what it is about, or because it does not tell what it showed.
    pub fn stale(&mut self, problem: &str) {
        self.met_others = true;
        self.problem = Some(problem.into());
    }

    /// Asked of the row as it is: whatever others change of it by the time the form is sent, it comes back and says so.
    pub fn asked_of(mut self, updated_at: UnixTime) -> Self {
        self.marks.push((ROW, seen::mark(&updated_at.seconds().to_string())));
        self.row = Some(updated_at);
        self
    }

    /// Whether what was sent tells all that this form showed.
    fn is_told(&self, was: &Seen<'_>, sent: &Sent) -> bool {
        let inputs = self.sections.iter().flat_map(|part| &part.inputs);
        let mut lists = inputs.filter(|input| matches!(input.widget, Widget::Ordered(_)));
        self.marks.iter().all(|(name, _)| was.tells(name))
            && lists
                .all(|list| !sent.0.contains_key(list.name) || sent.0.contains_key(&seen::held_by(list.name)))
    }

    /// The marks of what it shows, as it sends them.
    fn seen(&self) -> String {
        let marks = self.marks.iter().map(|(name, mark)| format!("{name}={mark}"));
        let shows = self.shows.iter().map(|(name, text)| format!("{name}={text}"));
        marks.chain(shows).collect::<Vec<_>>().join(" ")
    }

    /// The status of the page on which it comes back.
    pub fn status(&self) -> StatusCode {
        if self.met_others { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    /// With its long list turned to the page that begins after so many entries.
    pub fn turned(mut self, from: &str) -> Self {
        for input in self.inputs() {
            if let Widget::Ordered(list) = &mut input.widget {
                list.turn(from.parse().unwrap_or(0));
                input.value = vec![list.lines()];
            }
        }
        self
    }

    fn inputs(&mut self) -> impl Iterator<Item = &mut Input> {
        self.sections.iter_mut().flat_map(|section| section.inputs.iter_mut())
    }
}

/// A box always shows one of its choices: nobody changes a value by not having it among them.
fn choosable(value: &mut Vec<String>, widget: &mut Widget) {
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

/// A single field of a form that describes no record, and need not be filled in.
///
/// # Errors
/// [`Error::Invalid`].
pub fn field_or<T: crate::domain::Field>(sent: &Sent, name: &'static str, otherwise: T) -> Result<T> {
    match field(sent, name) {
        Err(Error::Missing(_)) => Ok(otherwise),
        found => found,
    }
}

/// A single field of a form that describes no record.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`].
pub fn field<T: crate::domain::Field>(sent: &Sent, name: &'static str) -> Result<T> {
    let mut fields = Fields::new(
        sent.0.iter().filter(|(key, _)| *key == name).map(|(k, v)| (k.clone(), v.clone())).collect(),
    );
    match crate::domain::record::parse(&mut fields, name)? {
        Given::Value(value) => Ok(value),
        Given::Absent | Given::Empty => Err(Error::Missing(name)),
    }
}
