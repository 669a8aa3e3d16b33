//! The server: whether one runs on the folder, and who has its port.

use std::{
    fs::File,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use super::{Findings, Patient};
use crate::{
    domain::fields::time::UnixTime,
    host::{
        certificates::{Certificates, Files},
        probe,
    },
};

const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at it.
pub async fn look(findings: &mut Findings, patient: &Patient) {
    let runs = File::open(&patient.data).is_ok_and(|folder| folder.try_lock().is_err());
    let address = reached(patient.listen);
    if !runs {
        findings.good("server", "none runs on this folder");
        // It is closed at once.
        return match TcpListener::bind(patient.listen) {
            Ok(_) => findings.good("port", format!("{} is free", patient.listen)),
            Err(error) => findings.warn(
                "port",
                format!("{} cannot be listened on: {error}", patient.listen),
                "end what listens there, or name another address with --listen",
            ),
        };
    }
    findings.good("server", "one runs on this folder");
    let about = format!("http://{address}/healthz/ready");
    match probe::status(address, "/healthz/ready", PATIENCE).await {
        Ok(200) => findings.good("health", format!("{about} says that it is ready")),
        Ok(503) => findings.bad(
            "health",
            format!("{about} says that it is not ready"),
            format!("curl {about} says why"),
        ),
        Ok(status) => findings.warn(
            "health",
            format!("{about} answers with status {status}"),
            "is that another server? Name the address of this one with --listen",
        ),
        Err(why) => findings.warn("health", why, "name its address with --listen, as it was started"),
    }
}

/// Where it is reached from this machine.
fn reached(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Looks at the certificates of HTTPS.
pub fn look_at_certificates(findings: &mut Findings, files: Vec<Files>, now: UnixTime) {
    const RENEW: &str = "renew it: a server that runs takes the new one without a restart";
    let certificates = Certificates::default();
    certificates.serve(files);
    for standing in certificates.standing() {
        let says = format!("{}: {}", standing.from, standing.words(now));
        match &standing.problem {
            Some(problem) if standing.served.is_none() => findings.bad("certificate", says, problem.clone()),
            Some(problem) => findings.warn("certificate", says, problem.clone()),
            None if standing.needs_somebody(now) => findings.warn("certificate", says, RENEW),
            None => findings.good("certificate", says),
        }
    }
}
