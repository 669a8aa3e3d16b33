//! Where a source may lead: what a redirect or a playlist from outside may not reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address is, as seen from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkScope {
    /// Anywhere in the Internet.
    Public,
    /// In a private network (RFC 1918, RFC 4193, RFC 6598).
    Private,
    /// On this machine.
    Loopback,
    /// On this link only.
    LinkLocal,
    /// No place of a source's: multicast, unspecified, reserved, and where clouds tell secrets of a machine.
    Nowhere,
}

/// Where clouds keep what only the machine itself may know.
const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
];

impl NetworkScope {
    /// That of an address. One of v6 that carries one of v4 is where that is.
    pub fn of(address: IpAddr) -> Self {
        if METADATA.contains(&address) {
            return Self::Nowhere;
        }
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => carried(v6).map_or_else(|| Self::of_v6(v6), |v4| Self::of(IpAddr::V4(v4))),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [127, ..] => Self::Loopback,
            [169, 254, ..] => Self::LinkLocal,
            [100, 64..=127, ..] | [192, 0, 0, _] | [198, 18..=19, ..] => Self::Private,
            [0 | 224..=255, ..] => Self::Nowhere,
            _ if address.is_private() => Self::Private,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments()[0] {
            _ if address.is_loopback() => Self::Loopback,
            _ if address.is_unspecified() => Self::Nowhere,
            0xfe80..=0xfebf => Self::LinkLocal,
            0xfc00..=0xfdff | 0xfec0..=0xfeff => Self::Private,
            0xff00..=0xffff => Self::Nowhere,
            _ => Self::Public,
        }
    }

    /// Whether a source in this place, which somebody typed, may lead to that one by redirect or playlist.
    pub fn may_lead_to(self, to: Self) -> bool {
        match to {
            Self::Public => true,
            Self::Nowhere => false,
            // What runs on this machine knows its network.
            Self::Private => matches!(self, Self::Private | Self::Loopback),
            Self::Loopback | Self::LinkLocal => self == to,
        }
    }
}

/// The v4 address in a mapped, compatible, 6to4 or NAT64 one.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> NetworkScope {
        NetworkScope::of(address.parse().unwrap())
    }

    #[test]
    fn every_address_has_a_place_however_it_is_written() {
        for (addresses, expected) in [
            (
                &["8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "2002:808:808::1", "172.32.0.1"][..],
                NetworkScope::Public,
            ),
            (
                &[
                    "10.0.0.1",
                    "172.16.0.1",
                    "192.168.1.1",
                    "100.64.0.1",
                    "fd12::1",
                    "::ffff:10.1.1.1",
                    "64:ff9b::a00:1",
                ],
                NetworkScope::Private,
            ),
            (
                &["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "2002:7f00:1::", "::127.0.0.1"],
                NetworkScope::Loopback,
            ),
            (&["169.254.1.1", "fe80::1", "::ffff:169.254.1.1"], NetworkScope::LinkLocal),
            (
                &[
                    "0.0.0.0",
                    "0.1.2.3",
                    "::",
                    "224.0.0.1",
                    "239.1.1.1",
                    "255.255.255.255",
                    "ff02::1",
                    "240.0.0.1",
                    "169.254.169.254",
                    "::ffff:169.254.169.254",
                    "fd00:ec2::254",
                    "100.100.100.200",
                    "168.63.129.16",
                    "fd20:ce::254",
                    "fd00:42::42",
                ],
                NetworkScope::Nowhere,
            ),
        ] {
            for address in addresses {
                assert_eq!(place(address), expected, "{address}");
            }
        }
    }

    #[test]
    fn a_source_leads_outwards_and_to_its_own_kind_of_place() {
        use NetworkScope::{LinkLocal, Loopback, Nowhere, Private, Public};
        for (from, to) in [
            (Public, &[Public][..]),
            (Private, &[Public, Private]),
            (Loopback, &[Public, Private, Loopback]),
            (LinkLocal, &[Public, LinkLocal]),
        ] {
            for place in [Public, Private, Loopback, LinkLocal, Nowhere] {
                assert_eq!(from.may_lead_to(place), to.contains(&place), "{from:?} {place:?}");
            }
        }
    }
}
