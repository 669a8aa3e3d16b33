//! Signing in and out.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Data, ServiceConfig, resource},
};
use askama::Template;

use crate::{
    ops::{
        Ops,
        people::sign_in::{From, Rejected},
    },
    panel::{
        kit::{
            assets,
            caller::{BROWSER, Caller, SESSION, inside, keep, session_cookie},
            error::{Reply, render},
            sent::{Query, Sent},
        },
        moved,
    },
    wire::visitor::Visitor,
};

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/login").get(ask).post(sign_in)).service(resource("/logout").post(sign_out));
}

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    style: String,
    favicon: String,
    icons: String,
    operator: String,
    problem: Option<String>,
    username: String,
    next: String,
}

fn login(ops: &Ops, username: &str, next: &str, problem: Option<String>) -> Login {
    let operator = ops.snapshot().settings.operator_name.as_str().to_owned();
    Login {
        style: assets::STYLE.url(),
        favicon: assets::FAVICON.url(),
        icons: assets::ICONS.url(),
        operator: if operator.is_empty() { "Linecard".into() } else { operator },
        problem,
        username: username.to_owned(),
        next: inside(next).to_owned(),
    }
}

async fn ask(ops: Data<Ops>, query: Query) -> HttpResponse {
    let ended = "Your session has ended, and what you sent was not done. Sign in, and send it again.";
    let problem = (query.text("not_done") == "1").then(|| ended.to_owned());
    render(StatusCode::OK, &login(&ops, "", query.text("next"), problem))
}

async fn sign_in(request: HttpRequest, ops: Data<Ops>, from: Visitor, sent: Sent) -> Reply {
    let (username, next) = (sent.text("username"), sent.text("next"));
    let browser = request.cookie(BROWSER);
    let from = From {
        address: from.address,
        agent: &from.agent,
        browser: browser.as_ref().map(actix_web::cookie::Cookie::value),
    };
    let tried = ops.sign_in(username, sent.text("password").to_owned(), &from).await;
    let mut wait = None;
    let (status, problem) = match tried {
        Ok(tokens) => {
            // The session that this browser had is replaced, not left behind.
            if let Some(old) = request.cookie(SESSION)
                && let Some(who) = ops.signed_in(old.value(), from.address)?
            {
                ops.sign_out(&who).await;
            }
            let mut response = moved(inside(next));
            keep(&mut response, &request, tokens);
            return Ok(response);
        }
        Err(Rejected::Wrong) => (StatusCode::UNAUTHORIZED, "Wrong username or password.".to_owned()),
        Err(Rejected::Disabled) => {
            (StatusCode::FORBIDDEN, "This administrator is disabled: ask the operator.".to_owned())
        }
        Err(Rejected::Blocked(left)) => {
            let seconds = left.as_secs() + 1;
            wait = Some(seconds);
            let problem = format!(
                "Too many wrong passwords: wait {seconds} seconds, or ask the operator to lift the block."
            );
            (StatusCode::TOO_MANY_REQUESTS, problem)
        }
        Err(Rejected::Failed(error)) if error.is_busy() => {
            wait = Some(2);
            let problem = "The server is busy, and nobody was signed in: try again in a moment.";
            (StatusCode::SERVICE_UNAVAILABLE, problem.to_owned())
        }
        Err(Rejected::Failed(error)) => return Err(error.into()),
    };
    let mut response = render(status, &login(&ops, username, next, Some(problem)));
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// The cookie is taken away whatever the database does.
async fn sign_out(request: HttpRequest, caller: Caller) -> HttpResponse {
    caller.ops.sign_out(&caller.signed_in).await;
    let mut response = moved("/panel/login");
    let _ = response.add_cookie(&session_cookie(&request, String::new()));
    response
}
