//! Second factors: setting one up, its recovery codes, switching it off, resetting that of somebody else.

use serde_json::{Value, json};

use super::{
    admins::{self, Selector, may_give},
    sign_in::SignedIn,
};
pub use crate::store::people::second_factors::SecondFactor;
use crate::{
    domain::{
        Error, Refused, Resource, Result, Stored,
        fields::sealed::Sealed,
        ids::AdminId,
        people::{
            actor::{Actor, Who},
            admin::Admin,
            api_key::KeyHash,
            second_factor::{
                Code, RECOVERY_CODES, RECOVERY_LENGTH, RECOVERY_LETTERS, SECRET_LENGTH, SECRET_LETTERS,
                app_address, in_groups, secret_bytes, step_of,
            },
        },
    },
    host::one_time,
    ops::{Act, Action, Ops, clock, events::told::Event, random},
    store::Write,
};

const LOOK: Action = Action { resource: Resource::Administrators, name: "second_factor" };
const ON: Action = Action { resource: Resource::Administrators, name: "second_factor_on" };
const OFF: Action = Action { resource: Resource::Administrators, name: "second_factor_off" };
const NEW_CODES: Action = Action { resource: Resource::Administrators, name: "recovery_codes" };
/// What resetting the second factor of somebody is called in the audit trail.
pub const RESET: Action = Action { resource: Resource::Administrators, name: "reset_second_factor" };

/// A second factor that is offered to somebody, and not on yet.
pub struct Offer {
    /// The secret, as it is typed into an app.
    pub secret: String,
    /// What the QR code says.
    pub address: String,
    /// The secret sealed, as the form sends it back.
    pub sealed: String,
}

/// A code that was right when it was looked at: what of it is to be used up.
pub(super) enum Proof {
    /// The code of an app: of that step, where so far the one of `seen` was used last.
    App {
        /// The step that was used last.
        seen: i64,
        /// That of the code.
        step: i64,
    },
    /// A recovery code.
    Recovery(KeyHash),
}

impl Proof {
    /// Uses it up; false if it was used since it was looked at.
    pub(super) fn use_up(&self, tx: &Write<'_>, admin: AdminId) -> Result<bool> {
        match self {
            Self::App { seen, step } => tx.use_step(admin, *seen, *step),
            Self::Recovery(code) => tx.use_recovery_code(admin, code),
        }
    }
}

/// What is to be said of a code.
pub(super) enum Looked {
    /// It is right.
    Right(Proof),
    /// It is wrong, or was used before.
    Wrong,
    /// It cannot be said: the secret was sealed with another key.
    Unreadable,
    /// No code is asked for.
    Off,
}

impl Ops {
    /// Looks at a code that somebody typed; using it up is another step.
    pub(super) fn look_at_code(&self, admin: AdminId, typed: &str) -> Result<Looked> {
        let factor = self.point(&Actor::LINECARD, LOOK, |look| look.read.second_factor(admin))?;
        let Some(factor) = factor else { return Ok(Looked::Off) };
        Ok(match Code::read(typed) {
            None => Looked::Wrong,
            Some(Code::App(code)) => {
                let Some(secret) = self.open_secret(&kept(admin), factor.secret.as_str()) else {
                    log::warn!(
                        "second factors cannot be checked: linecard.key is not the key file of this database"
                    );
                    return Ok(Looked::Unreadable);
                };
                let seen = factor.used_step;
                match step_of(code, clock::now(), seen, |step| one_time::code(&secret, step)) {
                    Some(step) => Looked::Right(Proof::App { seen, step }),
                    None => Looked::Wrong,
                }
            }
            Some(Code::Recovery(code)) => {
                let code = KeyHash::of(&code);
                let is_one =
                    self.point(&Actor::LINECARD, LOOK, |look| look.read.has_recovery_code(admin, &code))?;
                if is_one { Looked::Right(Proof::Recovery(code)) } else { Looked::Wrong }
            }
        })
    }

    /// The second factor of whoever is signed in, if it is on.
    ///
    /// # Errors
    /// A database error.
    pub fn own_second_factor(&self, who: &SignedIn) -> Result<Option<SecondFactor>> {
        self.point(&Actor::LINECARD, LOOK, |look| look.read.second_factor(who.admin.id))
    }

    /// Whether codes of the app cannot be checked: the secret was sealed with a key that is no longer there.
    pub fn second_factor_is_lost(&self, who: &SignedIn, factor: &SecondFactor) -> bool {
        self.open_secret(&kept(who.admin.id), factor.secret.as_str()).is_none()
    }

    /// A second factor for whoever is signed in, to be confirmed with a code: a new one, or the one that was offered before.
    ///
    /// # Errors
    /// [`Error::Busy`] if it cannot be sealed.
    pub fn offer_second_factor(&self, who: &SignedIn, sealed_before: &str) -> Result<Offer> {
        let purpose = offered(who.admin.id);
        let again = self.host.sealing.open(&purpose, sealed_before);
        let (secret, sealed) = if let Some(secret) = again {
            (secret, sealed_before.to_owned())
        } else {
            let secret = random::of_letters(SECRET_LETTERS, SECRET_LENGTH)?;
            let sealed = self.host.sealing.seal(&purpose, &secret)?;
            (secret, sealed)
        };
        let snapshot = self.snapshot();
        let operator = snapshot.settings.operator_name.as_str();
        let issuer = if operator.is_empty() { "Linecard" } else { operator };
        let address = app_address(issuer, who.admin.record.username.as_str(), &secret);
        Ok(Offer { secret: in_groups(&secret, " "), address, sealed })
    }

    /// Switches on the second factor that was offered to whoever is signed in, and ends the other sessions: the recovery codes,
    /// which are shown this once.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong password or code, [`Error::Refused`] if one is on already.
    pub async fn switch_on_second_factor(
        &self,
        who: &SignedIn,
        offer: &str,
        password: String,
        typed: &str,
    ) -> Result<Vec<String>> {
        let (id, session) = (who.admin.id, who.session.id);
        self.check_own_password(who, "password", password).await?;
        let opened = self.host.sealing.open(&offered(id), offer).ok_or(Refused::FormUnknown)?;
        let secret = secret_bytes(&opened).ok_or(Refused::FormUnknown)?;
        let step = match Code::read(typed) {
            Some(Code::App(code)) => {
                step_of(code, clock::now(), i64::MIN, |step| one_time::code(&secret, step))
            }
            _ => None,
        };
        // No guess at anything: whoever asks sees the secret.
        let step = step.ok_or_else(|| Error::invalid("code", NOT_OF_THE_APP))?;
        let sealed = Sealed::of(self.host.sealing.seal(&kept(id), &opened)?);
        let (codes, hashes) = recovery_codes()?;
        self.write_own(who.actor.clone(), ON, move |act| {
            let admin = act.find::<Admin>(id)?;
            if !act.tx.insert_second_factor(id, &sealed, step, act.now)? {
                return Err(Refused::SecondFactorIsOn.into());
            }
            act.tx.set_recovery_codes(id, &hashes)?;
            act.tx.delete_panel_sessions_of(id, Some(session))?;
            tell(act, &admin, (0, 1))
        })
        .await?;
        Ok(codes)
    }

    /// Gives whoever is signed in new recovery codes in the place of the old ones.
    ///
    /// # Errors
    /// As [`Ops::switch_off_second_factor`].
    pub async fn renew_recovery_codes(
        &self,
        who: &SignedIn,
        password: String,
        typed: &str,
    ) -> Result<Vec<String>> {
        let (id, proof) = (who.admin.id, self.check_own(who, password, typed).await?);
        let (codes, hashes) = recovery_codes()?;
        self.write_own(who.actor.clone(), NEW_CODES, move |act| {
            let admin = act.find::<Admin>(id)?;
            used_up(act, id, &proof)?;
            act.tx.set_recovery_codes(id, &hashes)?;
            let count = json!({ "recovery_codes": RECOVERY_CODES });
            act.audit(Some(id.0), admin.record.username.as_str(), &json!({}), &count)
        })
        .await?;
        Ok(codes)
    }

    /// Switches the second factor of whoever is signed in off.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong password or code, [`Error::Refused`] if it is off.
    pub async fn switch_off_second_factor(
        &self,
        who: &SignedIn,
        password: String,
        typed: &str,
    ) -> Result<()> {
        let (id, proof) = (who.admin.id, self.check_own(who, password, typed).await?);
        self.write_own(who.actor.clone(), OFF, move |act| {
            let admin = act.find::<Admin>(id)?;
            used_up(act, id, &proof)?;
            act.tx.delete_second_factor(id)?;
            tell(act, &admin, (1, 0))
        })
        .await
    }

    /// Makes sure that it is he who is signed in: by password and code.
    async fn check_own(&self, who: &SignedIn, password: String, typed: &str) -> Result<Proof> {
        self.check_own_password(who, "password", password).await?;
        self.may_try_own(who, "code")?;
        match self.look_at_code(who.admin.id, typed)? {
            Looked::Right(proof) => Ok(proof),
            Looked::Wrong => {
                self.count_own_failure(who);
                Err(Error::invalid("code", NOT_GOOD))
            }
            Looked::Unreadable => Err(Refused::SecondFactorUnreadable.into()),
            Looked::Off => Err(Refused::SecondFactorIsOff.into()),
        }
    }

    fn open_secret(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        secret_bytes(&self.host.sealing.open(purpose, sealed)?)
    }
}

/// Switches the second factor of somebody off who has lost it, and ends his sessions.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`] for somebody with more rights than the caller, [`Error::Refused`] if it is off, or is the
/// caller's own.
pub fn reset(act: &Act<'_>, who: &Selector) -> Result<Stored<Admin>> {
    let admin = admins::find(act.tx, who)?;
    may_give(act, admin.record.group_id)?;
    if matches!(act.actor.who, Who::Administrator { id, .. } if id == admin.id) {
        return Err(Refused::OwnSecondFactor.into());
    }
    if !act.tx.delete_second_factor(admin.id)? {
        return Err(Refused::SecondFactorIsOff.into());
    }
    act.tx.delete_panel_sessions_of(admin.id, None)?;
    tell(act, &admin, (1, 0))?;
    Ok(admin)
}

const NOT_GOOD: &str =
    "not a code that is good now: each is good once, so wait for the next one, or use a recovery code";
const NOT_OF_THE_APP: &str = "not the code that the app shows now: scan the picture again, and see whether the clock of the phone is right";

/// What the secret of somebody is sealed for.
fn kept(admin: AdminId) -> String {
    format!("second_factor {}", admin.0)
}

/// What a secret that is offered to somebody is sealed for.
fn offered(admin: AdminId) -> String {
    format!("second_factor_offer {}", admin.0)
}

/// Recovery codes as they are shown, and as they are kept.
fn recovery_codes() -> Result<(Vec<String>, Vec<KeyHash>)> {
    let codes = (0..RECOVERY_CODES).map(|_| random::of_letters(RECOVERY_LETTERS, RECOVERY_LENGTH));
    let codes = codes.collect::<Result<Vec<String>>>()?;
    let hashes = codes.iter().map(|code| KeyHash::of(code)).collect();
    Ok((codes.iter().map(|code| in_groups(code, "-")).collect(), hashes))
}

fn used_up(act: &Act<'_>, admin: AdminId, proof: &Proof) -> Result<()> {
    if proof.use_up(act.tx, admin)? { Ok(()) } else { Err(Error::invalid("code", NOT_GOOD)) }
}

/// Notes in the audit trail and in the log of events that it is on or off.
fn tell(act: &Act<'_>, admin: &Stored<Admin>, (before, after): (u8, u8)) -> Result<()> {
    let state = |is_on: u8| -> Value { json!({ "has_2fa": is_on }) };
    let username = admin.record.username.as_str();
    act.audit(Some(admin.id.0), username, &state(before), &state(after))?;
    act.tell_event(&Event {
        kind: "administrator.updated",
        resource: Resource::Administrators,
        id: Some(admin.id.0),
        key: username,
        before: state(before),
        after: state(after),
    })
}
