//! How busy this machine is.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Instant,
};

use parking_lot::{Mutex, MutexGuard};
use procfs::{Current, CurrentSI, KernelStats, Meminfo, Uptime, net::InterfaceDeviceStatus};

use crate::domain::machine::server::{Load, Space, Traffic};

/// Measures the machine, and keeps what it measured last.
pub struct Meter {
    /// Whose file system counts as the disk.
    folder: PathBuf,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    load: Load,
    processor: Option<Processor>,
    network: Option<Network>,
}

impl Meter {
    /// A meter that has measured nothing yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, last: Mutex::default() }
    }

    /// Measures. It reads a few small files, and the state of a file system that may be slow.
    pub fn measure(&self) {
        let (memory, disk, uptime) = (memory(), space(&self.folder), uptime());
        let (processor, network) = (Processor::read(), Network::read());
        let mut last = self.last();
        let since_then = last.processor.as_ref().zip(processor.as_ref());
        let cpu_percent = since_then.and_then(|(before, now)| now.percent(before));
        let since_then = last.network.as_ref().zip(network.as_ref());
        let traffic = since_then.and_then(|(before, now)| now.traffic(before));
        last.load = Load { cpu_percent, memory, disk, network: traffic, uptime };
        (last.processor, last.network) = (processor, network);
    }

    /// What was measured last.
    pub fn latest(&self) -> Load {
        self.last().load
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock()
    }
}

fn memory() -> Option<Space> {
    let info = Meminfo::current().ok()?;
    let free = info.mem_available.unwrap_or(info.mem_free);
    Some(Space { used: info.mem_total.saturating_sub(free), total: info.mem_total })
}

/// How much room there is where a folder lies.
pub fn space(folder: &Path) -> Option<Space> {
    let about = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
    Some(Space { used: bytes(about.f_blocks.saturating_sub(about.f_bfree)), total: bytes(about.f_blocks) })
}

/// Bytes that can still be written on the disk of a folder; none if the system does not say.
pub fn free(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

fn uptime() -> Option<u64> {
    Uptime::current().ok().map(|uptime| uptime.uptime_duration().as_secs())
}

/// Ticks of all processors since the machine started.
struct Processor {
    busy: u64,
    all: u64,
}

impl Processor {
    fn read() -> Option<Self> {
        let ticks = KernelStats::current().ok()?.total;
        let waiting = ticks.idle + ticks.iowait.unwrap_or(0);
        let interrupts = ticks.irq.unwrap_or(0) + ticks.softirq.unwrap_or(0);
        let busy = ticks.user + ticks.nice + ticks.system + interrupts + ticks.steal.unwrap_or(0);
        Some(Self { busy, all: busy + waiting })
    }

    /// The busy part since then, to a tenth; `None` if no time has passed.
    fn percent(&self, before: &Self) -> Option<f64> {
        let (busy, all) = (self.busy.saturating_sub(before.busy), self.all.saturating_sub(before.all));
        let tenths = (busy * 1000).checked_div(all)?;
        u32::try_from(tenths.min(1000)).ok().map(|tenths| f64::from(tenths) / 10.0)
    }
}

/// Bytes in and out of each interface but loopback since the machine started.
struct Network {
    at: Instant,
    bytes: HashMap<String, (u64, u64)>,
}

impl Network {
    fn read() -> Option<Self> {
        let interfaces = InterfaceDeviceStatus::current().ok()?.0;
        let others = interfaces.into_iter().filter(|(name, _)| name != "lo");
        let bytes = others.map(|(name, counts)| (name, (counts.recv_bytes, counts.sent_bytes)));
        Some(Self { at: Instant::now(), bytes: bytes.collect() })
    }

    /// What the busiest interface carried since then. The sum would count the traffic of bridges and
    /// bonds again for each of their members.
    fn traffic(&self, before: &Self) -> Option<Traffic> {
        let millis = u64::try_from(self.at.duration_since(before.at).as_millis()).ok()?;
        // A bit in a millisecond is a thousand bits in a second.
        let rate = |now: u64, then: u64| (now.saturating_sub(then).saturating_mul(8)).checked_div(millis);
        let mut busiest = Traffic { in_kbps: 0, out_kbps: 0 };
        for (name, (received, sent)) in &self.bytes {
            let Some((received_then, sent_then)) = before.bytes.get(name) else { continue };
            busiest.in_kbps = busiest.in_kbps.max(rate(*received, *received_then)?);
            busiest.out_kbps = busiest.out_kbps.max(rate(*sent, *sent_then)?);
        }
        Some(busiest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn processors_are_busy_for_a_part_of_the_time_between() {
        let before = Processor { busy: 100, all: 1000 };
        assert_eq!(Processor { busy: 125, all: 1200 }.percent(&before), Some(12.5));
        assert_eq!(Processor { busy: 300, all: 1200 }.percent(&before), Some(100.0));
        assert_eq!(before.percent(&before), None);
    }

    #[test]
    fn traffic_is_that_of_the_busiest_interface_and_survives_counters_that_start_again() {
        let at = Instant::now();
        let network = |at, bytes: &[(&str, (u64, u64))]| {
            let bytes = bytes.iter().map(|(name, counts)| ((*name).to_owned(), *counts)).collect();
            Network { at, bytes }
        };
        let before = network(at, &[("eth0", (1_000, 0)), ("br0", (1_000, 0)), ("usb0", (9_000, 9_000))]);
        let bytes = [
            ("eth0", (2_001_000, 500_000)),
            ("br0", (1_001_000, 1_000_000)),
            ("usb0", (0, 0)),
            ("new", (9, 9)),
        ];
        let now = network(at + Duration::from_secs(2), &bytes);
        assert_eq!(now.traffic(&before), Some(Traffic { in_kbps: 8_000, out_kbps: 4_000 }));
        assert_eq!(before.traffic(&before), None, "no time has passed");
    }

    #[test]
    fn this_machine_can_be_measured() {
        let meter = Meter::new(std::env::temp_dir());
        assert_eq!(meter.latest(), Load::default());
        meter.measure();
        std::thread::sleep(Duration::from_millis(200));
        meter.measure();
        let load = meter.latest();
        assert!((0.0..=100.0).contains(&load.cpu_percent.unwrap()), "{load:?}");
        for space in [load.memory.unwrap(), load.disk.unwrap()] {
            assert!(0 < space.used && space.used < space.total, "{load:?}");
        }
        assert!(load.network.is_some() && load.uptime > Some(0), "{load:?}");
    }
}
