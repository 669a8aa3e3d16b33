//! Handshake, profile, signing in: which box is let in (docs/mag.md, "Who gets in").

use std::time::Duration;

use serde_json::json;
use subtle::ConstantTimeEq;

use super::{ASK, devices, find};
use crate::{
    domain::{
        Resource, Result, Stored,
        fields::{mac::Mac, time::UnixTime},
        ids::MagId,
        people::{
            actor::{Actor, Who},
            api_key::KeyHash,
            known::Holder,
            lockout::Attempt,
        },
        portal::device::{Device, DeviceReport},
        subscribers::{mag::Mag, named::Named, plan::Plan},
        viewing::{
            admission::Rule,
            session::{Ending, Session as Watched, Viewer},
        },
    },
    ops::{
        Action, Effect, Ops, clock,
        people::lockouts::Face,
        random,
        viewing::{Client, Refusal, Subscriber},
    },
};

const BIND: Action = Action { resource: Resource::Mag, name: "bind_device" };
const LOG_OUT: Action = Action { resource: Resource::Mag, name: "log_out" };
/// This many digits of a token are random, and as many follow.
const HALF: usize = 16;
const SHUT_OUT: Action = Action { resource: Resource::Mag, name: "wrong_password" };

/// Somebody who claims to be the box of a MAG.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The MAC that it sends.
    pub mac: Mac,
    /// The token that it sends; empty if none.
    pub token: String,
    /// From where.
    pub from: Client,
}

impl Caller {
    /// Who acts when the box changes something.
    pub(super) fn actor(&self) -> Actor {
        Actor { who: Who::SetTopBox { mac: self.mac.to_string() }, address: Some(self.from.address) }
    }
}

/// The answer to a handshake.
pub struct Greeting {
    /// The token to go on with.
    pub token: String,
    /// A text that nobody uses, but boxes want.
    pub random: String,
    /// The token that was sent is not the one that is let in.
    pub not_valid: bool,
}

/// A box that is let in: MAC and token are right.
#[derive(Clone)]
pub struct Session {
    pub mag: Stored<Mag>,
    /// Its box.
    pub device: Device,
    /// Whether its subscription lasts.
    pub is_active: bool,
    /// It came before a login was required, and has to send one first.
    pub has_to_sign_in: bool,
}

impl Session {
    pub fn id(&self) -> MagId {
        self.mag.id
    }

    /// The MAG as one who watches.
    pub fn subscriber(&self) -> Subscriber {
        self.mag.clone().into()
    }
}

/// What became of a box that asked for its profile.
pub enum Entrance {
    /// It is let in.
    Open(Box<Session>),
    /// It has to send login and password first.
    SignIn,
    /// The MAG is bound to another device.
    OtherDevice,
    /// There is no such MAG, or it is disabled, banned or expired: the box does not learn which, or
    /// addresses could be tried until one is known.
    Refused,
}

/// A box that asks, before anything is decided.
struct Found {
    mag: Stored<Mag>,
    device: Device,
}

impl Ops {
    /// How long the box has to wait because its address has tried too many MACs, or too much was tried with its MAC. A box that
    /// is let in need not: its token cannot be guessed. Where only the MAC is blocked, a box need not whose address is known; for
    /// addresses it has to, because MACs themselves are what is guessed there.
    pub fn kept_out(&self, caller: &Caller) -> Result<Option<Duration>> {
        let address = caller.from.address;
        let Some(left) = self.lockouts.blocked(Face::Portal, address, Some(&caller.mac.to_string())) else {
            return Ok(None);
        };
        let Some(found) = self.found(caller.mac)? else { return Ok(Some(left)) };
        let is_let_in = self.holds(&found, caller)?;
        let is_known = self.lockouts.address_blocked(Face::Portal, address).is_none()
            && self.lockouts.was_let_in(Holder::Mag(found.mag.id), address)?;
        Ok((!is_let_in && !is_known).then_some(left))
    }

    /// Answers a handshake: the token stays if it is the one that is let in.
    ///
    /// # Errors
    /// A database error, or [`crate::domain::Error::Busy`] if the system's generator fails.
    pub fn greet(&self, caller: &Caller) -> Result<Greeting> {
        let random = random::hex(40)?;
        if caller.token.is_empty() {
            return Ok(Greeting { token: self.new_token(caller.mac)?, random, not_valid: false });
        }
        let known = match self.found(caller.mac)? {
            Some(found) => self.holds(&found, caller)?,
            None => false,
        };
        let token = if known { caller.token.clone() } else { self.new_token(caller.mac)? };
        Ok(Greeting { token, random, not_valid: !known })
    }

    /// Lets the box in that asks for its profile, and no other from then on.
    pub async fn enter_portal(&self, caller: &Caller, told: DeviceReport) -> Result<Entrance> {
        let now = clock::now();
        let found = match self.admissible(caller, Some(&told), "", now)? {
            Ok(found) => found,
            Err(refused) => return Ok(refused),
        };
        let token = KeyHash::of(&caller.token);
        let signed_in = found.device.signed_in && self.holds(&found, caller)?;
        let login_required = self.snapshot().settings.mag_login_required;
        if self.sent_wrong(&found.mag, &token) || (login_required && !signed_in) {
            return Ok(Entrance::SignIn);
        }
        let device = self.let_in(caller, &found, false, told, now).await?;
        Ok(Entrance::Open(Box::new(Session {
            mag: found.mag,
            device,
            is_active: true,
            has_to_sign_in: false,
        })))
    }

    /// Whether login and password are right, or none are needed. A box that sent the right ones is
    /// let in, whether or not they are required. Apps that send no password have not tried one.
    pub async fn sign_in_box(
        &self,
        caller: &Caller,
        login: &str,
        password: &str,
        told: DeviceReport,
    ) -> Result<bool> {
        let now = clock::now();
        let login_required = self.snapshot().settings.mag_login_required;
        let its_own = self.shut_out_if_wrong(caller, login, password).await?;
        // Apps ask before they tell who they are; what lets a box in is its profile or its password. The box that is let in
        // need not tell again.
        let device = Some(&told).filter(|told| told.has_id() || (login_required && !its_own));
        let Ok(found) = self.admissible(caller, device, &format!("{login} {password}"), now)? else {
            return Ok(false);
        };
        let own = found.mag.record.password.as_str();
        let sent_wrong = self.sent_wrong(&found.mag, &KeyHash::of(&caller.token));
        if !login_required && !sent_wrong && (own.is_empty() || password.is_empty()) {
            return Ok(true);
        }
        if !is_right(&found.mag.record, login, password) {
            self.wrong_box(caller, &format!("{login} {password}"));
            self.turned_away(caller, Some(&found.mag), &Refusal::SignIn, now);
            return Ok(false);
        }
        self.portal.wrong.forget(found.mag.id);
        self.let_in(caller, &found, true, told, now).await?;
        Ok(true)
    }

    /// Whether something wrong was sent under that token for a MAG that has a password.
    fn sent_wrong(&self, mag: &Stored<Mag>, token: &KeyHash) -> bool {
        !mag.record.password.as_str().is_empty() && self.portal.wrong.came_under(mag.id, token)
    }

    /// A token under which something wrong is sent lets nobody in from then on, whatever else comes with it; those of other
    /// boxes stay good. Whether it is still that of the box that is let in.
    async fn shut_out_if_wrong(&self, caller: &Caller, login: &str, password: &str) -> Result<bool> {
        let Some(found) = self.found(caller.mac)? else { return Ok(false) };
        let holds = self.holds(&found, caller)?;
        let mag = &found.mag.record;
        let is_try = !mag.password.as_str().is_empty() && !password.is_empty() && !caller.token.is_empty();
        if !is_try || is_right(mag, login, password) {
            return Ok(holds);
        }
        let (id, token) = (found.mag.id, KeyHash::of(&caller.token));
        self.portal.wrong.note(id, token.clone());
        if holds {
            let mut after = found.device.clone();
            after.shut_out();
            let saving = self.write_own(caller.actor(), SHUT_OUT, move |act| {
                let mut device = act.tx.device(id)?;
                if device.is_let_in(&token) {
                    device.shut_out();
                    act.tx.save_device(id, &device)?;
                }
                Ok(device)
            });
            self.saved_or_kept(id, (&found.device, after), caller.actor(), saving).await?;
        }
        Ok(false)
    }

    /// Whether the caller has the token of the box that is let in. One that this server has not made may be guessed: it counts
    /// only where it was let in with, by its profile.
    fn holds(&self, found: &Found, caller: &Caller) -> Result<bool> {
        if !found.device.is_let_in(&KeyHash::of(&caller.token)) {
            return Ok(false);
        }
        Ok(self.has_made(caller)
            || self.lockouts.was_let_in(Holder::Mag(found.mag.id), caller.from.address)?)
    }

    /// A token for a box of that MAG: half of it is random, the other half shows that it is from here.
    fn new_token(&self, mac: Mac) -> Result<String> {
        let random = random::hex(HALF)?.to_ascii_uppercase();
        // Without a key there is nothing to show, and it counts as one that the box has made.
        let shown = self.signature(mac, &random).map_or_else(|| random::hex(HALF), Ok)?;
        Ok(random + &shown.to_ascii_uppercase())
    }

    /// Whether the caller's token was made here for his MAC.
    fn has_made(&self, caller: &Caller) -> bool {
        let Some((random, shown)) = caller.token.split_at_checked(HALF) else { return false };
        self.signature(caller.mac, random)
            .is_some_and(|own| own.to_ascii_uppercase().as_bytes().ct_eq(shown.as_bytes()).into())
    }

    fn signature(&self, mac: Mac, random: &str) -> Option<String> {
        let signature = self.host.sealing.sign("portal token", &format!("{mac} {random}"))?;
        Some(signature.get(..HALF)?.to_owned())
    }

    /// The session of a box that is let in, whatever its subscription; `None` if MAC and token do
    /// not belong together.
    pub fn portal_session(&self, caller: &Caller) -> Result<Option<Session>> {
        let found = match self.found(caller.mac)? {
            Some(found) if self.holds(&found, caller)? => found,
            _ => {
                self.wrong_box(caller, "");
                return Ok(None);
            }
        };
        let now = clock::now();
        self.lockouts.note_let_in(Holder::Mag(found.mag.id), caller.from.address);
        self.portal.seen.note(found.mag.id, &caller.from, now);
        let is_active = found.mag.record.subscription.is_active(now);
        let has_to_sign_in = !found.device.may_play(self.snapshot().settings.mag_login_required);
        Ok(Some(Session { mag: found.mag, device: found.device, is_active, has_to_sign_in }))
    }

    /// The box leaves: the next one takes its place.
    ///
    /// # Errors
    /// [`crate::domain::Error::Busy`] for very many in a short time, or a database error.
    pub async fn sign_out_box(&self, caller: &Caller) -> Result<()> {
        self.count_audited(caller.mac)?;
        let Some(found) = self.found(caller.mac)? else { return Ok(()) };
        let (id, mut after, mac) = (found.mag.id, found.device.clone(), Named::By(caller.mac));
        after.reset();
        let left = after.clone();
        let saving = self.write_own(caller.actor(), LOG_OUT, move |act| {
            devices::reset(act, &mac, None)?;
            Ok(left.clone())
        });
        self.saved_or_kept(id, (&found.device, after), caller.actor(), saving).await.map(|_| ())
    }

    /// The name of a subscriber's plan, if it has one.
    pub fn plan_name(&self, who: &Subscriber) -> Result<Option<String>> {
        let Some(plan) = who.subscription.subscription_plan_id else { return Ok(None) };
        let plan = self.point(&Actor::LINECARD, ASK, |look| look.read.by_id::<Plan>(plan))?;
        Ok(plan.map(|plan| plan.record.name.as_str().to_owned()))
    }

    /// The MAG of that MAC with its box.
    fn found(&self, mac: Mac) -> Result<Option<Found>> {
        if self.snapshot().settings.mag_oui_check && !mac.is_of_mags() {
            return Ok(None);
        }
        self.point(&Actor::LINECARD, ASK, |look| {
            let Some(mag) = find(look.read, mac)? else { return Ok(None) };
            let device = self.viewing.unsaved_boxes().over(mag.id, look.read.device(mag.id)?);
            Ok(Some(Found { mag, device }))
        })
    }

    /// The MAG that asks, if its subscription lasts and it is bound to no other device than the one that told; `what` else
    /// is tried.
    fn admissible(
        &self,
        caller: &Caller,
        told: Option<&DeviceReport>,
        what: &str,
        now: UnixTime,
    ) -> Result<Result<Found, Entrance>> {
        let (mag, refusal) = match self.found(caller.mac)? {
            None => (None, Refusal::NoSuchMac),
            Some(found) => match why_not(&found, told, now) {
                None => return Ok(Ok(found)),
                Some(refusal) => (Some(found.mag), refusal),
            },
        };
        // The ids of a device can be guessed as well as a password.
        let ids = told.map(|told| format!("{} {}", told.device_id, told.device_id2)).unwrap_or_default();
        self.wrong_box(caller, &format!("{what} {ids}"));
        self.turned_away(caller, mag.as_ref(), &refusal, now);
        Ok(Err(if refusal == Refusal::OtherDevice { Entrance::OtherDevice } else { Entrance::Refused }))
    }

    /// Counts what is tried with a MAC, the same once: a box that is not let in tries again and again.
    fn wrong_box(&self, caller: &Caller, what: &str) {
        let (address, mac) = (caller.from.address, caller.mac.to_string());
        self.lockouts
            .failed(Face::Portal, Attempt { address, name: Some(&mac), mark: None, what: Some(what) });
    }

    /// Makes the caller's token the one that is let in.
    async fn let_in(
        &self,
        caller: &Caller,
        found: &Found,
        signed_in: bool,
        told: DeviceReport,
        now: UnixTime,
    ) -> Result<Device> {
        let (id, before) = (found.mag.id, found.device.clone());
        self.portal.seen.note(id, &caller.from, now);
        self.lockouts.note_let_in(Holder::Mag(id), caller.from.address);
        if caller.token.is_empty() {
            return Ok(before);
        }
        let token = KeyHash::of(&caller.token);
        let mut after = before.clone();
        after.let_in(&token, signed_in, &told);
        if after == before {
            return Ok(after);
        }
        let takes_over = !before.is_let_in(&token);
        let lock = found.mag.record.lock_device;
        let saving = self.write_own(caller.actor(), BIND, move |act| {
            let mut device = act.tx.device(id)?;
            let (device_id, device_id2) = (device.about.device_id.clone(), device.about.device_id2.clone());
            device.let_in(&token, signed_in, &told);
            act.tx.save_device(id, &device)?;
            let is_bound_anew =
                (&device_id, &device_id2) != (&device.about.device_id, &device.about.device_id2);
            if lock && is_bound_anew {
                let before = json!({ "device_id": device_id, "device_id2": device_id2 });
                act.audit(Some(id.0), act.actor.name(), &before, &devices::ids(&device))?;
            }
            if takes_over {
                act.after(Effect::EndDevice(id));
            }
            Ok(device)
        });
        self.saved_or_kept(id, (&before, after), caller.actor(), saving).await
    }

    /// Ends what the device before watches, and its links.
    pub(in crate::ops) fn end_device(&self, mag: MagId) {
        self.viewing.unsaved_boxes().forget(mag);
        self.portal.links.end(mag);
        let is_its = |session: &Watched| session.key.viewer == Viewer::Mag(mag);
        self.viewing.connections.end_where(Ending::OtherDevice, is_its);
    }

    fn turned_away(&self, caller: &Caller, mag: Option<&Stored<Mag>>, refusal: &Refusal, now: UnixTime) {
        let who = mag.map(|mag| Subscriber::from(mag.clone()));
        self.viewing.note_refusal(who.as_ref(), &caller.mac.to_string(), None, &caller.from, refusal, now);
    }
}

/// Whether login and password are those of a MAG that has a password.
fn is_right(mag: &Mag, login: &str, password: &str) -> bool {
    let own = mag.password.as_str();
    !own.is_empty()
        && mag.login.as_str().eq_ignore_ascii_case(login)
        && bool::from(own.as_bytes().ct_eq(password.as_bytes()))
}

/// What the subscription and the device that told say against it.
fn why_not(found: &Found, told: Option<&DeviceReport>, now: UnixTime) -> Option<Refusal> {
    let mag = &found.mag.record;
    let subscription = &mag.subscription;
    if subscription.banned {
        Some(Refusal::Rule(Rule::Banned))
    } else if subscription.disabled {
        Some(Refusal::Rule(Rule::Disabled))
    } else if subscription.expire_date.is_over(now) {
        Some(Refusal::Rule(Rule::Expired))
    } else if mag.lock_device && told.is_some_and(|told| !found.device.fits(told)) {
        Some(Refusal::OtherDevice)
    } else {
        None
    }
}
