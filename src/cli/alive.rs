//! Tells the service manager that the server is alive, as long as it really is.

use std::{net::SocketAddr, time::Duration};

use crate::{
    host::{manager, probe},
    ops::Ops,
};

/// Tells it three times in each period that it asks for, each time after a request was answered and a job has gone
/// through the writer. Never ends.
pub async fn keep_telling(ops: Ops, address: SocketAddr) {
    let Some(period) = manager::watchdog() else { return };
    let mut turns = tokio::time::interval(period / 3);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        if is_alive(&ops, address, period).await {
            manager::alive();
        } else {
            log::warn!(
                "the service manager is not told that the server is alive: a part of it does not answer"
            );
        }
    }
}

async fn is_alive(ops: &Ops, address: SocketAddr, patience: Duration) -> bool {
    // Whatever it answers: an unhealthy database is no better after a restart.
    let answers = probe::status(probe::from_here(address), "/healthz", patience).await.is_ok();
    answers && tokio::time::timeout(patience, ops.writer_answers()).await.is_ok()
}
