//! /healthz: whether the server lives and is ready, for load balancers, containers and people. It asks for no key, and tells strangers
//! neither paths nor sizes nor errors.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, HeaderValue},
    },
    web::{self, Data, ServiceConfig},
};
use serde_json::{Value, json};

use crate::{
    ops::{
        Ops,
        machine::health::{Check, Verdict, worst},
    },
    store::SCHEMA_VERSION,
};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/healthz", web::get().to(serves))
        .route("/healthz/live", web::get().to(lives))
        .route("/healthz/ready", web::get().to(ready));
}

/// Whether it serves: the database can be read.
async fn serves(ops: Data<Ops>) -> HttpResponse {
    let health = web::block(move || ops.healthy()).await;
    let (status, word) = match health {
        Ok(Ok(())) => (StatusCode::OK, "ok"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "database error"),
    };
    reply(status, &about(word))
}

/// Whether the program answers at all: nothing is looked at, so nothing that a restart would not mend ends it.
async fn lives() -> HttpResponse {
    reply(StatusCode::OK, &about("ok"))
}

/// Whether everything is there that it needs for its work.
async fn ready(ops: Data<Ops>) -> HttpResponse {
    let checks = ops.readiness().await;
    let (status, word) = match worst(&checks) {
        Verdict::Good => (StatusCode::OK, "ok"),
        Verdict::Warning => (StatusCode::OK, "degraded"),
        Verdict::Bad => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    let mut body = about(word);
    body["checks"] = checks.iter().map(shown).collect();
    reply(status, &body)
}

fn about(status: &str) -> Value {
    json!({ "status": status, "version": env!("CARGO_PKG_VERSION"), "schema": SCHEMA_VERSION })
}

fn shown(check: &Check) -> Value {
    json!({ "name": check.name, "state": check.verdict.name(), "says": check.says })
}

fn reply(status: StatusCode, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::build(status).json(body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
