//! The service manager that has started this program, such as systemd: it hears over the socket that NOTIFY_SOCKET names
//! how the program is doing. Without one nobody is told.

use std::time::Duration;

use sd_notify::NotifyState;

/// Says that requests are answered from now on, and where.
pub fn ready(address: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(address)]);
}

/// Says that the program ends, and that this takes a moment.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that the program is alive.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Within which time the manager wants to hear that again, if it does.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        log::warn!("the service manager cannot be told: {error}");
    }
}
