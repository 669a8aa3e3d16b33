//! The boxes of MAGs: letting them in, what they are told, what they play (docs/mag.md).

mod devices;
mod events;
mod links;
mod session;
mod unsaved;
mod wrong_password;

/// What faces show.
pub use crate::store::portal::WaitingEvent;
pub use devices::{BoxView, identity, reset, set_pin};
pub(super) use events::MOST as MOST_EVENTS;
pub use events::{News, send};
pub use session::{Caller, Entrance, Greeting, Session};
pub use unsaved::UnsavedBoxes;

use crate::{
    domain::{
        Fact, Resource, Result, Stored,
        fields::mac::Mac,
        subscribers::{mag::Mag, named::Named},
    },
    ops::{Act, Action, subscribers::mags},
    store::Read,
};

/// What is known of boxes between their requests.
#[derive(Default)]
pub struct Portal {
    links: links::Links,
    seen: devices::SeenBoxes,
    changes: devices::Changes,
    wrong: wrong_password::WrongPasswords,
}

const ASK: Action = Action { resource: Resource::Mag, name: "portal" };

fn find(read: &Read<'_>, mac: Mac) -> Result<Option<Stored<Mag>>> {
    read.first::<Mag>("mac_address", &Fact::Text(mac.to_string()))
}

/// The MAG that an operator means, if it is within that one's reach.
pub(super) fn mag_of(act: &Act<'_>, which: &Named<Mac>) -> Result<Stored<Mag>> {
    let mag = mags::find(act.tx, which)?;
    act.actor.may_reach(Resource::Mag, mag.record.subscription.reseller_id)?;
    Ok(mag)
}
