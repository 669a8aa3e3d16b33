use std::{fs, path::Path};

use super::*;
use crate::domain::fields::time::UnixTime;

fn put(folder: &Path, names: &[&str]) -> Files {
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut about = rcgen::CertificateParams::new(names).unwrap();
    about.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let own = about.self_signed(&key).unwrap();
    let files = Files { certificate: folder.join("a.crt"), key: folder.join("a.key") };
    fs::write(&files.certificate, own.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

#[test]
fn a_certificate_tells_its_names_and_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let files = put(folder.path(), &["tv.example", "192.0.2.7", "2001:db8::1"]);
    let read = pair::read(&files).unwrap().certificate;
    assert_eq!(read.names, ["tv.example", "192.0.2.7", "2001:db8::1"]);
    assert_eq!(read.ends, UnixTime::clamped(1_893_456_000));
    assert_eq!(read.issuer, "rcgen self signed cert");
}

#[test]
fn what_cannot_be_served_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let files = put(folder.path(), &["tv.example"]);
    let key = fs::read(&files.key).unwrap();
    let told = |key: &[u8]| {
        fs::write(&files.key, key).unwrap();
        pair::read(&files).err().unwrap_or_default()
    };
    assert!(told(b"").contains("has no private key that can be used"));
    assert!(told(&vec![b'x'; 2 << 20]).contains("is longer than 1 MiB"));
    let locked = String::from_utf8(key.clone()).unwrap().replace("PRIVATE", "ENCRYPTED PRIVATE");
    assert!(told(locked.as_bytes()).contains("without a passphrase"));
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    assert!(told(other.as_bytes()).contains("does not belong to the first certificate"));
    fs::write(&files.key, &key).unwrap();
    fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(pair::read(&files).err().unwrap().contains("cannot be read"));
    let folder = Files { certificate: folder.path().to_owned(), key: files.key };
    assert!(pair::read(&folder).err().unwrap().contains("is no file"));
}
