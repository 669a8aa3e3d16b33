//! General Settings: what the operator can change while the server runs.

use crate::domain::{
    Columns, Denied, Fact, Field, Kind, Resource, Result, Rule, Written,
    events::kinds::DaysBefore,
    fields::{
        net::Network,
        number::{ByteCount, Connections, Days, EventDays, Failures, GuideDays, Minutes, Seconds},
        sealed::Sealed,
        text::{DayTime, Email, PublicUrl, ShortText},
        time::ZoneName,
    },
    ids::SettingsId,
    people::{
        actor::CLASSIC,
        rights::{self, Right},
    },
};

record! {
    /// The settings of the whole panel.
    pub struct Settings / SettingsChange, SettingsId, Resource::Settings;
    /// The operator's name.
    operator_name: ShortText,
    /// The address in playlists and links, as http://HOST or http://HOST:PORT; empty is the Host header of the request.
    public_url: Option<PublicUrl>,
    /// The address of the panel in messages to people who work in it, as https://HOST; empty is none.
    panel_url: Option<PublicUrl>,
    /// The IANA time zone by whose calendar plans count days, months and years.
    time_zone: ZoneName,
    /// What happens at the connection limit: kick_oldest or refuse.
    connection_policy: ConnectionPolicy,
    /// Connections that one address may have open to this server, an IPv6 address with its /64; 0 is no limit. Loopback and trusted proxies have no limit.
    connections_per_address: Connections,
    /// Different wrong credentials that an address may send, and that may be sent for a username, within failure_window; 0 is no limit.
    failure_limit: Failures,
    /// For how many seconds a failure counts.
    failure_window: Seconds,
    /// For how many seconds an address or a username is blocked.
    block_seconds: Seconds,
    /// For how many days audit rows are kept; 0 is forever.
    audit_retention_days: Days,
    /// For how many days rows of the Panel Error Log are kept; 0 is forever.
    error_retention_days: Days,
    /// For how many days rows of the login log are kept; 0 is forever.
    login_retention_days: Days,
    /// For how many days ended connections are kept; 0 is forever.
    connection_retention_days: Days,
    /// For how many days refusals of viewers are kept; 0 is forever.
    refusal_retention_days: Days,
    /// For how many days calls of the Server API are kept; 0 is forever.
    api_retention_days: Days,
    /// For how many days events are kept; 0 is no events at all.
    event_retention_days: EventDays,
    /// So many days before the end of a line or MAG events tell that it is expiring, as 7,1; 0 is never.
    expiring_days: DaysBefore,
    /// So many minutes earlier does catch-up begin than was asked for, where a player names a start and a duration.
    catchup_minutes_before: Minutes,
    /// So many minutes later does it end.
    catchup_minutes_after: Minutes,
    /// MAGs must sign in with their login and password.
    mag_login_required: bool,
    /// Only MAC addresses of the maker of MAGs, which begin with 00:1A:79, are let in.
    mag_oui_check: bool,
    /// An expire_date of 0, which is never, is refused: PHP's `strtotime` returns false, and so 0, when it fails.
    refuse_zero_expiry: bool,
    /// For how many days programmes of the guide are kept after they have ended.
    guide_past_days: GuideDays,
    /// For how many days ahead programmes of the guide are kept.
    guide_future_days: GuideDays,
    /// Addresses that are typed for the guide and the like may lead to loopback and private networks.
    fetch_local: bool,
    /// How many bytes of recordings are kept at most; 0 is as many as archive_keep_free_bytes leaves room for.
    archive_limit_bytes: ByteCount,
    /// How many bytes stay free on the disk of the recordings: the oldest recordings go, and nothing is recorded as long as there are fewer.
    archive_keep_free_bytes: ByteCount,
    /// The classic API, /api.php, is answered: the calls that modules for Xtream Codes make.
    classic_api: bool,
    /// Addresses and CIDR ranges that may use the classic API; empty is none.
    classic_api_allow: Vec<Network>,
    /// The password that callers of the classic API send as api_pass, sealed; empty is none.
    classic_api_password: Sealed,
    /// The mail server, sealed; empty is none.
    smtp_url: Sealed,
    /// The address that e-mail comes from; without one none is sent.
    mail_from: Option<Email>,
    /// Up to 20 e-mail addresses that are told when a stream, server, disk or backup fails.
    alert_emails: Vec<Email>,
    /// From this time of day on messages wait, as 22:00 in time_zone; empty is never.
    quiet_from: Option<DayTime>,
    /// Until this time of day they wait.
    quiet_to: Option<DayTime>,
}

/// Settings that let others do more than the right `settings` does, each with what it lets them do: nobody gives what he has
/// not. Addresses that lead into the local network reach what no right opens.
const GIVING: [(&str, &[Right]); 4] = [
    ("classic_api", &CLASSIC),
    ("classic_api_allow", &CLASSIC),
    ("classic_api_password", &CLASSIC),
    ("fetch_local", &[Right::Full]),
];

impl Settings {
    /// Whether somebody with those rights may turn these settings into `after`.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`] for a changed one that gives what he has not.
    pub fn may_become(&self, after: &Self, rights: &[Right]) -> Result<()> {
        let (was, now) = (self.facts(), after.facts());
        let changed = |name: &str| was.iter().zip(&now).any(|(old, new)| old.0 == name && old.1 != new.1);
        for (setting, gives) in GIVING.into_iter().filter(|(name, _)| changed(name)) {
            if let Some(right) = rights::lacking(rights, gives) {
                return Err(Denied::SettingGivesMore { setting, right }.into());
            }
        }
        Ok(())
    }
}

/// What happens when a viewer comes and the line's limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionPolicy {
    /// The oldest session ends, first one of the same device or address.
    KickOldest,
    /// The new one is turned away.
    Refuse,
}

impl ConnectionPolicy {
    const ALL: [(&'static str, Self); 2] = [("kick_oldest", Self::KickOldest), ("refuse", Self::Refuse)];
}

impl Field for ConnectionPolicy {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let text = written.text()?;
        let named = Self::ALL.iter().find(|(name, _)| *name == text);
        named.map(|(_, policy)| *policy).ok_or_else(|| "kick_oldest or refuse".into())
    }

    fn fact(&self) -> Fact {
        Fact::Text(
            Self::ALL.iter().find(|(_, policy)| policy == self).map_or("", |(name, _)| name).to_owned(),
        )
    }

    fn stored(fact: Fact) -> Option<Self> {
        Self::parse(&Written::Text(fact.into_text()?)).ok()
    }
}
