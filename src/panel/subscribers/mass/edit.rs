//! The mass edit that a form asks for.

use indexmap::IndexMap;

use crate::{
    domain::{
        Change, Error, Fact, Field, Kind as FactKind, Result, Rule, Written,
        ids::PlanId,
        kept_fields::Keeping,
        subscribers::{
            bulk::{Bulk, Changes, Longer},
            listing::Subscribed,
        },
    },
    panel::kit::{form::Form, sent::Sent},
    wire::{fields::Fields, form::Node},
};

/// The edit that was sent; what is wrong stands in the form.
pub fn read<S: Subscribed>(form: &mut Form, sent: &Sent) -> Option<Bulk> {
    let typed = form.take(sent);
    match edit::<S>(typed).and_then(|edit| edit.check().map(|()| edit)) {
        Ok(edit) if !form.is_wrong() => Some(edit),
        Ok(_) => None,
        Err(error) => {
            form.refuse(&error);
            None
        }
    }
}

/// What is left empty stays as it is.
fn edit<S: Subscribed>(mut typed: IndexMap<String, Node>) -> Result<Bulk> {
    typed.retain(|_, node| !matches!(node, Node::Text(text) if text.is_empty()));
    let mut fields = Fields::new(typed);
    let delete = fields.take::<bool>("delete")?.unwrap_or(false);
    let days = fields.take::<MoreDays>("more_days")?.map(|days| Longer::Days(days.0));
    let plan = fields.take::<PlanId>("extend_plan")?.map(Longer::Plan);
    if days.is_some() && plan.is_some() {
        return Err(Error::invalid("expire_date", "choose one way to set the end"));
    }
    let mut changes = Changes {
        add: fields.take("add_bouquet")?,
        remove: fields.take("remove_bouquet")?,
        longer: days.or(plan),
        free: fields.take("free")?.unwrap_or(false),
        ..Changes::default()
    };
    let switch = fields.take::<Switch>("switch")?;
    let mut keeping = Keeping::of(&mut fields);
    S::Change::read(&mut keeping)?;
    changes.columns = keeping.kept;
    if let Some(Switch(column, to)) = switch {
        changes.columns.put(column, to);
    }
    match delete {
        true if changes == Changes::default() => Ok(Bulk::Delete),
        true => Err(Error::invalid("delete", "not together with another change")),
        false => Ok(Bulk::Change(changes)),
    }
}

/// This many days more: 1 to 3,650.
struct MoreDays(i64);

/// Which column is set to what.
struct Switch(&'static str, &'static str);

/// Values that only this form has: they are read and never stored.
macro_rules! of_this_form {
    ($type:ty, $parse:expr) => {
        impl Field for $type {
            const KIND: FactKind = FactKind::Text;
            fn parse(written: &Written) -> Result<Self, Rule> {
                $parse(written.text()?)
            }
            fn fact(&self) -> Fact {
                Fact::None
            }
            fn stored(_: Fact) -> Option<Self> {
                None
            }
        }
    };
}

of_this_form!(MoreDays, |text: &str| {
    let days = text.parse().ok().filter(|days| (1..=3650).contains(days));
    days.map(MoreDays).ok_or_else(|| Rule::from("a whole number of days from 1 to 3650"))
});
of_this_form!(Switch, |text: &str| match text {
    "enable" => Ok(Self("disabled", "0")),
    "disable" => Ok(Self("disabled", "1")),
    "unban" => Ok(Self("banned", "0")),
    "ban" => Ok(Self("banned", "1")),
    _ => Err(Rule::from("enable, disable, unban or ban")),
});
