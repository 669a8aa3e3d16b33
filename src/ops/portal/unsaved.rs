//! Boxes that were let in, or left, while the database could not be written to: in memory until it can.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};

use super::devices;
use crate::{
    domain::{Error, Resource, Result, ids::MagId, people::actor::Actor, portal::device::Device},
    ops::{Action, Ops},
};

const SAVE: Action = Action { resource: Resource::Mag, name: "bind_device" };

/// The latest box of each MAG that is to be written down, and who acted.
#[derive(Default)]
pub struct UnsavedBoxes(Mutex<HashMap<MagId, (Device, Actor)>>);

impl UnsavedBoxes {
    /// The box of a MAG by what is not written down yet.
    pub fn over(&self, mag: MagId, saved: Device) -> Device {
        match self.all().get(&mag) {
            Some((unsaved, _)) => saved.with_box_of(unsaved),
            None => saved,
        }
    }

    /// Which box it is was written down since.
    pub fn forget(&self, mag: MagId) {
        self.all().remove(&mag);
    }

    fn keep(&self, mag: MagId, device: Device, actor: Actor) {
        self.all().insert(mag, (device, actor));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<MagId, (Device, Actor)>> {
        self.0.lock()
    }
}

impl Ops {
    /// What became of a box is saved, or kept in memory where that cannot be: reading suffices to let a box in.
    pub(super) async fn saved_or_kept(
        &self,
        mag: MagId,
        (before, after): (&Device, Device),
        actor: Actor,
        saving: impl Future<Output = Result<Device>>,
    ) -> Result<Device> {
        match saving.await {
            Ok(device) => {
                self.viewing.unsaved_boxes().forget(mag);
                Ok(device)
            }
            Err(Error::Database(_) | Error::Busy) => {
                if before.token != after.token {
                    self.end_device(mag);
                }
                self.viewing.unsaved_boxes().keep(mag, after.clone(), actor);
                Ok(after)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes down what could not be before.
    ///
    /// # Errors
    /// A database error; what is left waits on.
    pub(super) async fn save_unsaved_boxes(&self) -> Result<()> {
        let unsaved = self.viewing.unsaved_boxes().all().clone();
        for (mag, (device, actor)) in unsaved {
            let kept = device.clone();
            let saved = self.write_own(actor, SAVE, move |act| {
                let saved = act.tx.device(mag)?;
                let after = saved.clone().with_box_of(&device);
                act.tx.save_device(mag, &after)?;
                let (before, after) = (devices::ids(&saved), devices::ids(&after));
                if before == after {
                    Ok(())
                } else {
                    act.audit(Some(mag.0), act.actor.name(), &before, &after)
                }
            });
            match saved.await {
                Ok(()) | Err(Error::NoSuch { .. }) => {
                    let mut all = self.viewing.unsaved_boxes().all();
                    // Another one may have come meanwhile.
                    if all.get(&mag).is_some_and(|(latest, _)| *latest == kept) {
                        all.remove(&mag);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
