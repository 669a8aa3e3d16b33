//! General Settings: what the operator can change while the server runs.

use super::{Resource, ids::SettingsId, number::Days, text::ShortText, time::ZoneName};

record! {
    /// The settings of the whole panel.
    pub struct Settings / SettingsChange, SettingsId, Resource::Settings;
    /// The operator's name.
    operator_name: ShortText,
    /// The IANA time zone by whose calendar plans count days, months and years.
    time_zone: ZoneName,
    /// For how many days audit rows are kept; 0 is for ever.
    audit_retention_days: Days,
    /// For how many days rows of the Panel Error Log are kept; 0 is for ever.
    error_retention_days: Days,
    /// For how many days rows of the login log are kept; 0 is for ever.
    login_retention_days: Days,
}
