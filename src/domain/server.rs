//! Servers: the main server and load balancers.

use super::{
    Resource,
    ids::ServerId,
    net::Address,
    number::Port,
    text::{Name, Notes},
};

record! {
    /// A server of the operator. Server 1 is the main server, every other a load balancer.
    pub struct Server / ServerChange, ServerId, Resource::Servers;
    /// What it is called.
    name: Name,
    /// Its public address, v4 or v6.
    server_ip: Address,
    /// Its address inside the operator's network; may be empty.
    vpn_ip: Option<Address>,
    /// The port on which it answers HTTP.
    http_port: Port,
    /// Free notes.
    notes: Notes,
}

impl ServerId {
    /// The main server: this program itself.
    pub const MAIN: Self = Self(1);
}
