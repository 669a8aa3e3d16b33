//! Servers: whether they answer, and how busy this one is.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream};
use parking_lot::{Mutex, MutexGuard};

use crate::{
    domain::{
        Columns, Resource, Result, Stored,
        channels::stream::Stream,
        fields::number::Port,
        ids::{Id, ServerId},
        machine::server::{Health, Here, Load, Server},
        people::actor::Actor,
    },
    host::probe,
    ops::{Action, Look, Ops, blocking, clock},
    store,
};

const CHECK: Action = Action { resource: Resource::Servers, name: "check" };
/// Load balancers asked at the same time.
const AT_ONCE: usize = 16;
/// How long one may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is known of the servers' states.
pub type Healths = Mutex<HashMap<ServerId, Health>>;

impl Ops {
    /// Measures this machine.
    pub async fn measure(&self) -> Result<()> {
        let ops = self.clone();
        blocking(move || ops.host.meter.measure()).await;
        Ok(())
    }

    /// How busy this machine is.
    pub fn load(&self) -> Load {
        self.host.meter.latest()
    }

    /// Keeps the port on which this server listens, as its row shows it. Nobody decides it there, so the audit trail leaves it out.
    pub async fn note_port(&self, port: u16) -> Result<()> {
        let (here, now) = (self.here, clock::now());
        let Some(port) = Port::new(i64::from(port)) else { return Ok(()) };
        let noted = self.store.write(store::housekeeping(now, "port"), move |tx| {
            let Some(before) = tx.by_id::<Server>(here.0)? else { return Ok(()) };
            if before.record.http_port == port {
                return Ok(());
            }
            let after = Server { http_port: port, ..before.record.clone() };
            tx.update::<Server>(before.id, &before.record.facts(), &after.facts(), now)
        });
        noted.wait().await
    }

    /// What is known of a server's state; `None` before its first check.
    pub fn health(&self, server: ServerId) -> Option<Health> {
        self.healths().get(&server).cloned()
    }

    /// Checks every server: this one by its database, each other by its HTTP port.
    /// Servers that are no more are forgotten.
    pub async fn check_servers(&self) -> Result<()> {
        let ops = self.clone();
        let main = tokio::task::spawn_blocking(move || ops.healthy().map_err(|error| error.to_string()));
        let main = main.await.unwrap_or_else(|_| Err("the check of the database failed".into()));
        self.checked(self.here.0, main);
        let here = self.here;
        let targets = self.read(&Actor::LINECARD, CHECK, move |look| others(look, here)).await?;
        self.healths().retain(|id, _| here.is(*id) || targets.iter().any(|(target, _)| target == id));
        let ask = |(id, address)| async move {
            self.checked(id, probe::status(address, "/", PATIENCE).await.map(|_| ()));
        };
        stream::iter(targets).for_each_concurrent(AT_ONCE, ask).await;
        Ok(())
    }

    fn checked(&self, server: ServerId, check: Result<(), String>) {
        let mut healths = self.healths();
        let before = healths.remove(&server);
        let was_online = before.as_ref().is_some_and(|before| before.online);
        match &check {
            Ok(()) if before.is_some() && !was_online => log::info!("server {} is online", server.number()),
            Err(why) if before.is_none() || was_online => {
                log::warn!("server {} is offline: {why}", server.number());
            }
            _ => {}
        }
        healths.insert(server, Health::after(before, check, clock::now()));
    }

    pub(in crate::ops) fn healths(&self) -> MutexGuard<'_, HashMap<ServerId, Health>> {
        self.healths.lock()
    }
}

/// How many streams are on each server that has any.
///
/// # Errors
/// [`crate::domain::Error::Denied`], or a database error.
pub fn streams_on(look: &Look<'_>) -> Result<HashMap<ServerId, i64>> {
    look.may(Resource::Servers)?;
    let mut on = HashMap::new();
    look.read.each::<Stream>(None, |stream| *on.entry(stream.record.server()).or_default() += 1)?;
    Ok(on)
}

/// Every server but this one, and where it answers.
fn others(look: &Look<'_>, here: Here) -> Result<Vec<(ServerId, SocketAddr)>> {
    let mut targets = Vec::new();
    look.read.each::<Server>(None, |row| targets.extend((!here.is(row.id)).then(|| target(&row))))?;
    Ok(targets)
}

fn target(server: &Stored<Server>) -> (ServerId, SocketAddr) {
    let record = &server.record;
    // The column holds no other ports.
    let port = u16::try_from(record.http_port.get()).unwrap_or(u16::MAX);
    (server.id, SocketAddr::new(record.server_ip.0, port))
}
