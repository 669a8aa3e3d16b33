//! The steps of a sign-in: whatever somebody has shown first leads here, then the second factor if he has one, then the session.

use std::{net::IpAddr, time::Instant};

use serde_json::json;

use super::{
    lockouts::Face,
    second_factor::{Looked, Proof},
    sign_in::{From, Outcome, Rejected, SIGN_IN, Tokens},
};
use crate::{
    domain::{
        Resource, Result, Stored,
        fields::time::UnixTime,
        people::{
            actor::Actor,
            admin::Admin,
            api_key::KeyHash,
            known::Holder,
            lockout::{Attempt, Mark},
            steps::{First, Half, Next},
        },
    },
    ops::{
        Ops, clock,
        events::told::{Event, tell},
        random,
    },
    store::{self, Write},
};

/// What came of a first step.
pub enum Step {
    /// Somebody is signed in.
    SignedIn(Tokens),
    /// The second factor is asked for: the token of the sign-in so far.
    SecondFactor(String),
}

/// Who is about to have a session, and what he has shown.
struct Entry {
    admin: Stored<Admin>,
    first: First,
    /// The second factor, if it was asked for.
    proof: Option<Proof>,
    known: Option<Mark>,
}

/// What came of an entry.
#[derive(Clone, Copy)]
enum Entered {
    Yes,
    /// The second factor was used meanwhile, or is asked for now.
    Unproven,
    /// Password or state of the administrator are others by now.
    Changed,
}

impl Ops {
    /// Goes on with the sign-in of somebody who has shown who he is: to his second factor, or to his session.
    ///
    /// # Errors
    /// [`Rejected`].
    pub(super) async fn passed(
        &self,
        admin: Stored<Admin>,
        first: First,
        known: Option<Mark>,
        from: &From<'_>,
    ) -> Result<Step, Rejected> {
        let username = admin.record.username.as_str();
        if admin.record.disabled {
            self.note_sign_in(username, from.address, Outcome::Disabled).await?;
            return Err(Rejected::Disabled);
        }
        let has = self.point(&Actor::LINECARD, SIGN_IN, |look| look.read.has_second_factor(admin.id))?;
        match first.next(has) {
            Next::SecondFactor => {
                let (token, now) = (random::token()?, Instant::now());
                let half = Half::new(admin.id, first, admin.record.password.clone(), now);
                self.half_done.lock().begin(KeyHash::of(&token), half, now);
                self.note_sign_in(username, from.address, Outcome::CodeAsked).await?;
                Ok(Step::SecondFactor(token))
            }
            Next::Session => match self.enter(Entry { admin, first, proof: None, known }, from).await? {
                (Entered::Yes, tokens) => Ok(Step::SignedIn(tokens)),
                (Entered::Unproven | Entered::Changed, _) => Err(Rejected::Late),
            },
        }
    }

    /// The name of whoever is asked for a second factor with that token; `None` once that is over.
    ///
    /// # Errors
    /// A database error.
    pub fn asked_for_code(&self, token: &str) -> Result<Option<String>> {
        let whose = self.half_done.lock().whose(&KeyHash::of(token), Instant::now());
        let Some(id) = whose else { return Ok(None) };
        let found = self.point(&Actor::LINECARD, SIGN_IN, |look| look.read.by_id::<Admin>(id))?;
        Ok(found.map(|admin| admin.record.username.as_str().to_owned()))
    }

    /// Signs somebody in by the code of his second factor; `token` is that of the sign-in so far. A wrong one counts as a wrong
    /// password does.
    ///
    /// # Errors
    /// [`Rejected`].
    pub async fn sign_in_with_code(
        &self,
        token: &str,
        typed: &str,
        from: &From<'_>,
    ) -> Result<Tokens, Rejected> {
        let token = KeyHash::of(token);
        let half = self.half_done.lock().take(&token, Instant::now());
        let Some(half) = half else { return Err(Rejected::Late) };
        let tried = self.try_code(&half, typed, from).await;
        match tried {
            Err(Rejected::WrongCode { .. }) => {
                let may_go_on = self.half_done.lock().put_back_wrong(token, half);
                Err(Rejected::WrongCode { may_go_on })
            }
            Err(Rejected::Blocked(_) | Rejected::Failed(_) | Rejected::Unreadable) => {
                self.half_done.lock().put_back(token, half);
                tried
            }
            tried => tried,
        }
    }

    async fn try_code(&self, half: &Half, typed: &str, from: &From<'_>) -> Result<Tokens, Rejected> {
        let address = from.address;
        let found = self.point(&Actor::LINECARD, SIGN_IN, |look| look.read.by_id::<Admin>(half.admin))?;
        let Some(admin) = found.filter(|admin| admin.record.password == half.password) else {
            return Err(Rejected::Late);
        };
        let username = admin.record.username.as_str().to_owned();
        let known = self.known(admin.id, from)?;
        self.may_try(&username, address, known)?;
        let entered = match self.look_at_code(admin.id, typed)? {
            Looked::Right(proof) => {
                let entry = Entry { admin, first: half.first, proof: Some(proof), known };
                self.enter(entry, from).await?
            }
            Looked::Wrong => return self.wrong_code(&username, known, address).await,
            Looked::Unreadable => return Err(Rejected::Unreadable),
            // It was reset meanwhile.
            Looked::Off => return Err(Rejected::Late),
        };
        match entered {
            (Entered::Yes, tokens) => Ok(tokens),
            (Entered::Unproven, _) => self.wrong_code(&username, known, address).await,
            (Entered::Changed, _) => Err(Rejected::Late),
        }
    }

    async fn wrong_code(
        &self,
        username: &str,
        known: Option<Mark>,
        address: IpAddr,
    ) -> Result<Tokens, Rejected> {
        let attempt = Attempt { address, name: Some(username), mark: known, what: None };
        self.lockouts.failed(Face::Panel, attempt);
        self.note_sign_in(username, address, Outcome::WrongCode).await?;
        Err(Rejected::WrongCode { may_go_on: true })
    }

    /// Begins a session: in one transaction with using up the second factor, so that a code is good for one alone.
    async fn enter(&self, entry: Entry, from: &From<'_>) -> Result<(Entered, Tokens)> {
        let tokens = Tokens { session: random::token()?, browser: random::token()? };
        let (session, browser) = (KeyHash::of(&tokens.session), KeyHash::of(&tokens.browser));
        let (now, address, agent) = (clock::now(), from.address, from.agent.to_owned());
        let holder = Holder::Administrator(entry.admin.id);
        let is_new = !self.lockouts.was_let_in(holder, address)?;
        let entered = self.store.write(store::housekeeping(now, "sign_in"), move |tx| {
            let admin = &entry.admin;
            let is_same =
                |row: &Stored<Admin>| !row.record.disabled && row.record.password == admin.record.password;
            if !tx.by_id::<Admin>(admin.id)?.as_ref().is_some_and(is_same) {
                return Ok(Entered::Changed);
            }
            let is_proven = match &entry.proof {
                Some(proof) => proof.use_up(tx, admin.id)?,
                None => entry.first.next(tx.has_second_factor(admin.id)?) == Next::Session,
            };
            if !is_proven {
                return Ok(Entered::Unproven);
            }
            let old = match entry.known {
                Some(Mark::Browser(id)) => Some(id),
                Some(Mark::Address(_)) | None => None,
            };
            tx.insert_panel_session(&session, admin.id, &address.to_string(), &agent, now)?;
            tx.insert_browser(admin.id, &browser, old, now)?;
            if is_new {
                tell_new_address(tx, admin, address, now)?;
            }
            let (name, address) = (admin.record.username.as_str(), address.to_string());
            tx.insert_login(now, "panel", name, &address, Outcome::SignedIn.name())?;
            Ok(Entered::Yes)
        });
        let entered = entered.wait().await?;
        if let Entered::Yes = entered {
            self.lockouts.note_let_in(holder, address);
        }
        Ok((entered, tokens))
    }
}

fn tell_new_address(tx: &Write<'_>, admin: &Stored<Admin>, address: IpAddr, at: UnixTime) -> Result<()> {
    let event = Event {
        kind: "administrator.signed_in_from_new_address",
        resource: Resource::Administrators,
        id: Some(admin.id.0),
        key: admin.record.username.as_str(),
        before: json!({}),
        after: json!({ "address": address.to_string() }),
    };
    tell(tx, &Actor::LINECARD, at, &event)
}
