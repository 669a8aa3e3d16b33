//! What this process takes of the machine.

use procfs::{CurrentSI, KernelStats, WithCurrentSystemInfo, process::Process};

/// What it takes, as far as the kernel tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// Processor time since its start, in seconds.
    pub cpu_seconds: f64,
    /// Bytes of memory that are in use now.
    pub resident_bytes: u64,
    /// Bytes of addresses, used or not.
    pub virtual_bytes: u64,
    /// Files and connections that are open, and how many may be.
    pub open_files: u64,
    pub most_files: Option<u64>,
    pub threads: u64,
    /// When it was started, in unix seconds.
    pub started_at: f64,
}

/// What this process takes now; `None` without /proc.
pub fn taken() -> Option<Taken> {
    let process = Process::myself().ok()?;
    let stat = process.stat().ok()?;
    let seconds = |ticks: u64| real(ticks) / real(procfs::ticks_per_second());
    let booted = KernelStats::current().map_or(0, |kernel| kernel.btime);
    let limits = process.limits().ok().map(|limits| limits.max_open_files.soft_limit);
    Some(Taken {
        cpu_seconds: seconds(stat.utime + stat.stime),
        resident_bytes: stat.rss_bytes().get(),
        virtual_bytes: stat.vsize,
        open_files: process.fd_count().unwrap_or(0) as u64,
        most_files: limits.and_then(|limit| match limit {
            procfs::process::LimitValue::Value(most) => Some(most),
            procfs::process::LimitValue::Unlimited => None,
        }),
        threads: u64::try_from(stat.num_threads).unwrap_or(0),
        started_at: real(booted) + seconds(stat.starttime),
    })
}

/// Exact up to 2^53, which none of these reaches.
#[expect(clippy::cast_precision_loss)]
fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_measured() {
        let taken = taken().unwrap();
        assert!(taken.resident_bytes > 100_000 && taken.virtual_bytes >= taken.resident_bytes, "{taken:?}");
        assert!(taken.open_files > 2 && taken.threads >= 1 && taken.cpu_seconds >= 0.0, "{taken:?}");
        assert!(taken.started_at > 1.7e9, "{taken:?}");
    }
}
