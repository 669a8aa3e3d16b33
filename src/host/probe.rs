//! Whether another server answers.

use std::{net::SocketAddr, time::Duration};

use awc::{Client, error::SendRequestError};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks servers whether they are there. It belongs to one thread.
pub struct Prober(Client);

impl Default for Prober {
    fn default() -> Self {
        let client = Client::builder().disable_redirects().add_default_header(("User-Agent", "Linecard"));
        Self(client.timeout(PATIENCE).finish())
    }
}

impl Prober {
    /// Asks one; any answer in HTTP is one.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub async fn ask(&self, address: SocketAddr) -> Result<(), String> {
        // A connection of its own each time: a kept one would say nothing about new viewers.
        let request = self.0.get(format!("http://{address}/")).force_close().send();
        match tokio::time::timeout(PATIENCE, request).await {
            Ok(Ok(_)) => Ok(()),
            Err(_) | Ok(Err(SendRequestError::Timeout)) => {
                Err(format!("{address} does not answer within {} seconds", PATIENCE.as_secs()))
            }
            Ok(Err(error)) => Err(format!("{address} does not answer: {error}")),
        }
    }
}
