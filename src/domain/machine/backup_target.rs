//! Where copies of backups are sent: a command that takes one on its standard input, or an S3-compatible store; and for whom they
//! are encrypted.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::domain::{Fact, Field, Kind, Rule, Written};

/// In an argument of a command it is the name of the file.
pub const NAME: &str = "{name}";

/// Where copies are sent.
#[derive(Clone, PartialEq, Eq)]
pub enum BackupTarget {
    /// A program by its absolute path, and its arguments.
    Command(Vec<String>),
    /// A bucket.
    S3(S3),
}

/// A bucket of an S3-compatible store.
#[derive(Clone, PartialEq, Eq)]
pub struct S3 {
    /// Scheme, host and port.
    pub endpoint: Url,
    /// The bucket.
    pub bucket: String,
    /// What names of objects begin with: empty, or with a slash at its end.
    pub folder: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The access key.
    pub key: String,
    /// The secret that belongs to it.
    pub secret: String,
}

const SHAPE: &str = "s3://KEY:SECRET@HOST/BUCKET/FOLDER?region=REGION, or a program by its absolute path with its arguments, such as \
                     /usr/local/bin/keep {name}; % in key or secret as %25, / as %2F, + as %2B, @ as %40";

impl BackupTarget {
    /// Takes a target apart.
    ///
    /// # Errors
    /// The rule.
    pub fn of(text: &str) -> Result<Self, Rule> {
        if text.chars().count() > 1_000 || text.chars().any(char::is_control) {
            return Err("up to 1000 characters on one line".into());
        }
        if text.starts_with('/') { command(text) } else { S3::of(text).map(Self::S3) }
    }

    /// Without what is secret: `s3://HOST/BUCKET/FOLDER`, or the program alone, for an argument may be a secret.
    pub fn shown(&self) -> String {
        match self {
            Self::Command(words) => words.first().cloned().unwrap_or_default(),
            Self::S3(S3 { endpoint, bucket, folder, .. }) => {
                let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
                let host = endpoint.host_str().unwrap_or_default();
                format!("s3://{host}{port}/{bucket}/{folder}").trim_end_matches('/').to_owned()
            }
        }
    }
}

/// No shell reads it: what would mean something to one is a mistake.
fn command(text: &str) -> Result<BackupTarget, Rule> {
    if let Some(wrong) = text.chars().find(|c| "\"'`$|&;<>*?\\~#()".contains(*c)) {
        return Err(format!("no {wrong}: a command is words with spaces between them, which no shell reads; write a script for more").into());
    }
    Ok(BackupTarget::Command(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()))
}

impl S3 {
    fn of(text: &str) -> Result<Self, Rule> {
        let (scheme, rest) = text.split_once("://").ok_or(SHAPE)?;
        let http = match scheme {
            "s3" => "https",
            "s3-http" => "http",
            _ => return Err(SHAPE.into()),
        };
        let url = Url::parse(&format!("{http}://{rest}")).map_err(|_| SHAPE)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
        if http == "http" && !is_near(host) {
            return Err("s3-http only to this machine or into a private network: what is sent could be read on its way".into());
        }
        let region = match url.query() {
            None => "us-east-1",
            Some(query) => query.strip_prefix("region=").filter(|region| is_word(region)).ok_or(SHAPE)?,
        };
        let path = percent_decode_str(url.path()).decode_utf8().map_err(|_| SHAPE)?;
        let (bucket, folder) =
            path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        let is_plain = |text: &str| text.split('/').all(|part| is_word(part) && part != "." && part != "..");
        let folder = folder.trim_end_matches('/');
        if !is_word(bucket) || !(folder.is_empty() || is_plain(folder)) || url.fragment().is_some() {
            return Err(
                "s3://KEY:SECRET@HOST/BUCKET/FOLDER: bucket and folder of A-Z a-z 0-9 . _ - alone".into()
            );
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
        let key = decoded(url.username()).map_err(|_| SHAPE)?;
        let secret = decoded(url.password().unwrap_or_default()).map_err(|_| SHAPE)?;
        if key.is_empty()
            || secret.is_empty()
            || [&key, &secret].iter().any(|text| text.chars().any(char::is_control))
        {
            return Err("s3:// needs KEY:SECRET@ before the host".into());
        }
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let (bucket, region) = (bucket.to_owned(), region.to_owned());
        let mut endpoint = url;
        let _ = endpoint.set_username("");
        let _ = endpoint.set_password(None);
        endpoint.set_path("");
        endpoint.set_query(None);
        Ok(Self { endpoint, bucket, folder, region, key, secret })
    }
}

fn is_word(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Whether a host is this machine, in a private network, or named as only such are.
fn is_near(host: &str) -> bool {
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        Err(_) => !host.contains('.'),
    }
}

/// The rule of the setting.
///
/// # Errors
/// The rule.
pub fn rule(text: &str) -> Result<(), Rule> {
    BackupTarget::of(text).map(|_| ())
}

/// Those who can decrypt what is sent, each as `age1...`; none: it is sent as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients(Vec<String>);

impl Recipients {
    const MOST: usize = 8;

    /// Each of them.
    pub fn get(&self) -> &[String] {
        &self.0
    }
}

impl Field for Recipients {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let text = written.text()?;
        let words: Vec<&str> = text.split([' ', ',', '\n', '\r']).filter(|word| !word.is_empty()).collect();
        if words.len() > Self::MOST {
            return Err(format!("at most {} recipients", Self::MOST).into());
        }
        if words.iter().any(|word| word.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-")) {
            return Err(
                "the public key, which begins with age1, not the secret one: that one belongs on no server"
                    .into(),
            );
        }
        if words.iter().any(|word| word.parse::<age::x25519::Recipient>().is_err()) {
            return Err("public keys of age, such as age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p, with spaces between them".into());
        }
        Ok(Self(words.into_iter().map(str::to_owned).collect()))
    }

    fn fact(&self) -> Fact {
        Fact::Text(self.0.join(" "))
    }

    fn stored(fact: Fact) -> Option<Self> {
        Some(Self(fact.into_text()?.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(text: &str) -> S3 {
        match BackupTarget::of(text) {
            Ok(BackupTarget::S3(s3)) => s3,
            _ => panic!("{text}"),
        }
    }

    #[test]
    fn a_bucket_is_an_address_with_key_and_secret() {
        let target = s3(
            "s3://AKIA1:se%2Fcr%2Bet@s3.eu-central-1.amazonaws.com/tv-backups/north/main/?region=eu-central-1",
        );
        assert_eq!(target.endpoint.as_str(), "https://s3.eu-central-1.amazonaws.com/");
        assert_eq!((target.bucket.as_str(), target.folder.as_str()), ("tv-backups", "north/main/"));
        assert_eq!((target.key.as_str(), target.secret.as_str()), ("AKIA1", "se/cr+et"));
        assert_eq!(target.region, "eu-central-1");
        let target = s3("s3-http://k:s@127.0.0.1:9000/b");
        assert_eq!((target.endpoint.as_str(), target.folder.as_str()), ("http://127.0.0.1:9000/", ""));
        assert_eq!(target.region, "us-east-1");
        assert_eq!(BackupTarget::S3(target).shown(), "s3://127.0.0.1:9000/b");
        for near in ["10.0.0.1", "192.168.1.9:9000", "minio", "localhost", "[fd00::1]:9000"] {
            s3(&format!("s3-http://k:s@{near}/b"));
        }
    }

    #[test]
    fn a_command_is_words_that_no_shell_reads() {
        let target = BackupTarget::of("/usr/bin/rclone rcat  far:tv/{name}").ok();
        let words = ["/usr/bin/rclone", "rcat", "far:tv/{name}"].map(str::to_owned).to_vec();
        assert!(target == Some(BackupTarget::Command(words)));
        assert_eq!(target.unwrap().shown(), "/usr/bin/rclone");
        for wrong in [
            "/bin/sh -c 'x'",
            "/bin/x > /y",
            "/bin/x $HOME",
            "/bin/x a;b",
            "/bin/x a|b",
            "/bin/x `y`",
            "/bin/x\ny",
        ] {
            assert!(BackupTarget::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for wrong in [
            "",
            "bin/x",
            "https://k:s@h/b",
            "s3://h/b",
            "s3://k@h/b",
            "s3://k:s@h",
            "s3://k:s@h/",
            "s3://k:s@h/b?x=1",
            "s3://k:s@h/b?region=",
            "s3://k:s@h/b#x",
            "s3://k:s@/b",
            "s3-http://k:s@s3.example.com/b",
            "s3-http://k:s@8.8.8.8/b",
        ] {
            assert!(BackupTarget::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn recipients_are_public_keys_of_age() {
        let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        let parse = |text: &str| Recipients::parse(&Written::Text(text.into()));
        let two = parse(&format!(" {key},\n{key}")).unwrap();
        assert_eq!(two.get(), [key, key]);
        assert_eq!(Recipients::stored(two.fact()), Some(two));
        assert_eq!(Recipients::stored(Fact::Text(String::new())), Some(Recipients::default()));
        let typo = key.replace("ql3z", "ql3y");
        for wrong in
            [typo.as_str(), "age1", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1QQQ", &format!("{key} ").repeat(9)]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("AGE-SECRET-KEY-1QQQ").unwrap_err().contains("belongs on no server"));
    }
}
