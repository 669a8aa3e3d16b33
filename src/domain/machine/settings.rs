//! General Settings: what the operator can change while the server runs.

use crate::domain::{
    Columns, Denied, Fact, Field, Kind, Resource, Result, Rule, Written,
    events::kinds::DaysBefore,
    fields::{
        net::Network,
        number::{
            ByteCount, Connections, Days, EventDays, Failures, GuideDays, Hour, KeptBackups, Minutes, Seconds,
        },
        sealed::Sealed,
        text::{DayTime, Email, OidcIssuer, PublicUrl, ShortText},
        time::ZoneName,
    },
    ids::SettingsId,
    machine::backup_target::Recipients,
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
    /// The address used in playlists and links, such as http://HOST or http://HOST:PORT; empty is the Host header of the request.
    public_url: Option<PublicUrl>,
    /// The address of the panel, such as https://HOST, in messages to people who work in it; empty is none.
    panel_url: Option<PublicUrl>,
    /// Browsers that have opened the panel over TLS use nothing else for this host for 30 days, on every port of it.
    hsts: bool,
    /// The IANA time zone in which plans count days, months and years.
    time_zone: ZoneName,
    /// What happens at the connection limit: kick_oldest or refuse.
    connection_policy: ConnectionPolicy,
    /// How many connections one address may have open to this server; an IPv6 address counts with its whole /64. 0 is no limit. Loopback and trusted proxies have no limit.
    connections_per_address: Connections,
    /// How many different wrong credentials may be sent from one address, and for one username, within failure_window; 0 is no limit.
    failure_limit: Failures,
    /// How long a failure counts, in seconds.
    failure_window: Seconds,
    /// How long an address or a username is blocked, in seconds.
    block_seconds: Seconds,
    /// How many days rows of the audit trail are kept; 0 is forever.
    audit_retention_days: Days,
    /// How many days rows of the Panel Error Log are kept; 0 is forever.
    error_retention_days: Days,
    /// How many days rows of the login log are kept; 0 is forever.
    login_retention_days: Days,
    /// How many days ended connections are kept in the log; 0 is forever.
    connection_retention_days: Days,
    /// How many days refusals of viewers are kept; 0 is forever.
    refusal_retention_days: Days,
    /// How many days calls of the Server API are kept in the log; 0 is forever.
    api_retention_days: Days,
    /// How many days events are kept; 0 is no events at all.
    event_retention_days: EventDays,
    /// How many days before the end of a line or MAG an event announces it, such as 7,1; 0 is never.
    expiring_days: DaysBefore,
    /// Minutes by which catch-up starts earlier than asked for, where a player names a start and a duration.
    catchup_minutes_before: Minutes,
    /// Minutes by which catch-up ends later than asked for, where a player names a start and a duration.
    catchup_minutes_after: Minutes,
    /// MAGs must sign in with their login and password.
    mag_login_required: bool,
    /// Only MAC addresses of the maker of MAG boxes, which begin with 00:1A:79, are let in.
    mag_oui_check: bool,
    /// An expire_date of 0, which means never, is refused: when PHP's `strtotime` fails, it returns false, which becomes 0.
    refuse_zero_expiry: bool,
    /// How many days programmes of the guide are kept after they have ended.
    guide_past_days: GuideDays,
    /// How many days ahead programmes of the guide are kept.
    guide_future_days: GuideDays,
    /// Addresses entered for guide sources, webhooks and message targets may lead to loopback and private networks.
    fetch_local: bool,
    /// At most this many bytes of recordings are kept; 0 is as many as archive_keep_free_bytes leaves room for.
    archive_limit_bytes: ByteCount,
    /// How many bytes stay free on the disk of the recordings: the oldest recordings are deleted to keep them free, and nothing is recorded while fewer are.
    archive_keep_free_bytes: ByteCount,
    /// The classic API, /api.php, is on: it answers the calls that modules for Xtream Codes make.
    classic_api: bool,
    /// Addresses and CIDR ranges that may use the classic API; empty is none.
    classic_api_allow: Vec<Network>,
    /// The password that callers of the classic API send as api_pass, sealed (encrypted); empty is none.
    classic_api_password: Sealed,
    /// Addresses and CIDR ranges that may read /metrics without an API key; empty is none.
    metrics_allow: Vec<Network>,
    /// The mail server, sealed (encrypted); empty is none.
    smtp_url: Sealed,
    /// The address that e-mail is sent from; without it none is sent.
    mail_from: Option<Email>,
    /// Up to 20 e-mail addresses that are alerted when a stream, server, disk or backup fails.
    alert_emails: Vec<Email>,
    /// The time of day, in time_zone, from which messages wait, such as 22:00; empty is never.
    quiet_from: Option<DayTime>,
    /// The time of day, in time_zone, until which messages wait.
    quiet_to: Option<DayTime>,
    /// At this hour in time_zone a backup is made each day.
    backup_hour: Hour,
    /// Of so many days the last backup is kept.
    backup_keep_daily: KeptBackups,
    /// Of so many weeks the last backup is kept.
    backup_keep_weekly: KeptBackups,
    /// Of so many months the last backup is kept.
    backup_keep_monthly: KeptBackups,
    /// Where a copy of each backup is sent, sealed; empty is nowhere.
    backup_target: Sealed,
    /// Up to 8 public keys of age for which that copy is encrypted, with spaces between them; empty is not encrypted.
    backup_recipient: Recipients,
    /// The OpenID Connect provider at which people may sign in to the panel, as it calls itself; empty is none.
    oidc_issuer: Option<OidcIssuer>,
    /// What this panel is called at that provider.
    oidc_client_id: ShortText,
    /// The secret of this panel at that provider, sealed; empty is none.
    oidc_client_secret: Sealed,
    /// The claim whose values are names of groups: whoever has one of them is let in, in that group. Empty is none.
    oidc_claim: ShortText,
}

/// Settings that let others do more than the right `settings` does, each with what it lets them do: nobody gives what he has
/// not. Addresses that lead into the local network reach what no right opens; what is in a backup is everything.
const GIVING: [(&str, &[Right]); 11] = [
    ("classic_api", &CLASSIC),
    ("classic_api_allow", &CLASSIC),
    ("classic_api_password", &CLASSIC),
    ("metrics_allow", &[Right::Reading(Resource::Metrics)]),
    ("fetch_local", &[Right::Full]),
    ("backup_target", &[Right::Full]),
    ("backup_recipient", &[Right::Full]),
    ("oidc_issuer", &[Right::Full]),
    ("oidc_client_id", &[Right::Full]),
    ("oidc_client_secret", &[Right::Full]),
    ("oidc_claim", &[Right::Full]),
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
