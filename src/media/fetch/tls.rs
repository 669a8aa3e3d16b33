//! TLS of sources: certificates that this machine's authorities vouch for, or any, by the stream's choice.

use std::{
    io,
    sync::{Arc, LazyLock},
};

use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

/// How TLS is spoken, or why it cannot be.
pub type Tls = Result<Arc<ClientConfig>, String>;

/// Read once: authorities that are installed later count after the next start.
static VERIFYING: LazyLock<Tls> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this machine has no certificate authorities: install ca-certificates".into());
    }
    let config = builder()?.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
});

static TRUSTING: LazyLock<Tls> = LazyLock::new(|| {
    let anything = Arc::new(Anything(ring::default_provider()));
    let config = builder()?.dangerous().with_custom_certificate_verifier(anything).with_no_client_auth();
    Ok(Arc::new(config))
});

fn builder()
-> Result<tokio_rustls::rustls::ConfigBuilder<ClientConfig, tokio_rustls::rustls::WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))
}

/// The one that verifies, or the one that takes any certificate.
pub fn of(verify: bool) -> Tls {
    if verify { VERIFYING.clone() } else { TRUSTING.clone() }
}

/// Takes any certificate, but only from whom it belongs to.
#[derive(Debug)]
struct Anything(CryptoProvider);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a handshake failed, in words.
pub fn reason(host: &str, error: &io::Error) -> String {
    let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(fault)) = fault else {
        return format!("{host} does not speak a supported TLS: {error}");
    };
    let what = match fault {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is not valid for this name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet",
        // That of an authority with the name of a known one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is not signed by an authority that this machine trusts"
        }
        CertificateError::Revoked => "was revoked",
        // The library names this one by its own word only.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "is self-signed, or is an authority's own and not a server's"
        }
        CertificateError::BadEncoding => "cannot be read",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not for servers"
        }
        _ => "cannot be verified",
    };
    format!("the certificate of {host} {what}; tls_verify 0 accepts it all the same")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_certificates_are_told_in_words() {
        #[derive(Debug)]
        struct CaUsedAsEndEntity;
        impl std::fmt::Display for CaUsedAsEndEntity {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(out, "{self:?}")
            }
        }
        impl std::error::Error for CaUsedAsEndEntity {}
        let own = tokio_rustls::rustls::OtherError(Arc::new(CaUsedAsEndEntity));
        for (fault, words) in [
            (CertificateError::Other(own), "is self-signed, or is an authority's own"),
            (CertificateError::UnhandledCriticalExtension, "cannot be verified; tls_verify 0"),
            (CertificateError::Expired, "has expired; tls_verify 0"),
        ] {
            let why = reason("h", &io::Error::other(Error::InvalidCertificate(fault)));
            assert!(why.contains(words) && !why.contains("Other"), "{why}");
        }
    }
}
