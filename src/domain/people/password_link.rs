//! Links by which somebody who has forgotten the password sets a new one: how long they are good, and what the e-mail says.

use std::{net::IpAddr, time::Duration};

use super::quota::Allowance;
use crate::domain::{fields::time::UnixTime, messages::words::Words};

/// A link is good for so many seconds, and once.
pub const GOOD_FOR: i64 = 30 * 60;
/// So many links of one person may be good at once: no more are made before.
pub const AT_ONCE: i64 = 3;
/// One that was made more seconds ahead of the clock is not good.
const AHEAD: i64 = 60;
/// How often an address may ask for one.
pub const ASKING: Allowance = Allowance { at_once: 5, a_minute: 1 };
/// After so long each time it is tried again to send one.
pub const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// Whether a link that was made then is good.
pub fn is_good(at: UnixTime, now: UnixTime) -> bool {
    (-AHEAD..GOOD_FOR).contains(&(now.seconds() - at.seconds()))
}

/// What the e-mail says; `url` is the link.
pub fn words(operator: &str, username: &str, address: IpAddr, url: &str) -> Words {
    Words {
        subject: format!("A new password for {operator}"),
        text: format!(
            "Hello,\n\nsomebody at the address {address} asked for a new password of {username} in the panel of {operator}. To choose \
             one, open this link within {} minutes; it is good once:\n\n{url}\n\nIf that was not you, do nothing: your password stays \
             as it is.",
            GOOD_FOR / 60
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_half_an_hour() {
        let good = |after: i64| is_good(UnixTime::clamped(10_000), UnixTime::clamped(10_000 + after));
        assert!(good(0) && good(GOOD_FOR - 1) && good(-AHEAD));
        assert!(!good(GOOD_FOR) && !good(-AHEAD - 1));
    }
}
