//! Addresses and ranges of addresses.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use crate::domain::{Fact, Field, Kind, Rule, Written, field::Item};

/// A range of addresses, v4 or v6: a CIDR range, or one address as a range of one.
/// Host bits are cleared, and a v4-mapped v6 range counts as its v4 range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Reads `192.0.2.7`, `192.0.2.0/24`, `2001:db8::1` or `2001:db8::/32`.
    ///
    /// # Errors
    /// The rule, for anything else.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let text = text.trim_ascii();
        let rule = "an IP address or a CIDR range such as 192.0.2.0/24";
        let net = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse::<IpNet>().map_err(|_| rule)?,
        };
        Ok(Self(Self::unmapped(net).trunc()))
    }

    /// Whether the address lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether every address of the other range lies in this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    fn unmapped(net: IpNet) -> IpNet {
        let IpNet::V6(v6) = net else { return net };
        let v4 = v6.addr().to_ipv4_mapped();
        match (v4, v6.prefix_len().checked_sub(96)) {
            (Some(v4), Some(prefix)) => ipnet::Ipv4Net::new(v4, prefix).map_or(net, IpNet::V4),
            _ => net,
        }
    }
}

/// A single address without its prefix length, a range with it.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            write!(f, "{}", self.0.addr())
        } else {
            write!(f, "{}", self.0)
        }
    }
}

impl Item for Network {
    const KIND: Kind = Kind::List;
    const MOST: usize = 256;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        Self::new(text)
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::List(items.iter().map(ToString::to_string).collect())
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => texts.iter().map(|text| Self::new(text).ok()).collect(),
            _ => None,
        }
    }
}

/// The address of a server: one v4 or v6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub IpAddr);

impl Field for Address {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let address: IpAddr = written.text()?.trim_ascii().parse().map_err(|_| "an IPv4 or IPv6 address")?;
        Ok(Self(address.to_canonical()))
    }

    fn fact(&self) -> Fact {
        Fact::Text(self.0.to_string())
    }

    fn stored(fact: Fact) -> Option<Self> {
        fact.into_text()?.parse().ok().map(Self)
    }
}

/// An optional address is stored as an empty text.
impl Field for Option<Address> {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Address::parse(written).map(Some)
    }

    fn fact(&self) -> Fact {
        self.as_ref().map_or_else(|| Fact::Text(String::new()), Field::fact)
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Text(text) if text.is_empty() => Some(None),
            fact => Address::stored(fact).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::new(text).unwrap_or_else(|rule| panic!("{text}: {rule}"))
    }

    #[test]
    fn ranges_hold_their_addresses_in_both_families() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for (range, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
        ] {
            assert!(network(range).contains(address(inside)), "{range} {inside}");
            assert!(!network(range).contains(address(outside)), "{range} {outside}");
        }
    }

    #[test]
    fn a_v4_mapped_v6_address_counts_as_its_v4_address() {
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        assert!(network("192.0.2.0/24").contains(mapped));
        assert_eq!(network("::ffff:192.0.2.7").to_string(), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.0/120").to_string(), "192.0.2.0/24");
    }

    #[test]
    fn host_bits_are_cleared_so_that_one_range_has_one_spelling() {
        assert_eq!(network("192.0.2.77/24"), network("192.0.2.0/24"));
        assert_eq!(network("2001:DB8::1/32").to_string(), "2001:db8::/32");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "localhost", "192.0.2", "192.0.2.256", "192.0.2.0/33", "1.2.3.4 or 1", "010.0.0.1", "::1::"]
        {
            assert!(Network::new(text).is_err(), "{text}");
        }
        assert!(Address::parse(&Written::Text("192.0.2.0/24".into())).is_err());
    }
}
