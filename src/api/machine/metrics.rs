//! `/metrics`: how the server fares, for Prometheus and the like.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{ACCEPT, CACHE_CONTROL},
    },
    web::Data,
};

use crate::{
    api::{
        access::{ApiAccess, bearer},
        reply,
    },
    domain::people::rights::Access,
    ops::{Ops, machine::metrics::Form},
    wire::visitor,
};

/// Answers `/metrics`: an address of `metrics_allow` without a key, anybody else as a call.
pub async fn entry(request: HttpRequest, ops: Data<Ops>) -> HttpResponse {
    match answer(&request, Ops::clone(&ops)).await {
        Ok(response) | Err(response) => response,
    }
}

async fn answer(request: &HttpRequest, ops: Ops) -> Result<HttpResponse, HttpResponse> {
    let key = bearer(request);
    let guest = if key.is_none() { ops.may_scrape(visitor::address(request)) } else { None };
    let actor = if let Some(actor) = guest {
        actor
    } else {
        let access = ApiAccess::new(ops.clone());
        let address = access.address(request, Access::Read)?;
        access.caller(key, address).await?
    };
    let by_stream = request.query_string().split('&').any(|pair| pair == "streams=1");
    let accepted: Vec<&str> =
        request.headers().get_all(ACCEPT).filter_map(|accept| accept.to_str().ok()).collect();
    let form = wanted(&accepted.join(","));
    let text = ops.metrics(&actor, by_stream, form).await;
    // Whoever scrapes looks at the status: no PHP that would lose the body.
    let text = text.map_err(|error| reply::failure(StatusCode::FORBIDDEN, &reply::text(&error)))?;
    let content_type = match form {
        Form::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };
    Ok(HttpResponse::Ok().content_type(content_type).insert_header((CACHE_CONTROL, "no-store")).body(text))
}

/// The form that is liked best of both; Prometheus's own where nothing is said.
fn wanted(accepted: &str) -> Form {
    let liking = |kind: &str| {
        let quality = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            if parts.next() != Some(kind) {
                return None;
            }
            let given = parts.find_map(|part| part.strip_prefix("q="));
            Some(given.map_or(1.0, |given| given.parse::<f64>().unwrap_or(0.0)))
        };
        accepted.split(',').filter_map(quality).fold(0.0, f64::max)
    };
    let open = liking("application/openmetrics-text");
    if open > 0.0 && open >= liking("text/plain") { Form::OpenMetrics } else { Form::Prometheus }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_is_liked_best() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5, text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (accepted, open) in [
            ("", false),
            ("*/*", false),
            ("text/plain", false),
            ("application/openmetrics-text", true),
            (prometheus, true),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.3", false),
            ("application/openmetrics-text;q=0", false),
            ("application/openmetrics-text;q=x", false),
        ] {
            assert_eq!(wanted(accepted) == Form::OpenMetrics, open, "{accepted}");
        }
    }
}
