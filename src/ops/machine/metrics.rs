//! /metrics: how the server fares, in figures for Prometheus and whoever else reads its forms.
//!
//! A scrape counts no rows: it reads what is counted already, and asks the disk and the kernel for sizes.

mod sheet;

use std::net::IpAddr;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

use super::meters::Labels;
use crate::{
    domain::{
        Resource, Result,
        fields::container::Container,
        people::{
            actor::{Actor, Who},
            rights::Access,
        },
    },
    host::process,
    ops::{Ops, blocking},
    store::SCHEMA_VERSION,
};
pub use sheet::Form;
use sheet::Sheet;

/// Streams that are shown one by one.
const MOST_STREAMS: usize = 5_000;

/// A label whose values are ids.
type Id = [(&'static str, i64); 1];

impl Ops {
    /// Who reads the metrics from that address without a key, if it may.
    pub fn may_scrape(&self, address: IpAddr) -> Option<Actor> {
        let allowed = &self.snapshot().settings.metrics_allow;
        let listed = allowed.iter().any(|range| range.contains(address));
        listed.then_some(Actor { who: Who::Linecard, address: Some(address) })
    }

    /// Every metric, also of each stream if that is wished, as text.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`] without the right to `metrics`.
    pub async fn metrics(&self, actor: &Actor, by_stream: bool, form: Form) -> Result<String> {
        actor.may(Resource::Metrics, Access::Read)?;
        let ops = self.clone();
        Ok(blocking(move || ops.gathered(by_stream).text(form)).await)
    }

    fn gathered(&self, by_stream: bool) -> Sheet {
        let mut sheet = Sheet::default();
        self.show_viewers(&mut sheet);
        self.show_streams(&mut sheet, by_stream);
        self.show_calls(&mut sheet);
        self.show_database(&mut sheet);
        self.show_subscribers(&mut sheet);
        self.show_messages(&mut sheet);
        self.show_machine(&mut sheet);
        sheet
    }

    fn show_viewers(&self, sheet: &mut Sheet) {
        let open = self.viewing.connections.by_form();
        let forms = Container::ALL.map(|form| (form.name(), *open.get(&form).unwrap_or(&0)));
        sheet.gauges("linecard_sessions", "Connections of viewers that are open", "form", forms);
        let sent = self.viewing.connections.bytes_sent();
        sheet.counter("linecard_sent_bytes", "Bytes handed to the network for viewers", sent);
        sheet.add(
            "linecard_refusals",
            "Requests of viewers that were refused, by code",
            self.meters.refusals.clone(),
        );
    }

    fn show_streams(&self, sheet: &mut Sheet, by_stream: bool) {
        let media = &self.viewing.media;
        let active = media.active_states();
        let mut states =
            ["running", "starting", "waiting", "ended", "failed", "stopped"].map(|name| (name, 0));
        let mut count = |name, many| {
            states.iter_mut().filter(|(state, _)| *state == name).for_each(|(_, number)| *number += many);
        };
        count("stopped", media.count().saturating_sub(active.len()));
        for (_, state) in &active {
            count(state.name(), 1);
        }
        sheet.gauges("linecard_streams", "Enabled streams of this server", "state", states);
        let (received, all) = media.received();
        sheet.counter("linecard_received_bytes", "Bytes that came of streams", all);
        let recorded = self.viewing.archive().totals().iter().map(|(_, totals)| totals.bytes).sum::<u64>();
        sheet.gauge("linecard_recordings_bytes", "Bytes of recordings", recorded);
        if !by_stream {
            return;
        }
        let of_each: Family<Id, Counter> = Family::default();
        for (id, bytes) in received.into_iter().take(MOST_STREAMS) {
            of_each.get_or_create(&[("stream", id.0)]).inc_by(bytes);
        }
        sheet.add("linecard_stream_received_bytes", "Bytes that came of a stream", of_each);
        let (up, sessions): (Family<Id, Gauge>, Family<Id, Gauge>) = Default::default();
        for (id, state) in active.iter().take(MOST_STREAMS) {
            up.get_or_create(&[("stream", id.0)]).set(i64::from(state.name() == "running"));
        }
        for (id, many) in self.viewing.connections.by_stream().into_iter().take(MOST_STREAMS) {
            sessions.get_or_create(&[("stream", id.0)]).set(i64::try_from(many).unwrap_or(i64::MAX));
        }
        sheet.add("linecard_stream_up", "Whether a stream that somebody wants runs", up);
        sheet.add("linecard_stream_sessions", "Connections of viewers to a stream", sessions);
    }

    fn show_calls(&self, sheet: &mut Sheet) {
        let meters = &self.meters;
        sheet.add("linecard_api_calls", "Calls of the Server API and the classic API", meters.calls.clone());
        let help = "How long calls took";
        sheet.add("linecard_api_call_duration_seconds", help, meters.call_seconds.clone());
    }

    fn show_database(&self, sheet: &mut Sheet) {
        let meter = self.store.meter();
        sheet.gauge(
            "linecard_writer_queue",
            "Writes that wait or are under way",
            meter.waiting().unsigned_abs(),
        );
        sheet.add("linecard_commit_duration_seconds", "How long commits took", meter.commits());
        let sizes = meter.sizes();
        sheet.gauge("linecard_database_size_bytes", "Size of linecard.db", sizes.database);
        sheet.gauge("linecard_wal_size_bytes", "Size of its log", sizes.log);
        sheet.gauge("linecard_guide_size_bytes", "Size of guide.db", sizes.guide);
    }

    /// As the dashboard last counted them: within the last minute or two.
    fn show_subscribers(&self, sheet: &mut Sheet) {
        let Some(counted) = self.counted_last() else { return };
        let (lines, mags) = (counted.lines, counted.mags);
        for (name, help, states) in [("linecard_lines", "Lines", lines), ("linecard_mags", "MAGs", mags)] {
            let by_state = [
                ("active", states.active),
                ("expired", states.expired),
                ("disabled", states.disabled),
                ("banned", states.banned),
            ];
            sheet.gauges(
                name,
                help,
                "state",
                by_state.map(|(state, many)| (state, usize::try_from(many).unwrap_or(0))),
            );
        }
    }

    fn show_messages(&self, sheet: &mut Sheet) {
        let meters = &self.meters;
        sheet.add(
            "linecard_webhook_deliveries",
            "Messages to webhooks that were tried",
            meters.deliveries.clone(),
        );
        sheet.add("linecard_messages", "Messages to people that were tried", meters.messages.clone());
        sheet.add(
            "linecard_job_failures",
            "Runs of background jobs that failed",
            meters.job_failures.clone(),
        );
        let failed: Family<Labels<1>, Gauge> = Family::default();
        for job in self.jobs().iter() {
            failed.get_or_create(&[("name", job.name)]).set(i64::from(job.failed));
        }
        sheet.add("linecard_job_failed", "Whether the last run of a background job failed", failed);
    }

    fn show_machine(&self, sheet: &mut Sheet) {
        let build: Family<[(&'static str, String); 2], Gauge> = Family::default();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        build.get_or_create(&[("version", version), ("schema", SCHEMA_VERSION.to_string())]).set(1);
        sheet.add("linecard_build_info", "Version of the program and of its database", build);
        sheet.gauge(
            "linecard_clock_in_doubt",
            "Whether the clock has leapt and nobody confirmed it",
            u64::from(self.leap().is_some()),
        );
        if let Some(disk) = self.load().disk {
            sheet.gauge("linecard_disk_size_bytes", "Size of the disk of the data folder", disk.total);
            sheet.gauge(
                "linecard_disk_free_bytes",
                "What is free of it",
                disk.total.saturating_sub(disk.used),
            );
        }
        let certificates = self.certificates();
        let served = certificates.iter().filter_map(|standing| standing.served.as_ref());
        if let Some(ends) = served.map(|certificate| certificate.ends.seconds()).min() {
            sheet.gauge(
                "linecard_certificate_expiry_timestamp_seconds",
                "When the certificate of HTTPS that ends first does, in unix seconds",
                ends.unsigned_abs(),
            );
        }
        let Some(taken) = process::taken() else { return };
        sheet.seconds("process_cpu_seconds", "Processor time", taken.cpu_seconds);
        sheet.gauge("process_resident_memory_bytes", "Memory in use", taken.resident_bytes);
        sheet.gauge("process_virtual_memory_bytes", "Addresses in use", taken.virtual_bytes);
        sheet.gauge("process_open_fds", "Files and connections that are open", taken.open_files);
        if let Some(most) = taken.most_files {
            sheet.gauge("process_max_fds", "How many may be open", most);
        }
        sheet.gauge("process_threads", "Threads", taken.threads);
        sheet.gauge(
            "process_start_time_seconds",
            "When the process was started, in unix seconds",
            taken.started_at,
        );
    }
}
