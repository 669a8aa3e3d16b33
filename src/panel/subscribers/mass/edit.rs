//! The mass edit that a form asks for.

use crate::{
    domain::{Fact, Field, Kind as FactKind, Result, Rule, Written, subscribers::mass_edit::MassEdit},
    panel::kit::{form::Form, sent::Sent},
    wire::fields::Fields,
};

/// The edit that was sent; what is wrong stands in the form.
pub fn read(form: &mut Form, sent: &Sent) -> Option<MassEdit> {
    let mut fields = Fields::new(form.take(sent));
    match edit(&mut fields).and_then(|edit| edit.check().map(|()| edit)) {
        Ok(edit) if !form.is_wrong() => Some(edit),
        Ok(_) => None,
        Err(error) => {
            form.refuse(&error);
            None
        }
    }
}

fn edit(fields: &mut Fields) -> Result<MassEdit> {
    let mut edit = MassEdit {
        more_days: fields.take::<MoreDays>("more_days")?.map(|days| days.0),
        extend_plan: fields.take("extend_plan")?,
        free: fields.take("free")?.unwrap_or(false),
        expire_date: fields.take("expire_date")?,
        plan: fields.take("subscription_plan_id")?,
        reseller: fields.take("reseller_id")?,
        connections: fields.take("max_allowed_connections")?,
        add_bouquet: fields.take("add_bouquet")?,
        remove_bouquet: fields.take("remove_bouquet")?,
        delete: fields.take("delete")?.unwrap_or(false),
        ..MassEdit::default()
    };
    match fields.take::<Switch>("switch")? {
        Some(Switch::Disabled(to)) => edit.disabled = Some(to),
        Some(Switch::Banned(to)) => edit.banned = Some(to),
        None => {}
    }
    Ok(edit)
}

/// So many days more: 1 to 3,650.
struct MoreDays(u16);

/// Which switch is set to what.
enum Switch {
    Disabled(bool),
    Banned(bool),
}

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
    "enable" => Ok(Self::Disabled(false)),
    "disable" => Ok(Self::Disabled(true)),
    "unban" => Ok(Self::Banned(false)),
    "ban" => Ok(Self::Banned(true)),
    _ => Err(Rule::from("enable, disable, unban or ban")),
});
