//! What `serve` is told of HTTPS.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::{config, host::certificates::Files};

/// Arguments of HTTPS.
#[allow(clippy::struct_field_names, reason = "the flags are called so")]
#[derive(Args)]
pub struct Https {
    /// Where to listen for HTTPS, beside --listen; port 0 takes a free one
    #[arg(long, env = "LINECARD_TLS_LISTEN", value_name = "ADDRESS:PORT")]
    tls_listen: Option<SocketAddr>,
    /// The certificate of HTTPS in PEM form, the server's own first; for several names several files, separated by
    /// commas
    #[arg(long, env = "LINECARD_TLS_CERT", value_name = "FILE", value_delimiter = ',')]
    tls_cert: Vec<PathBuf>,
    /// The key of each certificate, in the same order
    #[arg(long, env = "LINECARD_TLS_KEY", value_name = "FILE", value_delimiter = ',')]
    tls_key: Vec<PathBuf>,
}

impl Https {
    /// What it asks for; none without HTTPS.
    ///
    /// # Errors
    /// A sentence for the operator, for arguments of which some are missing.
    pub fn config(self) -> Result<Option<config::Https>, String> {
        let Some(listen) = self.tls_listen else {
            return if self.tls_cert.is_empty() && self.tls_key.is_empty() {
                Ok(None)
            } else {
                Err("there is a certificate and nothing to use it for: name where to listen, as --tls-listen 0.0.0.0:443".into())
            };
        };
        match (self.tls_cert.len(), self.tls_key.len()) {
            (0, 0) => {
                Err("--tls-listen needs a certificate: name it with --tls-cert FILE --tls-key FILE".into())
            }
            (certificates, keys) if certificates != keys => Err(format!(
                "--tls-cert names {certificates} files and --tls-key {keys}: each certificate needs its key"
            )),
            _ => {
                let pairs = self.tls_cert.into_iter().zip(self.tls_key);
                let files = pairs.map(|(certificate, key)| Files { certificate, key }).collect();
                Ok(Some(config::Https { listen, files }))
            }
        }
    }
}
