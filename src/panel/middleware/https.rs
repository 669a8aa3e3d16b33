//! Pages are read over TLS as soon as there is HTTPS: whoever asks for one in clear is led there.

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};

use crate::{ops::Ops, wire::https};

/// For so long browsers remember it, from the last page on: 30 days. Never for subdomains, which are others' business.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=2592000");

/// Leads to HTTPS whoever asks in clear, and tells browsers to stay there where nothing else of the host suffers from that.
pub async fn lead(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    if let Some(response) = elsewhere(request.request()) {
        return Ok(request.into_response(response).map_into_right_body());
    }
    let wanted = request.app_data::<Data<Ops>>().is_some_and(|ops| ops.snapshot().settings.hsts);
    let is_strict = https::is_strict(request.request(), wanted);
    let mut response = next.call(request).await?;
    if is_strict {
        let name = HeaderName::from_static("strict-transport-security");
        response.headers_mut().insert(name, STRICT);
    }
    Ok(response.map_into_left_body())
}

/// Where to, if the page is not served here. What was typed in clear is not sent on: the browser begins anew.
pub fn elsewhere(request: &HttpRequest) -> Option<HttpResponse> {
    let settings = &request.app_data::<Data<Ops>>()?.snapshot().settings;
    let panel_url = settings.panel_url.as_ref().map(|url| url.as_str());
    let (status, path) = if request.method().is_safe() {
        (StatusCode::FOUND, request.uri().path_and_query().map_or("/panel/", |path| path.as_str()))
    } else {
        (StatusCode::SEE_OTHER, "/panel/")
    };
    let to = https::instead(request, panel_url, path)?;
    let mut response = HttpResponse::build(status);
    Some(
        response
            .insert_header((header::LOCATION, to))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish(),
    )
}
