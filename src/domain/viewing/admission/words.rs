//! What each rule says: to the operator with what fixes it, to people of a reseller, and to who is turned away.

use super::{AtPortal, Provider, Recorded, Request, Rule, SignIn, Taken, TitleState};
use crate::domain::{fields::number::Asn, subscribers::subscription::Subscription, viewing::title::Title};

impl Rule {
    /// What somebody is told whom it turns away: no more than he may know.
    pub fn refusal(self) -> &'static str {
        match self {
            Self::Banned => "the subscription is banned",
            Self::Disabled => "the subscription is disabled",
            Self::Expired => "the subscription has expired",
            Self::Device => "the MAG is bound to another device",
            Self::SignIn => "the box has to sign in first",
            Self::Address => "the subscription may not be used from this address",
            Self::Blocked => "blocked after too many failures",
            Self::Agent => "the subscription may not be used with this player",
            Self::Provider => "the subscription may not be used from this network provider",
            Self::Server => "another server serves this subscription",
            Self::Output => "the subscription may not be used in this format: choose another output",
            Self::Catchup => "the subscription has no catch-up",
            Self::Bouquet => "the stream is not part of the subscription",
            Self::Archive => "nothing of that time is recorded",
            Self::Stream => "the stream is not running",
            Self::Limit => "all connections are in use",
        }
    }

    pub(super) fn words(self, request: &Request<'_>, passes: bool) -> String {
        let subscription = request.subscription;
        match self {
            Self::Banned if passes => "The operator has not banned it.".into(),
            Self::Banned => "The operator has banned it: lift the ban to let it watch again.".into(),
            Self::Disabled if passes => "It is not disabled.".into(),
            Self::Disabled => "It is disabled: enable it to let it watch.".into(),
            Self::Expired => match (subscription.expire_date.0, passes) {
                (None, _) => "It never expires.".into(),
                (Some(end), true) => format!("It is active until {}.", request.told(end)),
                (Some(end), false) => {
                    format!("It expired at {}: extend it, or set a later end date.", request.told(end))
                }
            },
            Self::Device => request.set_top_box.map(|at| device_words(request, at)).unwrap_or_default(),
            Self::SignIn => request.set_top_box.map(|at| sign_in_words(at.sign_in)).unwrap_or_default(),
            Self::Address => match request.address {
                _ if subscription.allowed_ips.is_empty() => "It may watch from any address.".into(),
                None => format!("It may watch from {} only.", listed(&subscription.allowed_ips)),
                Some(address) if passes => format!("{address} is one of its addresses."),
                Some(address) => format!(
                    "It may watch from {} only, not from {address}: add that to its addresses, or allow any.",
                    listed(&subscription.allowed_ips)
                ),
            },
            Self::Blocked => match (request.address, request.blocked) {
                (None, _) => "No address was given.".into(),
                (Some(_), None) => "Neither the address nor the username is blocked.".into(),
                (Some(address), Some(left)) => format!(
                    "{address} is blocked for another {} seconds, after too many failures from there or for that username. It can be unblocked.",
                    left.as_secs() + 1
                ),
            },
            Self::Agent => match request.agent {
                _ if subscription.allowed_user_agents.is_empty() => "It may watch with any player.".into(),
                Some(agent) if passes => format!("The player \"{agent}\" is one of its players."),
                Some(agent) => {
                    format!("The player \"{agent}\" is not one of its players: add it to them, or allow any.")
                }
                None => "It may watch with certain players only.".into(),
            },
            Self::Provider => provider_words(subscription, request.provider, passes),
            Self::Server => match subscription.server_id {
                None => "Any server may serve it.".into(),
                Some(_) if passes => "This server may serve it.".into(),
                Some(server) => {
                    let name =
                        request.server.map_or_else(|| server.0.to_string(), |name| format!("\"{name}\""));
                    format!("Only server {name} may serve it: choose this one for it, or any.")
                }
            },
            Self::Output => match request.container {
                _ if subscription.allowed_outputs.is_empty() => "It may watch in any format.".into(),
                Some(container) if passes => format!("{} is one of its formats.", container.name()),
                Some(container) => {
                    format!("{} is not one of its formats: add it to them, or allow any.", container.name())
                }
                None => {
                    let names: Vec<&str> =
                        subscription.allowed_outputs.iter().map(|form| form.name()).collect();
                    format!("It may watch as {} only.", names.join(" or "))
                }
            },
            Self::Catchup => request.title.map_or(UNASKED, |asked| catchup_words(asked, subscription)).into(),
            Self::Bouquet => request.title.map_or(UNASKED.into(), |asked| bouquet_words(asked.title, passes)),
            Self::Archive => request.title.map_or(UNASKED, archive_words).into(),
            Self::Stream => request.title.map_or(UNASKED.into(), run_words),
            Self::Limit => limit_words(subscription, request.taken, passes),
        }
    }

    /// What people of a reseller are told instead of the words.
    pub(super) fn for_reseller(self, request: &Request<'_>, passes: bool) -> Option<&'static str> {
        let has_no_password = request.set_top_box.is_some_and(|at| at.sign_in == SignIn::NoPassword);
        let cannot_bind = request.subscription.isp_lock && request.provider == Provider::NoFile;
        Some(match (self, passes) {
            (Self::Banned, false) => "The operator has banned it: ask the operator.",
            (Self::Blocked, false) => {
                "The address is blocked after too many failures: wait, or ask the operator."
            }
            (Self::Server, false) => "Another server serves it: ask the operator.",
            (Self::Server, true) => "This server may serve it.",
            (Self::Provider, true) if cannot_bind => {
                "It must be bound to its network provider, which this server cannot determine: ask the operator."
            }
            (Self::SignIn, false) if has_no_password => {
                "Boxes have to send login and password, and it has no password: set one."
            }
            (Self::Catchup, false) if request.subscription.catchup => {
                "The plan has no catch-up: ask the operator, or extend with another plan."
            }
            (Self::Archive, false) => "Nothing of that time is recorded.",
            (Self::Bouquet, false) => "The stream is not part of what was sold.",
            (Self::Stream, false) => "The stream is not running: ask the operator.",
            (Self::Limit, false) => "All connections are in use: end one, or ask the operator for more.",
            _ => return None,
        })
    }
}

/// What rules about a title say where none was asked about.
const UNASKED: &str = "No stream was given.";

fn bouquet_words(title: Title, passes: bool) -> String {
    match (title, passes) {
        (Title::Live(_) | Title::Archive(..), true) => "The stream is in one of its bouquets.".into(),
        (Title::Live(_) | Title::Archive(..), false) => {
            "The stream is in none of its bouquets: add a bouquet that contains it, or add the stream to one of them.".into()
        }
    }
}

fn catchup_words(asked: &TitleState, subscription: &Subscription) -> &'static str {
    match (asked.plan_has_catchup, subscription.catchup) {
        (true, true) => "Its plan allows catch-up, and so does it itself.",
        (false, _) => "Its plan has no catch-up: allow it in the plan, or give it another plan.",
        (true, false) => "It has no catch-up: allow it.",
    }
}

fn archive_words(asked: &TitleState) -> &'static str {
    match asked.recorded {
        Recorded::Then => "That moment is recorded, or is being recorded.",
        Recorded::OtherTimes => {
            "That moment is not recorded: it is too long ago, yet to come, or the stream did not run then."
        }
        Recorded::Nothing => "Nothing of the stream is recorded: choose for how many days it is.",
    }
}

fn run_words(asked: &TitleState) -> String {
    match (asked.title, &asked.why_not) {
        (Title::Live(_), None) => "The stream runs, or starts with its first viewer.".into(),
        (Title::Live(_), Some(why)) => format!("The stream is not running: {why}."),
        (Title::Archive(..), None) => {
            "What is recorded can be watched whether or not the stream runs.".into()
        }
        (Title::Archive(..), Some(why)) => format!("The stream is not available: {why}."),
    }
}

fn device_words(request: &Request<'_>, at: &AtPortal) -> String {
    match at.turned_away {
        _ if !at.is_bound => "It is not bound to a device: any may sign in.".into(),
        None => "It is bound to the device that signs in; others are refused.".into(),
        Some(when) => format!(
            "It is bound to one device, and at {} another one was refused: if that is its new box, reset the device.",
            request.told(when)
        ),
    }
}

fn sign_in_words(sign_in: SignIn) -> String {
    let words = match sign_in {
        SignIn::NotNeeded => "Boxes need no login.",
        SignIn::Done => "Its box has signed in with login and password.",
        SignIn::NoPassword => {
            "Boxes have to send login and password, and it has no password: set one, or let boxes in without a login in General Settings."
        }
        SignIn::Awaited => "Its box has yet to send login and password, which it asks for on its screen.",
    };
    words.into()
}

fn provider_words(subscription: &Subscription, provider: Provider, passes: bool) -> String {
    if !subscription.isp_lock {
        return "It is not bound to a network provider.".into();
    }
    let bound = subscription.isp_asn.map(Asn::get);
    match (bound, provider) {
        (_, Provider::NoFile) => {
            "It is to be bound to its network provider, which cannot be told: start the server with --asn-db FILE, a MaxMind file of \
             autonomous systems."
                .into()
        }
        (None, _) => "It will be bound to its network provider when it first watches.".into(),
        (Some(bound), Provider::Known(asn)) if passes => {
            format!("It is bound to AS{bound}, and comes from AS{}.", asn.get())
        }
        (Some(bound), Provider::Known(asn)) => format!(
            "It is bound to AS{bound}, but comes from AS{}: forget the provider to bind it anew, or unbind it.",
            asn.get()
        ),
        (Some(bound), Provider::Unknown) if passes => format!("It is bound to AS{bound}."),
        (Some(bound), Provider::Unknown) => format!(
            "It is bound to AS{bound}, but the provider of its address is unknown: unbind it to let it watch."
        ),
    }
}

fn connections(limit: i64) -> String {
    if limit == 1 { "1 connection".into() } else { format!("{limit} connections") }
}

fn are(limit: i64) -> String {
    format!("{} {}", connections(limit), if limit == 1 { "is" } else { "are" })
}

fn limit_words(subscription: &Subscription, taken: Option<Taken>, passes: bool) -> String {
    let limit = subscription.max_allowed_connections.get();
    let Some(Taken { open, .. }) = taken else { return format!("It has {}.", connections(limit)) };
    let full = usize::try_from(limit).is_ok_and(|limit| open >= limit);
    match (limit, passes) {
        (0, _) => {
            format!("It has no connection limit; {open} {} open.", if open == 1 { "is" } else { "are" })
        }
        (_, true) if full => format!("{open} of {} open: a new viewer ends the oldest.", are(limit)),
        (_, true) => format!("{open} of {} open.", are(limit)),
        (_, false) => {
            format!("{open} of {} open: end one, or allow more.", are(limit))
        }
    }
}

fn listed(networks: &[crate::domain::fields::net::Network]) -> String {
    let texts: Vec<String> = networks.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
