//! Who may watch what: every rule with its verdict, for viewers and for "Why can't this
//! subscriber watch?".

mod words;

use std::{net::IpAddr, time::Duration};

use jiff::tz::TimeZone;

use crate::domain::{
    fields::{container::Container, number::Asn, time::UnixTime},
    machine::server::Here,
    subscribers::subscription::Subscription,
    viewing::{not_running::NotRunning, title::Title},
};

/// The network provider behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Its autonomous system.
    Known(Asn),
    /// The file of providers does not know the address.
    Unknown,
    /// There is no file of providers: `--asn-db` was not given.
    NoFile,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleState {
    pub title: Title,
    /// Whether one of the subscription's bouquets holds it.
    pub in_bouquets: bool,
    /// Whether the subscription's plan allows catch-up; without a plan nothing forbids it.
    pub plan_has_catchup: bool,
    /// What is recorded of it at the moment that is asked for; only catch-up asks.
    pub recorded: Recorded,
    /// Why it cannot be watched now, if it cannot.
    pub why_not: Option<NotRunning>,
}

impl TitleState {
    fn is_archive(&self) -> bool {
        matches!(self.title, Title::Archive(..))
    }
}

/// What is recorded of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// That moment, or it is being recorded.
    Then,
    /// Other times only.
    OtherTimes,
    Nothing,
}

/// The connections of the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many are open.
    pub open: usize,
    /// Whether a new viewer at the limit ends an older session.
    pub kicks: bool,
}

/// A request to watch, with everything that decides about it. What is not asked about is `None`
/// and passes.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The server that is asked.
    pub here: Here,
    /// What was sold.
    pub subscription: &'a Subscription,
    /// The name of the one server that may serve it; only explanations tell it.
    pub server: Option<&'a str>,
    /// Whether the autonomous system matters: a MAG or line that is bound to one.
    pub provider: Provider,
    /// The viewer's address.
    pub address: Option<IpAddr>,
    /// The viewer's User-Agent.
    pub agent: Option<&'a str>,
    /// The form that is asked for.
    pub container: Option<Container>,
    /// What is asked for.
    pub title: Option<&'a TitleState>,
    /// For how long the address is blocked after too many failures; whoever reads credentials finds that out.
    pub blocked: Option<Duration>,
    /// The box of a MAG; only its portal asks, and the rules about it are only told of a MAG.
    pub set_top_box: Option<&'a AtPortal>,
    /// The connections; admission leaves them to the book of sessions.
    pub taken: Option<Taken>,
    /// When.
    pub now: UnixTime,
    /// The zone in which times are told; only explanations tell any.
    pub zone: Option<&'a TimeZone>,
}

/// What is known of a viewer who comes, whole: what a rule asks of viewers is a member here, so that every door fills it.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// From where.
    pub address: IpAddr,
    /// The User-Agent.
    pub agent: &'a str,
    /// The form that is asked for.
    pub container: Container,
    /// What is asked for.
    pub title: &'a TitleState,
}

impl<'a> Request<'a> {
    /// What asks whether a viewer may watch.
    pub fn to_watch(
        here: Here,
        subscription: &'a Subscription,
        provider: Provider,
        attempt: Attempt<'a>,
        now: UnixTime,
    ) -> Self {
        let Attempt { address, agent, container, title } = attempt;
        Self {
            address: Some(address),
            agent: Some(agent),
            container: Some(container),
            title: Some(title),
            ..Self::about(here, subscription, provider, now)
        }
    }

    /// What asks about nothing but the subscription itself.
    pub fn about(here: Here, subscription: &'a Subscription, provider: Provider, now: UnixTime) -> Self {
        Self {
            here,
            subscription,
            server: None,
            provider,
            address: None,
            agent: None,
            container: None,
            title: None,
            blocked: None,
            set_top_box: None,
            taken: None,
            now,
            zone: None,
        }
    }

    /// A moment, with the name of the zone in which it is told.
    fn told(&self, at: UnixTime) -> String {
        at.named(self.zone.unwrap_or(&TimeZone::UTC))
    }
}

/// What the portal of a MAG asks of its box before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtPortal {
    /// `lock_device`, and a device has told its ids.
    pub is_bound: bool,
    /// When another device was last turned away, if the bound one has not come since.
    pub turned_away: Option<UnixTime>,
    /// How it stands with login and password.
    pub sign_in: SignIn,
}

/// How the box of a MAG stands with login and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// `mag_login_required` is off.
    NotNeeded,
    /// It has sent them.
    Done,
    /// It cannot: the MAG has no password.
    NoPassword,
    /// It has yet to send them.
    Awaited,
}

/// The rules, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// `banned`.
    Banned,
    /// `disabled`.
    Disabled,
    /// `expire_date`.
    Expired,
    /// `lock_device`, for MAGs.
    Device,
    /// `mag_login_required`, for MAGs.
    SignIn,
    /// `allowed_ips`.
    Address,
    /// The limits on guessing.
    Blocked,
    /// `allowed_user_agents`.
    Agent,
    /// `isp_lock`.
    Provider,
    /// `server_id`.
    Server,
    /// `allowed_outputs`.
    Output,
    /// `catchup` of the plan and of the subscription, where an archive is asked for.
    Catchup,
    /// The plan's bouquets and its own.
    Bouquet,
    /// Whether the moment is recorded, where an archive is asked for.
    Archive,
    /// Whether the stream runs.
    Stream,
    /// `max_allowed_connections`.
    Limit,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub rule: Rule,
    /// Whether it lets the viewer pass.
    pub passes: bool,
    /// Why, in words; where it refuses, also what mends it.
    pub words: String,
    /// What people of a reseller are told instead: nothing that only the operator may see or can mend.
    for_reseller: Option<&'static str>,
}

impl Verdict {
    /// The same for people of a reseller: without what only the operator may see or can mend.
    #[must_use]
    pub fn for_reseller(mut self) -> Self {
        if let Some(told) = self.for_reseller {
            told.clone_into(&mut self.words);
        }
        self
    }
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 16] = [
        Self::Banned,
        Self::Disabled,
        Self::Expired,
        Self::Device,
        Self::SignIn,
        Self::Address,
        Self::Blocked,
        Self::Agent,
        Self::Provider,
        Self::Server,
        Self::Output,
        Self::Catchup,
        Self::Bouquet,
        Self::Archive,
        Self::Stream,
        Self::Limit,
    ];

    /// The word for it in logs and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Device => "device",
            Self::SignIn => "sign_in",
            Self::Address => "address",
            Self::Blocked => "shut_out",
            Self::Agent => "user_agent",
            Self::Provider => "provider",
            Self::Server => "server",
            Self::Output => "output",
            Self::Catchup => "catchup",
            Self::Bouquet => "bouquet",
            Self::Archive => "archive",
            Self::Stream => "stream",
            Self::Limit => "connections",
        }
    }

    fn passes(self, request: &Request<'_>) -> bool {
        let subscription = request.subscription;
        match self {
            Self::Banned => !subscription.banned,
            Self::Disabled => !subscription.disabled,
            Self::Expired => !subscription.expire_date.is_over(request.now),
            Self::Device => request.set_top_box.is_none_or(|at| !at.is_bound || at.turned_away.is_none()),
            Self::SignIn => {
                let waits = |at: &AtPortal| matches!(at.sign_in, SignIn::NoPassword | SignIn::Awaited);
                !request.set_top_box.is_some_and(waits)
            }
            Self::Address => request.address.is_none_or(|address| {
                subscription.allowed_ips.is_empty()
                    || subscription.allowed_ips.iter().any(|range| range.contains(address))
            }),
            Self::Blocked => request.blocked.is_none(),
            Self::Agent => request.agent.is_none_or(|agent| {
                subscription.allowed_user_agents.is_empty()
                    || subscription.allowed_user_agents.iter().any(|pattern| pattern.matches(agent))
            }),
            Self::Provider => match (subscription.isp_lock, subscription.isp_asn, request.provider) {
                (true, Some(bound), Provider::Known(asn)) => asn == bound,
                (true, Some(_), Provider::Unknown) => request.address.is_none(),
                _ => true,
            },
            Self::Server => request.here.may_serve(subscription),
            Self::Output => request.container.is_none_or(|container| {
                subscription.allowed_outputs.is_empty() || subscription.allowed_outputs.contains(&container)
            }),
            Self::Catchup => request
                .title
                .is_none_or(|asked| !asked.is_archive() || (asked.plan_has_catchup && subscription.catchup)),
            Self::Bouquet => request.title.is_none_or(|asked| asked.in_bouquets),
            Self::Archive => {
                request.title.is_none_or(|asked| !asked.is_archive() || asked.recorded == Recorded::Then)
            }
            Self::Stream => request.title.is_none_or(|asked| asked.why_not.is_none()),
            Self::Limit => request.taken.is_none_or(|taken| {
                let limit = usize::try_from(subscription.max_allowed_connections.get()).unwrap_or(0);
                limit == 0 || taken.open < limit || taken.kicks
            }),
        }
    }
}

/// Every rule with its verdict, in order.
pub fn verdicts(request: &Request<'_>) -> Vec<Verdict> {
    let verdict = |rule: Rule| {
        let passes = rule.passes(request);
        let (words, for_reseller) = (rule.words(request, passes), rule.for_reseller(request, passes));
        Verdict { rule, passes, words, for_reseller }
    };
    let is_asked = |rule: &Rule| match rule {
        Rule::Device | Rule::SignIn => request.set_top_box.is_some(),
        Rule::Catchup | Rule::Archive => request.title.is_some_and(TitleState::is_archive),
        _ => true,
    };
    Rule::ALL.into_iter().filter(is_asked).map(verdict).collect()
}

/// Whether the viewer may watch.
///
/// # Errors
/// The first rule that refuses.
pub fn admit(request: &Request<'_>) -> Result<(), Rule> {
    Rule::ALL.into_iter().find(|rule| !rule.passes(request)).map_or(Ok(()), Err)
}

/// Whether a subscription may be used from there at all, whatever its state.
///
/// # Errors
/// The rule that refuses.
pub fn admit_from(
    subscription: &Subscription,
    address: IpAddr,
    provider: Provider,
    here: Here,
) -> Result<(), Rule> {
    // Neither rule asks for the time.
    let about = Request::about(here, subscription, provider, UnixTime::clamped(0));
    let request = Request { address: Some(address), ..about };
    let from_where = [Rule::Address, Rule::Provider];
    from_where.into_iter().find(|rule| !rule.passes(&request)).map_or(Ok(()), Err)
}

/// The autonomous system that a first watching binds the subscription to.
pub fn binds_to(subscription: &Subscription, provider: Provider) -> Option<Asn> {
    match provider {
        Provider::Known(asn) if subscription.isp_lock && subscription.isp_asn.is_none() => Some(asn),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
