//! This machine and its network: how busy it is, which servers answer, who provides an address, what others have to
//! fetch.

pub mod about;
pub mod address;
pub mod background;
pub mod certificates;
pub mod command;
pub mod encryption;
pub mod fetch;
pub mod load;
pub mod mail;
pub mod manager;
pub mod oidc;
pub mod one_time;
pub mod open_files;
pub mod packed;
pub mod place;
pub mod probe;
pub mod process;
pub mod providers;
pub mod s3;
pub mod sealing;
pub mod webhook;

use std::{path::Path, sync::Arc};

use certificates::Certificates;
use load::Meter;
use providers::Providers;
use sealing::Sealing;

/// What is known of this machine and its network.
pub struct Host {
    /// How busy it is.
    pub meter: Meter,
    /// Who provides an address.
    pub providers: Arc<Providers>,
    /// What secrets are sealed with.
    pub sealing: Sealing,
    /// What sends webhooks.
    pub hooks: webhook::Sender,
    /// What HTTPS is served with.
    pub certificates: Certificates,
    /// What asks OpenID Connect providers.
    pub oidc: oidc::Oidc,
}

impl Host {
    /// The machine on which that data folder is, with a file of providers if there is one.
    ///
    /// # Errors
    /// A sentence for the operator, for a file of providers that cannot be used.
    pub fn open(data: &Path, asn_db: Option<&Path>, sealing: Sealing) -> Result<Self, String> {
        let providers = Arc::new(Providers::open(asn_db)?);
        let (meter, hooks) = (Meter::new(data.to_owned()), webhook::Sender::default());
        Ok(Self {
            meter,
            providers,
            sealing,
            hooks,
            certificates: Certificates::default(),
            oidc: oidc::Oidc::default(),
        })
    }
}
