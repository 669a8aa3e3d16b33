//! The box of a MAG: what it tells about itself, and what it may show (docs/mag.md).

use percent_encoding::percent_decode_str;

use crate::domain::{
    Fact, Field, Kind, Rule, Written, fields::time::UnixTime, ids::StreamId, people::api_key::KeyHash,
};

/// What the box of a MAG has told, and what is kept for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// What opens censored headings on it.
    pub parent_pin: Pin,
    /// The token of the one box that is let in.
    pub token: Option<KeyHash>,
    /// That box sent the MAG's login and password.
    pub signed_in: bool,
    /// That box was told to show nothing.
    pub cut: bool,
    /// What it says of itself; its ids are what `lock_device` binds to.
    pub about: DeviceReport,
    /// From where it last came.
    pub address: String,
    pub user_agent: String,
    /// When it first came.
    pub first_seen_at: Option<UnixTime>,
    /// When it last came.
    pub last_seen_at: Option<UnixTime>,
    /// What it last played; the stream may be gone.
    pub last_channel: Option<StreamId>,
}

/// What a box says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceReport {
    /// Its first id; empty if it has none.
    pub device_id: String,
    /// Its second id.
    pub device_id2: String,
    /// `MAG250` and the like.
    pub model: String,
    /// The version of its firmware.
    pub firmware: String,
    /// The version of its hardware.
    pub hardware: String,
    /// Its serial number.
    pub serial: String,
}

/// Whether a box sends nothing there: scripts of boxes write `undefined` where they know nothing, and some apps
/// fill an id with zeros, or write nothing in quotes.
pub fn says_nothing(text: &str) -> bool {
    // Some encode it twice.
    let text = percent_decode_str(text).decode_utf8_lossy();
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || "\"'[](){}<>".contains(c));
    ["undefined", "null", "nil", "none", "nan", "false", "n/a", "unknown", "object Object"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
        || text.bytes().all(|b| matches!(b, b'0' | b':' | b'-'))
}

impl DeviceReport {
    /// Whether it tells an id that a MAG can be bound to.
    pub fn has_id(&self) -> bool {
        !says_nothing(&self.device_id) || !says_nothing(&self.device_id2)
    }
}

impl Device {
    /// Whether a box may be the one that this MAG is bound to: of the ids that were told once it tells one again
    /// at least, and none that is another. The case of their letters tells nothing.
    pub fn fits(&self, told: &DeviceReport) -> bool {
        let pairs = [(&self.about.device_id, &told.device_id), (&self.about.device_id2, &told.device_id2)];
        let mut compared =
            pairs.iter().filter(|(bound, told)| !says_nothing(bound) && !says_nothing(told)).peekable();
        !self.is_bound()
            || (compared.peek().is_some() && compared.all(|(bound, told)| bound.eq_ignore_ascii_case(told)))
    }

    /// Whether it has told an id that a MAG can be bound to.
    pub fn is_bound(&self) -> bool {
        self.about.has_id()
    }

    /// Whether that is the token of the box that is let in.
    pub fn is_let_in(&self, token: &KeyHash) -> bool {
        self.token.as_ref().is_some_and(|own| own.equals(token))
    }

    /// Whether a box is let in that may play: it has signed in where that is required.
    pub fn may_play(&self, login_required: bool) -> bool {
        self.token.is_some() && (self.signed_in || !login_required)
    }

    /// Lets a box in: from now on its token is the only one. It is signed in if it sent the
    /// password now, or did so under the same token.
    pub fn let_in(&mut self, token: &KeyHash, signed_in: bool, told: &DeviceReport) {
        self.signed_in = signed_in || (self.signed_in && self.is_let_in(token));
        self.token = Some(token.clone());
        self.cut = false;
        let kept = |old: &mut String, new: &String| {
            if !says_nothing(new) && !old.eq_ignore_ascii_case(new) {
                old.clone_from(new);
            }
        };
        kept(&mut self.about.device_id, &told.device_id);
        kept(&mut self.about.device_id2, &told.device_id2);
        kept(&mut self.about.model, &told.model);
        kept(&mut self.about.firmware, &told.firmware);
        kept(&mut self.about.hardware, &told.hardware);
        kept(&mut self.about.serial, &told.serial);
    }

    /// The same MAG with another one's box: which it is, and what it says of itself.
    pub fn with_box_of(self, other: &Self) -> Self {
        Self {
            token: other.token.clone(),
            signed_in: other.signed_in,
            cut: other.cut,
            about: other.about.clone(),
            ..self
        }
    }

    /// Leaves no box let in.
    pub fn shut_out(&mut self) {
        self.token = None;
        self.signed_in = false;
    }

    /// Forgets which box it was: the next one takes its place.
    pub fn reset(&mut self) {
        self.shut_out();
        self.about.device_id.clear();
        self.about.device_id2.clear();
    }
}

/// Which events tell a box that its subscription ended or came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing has changed since it was told.
    AsTold,
    /// It is to show nothing from now on.
    CutOff,
    /// It may show channels again.
    CutOn,
}

impl Standing {
    /// What a box is to be told.
    pub fn of(device: &Device, is_active: bool) -> Self {
        match (is_active, device.cut) {
            (false, false) => Self::CutOff,
            (true, true) => Self::CutOn,
            _ => Self::AsTold,
        }
    }
}

/// A parental PIN: four digits, not 0000, which every box of the trade is delivered with.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// Reads a PIN.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, Rule> {
        if text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()) && text != "0000" {
            return Ok(Self(text.to_owned()));
        }
        Err("four digits, not 0000".into())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Field for Pin {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Self::new(written.text()?)
    }

    fn fact(&self) -> Fact {
        Fact::Secret(self.0.clone())
    }

    fn stored(fact: Fact) -> Option<Self> {
        Self::new(&fact.into_text()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device {
        Device {
            parent_pin: Pin::new("1234").unwrap(),
            token: None,
            signed_in: false,
            cut: true,
            about: DeviceReport::default(),
            address: String::new(),
            user_agent: String::new(),
            first_seen_at: None,
            last_seen_at: None,
            last_channel: None,
        }
    }

    fn told(device_id: &str, device_id2: &str) -> DeviceReport {
        DeviceReport { device_id: device_id.into(), device_id2: device_id2.into(), ..DeviceReport::default() }
    }

    #[test]
    fn ids_bind_once_they_are_told_and_only_what_was_told() {
        let mut device = device();
        device.let_in(&KeyHash::of("a"), false, &told("", ""));
        assert!(device.fits(&told("X", "")));
        device.let_in(&KeyHash::of("a"), false, &told("X", ""));
        assert!(device.fits(&told("X", "Y")) && !device.fits(&told("", "")) && !device.fits(&told("Z", "")));
        device.let_in(&KeyHash::of("a"), false, &told("X", "Y"));
        assert!(device.fits(&told("X", "Y")) && device.fits(&told("X", "")) && device.fits(&told("", "Y")));
        assert!(
            !device.fits(&told("X", "Z")) && !device.fits(&told("Z", "Y")) && !device.fits(&told("", ""))
        );
        device.reset();
        assert!(device.fits(&told("Z", "")) && device.token.is_none() && !device.may_play(false));
    }

    #[test]
    fn what_says_nothing_binds_to_nothing_and_case_tells_nothing() {
        let mut device = device();
        for nothing in [
            "undefined",
            "null",
            "NULL",
            "nil",
            "\"null\"",
            "''",
            "\0",
            "[]",
            "(null)",
            "<unknown>",
            "%22null%22",
            "[object Object]",
            "N/A",
            "0000000000000000",
            "00:00:00:00:00:00",
            " ",
            "0",
        ] {
            device.let_in(&KeyHash::of("a"), false, &told(nothing, nothing));
            assert!(!device.is_bound() && !told(nothing, "").has_id(), "{nothing}");
        }
        // Rows of older versions may hold it.
        device.about.device_id = "undefined".into();
        assert!(!device.is_bound() && device.fits(&told("X", "")));
        device.let_in(&KeyHash::of("a"), false, &told("abC1", ""));
        assert!(device.fits(&told("ABC1", "")) && device.fits(&told("abc1", "undefined")));
        assert!(!device.fits(&told("undefined", "")) && !device.fits(&told("abc2", "")));
        device.let_in(&KeyHash::of("a"), false, &told("ABC1", ""));
        assert_eq!(device.about.device_id, "abC1", "as it was first told");
    }

    #[test]
    fn a_box_that_takes_over_has_to_sign_in_itself() {
        let mut device = device();
        device.let_in(&KeyHash::of("a"), true, &told("", ""));
        device.let_in(&KeyHash::of("a"), false, &told("", ""));
        assert!(device.signed_in && !device.cut && device.may_play(true));
        device.let_in(&KeyHash::of("b"), false, &told("", ""));
        assert!(
            !device.signed_in && device.is_let_in(&KeyHash::of("b")) && !device.is_let_in(&KeyHash::of("a"))
        );
        assert!(device.may_play(false) && !device.may_play(true));
    }

    #[test]
    fn a_pin_is_four_digits_and_not_the_one_that_everybody_knows() {
        assert!(Pin::new("0001").is_ok());
        for bad in ["0000", "", "123", "12345", "12a4", "١٢٣٤"] {
            assert!(Pin::new(bad).is_err(), "{bad}");
        }
    }
}
