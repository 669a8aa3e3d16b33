//! Encrypts a file for those who have a key of age, as a stream: what is sent away is read by them alone.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use age::{Encryptor, Recipient, x25519};

/// Encrypts a file into a new one, for its owner alone. Blocks; ends soon once `stop` is set.
///
/// # Errors
/// What went wrong as a sentence; the new file is there in part then.
pub fn encrypt(from: &Path, to: &Path, recipients: &[String], stop: &AtomicBool) -> Result<(), String> {
    let recipients: Vec<x25519::Recipient> = recipients
        .iter()
        .map(|text| text.parse().map_err(|_| "backup_recipient is no public key of age.".to_owned()))
        .collect::<Result<_, _>>()?;
    let all = recipients.iter().map(|recipient| recipient as &dyn Recipient);
    let encryptor =
        Encryptor::with_recipients(all).map_err(|error| format!("It cannot be encrypted: {error}."))?;
    let cannot = |error: io::Error| format!("It cannot be encrypted: {error}.");
    let input = File::open(from).map_err(cannot)?;
    let output =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(to).map_err(cannot)?;
    let mut sealed = encryptor.wrap_output(output).map_err(cannot)?;
    copy(input, &mut sealed, stop).map_err(cannot)?;
    sealed.finish().and_then(|file| file.sync_all()).map_err(cannot)
}

fn copy(mut from: impl Read, to: &mut impl Write, stop: &AtomicBool) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was broken off"));
        }
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            read => to.write_all(&buffer[..read])?,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn what_is_encrypted_is_read_by_each_recipient_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("a.age"));
        let text: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&from, &text).unwrap();
        let keys = [(); 3].map(|()| x25519::Identity::generate());
        let recipients: Vec<String> = keys[..2].iter().map(|key| key.to_public().to_string()).collect();
        encrypt(&from, &to, &recipients, &AtomicBool::new(false)).unwrap();
        let open = |key: &x25519::Identity| {
            let sealed = age::Decryptor::new(File::open(&to).unwrap()).unwrap();
            let mut opened = Vec::new();
            let reader = sealed.decrypt(std::iter::once(key as &dyn age::Identity));
            reader.ok().map(|mut reader| reader.read_to_end(&mut opened).map(|_| opened).unwrap())
        };
        assert!(open(&keys[0]).as_ref() == Some(&text) && open(&keys[1]).as_ref() == Some(&text));
        assert!(open(&keys[2]).is_none());
        assert_eq!(std::fs::metadata(&to).unwrap().mode() & 0o777, 0o600);
        assert!(encrypt(&from, &to, &recipients, &AtomicBool::new(true)).is_err());
        assert!(encrypt(&from, &to, &["age1x".into()], &AtomicBool::new(false)).is_err());
    }
}
