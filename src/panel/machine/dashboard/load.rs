//! How busy this machine is, as meters.

use askama::Template;

use crate::{
    domain::machine::server::{Load, Space},
    panel::kit::show,
};

/// The load of the main server.
#[derive(Template)]
#[template(path = "dashboard/load.html")]
pub struct Meters {
    meters: Vec<Meter>,
    facts: Vec<(&'static str, String)>,
}

struct Meter {
    id: &'static str,
    name: &'static str,
    percent: u64,
    text: String,
}

impl Meters {
    /// That load; what could not be measured is left out.
    pub fn of(load: &Load) -> Self {
        let percent = load.cpu_percent.map(|percent| percent.round().clamp(0.0, 100.0));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 100, see above"
        )]
        let cpu = percent.map(|percent| percent as u64);
        let cpu =
            cpu.map(|percent| Meter { id: "cpu", name: "Processors", percent, text: format!("{percent}%") });
        let space = |id, name, space: Space| Meter {
            id,
            name,
            percent: space.used.saturating_mul(100).checked_div(space.total).unwrap_or(0),
            text: format!("{} of {}", show::bytes(space.used), show::bytes(space.total)),
        };
        let memory = load.memory.map(|memory| space("memory", "Memory", memory));
        let disk = load.disk.map(|disk| space("disk", "Disk", disk));
        let network = load.network.map(|traffic| {
            let text = format!("{} in, {} out", show::rate(traffic.in_kbps), show::rate(traffic.out_kbps));
            ("Network", text)
        });
        let uptime = load.uptime.map(|seconds| ("Uptime", show::duration(seconds)));
        Self {
            meters: [cpu, memory, disk].into_iter().flatten().collect(),
            facts: [network, uptime].into_iter().flatten().collect(),
        }
    }
}
