//! Writes small files in MaxMind's format: a binary tree of the bits of addresses, then the records,
//! then what the file is (https://maxmind.github.io/MaxMind-DB).

use std::net::IpAddr;

/// A file of autonomous systems, as GeoLite2-ASN is one; each network as `192.0.2.0/24 64500`.
pub fn asn_db(networks: &[&str]) -> Vec<u8> {
    database("GeoLite2-ASN", "autonomous_system_number", networks)
}

/// A file of that type in which each network has a record with that one number.
pub fn database(kind: &str, field: &str, networks: &[&str]) -> Vec<u8> {
    let mut tree = vec![[Branch::Nothing; 2]];
    let mut records = Vec::new();
    for network in networks {
        let (network, number) = network.split_once(' ').expect("NETWORK NUMBER");
        let at = records.len();
        records.extend(map(&[(field, unsigned(6, number.parse().expect("a number")))]));
        add(&mut tree, network, at);
    }
    let nodes = u32::try_from(tree.len()).expect("few nodes");
    let mut file = Vec::new();
    for branch in tree.iter().flatten() {
        let value = match branch {
            Branch::Nothing => tree.len(),
            Branch::Node(node) => *node,
            Branch::Record(at) => tree.len() + 16 + at,
        };
        file.extend(&u32::try_from(value).expect("a small file").to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(records);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("node_count", unsigned(6, nodes)),
        ("record_size", unsigned(5, 24)),
        ("ip_version", unsigned(5, 6)),
        ("database_type", text(kind)),
        ("languages", vec![0, 4]),
        ("binary_format_major_version", unsigned(5, 2)),
        ("binary_format_minor_version", unsigned(5, 0)),
        ("build_epoch", vec![1, 2, 1]),
        ("description", map(&[("en", text("made by a test"))])),
    ]));
    file
}

#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    Record(usize),
}

/// Leads the bits of a network to a record. A v4 address stands at the end of the v6 ones.
fn add(tree: &mut Vec<[Branch; 2]>, network: &str, record: usize) {
    let (address, prefix) = network.split_once('/').expect("a range");
    let prefix: usize = prefix.parse().expect("a number");
    let (bits, length) = match address.parse().expect("an address") {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), prefix + 96),
        IpAddr::V6(v6) => (u128::from(v6), prefix),
    };
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from(bits >> (127 - depth) & 1 == 1);
        if depth + 1 == length {
            tree[node][side] = Branch::Record(record);
        } else if let Branch::Node(next) = tree[node][side] {
            node = next;
        } else {
            tree.push([Branch::Nothing; 2]);
            tree[node][side] = Branch::Node(tree.len() - 1);
            node = tree.len() - 1;
        }
    }
}

/// The format's types: 2 is a text, 5 and 6 are numbers, 7 is a map.
fn head(kind: u8, size: usize) -> u8 {
    assert!(size < 29, "longer ones have another head");
    kind << 5 | u8::try_from(size).expect("a small size")
}

fn unsigned(kind: u8, number: u32) -> Vec<u8> {
    let bytes: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    [vec![head(kind, bytes.len())], bytes].concat()
}

fn text(text: &str) -> Vec<u8> {
    [vec![head(2, text.len())], text.as_bytes().to_vec()].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let pairs = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
    [vec![head(7, entries.len())], pairs.collect()].concat()
}
