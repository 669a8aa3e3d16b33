//! Metrics under their names, and the two forms of text in which they are read.

use std::{fmt::Write as _, sync::atomic::AtomicU64};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Metric, Registry},
};

use crate::ops::machine::meters::Labels;

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Prometheus's own, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

/// Metrics of one moment. Names of counters are given without the `_total` with which they are read; help without its full stop.
#[derive(Default)]
pub struct Sheet(Registry);

impl Sheet {
    /// Any metric.
    pub fn add(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.0.register(name, help, metric);
    }

    /// A number that rises and falls.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Into<Number>) {
        let gauge: Gauge<f64, AtomicU64> = Gauge::default();
        gauge.set(value.into().0);
        self.add(name, help, gauge);
    }

    /// Such numbers by one label.
    pub fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: [(&'static str, usize); N],
    ) {
        let gauges: Family<Labels<1>, Gauge> = Family::default();
        for (value, many) in values {
            gauges.get_or_create(&[(label, value)]).set(i64::try_from(many).unwrap_or(i64::MAX));
        }
        self.add(name, help, gauges);
    }

    /// A number that only rises, counted elsewhere.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        self.add(name, help, counter);
    }

    /// Seconds that only rise.
    pub fn seconds(&mut self, name: &str, help: &str, value: f64) {
        let counter: Counter<f64, AtomicU64> = Counter::default();
        counter.inc_by(value);
        self.add(name, help, counter);
    }

    /// All of them.
    pub fn text(&self, form: Form) -> String {
        let mut text = String::new();
        // A text takes everything.
        let _ = encode(&mut text, &self.0);
        match form {
            Form::OpenMetrics => text,
            Form::Prometheus => plain(&text),
        }
    }
}

/// What a gauge may be set to; whole numbers are exact up to 2^53.
pub struct Number(f64);

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self(number)
    }
}

impl From<u64> for Number {
    #[expect(clippy::cast_precision_loss)]
    fn from(number: u64) -> Self {
        Self(number as f64)
    }
}

/// OpenMetrics in the older form, which calls counters by their whole name in comments as well and has no end mark.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 1_000);
    let mut help: Option<(&str, &str)> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = rest.split_once(' ') else { continue };
            let end = if kind == "counter" { "_total" } else { "" };
            let said = help.take().map_or("", |(_, said)| said);
            let _ = write!(plain, "# HELP {name}{end} {said}\n# TYPE {name}{end} {kind}\n");
        } else if !line.starts_with('#') {
            plain.push_str(line);
            plain.push('\n');
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_counters_as_they_must() {
        let mut sheet = Sheet::default();
        sheet.counter("linecard_sent_bytes", "Bytes that were sent", 7);
        sheet.gauges("linecard_sessions", "Connections", "form", [("ts", 2), ("hls", 0)]);
        sheet.gauge("linecard_disk_free_bytes", "What is free", 5_000_000_000_u64);
        let plain = sheet.text(Form::Prometheus);
        assert!(plain.starts_with(
            "# HELP linecard_sent_bytes_total Bytes that were sent.\n# TYPE linecard_sent_bytes_total counter\n\
             linecard_sent_bytes_total 7\n"
        ));
        assert!(
            plain.contains("\nlinecard_sessions{form=\"ts\"} 2\n") && !plain.contains("# EOF"),
            "{plain}"
        );
        assert!(plain.contains("\nlinecard_disk_free_bytes 5000000000"), "{plain}");
        let open = sheet.text(Form::OpenMetrics);
        assert!(open.contains("# TYPE linecard_sent_bytes counter\n") && open.ends_with("# EOF\n"), "{open}");
    }
}
