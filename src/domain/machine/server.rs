//! Servers: the main server and load balancers.

use crate::domain::{
    Resource,
    fields::{
        net::Address,
        number::Port,
        text::{Name, Notes},
        time::UnixTime,
    },
    ids::ServerId,
    subscribers::subscription::Subscription,
};

record! {
    /// A server of the operator. Server 1 is the main server, every other a load balancer.
    pub struct Server / ServerChange, ServerId, Resource::Servers;
    /// The name.
    name: Name,
    /// Its public address, IPv4 or IPv6.
    server_ip: Address,
    /// Its address inside the operator's network; may be empty.
    vpn_ip: Option<Address>,
    /// The port on which it answers HTTP.
    http_port: Port,
    /// Free notes.
    notes: Notes,
}

impl ServerId {
    /// The main server, which every installation has.
    pub const MAIN: Self = Self(1);

    /// Whether it is the main server; every other is a load balancer.
    pub fn is_main(self) -> bool {
        self == Self::MAIN
    }
}

/// The server that this program is. It is made once, at the start, and handed to whoever has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here(pub ServerId);

impl Here {
    /// Whether that server is this one.
    pub fn is(self, server: ServerId) -> bool {
        self.0 == server
    }

    /// Whether a subscription may be watched here. One that names no server may be watched on any.
    pub fn may_serve(self, subscription: &Subscription) -> bool {
        subscription.server_id.is_none_or(|server| self.is(server))
    }
}

/// What is known of a server's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether the last check found it answering.
    pub online: bool,
    /// Since when it is online, or offline.
    pub since: UnixTime,
    /// When it was last checked.
    pub checked_at: UnixTime,
    /// What the last check that failed said; kept when the server is back.
    pub last_error: Option<String>,
}

impl Health {
    /// What is known after one more check.
    pub fn after(before: Option<Self>, check: Result<(), String>, now: UnixTime) -> Self {
        let online = check.is_ok();
        let since =
            before.as_ref().filter(|before| before.online == online).map_or(now, |before| before.since);
        let last_error = check.err().or_else(|| before.and_then(|before| before.last_error));
        Self { online, since, checked_at: now, last_error }
    }
}

/// What a machine is doing; what could not be measured is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// How busy all its processors were between the last two measurements, 0 to 100.
    pub cpu_percent: Option<f64>,
    pub memory: Option<Space>,
    /// The file system of the data folder.
    pub disk: Option<Space>,
    /// What its network carried between the last two measurements.
    pub network: Option<Traffic>,
    /// For how many seconds the machine has been up.
    pub uptime: Option<u64>,
}

/// How much of something is taken, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What is taken.
    pub used: u64,
    /// All there is.
    pub total: u64,
}

/// Traffic in thousands of bits a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// What came in.
    pub in_kbps: u64,
    /// What went out.
    pub out_kbps: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::clamped(seconds)
    }

    #[test]
    fn a_state_lasts_until_the_check_that_finds_another() {
        let up = Health::after(None, Ok(()), at(10));
        assert_eq!(up, Health { online: true, since: at(10), checked_at: at(10), last_error: None });
        let still = Health::after(Some(up), Ok(()), at(15));
        assert_eq!((still.since, still.checked_at), (at(10), at(15)));
        let down = Health::after(Some(still), Err("refused".into()), at(20));
        assert_eq!((down.online, down.since), (false, at(20)));
        let worse = Health::after(Some(down), Err("no answer".into()), at(25));
        assert_eq!((worse.since, worse.last_error.as_deref()), (at(20), Some("no answer")));
        let back = Health::after(Some(worse), Ok(()), at(30));
        assert_eq!((back.since, back.last_error.as_deref()), (at(30), Some("no answer")));
    }
}
