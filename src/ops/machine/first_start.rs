//! The first start on an empty folder: what must be there before anybody can do anything.

use crate::{
    domain::{
        Given, Resource, Result,
        fields::{
            net::{Address, Network},
            text::{AdminName, Email, Name, NewPassword},
        },
        ids::{GroupId, SettingsId},
        machine::{
            leap::Leap,
            server::{Server, ServerChange},
            settings::{Settings, SettingsChange},
        },
        people::{
            actor::Actor,
            admin::{AdminChange, Group, GroupChange, NO_EMAIL},
            api_key::{ApiKeyChange, KeyText},
            rights::Right,
        },
    },
    ops::{
        Act, Action, Ops, clock,
        people::{api_keys, passwords::Whose, whitelist},
        random,
    },
};

/// What the environment may give instead of something generated.
#[derive(Clone, Default)]
pub struct Provided {
    /// `LINECARD_ADMIN_PASSWORD`.
    pub password: Option<NewPassword>,
    /// `LINECARD_API_KEY`.
    pub api_key: Option<KeyText>,
    /// `LINECARD_API_ALLOW`.
    pub allow: Option<Vec<Network>>,
}

/// What was generated, to be shown once.
#[derive(Default)]
pub struct Welcome {
    /// The administrator's password, unless the environment gave one.
    pub password: Option<String>,
    /// The API key, unless the environment gave one.
    pub api_key: Option<KeyText>,
    pub whitelist: Vec<Network>,
}

/// The name of the administrator of the first start.
pub const ADMIN: &str = "admin";

/// Refuses a first start with a clock that cannot be right: whatever it wrote would be taken for old, or for new, once the
/// clock is set.
///
/// # Errors
/// A sentence for the operator.
pub fn trust_clock() -> Result<(), String> {
    let now = clock::now();
    if Leap::is_absurd(now) {
        return Err(format!(
            "the clock of this machine says {}, which cannot be; set it (timedatectl set-ntp true, or date -s) and start again",
            now.iso()
        ));
    }
    Ok(())
}

const ACTION: Action = Action { resource: Resource::Settings, name: "first_start" };

impl Ops {
    /// Makes settings, server 1, the two groups, the administrator, the API key and the whitelist,
    /// unless they are there. All or nothing.
    pub async fn first_start(&self, provided: Provided) -> Result<Option<Welcome>> {
        let started = self.point(&Actor::LINECARD, ACTION, |look| {
            Ok(look.read.by_id::<Settings>(SettingsId(1))?.is_some())
        })?;
        if started {
            return Ok(None);
        }
        let mut welcome = Welcome::default();
        let password = if let Some(password) = provided.password {
            password
        } else {
            let (password, text) = random::password()?;
            welcome.password = Some(text);
            password
        };
        let key = if let Some(key) = provided.api_key {
            key
        } else {
            let key = random::api_key()?;
            welcome.api_key = Some(key.clone());
            key
        };
        welcome.whitelist = provided.allow.unwrap_or_else(loopback);
        // A password that stood in a log or a terminal is good for one use.
        let generated = welcome.password.is_some();
        let named = AdminChange { username: given(AdminName::new(ADMIN)), ..AdminChange::default() };
        let whose = Whose::after(None, &named);
        let hash = self.hash_chosen("LINECARD_ADMIN_PASSWORD", password, &whose).await?;
        let whitelist = welcome.whitelist.clone();
        let made = self.write(Actor::LINECARD, ACTION, move |act| {
            // Another process may have been quicker.
            if act.tx.by_id::<Settings>(SettingsId(1))?.is_some() {
                return Ok(false);
            }
            let admin = AdminChange {
                password: Given::Value(hash.clone()),
                must_change_password: Given::Value(generated),
                ..named.clone()
            };
            fill(act, admin, &key, &whitelist)?;
            Ok(true)
        });
        Ok(made.await?.then_some(welcome))
    }
}

fn fill(act: &Act<'_>, admin: AdminChange, key: &KeyText, allowed: &[Network]) -> Result<()> {
    act.create::<Settings>(SettingsChange::default())?;
    // No packet tells this machine its public address: servers/update sets it.
    let local = Address(std::net::Ipv4Addr::LOCALHOST.into());
    act.create::<Server>(ServerChange {
        name: given(Name::new("Main server")),
        server_ip: Given::Value(local),
        ..ServerChange::default()
    })?;
    let groups = [
        ("Administrators", vec![Right::Full]),
        ("Resellers", vec![Right::On(Resource::Line), Right::On(Resource::Mag)]),
    ];
    for (name, rights) in groups {
        act.create::<Group>(GroupChange {
            name: given(Name::new(name)),
            rights: Given::Value(rights),
            ..GroupChange::default()
        })?;
    }
    crate::ops::people::admins::create(
        act,
        AdminChange {
            email: given(Email::new(NO_EMAIL)),
            group_id: Given::Value(GroupId::ADMINISTRATORS),
            ..admin
        },
    )?;
    api_keys::create(
        act,
        ApiKeyChange { name: given(Name::new("first key")), ..ApiKeyChange::default() },
        key,
    )?;
    allowed.iter().try_for_each(|address| whitelist::add(act, *address, None).map(|_| ()))
}

/// A value that is right by construction; were it not, the missing field would be named.
fn given<T, E>(value: Result<T, E>) -> Given<T> {
    value.map_or(Given::Absent, Given::Value)
}

fn loopback() -> Vec<Network> {
    ["127.0.0.0/8", "::1"].iter().filter_map(|text| Network::new(text).ok()).collect()
}
