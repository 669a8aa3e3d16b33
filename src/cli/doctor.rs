//! `linecard doctor`: looks at everything that a server needs, with or without one that runs, and says what to do. It changes nothing.

mod bundle;
mod database;
mod folder;
mod machine;
mod server;

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::output::print;
use crate::{
    host::certificates::Files,
    ops::{clock, machine::health::Verdict},
    store::SCHEMA_VERSION,
    store::machine::inspect::Inspection,
};

/// What is looked at.
pub struct Patient {
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub archive: Option<PathBuf>,
    pub secret_key_file: Option<PathBuf>,
    pub certificates: Vec<Files>,
}

/// One thing that was looked at.
struct Finding {
    verdict: Verdict,
    about: &'static str,
    says: String,
    /// What to do; empty if there is nothing.
    todo: String,
}

/// What was found, line by line.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, about: &'static str, says: impl Into<String>) {
        self.0.push(Finding { verdict: Verdict::Good, about, says: says.into(), todo: String::new() });
    }

    fn warn(&mut self, about: &'static str, says: impl Into<String>, todo: impl Into<String>) {
        self.0.push(Finding { verdict: Verdict::Warning, about, says: says.into(), todo: todo.into() });
    }

    fn bad(&mut self, about: &'static str, says: impl Into<String>, todo: impl Into<String>) {
        self.0.push(Finding { verdict: Verdict::Bad, about, says: says.into(), todo: todo.into() });
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|finding| finding.verdict == verdict).count()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Finding { verdict, about, says, todo } in &self.0 {
            let _ = writeln!(text, "{:<8} {about:<13} {says}", verdict.name());
            if !todo.is_empty() {
                let _ = writeln!(text, "{:<22} -> {todo}", "");
            }
        }
        text
    }
}

/// Looks, prints what was found, and packs it if a file is named for that. An error if something has to be done.
pub async fn run(patient: Patient, bundle: Option<&Path>) -> Result<(), String> {
    let mut findings = Findings::default();
    let now = clock::now();
    findings.good(
        "program",
        format!(
            "Linecard {} for {}, schema {SCHEMA_VERSION}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH
        ),
    );
    machine::look(&mut findings, now);
    machine::look_at_ffmpeg(&mut findings).await;
    folder::look(&mut findings, &patient);
    let inspection = Inspection::of(&patient.data);
    database::look(&mut findings, inspection.as_ref(), now);
    server::look(&mut findings, &patient).await;
    server::look_at_certificates(&mut findings, patient.certificates.clone(), now);
    let (bad, warnings) = (findings.count(Verdict::Bad), findings.count(Verdict::Warning));
    let text = findings.text();
    print(text.trim_end())?;
    if let Some(file) = bundle {
        let details = inspection.as_ref().map(database::details).unwrap_or_default();
        bundle::write(file, &[("report.txt", text), ("details.txt", details)], now)?;
        print(&format!(
            "written: {}; it holds no passwords, keys, names or addresses of sources",
            file.display()
        ))?;
    }
    match (bad, warnings) {
        (0, 0) => print("everything is as it should be"),
        (0, 1) => print("1 warning"),
        (0, many) => print(&format!("{many} warnings")),
        (1, _) => Err("1 problem found".into()),
        (many, _) => Err(format!("{many} problems found")),
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
