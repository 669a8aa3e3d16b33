//! The certificates that HTTPS is served with: looked at again and again, and told of.

use crate::{
    domain::machine::certificate::Standing,
    host::certificates::{Encryption, Files},
    ops::{Ops, blocking},
};

impl Ops {
    /// Serves those certificates from now on; how connections are encrypted with them. One that cannot be read is told of in
    /// the log and on the dashboard, and is served as soon as it can: whoever watches over HTTP does not wait for it.
    ///
    /// # Errors
    /// What the library says.
    pub async fn serve_certificates(&self, files: Vec<Files>) -> Result<Encryption, String> {
        let certificates = self.host.certificates.clone();
        blocking(move || {
            certificates.serve(files);
            certificates.encryption()
        })
        .await
    }

    /// Reads certificates that were replaced.
    pub async fn look_at_certificates(&self) {
        let certificates = self.host.certificates.clone();
        blocking(move || certificates.look()).await;
    }

    /// How the certificates are doing; none without HTTPS.
    pub fn certificates(&self) -> Vec<Standing> {
        self.host.certificates.standing()
    }

    /// Whether there is a certificate to serve.
    pub fn serves_https(&self) -> bool {
        self.host.certificates.are_served()
    }
}
