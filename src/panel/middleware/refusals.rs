//! Pages and writes that somebody who is signed in may not have, in the login log.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
    rt,
};

use crate::panel::kit::caller::Caller;

/// Notes every 403 of somebody who is signed in.
pub async fn note(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    if response.status() == StatusCode::FORBIDDEN {
        let request = response.request();
        if let Some((ops, who)) = Caller::signed_in(request) {
            let asked = format!("{} {}", request.method(), request.path());
            // Nobody waits for it.
            rt::spawn(async move {
                if let Err(error) = ops.note_not_allowed(&who, &asked).await {
                    log::warn!("the login log: {error}");
                }
            });
        }
    }
    Ok(response)
}
