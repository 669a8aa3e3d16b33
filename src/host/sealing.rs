//! Secrets that must be readable again, sealed in the database with a key that lies in a file beside it: whoever has the
//! database alone, or a backup of it, reads none of them.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hmac,
    rand::{SecureRandom, SystemRandom},
};

use super::place;
use crate::domain::{Error, Result};

/// The name of the key file in the data folder.
pub const FILE: &str = "linecard.key";

/// What else can be done about one that cannot be used.
const OTHERWISE: &str = "name another with --secret-key-file";

/// Bytes of a key.
const KEY: usize = 32;

/// Seals secrets and opens them; without a key (on the command line) it does neither.
#[derive(Default)]
pub struct Sealing(Option<Key>);

struct Key {
    cipher: LessSafeKey,
    /// What is made of it to sign with.
    signing: hmac::Key,
    /// The beginning of its hash: what a secret was sealed with can be told apart.
    name: String,
}

impl Sealing {
    /// With the key of that file, which is made if it is not there: for its owner alone.
    ///
    /// # Errors
    /// A sentence for the operator, for a file that is no key or cannot be written.
    pub fn with_file(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path).map_err(|e| {
                format!("cannot make the key file {shown}: {}", place::why(path, &e, OTHERWISE))
            })?,
            Err(error) => {
                return Err(format!(
                    "cannot read the key file {shown}: {}",
                    place::why(path, &error, OTHERWISE)
                ));
            }
        };
        if fs::metadata(path).is_ok_and(|about| about.mode() & 0o077 != 0) {
            log::warn!("others may read the key file {shown}: chmod 600 it");
        }
        let bytes = BASE64_STANDARD.decode(text.trim_ascii()).ok().filter(|bytes| bytes.len() == KEY);
        let bytes = bytes.ok_or_else(|| {
            format!("the key file {shown} is no key: put back the one of this database, or move it away")
        })?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| format!("{shown} is no key"))?;
        let hash = digest::digest(&digest::SHA256, &bytes);
        let name = hash.as_ref().iter().take(4).fold(String::new(), |name, byte| format!("{name}{byte:02x}"));
        let signing = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), b"signing");
        let signing = hmac::Key::new(hmac::HMAC_SHA256, signing.as_ref());
        Ok(Self(Some(Key { cipher: LessSafeKey::new(key), signing, name })))
    }

    /// Seals a secret for a purpose: what is sealed for one opens for no other.
    ///
    /// # Errors
    /// [`Error::Busy`] without a key, or if the system's generator fails.
    pub fn seal(&self, purpose: &str, secret: &str) -> Result<String> {
        let Some(Key { cipher, name, .. }) = &self.0 else { return Err(Error::Busy) };
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| Error::Busy)?;
        let mut sealed = secret.as_bytes().to_vec();
        let aad = Aad::from(purpose.as_bytes());
        cipher
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| Error::Busy)?;
        Ok(format!("{name}.{}", BASE64_STANDARD.encode([&nonce[..], &sealed].concat())))
    }

    /// The secret that was sealed for that purpose; `None` if that was with another key.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<String> {
        let Key { cipher, name, .. } = self.0.as_ref()?;
        let bytes = BASE64_STANDARD.decode(sealed.strip_prefix(name.as_str())?.strip_prefix('.')?).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = cipher.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut sealed).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }

    /// A signature for a purpose, 64 hexadecimal digits that only this key makes of that text; `None` without a key.
    pub fn sign(&self, purpose: &str, text: &str) -> Option<String> {
        let Key { signing, .. } = self.0.as_ref()?;
        let signature = hmac::sign(signing, format!("{purpose}\n{text}").as_bytes());
        Some(signature.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")))
    }
}

/// Makes a key file; its text.
fn make(path: &Path) -> io::Result<String> {
    let mut key = [0; KEY];
    SystemRandom::new()
        .fill(&mut key)
        .map_err(|_| io::Error::other("the system's random generator failed"))?;
    let text = format!("{}\n", BASE64_STANDARD.encode(key));
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a key on a full disk would be none at the next start.
        let _ = fs::remove_file(path);
    }
    written.map(|()| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_purpose_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Sealing::with_file(&folder.path().join(name)).unwrap();
        let (own, other) = (at("own.key"), at("other.key"));
        let sealed = own.seal("webhook", "s3cret").unwrap();
        assert!(!sealed.contains("s3cret") && sealed != own.seal("webhook", "s3cret").unwrap());
        assert_eq!(at("own.key").open("webhook", &sealed).as_deref(), Some("s3cret"));
        assert_eq!(own.open("smtp_url", &sealed), None);
        assert_eq!(other.open("webhook", &sealed), None);
        assert_eq!(own.open("webhook", ""), None);
        assert_eq!(own.open("webhook", &sealed.replace('.', ".A")), None);
        assert_eq!(Sealing::default().open("webhook", &sealed), None);
        assert!(Sealing::default().seal("webhook", "x").is_err());
        let signed = own.sign("token", "x");
        assert!(
            signed.as_ref().is_some_and(|text| text.len() == 64)
                && signed == at("own.key").sign("token", "x")
        );
        assert!(
            signed != own.sign("token", "y")
                && signed != own.sign("other", "x")
                && signed != other.sign("token", "x")
        );
    }

    #[test]
    fn a_key_file_is_its_owners_alone_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linecard.key");
        Sealing::with_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::write(&path, "no key").unwrap();
        let why = Sealing::with_file(&path).err().unwrap();
        assert!(why.contains("is no key: put back the one of this database"), "{why}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "no key");
    }
}
