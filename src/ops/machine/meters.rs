//! What is counted from the start of the server on, for /metrics.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};

/// Names and values of labels: each value is one of few, known when the program is built.
pub type Labels<const N: usize> = [(&'static str, &'static str); N];
/// Counters by such labels.
pub type Counters<const N: usize> = Family<Labels<N>, Counter>;

/// Upper bounds of the durations of calls, in seconds.
const CALLS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The counters; clones count together.
#[derive(Clone)]
pub struct Meters {
    pub(super) refusals: Counters<1>,
    pub(super) calls: Counters<3>,
    pub(super) call_seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    pub(super) deliveries: Counters<1>,
    pub(super) messages: Counters<2>,
    pub(super) job_failures: Counters<1>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            refusals: Counters::default(),
            calls: Counters::default(),
            call_seconds: Family::new_with_constructor(|| Histogram::new(CALLS)),
            deliveries: Counters::default(),
            messages: Counters::default(),
            job_failures: Counters::default(),
        }
    }
}

impl Meters {
    /// A viewer was refused, with that code.
    pub fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&[("reason", code)]).inc();
    }

    /// A call of an API was answered; `outcome` is `ok`, `dry_run` or the code of its refusal.
    pub fn called(
        &self,
        resource: &'static str,
        action: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        let labels = [("resource", resource), ("action", action), ("outcome", outcome)];
        self.calls.get_or_create(&labels).inc();
        self.call_seconds.get_or_create(&[("resource", resource)]).observe(took.as_secs_f64());
    }

    /// Messages to webhooks were taken or failed.
    pub fn delivered(&self, taken: u64, failed: u64) {
        for (outcome, many) in [("taken", taken), ("failed", failed)] {
            if many > 0 {
                self.deliveries.get_or_create(&[("outcome", outcome)]).inc_by(many);
            }
        }
    }

    /// Messages to people were sent that way, or not.
    pub fn messaged(&self, way: &'static str, outcome: &'static str, many: usize) {
        self.messages.get_or_create(&[("way", way), ("outcome", outcome)]).inc_by(many as u64);
    }

    /// A run of a job failed.
    pub fn job_failed(&self, job: &'static str) {
        self.job_failures.get_or_create(&[("name", job)]).inc();
    }
}
