//! Credentials of players: right, wrong, or guessed too often.

use std::net::{IpAddr, Ipv4Addr};

use subtle::ConstantTimeEq;

use super::{Client, Credentials, Refusal, Subscriber, Viewing};
use crate::{
    domain::{
        Result, Stored,
        fields::time::UnixTime,
        people::lockout::Attempt,
        subscribers::line::Line,
        viewing::{
            admission::{self, Provider},
            title::Title,
        },
    },
    ops::{clock, people::lockouts::Face},
    store::viewing::viewers::RefusedRow,
};

/// Whether credentials that name a line are that line's.
fn is_right(line: &Stored<Line>, credentials: Credentials<'_>) -> bool {
    match credentials {
        Credentials::Password { password, .. } => {
            line.record.password.as_str().as_bytes().ct_eq(password.as_bytes()).into()
        }
        Credentials::Token(_) => true,
    }
}

/// By which way credentials came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By one that is for them.
    Plain,
    /// By an address of three parts, which may be anything.
    Path,
}

impl Viewing {
    /// The line of those credentials, whatever its state. Wrong ones count against the address and the name; where one of them
    /// is blocked, right and wrong ones are refused alike, but for whoever was let in with them from there lately.
    ///
    /// # Errors
    /// [`Refusal::Credentials`], [`Refusal::Blocked`], [`Refusal::Failed`].
    pub fn subscriber(
        &self,
        credentials: Credentials<'_>,
        way: Way,
        from: &Client,
    ) -> Result<Subscriber, Refusal> {
        let face = match way {
            Way::Plain if !credentials.are_none() => Face::Player,
            Way::Plain | Way::Path => Face::Stray,
        };
        let meant = self.main.line(credentials)?.map(|line| (is_right(&line, credentials), line));
        let is_right = meant.as_ref().is_some_and(|(is_right, _)| *is_right);
        let meant = meant.map(|(_, line)| Subscriber::from(&*line));
        let what = match credentials {
            Credentials::Password { password, .. } => password,
            Credentials::Token(token) => token,
        };
        let attempt =
            Attempt { address: from.address, name: credentials.name(), mark: None, what: Some(what) };
        if let Some(wait) = self.lockouts.blocked(face, from.address, attempt.name) {
            let refusal = Refusal::Blocked(wait);
            let Some(line) = meant else { return Err(refusal) };
            if is_right && self.is_watching(&line, from) {
                return Ok(line.shown(credentials));
            }
            // A token names nobody, and cannot be guessed.
            let blocked =
                attempt.name.and_then(|name| self.lockouts.blocked_as(face, name, from.address.into()));
            if blocked.is_none() && self.lockouts.was_let_in(line.viewer.into(), from.address)? {
                if is_right {
                    return Ok(line.shown(credentials));
                }
                self.lockouts.failed_as(face, attempt);
            }
            // Whoever guesses leaves no row for each guess; a subscriber behind the same address does.
            if is_right {
                self.note_refusal(Some(&line), &line.name, None, from, &refusal, clock::now());
            }
            return Err(refusal);
        }
        match meant {
            Some(line) if is_right => {
                self.lockouts.note_let_in(line.viewer.into(), from.address);
                Ok(line.shown(credentials))
            }
            meant => {
                self.lockouts.failed(face, attempt);
                let refusal = Refusal::Credentials;
                // A token may be right but for a letter.
                self.note_refusal(
                    meant.as_ref(),
                    attempt.name.unwrap_or_default(),
                    None,
                    from,
                    &refusal,
                    clock::now(),
                );
                Err(refusal)
            }
        }
    }

    /// Whether the player is one that watches already: nobody's failures cut it off.
    fn is_watching(&self, who: &Subscriber, from: &Client) -> bool {
        self.connections.is_open(who.viewer, from.address, &from.agent)
    }

    /// Whether a line may ask for anything but its account from there: what is refused to watch from an
    /// address is told no channels either. The player is not asked: many apps fetch lists under
    /// another name than they play with.
    ///
    /// # Errors
    /// [`Refusal::Rule`], noted for the log.
    pub fn may_list(&self, who: &Subscriber, from: &Client) -> Result<(), Refusal> {
        let provider = self.provider_for(who, from.address);
        let now = clock::now();
        admission::admit_from(&who.subscription, from.address, provider, self.here).map_err(|rule| {
            let refusal = Refusal::Rule(rule);
            self.note_refusal(Some(who), &who.name, None, from, &refusal, now);
            refusal
        })
    }

    /// How many sessions of viewers are open on this server.
    pub fn open_sessions_total(&self) -> usize {
        self.connections.open_connections().len()
    }

    /// Whether network providers are known at all.
    pub fn knows_providers(&self) -> bool {
        self.provider(Ipv4Addr::UNSPECIFIED.into()) != Provider::NoFile
    }

    /// The network provider behind an address.
    pub fn provider(&self, address: IpAddr) -> Provider {
        self.providers.of(address)
    }

    /// Notes a refusal for the log and for "Why can't this subscriber watch?".
    pub(in crate::ops) fn note_refusal(
        &self,
        subscriber: Option<&Subscriber>,
        name: &str,
        title: Option<Title>,
        from: &Client,
        refusal: &Refusal,
        now: UnixTime,
    ) {
        self.meters.refused(refusal.code());
        self.history.refused(RefusedRow {
            at: now,
            viewer: subscriber.map(|subscriber| subscriber.viewer),
            subscriber: name.chars().take(64).collect(),
            asked: title.map(|title| (title.stream(), title.kind().name().into())),
            address: from.address.to_string(),
            user_agent: from.agent.to_string(),
            code: Some(refusal.code().into()),
            reason: refusal.words(),
        });
    }
}
