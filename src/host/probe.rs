//! Whether a server answers, this one or another.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Asks a server for a path, over a connection of its own: a kept one would say nothing about new viewers. Any answer in HTTP is
/// one; its status. Redirects are not followed.
///
/// # Errors
/// What went wrong within that time, in words.
pub async fn status(address: SocketAddr, path: &str, patience: Duration) -> Result<u16, String> {
    match tokio::time::timeout(patience, ask(address, path)).await {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(error)) => Err(format!("{address} does not answer: {error}")),
        Err(_) => Err(format!("{address} does not answer within {} seconds", patience.as_secs())),
    }
}

/// Where this machine reaches a server of its own that listens there.
pub fn from_here(listen: SocketAddr) -> SocketAddr {
    let loopback = if listen.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    if listen.ip().is_unspecified() { SocketAddr::new(loopback, listen.port()) } else { listen }
}

async fn ask(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Linecard\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    // `HTTP/1.1 200`: no more is read, however much it sends.
    let mut begin = [0; 12];
    socket.read_exact(&mut begin).await.map_err(|_| io::Error::other("it closed the connection"))?;
    let status = begin.strip_prefix(b"HTTP/1.").and_then(|rest| std::str::from_utf8(rest.get(2..)?).ok());
    let status = status.and_then(|digits| digits.parse().ok()).filter(|status| (100..1000).contains(status));
    status.ok_or_else(|| io::Error::other("what it sends is not HTTP"))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What is said of one that sends this and closes.
    async fn told(answer: &'static str) -> Result<u16, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let length = socket.read(&mut asked).await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let told = status(address, "/x", Duration::from_secs(5)).await;
        assert!(answers.await.unwrap().starts_with("GET /x HTTP/1.1\r\nHost: 127.0.0.1:"));
        told
    }

    #[tokio::test]
    async fn any_answer_in_http_is_one_and_nothing_else() {
        assert_eq!(told("HTTP/1.1 204 No Content\r\n\r\n").await, Ok(204));
        assert_eq!(told("HTTP/1.0 404 Not Found\r\n\r\nnone").await, Ok(404));
        for (answer, says) in [
            ("SSH-2.0-OpenSSH_9.2\r\n", "what it sends is not HTTP"),
            ("HTTP/1.1 +20 Odd\r\n", "what it sends is not HTTP"),
            ("HTTP/1.1 2", "it closed the connection"),
            ("", "it closed the connection"),
        ] {
            assert!(
                told(answer).await.unwrap_err().ends_with(&format!("does not answer: {says}")),
                "{answer}"
            );
        }
    }
}
