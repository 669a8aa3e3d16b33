//! Periodic work.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::{
    host::probe::Prober,
    ops::{Ops, clock},
};

/// Starts it; it ends with the runtime.
pub fn start(ops: &Ops) {
    let keys = ops.clone();
    actix_web::rt::spawn(async move {
        loop {
            actix_web::rt::time::sleep(Duration::from_mins(1)).await;
            if let Err(error) = keys.note_used_keys().await {
                log::warn!("last use of API keys: {error}");
            }
            if let Err(error) = keys.note_seen_sessions().await {
                log::warn!("sessions of the panel: {error}");
            }
            if let Err(error) = keys.note_seen_boxes().await {
                log::warn!("boxes of MAGs: {error}");
            }
        }
    });
    let usage = ops.clone();
    actix_web::rt::spawn(async move {
        loop {
            if let Err(error) = usage.note_usage().await {
                log::warn!("usage: {error}");
            }
            let into_the_minute = clock::now().seconds().unsigned_abs() % 60;
            actix_web::rt::time::sleep(Duration::from_secs(60 - into_the_minute)).await;
        }
    });
    start_viewing(ops);
    let calls = ops.clone();
    actix_web::rt::spawn(async move {
        loop {
            actix_web::rt::time::sleep(Duration::from_secs(1)).await;
            if let Err(error) = calls.write_calls().await {
                log::warn!("the log of API calls: {error}");
            }
            if let Err(error) = calls.write_let_in().await {
                log::warn!("who was let in: {error}");
            }
        }
    });
    let old = ops.clone();
    actix_web::rt::spawn(async move {
        loop {
            if let Err(error) = old.forget_old().await {
                log::warn!("retention: {error}");
            }
            actix_web::rt::time::sleep(Duration::from_hours(1)).await;
        }
    });
    let machine = ops.clone();
    actix_web::rt::spawn(async move {
        loop {
            machine.measure().await;
            actix_web::rt::time::sleep(Duration::from_secs(3)).await;
        }
    });
    let servers = ops.clone();
    actix_web::rt::spawn(async move {
        let prober = Prober::default();
        let mut rounds = actix_web::rt::time::interval(Duration::from_secs(5));
        // A round with many silent servers may last longer: the next one does not hurry after it.
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            servers.check_servers(&prober).await;
        }
    });
}

/// What follows viewers: changes, ends, and what is written down of them.
fn start_viewing(ops: &Ops) {
    let following = ops.clone();
    actix_web::rt::spawn(async move { following.follow_changes().await });
    let viewers = ops.clone();
    actix_web::rt::spawn(async move {
        loop {
            viewers.watch_clock();
            if let Err(error) = viewers.sweep_viewers() {
                log::warn!("viewers: {error}");
            }
            actix_web::rt::time::sleep(Duration::from_secs(1)).await;
        }
    });
    // Apart from those who are to be cut: it may have to wait for the disk, or for another program.
    let history = ops.clone();
    actix_web::rt::spawn(async move {
        loop {
            let pause = match history.write_history(clock::now()).await {
                Ok(()) => Duration::from_secs(1),
                Err(error) => {
                    log::warn!("the logs of viewers: {error}");
                    Duration::from_secs(10)
                }
            };
            actix_web::rt::time::sleep(pause).await;
        }
    });
    let open = ops.clone();
    actix_web::rt::spawn(async move {
        for round in 0_u64.. {
            // What was sent changes all the time: it is written once a minute, and so is the time.
            let is_minute = round % 12 == 0;
            if let Err(error) = open.note_open_sessions(is_minute).await {
                log::warn!("open sessions: {error}");
            }
            if is_minute && let Err(error) = open.note_time().await {
                log::warn!("the time: {error}");
            }
            actix_web::rt::time::sleep(Duration::from_secs(5)).await;
        }
    });
}
