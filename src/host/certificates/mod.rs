//! The certificates that HTTPS is served with, looked at again and again: what is replaced on the disk is served to the next
//! connection, and what cannot be served leaves the one before in place.

mod facts;
mod pair;

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_rustls::rustls::{
    ServerConfig,
    client::verify_server_name,
    crypto::ring,
    pki_types::ServerName,
    server::{ClientHello, ParsedCertificate, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use crate::domain::machine::certificate::{Certificate, Standing};
use pair::{Pair, Stamp};

/// What clients are offered beside: viewers are cut with their connection, which has to be one for each.
const PROTOCOL: &[u8] = b"http/1.1";

/// How connections are encrypted.
pub type Encryption = Arc<ServerConfig>;

/// A certificate and its key, each in a PEM file.
#[derive(Clone, Debug)]
pub struct Files {
    /// The server's own certificate first, then those that lead to an authority.
    pub certificate: PathBuf,
    /// The key, without a passphrase.
    pub key: PathBuf,
}

/// Every certificate of this server.
#[derive(Clone, Debug, Default)]
pub struct Certificates(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    places: Mutex<Vec<Place>>,
    /// What of them is served, in their order.
    served: ArcSwap<Vec<Arc<CertifiedKey>>>,
}

/// One pair of files, and what became of it.
#[derive(Debug)]
struct Place {
    files: Files,
    /// As they were when they were read last.
    stamp: Stamp,
    served: Option<(Arc<CertifiedKey>, Certificate)>,
    problem: Option<String>,
}

impl Certificates {
    /// Serves those from now on; the first one to clients that name no server, or one that is in none of them.
    pub fn serve(&self, all: Vec<Files>) {
        let place = |files| Place { files, stamp: Stamp::default(), served: None, problem: None };
        *self.0.places.lock() = all.into_iter().map(place).collect();
        self.look();
    }

    /// Reads what was replaced since the last look, and what could not be served then. Blocks for a moment.
    pub fn look(&self) {
        let mut places = self.0.places.lock();
        for place in places.iter_mut() {
            place.look();
        }
        let served = places.iter().filter_map(|place| place.served.as_ref()).map(|(key, _)| key.clone());
        self.0.served.store(Arc::new(served.collect()));
    }

    /// How each of them is doing.
    pub fn standing(&self) -> Vec<Standing> {
        let places = self.0.places.lock();
        let standing = |place: &Place| Standing {
            from: place.files.certificate.display().to_string(),
            served: place.served.as_ref().map(|(_, certificate)| certificate.clone()),
            problem: place.problem.clone(),
        };
        places.iter().map(standing).collect()
    }

    /// Whether there is one to serve.
    pub fn are_served(&self) -> bool {
        !self.0.served.load().is_empty()
    }

    /// How connections are encrypted: TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// What the library says.
    pub fn encryption(&self) -> Result<Encryption, String> {
        let provider = Arc::new(ring::default_provider());
        let versions =
            ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13, &TLS12]);
        let mut config = versions
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Players connect again for each segment: the second time without a signature.
        config.ticketer = ring::Ticketer::new().map_err(|error| error.to_string())?;
        Ok(Arc::new(config))
    }
}

impl Place {
    fn look(&mut self) {
        let stamp = Stamp::of(&self.files);
        if stamp == self.stamp && self.problem.is_none() && self.served.is_some() {
            return;
        }
        self.stamp = stamp;
        let problem = match pair::read(&self.files) {
            Ok(Pair { key, certificate, remark }) => {
                if self.served.as_ref().is_none_or(|(before, _)| before.cert != key.cert) {
                    log::info!(
                        "HTTPS: the certificate in {} for {} is served, valid until {}",
                        self.files.certificate.display(),
                        certificate.shown_names(),
                        certificate.ends
                    );
                }
                self.served = Some((Arc::new(key), certificate));
                remark
            }
            Err(problem) => Some(problem),
        };
        if let Some(told) = problem.as_ref().filter(|told| Some(*told) != self.problem.as_ref()) {
            let meanwhile = match self.served {
                Some(_) => "what was read before stays in use",
                None => "no certificate of these files is served before that",
            };
            log::warn!("HTTPS: {told}; {meanwhile}");
        }
        self.problem = problem;
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let served = self.0.served.load();
        if served.len() > 1
            && let Some(name) = hello.server_name().and_then(|name| ServerName::try_from(name).ok())
            && let Some(fitting) = served.iter().find(|key| is_for(key, &name))
        {
            return Some(fitting.clone());
        }
        served.first().cloned()
    }
}

fn is_for(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let own = key.end_entity_cert().ok().and_then(|own| ParsedCertificate::try_from(own).ok());
    own.is_some_and(|own| verify_server_name(&own, name).is_ok())
}

#[cfg(test)]
mod tests;
