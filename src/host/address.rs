//! Why this machine refuses to be listened to at an address, and what has to be done.

use std::{io, net::SocketAddr};

use rustix::io::Errno;

/// A sentence for the operator; `flag` is the one that names the address.
pub fn refused(address: SocketAddr, flag: &str, error: &io::Error) -> String {
    let (ip, port) = (address.ip(), address.port());
    let any = if address.is_ipv4() { "0.0.0.0" } else { "[::]" };
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program listens there; stop it (ss -ltnp shows which it is), or name another port with {flag}"
        ),
        io::ErrorKind::PermissionDenied if port < 1024 => format!(
            "ports below 1024 need a right of their own; give it (AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd \
             unit, or setcap cap_net_bind_service=+ep on the program), or name a port from 1024 on with {flag}"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "{ip} is no address of this machine; name one that it has (ip address shows them) with {flag}, or {any}:{port} \
             for all of them"
        ),
        _ if io::Error::from(Errno::AFNOSUPPORT).raw_os_error() == error.raw_os_error() => format!(
            "this machine speaks no {}; name another address with {flag}, such as {}:{port}",
            if address.is_ipv4() { "IPv4" } else { "IPv6" },
            if address.is_ipv4() { "[::]" } else { "0.0.0.0" },
        ),
        _ => format!("{error}; name another address with {flag}"),
    };
    format!("cannot listen on {address}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_says_what_to_do() {
        for (address, errno, said) in [
            ("127.0.0.1:8080", Errno::ADDRINUSE, "another program listens there; stop it"),
            ("0.0.0.0:80", Errno::ACCESS, "CAP_NET_BIND_SERVICE"),
            ("[::1]:8080", Errno::ADDRNOTAVAIL, "or [::]:8080 for all of them"),
            (
                "192.0.2.1:80",
                Errno::ADDRNOTAVAIL,
                "192.0.2.1 is no address of this machine; name one that it has",
            ),
            (
                "[::]:8080",
                Errno::AFNOSUPPORT,
                "speaks no IPv6; name another address with --listen, such as 0.0.0.0:8080",
            ),
            ("127.0.0.1:8080", Errno::ACCESS, "name another address with --listen"),
        ] {
            let address = address.parse().unwrap();
            let told = refused(address, "--listen", &errno.into());
            assert!(
                told.contains(said) && told.starts_with(&format!("cannot listen on {address}: ")),
                "{told}"
            );
        }
    }
}
