//! What a certificate says of itself.

use std::net::IpAddr;

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::{FromDer, X509Name},
};

use crate::domain::{fields::time::UnixTime, machine::certificate::Certificate};

/// Names that are kept; a certificate may list thousands.
const NAMES: usize = 100;
/// Characters of a name that are kept.
const LONGEST: usize = 253;

/// Reads a certificate.
///
/// # Errors
/// What the library says.
pub fn of(der: &CertificateDer<'_>) -> Result<Certificate, String> {
    let (_, read) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
    let alternatives = read.subject_alternative_name().ok().flatten();
    let listed = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    let names = listed.filter_map(name).map(|name| plain(&name)).take(NAMES).collect();
    let moment = |time: &x509_parser::time::ASN1Time| UnixTime::clamped(time.timestamp());
    Ok(Certificate {
        names,
        issuer: issuer(read.issuer()),
        begins: moment(&read.validity.not_before),
        ends: moment(&read.validity.not_after),
    })
}

fn name(listed: &GeneralName<'_>) -> Option<String> {
    match listed {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// The organisation or else the name of who has signed it.
fn issuer(name: &X509Name<'_>) -> String {
    let organisation = name.iter_organization().next().and_then(|value| value.as_str().ok());
    let common = name.iter_common_name().next().and_then(|value| value.as_str().ok());
    plain(organisation.or(common).unwrap_or("nobody who is named"))
}

/// It goes into logs and pages.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !crate::domain::fields::hidden::is_hidden(*c)).take(LONGEST).collect()
}
