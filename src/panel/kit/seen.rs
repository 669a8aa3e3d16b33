//! What a form showed when it was opened: it says what the person changed, and what others did meanwhile.
//!
//! A form of a row sends a mark of each value that it showed, in the hidden field `seen`. Only a value whose mark is
//! another was changed by the person, and only that is written. If the row has another value by then too, the form
//! comes back with both.

use std::{collections::HashMap, fmt::Write as _};

use sha2::{Digest, Sha256};

use super::{
    form::{Input, Widget},
    ordered::Ordered,
    sent::Sent,
};
use crate::{domain::fields::time::UnixTime, panel::kit::rights};

/// The hidden field with the marks: `username=1f0e... notes=88aa...`
pub const FIELD: &str = "seen";
/// The field with what is chosen where two changed one value: `keep[notes]` is `mine` or `theirs`.
const KEEP: &str = "keep";

/// The marks that a browser sent.
pub struct SeenMarks<'s> {
    marks: HashMap<&'s str, &'s str>,
    sent: &'s Sent,
}

impl<'s> SeenMarks<'s> {
    /// Of a form that was sent.
    pub fn of(sent: &'s Sent) -> Self {
        let marks = sent.text(FIELD).split(' ').filter_map(|mark| mark.split_once('='));
        Self { marks: marks.collect(), sent }
    }

    /// The mark of the value that was shown there.
    pub fn mark(&self, name: &str) -> Option<&str> {
        self.marks.get(name).copied()
    }

    /// Whether it says of that value what was shown, in the shape that [`mark`] gives it.
    pub fn tells(&self, name: &str) -> bool {
        let is_mark = |mark: &str| mark.len() == 16 && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.mark(name).is_some_and(is_mark)
    }

    /// Whether the person leaves to others what they have changed there.
    pub fn leaves(&self, name: &str) -> bool {
        self.sent.within(KEEP, name) == "theirs"
    }
}

/// What is said above a form that comes back because two changed one value.
pub const BOTH: &str = "Somebody else changed the same meanwhile, and nothing was saved. You see what you typed and, below it, the \
                    current value: choose, and save again.";

/// What is said where a form does not tell what it showed: nobody knows whose work it would take back.
pub const UNTOLD: &str = "This form did not say what it showed when it was opened, so nothing was done. It has been renewed: make your \
                          changes again, and send it.";

/// What is said where something is asked again because others changed what it is about.
pub const CHANGED: &str = "Somebody else changed it meanwhile, and nothing was done. Check it, and send this again if you still want \
                           it.";

/// The `updated_at` of the row that a question was asked about; `None` if the answer does not tell, and must be refused.
pub fn row(sent: &Sent) -> Option<UnixTime> {
    sent.text(FIELD).parse().ok().map(UnixTime::clamped)
}

/// What became of an input.
pub enum Met {
    /// The person left it as it was shown, or leaves it to others: what it is now stands in it.
    Left,
    /// What was typed stands in it.
    Typed,
    /// The same, and others have put something else there meanwhile.
    Others,
}

/// Takes in what was typed, beside what was shown and what stands there now.
pub fn meet(input: &mut Input, typed: Vec<String>, was: &SeenMarks<'_>, zone: &str) -> Met {
    if let Widget::Ordered(list) = &mut input.widget {
        list.was(was.sent.text(&held_by(input.name)));
        let text = typed.first().map_or("", String::as_str);
        let (written, now) = (Ordered::ids(text), list.now());
        if was.leaves(input.name) || written == list.held_ids() {
            list.hold(now);
            input.value = vec![list.lines()];
            return Met::Left;
        }
        let others = now != list.held_ids() && now != written;
        input.value = typed;
        if others {
            list.hold(now);
            input.theirs = Some(list.lines());
            return Met::Others;
        }
        return Met::Typed;
    }
    let is_marked = mark(&plain(input));
    let is_told = words(input, zone);
    let is = std::mem::replace(&mut input.value, typed);
    let Some(shown) = was.mark(input.name) else { return Met::Typed };
    let typed = mark(&plain(input));
    if typed == shown || was.leaves(input.name) {
        input.value = is;
        return Met::Left;
    }
    if is_marked == shown || is_marked == typed {
        return Met::Typed;
    }
    input.theirs = Some(is_told);
    Met::Others
}

/// The field with the ids that a page of an ordered list held when it was opened.
pub fn held_by(name: &str) -> String {
    format!("{name}_held")
}

/// Short enough for a page with thirty fields; two values that anybody writes do not share one.
pub fn mark(text: &str) -> String {
    let mut mark = String::new();
    for byte in Sha256::digest(text).iter().take(8) {
        let _ = write!(mark, "{byte:02x}");
    }
    mark
}

/// What stands in an input, in one spelling for whatever browsers make of it.
pub fn plain(input: &Input) -> String {
    let one = input.value.first().map_or("", String::as_str);
    match &input.widget {
        Widget::Time => one.strip_suffix(":00").filter(|time| time.len() == 16).unwrap_or(one).to_owned(),
        Widget::Lines => {
            let lines = one.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join("\n")
        }
        Widget::Rights => {
            let mut rights = rights::plain(input.value.clone());
            rights.sort();
            rights.join("\n")
        }
        Widget::Picks(_) => input.value.join("\n"),
        _ => one.replace("\r\n", "\n"),
    }
}

/// What stands in an input, for whoever is to choose between two of it.
pub fn words(input: &Input, zone: &str) -> String {
    let named = |value: &String, choices: &[super::form::Choice]| {
        let found = choices.iter().find(|choice| choice.value == *value);
        found.map_or_else(|| value.clone(), |choice| choice.label.clone())
    };
    let text = match &input.widget {
        Widget::Choice(choices) | Widget::Radios(choices) | Widget::Picks(choices) => {
            input.value.iter().map(|value| named(value, choices)).collect::<Vec<_>>().join(", ")
        }
        Widget::Flag => {
            if input.value.first().is_some_and(|value| value == "1") { "on" } else { "off" }.into()
        }
        Widget::Time if plain(input).is_empty() => "never".into(),
        Widget::Time => format!("{} {zone}", plain(input).replace('T', " ")),
        _ => plain(input),
    };
    if text.is_empty() { "empty".into() } else { text }
}
