//! Thousands of viewers on one thread: epoll, large reads, and a look at every packet.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::event::{Timespec, epoll};

const PACKET: usize = 188;
/// What one read takes at most.
const READ: usize = 512 << 10;

/// Sockets that one thread reads.
pub struct Sockets {
    epoll: OwnedFd,
    open: Vec<TcpStream>,
    buffer: Vec<u8>,
}

impl Sockets {
    pub fn new() -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        Self { epoll, open: Vec::new(), buffer: vec![0; READ] }
    }

    /// Connects and sends a request; the socket's place counts from 0.
    pub fn open(&mut self, address: &str, request: &str) {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let place = epoll::EventData::new_u64(self.open.len() as u64);
        epoll::add(&self.epoll, &socket, place, epoll::EventFlags::IN).unwrap();
        self.open.push(socket);
    }

    /// Reads whatever comes for so long; `take` is given the socket's place, the socket and the bytes.
    pub fn read_for(&mut self, time: Duration, mut take: impl FnMut(usize, &mut TcpStream, &[u8])) {
        let end = Instant::now() + time;
        let mut events = Vec::with_capacity(256);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let left = Timespec::try_from(left).unwrap();
            let spare = rustix::buffer::spare_capacity(&mut events);
            epoll::wait(&self.epoll, spare, Some(&left)).unwrap();
            for event in events.drain(..) {
                let place = event.data.u64() as usize;
                let socket = &mut self.open[place];
                match socket.read(&mut self.buffer) {
                    Ok(0) => panic!("the server closed connection {place}"),
                    Ok(length) => take(place, socket, &self.buffer[..length]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => panic!("connection {place}: {error}"),
                }
            }
        }
    }
}

/// The beginning of an answer, until its head is complete.
#[derive(Default)]
pub struct Head(Vec<u8>);

impl Head {
    /// Takes bytes in; once the head is complete, its text and what follows it.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<(String, Vec<u8>)> {
        self.0.extend_from_slice(bytes);
        let end = self.0.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let rest = self.0.split_off(end);
        let head = String::from_utf8(std::mem::take(&mut self.0)).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        Some((head, rest))
    }
}

/// One viewer of an endless transport stream, who counts on the continuity of every packet.
#[derive(Default)]
pub struct Viewer {
    head: Option<Head>,
    partial: Vec<u8>,
    counters: Vec<(u16, u8)>,
    /// Bytes of the stream.
    pub bytes: u64,
    /// Places where packets are missing, are out of order or came twice.
    pub breaks: u64,
    /// When the first key frame began to come.
    pub began: Option<Instant>,
}

impl Viewer {
    pub fn new() -> Self {
        Self { head: Some(Head::default()), ..Self::default() }
    }

    pub fn take(&mut self, bytes: &[u8]) {
        let Some(head) = &mut self.head else { return self.stream(bytes) };
        if let Some((_, rest)) = head.feed(bytes) {
            self.head = None;
            self.stream(&rest);
        }
    }

    fn stream(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if !self.partial.is_empty() {
            let missing = (PACKET - self.partial.len()).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.partial.len() < PACKET {
                return;
            }
            let packet = std::mem::take(&mut self.partial);
            self.packet(&packet);
        }
        let packets = bytes.chunks_exact(PACKET);
        self.partial.extend_from_slice(packets.remainder());
        packets.for_each(|packet| self.packet(packet));
    }

    fn packet(&mut self, packet: &[u8]) {
        assert_eq!(packet[0], 0x47, "not a transport stream");
        let pid = u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]);
        let (has_adaptation, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        let counter = packet[3] & 0x0F;
        match self.counters.iter_mut().find(|(known, _)| *known == pid) {
            Some((_, last)) => {
                // A packet without a payload does not count on (ISO/IEC 13818-1, 2.4.3.3).
                self.breaks += u64::from(counter != (*last + u8::from(has_payload)) & 0x0F);
                *last = counter;
            }
            None => self.counters.push((pid, counter)),
        }
        let begins_unit = packet[1] & 0x40 != 0;
        if self.began.is_none() && begins_unit && has_adaptation && packet[4] > 0 && packet[5] & 0x40 != 0 {
            self.began = Some(Instant::now());
        }
    }
}
