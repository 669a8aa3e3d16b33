//! What machine this is: for a diagnosis.

use std::{fs, path::Path};

use procfs::{Current, Meminfo};
use rustix::process::{Resource, getrlimit};

/// What machine this is, as far as it tells.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    pub kernel: String,
    /// The distribution.
    pub system: String,
    pub processors: usize,
    /// Bytes of memory: that could be had, and all.
    pub memory: Option<(u64, u64)>,
    /// The time zone of the machine.
    pub zone: String,
    /// The soft and hard limit of open files of this process; `None` is no limit.
    pub open_files: (Option<u64>, Option<u64>),
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let info = Meminfo::current().ok();
        let memory = info.map(|info| (info.mem_available.unwrap_or(info.mem_free), info.mem_total));
        Self {
            kernel: first_line("/proc/sys/kernel/osrelease"),
            system: system(),
            processors: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory,
            zone: zone(),
            open_files: (limit.current, limit.maximum),
        }
    }
}

fn first_line(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default().lines().next().unwrap_or_default().trim().to_owned()
}

fn system() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or_default().trim_matches('"').to_owned()
}

fn zone() -> String {
    if let Ok(zone) = std::env::var("TZ") {
        return zone;
    }
    let linked = fs::read_link("/etc/localtime").unwrap_or_default();
    let named =
        linked.strip_prefix("/usr/share/zoneinfo").or_else(|_| linked.strip_prefix("../usr/share/zoneinfo"));
    match named {
        Ok(name) => name.display().to_string(),
        Err(_) if Path::new("/etc/timezone").is_file() => first_line("/etc/timezone"),
        Err(_) => "UTC".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_says_what_it_is() {
        let machine = Machine::this();
        assert!(
            !machine.kernel.is_empty() && machine.processors > 0 && !machine.zone.is_empty(),
            "{machine:?}"
        );
        assert!(machine.memory.is_some_and(|(free, all)| free <= all), "{machine:?}");
    }
}
