//! "Why can't this subscriber watch?": every rule's verdict, who holds the connections, and who was
//! turned away lately.

use std::{net::IpAddr, time::Duration};

use super::{Refusal, Subscriber};
use crate::{
    domain::{
        Error, Resource, Result,
        fields::{container::Container, time::UnixTime},
        machine::{server::Server, settings::ConnectionPolicy},
        people::actor::Actor,
        subscribers::mag::Mag,
        viewing::{
            admission::{self, AtPortal, Provider, Request, SignIn, Taken, Verdict},
            session::Viewer,
            title::Title,
        },
    },
    media::connections::Connection,
    ops::{Action, Ops, clock, people::lockouts::Face},
    store::viewing::viewers::RefusedRow,
};

const ASK: Action = Action { resource: Resource::Mag, name: "explain" };

/// How many refusals are told.
const REFUSALS: u32 = 50;

/// What is asked about.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What is to be watched.
    pub title: Option<Title>,
    pub address: Option<IpAddr>,
    /// A player.
    pub agent: Option<String>,
    /// A form.
    pub container: Option<Container>,
}

/// The answer.
pub struct Explanation {
    /// Every rule, in the order in which they are asked.
    pub verdicts: Vec<Verdict>,
    /// The connections that are open.
    pub connections: Vec<Connection>,
    /// The latest refusals, newest first.
    pub refusals: Vec<RefusedRow>,
}

impl Explanation {
    /// Whether nothing is in the way.
    pub fn may_watch(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.passes)
    }
}

impl Ops {
    /// Explains whether a subscriber may watch; to whoever is confined to a reseller in the words for resellers.
    ///
    /// # Errors
    /// [`Error::NoSuch`] for a stream that is not there, or not part of what a reseller sold; a database error.
    pub async fn explain(
        &self,
        actor: &Actor,
        action: crate::ops::Action,
        who: Subscriber,
        question: Question,
    ) -> Result<Explanation> {
        let now = clock::now();
        // What happened a moment ago is to be seen too; if it cannot be written, the rest is still true.
        if let Err(error) = self.viewing.write_history(now).await {
            log::warn!("the refusal log: {error}");
        }
        let for_reseller = actor.reseller().is_some();
        if let Some(title) = question.title.filter(|_| for_reseller) {
            let known = self.streams_known(actor, &who.subscription).await?;
            if !known.iter().any(|(id, _)| *id == title.stream().0) {
                return Err(no_such(title));
            }
        }
        let at_portal = self.at_portal(&who)?;
        let ops = self.clone();
        self.read(actor, action, move |look| {
            let subscription = &who.subscription;
            let asked = match question.title {
                None => None,
                Some(title) => {
                    let found = ops.viewing.main.asked_title(&who, title.stream())?;
                    // What players get for that moment is as much longer.
                    let widened = match title {
                        Title::Archive(stream, window) => Title::Archive(stream, ops.viewing.widened(window)),
                        Title::Live(_) => title,
                    };
                    Some(ops.viewing.state_of((*found).as_ref().ok_or_else(|| no_such(title))?, widened))
                }
            };
            let provider = match question.address {
                Some(address) => ops.viewing.provider_for(&who, address),
                None if ops.viewing.knows_providers() => Provider::Unknown,
                None => Provider::NoFile,
            };
            let face = if at_portal.is_some() { Face::Portal } else { Face::Player };
            let blocked = match question.address {
                Some(address) => ops.wait_of(face, &who, address)?,
                None => None,
            };
            let connections = ops.viewing.connections_of(who.viewer);
            let kicks = ops.snapshot().settings.connection_policy == ConnectionPolicy::KickOldest;
            let refusals = look.read.refusals_of(who.viewer, REFUSALS)?;
            let at_portal = at_portal.map(|(at, last_seen)| AtPortal {
                turned_away: other_device(&refusals)
                    .filter(|when| last_seen.is_none_or(|seen| *when >= seen)),
                ..at
            });
            let zone = ops.snapshot().settings.time_zone.zone();
            let server = match subscription.server_id {
                Some(server) => look.read.by_id::<Server>(server)?,
                None => None,
            };
            let request = Request {
                here: ops.here,
                subscription,
                server: server.as_ref().map(|server| server.record.name.as_str()),
                provider,
                address: question.address,
                agent: question.agent.as_deref(),
                container: question.container,
                title: asked.as_ref(),
                blocked,
                set_top_box: at_portal.as_ref(),
                taken: Some(Taken { open: connections.len(), kicks }),
                now,
                zone: Some(&zone),
            };
            let mut verdicts = admission::verdicts(&request);
            if for_reseller {
                verdicts = verdicts.into_iter().map(Verdict::for_reseller).collect();
            }
            Ok(Explanation { verdicts, connections, refusals })
        })
        .await
    }

    /// How long a subscriber with right credentials has to wait there.
    fn wait_of(&self, face: Face, who: &Subscriber, address: IpAddr) -> Result<Option<Duration>> {
        let blocked = self.lockouts.blocked(face, address, Some(&who.name));
        if blocked.is_none() || !self.lockouts.was_let_in(who.viewer.into(), address)? {
            return Ok(blocked);
        }
        // At the portal the MAC itself is what is guessed: the block of an address holds for every box that asks anew.
        let portal = || self.lockouts.address_blocked(face, address);
        Ok(if face == Face::Portal {
            portal()
        } else {
            self.lockouts.blocked_as(face, &who.name, address.into())
        })
    }

    /// What the portal asks of the box of a MAG, and when that box last came; `None` for a line.
    fn at_portal(&self, who: &Subscriber) -> Result<Option<(AtPortal, Option<UnixTime>)>> {
        let Viewer::Mag(id) = who.viewer else { return Ok(None) };
        let mag = self.point(&Actor::LINECARD, ASK, |look| look.read.by_id::<Mag>(id))?;
        let Some(mag) = mag.map(|mag| mag.record) else { return Ok(None) };
        let device = self.device_of(id)?.device;
        let at = AtPortal {
            is_bound: mag.lock_device && device.is_bound(),
            turned_away: None,
            sign_in: match () {
                () if !self.snapshot().settings.mag_login_required => SignIn::NotNeeded,
                () if device.signed_in => SignIn::Done,
                () if mag.password.as_str().is_empty() => SignIn::NoPassword,
                () => SignIn::Awaited,
            },
        };
        Ok(Some((at, device.last_seen_at)))
    }
}

fn no_such(title: Title) -> Error {
    Error::NoSuch { resource: Resource::Streams, which: Some(title.stream().0.to_string()) }
}

/// When another device was last turned away.
fn other_device(refusals: &[RefusedRow]) -> Option<UnixTime> {
    let code = Refusal::OtherDevice.code();
    refusals.iter().find(|row| row.code.as_deref() == Some(code)).map(|row| row.at)
}
