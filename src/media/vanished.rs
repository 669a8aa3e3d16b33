//! Whether the other side of a connection that takes nothing is still there: that of a paused player answers whenever the kernel
//! asks whether it takes more by now, one that has vanished is silent. The kernel tells by sock_diag(7).

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    time::Duration,
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// Whoever acknowledges nothing for so long, though something waits for it, has vanished.
pub const SILENCE: Duration = Duration::from_secs(30);
/// After so long at most the kernel asks a paused player once more.
const ASKED_AGAIN: Duration = Duration::from_secs(12);
/// So often it was asked in vain at least: one question may get lost.
const IN_VAIN: u8 = 2;

/// Of `linux/netlink.h` and `linux/inet_diag.h`.
const HEADER: usize = 16;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const TCP: u8 = 6;
/// A `struct inet_diag_msg` in front of its attributes.
const MESSAGE: usize = 72;
const STATE: usize = 1;
const RETRIES: usize = 3;
const QUEUED: usize = 60;
const INET_DIAG_INFO: u16 = 2;
/// The state of a socket that takes connections: the kernel tells of that where there is no such connection.
const TCP_LISTEN: u8 = 10;
/// In a `struct tcp_info` (`linux/tcp.h`).
const LAST_DATA_SENT: usize = 44;
const LAST_ACK_RECEIVED: usize = 56;

/// What the kernel knows of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Bytes wait to be sent or acknowledged.
    is_owed: bool,
    /// How often the other side was asked since it was last heard.
    in_vain: u8,
    silent_for: Duration,
    /// Since the last bytes went to the network.
    sent_ago: Duration,
}

impl Heard {
    /// Whether there is nobody any more.
    pub fn has_vanished(&self) -> bool {
        self.is_owed && self.in_vain >= IN_VAIN && self.silent_for >= SILENCE
    }

    /// For how long the kernel may wait for the other side to take something (`TCP_USER_TIMEOUT`). It asks a paused one seldom,
    /// up to two minutes apart, but at the end of this at the latest; whoever moves this on has it asked often and closed never.
    pub fn patience(&self) -> Duration {
        SILENCE.max(self.sent_ago + ASKED_AGAIN)
    }
}

/// The way to ask the kernel.
#[derive(Debug)]
pub struct Kernel(OwnedFd);

impl Kernel {
    /// Opens it.
    ///
    /// # Errors
    /// Whatever the kernel says: it may have been built without it.
    pub fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let protocol = Some(netlink::SOCK_DIAG);
        Ok(Self(socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, protocol)?))
    }

    /// What it knows of the connection between these two.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none; else whatever the kernel says.
    pub fn heard(&self, here: SocketAddr, there: SocketAddr) -> io::Result<Heard> {
        send(&self.0, &question(here, there), SendFlags::empty())?;
        // It has answered by now, and an answer is a few hundred bytes long.
        let mut answer = [0; 4096];
        let (length, _) = recv(&self.0, &mut answer, RecvFlags::empty())?;
        let answer = answer.get(HEADER..length).unwrap_or_default();
        read(answer).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// A `struct nlmsghdr` and a `struct inet_diag_req_v2`.
fn question(here: SocketAddr, there: SocketAddr) -> Vec<u8> {
    let family = if here.is_ipv4() { AF_INET } else { AF_INET6 };
    let mut asked = vec![family, TCP, 1 << (INET_DIAG_INFO - 1), 0];
    asked.extend(u32::MAX.to_ne_bytes());
    asked.extend(here.port().to_be_bytes());
    asked.extend(there.port().to_be_bytes());
    for address in [here.ip(), there.ip()] {
        let mut bytes = [0; 16];
        match address {
            IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => bytes = address.octets(),
        }
        asked.extend(bytes);
    }
    let interface = if let SocketAddr::V6(there) = there { there.scope_id() } else { 0 };
    asked.extend(interface.to_ne_bytes());
    // No cookie.
    asked.extend([u8::MAX; 8]);
    let length = u32::try_from(HEADER + asked.len()).unwrap_or(u32::MAX);
    let mut question = Vec::from(length.to_ne_bytes());
    question.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    question.extend(NLM_F_REQUEST.to_ne_bytes());
    // Neither a number nor a sender.
    question.extend([0; 8]);
    question.extend(asked);
    question
}

/// What a `struct inet_diag_msg` and its attributes say; none of that is in the answer that there is no such connection.
fn read(message: &[u8]) -> Option<Heard> {
    if *message.get(STATE)? == TCP_LISTEN {
        return None;
    }
    let number = |bytes: &[u8], at: usize| {
        let four = bytes.get(at..at + 4)?;
        Some(u32::from_ne_bytes(four.try_into().ok()?))
    };
    let mut attributes = message.get(MESSAGE..)?;
    let info = loop {
        let head = number(attributes, 0)?.to_ne_bytes();
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        if u16::from_ne_bytes([head[2], head[3]]) == INET_DIAG_INFO {
            break attributes.get(4..length)?;
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    };
    let ago = |at| number(info, at).map(|ms| Duration::from_millis(ms.into()));
    Some(Heard {
        is_owed: number(message, QUEUED)? > 0,
        in_vain: *message.get(RETRIES)?,
        silent_for: ago(LAST_ACK_RECEIVED)?,
        sent_ago: ago(LAST_DATA_SENT)?,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        thread::sleep,
    };

    use super::*;

    #[test]
    fn the_kernel_tells_what_it_knows_of_connections_in_every_family() {
        for listens in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
            let listener = TcpListener::bind(listens).unwrap();
            let port = listener.local_addr().unwrap().port();
            let to = if listens.starts_with("[::1") {
                format!("[::1]:{port}")
            } else {
                format!("127.0.0.1:{port}")
            };
            let mut player = TcpStream::connect(to).unwrap();
            let (mut socket, there) = listener.accept().unwrap();
            let here = socket.local_addr().unwrap();
            let kernel = Kernel::open().unwrap();
            socket.write_all(b"a").unwrap();
            player.read_exact(&mut [0]).unwrap();
            sleep(Duration::from_millis(20));
            let heard = kernel.heard(here, there).unwrap();
            assert!(!heard.is_owed && heard.sent_ago >= Duration::from_millis(20), "{listens}: {heard:?}");
            socket.set_nonblocking(true).unwrap();
            while socket.write(&[0; 16_384]).is_ok() {}
            let owed = kernel.heard(here, there).unwrap();
            assert!(owed.is_owed && owed.silent_for < Duration::from_secs(5), "{listens}: {owed:?}");
            assert!(!owed.has_vanished() && owed.patience() == SILENCE, "{listens}: {owed:?}");
            let nowhere = SocketAddr::new(there.ip(), 1);
            assert_eq!(kernel.heard(here, nowhere).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn who_answers_is_paused_and_who_does_not_has_vanished() {
        let heard = |is_owed, in_vain, silent: u64, sent: u64| Heard {
            is_owed,
            in_vain,
            silent_for: Duration::from_secs(silent),
            sent_ago: Duration::from_secs(sent),
        };
        assert!(heard(true, 2, 30, 400).has_vanished());
        assert!(!heard(true, 2, 29, 400).has_vanished(), "not for half a minute yet");
        assert!(!heard(true, 1, 40, 400).has_vanished(), "it was only just asked");
        assert!(!heard(false, 9, 4_000, 4_000).has_vanished(), "nothing waits for it: keep-alive asks");
        assert_eq!(heard(true, 0, 5, 400).patience(), Duration::from_secs(412));
        assert_eq!(heard(true, 0, 5, 3).patience(), SILENCE);
    }
}
