//! Who may use the classic API: addresses of its own whitelist, while it is switched on, with its password if it has one.

use std::{net::IpAddr, time::Duration};

use super::lockouts::Face;
use crate::{
    domain::{
        Given, Result,
        fields::{sealed::Sealed, text::ClassicPassword},
        people::{
            actor::{Actor, Who},
            api_key::KeyHash,
            audit::MASK,
            lockout::Attempt,
        },
    },
    ops::Ops,
};

/// Why the classic API does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicRefusal {
    /// It is switched off.
    Off,
    /// The address is not on its whitelist.
    Address,
    /// The password is wrong.
    Password,
    /// There were too many wrong ones: for how long the address has to wait.
    ShutOut(Duration),
    /// The password was sealed with a key that is no longer there.
    KeyGone,
}

/// What its password is sealed for.
const PURPOSE: &str = "classic_api_password";

impl Ops {
    /// Whether the classic API answers that address at all.
    ///
    /// # Errors
    /// Why it does not.
    pub fn classic_answers(&self, address: IpAddr) -> Result<(), ClassicRefusal> {
        let settings = &self.snapshot().settings;
        if !settings.classic_api {
            return Err(ClassicRefusal::Off);
        }
        if !settings.classic_api_allow.iter().any(|range| range.contains(address)) {
            return Err(ClassicRefusal::Address);
        }
        Ok(())
    }

    /// Who the caller with that password is, at an address that it answers. A password can be guessed: whoever is shut out is
    /// answered alike, be it right or wrong.
    ///
    /// # Errors
    /// Why it is not let in.
    pub async fn classic_caller(&self, address: IpAddr, password: &str) -> Result<Actor, ClassicRefusal> {
        let sealed = self.snapshot().settings.classic_api_password.clone();
        if !sealed.is_none() {
            if let Some(left) = self.lockouts.address_blocked(Face::Classic, address) {
                return Err(ClassicRefusal::ShutOut(left));
            }
            let right = self.host.sealing.open(PURPOSE, sealed.as_str()).ok_or(ClassicRefusal::KeyGone)?;
            // Hashes are compared in constant time, and tell nothing of lengths.
            if !KeyHash::of(password).equals(&KeyHash::of(&right)) {
                self.lockouts.failed(Face::Classic, Attempt { address, name: None, mark: None, what: None });
                self.note_failed_login("classic_api", address, "wrong password").await;
                return Err(ClassicRefusal::Password);
            }
        }
        Ok(Actor { who: Who::ClassicApi, address: Some(address) })
    }

    /// Whether its password has to be typed again: it was sealed with a key that is no longer there.
    pub fn classic_password_is_lost(&self) -> bool {
        let sealed = &self.snapshot().settings.classic_api_password;
        !sealed.is_none() && self.host.sealing.open(PURPOSE, sealed.as_str()).is_none()
    }

    /// A password that was sent for the settings, as they keep it; the mask that is shown for it leaves it as it is. Not part
    /// of the transaction: no two seals are alike.
    ///
    /// # Errors
    /// [`crate::domain::Error::Busy`] if it cannot be sealed.
    pub fn seal_classic_password(&self, given: &Given<ClassicPassword>) -> Result<Given<Sealed>> {
        Ok(match given {
            Given::Absent => Given::Absent,
            Given::Empty => Given::Empty,
            Given::Value(password) if password.as_str() == MASK => Given::Absent,
            Given::Value(password) => {
                Given::Value(Sealed::of(self.host.sealing.seal(PURPOSE, password.as_str())?))
            }
        })
    }
}
