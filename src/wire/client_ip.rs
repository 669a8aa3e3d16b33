//! The address of a caller, through proxies that the operator trusts.

use std::net::IpAddr;

use crate::domain::fields::net::Network;

/// The caller's address: the peer of the socket or, if that is a trusted proxy, the last entry of
/// `X-Forwarded-For` that is not one. Entries further to the left are the caller's own claims.
pub fn client_ip<'h>(peer: IpAddr, forwarded: impl Iterator<Item = &'h [u8]>, trusted: &[Network]) -> IpAddr {
    let is_proxy = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut client = peer.to_canonical();
    let entries: Vec<&[u8]> = forwarded.flat_map(|header| header.split(|byte| *byte == b',')).collect();
    for entry in entries.into_iter().rev() {
        if !is_proxy(client) {
            break;
        }
        // An entry that is no address: the proxy did not write it, so nothing before it counts.
        let Some(address) = std::str::from_utf8(entry).ok().and_then(|text| address(text.trim())) else {
            break;
        };
        client = address;
    }
    client
}

/// Some proxies write `192.0.2.7:4711` or `[2001:db8::1]:4711`.
fn address(entry: &str) -> Option<IpAddr> {
    let with_port = || entry.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    entry.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<Network> = trusted.iter().map(|text| Network::new(text).unwrap()).collect();
        client_ip(peer.parse().unwrap(), headers.iter().map(|text| text.as_bytes()), &trusted).to_string()
    }

    #[test]
    fn without_a_trusted_proxy_the_header_is_only_a_claim() {
        assert_eq!(client("203.0.113.9", &["127.0.0.1"], &[]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &["127.0.0.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn what_the_trusted_proxy_added_counts_and_nothing_before_it() {
        assert_eq!(client("10.0.0.1", &["127.0.0.1, 203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(
            client("10.0.0.1", &["127.0.0.1", "203.0.113.9, 10.0.0.2"], &["10.0.0.0/8"]),
            "203.0.113.9"
        );
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:4711"], &["10.0.0.0/8"]), "2001:db8::1");
    }

    #[test]
    fn bytes_that_are_no_text_spoil_only_their_own_entry() {
        let proxy = [Network::new("10.0.0.1").unwrap()];
        let header: &[u8] = b"127.0.0.1, \xff, 203.0.113.9";
        let client = client_ip("10.0.0.1".parse().unwrap(), [header].into_iter(), &proxy);
        assert_eq!(client.to_string(), "203.0.113.9");
    }

    #[test]
    fn a_broken_entry_ends_the_search_at_the_proxy() {
        assert_eq!(client("10.0.0.1", &["127.0.0.1, garbage"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }
}
