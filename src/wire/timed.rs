//! Around every request: its path is tidied, its body comes in time, and its connection knows whose turn it is.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::{ConnectionType, header},
    middleware::Next,
    web::Bytes,
};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    connection::{Known, PATIENCE, Serving, Turn},
    path,
};

/// So long may a body take at least.
const WHOLE: Duration = Duration::from_secs(30);
/// A larger one may take a second longer for each of this many bytes that have come.
const BYTES_A_SECOND: u64 = 16 << 10;

/// Serves a request: with a body that fails with [`io::ErrorKind::TimedOut`] where its client waits too long; and
/// on a connection beyond the ordinary ones only what the operator needs.
pub async fn request(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    path::merge_slashes(&mut request);
    let known = request.conn_data::<Known>().cloned();
    let serving = known.as_ref().map(|known| known.turn.ours());
    let is_spare = known.as_ref().is_some_and(|known| known.is_spare);
    if is_spare && !is_operators(request.path()) {
        let busy = HttpResponse::ServiceUnavailable()
            .insert_header((header::RETRY_AFTER, 10))
            .force_close()
            .body("Too many connections are open");
        return Ok(request.into_response(busy));
    }
    match request.take_payload() {
        Payload::None => {}
        payload => {
            let timed: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> =
                Box::pin(InTime::new(payload, known.map(|known| known.turn)));
            request.set_payload(timed.into());
        }
    }
    let mut response = next.call(request).await?;
    if is_spare {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response.map_body(|_, body| BoxBody::new(Served { body: body.boxed(), _serving: serving })))
}

fn is_operators(path: &str) -> bool {
    let path = path.trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    matches!(first, "healthz" | "metrics" | "panel")
}

/// A body that comes in time or fails.
struct InTime {
    payload: Payload,
    /// Where it says whether it is waited for.
    turn: Option<Turn>,
    begun: Instant,
    bytes: u64,
    until: Instant,
    /// Rings then; only a body that is waited for has one.
    bell: Option<Pin<Box<Sleep>>>,
}

impl InTime {
    fn new(payload: Payload, turn: Option<Turn>) -> Self {
        let begun = Instant::now();
        Self { payload, turn, begun, bytes: 0, until: begun + PATIENCE, bell: None }
    }

    fn wants(&self, more: bool) {
        if let Some(turn) = &self.turn {
            turn.want_body(more);
        }
    }

    fn deadline(&self) -> Instant {
        let whole = WHOLE + Duration::from_secs(self.bytes / BYTES_A_SECOND);
        (Instant::now() + PATIENCE).min(self.begun + whole)
    }

    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let until = self.until;
        let bell = self.bell.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if bell.deadline() != until {
            bell.as_mut().reset(until);
        }
        bell.as_mut().poll(context).is_ready()
    }
}

impl Stream for InTime {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.payload).poll_next(context);
        self.wants(next.is_pending());
        match next {
            Poll::Ready(Some(Ok(bytes))) => {
                self.bytes += bytes.len() as u64;
                self.until = self.deadline();
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Pending if self.is_late(context) => {
                if let Some(turn) = &self.turn {
                    turn.body_is_late();
                }
                Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
            }
            next => next,
        }
    }
}

impl Drop for InTime {
    fn drop(&mut self) {
        self.wants(false);
    }
}

/// An answer that holds its connection's turn until it is whole.
struct Served {
    body: BoxBody,
    _serving: Option<Serving>,
}

impl MessageBody for Served {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
