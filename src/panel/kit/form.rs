//! Forms: inputs that remember what was typed and say at the field what is wrong, and what others changed meanwhile.

mod input;
mod reading;

pub use input::{Choice, Input, Widget, shown};
pub use reading::{field, field_or};

use actix_web::http::StatusCode;
use askama::Template;
use jiff::tz::TimeZone;

use super::{
    assets,
    seen::{self, SeenMarks},
    sent::Sent,
};
use crate::{
    domain::{
        Fact, Result,
        fields::time::{UnixTime, ZoneName},
    },
    ops::random,
    panel::kit::rights,
};

/// The hidden field with the slip of a form that makes something once.
pub const SLIP: &str = "slip";
/// The mark of the row that a form is asked of.
const ROW: &str = "updated_at";

/// Inputs that belong together.
pub struct Section {
    /// The heading; empty for none.
    pub legend: &'static str,
    pub inputs: Vec<Input>,
}

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
                    input::choosable(&mut input.value, widget);
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
    fn is_told(&self, was: &SeenMarks<'_>, sent: &Sent) -> bool {
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

    /// With its long list turned to the page that begins after this many entries.
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
