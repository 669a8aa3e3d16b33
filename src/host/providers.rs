//! Who provides an address: its autonomous system, looked up in a MaxMind-format file.

use std::{net::IpAddr, path::Path};

use maxminddb::{MaxMindDbError, Reader, WithinOptions, geoip2};

use crate::domain::{fields::number::Asn, viewing::admission::Provider};

/// A file of providers, or none.
pub struct Providers(Option<Reader<Vec<u8>>>);

impl Providers {
    /// Reads a file of the layout of GeoLite2-ASN into memory.
    ///
    /// # Errors
    /// A sentence for the operator, for a file that cannot be read or knows no autonomous systems.
    pub fn open(file: Option<&Path>) -> Result<Self, String> {
        let Some(file) = file else { return Ok(Self(None)) };
        let reader = Reader::open_readfile(file).map_err(|error| error.to_string());
        let checked = reader.and_then(|reader| check(&reader).map(|()| reader));
        let advice = "name a MaxMind-format file such as GeoLite2-ASN.mmdb with --asn-db";
        let checked =
            checked.map_err(|why| format!("cannot use {} for providers: {why}; {advice}", file.display()))?;
        Ok(Self(Some(checked)))
    }

    /// The provider of an address.
    pub fn of(&self, address: IpAddr) -> Provider {
        let Some(reader) = &self.0 else { return Provider::NoFile };
        match system(reader, address) {
            Ok(found) => found.map_or(Provider::Unknown, Provider::Known),
            Err(error) => {
                log::debug!("provider of {address}: {error}");
                Provider::Unknown
            }
        }
    }
}

fn system(reader: &Reader<Vec<u8>>, address: IpAddr) -> Result<Option<Asn>, MaxMindDbError> {
    let found = reader.lookup(address.to_canonical())?.decode::<geoip2::Asn<'_>>()?;
    Ok(found.and_then(|found| found.autonomous_system_number).and_then(|number| Asn::new(number.into())))
}

/// Whether the first networks of the file name autonomous systems: a file of cities would be read
/// without an error and know nobody.
fn check(reader: &Reader<Vec<u8>>) -> Result<(), String> {
    let networks = reader.networks(WithinOptions::default()).map_err(|error| error.to_string())?;
    for network in networks.take(1_000) {
        let record = network.and_then(|network| network.decode::<geoip2::Asn<'_>>());
        let record = record.map_err(|error| error.to_string())?;
        if record.is_some_and(|record| record.autonomous_system_number.is_some()) {
            return Ok(());
        }
    }
    Err(format!("it is of the type {} and names no autonomous systems", reader.metadata().database_type))
}

#[cfg(test)]
#[path = "../../tests/it/support/mmdb.rs"]
mod mmdb;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn opened(bytes: &[u8]) -> Result<Providers, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("asn.mmdb");
        fs::write(&file, bytes).unwrap();
        Providers::open(Some(&file))
    }

    fn file() -> Vec<u8> {
        let networks = ["192.0.2.0/24 64500", "198.51.100.128/25 4200000000", "2001:db8::/32 64502"];
        mmdb::asn_db(&networks)
    }

    #[test]
    fn addresses_of_both_families_are_looked_up() {
        let providers = opened(&file()).unwrap_or_else(|why| panic!("{why}"));
        let of = |address: &str| providers.of(address.parse().unwrap());
        let known = |number| Provider::Known(Asn::new(number).unwrap());
        assert_eq!(of("192.0.2.0"), known(64_500));
        assert_eq!(of("192.0.2.255"), known(64_500));
        assert_eq!(of("::ffff:192.0.2.7"), known(64_500));
        assert_eq!(of("198.51.100.200"), known(4_200_000_000));
        assert_eq!(of("2001:db8:5::1"), known(64_502));
        for unknown in ["198.51.100.1", "192.0.3.0", "10.0.0.1", "127.0.0.1", "2001:db9::1", "fd00::1", "::1"]
        {
            assert_eq!(of(unknown), Provider::Unknown, "{unknown}");
        }
    }

    #[test]
    fn without_a_file_nobody_is_known() {
        let providers = Providers::open(None).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(providers.of("192.0.2.7".parse().unwrap()), Provider::NoFile);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told_with_what_to_do() {
        let whole = file();
        let cities = mmdb::database("GeoLite2-City", "geoname_id", &["192.0.2.0/24 7"]);
        let empty = mmdb::asn_db(&[]);
        for bytes in [
            &b""[..],
            b"not a database",
            &whole[..whole.len() / 2],
            &whole[whole.len() / 2..],
            &cities,
            &empty,
        ] {
            let why = opened(bytes).err().unwrap_or_else(|| panic!("{} bytes are taken", bytes.len()));
            assert!(why.starts_with("cannot use ") && why.ends_with("with --asn-db"), "{why}");
        }
        let missing = Providers::open(Some(Path::new("/nowhere.mmdb"))).err().unwrap();
        assert!(missing.contains("/nowhere.mmdb") && missing.contains("No such file"), "{missing}");
    }
}
