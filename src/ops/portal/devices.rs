//! The boxes of MAGs as operators see them: what they told, when they came, which one it is.

use std::{collections::HashMap, hash::Hash, time::Instant};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

use super::{ASK, Caller, Session, mag_of};
use crate::{
    domain::{
        Error, Resource, Result,
        fields::{mac::Mac, time::UnixTime},
        ids::{MagId, StreamId},
        people::{
            actor::Actor,
            audit::MASK,
            quota::{Allowance, Quota},
        },
        portal::device::{Device, Pin},
        subscribers::named::Named,
    },
    ops::{Act, Action, Effect, Ops, clock, viewing::Client},
    store::{self, portal::SeenRow},
};

const CHOOSE_PIN: Action = Action { resource: Resource::Mag, name: "set_parent_pin" };

/// What a box may change by itself: this many rows of the audit trail, and this many favourites.
const AUDITED: Allowance = Allowance { at_once: 10, a_minute: 1 };
const FAVOURITES: Allowance = Allowance { at_once: 60, a_minute: 20 };

/// How much boxes have changed lately.
pub struct Changes {
    audited: Mutex<Quota<Mac>>,
    favourites: Mutex<Quota<MagId>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { audited: Mutex::new(Quota::new(AUDITED)), favourites: Mutex::new(Quota::new(FAVOURITES)) }
    }
}

/// Counts a change of a box.
///
/// # Errors
/// [`Error::Busy`] if it has changed too much lately.
fn count<K: Copy + Eq + Hash>(quota: &Mutex<Quota<K>>, of: K) -> Result<()> {
    let may = quota.lock().take(of, Instant::now());
    may.then_some(()).ok_or(Error::Busy)
}

/// When each box last came, until it is written down.
#[derive(Default)]
pub struct SeenBoxes(Mutex<HashMap<MagId, SeenRow>>);

impl SeenBoxes {
    /// Notes that a box came.
    pub fn note(&self, mag: MagId, from: &Client, at: UnixTime) {
        let mut seen = self.all();
        let last_channel = seen.get(&mag).and_then(|seen| seen.last_channel);
        let (address, user_agent) = (from.address.to_string(), from.agent.to_string());
        seen.insert(mag, SeenRow { at, address, user_agent, last_channel });
    }

    fn all(&self) -> MutexGuard<'_, HashMap<MagId, SeenRow>> {
        self.0.lock()
    }
}

/// The box of a MAG as operators see it.
pub struct BoxView {
    /// What it told, and what is kept for it, up to this moment.
    pub device: Device,
    /// Its favourites, in order.
    pub favourites: Vec<StreamId>,
    /// How many events wait for it.
    pub events_waiting: usize,
}

/// Forgets which box it was: the next one takes its place, and the old one is out. With the [`identity`] that the caller
/// has `seen`, it forgets that box and no other.
///
/// # Errors
/// [`Error::NoSuch`]; [`Error::Changed`] if it is another box by now.
pub fn reset(act: &Act<'_>, which: &Named<Mac>, seen: Option<&str>) -> Result<MagId> {
    let mag = mag_of(act, which)?;
    let mut device = act.tx.device(mag.id)?;
    if seen.is_some_and(|seen| seen != identity(&device)) {
        return Err(Error::Changed);
    }
    let before = ids(&device);
    device.reset();
    act.tx.save_device(mag.id, &device)?;
    act.after(Effect::EndDevice(mag.id));
    act.audit(Some(mag.id.0), &mag.record.mac_address.to_string(), &before, &ids(&device))?;
    Ok(mag.id)
}

/// Which box it is, in one text.
pub fn identity(device: &Device) -> String {
    format!("{} {}", device.about.device_id, device.about.device_id2)
}

/// What binds a MAG to its device, for the audit trail.
pub(super) fn ids(device: &Device) -> Value {
    json!({ "device_id": device.about.device_id, "device_id2": device.about.device_id2 })
}

/// Gives a MAG another parental PIN; in the place of the one that the caller has `seen`, if he said.
///
/// # Errors
/// [`Error::NoSuch`]; [`Error::Changed`] if it has another one by now.
pub fn set_pin(act: &Act<'_>, which: &Named<Mac>, seen: Option<&Pin>, pin: &Pin) -> Result<MagId> {
    let mag = mag_of(act, which)?;
    let mut device = act.tx.device(mag.id)?;
    if seen.is_some_and(|seen| *seen != device.parent_pin) {
        return Err(Error::Changed);
    }
    device.parent_pin = pin.clone();
    act.tx.save_device(mag.id, &device)?;
    let masked = json!({ "parent_pin": MASK });
    act.audit(Some(mag.id.0), &mag.record.mac_address.to_string(), &masked, &masked)?;
    Ok(mag.id)
}

impl Ops {
    /// The box of a MAG.
    pub fn device_of(&self, mag: MagId) -> Result<BoxView> {
        let now = clock::now();
        let shown = self.point(&Actor::LINECARD, ASK, |look| {
            let events_waiting = look.read.waiting_events(mag, now)?.len();
            Ok(BoxView {
                device: look.read.device(mag)?,
                favourites: look.read.favourites(mag)?,
                events_waiting,
            })
        })?;
        Ok(BoxView { device: self.up_to_now(mag, shown.device), ..shown })
    }

    /// The box of a MAG with what was not written down yet.
    pub fn up_to_now(&self, mag: MagId, mut device: Device) -> Device {
        if let Some(seen) = self.portal.seen.all().get(&mag) {
            device.first_seen_at = device.first_seen_at.or(Some(seen.at));
            device.last_seen_at = Some(seen.at);
            device.address.clone_from(&seen.address);
            device.user_agent.clone_from(&seen.user_agent);
            device.last_channel = seen.last_channel.or(device.last_channel);
        }
        device
    }

    /// What the box last played.
    pub fn last_channel(&self, session: &Session) -> Option<StreamId> {
        let seen = self.portal.seen.all().get(&session.id()).and_then(|seen| seen.last_channel);
        seen.or(session.device.last_channel)
    }

    /// Notes what the box plays.
    pub fn note_channel(&self, session: &Session, stream: StreamId) {
        if let Some(seen) = self.portal.seen.all().get_mut(&session.id()) {
            seen.last_channel = Some(stream);
        }
    }

    /// The favourites that the box has chosen, in order.
    pub fn favourites(&self, session: &Session) -> Result<Vec<StreamId>> {
        self.point(&Actor::LINECARD, ASK, |look| look.read.favourites(session.id()))
    }

    /// Keeps the favourites that the box has chosen.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than 2,000, [`Error::Busy`] for very many in a short time, [`Error::NoSuch`] once the MAG is gone, or a database error.
    pub async fn choose_favourites(&self, session: &Session, favourites: Vec<StreamId>) -> Result<()> {
        if favourites.len() > 2000 {
            return Err(Error::invalid("fav_ch", "at most 2000 channels"));
        }
        let mag = session.id();
        count(&self.portal.changes.favourites, mag)?;
        let origin = store::housekeeping(clock::now(), "favourites");
        let written = self.store.write(origin, move |tx| {
            // It may have been deleted meanwhile.
            tx.device(mag)?;
            tx.set_favourites(mag, &favourites)
        });
        written.wait().await
    }

    /// Keeps the parental PIN that somebody has chosen at the box.
    ///
    /// # Errors
    /// [`Error::Busy`] for very many in a short time, or a database error.
    pub async fn choose_pin(&self, caller: &Caller, session: &Session, pin: Pin) -> Result<()> {
        if session.device.parent_pin == pin {
            return Ok(());
        }
        self.count_audited(caller.mac)?;
        let mac = Named::By(caller.mac);
        self.write_own(caller.actor(), CHOOSE_PIN, move |act| set_pin(act, &mac, None, &pin).map(|_| ()))
            .await
    }

    /// Counts what a box does by itself and the audit trail keeps.
    pub(super) fn count_audited(&self, mac: Mac) -> Result<()> {
        count(&self.portal.changes.audited, mac)
    }

    /// Writes down when boxes last came, and which they are where that could not be written before.
    ///
    /// # Errors
    /// A database error; nothing is lost but the minute.
    pub async fn note_seen_boxes(&self) -> Result<()> {
        self.save_unsaved_boxes().await?;
        let seen: Vec<(MagId, SeenRow)> = self.portal.seen.all().drain().collect();
        for some in seen.chunks(500) {
            let some = some.to_vec();
            let written = self.store.write(store::housekeeping(clock::now(), "boxes seen"), move |tx| {
                some.iter().try_for_each(|(mag, seen)| tx.note_seen(*mag, seen))
            });
            written.wait().await?;
        }
        Ok(())
    }
}
