//! Credentials of players: right, wrong, or guessed too often.

use std::{net::IpAddr, sync::Arc};

use subtle::ConstantTimeEq;

use super::{Origin, Refusal, Subscriber};
use crate::{
    domain::{
        Resource, Stored, actor::Actor, admission::Provider, ids::StreamId, line::Line, time::UnixTime,
    },
    ops::{Doing, Ops, clock, guards::Face, origin},
    store::viewers::RefusedRow,
};

pub(super) const WATCH: Doing = Doing { resource: Resource::Connections, action: "watch" };

impl Ops {
    /// The line of those credentials, whatever its state. Wrong ones count against the address.
    ///
    /// # Errors
    /// [`Refusal::Credentials`], [`Refusal::ShutOut`], [`Refusal::Failed`].
    pub fn subscriber(&self, username: &str, password: &str, from: &Origin) -> Result<Subscriber, Refusal> {
        let line = self.store.line(|| origin(&Actor::LINECARD, WATCH), username)?;
        let right = |line: &Arc<Stored<Line>>| {
            line.record.password.as_str().as_bytes().ct_eq(password.as_bytes()).into()
        };
        let line = line.filter(right).map(|line| Subscriber::from(Arc::unwrap_or_clone(line)));
        // A restreamer is let in even from an address that others guess from.
        if let Some(wait) = self.shut_out(Face::Player, from.address)
            && !line.as_ref().is_some_and(|line| line.restreamer)
        {
            return Err(Refusal::ShutOut(wait));
        }
        line.ok_or_else(|| {
            self.failed(Face::Player, from.address);
            self.note_refusal(None, username, None, from, &Refusal::Credentials, clock::now());
            Refusal::Credentials
        })
    }

    /// How many sessions of viewers are open on this server.
    pub fn open_sessions_total(&self) -> usize {
        self.connections.open_connections().len()
    }

    /// The network provider behind an address.
    pub fn provider(&self, address: IpAddr) -> Provider {
        self.host.providers.of(address)
    }

    /// Notes a refusal for the log and for "Why can't this subscriber watch?".
    pub(super) fn note_refusal(
        &self,
        subscriber: Option<&Subscriber>,
        name: &str,
        stream: Option<StreamId>,
        from: &Origin,
        refusal: &Refusal,
        now: UnixTime,
    ) {
        self.history.refused(RefusedRow {
            at: now,
            viewer: subscriber.map(|subscriber| subscriber.viewer),
            subscriber: name.chars().take(64).collect(),
            stream_id: stream,
            address: from.address.to_string(),
            user_agent: from.agent.to_string(),
            reason: refusal.words(),
        });
    }
}
