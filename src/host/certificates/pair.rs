//! A certificate and its key, out of two PEM files.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use tokio_rustls::rustls::{
    Error, InconsistentKeys,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::{Files, facts};
use crate::domain::machine::certificate::Certificate;

/// Bytes of a file: a long chain is a hundredth of it.
const MOST: u64 = 1 << 20;

/// What tells files from those that replace them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stamp([Option<Mark>; 2]);

/// Device, number, size, and when it was changed.
type Mark = (u64, u64, u64, i64, i64);

impl Stamp {
    /// The files as they are now.
    pub fn of(files: &Files) -> Self {
        let one = |file: &Path| {
            let found = fs::metadata(file).ok()?;
            Some((found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
        };
        Self([one(&files.certificate), one(&files.key)])
    }
}

/// What was read.
pub struct Pair {
    pub key: CertifiedKey,
    pub certificate: Certificate,
    /// What somebody should do although it can be served.
    pub remark: Option<String>,
}

/// Reads a certificate and its key, which belong together.
///
/// # Errors
/// A sentence that says what to do, with nothing in it of what the files hold.
pub fn read(files: &Files) -> Result<Pair, String> {
    let (chain, key) = (files.certificate.display(), files.key.display());
    let (pem, _) = bytes(&files.certificate)?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| format!("{chain} is broken: put the certificate there again, in PEM form"))?;
    let Some(own) = certificates.first() else {
        return Err(format!(
            "{chain} has no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----: put it there"
        ));
    };
    let certificate = facts::of(own).map_err(|why| {
        format!("the certificate in {chain} cannot be read ({why}): put the one there that was issued")
    })?;
    let (pem, found) = bytes(&files.key)?;
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        format!("{key} has no private key that can be used: it must be in PEM form, without a passphrase")
    })?;
    let pair =
        CertifiedKey::from_der(certificates, private, &ring::default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!(
                "the key in {key} does not belong to the first certificate in {chain}: put the two there that were \
                 issued together, the server's own certificate before those of authorities"
            ),
            error => format!("the key in {key} cannot be used for the certificate in {chain}: {error}"),
        })?;
    let remark = (found.mode() & 0o004 != 0)
        .then(|| format!("everybody on this machine can read the private key: chmod 600 {key}"));
    Ok(Pair { key: pair, certificate, remark })
}

fn bytes(path: &Path) -> Result<(Vec<u8>, Metadata), String> {
    let shown = path.display();
    let say = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("there is no file {shown}: put it there, or name another with --tls-cert and --tls-key")
        }
        io::ErrorKind::PermissionDenied => format!(
            "{shown} may not be read by the user that Linecard runs as: give it the file (chown), with mode 600"
        ),
        _ => format!("{shown} cannot be read: {error}"),
    };
    // Before it is opened: opening a pipe would wait for somebody who writes.
    if !fs::metadata(path).map_err(say)?.is_file() {
        return Err(format!("{shown} is no file: name the file itself"));
    }
    let file = File::open(path).map_err(say)?;
    let found = file.metadata().map_err(say)?;
    let mut read = Vec::new();
    file.take(MOST + 1).read_to_end(&mut read).map_err(say)?;
    if read.len() as u64 > MOST {
        return Err(format!("{shown} is longer than 1 MiB: it is no certificate or key"));
    }
    Ok((read, found))
}
